#!/bin/bash
# No finding in the shell scripts; no warning in the bats files.
set -euo pipefail
cd "$(dirname "$0")/../.."
# SC2016: awk programs hold $. SC2317: functions are called by name
{
	find pipelines examples tests .ci -type f -exec grep -lE -m1 '^#!/bin/(ba)?sh' {} +
	find tests -name '*.bash'
} | sort -u | xargs shellcheck -s bash -x -e SC2016,SC2317
# SC2154: $output, $stderr and the like are set by helpers.bash. SC2030, SC2031: each @test is a
# subshell by design. SC2164: bats stops a test at the first failure
find tests -name '*.bats' -print0 | xargs -0 shellcheck -s bats -S warning -e SC2154,SC2164,SC2030,SC2031
