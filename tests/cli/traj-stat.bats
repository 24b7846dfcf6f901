# traj-stat.bats - a run worked out by hand, every option, streams that are cut off.
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	records=$root/tests/cli/records.py
	# step 1: a solved twice, b not; step 2: a not, b solved, one not judged; step 5: a alone
	"$records" pack >run.traj <<-'END'
		{"task":"a","prompt":"p","response":"1+2","reward":1,"verdict":"ok","finish":"stop","step":1,"iter":1,"entropy":0.5,"tokens":[1,2,3]}
		{"task":"a","prompt":"p","response":"2+1","reward":1,"verdict":"ok","finish":"stop","step":1,"iter":1,"entropy":0.7,"tokens":[3,2,1]}
		{"task":"b","prompt":"p","response":"xxxxx","reward":0,"verdict":"ok","finish":"length","step":1,"iter":1,"tokens":[9,9,9,9,9]}
		{"task":"a","prompt":"p","response":"1+2","reward":0.25,"verdict":"ok","finish":"stop","step":2,"iter":1,"tokens":[1,2,3]}
		{"task":"b","prompt":"p","response":"y","reward":0.75,"verdict":"ok","finish":"stop","step":2,"iter":1,"tokens":[8]}
		{"task":"b","prompt":"p","response":"z","verdict":"timeout","step":2,"iter":1,"tokens":[9,9]}
		{"kind":"note","step":"none"}
		{"task":"a","prompt":"p","response":"1+2","reward":1,"step":1,"iter":2}
	END
}

# column NAME OPTION ...: its values, on one line
column() {
	local name=$1
	shift
	traj-stat "$@" | awk -F '\t' -v name="$name" '
		NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i }
		NR > 1 { print c ? $c : "no such column" }' | paste -sd ' '
}

is() { # WANT COLUMN OPTION ...
	local want=$1 got
	shift
	got=$(column "$@")
	[ "$got" = "$want" ] || {
		echo "$got, not $want: $*"
		return 1
	}
}

@test "the worked example" {
	tr ' ' '\t' >want <<-'END'
		iter step trajectories graded failed tasks solved ever reward accuracy entropy tokens cut distinct forgetting similarity
		1 1 3 3 0 2 1 1 0.666667 0.666667 0.6 3.66667 0.333333 1 n/a n/a
		1 2 3 2 1 2 1 2 0.5 0.5 n/a 2 0 0.5 1 0.25
		2 1 1 1 0 1 1 2 1 1 n/a n/a n/a 1 0 1
	END
	status_is 0 traj-stat run.traj
	[ -z "$stderr" ]
	cmp out want
	traj-stat <run.traj | cmp - want
	traj-stat - <run.traj | cmp - want
}

@test "--threshold" {
	is "1 0 1" solved --threshold 1 run.traj
	is "0.666667 1 1" accuracy --threshold 0.25 run.traj
}

@test "--window" {
	# b is forgotten in (3, 1) only if two rows back count
	echo '{"task":"b","prompt":"p","response":"?","reward":0,"iter":3,"step":1}' | "$records" pack >more
	is "n/a 1 0 1" forgetting run.traj more
	is "n/a 1 n/a n/a" forgetting --window 1 run.traj more
	is "n/a 1 0 1" forgetting --window 2 run.traj more
}

@test "--ngram, --gram" {
	# a: 1 + 2, 2 + 1 against 1 + 2: the same distribution; b: x against y z
	is "n/a 0.5 1" similarity --ngram 1 run.traj
	# 1+ +2 2+ +1 against 1+ +2: 1/2
	is "n/a 0.25 1" similarity --ngram 2 run.traj
	is "n/a n/a n/a" similarity --ngram 0 run.traj
	traj-filter -q --where tokens run.traj >tokens.traj
	# 12 23 32 21 against 12 23; 99 four times against 8 and 99
	is "n/a 0.5" similarity --ngram 2 --gram token tokens.traj
	is "n/a 0.25" similarity --ngram 3 --gram token tokens.traj
	is "n/a 0.25" similarity --gram char tokens.traj
	status_is 3 traj-stat --gram token run.traj
	says 'record 8 at byte'
	says 'key "tokens" is missing'
	status_is 2 traj-stat --gram word run.traj
	status_is 2 traj-stat --gram 'char|token' run.traj
	says "--gram: 'char|token' is none of char|token"
	status_is 2 traj-stat --ngram -1 run.traj
}

@test "--gram token: ids as bin are those of an array" {
	"$records" pack >bin.traj <<-'END'
		{"task":"a","prompt":"","response":"","step":1,"tokens":[1,2,70000]}
		{"task":"a","prompt":"","response":"","step":2,"tokens":{"$bin":"010000000200000070110100"}}
	END
	is "n/a 1" similarity --gram token --ngram 3 bin.traj
	is "3 3" tokens bin.traj
	echo '{"task":"a","prompt":"","response":"","tokens":[-1]}' | "$records" pack >bad
	status_is 3 traj-stat --gram token bad
	says 'key "tokens" holds no token ids'
}

