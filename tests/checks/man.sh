#!/bin/bash
# man.sh - each tool and each command of rloop has a page, mandoc finds no fault in it, and its options, their arguments and
# defaults are those of --help.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 4
PATH=${BIN:=$PWD/build/bin}:$PWD/pipelines:$PATH
tmp=$(mktemp -d) || exit 4
trap 'rm -rf "$tmp"' EXIT

# One line an option, "letter name argument default", from --help ...
of_help() {
	"$@" --help | awk '
		function put() {
			if (name != "")
				print letter "\t" name "\t" arg "\t" def
			name = ""
		}
		/^  (-.,|   ) --[a-z]/ {
			put()
			letter = substr($0, 3, 1) == "-" ? substr($0, 4, 1) : ""
			line = substr($0, 9)
			match(line, /^[a-z0-9-]+/)
			name = substr(line, 1, RLENGTH)
			line = substr(line, RLENGTH + 1)
			arg = def = ""
			if (line ~ /^ [^ ]/) {
				match(line, /^ [^ ]+/)
				arg = substr(line, 2, RLENGTH - 1)
			}
		}
		name != "" && match($0, /\[[^][]*\]$/) { def = substr($0, RSTART + 1, RLENGTH - 2) }
		END { put() }' | sort
}

# ... and from the page
of_page() {
	sed -n '/^\.Sh OPTIONS/,/^\.Sh EXIT/p' "$1" | sed 's/\\-/-/g; s/\\&//g; s/\\e/\\/g' | awk '
		function put() {
			if (name != "")
				print letter "\t" name "\t" arg "\t" def
			name = ""
		}
		/^\.It Fl / {
			put()
			letter = $3 ~ /^.$/ ? $3 : ""
			i = letter == "" ? 3 : 6
			name = substr($i, 2)
			arg = $(i + 1) == "Ar" ? $(i + 2) : ""
			def = ""
		}
		/^Default: .*\.$/ { def = substr($0, 10, length($0) - 10) }
		END { put() }' | sort
}

check() { # NAME [COMMAND ...]: says what is wrong with its page; its status is the number of things
	local page=man/$1.1 wrong=0 want
	[ -f "$page" ] || {
		echo "$page is missing"
		return 1
	}
	diff -u --label "$1 --help" --label "$page" <(of_help "${@:$(($# > 1 ? 2 : 1))}") <(of_page "$page") || wrong=1
	want="NAME SYNOPSIS DESCRIPTION OPTIONS EXIT STATUS EXAMPLES SEE ALSO BUGS"
	diff <(printf '%s\n' "$want") <(awk '/^\.Sh/ { printf "%s%s", s, substr($0, 5); s = " " }
		END { print "" }' "$page") || wrong=1
	return "$wrong"
}

lint() { # PAGE: mandoc's findings, and references to pages of ours that are not there
	local wrong=0 name section
	mandoc -T lint -W warning "$1" || wrong=1
	while read -r name section; do
		case $name in
		rl-* | traj-* | rft-* | policy-* | pass-* | task-* | rloop*)
			[ -f "man/$name.$section" ] || {
				echo "$1: no such page: $name($section)"
				wrong=1
			} ;;
		esac
	done < <(awk '$1 == ".Xr" { print $2, $3 }' "$1")
	return "$wrong"
}

n=0
tap() { # NAME COMMAND ...
	local name=$1
	shift
	n=$((n + 1))
	if "$@" >"$tmp/log" 2>&1; then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name"
		sed 's/^/# /' "$tmp/log"
		failed=1
	fi
}

failed=0
for f in cmd/*.c; do
	[ -f "$f" ] || continue
	name=$(basename "$f" .c)
	tap "man/$name.1 says what $name --help says" check "$name"
done
tap "man/rloop.1 says what rloop --help says" check rloop
read -ra commands < <(sed -n 's/^commands=(\(.*\))$/\1/p' pipelines/rloop)
for name in "${commands[@]}"; do
	[ "$name" = view ] || tap "man/rloop-$name.1 says what rloop $name --help says" check "rloop-$name" rloop "$name"
done
for f in man/*.[1-8]; do
	[ -f "$f" ] && tap "mandoc finds no fault in $f" lint "$f"
done
echo "1..$n"
exit $failed
