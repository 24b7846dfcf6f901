#!/bin/bash
# alloc.sh [all [TOOL ...]] - an allocation of each tool fails: the first, the second, and so on, once only or
# from there on. The tool says so in one line and ends with status 4, or could do without and ends
# as ever; no file of it is left either way. Without "all", a dozen places in each tool.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 4
root=$PWD
places=$([ "${1:-}" = all ] && echo 1000000 || echo 12)
# shellcheck source=tests/fault/tap.bash
. tests/fault/tap.bash
PATH=${BIN:=$PWD/build/bin}:$PATH
tmp=$(mktemp -d) || exit 4
trap 'rm -rf "$tmp"; [ -z "$server" ] || kill "$server"' EXIT
env=${TEST_ENV:-$tmp/env}
tests/man-env.sh "$env" tasks base run eval cut server || exit 1
${CC:-cc} -D_GNU_SOURCE -O1 -shared -fPIC -o "$tmp/alloc.so" tests/fault/alloc.c -ldl || exit 1
cp -r "$env" "$tmp/scratch"
cd "$tmp/scratch" || exit 4
for stream in run cut wrong; do
	traj-cat -q --msgpack -n 6 $stream.traj >few && mv few $stream.traj
done

tried_all=0
run() { # [VARIABLE=VALUE]: the tool as its row says; an output folder is new
	rm -rf OUT*
	timeout 60 env "$@" LD_PRELOAD="$tmp/alloc.so" "$tool" -q "${args[@]}" <"$input" >got 2>said
	local rc=$?
	sed -i '/^[a-z-]*: warning: /d' said
	return $rc
}

# wrong PLACE: what is not as it should be after an allocation failed there
wrong() {
	local rc
	run ALLOC_FAIL="$1"
	rc=$?
	if [ $rc -eq 0 ]; then
		cmp got want && { [ ! -e want.d ] || diff -r OUT want.d; } && [ ! -s said ]
	elif [ $rc -ne 4 ]; then
		echo "status $rc: $(head -c 200 said)"
	elif [ "$(wc -l <said)" -ne 1 ] || ! grep -qE "^$tool: .*(out of memory|annot allocate)" said; then
		echo "said: $(head -c 300 said)"
	elif compgen -G "OUT*" >/dev/null; then
		echo "left:" OUT*
	fi 2>&1
}

while IFS=$'\t' read -r tool input line; do
	case $tool in '#'* | '') continue ;; esac
	[ $# -lt 2 ] || [[ " $* " == *" $tool "* ]] || continue
	row "$line"
	[ "$input" != - ] || input=/dev/null
	case $tool in rl-explore) args+=(-j 2 --groups 2 --group-size 4 --rounds 1 --max-new 8) ;; esac
	run ALLOC_COUNT="$tmp/count" || {
		result 1 "$tool: as its row says" "$(cat said)"
		continue
	}
	mv got want
	rm -rf want.d
	[ ! -e OUT ] || mv OUT want.d
	count=$(cat "$tmp/count")
	why=""
	tried=0
	# every place, or some in growing steps: most of what can go wrong is at the beginning
	for ((i = 1; i <= count; i += 1 + (places < count ? i * 4 / places + count / places / 4 : 0))); do
		for place in "$i" "$i+"; do
			w=$(wrong "$place")
			tried=$((tried + 1))
			[ -z "$w" ] || why+="allocation $place of $count: $w"$'\n'
		done
	done
	tried_all=$((tried_all + tried))
	[ -z "$why" ]
	result $? "$tool: $tried failures of its $count allocations" "$why"
done <"$root/tests/fault/table"
echo "# $tried_all allocations failed"
summary
