#!/bin/bash
# convert.sh - how fast the rows of other programs become records: MB/s of JSON on standard input, and as a
# ratio to Python's json.loads of the same lines (times_json), and back: MB/s of MessagePack in.
#
# Environment: MB size of each file (32), ROUNDS (5), in each of which a row is run once, its median
# counts, PYTHON, CPU (0). The time of a row is what its process spent on the processor.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
TIMEFORMAT='%U %S'
python=${PYTHON:-/usr/bin/python3}

cat >make.py <<'EOP'
import json, random, sys

random.seed(1)
words = "then we multiply by two and get the sum of x = 3.5 so that it follows from the second".split()


def text(n):  # lines of a dozen words; some quotes, some letters that are no ASCII
    line = lambda: " ".join(random.choice(words) for _ in range(12))
    return "\n".join(line() + random.choice(["", "", ".", " \"q\"", " é", " \\frac{1}{2}"]) for _ in range(n // 12 + 1))



ids = lambda n: [int(random.random() ** 3 * 151000) for _ in range(n)]
logs = lambda n: [-random.expovariate(4) for _ in range(n)]
kinds = {
    "verl": lambda i: {"input": text(30), "output": text(1000), "gts": "42", "score": 1.0, "step": i // 64,
                       "acc": True, "pred": "42", "request_id": "868d9265-197d-4fef-b2e4-ef8914d5a7d8"},
    "open-instruct": lambda i: {"step": i // 64, "sample_idx": i % 64, "prompt_idx": i % 64 // 8,
                                "prompt_tokens": ids(60), "response_tokens": ids(800), "reward": 1.0,
                                "advantage": 0.5, "finish_reason": "stop", "dataset": "own",
                                "ground_truth": ["2"], "request_info": None, "logprobs": logs(800)},
    "trl": lambda i: {"step": i // 64, "prompt": text(30), "completion": text(1000), "right": 1.0,
                      "digits": 0.5, "advantage": random.random()},
    "lm-eval": lambda i: {"doc_id": i, "doc": {"question": text(30), "answer": "42"}, "target": "42",
                          "arguments": {"gen_args_0": {"arg_0": text(300), "arg_1": {"until": ["\n"]}}},
                          "resps": [[text(100)]], "filtered_resps": ["42"], "filter": "none",
                          "metrics": ["exact_match"], "doc_hash": "0" * 64, "exact_match": 1.0},
    "openai-batch": lambda i: {"id": str(i), "custom_id": "t%d#%d" % (i // 8, i % 8), "error": None, "response": {
        "status_code": 200, "body": {"id": "c", "model": "m", "choices": [{
            "index": 0, "message": {"role": "assistant", "content": text(1000)}, "logprobs": None,
            "finish_reason": "stop"}], "usage": {"prompt_tokens": 9, "completion_tokens": 200}}}},
    "messages": lambda i: {"messages": [{"role": "user", "content": text(30)},
                                        {"role": "assistant", "content": text(1000)}]},
}
kind, size = sys.argv[1], int(sys.argv[2])
lines = [json.dumps(kinds[kind](i), ensure_ascii=kind == "trl") + "\n" for i in range(200)]
n = sum(len(s.encode()) for s in lines)
for _ in range(max(1, size // n)):
    sys.stdout.writelines(lines)
EOP
cat >parse.py <<'EOP'
import json
import sys

print(sum(len(json.loads(line)) for line in sys.stdin))
EOP

kinds=(verl open-instruct trl lm-eval openai-batch messages)
for k in "${kinds[@]}"; do
	PYTHONIOENCODING=utf-8 "$python" make.py "$k" $((${MB:-32} * 1000000)) >"$k.jsonl"
	traj-convert -q --from "$k" "$k.jsonl" >"$k.traj"
done

# A line: NAME WAY, the bytes that went in, seconds of processor
run() { # NAME WAY FILE COMMAND ...
	local name="$1 $2" file=$3 t
	shift 3
	t=$({ time taskset -c "${CPU:-0}" "$@" <"$file" >/dev/null 2>err; } 2>&1) || {
		cat err >&2
		exit 1
	}
	echo "$name $(stat -c %s "$file") $t"
}

for ((round = 0; round < ${ROUNDS:-5}; round++)); do
	for k in "${kinds[@]}"; do
		run "$k" from "$k.jsonl" traj-convert -q --from "$k"
		run "$k" json "$k.jsonl" env PYTHONIOENCODING=utf-8 "$python" parse.py
	done
	for k in verl messages; do
		run "$k" to "$k.traj" traj-convert -q --to "$k"
	done
done | awk '
	{
		id = $1 " " $2
		if (!(id in n))
			order[rows++] = id
		v[id, ++n[id]] = $3 / 1e6 / ($4 + $5 + 1e-6)
	}
	function median(id,  i, j, x) {
		for (i = 2; i <= n[id]; i++)
			for (j = i; j > 1 && v[id, j - 1] > v[id, j]; j--) {
				x = v[id, j]
				v[id, j] = v[id, j - 1]
				v[id, j - 1] = x
			}
		return v[id, int((n[id] + 1) / 2)]
	}
	END {
		for (r = 0; r < rows; r++)
			m[order[r]] = median(order[r])
		for (r = 0; r < rows; r++) {
			split(order[r], w, " ")
			if (w[2] == "json")
				continue
			printf "{\"bench\":\"convert\",\"name\":\"--%s %s\",\"value\":%.0f,\"unit\":\"MB/s\"",
				w[2], w[1], m[order[r]]
			if (w[2] == "from")
				printf ",\"times_json\":%.3g", m[order[r]] / m[w[1] " json"]
			print "}"
		}
	}'
