# rloop-mpi.bats - the pipelines' --mpi: which stages the launcher stands before, and how it is stopped.
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	fixture tasks base
	# a launcher of one process, which says what it was given; with a file "hang" it waits for signals
	cat >launch <<-'END'
		#!/bin/bash
		echo "$*" >>launched
		if [ -e hang ]; then
			trap 'echo USR1 >>told; sleep 0.3; echo saved >>told; [ -e stubborn ] || exit 143' USR1
			trap 'echo TERM >>told; exit 1' TERM
			touch waits
			while :; do sleep 0.02; done
		fi
		while [[ $1 != */* ]]; do shift; done
		"$@" # what it says is not the stream
		rc=$?
		echo "what mpirun says"
		exit $rc
	END
	chmod +x launch
	opts=(-p "$FIX/base" -t "$FIX/train.jsonl" -e "$FIX/test.jsonl" -n 2 -N 2 -k 1,2
		--explore-opts '--groups 2 --group-size 4 --rounds 1 --max-new 8 --keep-equal --lr 1e-3 --lanes 2')
	tunes=(--filter-opts '' --tune-opts '--steps 2 --lanes 2')
}

rloop() {
	"$root/pipelines/rloop" "$@" "${opts[@]}" "${tunes[@]}"
}

# results DIR: what a run leaves but for times, its notes on itself, and what it knows of its folder
results() {
	(cd "$1" && find . -type f ! -name run.conf ! -name .lock -printf '%P\n' | sort | while read -r f; do
		case $f in
		*.log) jq -cf "$root/tests/untimed.jq" "$f" ;;
		*.traj) traj-cat "$f" ;;
		*.tsv) sed "s|$1/||g" "$f" ;;
		*) cat "$f" ;;
		esac | sha256sum | sed "s|-|$f|"
	done)
}

same_run() { # DIR DIR
	diff <(results "$1") <(results "$2")
}

@test "the launcher stands before explorations, tunings and evaluations, and the files are the same" {
	status_is 0 rloop run -i 1 -d plain
	status_is 0 rloop run -i 1 -d many --mpi "'$PWD/launch' -np 2"
	[ "$(sed -E 's/^(-np 2 )[^ ]*\/([a-z-]+ ).*/\1\2/' launched | paste -sd ,)" = \
		"-np 2 policy-eval ,-np 2 rl-explore ,-np 2 rft-tune ,-np 2 policy-eval " ]
	same_run plain many
	grep -qF "$PWD/launch' -np 2" <(grep '^mpi ' many/run.conf)
	not grep -q launch many/options
	# with another launcher, or none, it is the same run
	: >launched
	status_is 0 rloop run -i 2 -d many -q --mpi "'$PWD/launch' -np 3"
	[ "$(grep -c '^-np 3 .*rl-explore -q' launched)" = 1 ]
	status_is 0 "$root/pipelines/rloop" run -c many/run.conf --mpi '' -i 3
	[ "$(grep -c rl-explore launched)" = 1 ]
	[ -d many/iter-3/policy ]
}

@test "vanilla, average and compare hand it on, and stages of another program run once" {
	tunes=()
	mpi=(--mpi "'$PWD/launch'")
	status_is 0 rloop vanilla -i 1 -d plain
	status_is 0 rloop vanilla -i 1 -d many "${mpi[@]}"
	same_run plain many
	[ "$(grep -c 'rl-explore\|policy-eval' launched)" = 3 ]
	status_is 0 rloop average -i 1 -d mean --of many "${mpi[@]}"
	[ "$(wc -l <launched)" = 5 ]
	status_is 0 rloop compare --dry-run -i 1 -d all "${mpi[@]}" vanilla
	[[ $output == *" --mpi "*launch* ]]
	printf '#!/bin/sh\nexec policy-eval "$@"\n' >judge
	chmod +x judge
	: >launched
	EVAL="'$PWD/judge'" status_is 0 rloop vanilla -i 1 -d other "${mpi[@]}"
	[ "$(cut -d ' ' -f 1 launched | sed 's|.*/||')" = rl-explore ]
}

@test "calls that are refused" {
	status_is 4 rloop run -i 1 -d run --mpi "no-such-launcher -np 2"
	says "rloop run: --mpi: no-such-launcher: no such command"
	status_is 2 rloop run -i 1 -d run --mpi "a 'b"
	says "--mpi: a quote without its other"
	[ ! -e run ]
	printf '#!/bin/sh\nexit 3\n' >launch
	status_is 3 rloop run -i 1 -d run --mpi "'$PWD/launch'"
	says "iter-0 eval: policy-eval: exit status 3"
}

# waiting: a run whose launcher waits for signals; its process is $pid
waiting() {
	rm -rf told waits run
	touch hang
	setsid env --default-signal=INT "$root/pipelines/rloop" run -i 1 -d run "${opts[@]}" \
		--mpi "'$PWD/launch'" 2>said &
	pid=$!
	until [ -e waits ]; do sleep 0.02; done
}

@test "TERM and ctrl-C become USR1, and are waited for; a second one is not" {
	waiting
	kill -TERM "$pid"
	status_is 143 wait "$pid"
	[ "$(cat told)" = "USR1"$'\n'"saved" ]
	waiting
	kill -INT -- "-$pid"
	status_is 130 wait "$pid"
	[ "$(cat told)" = "USR1"$'\n'"saved" ]
	grep -q '^rloop run: stopped in iter-0 eval; ' said
	touch stubborn
	waiting
	kill -TERM "$pid"
	until [ -s told ]; do sleep 0.02; done
	kill -TERM "$pid"
	status_is 143 wait "$pid"
	[ "$(tail -n 1 told)" = TERM ]
	rm stubborn
	# who is killed cannot pass anything on
	waiting
	kill -KILL "$pid"
	status_is 137 wait "$pid"
	for _ in {1..200}; do
		[ "$(tail -n 1 told 2>/dev/null)" != saved ] || break
		sleep 0.02
	done
	[ "$(cat told)" = "USR1"$'\n'"saved" ]
	flock -w 5 run/.lock true # the launcher has let go of it
}

@test "two and three ranks, stopped and killed: the files of one process" {
	need_ranks
	opts+=(-i 1 -n 24 --explore-opts '--groups 4 --group-size 8 --rounds 2 --max-new 24 --lr 1e-3 --lanes 3 --checkpoint-every 2')
	status_is 0 rloop run -d whole
	steps() { # how many steps the exploration has made
		{ cat cut/iter-1/explore.log* 2>/dev/null || true; } | wc -l
	}
	local how n=2 want
	for how in TERM KILL INT; do
		want=$(($(steps) + 1))
		setsid env --default-signal=INT "$root/pipelines/rloop" run -d cut "${opts[@]}" "${tunes[@]}" --mpi "mpirun -np $n" \
			>/dev/null 2>said &
		pid=$!
		for _ in {1..2000}; do
			[ "$(steps)" -le "$want" ] && kill -0 $pid 2>/dev/null || break
			sleep 0.01
		done
		kill -"$how" $pid
		status=0
		wait $pid || status=$?
		case $how-$status in
		TERM-143 | KILL-137 | INT-130) ;;
		*) cat said && return 1 ;;
		esac
		flock -w 20 cut/.lock true # the ranks of one that was killed
		not pgrep -f -- "--log cut/iter-1/"
		n=3
	done
	[ ! -e cut/iter-1/explore.traj ]
	status_is 0 rloop run -d cut --mpi "mpirun -np 4"
	same_run whole cut
}
