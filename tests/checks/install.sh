#!/bin/bash
# install.sh - make install puts everything under DESTDIR PREFIX, the pipelines run from there, and
# make uninstall takes all of it away again.
set -euo pipefail
cd "$(dirname "$0")/../.."
dest=$(mktemp -d)
trap 'rm -rf "$dest"' EXIT

make -s install DESTDIR="$dest" PREFIX=/usr >/dev/null
for f in cmd/*.c; do
	tool=$(basename "$f" .c)
	"$dest/usr/bin/$tool" --version >/dev/null
	[ ! -e "man/$tool.1" ] || cmp "man/$tool.1" "$dest/usr/share/man/man1/$tool.1"
done
for p in rloop vanilla average compare plot report; do
	env -i PATH=/usr/bin:/bin "$dest/usr/libexec/rloop/$p" --help >/dev/null
done
for e in examples/*/run.sh; do
	[ -x "$dest/usr/share/doc/rloop/${e#examples/}" ]
done
make -s uninstall DESTDIR="$dest" PREFIX=/usr >/dev/null
left=$(find "$dest" ! -type d)
[ -z "$left" ] || {
	printf 'uninstall left:\n%s\n' "$left"
	exit 1
}
