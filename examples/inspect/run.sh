#!/bin/bash
# run.sh STREAM - asks every question of README.md of a stream: the indented lines, as they stand,
# with STREAM for run.traj. Stops at the first that fails.
set -euo pipefail

[ $# -eq 1 ] || {
	echo "usage: run.sh STREAM" >&2
	exit 2
}
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
PATH=$PATH:$here/../../build/bin:$here/../../../../../bin # of the tree, of the prefix
export PATH LC_ALL=C.UTF-8 # numbers with a point
stream=$(readlink -f "$1")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
ln -s "$stream" "$scratch/run.traj"
cd "$scratch"
traj-cat --check run.traj >/dev/null

question=
while IFS= read -r line; do
	case $line in
	'    '*)
		printf '== %s\n' "$question"
		# head leaves early, and that is no failure of what stands before it
		status=0
		bash -o pipefail -c "$line" || status=$?
		[ "$status" -eq 0 ] || [ "$status" -eq 141 ] || {
			echo "run.sh: status $status: $line" >&2
			exit 1
		}
		;;
	*'?' | *'?'*')') question=$line ;;
	esac
done <"$here/README.md"
