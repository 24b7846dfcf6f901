#!/bin/bash
# sources.sh - what no source may hold.
set -euo pipefail
cd "$(dirname "$0")/../.."
bad=0

# refuse WHY PATTERN FILE ...: no line of the files may match
refuse() {
	local why=$1 pattern=$2
	shift 2
	if [ $# -gt 0 ] && grep -nE -e "$pattern" -- "$@"; then
		echo "^ $why"
		bad=1
	fi
}

mapfile -t all < <(find . -path './build*' -prune -o -name .git -prune -o \
	-type f ! -path ./tests/checks/sources.sh -print)
mapfile -t code < <(find cmd libcommon -name '*.[ch]')
# run/session and run/options speak for the tools that share them
mapfile -t above < <(find libcommon -name '*.[ch]' ! -path 'libcommon/base/*' \
	! -path 'libcommon/run/session.c' ! -path 'libcommon/run/options.c')
mapfile -t pipefail < <(grep -rlE '^set -.*pipefail' pipelines examples)
mapfile -t texts < <(printf '%s\n' "${all[@]}" | grep -E '\.(c|h|sh|bash|bats|py|md|[1-8])$')

refuse "a path of somebody's machine" '/(home|work|root)/[a-z]' "${all[@]}"
refuse "unfinished work" '\b(TODO|FIXME|XXX)\b' "${texts[@]}"
refuse "blanks at the end of a line" '[ 	]+$' "${texts[@]}"
refuse "fast-math removes the checks for NaN" '(-Ofast|-ffast-math|fast-math)\b' \
	"${code[@]}" .ci/run
refuse "messages are for cmd/ and the run that tools share: a library leaves a reason" \
	'\bmsg_(error|warn|info|reason)\(|\b(printf|puts|perror|putchar)\(|\bstderr\b' "${above[@]}"
refuse "numbers are read and written as in the C locale" '\bsetlocale\(' "${code[@]}"
refuse "only a tool ends the process" '\b_?exit\(' "${above[@]}"
refuse "not checked for range" '\b(atoi|atol|atoll|atof|sprintf|strcat|gets)\(' "${code[@]}"
refuse "grep -q leaves early: what writes to it may die by SIGPIPE, and pipefail makes that a no" \
	'[^|]\| *grep -[a-zA-Z]*q' "${pipefail[@]}"
mapfile -t pipelines < <(find pipelines -type f)
refuse "log-stat reckons, and the shell puts in order" '\bawk\b' "${pipelines[@]}"
for f in "${texts[@]}"; do
	if [ "$(head -c 2 "$f")" = '#!' ] && [ ! -x "$f" ]; then
		echo "$f: begins as a program, but may not be executed"
		bad=1
	fi
done
exit $bad
