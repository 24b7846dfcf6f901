#!/bin/bash
# flips.sh [N] - N times (4000) one bit of a stream is another: traj-filter and traj-cat --check leave
# with status 3 each time, wherever it is, in head, records or end, and traj.py refuses it; so they do
# where it is cut off, at each byte. SEED: which bits.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 4
# shellcheck source=tests/fault/tap.bash
. tests/fault/tap.bash
PATH=${BIN:=$PWD/build/bin}:$PATH
tmp=$(mktemp -d) || exit 4
trap 'rm -rf "$tmp"' EXIT

# Two segments of several tools, each with a record of an unknown kind
for task in a b; do
	for i in 1 2 3; do
		printf '{"task": "%s", "prompt": "1+%d=", "response": "%d\\n", "answer": "3", "tokens": [1, 2, %d], "kept": [[1, 9], [], [%d]], "reward": %d}\n' \
			$task "$i" "$i" "$((i * 300))" "$((i * 300))" $((i % 2))
	done
	echo '{"kind": "note", "x": [[-1], null, 1.5]}'
done >"$tmp/json"
for lines in 4 8; do
	head -n $lines "$tmp/json" | traj-cat --from-json | traj-score -q --verifier number | traj-filter -q --min-reward -9
done >"$tmp/stream"
traj-cat --check "$tmp/stream" >"$tmp/said" && grep -q '2 segments' "$tmp/said"
result $? "as it came it is whole" "$(cat "$tmp/said")"

export PYTHONPATH=$PWD/libcommon/stream PYTHONDONTWRITEBYTECODE=1
/usr/bin/python3 - "$tmp/stream" "${1:-4000}" "${SEED:-1}" >"$tmp/said" 2>&1 <<'PYTHON'
import io
import random
import subprocess
import sys

import traj

whole = open(sys.argv[1], "rb").read()
random.seed(int(sys.argv[3]))
bits = range(8 * len(whole))
n = int(sys.argv[2])
# each bit as often as any other, to one
chosen = [b for _ in range(n // len(bits)) for b in bits] + random.sample(bits, n % len(bits))
wrong = 0


def refused(damaged, what):
    global wrong
    try:
        for r in traj.Reader(io.BytesIO(damaged)):
            pass
    except traj.TrajError:
        return
    print(f"{what}: traj.py took it")
    wrong += 1


for bit in chosen:
    damaged = bytearray(whole)
    damaged[bit // 8] ^= 1 << bit % 8
    refused(damaged, f"bit {bit % 8} of byte {bit // 8}")
    for tool in ["traj-filter", "-q"], ["traj-cat", "--check"]:
        r = subprocess.run(tool, input=damaged, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if r.returncode != 3 or not r.stderr:
            print(f"bit {bit % 8} of byte {bit // 8}: {tool[0]} left with {r.returncode}: {r.stderr!r}")
            wrong += 1
# a stream that ends where a segment does is whole
ends = {r.offset + len(r.raw) for r in traj.Reader(sys.argv[1], frames=True) if r.kind == "end"}
for n_bytes in set(range(len(whole))) - ends:
    refused(whole[:n_bytes], f"cut off at {n_bytes}")
    if n_bytes % 8 == 0:
        with open(sys.argv[1] + ".cut", "wb") as f:
            f.write(whole[:n_bytes])
        if subprocess.run(["traj-cat", "--check", sys.argv[1] + ".cut"], capture_output=True).returncode != 3:
            print(f"cut off at {n_bytes}: traj-cat took it")
            wrong += 1
sys.exit(wrong > 0 or len(chosen) != n)
PYTHON
result $? "each flip of a bit and each cut is refused" "$(head -n 20 "$tmp/said")"
summary
