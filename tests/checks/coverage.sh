#!/bin/bash
# coverage.sh - what make coverage includes before every file leaves none that cannot be compiled.
# (That was so for a function of our own called raise; make coverage itself takes too long for this.)
set -euo pipefail
cd "$(dirname "$0")/../.."
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

read -ra objects < <(make -s BUILD="$tmp" KERNELS=plain print-LIB_OBJ)
others=(cmd/*.c tests/unit/*/*.c tests/fuzz/*.c)
others=("${others[@]/%.c/.o}")
[ ${#objects[@]} -gt 0 ]
make -s BUILD="$tmp" KERNELS=plain CFLAGS='-O0 -fsyntax-only -DFAULTS -include tests/coverage.h' \
	"${objects[@]}" "${others[@]/#/$tmp/}"
