# leak.bats - held-out problems that are among those to train on are told, or refused.
load helpers

setup() {
	fixture base tasks
	cd "$BATS_TEST_TMPDIR"
	head -3 "$FIX/test.jsonl" >test.jsonl
	{
		head -3 "$FIX/train.jsonl"
		sed -n '2s/"id": *"[^"]*"/"id": "again"/p' test.jsonl
	} >train.jsonl
	run=(-p "$FIX/base" -t train.jsonl -e test.jsonl -d run -i 1 -n 1 -N 1 -k 1 -j 1
		--eval-opts "--max-new 4")
}

@test "policy-eval: --leak-check says how many and which; --strict refuses" {
	status_is 0 policy-eval -q -p "$FIX/base" -t test.jsonl --max-new 2 --leak-check train.jsonl
	says "test.jsonl: 1 of 3 problems are in train.jsonl too"
	says 'as "again"'
	head -3 train.jsonl >clean.jsonl
	status_is 0 policy-eval -q -p "$FIX/base" -t test.jsonl --max-new 2 --leak-check clean.jsonl --strict
	[ -z "$stderr" ]
	status_is 3 policy-eval -p "$FIX/base" -t test.jsonl --leak-check train.jsonl --strict
	says "1 of 3 problems are in train.jsonl too"
	status_is 2 policy-eval -p "$FIX/base" -t test.jsonl --strict
	status_is 2 policy-eval -p "$FIX/base" --prompt 1 --leak-check train.jsonl
	status_is 4 policy-eval -p "$FIX/base" -t test.jsonl --leak-check nosuch
}

@test "policy-eval: with --count-tokens nothing is sampled, and leaks are found" {
	status_is 3 policy-eval -p "$FIX/base" -t test.jsonl --count-tokens --leak-check train.jsonl --strict
	says "1 of 3 problems are in train.jsonl too"
	[ -z "$output" ]
	status_is 0 policy-eval -p "$FIX/base" -t test.jsonl --count-tokens --leak-check train.jsonl
	says "1 of 3 problems are in train.jsonl too"
	[ "$(wc -l <out)" -eq 4 ]
}

@test "rloop, compare: a temperature is chosen on no problem that it is then judged on" {
	for script in rloop compare; do
		status_is 3 "$root/pipelines/$script" "${run[@]}" --validation test.jsonl
		says "3 of 3 problems are in"
		[ ! -e run/iter-0 ] && [ ! -e run/base/seed-1/iter-0 ]
	done
}

@test "rloop, vanilla, compare: refused with --strict" {
	for script in rloop vanilla; do
		status_is 3 "$root/pipelines/$script" "${run[@]}" --strict
		says "1 of 3 problems are in"
		rm -rf run
	done
	status_is 3 "$root/pipelines/compare" "${run[@]}" --seeds 1 --strict vanilla
	says "1 of 3 problems are in"
}

@test "rloop: a note without" {
	status_is 0 "$root/pipelines/rloop" "${run[@]}" --explore-opts "--max-new 4 --keep-equal" -q
	says "1 of 3 problems are in"
	[ "$(grep -c 'problems are in' err)" = 1 ]
}
