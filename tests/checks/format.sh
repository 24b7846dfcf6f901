#!/bin/bash
# format.sh - every C file is as clang-format would leave it.
set -euo pipefail
cd "$(dirname "$0")/../.."
find cmd libcommon tests -name '*.[ch]' -print0 | xargs -0 clang-format --dry-run -Werror
