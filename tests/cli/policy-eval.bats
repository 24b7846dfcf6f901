# policy-eval.bats - what is written, every option.
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	fixture tasks base
	records=$root/tests/cli/records.py
}

run_eval() {
	policy-eval -q -p "$FIX/base" -t "$FIX/test.jsonl" --max-new 12 "$@"
}

column() {
	"$records" keys "$1"
}

@test "each problem in order, each response judged, a whole stream" {
	run_eval -n 3 >out
	[ "$(column task <out | uniq)" = "$(jq -r .id "$FIX/test.jsonl")" ]
	[ "$(column sample <out | sort -un | paste -sd ' ')" = "0 1 2" ]
	[ "$("$records" kinds <out | wc -w)" = $((3 * $(wc -l <"$FIX/test.jsonl") + 2)) ]
	traj-cat out | jq -es 'all(.verdict == "ok" and (.reward == 0 or .reward == 1)
		and (.tokens | length) == (.logprobs | length) and .policy != null
		and .entropy >= 0 and .verifier == "countdown") and any(.reward == 1)'
	traj-cat out | jq -es 'all(has("step") or has("iter") or has("used") | not)'
}

@test "rewards are what the verifier says of the records again" {
	run_eval -n 4 >out
	traj-score -q out >again
	cmp <(column reward <out) <(column reward <again)
}

@test "--tasks - reads standard input" {
	run_eval >a
	policy-eval -q -p "$FIX/base" -t - --max-new 12 <"$FIX/test.jsonl" >b
	"$records" body <a >a.body
	"$records" body <b | cmp - a.body
}

@test "--seed, --threads, --batch: what a response is depends on the seed alone" {
	run_eval -n 3 -s 5 -j 1 >a
	run_eval -n 3 -s 5 -j 2 | cmp - a
	run_eval -n 3 -s 5 --batch 2 --workers 3 | cmp - a
	run_eval --samples=3 -s5 2>/dev/null | "$records" body | cmp - <("$records" body <a)
	not cmp -s <(run_eval -n 3 -s 6 | "$records" body) <("$records" body <a)
}

@test "--compute bf16: other log-probabilities, whatever the batch" {
	run_eval --compute bf16 -j 1 | "$records" body >a
	run_eval --compute bf16 -j 2 --batch 2 | "$records" body | cmp - a
	not cmp -s <(run_eval --compute f32 | "$records" body) a
	status_is 2 run_eval --compute f16
}

@test "--samples: more begin with the same ones" {
	run_eval -n 2 | column task,sample,response >few
	run_eval -n 5 | column task,sample,response >many
	[ "$(grep -cxFf few many)" -ge "$(sort -u few | wc -l)" ]
	[ "$(wc -l <many)" = $((5 * $(wc -l <"$FIX/test.jsonl"))) ]
}

@test "several rewards of a command are in the records, as traj-score writes them" {
	jq -c 'del(.verifier)' "$FIX/test.jsonl" >bare.jsonl
	two='cmd:jq -c --unbuffered "{reward: 1, rewards: {form: 0.5, brevity: (.response | length)}}"'
	policy-eval -q -p "$FIX/base" -t bare.jsonl --max-new 12 --verifier "$two" >a.traj
	traj-cat a.traj | jq -es 'all(.rewards == {form: 0.5, brevity: (.response | length)})'
	policy-eval -q -p "$FIX/base" -t bare.jsonl --max-new 12 --no-score | traj-score -q --verifier "$two" >b.traj
	cmp <(traj-cat a.traj | jq -c '[.reward, .rewards]') <(traj-cat b.traj | jq -c '[.reward, .rewards]')
}

@test "--verifier: instead of one that a row's form implies, not of one that a row names" {
	cat >rows.jsonl <<-'END'
		{"id":"a","question":"1+1=","answer":"#### 2"}
		{"id":"b","question":"1+1=","answer":"#### 2","verifier":"number"}
	END
	policy-eval -q -p "$FIX/base" -t rows.jsonl --max-new 4 | column verifier | paste -sd, >a
	policy-eval -q -p "$FIX/base" -t rows.jsonl --max-new 4 --verifier exact | column verifier |
		paste -sd, >b
	[[ $(cat a) == *gsm8k*,*number* && $(cat b) == *exact*,*number* ]]
}

