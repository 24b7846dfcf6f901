#!/bin/bash
# floors.sh [ROOT] - the table of rooms in docs/HACKING.md is true: it lists each module, no include
# goes to a room that its row does not list, the modules of a room (x.h and x.c together) can
# be put in an order in which each uses earlier ones only, no tool includes another, only tensor/
# knows OpenBLAS, only ask/http libcurl, and only mpi/ MPI.
set -euo pipefail
cd "${1:-"$(dirname "$0")/../.."}"

{
	printf 'docs/HACKING.md\0'
	find libcommon cmd -name '*.[ch]' -print0 | sort -z
} | xargs -0 awk -v table=docs/HACKING.md '
	FILENAME == table {
		n = split($0, cell, /[ ]*\|[ ]*/)
		if (n != 6 || cell[2] !~ /^[a-z]+$/ || cell[2] == "room")
			next
		for (i = split(cell[4], part, " "); i > 0; i--)
			if (!(part[i] in below) && part[i] != "-")
				wrong(cell[2] " uses " part[i] ", which is no room above it")
		below[cell[2]] = " " cell[2] " " cell[4] " "
		rooms = rooms " " cell[2]
		for (i = split(cell[5], part, " "); i > 0; i--)
			listed[cell[2] "/" part[i]]
		next
	}
	function wrong(why) {
		printf "%s:%d: %s\n", FILENAME, FNR, why
		bad = 1
	}
	FNR == 1 {
		n = split(FILENAME, part, "/")
		floor = part[1] == "cmd" ? "cmd" : part[2]
		module = FILENAME
		sub(/^libcommon\//, "", module)
		sub(/\.[ch]$/, "", module)
		if (floor == "cmd")
			below["cmd"] = rooms " "
		else if (!(module in listed))
			wrong("not in the table of rooms of docs/HACKING.md")
		if (floor != "cmd")
			modules[module]
		if (!(floor in below) || n != (floor == "cmd" ? 2 : 3))
			wrong("this folder is no room of docs/HACKING.md")
		if (FILENAME ~ /\.h$/)
			header[module]
	}
	/^[ \t]*#[ \t]*include[ \t]*</ {
		if (/<cblas|<openblas/ && floor != "tensor")
			wrong("only libcommon/tensor may include OpenBLAS")
		if (/<mpi\.h/ && floor != "mpi")
			wrong("only libcommon/mpi may include MPI")
		if (/<curl/ && module != "ask/http")
			wrong("only libcommon/ask/http may include libcurl")
		if (!(FILENAME in first))
			first[FILENAME] = "<"
	}
	/^[ \t]*#[ \t]*include[ \t]*"/ {
		split($0, q, "\"")
		used = q[2]
		n = split(used, part, "/")
		if (n != 2 || !(part[1] in below) || part[1] == "cmd")
			wrong("include is not of the form \"floor/x.h\": " used)
		else if (index(below[floor], " " part[1] " ") == 0)
			wrong(floor " may not use " part[1] ": " used)
		sub(/\.h$/, "", used)
		if (!(FILENAME in first))
			first[FILENAME] = used
		if (part[1] == floor && used != module)
			uses[module] = uses[module] " " used
	}
	END {
		for (f in first) {
			module = f
			if (!sub(/^libcommon\//, "", module) || !sub(/\.c$/, "", module))
				continue
			if (module in header && first[f] != module) {
				printf "%s: its own header comes first\n", f
				bad = 1
			}
		}
		for (m in listed)
			if (!(m in modules)) {
				printf "docs/HACKING.md: lists %s, which is not there\n", m
				bad = 1
			}
		# take away modules all of whose own-floor uses are gone; what stays is on a cycle
		for (m in modules)
			left++
		do {
			gone = 0
			for (m in modules) {
				if (m in done)
					continue
				n = split(uses[m], u, " ")
				for (i = 1; i <= n && (u[i] in done || !(u[i] in modules)); i++)
					;
				if (i > n) {
					done[m]
					gone++
					left--
				}
			}
		} while (gone)
		if (left > 0) {
			bad = 1
			for (m in modules)
				if (!(m in done))
					printf "libcommon/%s: on a cycle, or uses one:%s\n", m, uses[m]
		}
		exit bad
	}'
