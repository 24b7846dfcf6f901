#!/bin/bash
# streams.sh - how fast streams are read: MB/s of MessagePack in, one JSON line a row.
#
# Environment: MB size of the stream (64), REPEAT runs of each of which the fastest counts (3),
# PEERS=1 to measure cat, wc, jq and Python's msgpack and json in the same run.
# The tools are on PATH. Two forms: bin (tokens as this suite writes them), array (as others do).
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
TIMEFORMAT=%R

# 400 trajectories of 16 attempts each: 40 + 300 tokens with log-probabilities, 800 bytes of text
json() {
	awk -v form="$1" '
		function ids(n,  s, i) {
			for (i = 0; i < n; i++)
				s = s (i ? "," : "") int(rand() ^ 3 * 151000)
			return s
		}
		BEGIN {
			srand(1)
			for (i = 0; i < 60; i++)
				text = text "then we multiply by " i
			for (r = 0; r < 400; r++) {
				lp = ""
				for (i = 0; i < 300; i++)
					lp = lp (i ? "," : "") sprintf("%.8g", log(1 - rand()) / 4)
				printf "{\"kind\":\"traj\",\"task\":\"t%d\",\"prompt\":\"%s\",", r / 16, substr(text, 1, 120)
				printf "\"response\":\"%s\",", substr(text, 1 + r % 100, 680)
				# as other keys the arrays stay arrays: the same bytes as a rival writes
				printf "\"%stokens\":[%s],\"%slogprobs\":[%s],", form, ids(300), form, lp
				printf "\"%sprompt_tokens\":[%s],\"temperature\":1.0,\"finish\":\"stop\",", form, ids(40)
				printf "\"sample\":%d,\"step\":1,\"reward\":%d.0,\"verdict\":\"ok\",", r % 16, rand() < 0.3
				printf "\"advantage\":%.17g,\"entropy\":%.17g}\n", rand(), rand()
			}
		}'
}

# The file FORM.traj: one segment again and again
make_stream() {
	local size
	json "$2" | traj-cat --from-json >one
	size=$(stat -c %s one)
	for ((n = 0; n < ${MB:-64} * 1000000; n += size)); do
		cat one
	done >"$1.traj"
}

row() { # FORM NAME COMMAND ...: the fastest of some runs
	local form=$1 name=$2 best='' t
	shift 2
	"$@" >/dev/null 2>err || {
		cat err >&2
		exit 1
	}
	for ((i = 0; i < ${REPEAT:-3}; i++)); do
		t=$({ time "$@" >/dev/null 2>&1; } 2>&1)
		best=$(printf '%s\n%s\n' "$best" "$t" | grep . | sort -n | head -n 1)
	done
	awk -v f="$form" -v n="$name" -v t="$best" -v b="$(stat -c %s "$form.traj")" 'BEGIN {
		t = t > 0.001 ? t : 0.001
		printf "{\"bench\":\"streams\",\"what\":\"%s\",\"form\":\"%s\",\"mb\":%.1f,", n, f, b / 1e6
		printf "\"seconds\":%s,\"mb_per_s\":%.0f}\n", t, b / 1e6 / t
	}'
}

make_stream bin ''
make_stream array x_
for form in bin array; do
	f=$form.traj
	row $form 'traj-cat -c task,step,reward' traj-cat -c task,step,reward $f
	row $form 'traj-cat --check' traj-cat --check $f
	row $form 'traj-cat --msgpack' traj-cat --msgpack $f
	row $form 'traj-cat (JSON)' traj-cat $f
	row $form 'traj-filter --correct' traj-filter --correct $f
	row $form 'traj-filter --correct --max-rate 0.9 --dedup' \
		traj-filter --correct --max-rate 0.9 --dedup $f
	row $form 'pass-at-k' pass-at-k $f
	row $form 'traj-stat' traj-stat $f
done
[ "${PEERS:-0}" = 1 ] || exit 0

cat >unpack.py <<'EOP'
import sys
import msgpack

n = 0
for r in msgpack.Unpacker(sys.stdin.buffer, max_buffer_size=1 << 30):
    n += r.get("reward", 0) > 0.5
print(n)
EOP
cat >parse.py <<'EOP'
import json
import sys

print(sum(json.loads(line).get("reward", 0) > 0.5 for line in sys.stdin))
EOP
for form in bin array; do
	f=$form.traj
	traj-cat $f >$form.jsonl
	row $form 'cat | cat' sh -c "cat $f | cat"
	row $form 'Python msgpack' sh -c "/usr/bin/python3 unpack.py <$f"
	row $form 'Python json, of the same as JSON' sh -c "/usr/bin/python3 parse.py <$form.jsonl"
	row $form 'jq -c, of the same as JSON' jq -c 'select(.reward == 1)' $form.jsonl
done
