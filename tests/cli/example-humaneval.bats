# example-humaneval.bats - answers that are programs: who passes, and what the sandbox holds back.
load helpers

setup() {
	need_tool jq
	need_tool python3
	dir=$root/examples/humaneval
	cd "$BATS_TEST_TMPDIR"
	export WALL=600 # the time of the processor alone decides, however busy the machine is
	jq -c '{id: .task_id, prompt, answer: "", meta: {prompt, entry_point, test}}' \
		"$dir/problems.jsonl" >tasks.jsonl
}

need_sandbox() {
	need_tool bwrap
	"$dir/sandbox.sh" true 2>/dev/null || skip "bwrap may not create namespaces here"
}

# outcome TASK RESPONSE: reward and what was extracted
outcome() {
	jq -nc '{task: $ARGS.positional[0], prompt: "", response: $ARGS.positional[1]}' --args "$@" |
		traj-cat --from-json |
		traj-score -q -t tasks.jsonl --verifier "cmd:python3 '$dir/judge.py'" --deadline 3600 |
		traj-cat -c reward,extracted
}

@test "run.sh: each of the responses is judged as it deserves" {
	need_sandbox
	for VERIFIER in code judge.py; do
		export VERIFIER
		judged_well
	done
}

judged_well() {
	"$dir/run.sh" >got
	[ "$(cut -f 3 got | sort -u)" = ok ]
	[ "$(awk -F '\t' '$2 == 1 { print $5 }' got | paste -sd '|')" = \
		"right|right, and goes on|right, in a chat|right" ]
	[ "$(awk -F '\t' '$4 == "timeout" { print $5 }' got)" = "never ends" ]
	[ "$(wc -l <got)" = "$(wc -l <"$dir/responses.jsonl")" ]
}

@test "run.sh POLICY: a policy's own answers, pass@k" {
	need_sandbox
	fixture base
	sed 's/"prompt":"[^"]*\(\\"[^"]*\)*"/"prompt":"1+1="/' "$dir/problems.jsonl" >tiny.jsonl
	SAMPLES=2 EVAL_OPTS="-q --max-new 4" "$dir/run.sh" "$FIX/base" tiny.jsonl >table
	[ "$(awk '$5 == "pass@1" { print $3, $4, $6 }' table)" = "3 6 0" ]
}

@test "canonical solutions pass, one that is spoilt does not" {
	need_sandbox
	jq -c '{task: .task_id, prompt: "", response: .canonical_solution}' "$dir/problems.jsonl" |
		traj-cat --from-json |
		traj-score -q -t tasks.jsonl --verifier "cmd:python3 '$dir/judge.py'" \
			--deadline 3600 >all.traj
	[ "$(traj-cat -c reward all.traj | paste -sd ' ')" = "1.0 1.0 1.0" ]
	[ "$(outcome tiny/0 '    return 5')" = "0.0	failed" ]
}

@test "no network, though there is one outside" {
	need_sandbox
	mkfifo tell
	python3 -c 'import socket
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
while True: s.accept()' >tell 3>&- &
	server=$!
	read -r port <tell
	try="    import socket
    socket.create_connection(('127.0.0.1', $port), 2)
    return values[-1] if values else 0"
	python3 -c "def f(values):
$try
assert f([1]) == 1"
	[ "$(outcome tiny/0 "$try")" = "0.0	failed" ]
	kill $server
}

@test "no files of ours, no environment, nothing written" {
	need_sandbox
	echo secret >file
	SECRET=1 "$dir/sandbox.sh" true
	export SECRET=1
	not "$dir/sandbox.sh" cat "$PWD/file"
	not "$dir/sandbox.sh" touch /usr/mine
	"$dir/sandbox.sh" test ! -w /proc/sys/kernel/core_pattern
	[ -z "$("$dir/sandbox.sh" printenv SECRET)" ]
	[ "$("$dir/sandbox.sh" ls / | paste -sd ' ')" = "bin dev lib lib64 proc tmp usr" ]
	"$dir/sandbox.sh" sh -c 'echo x >/tmp/x'
	[ "$("$dir/sandbox.sh" ls /tmp)" = "" ]
}

