# policy-ask.bats - every option, and each way in which a server is known to answer otherwise than asked.
load helpers

setup_file() {
	mkfifo "$BATS_FILE_TMPDIR/servers"
	/usr/bin/python3 "$root/tests/cli/server.py" --fork "$BATS_FILE_TMPDIR/servers" 3>&- >"$BATS_FILE_TMPDIR/out" 2>&1 &
	export FORKS=$!
}

teardown_file() {
	kill "$FORKS"
}

setup() {
	mkdir "$BATS_TEST_TMPDIR/work" && cd "$BATS_TEST_TMPDIR/work"
	cat >tasks.jsonl <<-'END'
		{"id":"a","prompt":"How much is 17 + 25?","answer":"42","verifier":"number"}
		{"id":"b","messages":[{"role":"user","content":"3 + 4"}],"answer":"7","verifier":"number","meta":{"k":1}}
		{"id":"c","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"8 + 1"}],"answer":"9","verifier":"number"}
	END
	pids=()
}

teardown() {
	[ ${#pids[@]} -eq 0 ] || kill -9 "${pids[@]}" 2>/dev/null || true
}

# start [OPTION ...]: a server, whose process is the last of $pids; it will listen
start() {
	rm -f port pid
	kill -0 "$FORKS" || { cat "$BATS_FILE_TMPDIR/out"; return 1; }
	echo "$PWD $*" >"$BATS_FILE_TMPDIR/servers"
	until [ -e pid ]; do sleep 0.01; done
	pids+=("$(cat pid)")
}

# serve [OPTION ...]: the same, with an empty log, and it listens; its URL is $U
serve() {
	rm -f log.jsonl
	start "$@"
	until [ -e port ]; do
		kill -0 "${pids[-1]}" || { cat server.out; return 1; }
		sleep 0.01
	done
	U=http://127.0.0.1:$(cat port)
}

ask() {
	policy-ask -u "$U" -t tasks.jsonl --max-new 20 "$@"
}

# faults NAME ...: a server with these, another than before
faults() {
	[ ${#pids[@]} -eq 0 ] || kill -9 "${pids[-1]}" 2>/dev/null || true
	local f args=()
	for f; do args+=(--fault "$f"); done
	serve --kind "${kind:-vllm}" "${args[@]}"
}

# keys A,B: of the stream out, in one order
keys() {
	traj-cat -c "$1" "${2:-out}" | sort
}

# holds FILTER: jq's word on the requests that were made
holds() {
	jq -es "$1" log.jsonl >/dev/null || { cat log.jsonl; return 1; }
}

# each N: the file out is whole, and has N samples of each problem, each once
each() {
	traj-cat --check "${2:-out}"
	[ "$(keys task,sample "${2:-out}")" = "$(for t in a b c; do seq -f "$t	%g" 0 $(($1 - 1)); done | sort)" ]
}

# lost N TEXT: N records were given up, and say TEXT
lost() {
	[ "$(traj-cat out | jq -c 'select(.verdict == "unanswered" and .reward == null and .response == "")' | wc -l)" = "$1" ]
	[[ $(traj-cat out | jq -r '.why // empty') == *"$2"* ]]
}

@test "ask, score, pass@k: each problem n times, ids and log-probabilities, unjudged" {
	serve --kind vllm
	status_is 0 ask -n 6
	cp "$BATS_TEST_TMPDIR/out" stream
	each 6 stream
	traj-cat stream | jq -es 'all((.tokens | length) == (.logprobs | length) and (.tokens | length) > 1
		and (.prompt_tokens | length) > 0 and .temperature == 1 and .top_p == 1 and .top_k == 0
		and (has("reward") or has("verdict") or has("policy") or has("step") | not)
		and .model == "toy" and .verifier == "number") and any(.response | test("日"))' >/dev/null
	[ "$(keys prompt stream | sort -u | wc -l)" = 3 ]
	traj-cat stream | jq -es 'map(select(.task == "b"))[0] | .prompt == "3 + 4" and .meta.k == 1' >/dev/null
	traj-score -q stream | traj-cat | jq -es 'all(.verdict == "ok") and any(.reward == 1) and any(.reward == 0)' >/dev/null
	traj-score -q stream | pass-at-k -q -k 1,6 | tail -n +2 | grep -q 'pass@6'
}

@test "--samples, --seed: what a sample is depends on both alone; more begin with the same" {
	serve
	ask -q -n 4 -s 3 >out
	keys task,sample,response >many
	ask -q -n 2 -s 3 --concurrency 1 | traj-cat -c task,sample,response | sort >few
	[ "$(comm -12 few many | wc -l)" = 6 ]
	ask -q --samples 4 --seed 4 >out
	not cmp -s <(keys task,sample,response) many
	holds 'all(.body.seed >= 0 and .body.seed < 2147483648) and ([.[].body.seed] | unique | length) > 20'
}

@test "--prompt: one problem" {
	serve
	policy-ask -q -u "$U" --prompt '2 + 2' -n 2 >out
	[ "$(keys task,prompt | sort -u)" = "prompt	2 + 2" ]
	status_is 2 policy-ask -u "$U"
	status_is 2 policy-ask --prompt x
	status_is 2 policy-ask -u "$U" -t tasks.jsonl --prompt x
	status_is 2 ask operand
}

@test "--url: with and without /v1, or an endpoint; another form is refused, a password above all" {
	serve
	for u in "$U" "$U/" "$U/v1" "$U/v1/chat/completions"; do
		policy-ask -q --url "$u" -t tasks.jsonl >out
	done
	holds 'length == 12 and all(.path == "/v1/chat/completions")'
	for u in localhost:1 ftp://h http:// "http://me:secret@h" "http://h/v1?key=secret"; do
		status_is 2 policy-ask -u "$u" -t tasks.jsonl
		[[ $stderr != *secret* ]]
	done
}

@test "a terminal gets no records, a missing file of problems is told" {
	serve
	status_is 4 policy-ask -u "$U" -t none.jsonl
	echo '{"id":"a"}' >bad.jsonl
	status_is 3 policy-ask -u "$U" -t bad.jsonl
}

# ---- what is sent ----

@test "all that shapes the distribution is sent to servers that know it, neutral unless asked" {
	serve --kind vllm
	ask -q >out
	holds 'all(.body | .min_p == 0 and .repetition_penalty == 1 and .presence_penalty == 0
		and .frequency_penalty == 0 and .top_k == -1 and .top_p == 1 and .temperature == 1
		and .max_tokens == 20 and (has("stream") or has("stop") or has("n") | not))'
	kind=llama faults
	ask -q >out
	holds 'all(.body | .min_p == 0 and .repeat_penalty == 1 and .top_k == 0 and (has("repetition_penalty") | not))'
}

@test "a server that knows OpenAI's keys alone is sent no others" {
	serve --kind openai
	ask -q >out
	each 1
	holds 'all(.body | has("top_k") or has("min_p") or has("return_token_ids") | not)'
	traj-cat out | jq -es 'all(has("top_k") or has("tokens") or has("logprobs") | not)' >/dev/null
	kind=transformers faults
	ask -q >out
	each 1
	status_is 2 ask --top-k 5
	says "--top-k"
}

@test "--server: what is sent, whatever the list of models says" {
	serve --kind openai
	status_is 3 ask --server vllm
	says "unknown: "
	holds 'all(.body | has("return_token_ids"))'
	status_is 2 ask --server gpt
}

@test "--temperature, --top-p, --top-k, --max-new, --greedy: sent and recorded" {
	serve
	ask -q --temperature 0.5 --top-p 0.9 --top-k 7 >out
	holds 'all(.body | .temperature == 0.5 and .top_p == 0.9 and .top_k == 7)'
	[ "$(keys temperature,top_p,top_k | sort -u)" = "0.5	0.9	7" ]
	ask -q --greedy --max-new 2 >out
	[ "$(keys temperature,finish | sort -u)" = "0.0	length" ]
	status_is 2 ask --greedy -n 2
	status_is 2 ask --temperature 0.001
	status_is 0 ask --max-new 2
	says "reached --max-new 2"
}

@test "--body: keys besides; null leaves one of ours out; what an option is for is refused" {
	serve
	ask -q --body 'extra={"a":[1]}' --body min_p=0.1 --body temperature=null >out
	holds 'all(.body | .extra.a == [1] and .min_p == 0.1 and (has("temperature") | not))'
	traj-cat out | jq -es 'all(has("temperature") or has("logprobs") | not)' >/dev/null
	for b in temperature=1 nonsense 'x=' '=1' 'x={' 'stream=true'; do
		status_is 2 ask --body "$b"
	done
}

@test "--model, and which one when it is not given" {
	serve
	ask -q --model other >out
	holds 'all(.body.model == "other")'
	[ "$(keys model | sort -u)" = other ]
	faults models
	status_is 2 ask
	says "toy, other: --model"
	ask -q --model toy >out
	faults nomodel
	status_is 2 ask
	faults nolist
	status_is 3 ask
	says "HTTP 404"
	ask -q --model toy >out
	each 1
}

@test "--stop: the response ends before it, and is not called stopped by the end token" {
	for kind in vllm sglang llama transformers; do
		faults
		ask -q -n 4 --stop ' is' --stop '?' >out
		holds 'all(.body.stop == [" is", "?"])'
		traj-cat out | jq -es 'all(.response | contains(" is") | not) and any(has("finish") | not)' >/dev/null
	done
	kind=vllm faults
	ask -q -n 8 --stop '日' >out # who says which it was is believed
	traj-cat out | jq -es 'any(.finish == "stop") and all(.finish == "stop" or (has("finish") | not))' >/dev/null
}

@test "--completions: prompts as they are; messages need -p, whose template makes a text of them" {
	fixture base
	serve
	cp -r "$FIX/base" chatty
	printf '%s' "{% for m in messages %}({{ m['content'] }})={% endfor %}" >chatty/chat_template.jinja
	status_is 3 ask --completions
	says "task b: it has messages"
	sed -n 1p tasks.jsonl >one.jsonl
	policy-ask -q -u "$U" -t one.jsonl --completions >out
	holds 'all(.path == "/v1/completions" and .body.prompt == "How much is 17 + 25?" and .body.logprobs == 1)'
	traj-cat out | jq -es 'all((.prompt_tokens | length) > 0 and (.logprobs | length) == (.tokens | length))' >/dev/null
	echo '{"id":"m","messages":[{"role":"user","content":"3 4"}]}' >m.jsonl
	rm log.jsonl
	policy-ask -q -u "$U" -t m.jsonl --completions -p chatty >out
	holds 'all(.body.prompt == "(3 4)=")'
	policy-ask -q -u "$U" -t m.jsonl --policy chatty | traj-cat | jq -es 'all(.prompt == "(3 4)=")' >/dev/null
	holds 'map(select(.path == "/v1/chat/completions") | .body.messages[0].content) == ["3 4"]'
}

@test "--prompt-template, --template-arg, --continue-final" {
	serve
	ask -q --prompt-template 'Now: {prompt}!' --template-arg enable_thinking=false >out
	holds 'all(.body.chat_template_kwargs == {"enable_thinking": false}) and all(.body.messages[-1].content | startswith("Now: ") and endswith("!"))'
	keys prompt | grep -qx 'Now: 3 + 4!'
	status_is 2 ask --prompt-template nothing
	status_is 2 ask --template-arg x
	echo '{"id":"o","messages":[{"role":"user","content":"1+1"},{"role":"assistant","content":"It is"}],"chat_template_kwargs":{"enable_thinking":true}}' >open.jsonl
	status_is 3 policy-ask -u "$U" -t open.jsonl
	says "--continue-final"
	rm log.jsonl
	policy-ask -q -u "$U" -t open.jsonl --continue-final --template-arg enable_thinking=false >out
	holds 'all(.body | .continue_final_message == true and .add_generation_prompt == false and .chat_template_kwargs.enable_thinking)'
}

@test "--step, --iter: written into the records" {
	serve
	ask -q --step 7 --iter 2 >out
	[ "$(keys step,iter | sort -u)" = "7	2" ]
}

# ---- how many, and when ----

@test "--concurrency: so many at a time and no more, on as many connections" {
	serve --delay 0.1
	ask -q -n 8 --concurrency 5 >out
	each 8
	holds '(map(.peak) | max) == 5 and ([.[].port] | unique | length) == 5'
	faults
	ask -q -n 2 --concurrency 1 >out
	[ "$(traj-cat -c task,sample out)" = "$(keys task,sample)" ] # then they are in order, too
}

@test "--choices: by their index, whatever their order; more than asked for are left" {
	for f in reverse extra none; do
		faults "$f"
		ask -q -n 5 --choices 3 >out
		each 5
		keys task,sample,response >"$f.txt"
		holds 'length == 6 and all(.body.n | . == 3 or . == 2)'
	done
	cmp reverse.txt none.txt
	cmp extra.txt none.txt
}

@test "n ignored: the others are asked for, each with a seed of its own" {
	kind=llama faults
	status_is 0 ask -n 4 --choices 4 --concurrency 1
	cp "$BATS_TEST_TMPDIR/out" o
	each 4 o
	says "1 of 4"
	[ "$(keys task,response o | sort -u | wc -l)" -gt 6 ]
	holds 'length == 12 and ([.[].body.seed] | unique | length) == 12 and (.[1:] | all(.body | has("n") | not))'
	kind=vllm faults fewer
	ask -q -n 4 --choices 4 >out
	each 4
}

@test "choices without a proper index are no answer" {
	for f in badindex sameindex; do
		faults "$f"
		status_is 3 ask -n 2 --choices 2
		says "index"
		holds 'length == 6' # each twice
	done
}

@test "--timeout: a stalled answer, and one byte after another" {
	faults stall=1
	ask -q --timeout 0.5 >out
	each 1
	faults loris=1
	ask -q --timeout 0.5 >out
	each 1
	faults loris
	status_is 3 ask --timeout 0.3 --concurrency 3
	says "imed out"
	holds 'length == 6'
}

@test "--patience: what may pass is asked again for so long" {
	faults 503=4
	ask -q >out
	each 1
	holds 'length == 7'
	faults 503
	began=$SECONDS
	status_is 3 ask --patience 1
	[ $((SECONDS - began)) -le 4 ]
	says "HTTP 503"
	holds 'length >= 6'
	status_is 3 ask --patience 0
}

@test "--deadline: of the whole run" {
	serve --delay 0.3
	status_is 4 ask -n 50 --concurrency 1 --deadline 1
	says "--deadline"
	cp "$BATS_TEST_TMPDIR/out" out
	status_is 3 traj-cat --check out
	says "no end record"
	status_is 0 ask --deadline 60
}

@test "--max-failures: too many given up end the run" {
	faults 400=1
	status_is 0 ask -n 4
	cp "$BATS_TEST_TMPDIR/out" out
	says "given up: HTTP 400"
	lost 1 "HTTP 400: not so"
	faults 400=1
	status_is 3 ask -n 4 --max-failures 0.05
	says "1 of 12 verdicts are failures (1 unanswered), more than --max-failures 0.05"
	faults 400
	status_is 3 ask -n 200
	holds 'length < 40'
	status_is 0 ask --max-failures 1
}

# ---- answers that are none ----

@test "429 and 503 with Retry-After in seconds or as a date: heeded by all requests" {
	for f in wait date; do
		faults 429=1 "$f"
		ask -q --concurrency 2 >out
		each 1
		holds '(sort_by(.time) | length >= 4 and .[-1].time - .[0].time >= 0.9)'
	done
	faults 429=2
	began=$SECONDS
	ask -q >out
	each 1
	[ $((SECONDS - began)) -le 3 ]
}

@test "408, 502, 504, a lost connection, an answer cut off: asked again" {
	for f in 408=2 502=2 504=2 529=2 drop=3 close=3; do
		faults "$f"
		ask -q >out
		each 1
		traj-cat out | jq -es 'all(has("verdict") | not)' >/dev/null
	done
}

@test "500 twice for one request is its own fault" {
	faults 500=1
	ask -q >out
	each 1
	faults 500=2
	ask -q --concurrency 1 --max-failures 0.5 >out
	each 1
	lost 1 "HTTP 500"
	holds 'length == 4'
}

@test "400, 413, 422: given up at once; a validator's place is told" {
	for f in 400 413 422; do
		faults "$f=1"
		ask -q --max-failures 0.5 >out
		each 1
		lost 1 "HTTP $f: not so"
		holds 'length == 3'
	done
	kind=transformers faults 422=1
	ask -q --max-failures 0.5 >out
	lost 1 "(body.top_k)"
}

@test "401, 404, 405, 403 before any answer, a redirection: the run ends, and says what the server said" {
	for f in 401 403 404 405; do
		faults "$f"
		status_is 3 ask -n 9 --concurrency 1
		says "HTTP $f: not so"
		holds 'length == 1'
	done
	faults redirect
	status_is 3 ask --concurrency 1
	says "HTTP 302"
	holds 'length == 1'
	faults 403=-2
	ask -q --concurrency 1 --max-failures 1 >out
	lost 1 "HTTP 403"
}

@test "what a server says is cut and escaped" {
	faults 400 long
	status_is 3 ask
	[[ $stderr == *'\x1b[31m x x'*' ...'* ]]
	[ ${#stderr} -lt 4000 ]
	kind=sglang faults 400
	status_is 3 ask
	says "HTTP 400: not so"
}

@test "no JSON, half of it, HTML, events, no choices, an error with status 200, half a surrogate: twice, then given up" {
	local said=(half "no JSON" html "text/html" events "text/event-stream" nochoices "no choices"
		error200 "upstream is gone" surrogate "no JSON" nan "no JSON")
	for ((i = 0; i < ${#said[@]}; i += 2)); do
		faults "${said[i]}=1"
		ask -q >out
		each 1
		traj-cat out | jq -es 'all(has("verdict") | not)' >/dev/null
		faults "${said[i]}"
		ask -q --max-failures 1 >out
		each 1
		lost 3 "${said[i + 1]}"
		holds 'length == 6'
	done
}

@test "more than 64 MiB is no answer" {
	faults huge=1
	ask -q >out
	each 1
	faults huge=2
	ask -q --concurrency 1 --max-failures 1 >out
	lost 1 "longer"
}

@test "text/plain, gzip, escaped text, text in parts: read" {
	faults
	ask -q -n 3 >out
	keys task,sample,response >want
	for f in plain gzip escaped parts; do
		faults "$f"
		ask -q -n 3 >out
		keys task,sample,response | cmp - want
	done
}

@test "a connection that the server closed behind an answer is no failure" {
	faults hangup
	ask -q -n 6 --patience 0 --concurrency 2 >out
	each 6
	traj-cat out | jq -es 'all(has("verdict") | not)' >/dev/null
}

@test "no text, a call of a tool, a filter are no samples; broken off or without a reason: asked again" {
	local said=(null "no text" tool "tool_calls" filter "content_filter")
	for ((i = 0; i < ${#said[@]}; i += 2)); do
		faults "${said[i]}=1"
		ask -q --max-failures 1 >out
		each 1
		lost 1 "${said[i + 1]}"
		holds 'length == 3'
	done
	for f in abort nofinish; do
		faults "$f=1"
		ask -q >out
		each 1
		holds 'length == 4'
		faults "$f"
		ask -q --max-failures 1 >out
		lost 3 "no sample"
		holds 'length == 6'
	done
}

@test "a thought that the server took out comes back" {
	faults thought
	ask -q >out
	[ "$(keys response | grep -c '^<think>let me add</think>')" = 3 ]
}

@test "given up is no wrong answer: traj-score leaves it, pass@k leaves it out" {
	faults 400=2
	ask -q -n 4 --concurrency 1 --max-failures 1 >out
	lost 2 "HTTP 400"
	status_is 3 traj-score out
	says "2 unanswered"
	traj-score -q --max-failures 1 out >scored
	traj-cat scored | jq -es 'map(select(.verdict == "unanswered")) | length == 2 and all(has("reward") | not)' >/dev/null
	traj-cat scored | jq -es 'map(select(.verdict == "ok")) | length == 10' >/dev/null
	traj-filter -q --verdict unanswered scored | traj-cat -c task | grep -c a >n
	[ "$(cat n)" = 2 ]
}

@test "given up is nothing to learn or to score: rft-tune and policy-score leave it out" {
	fixture base
	printf '%s\n' '{"task":"t","prompt":"1","response":"","verdict":"unanswered"}' \
		'{"task":"t","prompt":"1","response":"2"}' | traj-cat --from-json >two
	status_is 0 rft-tune -p "$FIX/base" -o P two
	says "1 trajectories have an empty response: left out"
	policy-score -q -p "$FIX/base" two | traj-cat | jq -es 'map(has("logprobs")) == [false, true]' >/dev/null
}

# ---- log-probabilities and ids ----

@test "log-probabilities of another distribution than the drawn one are left out, with one word" {
	faults
	for opts in "--temperature 0.7" "--top-p 0.9" "--top-k 5" "--greedy" "--body min_p=0.1"; do
		# shellcheck disable=SC2086
		status_is 0 ask $opts
		[ "$(grep -c 'no logprobs: servers give' <<<"$stderr")" = 1 ]
		traj-cat "$BATS_TEST_TMPDIR/out" | jq -es 'all(has("tokens") and (has("logprobs") | not))' >/dev/null
	done
	holds 'all(.body | has("logprobs") | not)'
}

@test "SGLang's are behind the temperature and before top-p" {
	kind=sglang faults
	ask -q --temperature 0.7 >out
	traj-cat out | jq -es 'all(has("logprobs"))' >/dev/null
	ask -q --temperature 0.7 --top-p 0.9 >out
	traj-cat out | jq -es 'all(has("logprobs") | not)' >/dev/null
}

@test "--logprobs drawn: the user knows better; none: not asked for" {
	faults
	ask -q --temperature 0.7 --logprobs drawn >out
	traj-cat out | jq -es 'all((.logprobs | length) == (.tokens | length))' >/dev/null
	holds 'all(.body | .logprobs == true and .top_logprobs == 1)'
	rm log.jsonl
	ask -q --logprobs none >out
	holds 'all(.body | has("logprobs") | not)'
	traj-cat out | jq -es 'all(has("logprobs") | not)' >/dev/null
	status_is 2 ask --logprobs raw
}

@test "no ids, no log-probabilities: tokens as text are not encoded again" {
	for kind in openai llamapy; do
		faults
		status_is 0 ask
		[[ $stderr == *"no logprobs: "*"gives no token ids"* ]]
		traj-cat "$BATS_TEST_TMPDIR/out" | jq -es 'all(has("tokens") or has("logprobs") | not)' >/dev/null
	done
	holds 'all(.body.top_logprobs == 1)' # llama-cpp-python gives none without it
}

@test "ids beside the log-probabilities, or in the tokens' names" {
	for f in llama vllm:idtokens; do
		kind=${f%:*}
		faults "${f#*:}"
		ask -q >out
		traj-cat out | jq -es 'all((.tokens | length) > 0 and (.tokens | length) == (.logprobs | length))' >/dev/null
	done
}

@test "log-probabilities of another number than ids, or of nothing: left out, the text is kept" {
	for f in fewerlogs minusinf; do
		faults "$f"
		status_is 0 ask
		says "no logprobs: the server gives"
		traj-cat "$BATS_TEST_TMPDIR/out" | jq -es 'all(has("tokens") and (has("logprobs") | not))' >/dev/null
	done
}

@test "a server that does not draw is told of" {
	kind=transformers faults
	status_is 0 ask -n 4
	says "does not draw"
	kind=vllm faults
	status_is 0 ask -n 4
	[[ $stderr != *"does not draw"* ]]
}

# ---- the key ----

@test "--key-file, --key-env: sent as a bearer's, and shown nowhere" {
	faults
	echo secret-key-1 >key
	ask -q --key-file key >out
	holds 'all(.headers.Authorization == "Bearer secret-key-1")'
	not grep -qa secret out
	export MY_KEY=secret-key-2
	rm log.jsonl
	ask -q --key-env MY_KEY >out
	holds 'all(.headers.Authorization == "Bearer secret-key-2")'
	rm log.jsonl
	ask -q >out
	holds 'all(.headers | has("Authorization") | not)'
	faults 401 tell
	status_is 3 ask --key-file key
	says "the key was Bearer ***"
	[[ $stderr != *secret* ]]
	faults 400=1 tell
	ask -q --key-file key --max-failures 1 >out
	not grep -qa secret out
	lost 1 "Bearer ***"
	faults error200=2 tell # nor where a failure has the status of an answer
	status_is 0 ask --key-file key --concurrency 1 --max-failures 1
	[[ $stderr == *"Bearer ***"* && $stderr != *secret* ]]
	cp "$BATS_TEST_TMPDIR/out" out
	not grep -qa secret out
	lost 1 "Bearer ***"
}

@test "a key that goes over the network in the clear: a warning" {
	serve
	echo k >key
	for u in http://far.invalid http://localhost.far.invalid; do
		status_is 3 policy-ask -u "$u" -t tasks.jsonl --key-file key
		says "in the clear"
	done
	for u in "$U" https://far.invalid; do
		policy-ask -u "$u" -t tasks.jsonl --key-file key 2>err >out || true
		not grep -q clear err
	done
}

@test "a key that cannot be one is refused without being shown" {
	serve
	printf 'secret one\n' >two
	printf 'secret\nX-Evil: 1\n' >lines
	: >empty
	for f in two lines empty; do
		status_is 3 ask --key-file "$f"
		[[ $stderr != *secret* ]]
	done
	status_is 2 ask --key-env NOT_THERE_AT_ALL
	status_is 4 ask --key-file none
	status_is 2 ask --key-file two --key-env HOME
}

# ---- where the server is ----

@test "a server that is not there yet is waited for" {
	serve
	port=$(cat port)
	kill -9 "${pids[-1]}"
	(sleep 1 && exec /usr/bin/python3 "$root/tests/cli/server.py" . --port "$port" 3>&- >/dev/null 2>&1) &
	pids+=($!)
	disown
	status_is 0 ask -n 2
	says "waiting"
	status_is 3 policy-ask -u http://127.0.0.1:1 -t tasks.jsonl --patience 0.5
	says "127.0.0.1"
}

@test "a host that is not there is told at once" {
	status_is 3 policy-ask -u http://nobody.invalid -t tasks.jsonl
	says "nobody.invalid"
}

@test "proxies are those of the environment" {
	serve
	http_proxy=$U policy-ask -q -u http://somewhere.invalid --model toy --server vllm --max-failures 1 -t tasks.jsonl >out || true
	holds 'all(.path == "http://somewhere.invalid/v1/chat/completions") and length > 0'
	rm log.jsonl
	http_proxy=http://127.0.0.1:1 no_proxy=127.0.0.1 ask -q >out
	each 1
}

@test "HTTPS: a certificate nobody vouches for ends the run; CURL_CA_BUNDLE, SSL_CERT_FILE vouch" {
	need_tool openssl
	openssl req -x509 -newkey rsa:2048 -nodes -keyout k.pem -out c.pem -days 2 -subj /CN=localhost \
		-addext subjectAltName=IP:127.0.0.1 2>/dev/null
	cat c.pem k.pem >both.pem
	serve --certificate both.pem
	U=https${U#http}
	status_is 3 ask
	says "certificate"
	CURL_CA_BUNDLE=c.pem ask -q >out
	each 1
	unset CURL_CA_BUNDLE
	SSL_CERT_FILE=c.pem ask -q >out
	each 1
}

# ---- going on ----

@test "--stream: goes on behind a kill, at whatever byte, without asking again" {
	serve
	ask -q -n 5 --stream whole
	each 5 whole
	keys task,sample,response whole >want
	size=$(stat -c %s whole)
	for at in 0 1 40 $((size / 3)) $((size / 2)) $((size * 3 / 4)) $((size - 20)) $((size - 1)); do
		head -c "$at" whole >part
		rm -f log.jsonl
		there=$(traj-cat --partial -c task part 2>/dev/null | wc -l) || there=0
		ask -q -n 5 --stream part
		each 5 part
		keys task,sample,response part | cmp - want
		[ "$at" = 0 ] || [ "$(wc -l 2>/dev/null <log.jsonl || echo 0)" -le $((15 - there)) ]
	done
	rm -f log.jsonl
	cp whole before
	status_is 0 ask -n 5 --stream whole
	says "15 of 15 responses are there"
	cmp whole before
	[ ! -e log.jsonl ]
}

@test "--stream: the process is killed, the server too; each response once" {
	serve --delay 0.02
	for i in 1 2 3 4 5 6; do
		timeout -s KILL 0.$((i + 2)) policy-ask -q -u "$U" -t tasks.jsonl --max-new 20 -n 40 --stream s || true
	done
	port=$(cat port)
	kill -9 "${pids[-1]}"
	policy-ask -q -u "$U" -t tasks.jsonl --max-new 20 -n 40 --stream s &
	asking=$!
	sleep 0.5
	rm port
	/usr/bin/python3 "$root/tests/cli/server.py" . --port "$port" 3>&- >/dev/null 2>&1 &
	pids+=($!)
	disown
	wait $asking
	each 40 s
	traj-cat s | jq -es 'all(has("verdict") | not)' >/dev/null
}

@test "--stream: given up at the end while the server was gone, they are asked for again" {
	faults 400=-5
	status_is 3 ask -n 4 --concurrency 1 --stream s
	[ "$(traj-cat --partial -c verdict s 2>/dev/null | grep -c unanswered)" -ge 1 ]
	port=$(cat port)
	kill -9 "${pids[-1]}"
	serve --port "$port"
	ask -q -n 4 --concurrency 1 --stream s
	each 4 s
	traj-cat s | jq -es 'all(has("verdict") | not)' >/dev/null
	holds 'length == 7'
}

@test "--stream: another call's file, a file of another kind, other problems: refused, untouched" {
	serve
	ask -q --stream s
	cp s before
	status_is 3 ask --stream s -n 2
	says "not from a call with these options"
	cmp s before
	echo hello >text
	status_is 3 ask --stream text
	[ "$(cat text)" = hello ]
	head -c -30 s >cut
	sed -i 's/17 + 25/17 + 26/' tasks.jsonl
	cp cut before
	status_is 3 ask --stream cut
	says "another prompt"
	cmp cut before
	status_is 2 ask --stream tasks.jsonl
	ask -q --stream /dev/null
}

@test "--stream: options that change nothing may change" {
	serve
	echo k >key
	ask -q --stream s -n 3
	head -c -40 s >cut
	ask -q -n 3 --stream cut --concurrency 1 --timeout 9 --patience 9 --deadline 99 --key-file key --max-failures 1
	each 3 cut
}

@test "a signal: what came is written, the stream has no end, the same call goes on" {
	serve --delay 0.1
	policy-ask -u "$U" -t tasks.jsonl --max-new 20 -n 40 --concurrency 2 --stream s 2>err &
	pid=$!
	sleep 1.2
	kill -INT $pid 2>/dev/null || kill -TERM $pid
	sleep 0.1
	kill -TERM $pid 2>/dev/null || true
	wait $pid || rc=$?
	[ "${rc:-0}" = 143 ] || [ "${rc:-0}" = 130 ]
	status_is 3 traj-cat --check s
	ask -q -n 40 --stream s
	each 40 s
}

@test "EXPLORE and EVAL of pipelines/rloop" {
	fixture base
	serve
	cp -r "$FIX/base" .
	sed -n '/"id":"[ab]"/p' tasks.jsonl | sed 's/"messages".*,"answer/"prompt":"3 + 4","answer/' >both.jsonl
	cat >served <<-END
		#!/bin/bash
		args=()
		while [ \$# -gt 0 ]; do
			case \$1 in --log | -p) shift ;; *) args+=("\$1") ;; esac
			shift
		done
		policy-ask -u $U --completions "\${args[@]}" | traj-score -q
	END
	chmod +x served
	sed -i 's/How much is 17 + 25?/17+25=/' both.jsonl
	export EXPLORE=$PWD/served EVAL=$PWD/served FAKE_LOG=$PWD/log
	TUNE="'$root/tests/cli/fake-stage' tune" "$root/pipelines/rloop" -q -p base -t both.jsonl -e both.jsonl \
		-d run -i 1 -n 8 -N 4 -k 1,4
	[ "$(traj-cat -c task,sample,iter run/iter-1/explore.traj | sort -u | wc -l)" = 16 ]
	grep -q 'pass@4' run/iter-0/pass-at-k.tsv
	traj-cat run/iter-1/expert.traj | jq -es 'all(.reward == 1) and length > 0' >/dev/null
}

@test "nothing else of the suite loads libcurl" {
	need_tool readelf
	for f in "$BIN"/*; do
		if readelf -d "$f" | grep -q 'NEEDED.*libcurl'; then echo "${f##*/}"; fi
	done >with
	[ "$(cat with)" = policy-ask ]
}