@test "--greedy: the likeliest, whatever the seed" {
	run_eval --greedy -s 1 | column response,temperature >a
	run_eval --greedy -s 2 | column response,temperature | cmp - a
	[[ $(head -n 1 a) == *0* ]]
	status_is 2 run_eval --greedy -n 2
}

@test "--temperature, --top-p, --top-k: recorded, and fewer different responses" {
	run_eval -n 8 >usual
	for o in "temperature 0.05" "top_p 0.05" "top_k 1"; do
		read -r key value <<<"$o"
		run_eval -n 8 "--${key/_/-}" "$value" >out
		[ "$(column "$key" <out | sort -u)" = "$value" ]
		[ "$(column task,response <out | sort -u | wc -l)" -lt \
			"$(column task,response <usual | sort -u | wc -l)" ]
	done
}

@test "--temperature: no log-prob is above 0, as cold as it may be" {
	for t in 0.03 0.13 0.37; do
		run_eval -n 16 --temperature $t >cold
		traj-cat --check cold
	done
}

@test "--top-p, --top-k: what was kept, and log-probs of that, for any -j and --batch" {
	run_eval | traj-cat | jq -es 'all(has("kept") | not)'
	run_eval -n 4 --top-p 0.8 --top-k 5 >cut
	traj-cat --check cut
	traj-cat cut | jq -es 'all((.kept | length) == (.tokens | length)) and
		all([.tokens, .kept] | transpose | all(.[0] as $t | .[1] | length < 6 and index($t) != null)) and
		all([.logprobs, .kept] | transpose | all((.[1] | length) > 1 or .[0] == 0))'
	run_eval -n 4 --top-p 0.8 --top-k 5 -j 1 --batch 1 | "$root/tests/cli/records.py" body >a
	"$root/tests/cli/records.py" body <cut | cmp - a
	# of one distribution the kept sum to 1: with enough samples of the first token each is met
	run_eval -n 60 --top-k 2 --max-new 1 | traj-cat | jq -es 'group_by(.task) | map(unique_by(.tokens[0]) |
		select(length == 2) | map(.logprobs[0] | exp) | add - 1 | fabs) | length > 0 and max < 1e-5'
	traj-cat -c kept cut | head -n 1 | jq -e 'type == "array"'
	traj-filter -q --min-reward 0 cut | traj-cat -c task,kept | cmp - <(traj-cat -c task,kept cut)
	for bad in "--top-k 1025" "--top-k -1" "--top-p 0" "--top-p 1.1"; do
		read -r -a bad <<<"$bad"
		status_is 2 run_eval "${bad[@]}"
		says "${bad[0]}"
	done
}

@test "--max-new: no response is longer" {
	policy-eval -p "$FIX/base" -t "$FIX/test.jsonl" --max-new 3 >out 2>err
	traj-cat out | jq -es 'all(.tokens | length <= 3) and any(.finish == "length")'
	grep -q -- "--max-new 3" err
}

@test "--prompt: one problem without a verdict" {
	status_is 0 policy-eval -q -p "$FIX/base" --prompt '1 2=3:' -n 3 --max-new 8
	traj-cat "$BATS_TEST_TMPDIR/out" |
		jq -es 'length == 3 and all(.prompt == "1 2=3:" and (has("reward") | not))'
	status_is 2 policy-eval -p "$FIX/base" --prompt x -t "$FIX/test.jsonl"
	status_is 2 policy-eval -p "$FIX/base"
	status_is 3 policy-eval -q -p "$FIX/base" --prompt 'words'
	says "prompt"
}

# A policy whose tokenizer knows ChatML's tokens (98 and 99), and the template itself
chat_policy() {
	policy-init -q -o chars --layers 1 --hidden 8 --heads 1 --ffn 8 --max-len 256
	jq -c '.added_tokens += [{"id":98,"content":"<|im_start|>","special":true},
		{"id":99,"content":"<|im_end|>","special":true}]' chars/tokenizer.json >chatml.json
	policy-init -q -o chat --layers 1 --hidden 8 --heads 1 --ffn 8 --max-len 256 \
		--tokenizer chatml.json --eos '<|im_end|>'
	printf '%s' '{% for message in messages %}{{ "<|im_start|>" + message.role + "\n" +' \
		' message.content + "<|im_end|>\n" }}{% endfor %}{% if add_generation_prompt %}' \
		'{{ "<|im_start|>assistant\n" }}{% endif %}' >chat/chat_template.jinja
}

