#!/bin/bash
# units.sh [ROOT] - unit tests stand where what they test stands: tests/unit/ROOM/MODULE.c or, where a
# module has several, MODULE-WHAT.c, of a module that the table of rooms in docs/HACKING.md lists.
# What they share is in tests/unit/common.
set -euo pipefail
cd "${1:-"$(dirname "$0")/../.."}"

find tests/unit -type f -printf '%P\n' | sort | awk -v table=docs/HACKING.md '
	FILENAME == table {
		n = split($0, cell, /[ ]*\|[ ]*/)
		for (i = n == 6 ? split(cell[5], part, " ") : 0; i > 0; i--)
			listed[cell[2] "/" part[i]]
		next
	}
	/^common\/[a-z]+\.h$/ { next }
	{
		tests++
		module = $0
		if (!sub(/(-[a-z0-9]+)?\.c$/, "", module) || !(module in listed)) {
			printf "tests/unit/%s: no test of a module that %s lists\n", $0, table
			bad = 1
		}
	}
	END { exit bad || !tests }' docs/HACKING.md -
