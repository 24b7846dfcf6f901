#!/bin/bash
# llama.sh - sampling of 1, 8 and 64 sequences at once beside llama.cpp, by the same policy of 135 million weights in a
# GGUF of the same type: tokens per second of one thread.
#
# Environment: PEERS=1, without which there is nothing to do, AT_ONCE (1 8 64), COMPUTE (f32 bf16,bf16-vdp: beside a
# GGUF in F32, and both beside one in BF16), ROUNDS (3), CPU (0), PYTHON (that of make peers where it was made),
# OPTIONS of the program that is measured.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/bench/peers.bash
. "$here/peers.bash"
has_peer llama_cpp || exit 0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# The weights that bench/model draws
policy-init -q -o "$tmp/policy" -s 1 --layers 30 --hidden 576 --heads 9 --kv-heads 3 --ffn 1536 --vocab 49152 \
	--max-len 256
for compute in ${COMPUTE:-f32 bf16,bf16-vdp}; do
	type=${compute%%[-,]*}
	policy-convert -q "$tmp/policy" -o "$tmp/$type.gguf" --type "$type"
	for n in ${AT_ONCE:-1 8 64}; do
		preset=smollm135m-$n
		taskset -c "${CPU:-0}" "$python" "$here/llama_peer.py" --ours "$(command -v model)" \
			--options "${OPTIONS:-}" --preset "${preset%-8}" --at-once "$n" --compute "$compute" \
			--gguf "$tmp/$type.gguf" --type "${type^^}" --rounds "${ROUNDS:-3}"
	done
done
