# traj-convert: each format from and to, the rules that hold for all, what is refused.
# shellcheck disable=SC2016,SC2030,SC2031 # JSON marks begin with a dollar; status in subshells
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

# from FORMAT [OPTION ...]: rows on standard input as JSON, without ids
from() {
	status_is 0 traj-convert --from "$@" <in.jsonl
	traj-cat --check out >/dev/null
	traj-cat out | jq -c 'del(.kind, .id)' >got
}

# got FILTER WANT: what jq finds in all of them
got() {
	jq -se --argjson want "$2" "($1) == \$want" got >/dev/null || {
		printf '%s\n is %s\nnot %s\n' "$1" "$(jq -sc "$1" got)" "$2"
		cat got
		return 1
	}
}

# there_and_back FORMAT: of trajectories that the format can say, and with --keep of any
there_and_back() {
	traj-convert -q --to "$1" some.traj >rows
	traj-convert -q --from "$1" rows | traj-convert -q --to "$1" | cmp - rows
	traj-convert -q --from auto rows | traj-convert -q --to "$1" | cmp - rows
	traj-convert -q --to "$1" --keep some.traj | traj-convert -q --from "$1" | traj-cat >back
	traj-cat some.traj | cmp - back
}

some() {
	cat >some.jsonl <<-'END'
		{"kind":"traj","task":"a","prompt":"1+1=","response":" 2\n","answer":"2","verifier":"exact","meta":{"level":3,"x":[1,null,{"y":0.1}]},"prompt_tokens":[5,70000],"tokens":[7,8,2],"logprobs":[-0.1,-1e-07,-2.5],"kept":[[7,9],[],[0,2,70000]],"temperature":0.7,"top_p":1.0,"finish":"stop","sample":0,"step":3,"reward":1.0,"verdict":"ok","extracted":"2","advantage":0.5,"used":true,"entropy":0.25}
		{"kind":"traj","task":"a","prompt":"1+1=","response":"3 \"é\" 🎉","answer":"2","prompt_tokens":[5,70000],"tokens":[9],"finish":"length","sample":1,"step":3,"reward":0.0}
		{"kind":"traj","task":"b","prompt":"[{\"role\":\"user\",\"content\":\"hi\"}]","response":"","prompt_tokens":[1],"tokens":[2],"sample":0,"step":4}
	END
	traj-cat --from-json some.jsonl | traj-cat >/dev/null
	traj-cat --from-json some.jsonl >no-ids.traj
	# with the ids that any tool of the suite would write
	traj-convert -q --to verl --keep no-ids.traj | traj-convert -q --from verl >some.traj
}

@test "verl: rollouts; an overlong penalty counts, a validation's reward is the total" {
	cat >in.jsonl <<-'END'
		{"input": "q", "output": "r\n", "gts": "42", "score": 1.0, "step": 5, "acc": true, "pred": "42", "overlong_reward": -0.5}
		{"input": "q", "output": "r2", "gts": ["7"], "score": -1, "step": 5, "reward": -1.5}
		{"input": "p", "output": "", "gts": 7, "score": null, "step": 5, "uid": "25f4c16a-eb80_3_0"}
		{"input": "p", "output": "", "gts": {"a": [1]}, "score": -2.0, "step": 5, "overlong_reward": -1.0, "uid": "25f4c16a-eb80_4_0"}
	END
	from verl
	got 'map(.reward)' '[0.5,-1.5,null,-2.0]'
	got 'map(.answer)' '["42","7","7","{\"a\":[1]}"]'
	got 'map(.sample)' '[null,null,3,4]'
	got '.[0] | [.extracted, .meta.acc, .step, .response]' '["42",true,5,"r\n"]'
	got '.[1].meta.score' '-1'
	got '[.[0].task == .[1].task, (.[0].task | test("^row:[0-9a-f]{16}$"))]' '[false,true]'
	says '4 rows, 4 samples'
}

@test "verl: a failed reward function is a verdict, no reward of 0" {
	cat >in.jsonl <<-'END'
		{"input": "q", "output": "a", "gts": "1", "score": 0.0, "step": 1, "timeout": true}
		{"input": "q", "output": "b", "gts": "1", "score": 0.0, "step": 1, "timeout": null, "error": "boom"}
		{"input": "q", "output": "c", "gts": "1", "score": "0.5", "step": 1, "acc": "True", "error": "", "timeout": "False"}
	END
	from verl
	got 'map([.reward, .verdict])' '[[null,"timeout"],[null,"exit"],[0.5,null]]'
	from verl --reward acc
	got 'map(.reward)' '[null,null,1.0]'
	from verl --reward score
	got 'map([.reward, .verdict])' '[[0.0,null],[0.0,null],[0.5,null]]'
	from verl --reward accc
	says '--reward accc: no row has it'
}

@test "the same problem as policy-eval calls it, with an answer and without" {
	printf '{"prompt":"q","answer":"4"}\n{"prompt":[{"role":"user","content":"hi"}],"answer":"1"}\n' >tasks
	cat >in.jsonl <<-'END'
		{"input": "q", "output": "a", "gts": "4", "score": 1, "step": 1}
		{"input": "[{\"role\": \"user\", \"content\": \"hi\"}]", "output": "1", "gts": "1", "score": 1, "step": 1}
	END
	traj-convert -q --from verl in.jsonl | traj-score -q -t tasks --verifier exact | traj-cat -c reward >out
	printf '0.0\n1.0\n' | cmp - out
	status_is 3 traj-score -t <(head -n 1 tasks) --verifier exact <(sed 's/"gts": "."/"gts": null/' in.jsonl | traj-convert -q --from verl)
}

