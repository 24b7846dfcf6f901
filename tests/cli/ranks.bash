# ranks.bash - for the tests of runs of several processes: load ranks

mpiexec=mpirun # the launcher

rl=(rl-explore -q -p ../base -t ../train.jsonl -n 6 --groups 4 --group-size 4 --rounds 2 --max-new 12
	--lr 1e-3 --warmup 3 --minibatches 1 --lanes 3 --stream s.traj --log log --state st
	--checkpoint-every 2 -o out)

# begin_ranks NAME ...: skips the test where there is no MPI; the fixtures named, and a folder to run in
begin_ranks() {
	cd "$BATS_TEST_TMPDIR" || return
	need_ranks
	fixture "$@"
}

at() {
	mkdir -p "$1"
	(cd "$1" && shift && exec timeout "${deadline:-60}" "$@")
}

# ranks N COMMAND ...: in folder nN, or $dir
ranks() {
	local n=$1
	shift
	at "${dir:-n$n}" "$mpiexec" -np "$n" "$@"
}

# one_message TEXT: it stands in stderr once
# shellcheck disable=SC2154 # stderr: of status_is
one_message() {
	[ "$(grep -c "$1" <<<"$stderr")" = 1 ] || {
		printf 'not once "%s": %s\n' "$1" "$stderr"
		return 1
	}
}

# same A B: all that two runs leave, but for times; stream, policy, log, moments where there are some
# shellcheck disable=SC2154 # root: of helpers
same() {
	local f
	for f in s.traj out/model.safetensors out/adapter_model.safetensors; do
		[ ! -e "$1/$f" ] || cmp "$1/$f" "$2/$f" || return 1
	done
	[ ! -d "$1/st" ] || (cd "$1" && find st -name '*.safetensors') | while read -r f; do
		cmp "$1/$f" "$2/$f" || exit
	done || return 1
	for f in "$1" "$2"; do
		[ ! -e "$f/log" ] || jq -cf "$root/tests/untimed.jq" "$f/log" >"$f.log"
	done
	[ ! -e "$1.log" ] || cmp "$1.log" "$2.log"
	[ -z "$(find "$2" -name '*.tmp-*')" ]
}

# long_run: a run whose steps take their time and have children, and which goes on in cut/; whole is what it ends with
long_run() {
	cat >verifier.sh <<-'END'
		#!/bin/sh
		while read -r l; do
			sleep 0.01
			echo "{\"reward\":$((${#l} % 2))}"
		done
	END
	chmod +x verifier.sh
	long=("${rl[@]}" -t ../free.jsonl -n 24 --verifier "cmd:$PWD/verifier.sh" --stream "$PWD/cut/s.traj")
	status_is 0 at whole "${long[@]}" --stream s.traj
}

steps_done() {
	{ [ ! -e cut/log ] || cat cut/log; } | wc -l
}

# going N: a run of N ranks in cut/ that has begun, the launcher is $pid
going() {
	local lines
	mkdir -p cut
	lines=$(steps_done)
	(cd cut && exec "$mpiexec" -np "$1" "${long[@]}" 2>err) &
	pid=$!
	for _ in {1..2000}; do
		[ "$(steps_done)" -le "$lines" ] || return 0
		kill -0 $pid 2>/dev/null || return 0
		sleep 0.01
	done
	return 1
}

# rank_of N: process id of rank N of the run in cut/
rank_of() {
	local p
	for p in $(pgrep -f -- "stream $BATS_TEST_TMPDIR/cut/"); do
		! tr '\0' '\n' <"/proc/$p/environ" 2>/dev/null | grep -qxE "(OMPI_COMM_WORLD|PMI)_RANK=$1" ||
			echo "$p"
	done
}

# gone: no rank and no child of one is left
gone() {
	local p
	for _ in {1..300}; do
		p=$(pgrep -f -- "$BATS_TEST_TMPDIR/verifier.sh|stream $BATS_TEST_TMPDIR" || true)
		[ -n "$p" ] || return 0
		sleep 0.01
	done
	ps -o pid,ppid,pgid,args -p "${p//$'\n'/,}"
	return 1
}
