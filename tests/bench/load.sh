#!/bin/bash
# load.sh - how fast a tool that computes takes up a policy from the page cache: MB/s of weights until
# its first token, and as a ratio to cat of the same file. Time is that of one processor.
#
# Environment: LAYERS (6) of width 768, ROUNDS (5) of which the median counts.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
TIMEFORMAT='%U %S'

seconds() {
	{ time "$@" >/dev/null; } 2>&1 | awk '{ print $1 + $2 + 1e-6 }'
}

median() {
	sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

for dtype in f32 bf16; do
	policy-init -q -o $dtype --layers "${LAYERS:-6}" --hidden 768 --heads 12 --ffn 2048 \
		--vocab 32000 --dtype $dtype
	for ((i = 0; i < ${ROUNDS:-5}; i++)); do
		seconds cat $dtype/model.safetensors >>$dtype.cat
		seconds policy-eval -q -j 1 -p $dtype --prompt a --max-new 1 >>$dtype.load
	done
	awk -v d=$dtype -v cat="$(median <$dtype.cat)" -v load="$(median <$dtype.load)" \
		-v bytes="$(stat -c %s $dtype/model.safetensors)" 'BEGIN {
		printf "{\"bench\":\"load\",\"name\":\"%s\",\"value\":%.0f,\"unit\":\"MB/s\",", d, bytes / 1e6 / load
		printf "\"of_cat\":%.3f}\n", cat / load
	}'
done
