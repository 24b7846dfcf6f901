#!/bin/bash
# names.sh [ROOT] - a name says where it is at home: a function that leaves its file is called as the
# file is, or begins with the file's name or three and more of its first letters, and "_"; other
# prefixes are those of the second table of docs/HACKING.md, each of which is in use. And the words
# below, of which every file could need one, are not static functions of two files: a reader with
# grep would be lost.
set -euo pipefail
cd "${1:-"$(dirname "$0")/../.."}"
build=$(dirname "${BIN:-build/bin}")
generic='add node put take judge draw count put_item load save show symbol'
bad=0

# Tells "room/module function" of each function that leaves its file
functions() {
	local o module set
	for o in "$build"/libcommon/*/*.o; do
		module=${o#"$build/libcommon/"} module=${module%.o} set=
		# gemm_plain of gemm.plain.o is gemm; the other sets of kernels have the same
		[ "$module" = "${module%.plain}" ] || set=_plain module=${module%.plain}
		[ ! -f "libcommon/$module.c" ] || # an old object of a file that is gone
			nm --defined-only -g "$o" | awk -v m="$module" -v set="$set" '
				$2 == "T" { sub(set "$", "", $3); print m, $3 }'
	done
}

functions | awk -v table=docs/HACKING.md '
	FILENAME == table {
		n = split($0, cell, /[ ]*\|[ ]*/)
		if (n != 5 || cell[2] !~ /^[a-z]+\/[a-z0-9]+( [a-z0-9]+)*$/)
			next
		split(cell[2], part, "/")
		for (i = split(part[2], file, " "); i > 0; i--)
			for (k = split(cell[3], word, " "); k > 0; k--)
				other[part[1] "/" file[i] " " word[k]] = 1
		next
	}
	{
		functions++
		name = $1
		sub(/.*\//, "", name)
		if ($2 == name)
			next
		for (n = length(name); n >= 3; n--)
			if (index($2, substr(name, 1, n) "_") == 1)
				next
		for (n = length($2); n > 0; n--) {
			way = $1 " " substr($2, 1, n) (substr($2, n + 1, 1) == "_" || n == length($2) ? "" : "*")
			if (way in other) {
				used[way]
				next
			}
		}
		# two letters are enough for a file whose name has no more
		if (length(name) == 2 && index($2, name "_") == 1)
			next
		printf "libcommon/%s.c: %s leaves the file and does not begin with its name\n", $1, $2
		bad = 1
	}
	END {
		for (o in other)
			if (!(o in used)) {
				split(o, part, " ")
				printf "%s: libcommon/%s.c has no function that begins with %s\n", table, part[1], part[2]
				bad = 1
			}
		if (!functions) {
			print "no objects: make first"
			bad = 1
		}
		exit bad
	}' docs/HACKING.md - || bad=1

grep -nE "^static [^=;]*\b(${generic// /|})\(" libcommon/*/*.c |
	grep -v ';$' |
	sed -E "s/^([^:]*):[0-9]*:.*\b(${generic// /|})\(.*/\2 \1/" | sort -u |
	awk '
		{ n[$1]++; where[$1] = where[$1] " " $2 }
		END {
			for (w in n)
				if (n[w] > 1) {
					printf "%s is a static function of%s\n", w, where[w]
					bad = 1
				}
			exit bad
		}' || bad=1
exit $bad
