#!/bin/bash
# rl.sh - seconds of a whole step of reinforcement learning on one thread: 32 groups of 16 responses
# of up to 32 tokens to prompts of about 24, a policy of 861 k weights.
#
# Environment: PEERS=1 to measure the same step in PyTorch in turn on the same processor, ROUNDS (5),
# CPU (0), PYTHON (that of make peers where it was made), OPTIONS of rl-explore.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/bench/peers.bash
. "$here/peers.bash"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"

policy-init -q -o policy --layers 4 --hidden 128 --heads 4 --ffn 384 --vocab 64 --max-len 64 \
	--alphabet '0123456789+-*/()=: abcdefghijklmnopqrstuvwxyz'
task-gen -n 2000 countdown >tasks.jsonl
options="--max-new 32 --prompt-template reach-target:{prompt} ${OPTIONS:-}"

if [ "${PEERS:-0}" = 1 ]; then
	if "$python" -c 'import torch' 2>/dev/null; then
		taskset -c "${CPU:-0}" "$python" "$here/torch_rl.py" --policy policy --tasks tasks.jsonl \
			--rounds "${ROUNDS:-5}" --options "$options"
		exit
	fi
	echo "rl.sh: $python has no torch (Debian: python3-torch): no peer is measured" >&2
fi
# shellcheck disable=SC2086 # options are words
taskset -c "${CPU:-0}" rl-explore -q -p policy -t tasks.jsonl -n "$((${ROUNDS:-5} + 1))" -j 1 \
	--groups 32 --group-size 16 --keep-equal --rounds 1 --minibatches 4 --lr 1e-4 $options \
	--log log >/dev/null
tail -n +2 log | jq -rs 'map(.seconds) | sort | .[length / 2 | floor]' | awk '{
	printf "{\"bench\":\"rl\",\"name\":\"tiny: RL step, 32 groups of 16\",\"value\":%.3f,\"unit\":\"s\"}\n", $1
}'
