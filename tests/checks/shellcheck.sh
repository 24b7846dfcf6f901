#!/bin/bash
# No finding in the shell scripts; no error in the bats files.
set -euo pipefail
cd "$(dirname "$0")/../.."
# SC2016: awk programs hold $. SC2317: functions are called by name
{
	find pipelines examples tests .ci -type f -exec grep -lE -m1 '^#!/bin/(ba)?sh' {} +
	find tests -name '*.bash'
} | sort -u | xargs shellcheck -s bash -x -e SC2016,SC2317
# SC2072: 0.x compare as text. Errors only: each @test is a subshell, and bats stops one at the first command that fails
find tests -name '*.bats' -print0 | xargs -0 shellcheck -s bats -S error -e SC2072
