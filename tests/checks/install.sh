#!/bin/bash
# install.sh - make install puts everything under DESTDIR PREFIX, blanks in it or not, the pipelines
# and examples run from there, and make uninstall takes all of it away again, and nothing else.
# Where libraries are missing, make says what to do.
set -euo pipefail
cd "$(dirname "$0")/../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
dest="$scratch/a place"
mkdir "$scratch/a"

make -s install DESTDIR="$dest" PREFIX=/usr >/dev/null
for f in cmd/*.c; do
	tool=$(basename "$f" .c)
	"$dest/usr/bin/$tool" --version >/dev/null
	[ ! -e "man/$tool.1" ] || cmp "man/$tool.1" "$dest/usr/share/man/man1/$tool.1"
done
for p in run vanilla average compare status plot report doctor; do
	env -i PATH=/usr/bin:/bin "$dest/usr/libexec/rloop/$p" --help >/dev/null
	env -i PATH=/usr/bin:/bin "$dest/usr/bin/rloop" "$p" --help >/dev/null
done
env -i PATH=/usr/bin:/bin "$dest/usr/bin/rloop" --version >/dev/null
cmp man/rloop.1 "$dest/usr/share/man/man1/rloop.1"
for e in examples/*/run.sh; do
	[ -x "$dest/usr/share/doc/rloop/${e#examples/}" ]
done
for e in custom-stage custom-verifier; do
	env -i PATH=/usr/bin:/bin "$dest/usr/share/doc/rloop/$e/run.sh" >/dev/null
done
make -s uninstall DESTDIR="$dest" PREFIX=/usr >/dev/null
left=$(find "$dest" ! -type d)
[ -z "$left" ] || {
	printf 'uninstall left:\n%s\n' "$left"
	exit 1
}
[ -d "$scratch/a" ]
if PKG_CONFIG_LIBDIR=/nonexistent make -s BUILD="$scratch/none" 2>"$scratch/said"; then exit 1; fi
grep -q 'make deps' "$scratch/said"
