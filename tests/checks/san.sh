#!/bin/bash
# san.sh - unit and command line tests under AddressSanitizer, LeakSanitizer and UBSan.
set -euo pipefail
cd "$(dirname "$0")/../.."
san=address,undefined
make -s -j"$(nproc)" SAN=$san CFLAGS='-O1 -g' all units
BIN=$PWD/build-$san/bin UNIT=$PWD/build-$san/unit tests/run unit cli