@test "what is damaged or foreign is named, and the stream has no end" {
	printf '{"input": "q", "output": "a", "gts": "4", "score": 1, "step": 1}\n' >good
	bad() { # TEXT LINE
		{ cat good; printf '%s\n' "$2"; } >bad.jsonl
		status_is 3 traj-convert --from verl bad.jsonl
		says "bad.jsonl:2: $1"
		traj-convert --from verl bad.jsonl 2>err2 >cut.traj || true
		status_is 3 traj-cat cut.traj
		says 'no end record'
	}
	bad 'column 54: invalid token' '{"input": "q", "output": "a", "gts": "4", "score": NaN, "step": 1}'
	bad 'column 90: invalid token' '{"input": "q", "output": "a", "score": 1, "step": 1, "big": 99999999999999999999, "x": NaN}'
	bad 'column 27: unexpected newline' '{"input": "q", "output": "a'
	bad 'the object that begins here has no end' '{"input": "q", "output": "a"'
	bad 'input: missing' '{"prompt": "q", "completion": "a"}'
	bad 'output: not a string' '{"input": "q", "output": 5, "gts": "4", "score": 1, "step": 1}'
	bad 'score: not a number' '{"input": "q", "output": "a", "gts": "4", "score": [1], "step": 1}'
	bad 'score: missing' '{"input": "q", "output": "a", "gts": "4", "step": 1}'
	bad 'step: not a whole number from 0' '{"input": "q", "output": "a", "score": 1, "step": -1}'
	bad 'not an object' '[5]'
	bad 'column' '5'
	bad 'column' '{"input": "q", "input": "a"}'
	status_is 3 traj-convert --from verl /dev/null
	says 'no rows'
	status_is 4 traj-convert --from verl nonexistent
	status_is 4 traj-convert --from verl .
	status_is 3 traj-convert --to verl good
	head -c 16777300 /dev/zero | tr '\0' x >long
	{ printf '{"input": "q", "score": 1, "step": 1, "output": "'; cat long; printf '"}\n'; } >bad.jsonl
	status_is 3 traj-convert --from verl bad.jsonl
	says 'bad.jsonl:1: longer than a record may be'
}

@test "many values on one line take no longer than lines of their own" {
	yes '{"text":"0123456789012345678901234567890123456789012345678901234567890123456789012345678901"}' |
		head -n 100000 | tr '\n' ' ' >line
	(ulimit -t 8 && traj-convert -q --from text line) | traj-cat -c response | wc -l | cmp - <(echo 100000)
	printf '{"text":"a"} {"text":"b"}\n{"text":"c"}\n{"text":\n"d"} {"text":"e"}' | traj-convert -q --from text |
		traj-cat -c response | cmp - <(printf '%s\n' a b c d e)
}

@test "other keys go to meta; what is nested too deep is told" {
	printf '%s\n' '{"input":"q","output":"a","gts":null,"score":1,"step":1,"big":100000000000000000000,"deep":[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]],"n":null,"m":{"k":[1.5,"x",false]}}' >in.jsonl
	from verl
	got '.[0].meta' '{"big":100000000000000000000,"m":{"k":[1.5,"x",false]}}'
	says 'nested too deep'
}

@test "a text that is a list of objects is no list of messages unless all have a role" {
	printf '%s\n' '{"input":"[{\"role\":\"admin\"},{\"name\":\"B\"}]","output":"a","gts":null,"score":1,"step":1}' >in.jsonl
	from verl
	got '.[0].prompt' '"[{\"role\":\"admin\"},{\"name\":\"B\"}]"'
}

@test "--from auto: each file by its first row; a row of none, or of two" {
	printf '{"input": "q", "output": "a", "gts": "4", "score": 1, "step": 1}\n' >verl.jsonl
	printf '{"prompt": "q", "completion": "a"}\n' | gzip >sft.gz
	printf '{"task_id": "H/0", "completion": ""}\n' >samples
	traj-convert --from auto verl.jsonl sft.gz samples | traj-cat -c response | cmp - <(printf 'a\na\n\n')
	status_is 3 traj-convert --from auto <<<'{"eval/score": 0.5}'
	says '<stdin>:1: no format of --formats has rows with these keys: eval/score'
	status_is 3 traj-convert --from auto <<<'{"messages": [], "conversations": []}'
	says 'messages or sharegpt: say which with --from'
}

@test "--formats: all of them, and the page names each" {
	status_is 0 traj-convert --formats
	while IFS=$'\t' read -r name ways what; do
		[ -n "$what" ]
		[[ $ways =~ ^(from|to|from,to)$ ]]
		sed -n '/^\.Ss Formats/,/^\.Ss Rules/p' "$root/man/traj-convert.1" |
			grep -qE "^\.It Cm ([a-z-]+ , )*$name( |$)" ||
			{ echo "$name is not in the page"; return 1; }
	done <out
}

@test "options that contradict each other" {
	status_is 2 traj-convert
	status_is 2 traj-convert --from verl --to verl
	status_is 2 traj-convert --from nothing
	says "no format is called 'nothing'"
	status_is 2 traj-convert --from verl-tasks
	says 'verl-tasks is only written'
	status_is 2 traj-convert --to lm-eval
	says 'lm-eval is only read'
	status_is 2 traj-convert --to verl --reward x
	status_is 2 traj-convert --from verl --keep
	status_is 2 traj-convert --to auto
}

@test "there and back: each format that goes both ways" {
	need_tool jq
	some
	for f in verl open-instruct prompt-completion messages input-ids alpaca sharegpt text human-eval; do
		if [ $f = text ]; then # two of them, and no messages
			traj-cat -n 2 --msgpack some.traj >two && cp some.traj all.traj && mv two some.traj
		fi
		there_and_back $f || { echo "$f"; return 1; }
		[ $f != text ] || mv all.traj some.traj
	done
}

@test "what a format holds comes back without --keep" {
	need_tool jq
	some
	same() { # FORMAT KEYS: in the records that went and those that came
		traj-cat some.traj | jq -c "{$2}" >want
		traj-convert -q --to "$1" some.traj | traj-convert -q --from "$1" | traj-cat | jq -c "{$2}" | cmp - want
	}
	same verl prompt,response,answer,reward,step,extracted,meta
	same open-instruct prompt_tokens,tokens,logprobs,step,reward,advantage,finish,answer
	same prompt-completion prompt,response
	same messages response
	same input-ids prompt_tokens,tokens
	same alpaca response
	same sharegpt response
	same human-eval task,response
}

@test "--to: what a format cannot say is told once, with a count" {
	some
	status_is 0 traj-convert --to prompt-completion some.traj
	says 'prompt-completion cannot say: task (3)'
	says 'tokens (3), logprobs (1)'
	says 'reward (2)'
	[[ $stderr != *verdict* ]]
	says '3 trajectories, 3 rows'
	status_is 0 traj-convert -q --to prompt-completion some.traj
	[ -z "$stderr" ]
	printf '{"task":"a","prompt":"x","response":{"$bin":"/w=="}}\n{"kind":"note"}\n' | traj-cat --from-json >odd.traj
	status_is 0 traj-convert --to verl odd.traj
	says 'left out: records with bytes that are no text (1)'
	says 'left out: records that are no trajectories (1)'
	[ -z "$output" ]
}

