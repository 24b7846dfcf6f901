#!/bin/bash
# coverage.sh - what make coverage includes before every file leaves none that cannot be compiled.
# (That was so for a function of our own called raise; make coverage itself takes too long for this.)
set -euo pipefail
cd "$(dirname "$0")/../.."
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

objects=(libcommon/*/*.c cmd/*.c tests/unit/*/*.c tests/fuzz/*.c)
objects=("${objects[@]/%.c/.o}")
for ((i = 0; i < ${#objects[@]}; i++)); do
	case ${objects[i]} in # what is compiled once for each set of kernels
	libcommon/tensor/blas.o | libcommon/tensor/half.o | libcommon/tensor/kernels.o | libcommon/tensor/quant.o) ;;
	libcommon/tensor/*.o) objects[i]=${objects[i]%.o}.plain.o ;;
	esac
done
make -s BUILD="$tmp" CFLAGS='-O0 -fsyntax-only -DFAULTS -include tests/coverage.h' \
	"${objects[@]/#/$tmp/}"
