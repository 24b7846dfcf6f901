#!/bin/bash
# model.sh - sampling and training of decoders of three sizes: tokens per second on one thread.
#
# Environment: PEERS=1 to measure PyTorch in turn on the same processor, with PRESETS
# (tiny,small,smollm135m; also smollm135m-64, qwen0.5b), MEASURES (training,sampling), ROUNDS (5), CPU (0), PYTHON
# (that of make peers where it was made), OPTIONS of the program that is measured, COMPUTE (f32): ways
# to compute, as f32,bf16,bf16-vdp, each beside PyTorch in the same type and beside the first.
set -euo pipefail

here=$(dirname "$0")
presets=${PRESETS:-tiny,small,smollm135m}
# shellcheck source=tests/bench/peers.bash
. "$here/peers.bash"

# OpenBLAS of Debian 12 takes an Intel processor that is younger than itself for one of 2004.
if [[ $(OPENBLAS_VERBOSE=2 model --help 2>&1) == *Prescott* ]] && grep -qw avx512f /proc/cpuinfo; then
	export OPENBLAS_CORETYPE=SKYLAKEX
fi
if has_peer torch; then
	exec taskset -c "${CPU:-0}" "$python" "$here/torch_peer.py" --ours "$(command -v model)" \
		--presets "$presets" --measures "${MEASURES:-training,sampling}" \
		--rounds "${ROUNDS:-5}" --options "${OPTIONS:-}" --compute "${COMPUTE:-f32}"
fi
IFS=, read -ra ways <<<"${COMPUTE:-f32}"
for compute in "${ways[@]}"; do
	# shellcheck disable=SC2086 # OPTIONS are words
	taskset -c "${CPU:-0}" model --presets "$presets" --compute "$compute" ${OPTIONS:-}
done
