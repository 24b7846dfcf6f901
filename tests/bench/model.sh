#!/bin/bash
# model.sh - sampling and training of decoders of three sizes: tokens per second on one thread.
#
# Environment: PEERS=1 to measure PyTorch in turn on the same processor, with PRESETS
# (tiny,small,smollm135m,smollm135m-64), MEASURES (training,sampling), ROUNDS (5), CPU (0), PYTHON
# (that of make peers where it was made), OPTIONS of the program that is measured, BF16=1 for both in
# bfloat16.
set -euo pipefail

here=$(dirname "$0")
presets=${PRESETS:-tiny,small,smollm135m}
# shellcheck source=tests/bench/peers.bash
. "$here/peers.bash"

if [ "${PEERS:-0}" = 1 ]; then
	if "$python" -c 'import torch' 2>/dev/null; then
		exec taskset -c "${CPU:-0}" "$python" "$here/torch_peer.py" --ours "$(command -v model)" \
			--presets "$presets" --measures "${MEASURES:-training,sampling}" \
			--rounds "${ROUNDS:-5}" --options "${OPTIONS:-}" ${BF16:+--bf16}
	fi
	echo "model.sh: $python has no torch (Debian: python3-torch): no peer is measured" >&2
fi
# shellcheck disable=SC2086 # OPTIONS are words
exec taskset -c "${CPU:-0}" model --presets "$presets" ${OPTIONS:-}
