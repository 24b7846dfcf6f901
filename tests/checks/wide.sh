#!/bin/bash
# wide.sh - kernels of 16 lanes, as AVX-512 has them, give the same bits as the others: written for
# any vector (tensor/vec.h), they run on a processor that has AVX2, in place of the set v3. What is
# not seen is the few instructions of AVX-512 itself.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$(dirname "${BIN:-$PWD/build/bin}")
for word in avx2 fma; do
	if ! grep -qw $word /proc/cpuinfo; then
		echo "this processor has no $word"
		exit 77
	fi
done
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

wide=(BUILD="$tmp" KERNELS="plain v3" FLAGS_v3='-mavx2 -mfma -DVEC_LANES=16' CFLAGS=-O1)
read -ra kernels < <(make -s print-SET_SRC)
kernels=("${kernels[@]/%.c/.v3.o}")
make -s "${wide[@]}" "${kernels[@]/#/$tmp/}"
# what is named before the library is not taken from it
read -ra libs < <(make -s print-LIBS)
cc -o "$tmp/test" "$build/tests/unit/tensor/kernels.o" "${kernels[@]/#/$tmp/}" "$build/libcommon.a" \
	"${libs[@]}" -lcmocka -pthread
RLOOP_KERNELS=v3 "$tmp/test"
