# rows.bats - problem sets and records as others write them, through the tools.
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	printf '{"id":"%s","prompt":"q%s","answer":"7"}\n' a 1 b 2 >plain
	printf '{"task":"a","prompt":"q1","response":"7"}\n' | traj-cat --from-json >in.traj
}

@test "cases of public bug reports" {
	need_tool python3
	cases=$root/../shared/cases
	[ -e "$cases/rows.jsonl" ] || skip "no shared cases"
	cat >spec <<-'END'
		{"family":"qwen2","max_len":2048,"added":["<|im_start|>","<|im_end|>"],"files":{
		"tokenizer_config.json":{"eos_token":"<|im_end|>","chat_template":
		"{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"}}}
	END
	PYTHONDONTWRITEBYTECODE=1 python3 "$cases/make_policy.py" policy spec
	python3 "$root/tests/cli/rows.py" "$cases/rows.jsonl" policy
}

# reward FILE: of the record, by this file of problems
reward() {
	traj-score -q -t "$1" --verifier exact in.traj | traj-cat -c reward
}

@test "-t: lines, an array, pretty print, gzip and zstd, from a file or a pipe" {
	need_tool jq
	jq -s . plain >array
	jq . plain >pretty
	sed 's/$/\r/' plain >crlf
	gzip -c plain >gz
	gzip -c array >gz2
	cat gz <(printf '{"id":"c","prompt":"r"}' | gzip) >members
	for f in plain array pretty crlf gz gz2 members; do
		[ "$(reward "$f")" = 1.0 ]
	done
	[ "$(reward - <gz)" = 1.0 ]
	need_tool zstd
	zstd -q plain -o zst
	[ "$(reward zst)" = 1.0 ]
}

@test "--from-json: an array, pretty print, gzip" {
	need_tool jq
	traj-cat -c task,response in.traj >want
	traj-cat in.traj | jq -s . | traj-cat --from-json | traj-cat -c task,response | cmp - want
	traj-cat in.traj | jq . | gzip | traj-cat --from-json | traj-cat -c task,response | cmp - want
	printf '[{"task":"a"},\n{"task":}]' >bad
	status_is 3 traj-cat --from-json bad
	says "bad:2: column"
}

@test "packed data that is cut off, damaged, or a bomb" {
	gzip -c plain | head -c 40 >cut
	status_is 3 traj-score -t cut --verifier exact in.traj
	says "cut: gzip data: cut off"
	{ gzip -c plain | head -c 12; echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; } >bad
	status_is 3 traj-score -t bad --verifier exact in.traj
	says "bad: gzip data"
	{ cat plain; head -c 100000000 /dev/zero | tr '\0' ' '; } | gzip -9 >bomb
	memory_limit 400000
	status_is 3 traj-score -t bomb --verifier exact in.traj
	says "two hundred times"
}

@test "a record whose problem is in no row is said to be so" {
	printf '{"task":"z","prompt":"q","response":"7"}\n' | traj-cat --from-json >z.traj
	status_is 3 traj-score -t plain z.traj
	says 'plain: no row has the id "z"'
	printf '{"task":"z","prompt":"q","response":"7","answer":"7"}\n' | traj-cat --from-json >own.traj
	[ "$(traj-score -q -t plain --verifier exact own.traj | traj-cat -c reward)" = 1.0 ]
}
