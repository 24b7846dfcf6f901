#!/bin/bash
# rl.sh - seconds of a whole step of reinforcement learning on one thread: groups of 16 responses of up to 32 tokens
# to prompts of about 24; 32 groups by a policy of 861 k weights (tiny), 8 by one of 11 million (small).
#
# Environment: PEERS=1 to measure the same step in PyTorch and in TRL in turn on the same processor, SHAPES (tiny
# small), ROUNDS (5), CPU (0), PYTHON (that of make peers where it was made), OPTIONS of rl-explore.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/bench/peers.bash
. "$here/peers.bash"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"

template='reach-target:{prompt}'
task-gen -n 2000 countdown >tasks.jsonl
declare -A shapes=(
	[tiny]='--layers 4 --hidden 128 --heads 4 --ffn 384 --vocab 64'
	[small]='--layers 6 --hidden 384 --heads 6 --kv-heads 2 --ffn 1024 --vocab 4096'
)
declare -A groups=([tiny]=32 [small]=8)

peers=()
for of in torch:torch_rl.py trl:trl_peer.py; do
	if has_peer "${of%:*}"; then peers+=("${of#*:}"); fi
done

# beside SHAPE SCRIPT
beside() {
	taskset -c "${CPU:-0}" "$python" "$here/$2" --shape "$1" --policy "$1" --tasks tasks.jsonl \
		--template "$template" --groups "${groups[$1]}" --rounds "${ROUNDS:-5}" --options "${OPTIONS:-}"
}

alone() {
	# shellcheck disable=SC2086 # options are words
	taskset -c "${CPU:-0}" rl-explore -q -p "$1" -t tasks.jsonl -n "$((${ROUNDS:-5} + 1))" -j 1 \
		--groups "${groups[$1]}" --group-size 16 --keep-equal --rounds 1 --minibatches 4 --lr 1e-4 \
		--max-new 32 --prompt-template "$template" ${OPTIONS:-} --log log >/dev/null
	tail -n +2 log | jq -rs 'map(.seconds) | sort | .[length / 2 | floor]' |
		awk -v name="$1: RL step, ${groups[$1]} groups of 16" '{
			printf "{\"bench\":\"rl\",\"name\":\"%s\",\"value\":%.3f,\"unit\":\"s\"}\n", name, $1
		}'
}

for shape in ${SHAPES:-tiny small}; do
	# shellcheck disable=SC2086 # a shape is options
	policy-init -q -o "$shape" ${shapes[$shape]} --max-len 64 \
		--alphabet '0123456789+-*/()=: abcdefghijklmnopqrstuvwxyz'
	for script in "${peers[@]}"; do
		beside "$shape" "$script"
	done
	[ ${#peers[@]} -gt 0 ] || alone "$shape"
done
