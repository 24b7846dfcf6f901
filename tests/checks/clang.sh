#!/bin/bash
# clang.sh - clang builds everything without a warning.
set -euo pipefail
cd "$(dirname "$0")/../.."
make -s CC=clang BUILD=build-clang CFLAGS='-O1 -g' WERROR=-Werror all units benches fuzzers
