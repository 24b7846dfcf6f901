#!/bin/bash
# dist.sh - make dist's tarball is the sources, has the same bytes again, unpacks and builds where nothing else
# is, and makes itself; make help tells each target; KERNELS that cannot be linked are refused.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ -e .git ] && ! command -v git >/dev/null; then
	echo "skip: git is not installed, which knows what belongs to the sources"
	exit 77
fi
unset RLOOP_KERNELS # the program that is built here has no kernels but the plain ones
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

says() { # TEXT COMMAND ...: it fails, and says that
	local text=$1
	shift
	! "$@" >"$scratch/said" 2>&1 || { echo "not refused: $*" && return 1; }
	grep -qF -- "$text" "$scratch/said" || { cat "$scratch/said" && return 1; }
}

make -s dist BUILD="$scratch/one" >/dev/null
make -s dist BUILD="$scratch/two" >/dev/null
version=$(sed -n 's/^.define SUITE_VERSION "\(.*\)"/\1/p' libcommon/base/tool.h)
tarball=$scratch/one/rloop-$version.tar.gz
cmp "$tarball" "$scratch/two/rloop-$version.tar.gz"
# what the tests' build was compiled from is all in it
tar -tzf "$tarball" | cut -d / -f 2- | sort >"$scratch/there"
find "$(dirname "${BIN:-build/bin}")" -name '*.d' -exec grep -ohE '(^| )(libcommon|cmd|tests)/[^ :]+\.[ch]\>' {} + |
	tr -d ' ' | sort -u >"$scratch/used"
[ -s "$scratch/used" ]
comm -23 "$scratch/used" "$scratch/there" >"$scratch/lacks"
[ ! -s "$scratch/lacks" ] || { sed 's/^/not in the tarball: /' "$scratch/lacks" && exit 1; }
! command -v dpkg-parsechangelog >/dev/null || [ "$(dpkg-parsechangelog -l docs/packages/debian/changelog -S Version)" = "$version" ]
mkdir "$scratch/a place"
tar -xzf "$tarball" -C "$scratch/a place"
cd "$scratch/a place/rloop-$version"
# one tool, with the rooms that it stands on; of all else, that make knows how
make -s CFLAGS=-O0 KERNELS=plain LIB_SRC="$(echo libcommon/{base,stream}/*.c)" SET_SRC= build/bin/traj-cat
[ "$(build/bin/traj-cat --version | cut -d ' ' -f 2)" = "$version" ]
echo '{"task":"a","prompt":"p","response":"q"}' | build/bin/traj-cat --from-json | build/bin/traj-cat --check >/dev/null
make -n all units fuzzers benches install >/dev/null
make -s dist BUILD="$scratch/three" >/dev/null
diff <(tar -tzf "$tarball") <(tar -tzf "$scratch/three/rloop-$version.tar.gz")
# what is not there is told, and no tarball is without it
mkdir .git
says 'git' make -s dist BUILD="$scratch/four"
[ ! -e "$scratch/four/rloop-$version.tar.gz" ]

# deps: what dpkg knows and what is not installed is missing
mkdir "$scratch/bin"
printf '#!/bin/sh\ncase $* in *" gcc") echo installed ;; *) echo not-installed ;; esac\n' >"$scratch/bin/dpkg-query"
printf '#!/bin/sh\necho "$@"\n' >"$scratch/bin/apt-get"
chmod +x "$scratch"/bin/*
PATH=$scratch/bin:$PATH make -s deps PACKAGES='gcc zsh' SUDO= | grep -- '--no-install-recommends zsh$' >/dev/null
# and what make deps all builds does not depend on whether there was a compiler before
[ "$(make -s CC="$scratch/none" print-LIB_OBJ)" = "$(make -s print-LIB_OBJ)" ]

make -s help >"$scratch/help"
for target in $(make -s print-TARGETS); do
	case $target in units | fuzzers | benches) continue ;; esac # parts of check, fuzz and bench
	grep -q "^  make $target  *[^ ]" "$scratch/help" || { echo "make help does not tell $target" && exit 1; }
done
says 'v4' make -n all KERNELS='plain amx'
says 'v4' make -n all KERNELS='plain v3 v4bf16'
says 'plain is wanted' make -n all KERNELS=v3
says 'and not: v5' make -n all KERNELS='plain v5'
for kernels in plain 'plain v4' 'plain v4 amx'; do
	make -n all KERNELS="$kernels" >/dev/null
done
