#!/bin/bash
# state.sh [all] - a run with a state is killed at its system calls that change files, and each of them
# fails once; called again it ends with the files of a run that nothing happened to. Without "all",
# some of the many writes and fsyncs only.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 4
some=${1:-some}
# shellcheck source=tests/fault/tap.bash
. tests/fault/tap.bash
PATH=${BIN:=$PWD/build/bin}:$PATH
tmp=$(mktemp -d) || exit 4
trap 'rm -rf "$tmp"' EXIT
env=${TEST_ENV:-$tmp/env}
tests/man-env.sh "$env" tasks base || exit 1
cd "$tmp" || exit 4
strace -o trace true 2>/dev/null || {
	echo "skip: strace may not trace here"
	exit 77
}

run() { # [COMMAND ...]: with that before it; a shell between says "Killed" into err
	bash -c '"$@"; exit' - "$@" rl-explore -q -p "$env/base" -t "$env/train.jsonl" -n 3 -j 1 \
		--groups 2 --group-size 4 --rounds 1 --max-new 8 --lr 1e-3 --stream s.traj --state st \
		--checkpoint-every 1 --log log -o out 2>err
}

clean() {
	rm -rf st s.traj log out out.tmp-* trace
}

sums() {
	jq -c 'del(.seconds) | with_entries(select(.key | endswith("_s") | not))' log >log.text
	cat s.traj out/*.safetensors log.text | sha256sum
}

# again: the same call ends as if nothing had been
again() {
	run || return 1
	sums | diff want - >err
}

clean
run || {
	cat err
	exit 1
}
sums >want

step_of() { # CALL: which of its calls are tried
	case $some:$1 in some:write | some:fsync) echo 4 ;; *) echo 1 ;; esac
}

for call in mkdir write fsync ftruncate rename unlinkat rmdir; do
	why=
	tried=0
	for ((i = 1; ; i += $(step_of $call))); do
		clean
		run strace -o trace -e trace=all -e "inject=$call:signal=KILL:when=$i" && break
		tried=$((tried + 1))
		again || why+="killed at $call $i: $(cat err); "
	done
	[ $tried -gt 0 ] && [ -z "$why" ]
	result $? "killed at each of $tried $call, then called again" "$why"
done
for fault in mkdir:EACCES write:ENOSPC fsync:EIO ftruncate:EIO rename:EACCES; do
	call=${fault%:*}
	why=
	tried=0
	for ((i = 1; ; i += $(step_of "$call"))); do
		clean
		run strace -o trace -e trace=all -e "inject=$call:error=${fault#*:}:when=$i"
		rc=$?
		grep -q INJECTED trace || break
		tried=$((tried + 1))
		[ $rc -eq 4 ] || why+="$fault $i: status $rc: $(cat err); "
		[ -z "$(find st -name '*.tmp-*' 2>/dev/null)" ] || why+="$fault $i left $(ls st); "
		again || why+="$fault $i, then called again: $(cat err); "
	done
	[ $tried -gt 0 ] && [ -z "$why" ]
	result $? "each of $tried $call fails once, then called again: $fault" "$why"
done

# A place in a file is saved only when the file is on the disk to there; the checkpoint likewise
clean
run strace -o trace -e trace=fsync,rename -y
awk '/fsync.*s\.traj/ { stream = 1 } /fsync.*log/ { log_file = 1 } /fsync.*manifest/ { all = 1 }
	/rename.*st\/step-[0-9]*"\)/ {
		if (!stream || !log_file || !all)
			bad = 1
		stream = log_file = all = 0
		n++
	} END { exit bad || n != 3 }' trace
result $? "stream, log and checkpoint are synced before its rename" "$(cat trace)"
summary
