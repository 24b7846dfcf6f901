#!/bin/bash
# ranks.sh [N] - runs of one to four processes are ended N times, at least, at random moments: kill -9 of a
# rank, of mpirun or of the second host's daemon, TERM and USR1, a cable that is cut; each goes on at once,
# about half with another number of ranks, and ends with the files of a run of one process. SEED names
# the moments. Without root all is on one host.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 4
# shellcheck source=tests/fault/ranks.bash
. tests/fault/ranks.bash
kills=${1:-3}
RANDOM=${SEED:-1}
set_up why_no_ranks
why=$(why_no_hosts)
[ -n "$why" ] || hosts_up || exit 1

pick() { # WORD ...: one of them into $picked
	shift $((RANDOM * $# / 32768))
	picked=$1
}

# choose: where the run goes on, and with how many ranks: every second time with others
choose() {
	pick here there
	where=$picked
	[ ${#hosts[@]} -gt 0 ] || where=here
	begun=$((begun + 1))
	[ $((begun % 2)) -eq 0 ] || return 0
	pick 1 2 3
	ranks=$(((ranks + picked - 1) % 4 + 1))
	other=$((other + 1))
}

# strike: ends the run in one of the ways that there are for it
strike() {
	local -a at=() ways=(TERM USR1)
	mapfile -t at < <(ranks_of cut)
	how=nothing
	{ [ ${#at[@]} -gt 0 ] && kill -0 "$pid" 2>/dev/null; } || return 0 # it has ended, or not begun
	if [ "$where$ranks" = here1 ]; then ways=(rank-KILL rank-TERM); else ways+=(KILL rank-KILL rank-TERM); fi
	[ "$where" != there ] || [ ${#at[@]} -lt 2 ] || ways+=(cable daemon)
	pick "${ways[@]}"
	how=$picked
	case $how in
	cable) cable down ;;
	daemon) kill -KILL "$(pgrep -f "^orted .*$tmp/" | tail -n 1)" 2>/dev/null ;;
	rank-*) pick "${at[@]}" && kill -"${how#*-}" "$picked" ;;
	*) kill -"$how" "$pid" ;;
	esac 2>/dev/null
	of_way[$how]=$((${of_way[$how]:-0} + 1))
	struck=$((struck + 1))
}

begin one here 1
ended 300
[ $rc -eq 0 ] || {
	echo "the run that nobody stops fails: $(cat "$tmp/out")"
	exit 1
}
files one >"$tmp/want"
declare -A of_way=()
struck=0 runs=0 begun=0 other=0 bad=0 ranks=2 where=here
while [ $struck -lt "$kills" ] && [ $bad -eq 0 ]; do
	rm -rf "$tmp/cut"
	runs=$((runs + 1))
	for ((rc = 1; rc != 0; )); do
		choose
		began=$(steps_of cut)
		begin cut "$where" "$ranks"
		how=nothing
		if [ $struck -lt "$kills" ]; then
			# the moment: within one of the next steps
			most=$((began + RANDOM % 6))
			for _ in {1..6000}; do
				[ "$(steps_of cut)" -le "$most" ] || break
				kill -0 "$pid" 2>/dev/null || break
				sleep 0.01
			done
			sleep "0.0$((RANDOM % 10))"
			strike
		fi
		ended 300
		[ "$how" != cable ] || cable up
		said=$(gone) || {
			echo "run $runs, after $how on $ranks ranks: left behind: $said"
			bad=1
		}
		case $rc,$how in
		0,*) ;;
		143,TERM | 143,USR1 | 143,rank-TERM | 1,TERM | 137,*KILL | [12]*,cable | [12]*,daemon) ;;
		138,USR1) ;; # before the ranks hear signals
		*)
			echo "run $runs: $how on $ranks ranks $where: status $rc: $(cat "$tmp/out")"
			bad=1
			;;
		esac
		[ $bad -eq 0 ] || break 2
	done
	files cut | diff "$tmp/want" - || {
		echo "run $runs after $struck kills: other files (SEED=${SEED:-1})"
		bad=1
	}
done
echo "# $struck endings of $begun calls in $runs runs ($(for how in "${!of_way[@]}"; do echo "$how ${of_way[$how]}"; done | sort | paste -sd ,)), $other calls with another number of ranks"
exit $bad
