#!/bin/bash
# install.sh - make install puts everything under DESTDIR PREFIX, blanks in it or not, the pipelines
# and examples run from there, and make uninstall takes all of it away again, and nothing else.
# Where libraries are missing, make says what to do. The image of docs/packages has those that the tools load.
set -euo pipefail
cd "$(dirname "$0")/../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
dest="$scratch/a place"
mkdir "$scratch/a"

build=$(dirname "${BIN:-$PWD/build/bin}") # what was built is not built again
build=${build#"$PWD/"}
make -s install BUILD="$build" DESTDIR="$dest" PREFIX=/usr >/dev/null
for f in cmd/*.c; do
	tool=$(basename "$f" .c)
	"$dest/usr/bin/$tool" --version >/dev/null
	[ -e "$dest/usr/share/bash-completion/completions/$tool" ]
	[ ! -e "man/$tool.1" ] || cmp "man/$tool.1" "$dest/usr/share/man/man1/$tool.1"
done
for p in run vanilla average compare status plot report table doctor; do
	env -i PATH=/usr/bin:/bin "$dest/usr/libexec/rloop/$p" --help >/dev/null
	env -i PATH=/usr/bin:/bin "$dest/usr/bin/rloop" "$p" --help >/dev/null
done
env -i PATH=/usr/bin:/bin "$dest/usr/bin/rloop" --version >/dev/null
head -n 1 "$dest/usr/share/zsh/site-functions/_rloop" | grep '^#compdef rloop ' >/dev/null
# each file is in one of Debian's packages, which have the libraries one folder deeper
read -ra packaged < <(cat docs/packages/debian/*.install | sed 's,^usr/lib/\*/,usr/lib/,' | paste -s -d ' ')
find "$dest" ! -type d -printf '%P\n' | while IFS= read -r f; do
	n=0
	for pattern in "${packaged[@]}"; do
		# shellcheck disable=SC2053 # a pattern
		[[ $f != $pattern && $f != $pattern/* ]] || n=$((n + 1))
	done
	[ $n -eq 1 ] || { echo "$f: in $n packages of docs/packages/debian" && exit 1; }
done
cmp man/rloop.1 "$dest/usr/share/man/man1/rloop.1"
for e in examples/*/run.sh; do
	[ -x "$dest/usr/share/doc/rloop/$e" ]
done
for e in custom-stage custom-verifier; do
	env -i PATH=/usr/bin:/bin "$dest/usr/share/doc/rloop/examples/$e/run.sh" >/dev/null
done
traj-cat() { "$dest/usr/bin/traj-cat" "$@"; }
echo '{"task":"a","prompt":"p","response":"q"}' | traj-cat --from-json >"$scratch/a.traj"
# A stage of one's own, by what was installed alone, from a folder without blanks
ln -s "$dest" "$scratch/place"
pc() {
	PKG_CONFIG_PATH="$scratch/place/usr/lib/pkgconfig" pkg-config --define-prefix "$@" traj
}
[ "$(pc --modversion)" = "$("$dest/usr/bin/traj-cat" --version | sed 's/^traj-cat \([^ ]*\).*/\1/')" ]
stage=$scratch/place/usr/share/doc/rloop/examples/custom-stage/halve.c
read -ra flags < <(pc --cflags --libs)
cc -std=c99 -pedantic -Wall -Wextra -Werror -o "$scratch/halve" "$stage" "${flags[@]}"
clang++ -x c++ -std=c++11 -pedantic -Wall -Wextra -Werror -o "$scratch/halve++" "$stage" -x none "${flags[@]}"
for s in halve halve++; do
	"$scratch/$s" "$scratch/a.traj" | traj-cat --check --strict >/dev/null
done
# no name but those of the header
nm -g --defined-only "$dest/usr/lib/libtraj.a" | awk 'NF == 3 { print $3 }' | sort >"$scratch/offered"
grep -o '\btraj_[a-z_]*(' "$dest/usr/include/rloop/traj.h" | tr -d '(' | sort -u | comm -13 - "$scratch/offered" >"$scratch/more"
[ -s "$scratch/offered" ] && [ ! -s "$scratch/more" ]
PYTHONPATH="$dest/usr/lib/python3/dist-packages" /usr/bin/python3 -m traj "$scratch/a.traj" >/dev/null
[ -d "$dest/usr/lib/python3/dist-packages/__pycache__" ] # which goes, too
make -s uninstall DESTDIR="$dest" PREFIX=/usr >/dev/null
left=$(find "$dest" ! -type d)
[ -z "$left" ] || {
	printf 'uninstall left:\n%s\n' "$left"
	exit 1
}
[ -d "$scratch/a" ]
if PKG_CONFIG_LIBDIR=/nonexistent make -s BUILD="$scratch/none" 2>"$scratch/said"; then exit 1; fi
grep -q 'make deps' "$scratch/said"
if command -v dpkg-query >/dev/null; then
	sed '1,/^# What the tools load/d' docs/packages/Containerfile | tr -s ' \t' '\n' | sort -u >"$scratch/image"
	for lib in $(readelf -d "$build"/bin/* | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort -u); do
		dpkg-query -S "*/$(cc -print-multiarch)/$lib" | cut -d : -f 1
	done | sort -u | grep -vx libc6 >"$scratch/wanted"
	lacks=$(comm -23 "$scratch/wanted" "$scratch/image")
	[ -z "$lacks" ] || {
		echo "the image lacks $lacks"
		exit 1
	}
fi
