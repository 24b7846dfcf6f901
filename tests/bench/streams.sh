#!/bin/bash
# streams.sh - how fast streams are read from a pipe: MB/s of MessagePack in, and as ratios to others
# that read the same records: of_cat (cat | cat), times_jq, times_msgpack and times_json (Python).
#
# Environment: MB size of the stream (64), ROUNDS (5) in which each row is run once, its median
# counts, PEERS=1 to measure jq and Python too, CPU (0). The time of a row is what its processes,
# cat in front of them too, spent on the processor: wall time where nothing else runs on it.
# Two forms: bin (tokens as this suite writes them), array (as others do).
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
TIMEFORMAT='%U %S'
python=${PYTHON:-/usr/bin/python3}

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


rows=()
row() { # FORM KEY COMMAND: one to be measured; KEY names the ratio to it, - none
	rows+=("$1"$'\t'"$2"$'\t'"$3")
}

# Seconds of processor that one run of a row takes
run() { # FORM KEY COMMAND
	local file=$1.traj
	[[ $2 != times_j* ]] || file=$1.jsonl # jq and json read text
	{ time taskset -c "${CPU:-0}" sh -c "cat $file | $3" >/dev/null 2>err; } 2>&1 || {
		cat err >&2
		exit 1
	}
}

measure() {
	local round r form key command t
	for ((round = 0; round < ${ROUNDS:-5}; round++)); do
		for r in "${rows[@]}"; do
			IFS=$'\t' read -r form key command <<<"$r"
			t=$(run "$form" "$key" "$command") || exit 1
			printf '%s\t%s\n' "$r" "$t"
		done
	done
}

report() { # of measure's lines
	awk -F '\t' -v bin="$(stat -c %s bin.traj)" -v array="$(stat -c %s array.traj)" '
		{
			split($4, t, " ")
			id = $1 "\t" $3
			if (!(id in n))
				order[rows++] = id
			form[id] = $1
			key[id] = $2
			time[id, ++n[id]] = t[1] + t[2] + 1e-6
		}
		function median(id,  i, j, v) {
			for (i = 2; i <= n[id]; i++)
				for (j = i; j > 1 && time[id, j - 1] > time[id, j]; j--) {
					v = time[id, j]
					time[id, j] = time[id, j - 1]
					time[id, j - 1] = v
				}
			return time[id, int((n[id] + 1) / 2)]
		}
		END {
			for (r = 0; r < rows; r++) {
				id = order[r]
				m[id] = median(id)
				if (key[id] != "-")
					ratios[form[id]] = ratios[form[id]] "\t" id
			}
			for (r = 0; r < rows; r++) {
				id = order[r]
				sub("\t", ": ", id)
				printf "{\"bench\":\"streams\",\"name\":\"%s\",", id
				id = order[r]
				mb = (form[id] == "bin" ? bin : array) / 1e6
				printf "\"value\":%.0f,\"unit\":\"MB/s\"", mb / m[id]
				peers = split(ratios[form[id]], peer, "\t")
				for (i = 3; i <= peers; i += 2)
					printf ",\"%s\":%.3g", key[peer[i - 1] "\t" peer[i]],
						m[peer[i - 1] "\t" peer[i]] / m[id]
				print "}"
			}
		}'
}

make_stream bin ''
make_stream array x_
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
	row $form - 'traj-filter --correct'
	row $form - 'traj-filter --correct --max-rate 0.9 --dedup'
	row $form - 'pass-at-k'
	row $form - 'traj-cat'
	row $form - 'traj-cat -c task,step,reward'
	row $form - 'traj-cat --check'
	row $form - 'traj-cat --msgpack'
	row $form - 'traj-stat'
	row $form of_cat cat
	[ "${PEERS:-0}" = 1 ] || continue
	traj-cat $form.traj >$form.jsonl
	row $form times_jq "jq -c 'select(.reward > 0.5)'"
	row $form times_msgpack "$python unpack.py"
	row $form times_json "$python parse.py"
done
measure | report