@test "--to verl, verl-tasks" {
	some
	traj-convert -q --to verl some.traj | jq -sce '.[0] == {input: "1+1=", output: " 2\n", gts: "2",
		score: 1, step: 3, pred: "2", level: 3, x: [1, null, {y: 0.1}]} and .[2].score == null'
	traj-convert -q --to verl-tasks some.traj | jq -sce 'length == 2 and .[0] == {data_source: "traj",
		prompt: [{role: "user", content: "1+1="}], ability: "", reward_model: {style: "rule",
		ground_truth: "2"}, extra_info: {split: "train", index: "a"}}'
}

@test "--to prompt-completion, messages, alpaca, sharegpt, text" {
	some
	traj-convert -q --to prompt-completion some.traj | jq -sce '.[0] == {prompt: "1+1=", completion: " 2\n"} and
		.[2] == {prompt: [{role: "user", content: "hi"}], completion: [{role: "assistant", content: ""}]}'
	traj-convert -q --to messages some.traj | jq -sce '.[1] == {messages: [{role: "user", content: "1+1="},
		{role: "assistant", content: "3 \"é\" 🎉"}]}'
	traj-convert -q --to alpaca some.traj | jq -sce '.[0] == {instruction: "1+1=", input: "", output: " 2\n"}'
	traj-convert -q --to sharegpt some.traj | jq -sce '.[2] == {conversations: [{from: "human", value: "hi"},
		{from: "gpt", value: ""}]}'
	status_is 0 traj-convert --to text some.traj
	jq -sce '. == [{text: "1+1= 2\n"}, {text: "1+1=3 \"é\" 🎉"}]' out
	says 'left out: prompts of messages (1)'
}

@test "--to: a row is one line, whatever blanks a prompt of messages has" {
	printf '%s\n' '{"task":"a","prompt":"[\n{\"role\":\r\n\"user\",\"content\":\"h\\ni\"}]","response":"x"}' | traj-cat --from-json >in.traj
	for f in prompt-completion messages verl-tasks openai-batch; do
		traj-convert -q --to $f in.traj >rows
		[ "$(wc -l <rows)" -eq 1 ] || { echo $f; return 1; }
		jq -e '[.prompt, .messages, .body.messages] | any(.[0]? == {role: "user", content: "h\ni"})' rows
	done
}

@test "--keep: a key of meta that is called as the kept ones are; rows of two trajectories keep none" {
	need_tool jq
	printf '%s\n' '{"task":"a","prompt":"q","response":"x","meta":{"traj":{"task":"b"},"k":1}}' | traj-cat --from-json >in.traj
	traj-convert -q --to verl --keep in.traj | traj-convert -q --from verl | traj-cat | jq -ce '.task == "a" and .meta == {traj: {task: "b"}, k: 1}'
	status_is 0 traj-convert --to verl in.traj
	says 'a key of meta that the row has for something else (1)'
	jq -e '.k == 1 and (has("traj") | not)' out
	status_is 2 traj-convert --to dpo --keep in.traj
	says 'a row of dpo is two trajectories'
}

@test "--to input-ids, open-instruct: ids as they were; records without are left out" {
	some
	printf '{"task":"a","prompt":"x","response":"y"}\n' | traj-cat --from-json >no.traj
	status_is 0 traj-convert --to input-ids some.traj no.traj
	jq -sce '.[0] == {input_ids: [5,70000,7,8,2], labels: [-100,-100,7,8,2]}' out
	says 'left out: records without token ids (1)'
	status_is 0 traj-convert --to open-instruct some.traj no.traj
	jq -sce 'map([.step, .sample_idx, .prompt_idx]) == [[3,0,0],[3,1,0],[4,0,0]] and
		.[0].logprobs == [-0.1,-1e-7,-2.5] and .[1].logprobs == null and .[0].finish_reason == "stop" and
		.[2].reward == null and .[0].ground_truth == "2"' out
}

@test "--to dpo: pairs of one task, each response once; --threshold" {
	for r in 'a 1' 'a 1' 'b 0' 'a 0' 'b 0.4' 'b 1' 'a 0' 'a 0'; do
		n=$((${n:-0} + 1))
		printf '{"task":"%s","prompt":"%s?","response":"r%s","reward":%s}\n' "${r% *}" "${r% *}" $n "${r#* }"
	done | traj-cat --from-json >in.traj
	traj-convert -q --to dpo in.traj | jq -sce 'map([.prompt, .chosen, .rejected]) ==
		[["a?","r1","r4"],["b?","r6","r3"],["a?","r2","r7"]] and .[0].chosen_score == 1'
	traj-convert -q --to dpo --threshold 0.3 in.traj | jq -sce 'map([.chosen, .rejected]) ==
		[["r1","r4"],["r5","r3"],["r2","r7"]]'
	printf '{"task":"a","prompt":"x","response":"y"}\n' | traj-cat --from-json >no.traj
	status_is 0 traj-convert --to dpo no.traj
	says 'left out: records without a reward (1)'
}

@test "from dpo: two records a row, scores alone are rewards" {
	cat >in.jsonl <<-'END'
		{"prompt": "q", "chosen": "a", "rejected": "b", "chosen_score": 0.9}
		{"chosen": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}], "rejected": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "b"}]}
		{"instruction": "q", "input": null, "chosen": {"from": "gpt", "value": "a"}, "rejected": {"from": "gpt", "value": "b"}}
	END
	from dpo
	got 'map([.prompt, .response, .reward, .meta.chosen])' '[["q","a",0.9,true],["q","b",null,false],["[{\"role\":\"user\",\"content\":\"q\"}]","a",null,true],["[{\"role\":\"user\",\"content\":\"q\"}]","b",null,false],["q","a",null,true],["q","b",null,false]]'
}