@test "limits on time and memory; nothing is left running" {
	need_sandbox
	# who is left running holds the pipe, and says so in the end
	left=$(WALL=1 "$dir/sandbox.sh" sh -c 'stay="sleep 60; echo left"
		sh -c "$stay" & setsid sh -c "$stay" & eval "$stay"') || status=$?
	[ "$status" = 124 ] || [ "$status" = 137 ]
	[ -z "$left" ]
	not "$dir/sandbox.sh" python3 -c 'x = bytearray(10 ** 9)'
	CPU=60 MEMORY=4000000000 "$dir/sandbox.sh" python3 -c 'x = bytearray(10 ** 9)'
	not "$dir/sandbox.sh" sh -c 'head -c 2000000 /dev/zero >/tmp/x'
	not "$dir/sandbox.sh" sh -c 'for i in $(seq 100); do head -c 1000000 /dev/zero >/tmp/$i || exit; done'
	[ "$("$dir/sandbox.sh" grep CapEff /proc/self/status | tr -d 'CapEf:0\t')" = "" ]
}

@test "without a sandbox there is no reward at all" {
	mkdir bin
	printf '#!/bin/sh\necho no namespaces >&2\nexit 1\n' >bin/bwrap
	chmod +x bin/bwrap
	jq -c '. + {prompt: ""}' "$dir/responses.jsonl" | traj-cat --from-json >in.traj
	PATH=$PWD/bin:$PATH status_is 3 traj-score -t tasks.jsonl \
		--verifier "cmd:python3 '$dir/judge.py'" --deadline 3600 in.traj
	says "no sandbox"
	says "11 of 11 verdicts are failures (11 exit)"
	[ "$(traj-cat -c verdict,reward out 2>/dev/null | sort -u)" = "exit	" ]
}

@test "which code is the answer: the last block with the function, the function, the prompt's rest" {
	need_sandbox
	# said RESPONSE: its reward for tiny/1
	said() {
		outcome tiny/1 "$1" | cut -f 1
	}
	good=$'def count_vowels(text):\n    return sum(c in "aeiouAEIOU" for c in text)'
	worse=$'def count_vowels(text):\n    return 3'
	[ "$(said "$(printf '```python\n%s\n```\nBetter:\n```python\n%s\n```' "$worse" "$good")")" = 1.0 ]
	[ "$(said "$(printf '```python\n%s\n```\nNo:\n```python\n%s\n```' "$good" "$worse")")" = 0.0 ]
	[ "$(said "$(printf '```bash\necho\n```\n```Python3 \r\n%s\r\n```\r\n' "$good")")" = 1.0 ]
	[ "$(said "$(printf '~~~py\n%s\n~~~' "$good")")" = 1.0 ]
	[ "$(said "$(printf '```python\n%s\n' "$good")")" = 1.0 ]
	[ "$(said "$(printf 'Here it is.\n\nimport os\n\n%s\n\nIt counts.' "$good")")" = 1.0 ]
	[ "$(said "$(printf '<think>\n```python\n%s\n```\n</think>\n```python\n%s\n```' "$good" "$worse")")" = 0.0 ]
	[ "$(said "$(printf '    n = 0\n# each\n    for c in text:\n        n += c in "aeiouAEIOU"\n    return n')")" = 1.0 ]
	[ "$(said "$(printf '```python\ndef count_vowels(text):\n    """\n    ```\n    x\n    ```\n    """\n    return sum(c in "aeiouAEIOU" for c in text)\n```\n')")" = 1.0 ]
}

@test "cases of public bug reports" {
	need_sandbox
	cases=$root/../shared/cases/code.jsonl
	[ -e "$cases" ] || skip "no shared cases"
	python3 "$root/tests/cli/code.py" "$cases" "$dir/judge.py"
}
