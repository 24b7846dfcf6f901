# peers.bash - the Python that has the programs to compare with: PYTHON, that of make peers, or Debian's.
# shellcheck shell=bash
python=${PYTHON:-$(dirname "${BASH_SOURCE[0]}")/../../build/peers/bin/python}
[ -x "$python" ] || python=/usr/bin/python3
python=$(readlink -f "$(dirname "$python")")/${python##*/}
