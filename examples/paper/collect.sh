#!/bin/bash
# collect.sh DIR [TO] - what of a comparison in DIR (as run.sh leaves it) is worth keeping, into the
# folder TO: the tables, the pictures that README.md shows, and RESULTS.md, all tables in one page.
# A TO without a slash (results, if none is given) is beside this script, and the part of README.md
# between marks with its name is written anew.
set -euo pipefail

here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
if [ $# -lt 1 ] || [ $# -gt 2 ]; then
	echo "usage: ${0##*/} DIR [TO]" >&2
	exit 2
fi
dir=$1 to=${2:-results} name=
if [[ $to != */* ]]; then
	name=$to to=$here/$to
fi
if [ ! -s "$dir/runs/about" ]; then
	echo "${0##*/}: $dir/runs: no about: not the folder of a comparison" >&2
	exit 3
fi
for mark in begin: end; do
	[ -z "$name" ] || grep -q "^<!-- $name $mark" "$here/README.md" || {
		echo "${0##*/}: $here/README.md: no marks of $name" >&2
		exit 3
	}
done
mkdir -p "$to"

# Figures are of the machine; names of its folders are not worth keeping
machine() {
	printf 'what\tvalue\n'
	printf 'processors\t%s\n' "$(nproc)"
	awk -F ': ' '/^model name/ { print "model\t" $2; exit }' /proc/cpuinfo
	[ ! -e "$dir/wall-time" ] || awk '{ s += $1 } END { print "wall time, minutes\t" int(s / 60 + 0.5) }' "$dir/wall-time"
	awk -F '\t' -v OFS='\t' '{ sub(/.*\//, "", $2); print }' "$dir/runs/about"
}

markdown() { # of tab-separated values
	awk -F '\t' '
		{ n = NF; gsub(/\|/, "\\|"); gsub(/\t/, " | "); print "| " $0 " |" }
		NR == 1 { line = "|"; for (i = 1; i <= n; i++) line = line "---|"; print line }'
}

some() { # FILE COLUMN ...: these columns of a table, by their names
	awk -F '\t' -v names="${*:2}" '
		BEGIN { n = split(names, name, " ") }
		NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
		{
			printf "%s", $1
			for (i = 1; i <= n; i++) if (name[i] in at) printf "\t%s", $at[name[i]]
			print ""
		}' "$1"
}

headline() {
	local f set
	set=$(awk 'NR == 2 { print $1 }' "$dir/runs/table")
	if [ -e "$to/best-$set.tsv" ]; then
		echo 'Each at its own best temperature:'
		echo
		some "$to/best-$set.tsv" temperature seeds avg@n pass@1 pass@8 pass@32 entropy distinct | markdown
		for f in "$to/best-$set-minus"-*.tsv; do
			echo
			some "$f" temperatures avg@n pass@8 pass@32 | markdown
			echo
			markdown <"${f/best-/equal-}"
		done
		echo
		echo 'All at temperature 1:'
		echo
	fi
	some "$to/final-$set.tsv" seeds avg@n pass@1 pass@8 pass@32 entropy distinct forgetting | markdown
	for f in "$to/final-$set-minus"-*.tsv; do
		echo
		some "$f" avg@n pass@32 entropy distinct forgetting | markdown
	done
	echo
	echo '| training | trajectories | last reward | last entropy | similarity of evaluations |'
	echo '|---|---|---|---|---|'
	awk -F '\t' 'NR > 1 { print "| " $1 " | " $4 " | " $5 " | " $6 " | " $9 " |" }' "$to/training.tsv"
}

fill_in() { # FILE: what is between the marks becomes standard input
	awk -v name="$name" '
		NR == FNR { text = text $0 "\n"; next }
		$2 == name && $3 == "end" { skip = 0 }
		!skip { print }
		$2 == name && $3 == "begin:" { printf "\n%s\n", text; skip = 1 }' - "$1" >"$1.part"
	cat "$1.part" >"$1"
	rm "$1.part"
}

machine >"$to/run.tsv"
cp "$dir"/runs/final-*.tsv "$dir/runs/training.tsv" "$dir/runs/titles" "$to/"
gzip -9nc "$dir/runs/table" >"$to/table.tsv.gz"
rm -f "$to"/best-*.tsv "$to"/equal-*.tsv "$to"/temperatures-*.tsv "$to"/curve*
if [ -e "$dir/runs/curves" ]; then
	cp "$dir"/runs/best-*.tsv "$dir"/runs/equal-*.tsv "$dir"/runs/temperatures-*.tsv "$to/"
	gzip -9nc "$dir/runs/curves" >"$to/curves.tsv.gz"
fi
for p in reward avg pass k-test curve-test entropy gradient forgetting map; do
	[ ! -e "$dir/runs/pictures/$p.png" ] || cp "$dir/runs/pictures/$p.png" "$to/"
done
{
	echo '# Results'
	for f in run.tsv "$to"/final-test*.tsv "$to"/final-[!t]*.tsv "$to"/best-*.tsv "$to"/equal-*.tsv \
		"$to"/temperatures-*.tsv training.tsv; do
		[ -e "$to/${f##*/}" ] || continue
		f=${f##*/}
		printf '\n## %s\n\n' "${f%.tsv}"
		markdown <"$to/$f"
	done
	printf '\n## Variants\n\n'
	sed '1i name\ttitle' "$to/titles" | markdown
} >"$to/RESULTS.md"
[ -z "$name" ] || headline | fill_in "$here/README.md"
du -sh "$to"
