#!/bin/bash
# clang.sh - clang has no warning, without asserts either; kernels, whose instructions are only looked at then, are compiled.
# And what make coverage includes before every file leaves none that cannot be compiled (it was so for a function of our own
# called raise; make coverage itself takes too long for this).
set -euo pipefail
cd "$(dirname "$0")/../.."
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
clang=(CC=clang BUILD="$tmp" WERROR=-Werror)

read -ra objects < <(make -s BUILD="$tmp" KERNELS=plain print-LIB_OBJ)
others=(cmd/*.c tests/unit/*/*.c tests/bench/*.c tests/fuzz/*.c)
others=("${others[@]/%.c/.o}")
[ ${#objects[@]} -gt 0 ]
make -s "${clang[@]}" KERNELS=plain CFLAGS='-O0 -fsyntax-only -DNDEBUG -DFAULTS -include tests/coverage.h' \
	"${objects[@]}" "${others[@]/#/$tmp/}"

read -ra objects < <(make -s BUILD="$tmp" print-LIB_OBJ)
for ((i = 0; i < ${#objects[@]}; i++)); do
	[[ ${objects[i]} == */tensor/* ]] || unset "objects[i]"
done
[ ${#objects[@]} -gt 0 ]
make -s "${clang[@]}" CFLAGS='-O0 -DNDEBUG' "${objects[@]}"