@test "--to openai-batch, and its answers with --requests; --model" {
	some
	traj-convert -q --to openai-batch --model own some.traj >requests
	jq -sce '.[0] == {custom_id: "a#0", method: "POST", url: "/v1/completions", body: {model: "own",
		prompt: "1+1=", temperature: 0.7, top_p: 1}} and .[2] == {custom_id: "b#0", method: "POST",
		url: "/v1/chat/completions", body: {model: "own", messages: [{role: "user", content: "hi"}]}}' requests
	cat >in.jsonl <<-'END'
		{"custom_id": "b#0", "response": {"status_code": 200, "body": {"choices": [{"index": 1, "message": {"role": "assistant", "content": "x"}, "finish_reason": "length"}, {"index": 0, "message": {"content": "y"}, "finish_reason": "stop"}]}}, "error": null}
		{"custom_id": "a#1", "response": null, "error": {"code": "server_error"}}
		{"custom_id": "#t#3", "response": {"status_code": 200, "body": {"choices": [{"index": 0, "text": "2", "finish_reason": "stop"}]}}}
		{"custom_id": "a#0", "response": {"status_code": 400, "body": {"error": {"message": "no"}}}}
		{"custom_id": "a#2", "response": {"status_code": 200, "body": {"choices": [{"message": {"content": null, "tool_calls": [{"id": "c"}]}, "finish_reason": "tool_calls"}]}}}
	END
	from openai-batch --requests requests
	got 'map([.task, .sample, .prompt, .response, .finish])' '[["b",1,"[{\"role\":\"user\",\"content\":\"hi\"}]","x","length"],["b",0,"[{\"role\":\"user\",\"content\":\"hi\"}]","y","stop"],["#t",3,"","2",null]]'
	says 'left out: requests that failed (2)'
	says 'left out: answers that call tools (1)'
	says 'finish left out: stop may be the end token or a stop string (1 samples)'
	says 'the prompt is not in the file (1 samples)'
	status_is 3 traj-convert --from openai-batch --requests in.jsonl in.jsonl
	says 'in.jsonl:1: no request'
	printf '{"id":"b","prompt":"of tasks","answer":"7"}\n' >tasks
	from openai-batch -t tasks
	got '.[0] | [.prompt, .answer]' '["of tasks","7"]'
	from openai-batch -t tasks --requests requests
	got '.[0] | [.prompt, .answer]' '["[{\"role\":\"user\",\"content\":\"hi\"}]","7"]'
}