# What the policy sees of the only problem in t.jsonl
sees() {
	policy-eval -q -p chat -t t.jsonl --no-score --max-new 1 "$@" | traj-cat | jq -r .prompt
}

@test "--template-arg and chat_template_kwargs reach the chat template, the problem's first" {
	chat_policy
	printf '%s' '{{ messages[0].content }}{% if thinking is defined and not thinking %} no{% endif %}{{ n }}' \
		>chat/chat_template.jinja
	echo '{"id":"a","messages":[{"role":"user","content":"q"}]}' >t.jsonl
	[ "$(sees)" = q ]
	[ "$(sees --template-arg thinking=false --template-arg 'n=[1, "a"]')" = "q no[1, 'a']" ]
	echo '{"id":"a","messages":[{"role":"user","content":"q"}],"chat_template_kwargs":{"thinking":true,"n":2}}' >t.jsonl
	[ "$(sees --template-arg thinking=false)" = q2 ]
	status_is 2 policy-eval -p chat -t t.jsonl --template-arg thinking
	says '--template-arg: thinking: NAME=JSON is wanted'
	status_is 2 policy-eval -p chat -t t.jsonl --template-arg thinking=no
	echo '{"id":"a","messages":[{"role":"user","content":"q"}],"chat_template_kwargs":3}' >t.jsonl
	status_is 3 policy-eval -p chat -t t.jsonl
	says 'chat_template_kwargs'
}

@test "--continue-final: the response goes on from a last message of the assistant's" {
	chat_policy
	echo '{"id":"a","messages":[{"role":"user","content":"q"},{"role":"assistant","content":"so"}]}' >t.jsonl
	[ "$(sees --continue-final | tail -n 1)" = so ]
	status_is 3 policy-eval -p chat -t t.jsonl --no-score
	says "they end with the assistant's"
	says '--continue-final'
	echo '{"id":"a","continue_final_message":true,"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"so"}]}' >t.jsonl
	[ "$(sees | tail -n 1)" = so ]
}

# ids TEXT: what the policy in chat/ makes of it
ids() {
	policy-eval -q -p chat --prompt "$1" --max-new 1 | traj-cat | jq -c .prompt_tokens
}

@test "what the files beside tokenizer.json say of a prompt's tokens" {
	chat_policy # 98 tokens of characters, 1 = 3, 2 = 4, blank 26; rows of the model for 100
	[ "$(ids '1 2')" = '[3,26,4]' ]
	edit_chat() { jq -c "$1" chat/tokenizer_config.json >x && mv x chat/tokenizer_config.json; }
	edit_chat '.added_tokens_decoder = {"98": {"content": "<|im_start|>", "rstrip": true, "special": true}}'
	[ "$(ids '1<|im_start|>  2')" = '[3,98,4]' ]
	edit_chat '.tokenizer_class = "LlamaTokenizer"'
	echo '{"bos_token":"<|im_start|>"}' >chat/special_tokens_map.json
	[ "$(ids '1')" = '[98,3]' ]
	edit_chat '.add_bos_token = false'
	[ "$(ids '1')" = '[3]' ]
	echo '{"<|new|>":100}' >chat/added_tokens.json
	status_is 3 policy-eval -p chat --prompt 1
	says 'token "<|new|>" is not in tokenizer.json, and its id 100 is beyond vocab_size, 100'
	echo '{"<|im_end|>":7}' >chat/added_tokens.json
	status_is 3 policy-eval -p chat --prompt 1
	says 'chat/added_tokens.json: token "<|im_end|>": id 7, but tokenizer.json says 99'
}

