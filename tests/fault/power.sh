#!/bin/bash
# power.sh [all] - the power fails while a policy is saved, and while a run with a state goes: every
# state that power.py makes of the recorded system calls is gone on from. A policy is whole or absent;
# a run called again ends with the files of one that nothing happened to. Without "all", every
# eighth state of the run.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 4
here=$PWD/tests/fault
step=$([ "${1:-}" = all ] && echo 1 || echo 8)
# shellcheck source=tests/fault/tap.bash
. tests/fault/tap.bash
PATH=${BIN:=$PWD/build/bin}:$PATH
tmp=$(mktemp -d) || exit 4
trap 'rm -rf "$tmp"' EXIT
strace -o "$tmp/trace" true 2>/dev/null || {
	echo "skip: strace may not trace here"
	exit 77
}
env=${TEST_ENV:-$tmp/env}
tests/man-env.sh "$env" tasks base || exit 1
mkdir "$tmp/work" && cd "$tmp/work" || exit 4

calls=openat,close,lseek,write,pwrite64,ftruncate,fsync,fdatasync,mkdir,rename,unlink,unlinkat,rmdir
traced() { strace -f -xx -s 10000000 -o "$tmp/trace" -e trace="$calls" "$@" 2>"$tmp/err"; }
make_policy() { "$@" policy-init -q -o p --layers 1 --hidden 8 --heads 1 --ffn 8 -s 1; }
make_policy traced || exit 1
cp -r p "$tmp/want"
states=$("$here/power.py" "$tmp/trace" "$PWD" "$tmp/states") || exit 1
why=""
for s in "$tmp"/states/*; do
	cd "$s" || exit 4
	if [ -e p ]; then
		diff -r p "$tmp/want" >"$tmp/err" || why+="${s##*/}: torn: $(head -n 3 "$tmp/err")"$'\n'
	else
		make_policy env 2>"$tmp/err" && diff -r p "$tmp/want" >>"$tmp/err" ||
			why+="${s##*/}: not made again: $(cat "$tmp/err")"$'\n'
	fi
done
[ -z "$why" ]
result $? "a policy is whole or absent in all of $states states" "$why"

run() {
	"$@" rl-explore -q -p "$env/base" -t "$env/train.jsonl" -n 3 -j 1 --groups 2 --group-size 4 --rounds 1 \
		--max-new 8 --lr 1e-3 --stream s.traj --state st --checkpoint-every 1 --log log -o out
}
sums() {
	jq -cf "$here/../untimed.jq" log >log.text
	cat s.traj out/*.safetensors log.text | sha256sum
}
rm -rf "$tmp/work" "$tmp/states"
mkdir "$tmp/work" && cd "$tmp/work" || exit 4
run traced || exit 1
sums >"$tmp/want.sums"
states=$("$here/power.py" "$tmp/trace" "$PWD" "$tmp/states") || exit 1
why="" tried=0
for s in "$tmp"/states/*; do
	[ $((10#${s##*/} % step)) -eq 0 ] || continue
	cd "$s" || exit 4
	tried=$((tried + 1))
	run env 2>"$tmp/err" && sums | diff "$tmp/want.sums" - >>"$tmp/err" ||
		why+="${s##*/}: $(find . -type f | sort | tr '\n' ' '): $(cat "$tmp/err")"$'\n'
done
[ -z "$why" ]
result $? "a run goes on to the same bytes from $tried of $states states" "$why"
summary
