# example-custom-stage.bats - examples/custom-stage does what its README says.
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	need_tool jq
	dir=$root/examples/custom-stage
	records=$root/tests/cli/records.py
	export PYTHONPATH=$root/libcommon/stream PYTHONDONTWRITEBYTECODE=1
	traj-cat --from-json >in.traj <<-'END'
		{"task":"a","prompt":"p","response":"long one","reward":1,"logprobs":[-0.5,-0.5],"mine":{"x":[1,null]}}
		{"task":"a","prompt":"p","response":"short","reward":1,"logprobs":[-0.01,-0.05]}
		{"task":"a","prompt":"p","response":"longest one","reward":1,"logprobs":[-0.11]}
		{"kind":"note","text":"x"}
		{"task":"b","prompt":"p","response":"wrong","reward":0,"logprobs":[-3]}
		{"task":"b","prompt":"p","response":"","reward":1}
	END
}

responses() {
	traj-cat -c response "$@" | paste -sd ,
}

@test "run.sh, with its own stream and with ours" {
	status_is 0 "$dir/run.sh"
	[ "$(grep -c '^1+1' out)" -eq 10 ]
	[ "$(sed -n '/surprised/,/half of the reward/p' out | sed \$d | paste -sd ,)" = "... and what surprised the policy,1+1	02,1+1	3-1" ]
	[ "$(tail -n 4 out | cut -f 2,3 | paste -sd ,)" = "2	1,02	1,3-1	0.5,4	1" ]
	status_is 0 "$dir/run.sh" in.traj
	[ "$(sed -n '/shorter/,/surprised/p' out | sed 1d | sed \$d | cut -f 2 | paste -sd ,)" = "short,long one," ]
}

@test "filter-then: called as rloop calls its filter" {
	status_is 0 "$dir/filter-then" "$dir/shorter-half.py" --correct --max-rate 0.8 --per-task 32 in.traj
	[ "$(responses out)" = "" ]
	[ "$("$records" kinds <out)" = traj ] # b alone, its response is empty
	says "5 trajectories in, 1 out"
	"$dir/filter-then" "$dir/surprising.sh" -q --correct in.traj >kept
	[ "$(responses kept)" = "long one,longest one" ]
}

@test "shorter-half.py: whole records, and a stream that others read" {
	"$dir/shorter-half.py" <in.traj >kept
	[ "$(responses kept)" = "short,long one," ]
	[ "$(traj-filter -q --where mine kept | traj-cat | jq -c .mine)" = '{"x":[1,null]}' ]
	traj-filter -q --task a in.traj | "$records" body | "$dir/shorter-half.py" >bare
	[ "$(responses bare)" = "short,long one" ]
}

@test "halve.py: between two tools, what it does not change as it came" {
	traj-filter -q in.traj | "$dir/halve.py" | traj-cat | cmp - <(traj-filter -q in.traj | traj-cat)
	traj-cat --from-json <<<'{"task":"a","prompt":"p","response":"abc","reward":1,"logprobs":[-1,-2,-3],"mine":7}' |
		"$dir/halve.py" | traj-filter -q --where "mine = 7" | traj-cat -c reward >got
	[ "$(cat got)" = 0.5 ]
}

@test "halve.c: what halve.py writes, but for its name" {
	cc -std=c11 -Wall -Wextra -Werror -I"$root/libcommon" -o halve "$dir/halve.c" "${BIN%/bin}/libtraj.a" \
		$(pkg-config --libs msgpack) -lm -pthread
	cat in.traj in.traj >two.traj
	traj-filter -q two.traj | ./halve | traj-filter -q --min-reward -9 >by-c
	traj-filter -q two.traj | "$dir/halve.py" | traj-filter -q --min-reward -9 >by-python
	traj-cat --all by-c | jq -c 'del(.xxh3) | if .chain then .chain[1].tool else . end' >c.json
	traj-cat --all by-python | jq -c 'del(.xxh3) | if .chain then .chain[1].tool else . end' | cmp - c.json
	[ "$(traj-cat -c reward two.traj | paste -sd,)" = "$(traj-cat -c reward by-c | paste -sd,)" ]
	traj-cat --from-json <<<'{"task":"a","prompt":"p","response":"abc","reward":1,"logprobs":[-1,-2,-3],"mine":7}' >long.traj
	./halve long.traj | traj-filter -q --where "reward = 0.5" --where "mine = 7" | traj-cat --check | grep -F '1 traj'
	cmp <(./halve long.traj | "$records" body) <("$dir/halve.py" long.traj | "$records" body)
	for n in $(seq 1 50 $(($(stat -c %s in.traj) - 1))); do
		head -c "$n" in.traj >cut
		status_is 3 ./halve cut
		says "halve: cut: "
	done
	status_is 4 ./halve nonexistent
	says "nonexistent: open"
	status_is 4 sh -c './halve long.traj >/dev/full'
	says "<stdout>: write"
	for input in long.traj -; do
		status_is 4 sh -c './halve "$1" <long.traj >&-' - $input
		says "halve: <stdout>: open: Bad file descriptor"
		[ "$(wc -l <err)" -eq 1 ]
	done
}

@test "surprising.sh: a limit of one's own, provenance kept" {
	"$dir/surprising.sh" -0.3 <in.traj >kept
	[ "$(responses kept)" = "long one,wrong" ]
	traj-cat --check --strict kept
	traj-filter -q in.traj | "$dir/surprising.sh" >kept
	grep -aq traj-filter kept
}

@test "cut off anywhere: all fail, and what they wrote is not taken for a result" {
	for n in $(seq 0 13 $(($(stat -c %s in.traj) - 1))); do
		head -c "$n" in.traj >cut
		status_is 3 "$dir/shorter-half.py" <cut
		[ -z "$output" ]
		status_is 3 "$dir/surprising.sh" <cut
		status_is 3 "$dir/halve.py" cut
		status_is 3 "$dir/filter-then" "$dir/shorter-half.py" cut
		status_is 3 "$dir/filter-then" "$dir/surprising.sh" cut
	done
}
