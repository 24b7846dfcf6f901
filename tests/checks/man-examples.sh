#!/bin/bash
# man-examples.sh [PAGE ...] - the EXAMPLES of the manual pages run as they stand: what mandoc
# shows indented is given to sh -e, block by block, each in a fresh copy of man-env.sh's folder.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 4
root=$PWD
PATH=${BIN:=$root/build/bin}:$root/pipelines:$PATH
export PYTHONPATH=$root/libcommon/stream PYTHONDONTWRITEBYTECODE=1
tmp=$(mktemp -d) || exit 4
trap 'rm -rf "$tmp"' EXIT
env=${TEST_ENV:-$tmp/env}
tests/man-env.sh "$env" || exit 1

# blocks PAGE DIR: each block of lines indented deeper than prose becomes a file in DIR
blocks() {
	mandoc -T utf8 -O width=80 "$1" | col -b -x | awk -v dir="$2" '
		/^[A-Z]/ { inside = /^EXAMPLES/; next }
		!inside || /^ *$/ { next }
		{
			match($0, /^ */)
			if (RLENGTH <= 5) {
				open = 0
				next
			}
			if (!open) {
				open = 1
				file = sprintf("%s/%02d", dir, ++n)
			}
			print > file
		}'
}

n=0 failed=0
[ $# -gt 0 ] || set -- man/*.[1-8]
for page; do
	[ -f "$page" ] || continue
	mkdir "$tmp/blocks"
	blocks "$page" "$tmp/blocks"
	for b in "$tmp/blocks"/*; do
		[ -f "$b" ] || {
			case $page in *.1) echo "# $page: no example" && failed=1 ;; esac
			continue
		}
		n=$((n + 1))
		rm -rf "$tmp/scratch"
		cp -r "$env" "$tmp/scratch"
		if (cd "$tmp/scratch" && timeout 60 sh -e "$b") >"$tmp/log" 2>&1 </dev/null; then
			echo "ok $n - $page example ${b##*/}"
		else
			echo "not ok $n - $page example ${b##*/} (status $?)"
			sed 's/^/#  $ /' "$b"
			tr -cd '\n\t -~' <"$tmp/log" | sed 's/^/# /' | tail -n 10
			failed=1
		fi
	done
	rm -rf "$tmp/blocks"
done
echo "1..$n"
exit $failed