@test "--by a key: rows of values that follow each other" {
	status_is 0 traj-stat --by iter run.traj
	[ "$(cut -f 1,2,6 out | paste -sd ' ')" = "iter	trajectories	solved 1	6	2 2	1	1" ]
	[ "$(traj-stat --by task <(traj-filter -q --steps 1 --task a run.traj) | cut -f 1,2 | tail -n 1)" = "a	3" ]
	[ "$(traj-stat --by none run.traj | cut -f 1,2 | tail -n 1)" = "-	7" ]
	status_is 3 traj-stat --by task run.traj
	says "record 4 at byte"
	says "task a comes again after other values"
}

@test "the clock may not go back" {
	status_is 3 traj-stat run.traj run.traj
	says "run.traj: record 1 at byte 0: iteration 1 step 1 comes after iteration 2 step 1"
	[ -z "$output" ]
	"$records" pack >back <<-'END'
		{"task":"a","prompt":"","response":"","step":2}
		{"task":"a","prompt":"","response":"","step":1}
	END
	status_is 3 traj-stat back
	says "iteration - step 1 comes after iteration - step 2: inputs must be in the order of one run"
}

@test "--iter numbers the inputs" {
	traj-filter -q --where 'iter = 1' run.traj >one
	status_is 0 traj-stat --iter 7 one one
	[ "$(cut -f 1,2 out | paste -sd ' ')" = "iter	step 7	1 7	2 8	1 8	2" ]
	is "n/a 1 0.5 0.5" forgetting --iter 7 one one
	status_is 2 traj-stat --iter -2 one
}

@test "one step in two files is one row" {
	traj-filter -q --task a --steps 1 --where 'iter = 1' run.traj >a
	traj-filter -q --task b --steps 1 run.traj >b
	is "3" trajectories a b
}

@test "cut off anywhere: status 3 and no table" {
	traj-filter -q run.traj >whole
	for n in $(seq 0 11 $(($(stat -c %s whole) - 1))); do
		head -c "$n" whole >cut
		status_is 3 traj-stat cut
		[ -z "$output" ]
		says cut
	done
	status_is 3 traj-stat whole cut
	[ -z "$output" ]
	status_is 4 traj-stat none
}

@test "--strict, -q" {
	status_is 3 traj-stat --strict run.traj
	traj-filter -q run.traj >whole
	status_is 0 traj-stat -q --strict whole
	[ -z "$stderr" ]
}

@test "no trajectory: a header alone" {
	traj-filter -q --task nobody run.traj >empty
	status_is 0 traj-stat empty
	[ "$(wc -l <out)" -eq 1 ]
}

@test "memory does not grow with the number of steps" {
	! ldd "$(command -v traj-stat)" | grep -q libasan || skip "a sanitizer keeps what was freed"
	for i in $(seq 200); do
		echo "{\"task\":\"t$i\",\"prompt\":\"2 + 2 =\",\"response\":\" 4 or 5, $i\",\"reward\":1}"
	done >step
	for s in $(seq 100); do sed "s/}/,\"step\":$s}/" step; done | "$records" pack >many
	few=$(traj-filter -q --steps :2 many | "$records" peak traj-stat)
	much=$("$records" peak traj-stat <many)
	echo "$few KiB, then $much KiB"
	[ "$much" -lt $((few + 1024)) ]
}

@test "--json: the same numbers by name, in full" {
	status_is 0 traj-stat --json run.traj
	jq -es 'length == 3 and .[0].iter == 1 and .[0].accuracy == 2 / 3 and .[0].forgetting == null and .[1].failed == 1' out
	jq -es 'map(keys_unsorted) | unique == [["iter", "step", "trajectories", "graded", "failed", "tasks", "solved",
		"ever", "reward", "accuracy", "entropy", "tokens", "cut", "distinct", "forgetting", "similarity"]]' out
	jq -r 'map(if . == null then "n/a" else . end) | @tsv' <(jq -c '[.[]]' out) >by-name
	traj-stat run.traj | sed 1d | awk 'NR == FNR { n[FNR] = $0; next }
		{ m = split(n[FNR], a); if (m != NF) exit 1
		for (i = 1; i <= NF; i++) if ($i != a[i] && !($i - a[i] < 1e-5 && a[i] - $i < 1e-5)) exit 1 }' by-name -
	# a value under a name that no column has, whatever the key is called
	traj-filter -q --where 'iter = 1' run.traj >one
	status_is 0 traj-stat --json --by iter one
	jq -e '.group == "1" and .trajectories == 6 and (has("iter") | not)' out
	echo '{"task":"a","prompt":"","response":""}' | "$records" pack >bare
	traj-stat --json bare | jq -e '.step == null and .iter == null and .reward == null'
	status_is 3 traj-stat --json run.traj run.traj
	[ -z "$output" ]
}
