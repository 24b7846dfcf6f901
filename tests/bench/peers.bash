# peers.bash - the Python that has the programs to compare with: PYTHON, that of make peers, or Debian's.
# shellcheck shell=bash
python=${PYTHON:-$(dirname "${BASH_SOURCE[0]}")/../../build/peers/bin/python}
[ -x "$python" ] || python=/usr/bin/python3
python=$(readlink -f "$(dirname "$python")")/${python##*/}

# These make OpenBLAS take kernels and blocks of a processor that is not there: whoever has set them means another
# program than the peers.
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
export PYTHONDONTWRITEBYTECODE=1

# has_peer PACKAGE: with PEERS=1, whether python has it; a note if not
has_peer() {
	[ "${PEERS:-0}" = 1 ] || return
	"$python" -c "import $1" 2>/dev/null && return
	echo "${0##*/}: $python has no $1 (make peers installs it): that peer is not measured" >&2
	return 1
}
