#!/bin/bash
# kills.sh [N] - a whole run of pipelines/rloop with three iterations is killed (kill -9, the script or
# all of it) at N random moments, at least, and called again after each: it ends with the files of a
# run that was never stopped. SEED names the moments.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 4
root=$PWD
kills=${1:-3}
RANDOM=${SEED:-1}
PATH=${BIN:=$PWD/build/bin}:$PATH
tmp=$(mktemp -d) || exit 4
trap 'rm -rf "$tmp"' EXIT
env=${TEST_ENV:-$tmp/env}
tests/man-env.sh "$env" tasks base || exit 1

rloop() { # FOLDER; in a session of its own, so that all of it can be killed
	cd "$tmp/$1" && exec setsid "$root/pipelines/rloop" -q -p "$env/base" -t "$env/train.jsonl" \
		-e "$env/test.jsonl" -d run -i 3 -n 8 -N 4 -k 1,4 --eval-rl \
		--explore-opts '--groups 6 --group-size 6 --rounds 3 --max-new 12 --lr 1e-3 --checkpoint-every 2' \
		--tune-opts '--lr 1e-3 --batch 8 --epochs 4 --checkpoint-every 4'
}

# files FOLDER: what a run leaves; times are taken out of its logs
files() {
	(cd "$tmp/$1/run" && find . -type f ! -name .lock ! -name run.conf -printf '%P\n' | sort | while read -r f; do
		case $f in
		*.log) jq -cf "$root/tests/untimed.jq" "$f" ;;
		*) cat "$f" ;;
		esac | sha256sum | sed "s|-|$f|"
	done)
}

mkdir "$tmp/whole" "$tmp/cut"
began=${EPOCHREALTIME/./}
(rloop whole) >"$tmp/out" 2>&1 || {
	echo "the run that nobody stops fails: $(cat "$tmp/out")"
	exit 1
}
span=$((${EPOCHREALTIME/./} - began)) # microseconds
files whole >"$tmp/want"

done_kills=0 runs=0 bad=0
while [ $done_kills -lt "$kills" ]; do
	rm -rf "$tmp/cut/run"
	runs=$((runs + 1))
	while :; do
		(rloop cut) >"$tmp/out" 2>&1 &
		pid=$!
		# the moment: in the next eighth of a run's time
		wait_us=$((RANDOM * (span / 8) / 32768))
		if [ $done_kills -lt "$kills" ]; then
			sleep "$((wait_us / 1000000)).$(printf %06d $((wait_us % 1000000)))"
			if [ $((RANDOM % 2)) = 0 ]; then
				kill -9 -- -$pid 2>/dev/null # all of it
			else
				kill -9 $pid 2>/dev/null # the script: its stage is told to end
			fi
		fi
		wait $pid 2>/dev/null
		rc=$?
		case $rc in
		137) done_kills=$((done_kills + 1)) ;;
		0) break ;;
		4) grep -q "in use" "$tmp/out" || break ;; # the stage of a script that was killed
		*) break ;;
		esac
	done
	if [ "$rc" -ne 0 ]; then
		echo "run $runs: status $rc: $(cat "$tmp/out")"
		bad=1
		break
	fi
	files cut | diff "$tmp/want" - || {
		echo "run $runs after $done_kills kills: other files (SEED=${SEED:-1})"
		bad=1
	}
done
echo "# $done_kills kills in $runs runs"
exit $bad
