#!/bin/bash
# coverage.sh - what make coverage includes before every file leaves none that cannot be compiled.
# (That was so for a function of our own called raise; make coverage itself takes too long for this.)
set -euo pipefail
cd "$(dirname "$0")/../.."
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

objects=(libcommon/*/*.c cmd/*.c tests/unit/*/*.c tests/fuzz/*.c)
objects=("${objects[@]/%.c/.o}")
make -s BUILD="$tmp" CFLAGS='-O0 -fsyntax-only -DFAULTS -include tests/coverage.h' \
	"${objects[@]/#/$tmp/}"
