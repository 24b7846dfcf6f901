# prompts.bats - two problems under one id are refused by whoever groups by task.
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	printf '{"task":"%s","prompt":"%s","response":"%s","reward":1,"step":%d}\n' \
		a '1+1=' 2 1 b '2+2=' 4 1 a '1+1=' 02 2 a '3+3=' 6 2 |
		traj-cat --from-json >two.traj
	traj-filter -q --invert --where 'prompt = 3+3=' two.traj >one.traj
	traj-cat two.traj | sed 's/"prompt":"[^"]*"/"prompt":""/; s/"id":"[^"]*",//' | traj-cat --from-json >none.traj
	traj-cat none.traj one.traj | grep -v '"kind":"\(head\|end\)"' | sed 's/"id":"[^"]*",//' |
		traj-cat --from-json >some.traj
}

# refused COMMAND ...: names the task, and where
refused() {
	status_is 3 "$@"
	says "two.traj: record 5"
	says "task a: another prompt than before"
}

@test "traj-filter: where it groups; a filter of single records does not look" {
	refused traj-filter --per-task 5 two.traj
	refused traj-filter --min-rate 0.1 two.traj
	for f in one none some; do
		traj-filter -q --per-task 5 $f.traj >out
	done
	traj-filter -q --correct two.traj >out
}

@test "pass-at-k, per group" {
	refused pass-at-k two.traj
	for f in one none some; do
		pass-at-k -q $f.traj >out
	done
	pass-at-k -q --by step one.traj >out
	refused pass-at-k --by step two.traj
}

@test "traj-stat" {
	refused traj-stat two.traj
	for f in one none; do
		traj-stat -q $f.traj >out
	done
}

@test "eval-compare: within one evaluation; another's may be written otherwise" {
	printf 'set\tvariant\tseed\tstep\tfile\n%s\n' $'s\tv\t1\t0\ttwo.traj' >list
	refused eval-compare list
	traj-cat one.traj | sed 's/"prompt":"/&Q: /; s/"id":"[^"]*",//' | traj-cat --from-json >otherwise.traj
	printf 'set\tvariant\tseed\tstep\tfile\n%s\n%s\n' $'s\tv\t1\t0\tone.traj' $'s\tw\t1\t0\totherwise.traj' >list
	eval-compare -q list >out
}

@test "rft-tune" {
	fixture base
	refused rft-tune -q -p "$FIX/base" -o new two.traj
	rft-tune -q -p "$FIX/base" -o new --steps 1 one.traj
}
