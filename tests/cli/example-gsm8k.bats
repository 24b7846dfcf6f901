# example-gsm8k.bats - the example from end to end, with a small published model in the place of a
# large one.
load helpers

setup() {
	need_data stories260k/model.safetensors
	need_tool jq
	cd "$BATS_TEST_TMPDIR"
	dir=$root/examples/gsm8k
	cat >train.jsonl <<-'END'
		{"question":"Tom has 2 apples and finds 1 more. How many has he?","answer":"2+1=<<2+1=3>>3\n#### 3"}
		{"question":"Lily had 5 balls and lost 3. How many are left?","answer":"5-3=<<5-3=2>>2\n#### 2"}
	END
	{ cat train.jsonl && sed 's/balls/"hats"/; s/"hats"/hats/' train.jsonl; } >test.jsonl
	export ITERATIONS=1 STEPS=2 SAMPLES=2 KS=1,2 HELD_OUT=3 GROUPS_A_STEP=2 GROUP_SIZE=4 MAX_NEW=12 \
		EXPLORE_OPTS='--lr 1e-4 --rounds 1 --keep-equal' MORE=-q
}

@test "run.sh: tasks, greedy accuracy, an iteration, a table; again, nothing is done twice" {
	status_is 0 "$dir/run.sh" "$SHARED_DATA/stories260k" train.jsonl test.jsonl runs
	[[ $output == iter*pass@2* ]]
	[ "$(wc -l <runs/rloop.tsv)" = 3 ]
	[ "$(jq -rs 'map(.id) | join(" ")' runs/test.jsonl)" = "test:1 test:2 test:3" ]
	[ "$(jq -rs 'map(.prompt | test("^Solve .*####.*\n\nProblem: .*\\?\nSolution:$")) | all' runs/train.jsonl)" = true ]
	[ "$(traj-cat -c verifier,verdict,answer runs/greedy.traj | sort -u | wc -l)" = 2 ]
	[ "$(traj-cat -c verifier,verdict runs/run/iter-1/explore.traj | sort -u)" = "gsm8k	ok" ]
	awk '$5 == "pass@1"' runs/greedy.tsv | grep -q .
	stat -c '%n %i %z' runs/*.jsonl runs/*.traj runs/run/iter-1/*.traj >before
	status_is 0 "$dir/run.sh" "$SHARED_DATA/stories260k" train.jsonl test.jsonl runs
	stat -c '%n %i %z' runs/*.jsonl runs/*.traj runs/run/iter-1/*.traj | diff before -
}

# chatty: the small model with a chat template
chatty() {
	cp -r "$SHARED_DATA/stories260k" chatty
	chmod -R u+w chatty
	cp "$SHARED_DATA/chat/chatml.jinja" chatty/chat_template.jinja
}

@test "run.sh: an instruct checkpoint is asked in its own template; STYLE; no arguments" {
	need_data chat/chatml.jinja
	chatty
	status_is 0 "$dir/run.sh" chatty train.jsonl test.jsonl runs
	[ "$(jq -rs 'map(.messages[0] | .role + (.content | test("\\?\nSolve .*number.$") | tostring)) | unique[]' \
		runs/train.jsonl)" = usertrue ]
	[[ $(traj-cat --head 1 runs/run/iter-1/eval.traj | jq -r .prompt) == \
		"<|im_start|>user"*"apples"*"<|im_end|>"*"<|im_start|>assistant" ]]
	STYLE=plain status_is 0 "$dir/run.sh" chatty train.jsonl test.jsonl plain
	[ "$(jq -rs 'map(has("prompt")) | all' plain/train.jsonl)" = true ]
	status_is 2 "$dir/run.sh"
	says "run.sh POLICY"
}

@test "run.sh: LORA trains adapters" {
	LORA=2 FILTER_OPTS='--threshold 0 --max-rate 1' status_is 0 "$dir/run.sh" "$SHARED_DATA/stories260k" train.jsonl test.jsonl runs
	[ "$(jq .r runs/run/iter-1/*/adapter_config.json)" = 2 ]
	[ "$(find runs -name model.safetensors)" = "" ]
	[ "$(wc -l <runs/rloop.tsv)" = 3 ]
}

@test "the wrapped question of a base checkpoint; a problem of MATH's" {
	policy-eval -q -p "$SHARED_DATA/stories260k" -t test.jsonl -n 2 --max-new 12 --prompt-template 'Solve.

Problem: {prompt}
Solution:' >eval.traj
	[[ $(traj-cat --head 1 eval.traj | jq -r .prompt) == $'Solve.\n\nProblem: Tom'*$'?\nSolution:' ]]
	[ "$(traj-cat -c verifier,verdict eval.traj | sort -u)" = "gsm8k	ok" ]
	printf '%s\n' '{"problem":"1+1?","level":"Level 1","solution":"It is $\\boxed{2}$."}' >math.jsonl
	rl-explore -q -p "$SHARED_DATA/stories260k" -t math.jsonl -n 1 --groups 1 --group-size 2 --max-new 8 \
		--rounds 1 --keep-equal --prompt-template '{prompt}
Put your final answer within \boxed{}.' >explore.traj
	[ "$(traj-cat -c verifier,answer,verdict explore.traj | sort -u)" = "math	2	ok" ]
}

@test "rows of GSM8K as they are" {
	policy-eval -q -p "$SHARED_DATA/stories260k" -t test.jsonl --greedy --max-new 12 >greedy.traj
	traj-score -q --explain greedy.traj | traj-cat -c verifier,answer,why | head -n 1 >got
	[[ $(cat got) == gsm8k*3*n* ]]
}
