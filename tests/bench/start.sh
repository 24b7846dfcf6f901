#!/bin/bash
# start.sh - milliseconds from exec to exit of tools that have nothing to do, the least of some runs.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
TIMEFORMAT=%R

row() { # NAME COMMAND ...: of REPEAT runs of 20 each
	local name=$1 best='' t
	shift
	for ((i = 0; i < ${REPEAT:-5}; i++)); do
		t=$({ time for _ in {1..20}; do "$@" >/dev/null 2>&1; done; } 2>&1)
		best=$(printf '%s\n%s\n' "$best" "$t" | grep . | sort -n | head -n 1)
	done
	awk -v n="$name" -v t="$best" 'BEGIN {
		printf "{\"bench\":\"start\",\"name\":\"%s\",\"value\":%.2f,\"unit\":\"ms\"}\n", n, t * 1000 / 20
	}'
}

traj-cat --from-json </dev/null >empty.traj
policy-init -q -o policy --layers 1 --hidden 16 --heads 2 --ffn 32
for tool in traj-filter traj-cat; do
	row "$tool, an empty stream" "$tool" empty.traj
done
row 'pass-at-k --help' pass-at-k --help
row 'policy-init --info' policy-init --info policy
[ "${PEERS:-0}" = 1 ] || exit 0
row 'peer: true' env true
row 'peer: jq -n 1' jq -n 1
row 'peer: python3 -c pass' "${PYTHON:-/usr/bin/python3}" -c pass