@test "openai: answers a line; what did not come to an end is no sample" {
	cat >in.jsonl <<-'END'
		{"id": "c1", "object": "chat.completion", "model": "m", "choices": [{"index": 0, "message": {"role": "assistant", "content": "4"}, "logprobs": {"content": [{"token": "4", "logprob": -0.5}]}, "finish_reason": "stop"}, {"index": 1, "message": {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, "finish_reason": "length"}]}
		{"id": "c2", "choices": [{"index": 0, "text": "cut", "finish_reason": null}]}
		{"error": {"message": "no"}}
		{"object": "error", "message": "no"}
		{"detail": "no"}
		{"id": "c3", "choices": [{"index": 0, "text": "x", "finish_reason": "content_filter"}]}
		{"id": "c4", "choices": [{"index": 0, "text": "x"}]}
		{"id": "c5", "choices": [{"index": 0, "message": {"content": null, "refusal": "no"}, "finish_reason": "stop"}]}
	END
	from openai
	got 'map([.task, .sample, .response, .finish])' '[["c1",0,"4",null],["c1",1,"ab","length"],["c4",0,"x",null]]'
	says 'log-probs left out: the answer has no token ids (1 samples)'
	says 'left out: answers that are errors (3)'
	says 'left out: answers without a text (refusals, for one) (1)'
	says 'left out: answers that did not come to an end (finish_reason is neither stop nor length) (2)'
	status_is 3 traj-convert --from openai <<<'{"id": "c", "choices": [{"index": 0, "delta": {"content": "x"}}]}'
	says 'pieces of a stream'
}

@test "vllm: ids; log-probs with --drawn alone; finish by stop_reason" {
	cat >in.jsonl <<-'END'
		{"id": "c", "choices": [{"index": 0, "text": "4", "token_ids": [9, 2], "prompt_token_ids": [5, 6], "logprobs": {"token_logprobs": [-0.5, -0.25], "tokens": ["4", "<end>"]}, "finish_reason": "stop", "stop_reason": null}]}
		{"id": "d", "prompt_token_ids": [5, 6], "choices": [{"index": 0, "message": {"content": "4"}, "token_ids": [9], "logprobs": {"content": [{"token": "4", "logprob": -9999.0}]}, "finish_reason": "stop", "stop_reason": "x"}]}
		{"request_id": "e", "choices": [{"index": 0, "token_ids": [7], "logprobs": {"content": [{"token_id": 7, "logprob": -1}]}, "finish_reason": "length", "stop_reason": null}]}
		{"id": "f", "choices": [{"index": 0, "text": "ab", "logprobs": {"token_logprobs": [-1, -2], "tokens": ["token_id:7", "token_id:8"]}, "finish_reason": "abort", "stop_reason": null}, {"index": 1, "text": "ab", "logprobs": {"token_logprobs": [-1, -2], "tokens": ["token_id:7", "token_id:8"]}, "finish_reason": "length", "stop_reason": null}]}
	END
	from auto
	got 'map([.tokens, .logprobs, .finish])' '[[[9,2],null,"stop"],[[9],null,null],[[7],null,"length"],[[7,8],null,"length"]]'
	got '[.[0].task == .[1].task, .[2].task, .[3].task, .[0].prompt_tokens]' '[true,"e","f",[5,6]]'
	says 'log-probs left out: the server does not say of which distribution'
	from vllm --drawn
	got 'map(.logprobs)' '[[-0.5,-0.25],null,[-1.0],[-1.0,-2.0]]'
	says 'log-probs left out: not one for each token'
}

@test "sglang: answers of one line are one request's; log-probs of the drawn distribution" {
	cat >in.jsonl <<-'END'
		{"text": "a", "output_ids": [7, 2], "meta_info": {"id": "x", "finish_reason": {"type": "stop", "matched": 2}, "prompt_tokens": 3, "output_token_logprobs": [[-0.5, 7, null], [-1.0, 2, null]]}}
		[{"text": "b", "output_ids": [8], "meta_info": {"id": "y", "finish_reason": {"type": "length", "length": 1}, "prompt_tokens": 3, "output_token_logprobs": [[-0.5, 8, "b"]], "output_token_sampling_logprobs": [-0.25]}}, {"text": "c", "output_ids": [9], "meta_info": {"id": "z", "finish_reason": {"type": "stop", "matched": "STOP"}, "prompt_tokens": 3}}]
		{"text": "d", "meta_info": {"id": "w", "finish_reason": {"type": "abort", "message": "no"}}}
		{"text": "n", "meta_info": {"id": "u", "finish_reason": {"type": "length"}, "prompt_tokens": 2, "output_token_logprobs": [[null, 4, null]]}}
		{"text": "e", "meta_info": {"id": "v", "finish_reason": {"type": "length"}, "prompt_tokens": 2, "input_token_logprobs": [[null, 4, null], [-1, 5, null]], "output_token_logprobs_val": [-2.0], "output_token_logprobs_idx": [3]}}
	END
	from auto
	got 'map([.response, .sample, .tokens, .logprobs, .finish])' '[["a",0,[7,2],null,"stop"],["b",0,[8],[-0.25],"length"],["c",1,[9],null,null],["n",0,[4],null,"length"],["e",null,[3],null,"length"]]'
	got '[.[1].task, .[2].task, .[4].prompt_tokens]' '["y","y",[4,5]]'
	says 'left out: answers that did not come to an end'
	from sglang --drawn
	got 'map(.logprobs)' '[[-0.5,-1.0],[-0.25],null,null,[-2.0]]'
}

@test "llama-server: log-probs where the settings change nothing" {
	cat >in.jsonl <<-'END'
		{"content": "a", "tokens": [7, 8], "prompt": "q", "stop": true, "stop_type": "eos", "completion_probabilities": [{"id": 7, "token": "a", "logprob": -0.5}, {"id": 8, "token": "", "logprob": -1}], "generation_settings": {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "repeat_penalty": 1.0}}
		{"content": "a", "tokens": [], "prompt": "q", "stop": true, "stop_type": "limit", "completion_probabilities": [{"id": 7, "token": "a", "logprob": -0.5}], "generation_settings": {"temperature": 0.8, "top_k": 40, "top_p": 0.95, "min_p": 0.05, "repeat_penalty": 1.0}}
		{"content": "a", "prompt": [3, 4], "stop_type": "word", "stopping_word": "x", "completion_probabilities": [{"id": 7, "token": "a", "prob": 1.0}], "generation_settings": {"temperature": 0.8, "top_k": 40}}
		{"content": "a", "stop": false, "stop_type": "none"}
		{"error": {"message": "no"}}
	END
	from llama-server
	got 'map([.prompt, .tokens, .logprobs, .finish, .temperature, .top_k])' '[["q",[7,8],[-0.5,-1.0],"stop",1.0,null],["q",[7],null,"length",0.8,40],["",[7],[0.0],null,0.8,40]]'
	got '[.[2].prompt_tokens, .[2].meta.stopping_word]' '[[3,4],"x"]'
	says 'left out: answers that are errors (1)'
	says 'log-probs left out: they are of the softmax'
}

@test "open-instruct: ids and log-probs; sample counts within a step's prompt" {
	cat >in.jsonl <<-'END'
		{"step": 1, "sample_idx": 0, "prompt_idx": 0, "prompt_tokens": [5], "response_tokens": [7, 2], "reward": 10.0, "advantage": 1.0, "finish_reason": "stop", "dataset": "d", "ground_truth": ["2"], "request_info": null, "logprobs": [-0.5, -1.5]}
		{"step": 1, "sample_idx": 1, "prompt_idx": 1, "prompt_tokens": [6], "response_tokens": [7], "reward": 0.0, "advantage": -1.0, "finish_reason": "length", "ground_truth": null, "request_info": {"num_calls": 1, "timeouts": 1}}
		{"step": 1, "sample_idx": 2, "prompt_idx": 0, "prompt_tokens": [5], "response_tokens": [8], "reward": 1, "logprobs": null, "ground_truth": []}
		{"step": 2, "sample_idx": 0, "prompt_idx": 0, "prompt_tokens": [5], "response_tokens": [9], "reward": 1}
	END
	from auto
	got 'map([.step, .sample, .reward, .finish, .answer])' '[[1,0,10.0,"stop","2"],[1,0,0.0,"length",null],[1,1,1.0,null,null],[2,0,1.0,null,null]]'
	got '[.[0].logprobs, .[1].logprobs, .[0].advantage, .[0].meta]' '[[-0.5,-1.5],null,1.0,{"dataset":"d"}]'
	got '[.[2].prompt_tokens, .[1].tokens, .[2].task == .[3].task, .[0].task == .[1].task]' '[[5],[7],true,false]'
	says 'the texts are not in the file'
	says 'the response holds what tools answered'
	sed -i '1s/\[7, 2\]/[7, -2]/' in.jsonl
	status_is 3 traj-convert --from open-instruct in.jsonl
	says ':1: response_tokens: not a list of token ids'
}

@test "-p: texts of ids, prompts of messages, the end token's own text" {
	fixture base
	printf '{"prompt_tokens": [5, 20], "response_tokens": [14, 5, 1], "reward": 1}\n' >in.jsonl
	from open-instruct -p "$FIX/base"
	got '.[0] | [(.prompt | length), (.response | length)]' '[2,2]'
	printf '{"input_prompt": "q", "output_response": "4<eos>", "score": 1, "stop_reason": "stop"}\n' >in.jsonl
	from skyrl -p "$FIX/base"
	got '.[0] | [.response, .finish]' '["4","stop"]'
	policy-init -q -o chatty --layers 1 --hidden 16 --alphabet 'abc<>|: ' -s 1
	jq '.chat_template = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<assistant>"' chatty/tokenizer_config.json >tc
	mv tc chatty/tokenizer_config.json
	printf '{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}\n' >in.jsonl
	from messages -p chatty
	got '.[0] | [.prompt, .response]' '["<user>a<assistant>","b"]'
	status_is 3 traj-convert --from messages -p nowhere in.jsonl
}

@test "trl: rewards by name; a batch that was written again is left out" {
	row() { printf '{"step":%s,"prompt":"%s","completion":"%s","right":%s,"digits":null,"extracted":"x","advantage":0.5}\n' "$@"; }
	{ row 1 p a 1; row 1 p b 0; row 2 p a 1; row 2 p b 0; row 3 p a 1; row 3 p c 0; } >in.jsonl
	from auto --reward right
	got 'map([.step, .response, .reward])' '[[1,"a",1.0],[1,"b",0.0],[3,"a",1.0],[3,"c",0.0]]'
	got '.[0] | [.extracted, .advantage, .meta]' '["x",0.5,{"right":1}]'
	says 'left out: rows of a batch that was written again (2)'
	from trl
	got 'map(.reward) | unique' '[null]'
	says 'no reward: the file does not say which columns are: --reward COLUMN (4 samples)'
	row 1 p a 1 >one
	row 2 p a 1 >two
	traj-convert -q --from trl one two | traj-cat -c step | cmp - <(echo 1)
	row 2 p z 1 >two
	traj-convert -q --from trl one two | traj-cat -c step | cmp - <(printf '1\n2\n')
	{ row 1 p a 1; row 2 p a 1; row 2 p b 1; } >in.jsonl # one of more is no copy
	from trl
	got 'map(.step)' '[1,2,2]'
	{ row 1 p a 1; row 1 p b 0; row 2 p a 1; row 2 p b 0; row 3 p a 1; row 3 p b 1; } >all
	for keys in step,prompt,completion,advantage,right prompt,step,completion,advantage,right \
		prompt,completion,advantage,right,step; do # wherever the step is
		jq -c "{$keys}" all >in.jsonl
		from trl
		got 'map(.step)' '[1,1,3,3]'
	done
	{ row 1 p a 1; row 2 p a 1; row 2 p b 1; } >in.jsonl
	sed -i 's/"prompt":"p"/"prompt":[{"role":"user","content":"p"}]/; s/"completion":"\(.\)"/"completion":[{"role":"assistant","content":"\1"}]/' in.jsonl
	from auto
	got '.[1] | [.prompt, .response]' '["[{\"role\":\"user\",\"content\":\"p\"}]","a"]'
}

@test "prompt-completion, messages, text, input-ids: rows of trainers" {
	printf '%s\n' '{"prompt": "", "completion": "a", "k": 1}' '{"prompt": [{"role": "user", "content": "q"}], "completion": [{"role": "assistant", "content": "b"}]}' '{"prompt": "q", "completion": [{"role": "assistant", "content": "b"}, {"role": "tool", "content": "b"}]}' >in.jsonl
	from prompt-completion
	got 'map([.prompt, .response, .meta])' '[["","a",{"k":1}],["[{\"role\":\"user\",\"content\":\"q\"}]","b",null]]'
	says 'left out: completions of more than one turn (1)'
	printf '%s\n' '{"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "q", "name": null}, {"role": "assistant", "content": "a"}], "score": {"rm": 1.5}}' '{"messages": [{"role": "user", "content": "q"}], "score": {}}' '{"messages": [{"role": "assistant", "content": "q"}], "score": {"rm": 1, "x": 2}}' >in.jsonl
	from messages
	got 'map([.prompt, .response, .reward])' '[["[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"q\"}]","a",1.5],["[]","q",null]]'
	says 'left out: messages that do not end in an answer'
	says 'no reward: it has several parts'
	from messages --reward x
	got 'map(.reward)' '[null,2.0]'
	printf '%s\n' '{"text": "all"}' >in.jsonl
	from text
	got 'map([.prompt, .response])' '[["","all"]]'
	printf '%s\n' '{"input_ids": [5,6,7], "labels": [-100,-100,7]}' '{"input_ids": [5,6,7], "completion_mask": [0,1,1]}' '{"input_ids": [5,6,7], "completion_mask": [1,0,1]}' >in.jsonl
	from auto
	got 'map([.prompt_tokens, .tokens])' '[[[5,6],[7]],[[5],[6,7]]]'
	says 'left out: rows that learn in more than one place (1)'
	status_is 3 traj-convert --from input-ids <<<'{"input_ids": [5,6,7], "labels": [1]}'
	says 'labels: not as long as input_ids'
	status_is 3 traj-convert --from input-ids <<<'{"input_ids": [5,6,7], "labels": [-100,7,8]}'
	says 'labels: neither -100 nor the id that stands there'
}

@test "alpaca, sharegpt, distilabel" {
	printf '%s\n' '{"instruction": "i", "input": "", "output": "o"}' '{"instruction": "i", "input": "n", "output": "o", "system": "", "history": []}' '{"instruction": "i", "input": "", "output": "o", "system": "s", "history": [["a", "b"]]}' '{"instruction": "i", "chosen": "a", "rejected": "b"}' >in.jsonl
	from alpaca
	got 'map(.prompt)' '["i","i\nn","[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\"},{\"role\":\"user\",\"content\":\"i\"}]"]'
	traj-convert -q --to alpaca out | jq -sce '.[2] == {instruction: "i", input: "", system: "s", history: [["a", "b"]], output: "o"}'
	printf '%s\n' '{"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}], "system": "s"}' '{"conversations": [{"from": "human", "value": "q"}]}' >in.jsonl
	from sharegpt
	got 'map([.prompt, .response])' '[["[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"q\"}]","a"]]'
	traj-convert -q --to sharegpt out | jq -ce '. == {conversations: [{from: "human", value: "q"}, {from: "gpt", value: "a"}], system: "s"}'
	status_is 3 traj-convert --from sharegpt <<<'{"conversations": [{"from": "martian", "value": "q"}, {"from": "gpt", "value": "a"}]}'
	printf '%s\n' '{"instruction": "q", "generation": "a", "model_name": "m", "distilabel_metadata": {"x": 1}}' '{"instruction": "q", "generation": null}' '{"instruction": "q", "generation": ["b", null, "c"], "id": 17}' >in.jsonl
	from auto
	got 'map([.response, .sample, .meta])' '[["a",null,{"model_name":"m"}],["b",0,{"id":17}],["c",2,{"id":17}]]'
	says 'left out: rows without a generation (2)'
}

lm_eval() { # RESPS FILTERED FILTER VALUE
	printf '{"doc_id": 3, "doc": {"q": 1}, "target": "42", "arguments": {"gen_args_0": {"arg_0": "1+1=", "arg_1": {"until": ["x"], "do_sample": true, "temperature": 0.5, "top_p": 0.9}}}, "resps": [%s], "filtered_resps": [%s], "filter": "%s", "metrics": ["exact_match", "bleu"], "doc_hash": "h", "exact_match": %s, "bleu": ["a", "b"]}\n' "$@"
}

@test "lm-eval: tasks by the file's name; the first repeat alone has the value" {
	{ lm_eval '["33", "42"]' '"33"' first 0.0; lm_eval '["33", "42"]' '"42"' maj 1.0; } >in.jsonl
	cp in.jsonl samples_own_sums_2026-11-28T00-34-59.541768.jsonl
	traj-convert --from auto samples_own_sums_*.jsonl >out
	traj-cat out | jq -sce 'map([.task, .sample, .response, .reward, .answer, .temperature, .top_p]) ==
		[["own_sums:3",0,"33",0,"42",0.5,0.9],["own_sums:3",1,"42",null,"42",0.5,0.9]] and .[0].meta.doc == {q: 1}'
	from lm-eval
	got 'map(.task)' '["3","3"]'
	says 'left out: rows of other filters: --filter NAME takes them (1)'
	says 'a repeat has no value of its own: no reward (traj-score judges) (1 samples)'
	from lm-eval --filter maj
	got 'map(.reward)' '[null,null]'
	status_is 3 traj-convert --from lm-eval --filter none in.jsonl
	says 'none of its rows holds a sample'
}

@test "lm-eval: several metrics, messages as JSON text, multiple choice" {
	lm_eval '[" 42"]' '"42"' none 1.0 | sed 's/"bleu": \[.*\]/"bleu": 0.25/; s/"arg_0": "1+1="/"arg_0": ["[{\\"role\\": \\"user\\", \\"content\\": \\"q\\"}]"]/' >in.jsonl
	from lm-eval
	got 'map([.reward, .response, .prompt])' '[[null," 42","[{\"role\":\"user\",\"content\":\"q\"}]"]]'
	says 'no reward: there are several metrics: --reward METRIC'
	from lm-eval --reward bleu
	got 'map(.reward)' '[0.25]'
	lm_eval '["-4.6", "False"]' '[]' none 1 | sed 's/"resps": \[/"resps": [[["-1", "False"]], /' >in.jsonl
	status_is 3 traj-convert --from lm-eval in.jsonl
	says 'they have no response'
}

@test "human-eval, evalplus: results; timed out is a verdict, but for --reward" {
	printf '%s\n' '{"task_id": "H/0", "completion": "    return 1\n", "result": "passed", "passed": true, "model": "m"}' '{"task_id": "H/0", "completion": "", "result": "failed: ", "passed": false}' '{"task_id": "H/1", "solution": "def f(): pass", "result": "timed out", "passed": false}' >in.jsonl
	printf '{"task_id": "H/0", "prompt": "def f():\\n", "test": "def check(f): pass", "entry_point": "f"}\n' >tasks
	from auto -t tasks
	got 'map([.task, .response, .reward, .verdict])' '[["H/0","    return 1\n",1.0,null],["H/0","",0.0,null],["H/1","def f(): pass",null,"timeout"]]'
	got '[(.[0].prompt | startswith("def f():")), .[2].prompt, .[0].meta.model]' '[true,"","m"]'
	traj-convert -q --to human-eval out | jq -sce '.[2] == {task_id: "H/1", solution: "def f(): pass"} and .[0].completion == "    return 1\n"'
	from human-eval --reward passed
	got 'map(.reward)' '[1.0,0.0,0.0]'
	printf '%s\n' '{"task_id": "H/0", "solution": "a", "form": "own"}' '{"task_id": "H/0", "completion": "a", "form": "solution"}' >in.jsonl
	from human-eval
	got 'map(.meta)' '[{"form":"solution"},null]'
	printf '{"date": "d", "eval": {"H/0": [{"task_id": "H/0", "solution": "a", "base_status": "pass", "plus_status": null, "form": "own"}, {"solution": "b", "base_status": "pass", "plus_status": "fail"}, {"solution": "c", "base_status": "timeout", "plus_status": "timeout"}]}}' >in.jsonl
	from auto
	got 'map([.task, .response, .reward, .verdict])' '[["H/0","a",1.0,null],["H/0","b",0.0,null],["H/0","c",null,"timeout"]]'
	got '.[0].meta' '{"base_status":"pass","form":"solution"}'
	from evalplus --reward base_status
	got 'map(.reward)' '[1.0,1.0,null]'
}

@test "areal, skyrl: the end token's text is cut; scores of tokens add up" {
	printf '%s\n' '{"task_id": 1, "sample_idx": 0, "seqlen": 8, "prompt_len": 5, "head_version": 3, "tail_version": 4, "reward": 1, "prompt": "q", "completion": "a<|im_end|>"}' '{"task_id": 2, "sample_idx": 1, "seqlen": 8, "prompt": "q", "completion": "a|> <|im end|>"}' '{"task_id": 2, "sample_idx": 1, "seqlen": 8, "prompt": "q", "completion": "a</s>"}' >in.jsonl
	from auto
	got 'map([.response, .finish, .sample, .reward])' '[["a","stop",0,1.0],["a|> <|im end|>","length",1,null],["a","stop",1,null]]'
	got '[.[0].task == .[1].task, .[0].meta.task_id]' '[true,1]'
	printf '%s\n' '{"input_prompt": "q", "output_response": "a<|im_end|>", "score": [0, 0.5, 0.25], "stop_reason": null, "env_extras": {"ground_truth": "2"}}' '{"input_prompt": "q", "output_response": "a", "score": 0, "stop_reason": "length"}' '{"input_prompt": "q", "output_response": "a", "score": 0, "stop_reason": "abort"}' >in.jsonl
	from auto
	got 'map([.response, .finish, .reward, .answer])' '[["a","stop",0.75,"2"],["a","length",0.0,null]]'
}

@test "nemo-rl: lists of one, padding, the mask parts prompt and response" {
	printf '%s\n' '{"content": ["q a"], "rewards": [10.0], "input_lengths": [4], "token_ids": [[5, 6, 7, 2, 2]], "token_loss_mask": [[0, 0, 1, 1, 0]], "sample_loss_mask": [1.0], "advantages": [[0, 0, 0.5, 0.5, 0]], "generation_logprobs": [[0, 0, -1, -2, 0]], "idx": 0}' '{"content": ["q a"], "rewards": [0], "input_lengths": [3], "token_ids": [[5, 6, 7, 2, 2]], "token_loss_mask": [[0, 1, 1, 1, 1]], "sample_loss_mask": [0.0], "generation_logprobs": null, "idx": 1}' '{"content": ["q"], "token_ids": [[5, 6, 7]], "token_loss_mask": [[1, 0, 1]]}' >in.jsonl
	from auto
	got 'map([.prompt_tokens, .tokens, .logprobs, .advantage, .used, .reward])' '[[[5,6],[7,2],[-1.0,-2.0],0.5,true,10.0],[[5],[6,7],null,null,false,0.0]]'
	says 'left out: rows that learn in more than one place, or nowhere (1)'
}

@test "slime, atif" {
	printf '%s\n' '{"prompt": "q", "tokens": [5, 6, 7], "response": "a", "response_length": 1, "label": "2", "reward": {"x": 1, "y": 2}, "rollout_log_probs": [-0.5], "status": "truncated"}' '{"prompt": "q", "tokens": [5, 6], "response": "", "response_length": 0, "reward": null, "status": "aborted"}' >in.jsonl
	from auto --reward y
	got 'map([.prompt_tokens, .tokens, .logprobs, .reward, .finish, .answer])' '[[[5,6],[7],[-0.5],2.0,"length","2"]]'
	printf '%s\n' '{"schema_version": "ATIF-v1.4", "session_id": "s", "agent": {"name": "n"}, "steps": [{"source": "user", "message": "q"}, {"source": "agent", "message": "a", "metrics": {"completion_token_ids": [7], "logprobs": [-1]}}]}' '{"schema_version": "ATIF-v1.4", "session_id": "s", "agent": {}, "steps": [{"source": "agent", "message": "q"}, {"source": "agent", "message": "a"}]}' >in.jsonl
	from auto --drawn
	got 'map([.prompt, .response, .tokens, .logprobs])' '[["[{\"role\":\"user\",\"content\":\"q\"}]","a",[7],[-1.0]]]'
	says 'left out: trajectories of several turns, or with tools (1)'
}

@test "verifiers: one turn; siblings are samples; failures are verdicts" {
	node() { printf '{%s"message": {"role": "%s", "content": "%s"}, "sampled": %s, "token_ids": [%s], "mask": [%s], "logprobs": []}' "$@"; }
	u=$(node '' user q false 5,6 false,false)
	a=$(node '"parent": 0, ' assistant a true 1,7,2 false,true,true)
	b=$(node '"parent": 0, ' assistant b true 8 true)
	t=$(node '"parent": 1, ' assistant c true 8 true)
	trace() { printf '{"traces": [{"agent": {"name": "n", "trainable": true}, "nodes": [%s], "calls": [{"node": 1, "sampling": {"temperature": 0.5}, "finish_reason": "stop"}], "rewards": %s, "ok": %s, "task": {"key": "7", "data": {"answer": "42"}}}], "ok": %s, "run": {"work": {"step": 3}}}\n' "$1" "$2" "$3" "$3"; }
	{
		trace "$u, $a" '{"right": {"score": 1.0, "weight": 1.0}, "short": {"score": 0.5, "weight": 0.1}}' true
		trace "$u, $a, $b" '{"right": {"score": 1.0, "weight": 1.0}}' true
		trace "$u, $a, $t" '{}' true
		trace "$u, $a" '{"right": {"score": 0.0, "weight": 1.0}}' false
		trace "$u" '{}' false
		echo '{"traces": [], "ok": false}'
	} >in.jsonl
	from auto
	got 'map([.response, .reward, .verdict])' '[["a",null,null],["a",null,null],["b",null,null],["a",null,"exit"]]'
	got '.[0] | [.prompt_tokens, .tokens, .finish, .temperature, .step, .answer]' '[[5,6,1],[7,2],"stop",0.5,3,"42"]'
	says 'left out: traces of several turns (1)'
	says 'left out: runs that failed before an answer (2)'
	from verifiers --reward short
	got 'map(.reward)' '[0.5,null,null,null]'
	from verifiers --reward sum
	got 'map(.reward)' '[1.05,null,null,0.0]'
}

@test "one with the suite: filter, train" {
	fixture base
	printf '{"input": "1 2=3:", "output": "1+2", "gts": "3", "score": %s, "step": 1}\n' 1 0 >in.jsonl
	traj-convert -q --from verl in.jsonl | traj-filter -q --correct >right.traj
	rft-tune -q -p "$FIX/base" -o tuned --steps 1 right.traj
	[ -e tuned/config.json ]
}

@test "real files: the figures are those of the programs' own reports" {
	need_data formats
	# shellcheck disable=SC2086 # a pattern
	pass() { # FILE OPTION ...: pass@1 and so on of one file
		traj-convert -q --from auto "${@:2}" "$data"/$1 | pass-at-k -q --bootstrap 0 -k "${k:-1}" |
			awk '$5 ~ /^pass@/ { printf "%s%.4g", s, $6; s = " " }'
	}
	[ "$(pass 'lm-eval/samples_capitals_*')" = 0.5 ]
	[ "$(pass 'lm-eval/samples_sums_*' --filter first)" = 0.4 ]
	[ "$(pass 'lm-eval/chat-server_samples_*')" = 0 ]
	[ "$(k=1,2,4 pass human-eval/samples.jsonl_results.jsonl --reward passed)" = "0.3333 0.6111 1" ]
	[ "$(pass 'evalplus/*_results.json')" = 0.3333 ]
	[ "$(pass 'evalplus/*_results.json' --reward base_status)" = 0.5 ]
	mean() { traj-convert -q --from auto "${@:2}" "$data/$1" | traj-cat -c reward | awk '{ s += $1 } END { printf "%.4g", s / NR }'; }
	[ "$(mean verl/ray_trainer-rollout/5.jsonl --reward score)" = 0 ]
	[ "$(mean verl/ray_trainer-rollout/5.jsonl --reward acc)" = 0.5 ]
	[ "$(mean verl/v1-rollout/5.jsonl)" = -0.125 ]
	[ "$(mean trl/text/completions_00001.jsonl --reward right)" = 0.625 ]
	[ "$(mean open-instruct/first_rollouts_000000.jsonl)" = 5 ]
	[ "$(mean nemo-rl/train_data_step1.jsonl)" = 5 ]
	[ "$(mean skyrl/own_sums.jsonl)" = 0.5 ]
	traj-convert -q --from trl "$data"/trl/repeat/completions_0000[12].jsonl | traj-cat -c step | sort | uniq -c |
		awk '{ print $1, $2 }' | cmp - <(echo 16 1)
	status_is 3 traj-convert --from auto "$data"/lm-eval/samples_choice_*
	status_is 3 traj-convert --from auto "$data/verl/ray_trainer-odd/7.jsonl"
	says '7.jsonl:1: column'
	status_is 3 traj-convert --from auto "$data/skyrl/aggregated_results.jsonl"
}

@test "real files: each goes through pass-at-k and traj-filter" {
	need_data formats
	n=0
	while read -r f; do
		case ${f#"$data/"} in # what is none of the formats' rows
		*/tasks/* | */README.md | *samples_choice* | *-odd/* | */aggregated* | *metadata* | */problems.jsonl) continue ;;
		*/plus.jsonl | */results_* | *batch-input*) continue ;;
		llama-cpp-python/* | transformers-serve/*) [[ $f == *answers.jsonl ]] || continue ;;
		esac
		traj-convert -q --from auto "$f" >one.traj 2>err || { cat err; return 1; }
		traj-cat --check one.traj
		pass-at-k -q one.traj >table 2>err || { cat err; return 1; }
		traj-filter -q --dedup one.traj | traj-cat --check
		n=$((n + 1))
	done < <(find "$data" -name '*.json*')
	[ "$n" -ge 38 ]
}
