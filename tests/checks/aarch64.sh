#!/bin/bash
# aarch64.sh - the plain kernels, on another kind of processor, give the same bits: the unit tests of
# base/elem and tensor/kernels are compiled for aarch64, whose vectors are NEON's, and run by qemu.
# Skipped where the cross compiler (Debian: gcc-aarch64-linux-gnu libc6-dev-arm64-cross) or qemu
# (qemu-user) is not there.
set -euo pipefail
cd "$(dirname "$0")/../.."
cc=${CROSS_CC:-aarch64-linux-gnu-gcc}
qemu=${QEMU:-qemu-aarch64}
for tool in "$cc" "$qemu"; do
	if ! command -v "$tool" >/dev/null; then
		echo "$tool is not there"
		exit 77
	fi
done
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# What these two tests need of cmocka, which is not there for that processor
cat >"$tmp/cmocka.h" <<'END'
#include <stdio.h>
#include <stdlib.h>
struct CMUnitTest {
	void (*run)(void **);
};
#define cmocka_unit_test(f) \
	{                   \
		f           \
	}
#define fail_msg(...) (fprintf(stderr, __VA_ARGS__), exit(1))
#define assert_true(x) ((x) ? (void)0 : fail_msg("%s:%d: not so\n", __FILE__, __LINE__))
#define assert_int_equal(a, b) assert_true((a) == (b))
static inline int run_all(const struct CMUnitTest *t, size_t n)
{
	for (size_t i = 0; i < n; i++)
		t[i].run(NULL);
	return 0;
}
#define cmocka_run_group_tests(t, a, b) run_all(t, sizeof(t) / sizeof *(t))
END
cp /usr/include/xxhash.h "$tmp"
read -ra kernels < <(make -s print-SET_SRC)
[ ${#kernels[@]} -gt 0 ]
flags=(-std=c11 -D_GNU_SOURCE -DXXH_INLINE_ALL -Ilibcommon -I"$tmp" -fno-math-errno -ffp-contract=off
	-O2 -static)
objects=()
for f in "${kernels[@]}"; do
	"$cc" "${flags[@]}" -DKERNEL_SET=plain -c -o "$tmp/$(basename "$f" .c).o" "$f"
	objects+=("$tmp/$(basename "$f" .c).o")
done
for t in base/elem tensor/kernels; do
	"$cc" "${flags[@]}" -o "$tmp/test" "tests/unit/$t.c" libcommon/tensor/{kernels,half}.c \
		libcommon/base/{cpu,elem,rng,hash,hashwide,hashwidest,mem,err,fault}.c "${objects[@]}" -lm
	"$qemu" "$tmp/test"
done
