#!/bin/bash
# full.sh - a disk that fills up (a small tmpfs): tools end with status 4 and say why, what was there
# before is whole, nothing half done is left; with room again, the same call ends with the same bytes.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 4
root=$PWD
if [ "${FULL_INSIDE:-}" != 1 ]; then
	unshare -m true 2>/dev/null || {
		echo "skip: no file system may be mounted here"
		exit 77
	}
	FULL_INSIDE=1 exec unshare -m bash "tests/fault/${0##*/}" "$@"
fi
# shellcheck source=tests/fault/tap.bash
. tests/fault/tap.bash
PATH=${BIN:=$PWD/build/bin}:$PATH
tmp=$(mktemp -d) || exit 4
trap 'umount "$tmp/disk" 2>/dev/null; rm -rf "$tmp"' EXIT
env=${TEST_ENV:-$tmp/env}
tests/man-env.sh "$env" || exit 1
mkdir "$tmp/disk" "$tmp/whole"
mount -t tmpfs -o size=2m tmpfs "$tmp/disk" 2>"$tmp/err" || {
	echo "skip: no tmpfs may be mounted here: $(cat "$tmp/err")"
	exit 77
}
cd "$tmp/disk" || exit 4

said() { # NAME: the status before it
	local rc=$?
	result $rc "$1" "$([ $rc -eq 0 ] || { cat "$tmp/err"; find . -ls; })"
}

leave() { # KIB: only so much room is left
	rm -f filler
	dd if=/dev/zero of=filler bs=1k count=$(($(df -k --output=avail . | tail -n 1) - $1)) status=none
}
sums() { # of all files here but those that tell of times
	find . -type f ! -name filler ! -name .lock ! -name state.json ! -name manifest -print | sort | while read -r f; do
		case $f in
		*log) jq -cf "$root/tests/untimed.jq" "$f" ;;
		*) cat "$f" ;;
		esac | sha256sum | sed "s|-|$f|"
	done
}

for row in "traj-cat" "traj-cat --msgpack" "traj-filter --min-reward -9" "traj-relabel" "traj-score"; do
	leave 8
	read -ra words <<<"$row"
	"${words[@]}" -q <"$env/run.traj" >"$tmp/disk/out" 2>"$tmp/err"
	[ $? -eq 4 ] && grep -q "No space left" "$tmp/err"
	said "$row on a full disk"
	rm -f filler out
done

echo "keep me" >other
for kib in 0 4 12 40 80; do
	leave $kib
	rft-tune -q -p "$env/base" -o p --steps 1 "$env/run.traj" 2>"$tmp/err"
	[ $? -eq 4 ] && grep -q "No space left" "$tmp/err" && [ "$(ls)" = "filler
other" ] && [ "$(cat other)" = "keep me" ]
	said "a policy saved with $kib KiB left: nothing of it is there"
done
rm filler other
rft-tune -q -p "$env/base" -o p --steps 1 "$env/run.traj" 2>"$tmp/err" && policy-init --info p >"$tmp/out" 2>>"$tmp/err"
said "with room again it is saved"
rm -rf ./*

explore() {
	rl-explore -q -p "$env/base" -t "$env/train.jsonl" -n 3 -j 1 --groups 2 --group-size 4 --rounds 1 \
		--max-new 8 --lr 1e-3 --stream s.traj --state st --checkpoint-every 1 --log log -o out 2>"$tmp/err"
}
tune() {
	rft-tune -q -p "$env/base" -j 1 --steps 6 --batch 8 --lr 1e-3 --state st --checkpoint-every 2 \
		--log log -o out "$env/run.traj" 2>"$tmp/err"
}
for tool in explore tune; do
	rm -rf "$tmp/whole" && mkdir "$tmp/whole"
	(cd "$tmp/whole" && "$tool" && sums >"$tmp/want")
	said "$tool: a run with room"
	# a checkpoint takes about 260 KiB, and the next one is written before the last but one goes
	for kib in 0 20 100 270 300 400 540 600 660 780 1000 1400; do
		rm -rf ./* .??*
		leave $kib
		"$tool"
		rc=$?
		if [ $rc -eq 0 ]; then
			rm filler
			sums | diff "$tmp/want" - >"$tmp/err"
			said "$tool with $kib KiB left: it was enough"
			continue
		fi
		[ $rc -eq 4 ] && grep -q "No space left" "$tmp/err" && [ -z "$(find . -name '*.tmp-*')" ]
		said "$tool with $kib KiB left: status 4, nothing half done"
		rm filler
		"$tool" && sums | diff "$tmp/want" - >"$tmp/err"
		said "$tool with $kib KiB left: goes on to the same bytes with room again"
	done
done
cd /
summary
