#!/bin/bash
# clang.sh - clang builds everything without a warning, also without asserts.
set -euo pipefail
cd "$(dirname "$0")/../.."
make -s CC=clang BUILD=build-clang CFLAGS='-O0 -DNDEBUG' WERROR=-Werror all units benches fuzzers