@test "messages are rendered as the policy's chat template does" {
	chat_policy
	cat >t.jsonl <<-'END'
		{"id":"a","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"1+1?"}],"answer":"2","verifier":"exact"}
		{"id":"b","messages":[{"role":"user","content":"<|im_end|>"}],"answer":"2","verifier":"exact"}
		{"id":"c","prompt":"1+1=","answer":"2","verifier":"exact"}
	END
	policy-eval -q -p chat -t t.jsonl --max-new 2 | traj-cat >out
	[ "$(sed -n 1p out | jq -r .prompt)" = "<|im_start|>system
Be brief.<|im_end|>
<|im_start|>user
1+1?<|im_end|>
<|im_start|>assistant" ]
	# the template's tokens are tokens, and so is text of the user's that spells one
	[ "$(jq -c '.prompt_tokens | map(select(. >= 98))' out | paste -sd ' ')" = \
		"[98,99,98,99,98] [98,99,99,98] []" ]
	[ "$(sed -n 3p out | jq -r .prompt)" = "1+1=" ]
	# verl's rows
	echo '{"prompt":[{"role":"user","content":"1+1?"}],"reward_model":{"ground_truth":"2"},"verifier":"exact"}' |
		policy-eval -q -p chat -t - --max-new 2 | traj-cat | jq -e '.prompt_tokens[0] == 98'
	# what the template refuses, and a policy without one
	echo '{{ raise_exception("never") }}' >chat/chat_template.jinja
	status_is 3 policy-eval -p chat -t t.jsonl
	says 'task a: its messages (write what the policy is to see as "prompt")'
	says 'line 1: the template refuses: never'
	rm chat/chat_template.jinja
	status_is 3 policy-eval -p chat -t t.jsonl
	says 'no chat template'
}

@test "--prompt-template: around the prompt, or the last message of the user's" {
	run_eval --prompt-template ' {prompt} ' | traj-cat | jq -r .prompt | head -n 1 >got
	[ "$(cat got)" = " $(jq -r .prompt "$FIX/test.jsonl" | head -n 1) " ]
	chat_policy
	echo '{"id":"a","messages":[{"role":"user","content":"1+1?"}],"answer":"2","verifier":"exact"}' >t.jsonl
	policy-eval -q -p chat -t t.jsonl --max-new 2 --prompt-template $'Say: {prompt}\n\\boxed{}' |
		traj-cat | jq -r .prompt >got
	[ "$(sed -n 2,3p got)" = $'Say: 1+1?\n\\boxed{}<|im_end|>' ]
	status_is 2 policy-eval -p "$FIX/base" -t t.jsonl --prompt-template 'no place'
	says "it lacks {prompt}"
}

@test "--verifier and --no-score: problems that name no verifier" {
	jq -c 'del(.verifier)' "$FIX/test.jsonl" >bare.jsonl
	status_is 3 run_eval -t bare.jsonl
	says verifier
	run_eval -t bare.jsonl --verifier countdown >a
	cmp <(column reward <a) <(run_eval | column reward)
	run_eval -t bare.jsonl --no-score >b
	traj-cat b | jq -es 'all(has("reward") or has("verdict") | not)'
	cmp <(column response <a) <(column response <b)
}

@test "--trust, --workers: commands that problems name" {
	jq -c --arg sed "cmd:sed -u 's/.*/{\"reward\":0.5}/'" '.verifier = $sed' "$FIX/test.jsonl" \
		>cmd.jsonl
	status_is 3 run_eval -t cmd.jsonl
	says trust
	run_eval -t cmd.jsonl --trust --workers 3 >out
	[ "$(column reward <out | sort -u)" = 0.5 ]
}

@test "--deadline, --max-output, --max-failures: a verifier that fails gives a verdict and no reward" {
	head -n 2 "$FIX/test.jsonl" | jq -c 'del(.verifier)' >two.jsonl
	run_eval -t two.jsonl --verifier 'cmd:sleep 9' --deadline 0.05 --max-failures 1 >out 2>err
	[ "$(column verdict <out | sort -u)" = timeout ]
	traj-cat out | jq -es 'all(has("reward") | not)'
	grep -q "2 responses could not be judged" err
	status_is 3 run_eval -t two.jsonl --verifier 'cmd:sed -u s/.*/what/'
	says "2 of 2 verdicts are failures (2 garbage), more than --max-failures 0.1; no answer is: what"
	run_eval -t two.jsonl --max-output 20 --max-failures 1 \
		--verifier 'cmd:sed -u s/.*/{\"reward\":1,\"extracted\":\"aaaaaaaaaaaaa\"}/' >out
	[ "$(column verdict <out | sort -u)" = too-long ]
}

@test "--step and --iter are written into the records" {
	run_eval --step 40 --iter 2 >out
	[ "$(column step,iter <out | sort -u | tr '\t' ' ')" = "40 2" ]
}

@test "a real model says what a reference in float64 says" {
	need_data stories260k/reference.json
	policy-eval -q -p "${data%/*}" --prompt '' --greedy --max-new 200 >out
	traj-cat out | jq -e --slurpfile ref "$data" \
		'.prompt_tokens == $ref[0].prompt_ids and .tokens == $ref[0].greedy_ids[1:] and
		([.logprobs, $ref[0].logprobs] | transpose | all(.[0] - .[1] | fabs < 1e-4))'
}

@test "wrong calls and inputs are refused; a failure leaves no end record" {
	status_is 2 policy-eval -t "$FIX/test.jsonl"
	status_is 2 run_eval operand
	status_is 3 policy-eval -p nothing-here -t "$FIX/test.jsonl"
	status_is 3 run_eval -t /dev/null
	[[ $("$records" kinds <"$BATS_TEST_TMPDIR/out") != *end ]]
	status_is 2 run_eval --verifier nothing
}

@test "records are not written to a terminal" {
	need_tool script
	script -qec "policy-eval -p $FIX/base --prompt 1" /dev/null >said && return 1
	grep -q "not written to a terminal" said
}

@test "--temperature 0 names what is meant" {
	status_is 2 run_eval --temperature 0
	says "--temperature: 0 is below 0.01; --greedy takes the likeliest token always"
}

@test "a pipe in a policy folder is refused, not waited for" {
	for name in config.json tokenizer.json model.safetensors; do
		rm -rf piped
		cp -r "$FIX/base" piped
		rm "piped/$name"
		mkfifo "piped/$name"
		status_is 3 timeout 10 policy-eval -p piped --prompt x
		says "piped/$name: not a regular file"
	done
}

@test "a policy without a stop token: one warning" {
	cp -r "$FIX/base" endless
	for f in endless/*.json; do
		jq 'if type == "object" then del(.eos_token_id, .eos_token) else . end' "$f" >new
		mv new "$f"
	done
	status_is 0 policy-eval -p endless -t "$FIX/test.jsonl" -n 2 --max-new 3
	says "warning: the policy has no token that ends a response: each has all --max-new 3 tokens"
	[ "$(grep -c warning err)" = 1 ]
}

@test "--count-tokens: of each prompt, as the policy sees it; no weights are read" {
	mkdir light
	cp "$FIX"/base/*.json light
	status_is 0 policy-eval -p light -t "$FIX/test.jsonl" --count-tokens
	n=$(wc -l <"$FIX/test.jsonl")
	[ "$(wc -l <out)" = $((n + 1)) ]
	[ "$(head -n 1 out)" = $'task\ttokens' ]
	status_is 0 policy-eval -p light --prompt '3 4=12:' --count-tokens
	[ "$(tail -n 1 out)" = $'prompt\t7' ]
	status_is 0 policy-eval -p light --prompt '3 4=12:' --prompt-template '{prompt} {prompt}' --count-tokens
	[ "$(tail -n 1 out)" = $'prompt\t15' ]
}

@test "--max-prompt: longer prompts are left out and counted" {
	for i in 1 2 3 40 500; do
		printf '{"id":"p%d","prompt":"%0*d","answer":"1"}\n' $i $i 0
	done >mixed.jsonl
	status_is 3 run_eval -t mixed.jsonl --verifier exact
	says "mixed.jsonl: task p500: its prompt of 500 tokens leaves no room"
	status_is 0 policy-eval -p "$FIX/base" -t mixed.jsonl --verifier exact --max-new 4 --max-prompt 3
	says "2 of 5 problems have prompts of more than --max-prompt 3 tokens: left out"
	[ "$(traj-cat -c task,#prompt_tokens out | paste -sd ' ' | tr '\t' ' ')" = "p1 1 p2 2 p3 3" ]
	sed 1,3d mixed.jsonl >long.jsonl
	status_is 3 run_eval -t long.jsonl --verifier exact --max-prompt 3
	says "long.jsonl: the shortest prompt has 40 tokens, more than 3"
	status_is 0 policy-eval -p "$FIX/base" -t mixed.jsonl --max-prompt 1 --count-tokens
	[ "$(tail -n +2 out)" = $'p1\t1' ]
}

@test "--shard: the parts one behind the other are the whole" {
	policy-eval -q -p "$FIX/base" -t "$FIX/test.jsonl" -n 2 -s 3 >whole
	for n in 1 2 5 12 13; do
		for ((i = 1; i <= n; i++)); do
			policy-eval -q -p "$FIX/base" -t "$FIX/test.jsonl" -n 2 -s 3 --shard $i/$n
		done >parts
		traj-cat --check parts
		cmp <(traj-cat whole) <(traj-cat parts)
	done
	# what is left out is left out before the parts are cut
	policy-eval -q -p "$FIX/base" -t "$FIX/test.jsonl" --max-prompt 8 >whole
	for i in 1 2; do
		policy-eval -q -p "$FIX/base" -t "$FIX/test.jsonl" --max-prompt 8 --shard $i/2
	done >parts
	cmp <(traj-cat whole) <(traj-cat parts)
	for bad in 0/3 4/3 3 1/ /2 1/2x ' 1/2' -1/2 1/0 a/b; do
		status_is 2 policy-eval -p "$FIX/base" -t "$FIX/test.jsonl" --shard "$bad"
		says '--shard'
	done
}

@test "--groups: the problems of a step of RL, again when all were drawn" {
	policy-eval -q -p "$FIX/base" -t "$FIX/test.jsonl" --step 1 --groups 5 -n 2 >one
	policy-eval -q -p "$FIX/base" -t "$FIX/test.jsonl" --step 2 --groups 7 -n 2 --no-score >two
	[ "$(traj-cat -c task one | uniq | sort -u | wc -l)" = 5 ]
	policy-eval -q -p "$FIX/base" -t "$FIX/test.jsonl" --step 1 --groups 12 >all
	cmp <(traj-cat -c task all | sort) <(jq -r .id "$FIX/test.jsonl" | sort)
	rl-explore -q -p "$FIX/base" -t "$FIX/test.jsonl" -n 1 --groups 5 --group-size 2 --rounds 1 >rl
	cmp <(traj-cat one | jq -c '[.task, .tokens]' | sort) <(traj-cat rl | jq -c '[.task, .tokens]' | sort)
	rl-explore -q -p "$FIX/base" -t "$FIX/test.jsonl" -n 6 --groups 5 --group-size 1 --keep-equal >rl
	for k in 1 2 3 4 5 6; do # 12 problems: steps begin within an epoch, and at its end
		cmp <(policy-eval -q -p "$FIX/base" -t "$FIX/test.jsonl" --step $k --groups 5 | traj-cat -c task) \
			<(traj-filter -q --where "step=$k" rl | traj-cat -c task)
	done
	rl-explore -q -p "$FIX/base" -t "$FIX/test.jsonl" -n 3 --groups 12 --group-size 1 --keep-equal >rl
	cmp <(policy-eval -q -p "$FIX/base" -t "$FIX/test.jsonl" --step 3 --groups 12 | traj-cat -c task) \
		<(traj-filter -q --where step=3 rl | traj-cat -c task)
	policy-eval -q -p "$FIX/base" -t "$FIX/test.jsonl" --step 1000000000 --groups 2 >far
	[ "$(traj-cat -c task far | wc -l)" = 2 ]
	for bad in "--groups 3" "--groups 3 --step 0" "--groups 3 --step 1000000001" "--groups 3 --step 1 --shard 1/2"; do
		# shellcheck disable=SC2086 # words
		status_is 2 policy-eval -p "$FIX/base" -t "$FIX/test.jsonl" $bad
		says '--groups'
	done
}
