# verify-code.bats - the verifier code through the tools: rows as published, which code counts, what it
# needs, what a killed tool leaves behind.
load helpers

setup() {
	need_tool jq
	cd "$BATS_TEST_TMPDIR"
	cat >rows.jsonl <<-'END'
		{"task_id":"h","prompt":"def f(v):\n","entry_point":"f","canonical_solution":"    return sum(v)\n","test":"def check(c):\n    assert c([1, 2]) == 3\n    assert c([]) == 0\n"}
		{"task_id":11,"text":"Write a function that doubles.","code":"def twice(x): return 2 * x","test_list":["assert twice(2) == 4","assert twice('a') == 'aa'"],"test_setup_code":"","challenge_test_list":[]}
		{"question_content":"Add two numbers.","question_id":"l","starter_code":"","public_test_cases":"[{\"input\": \"1 2\\n\", \"output\": \"3\\n\", \"testtype\": \"stdin\"}]","metadata":"{}"}
	END
	printf '{"task":"%s","prompt":"","response":"%s","x":%d}\n' \
		h '    return sum(v)\n' 1 h '    return 3\n' 2 \
		11 '```python\ndef twice(x):\n    return x + x\n```' 3 11 'def twice(x):\n    return 4' 4 \
		l '```python\nprint(sum(map(int, input().split())))\n```' 5 l 'print(3, 4)' 6 |
		traj-cat --from-json >in.traj
}

need_sandbox() {
	need_tool bwrap
	"$root/examples/humaneval/sandbox.sh" python3 -c '' 2>/dev/null || skip "bwrap may not create namespaces here"
}

@test "rows of HumanEval, MBPP and LiveCodeBench as they come" {
	need_sandbox
	traj-score -q -t rows.jsonl --deadline 300 in.traj >out.traj
	[ "$(traj-cat -c reward,verdict out.traj | paste -sd ' ')" = \
		"1.0	ok 0.0	ok 1.0	ok 0.0	ok 1.0	ok 0.0	ok" ]
	[ "$(traj-cat -c extracted out.traj | sort | uniq -c | xargs)" = "3 failed 3 passed" ]
	traj-score -q -t rows.jsonl --deadline 300 --workers 5 in.traj | cmp - out.traj
	traj-score -q -t rows.jsonl --deadline 300 --explain in.traj | traj-cat -c why | head -1 >got
	[ "$(cat got)" = "all tests passed" ]
}

@test "reference solutions pass by themselves" {
	need_sandbox
	jq -c 'select(.code // .canonical_solution) | {task: "\(.task_id)", prompt: "",
		response: (.code // .canonical_solution)}' rows.jsonl | traj-cat --from-json |
		traj-score -q -t rows.jsonl --deadline 300 | traj-cat -c reward | paste -sd ' ' >got
	[ "$(cat got)" = "1.0 1.0" ]
}

@test "policy-eval judges by the verifier that the rows imply" {
	need_sandbox
	fixture base
	sed 's/Add two numbers./1+1=/' rows.jsonl | tail -1 >row.jsonl
	policy-eval -q -p "$FIX/base" -t row.jsonl -n 2 --max-new 4 --deadline 300 >out.traj
	[ "$(traj-cat -c verifier,verdict,reward out.traj | sort -u)" = "code	ok	0.0" ]
}

@test "which code counts: own cases, by code and by the example's judge.py" {
	need_sandbox
	cases=$root/tests/cli/code.jsonl
	jq -c '{task: .id, prompt, response, meta: {prompt, entry_point, test}}' "$cases" |
		traj-cat --from-json | traj-score -q --verifier code --deadline 300 --workers 2 |
		traj-cat -c task,reward >got
	jq -r '[.id, (.right | "\(.).0")] | @tsv' "$cases" | diff - got
	WALL=600 CPU=60 python3 "$root/tests/cli/code.py" "$cases" "$root/examples/humaneval/judge.py"
}

@test "cases of public bug reports" {
	need_sandbox
	cases=$root/../shared/cases/code.jsonl
	[ -e "$cases" ] || skip "no shared cases"
	jq -c '{task: .id, prompt, response, meta: {prompt, entry_point, test}}' "$cases" |
		traj-cat --from-json | traj-score -q --verifier code --deadline 300 --workers 2 |
		traj-cat -c task,reward >got
	jq -r '[.id, (.right | "\(.).0")] | @tsv' "$cases" | diff - got
}

@test "a row without tests is a failure of the verifier, not a reward of 0" {
	need_sandbox
	echo '{"task":"a","prompt":"","response":"x = 1","meta":{"test_list":[]}}' | traj-cat --from-json >no.traj
	status_is 3 traj-score --verifier code no.traj
	says "1 of 1 verdicts are failures (1 garbage)"
	traj-score -q --verifier code --max-failures 1 --explain no.traj | traj-cat -c reward,verdict,why >got
	[ "$(cat got)" = "	garbage	the row has no tests" ]
}

@test "without bubblewrap: refused with status 4; --trust runs programs" {
	need_tool python3
	mkdir bin
	printf '#!/bin/sh\necho no namespaces >&2\nexit 1\n' >bin/bwrap
	chmod +x bin/bwrap
	PATH=$PWD/bin:$PATH status_is 4 traj-score -t rows.jsonl in.traj
	says "verifier code: no sandbox: bubblewrap (bwrap)"
	says "--trust"
	PATH=$PWD/bin:$PATH status_is 0 traj-score -q --trust --deadline 300 -t rows.jsonl in.traj
	[ -z "$stderr" ]
	[ "$(traj-cat -c reward out | paste -sd ' ')" = "1.0 0.0 1.0 0.0 1.0 0.0" ]
}

# below PID ...: these processes and all that they started
below() {
	local p
	for p in "$@"; do
		echo "$p"
		# shellcheck disable=SC2046
		below $(pgrep -P "$p")
	done
}

@test "a killed tool leaves no program behind" {
	need_sandbox
	need_tool pgrep
	printf '{"task":"h","prompt":"","response":"    import time\\n    while True: time.sleep(77.5)\\n"}' |
		traj-cat --from-json >sleeps.traj
	traj-score -q -t rows.jsonl --deadline 300 sleeps.traj >out 3>&- &
	tool=$!
	for _ in {1..100}; do
		below $tool >all
		[ "$(wc -l <all)" -lt 6 ] || break # tool, keeper, bwrap twice, tests, program
		sleep 0.2
	done
	[ "$(wc -l <all)" -ge 6 ]
	kill -KILL $tool
	for _ in {1..100}; do
		grep -vx $tool all | xargs ps -o pid= -p 2>/dev/null >left || true
		[ -s left ] || return 0
		sleep 0.2
	done
	cat left
	return 1
}
