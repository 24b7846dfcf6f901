#!/bin/bash
# tiles.sh - the product in bf16 for processors with AMX (tensor/bf16amx.c) gives the bits of the
# others: its tiles are computed in plain C (tests/tiles.h), in place of the set v3's product.
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

san=address,undefined
cc -std=c11 -D_GNU_SOURCE -DKERNEL_SET=v3 "-DTILES=\"$PWD/tests/tiles.h\"" -Ilibcommon -O1 -g -mavx2 -mfma \
	-ffp-contract=off -Wall -Wextra -Werror -fsanitize=$san -c -o "$tmp/amx.o" libcommon/tensor/bf16amx.c
read -ra libs < <(make -s print-LIBS)
for test in kernels bf16; do
	# what is named before the library is not taken from it
	cc -fsanitize=$san -o "$tmp/$test" "$build/tests/unit/tensor/$test.o" "$tmp/amx.o" \
		"$build/libcommon.a" "${libs[@]}" -lcmocka -pthread
	RLOOP_KERNELS=v3 "$tmp/$test"
done
