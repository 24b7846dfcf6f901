#!/bin/bash
# convert.sh - how fast the rows of other programs become records: MB/s of JSON on standard input, and as a
# ratio to Python's json.loads of the same lines (times_json), and back: MB/s of MessagePack in.
#
# Environment: MB size of each file (128, beside which it does not count that Python takes 20 ms to begin),
# ROUNDS (5), in each of which a row is run once, its median counts, PYTHON, CPU (the first one that the
# caller may use), where all of it runs. The time of a row is what its process spent on the processor.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
python=${PYTHON:-/usr/bin/python3}
cpu=${CPU:-$(taskset -cp $$ | sed 's/.*: \([0-9]*\).*/\1/')}
taskset -cp "$cpu" $$ >/dev/null

cat >make.py <<'EOP'
import json, random, sys

random.seed(1)
words = "then we multiply by two and get the sum of x = 3.5 so that it follows from the second".split()


def text(n):  # lines of a dozen words; some quotes, some letters that are no ASCII
    line = lambda: " ".join(random.choices(words, k=12))
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
lines = [json.dumps(kinds[kind](i), ensure_ascii=kind == "trl") + "\n" for i in range(1000)]  # that no processor learns by heart
n = sum(len(s.encode()) for s in lines)
for _ in range(max(1, size // n)):
    sys.stdout.writelines(lines)
EOP
cat >parse.py <<'EOP'
import json
import sys

print(sum(len(json.loads(line)) for line in sys.stdin))
EOP

cat >run.py <<'EOP'
"""run.py ROUNDS NAME FILE COMMAND [-- NAME FILE COMMAND ...]: each with its file as standard input, in turn. A
line each: NAME, MB/s of processor time, the median."""
import os, statistics, sys

rounds, rows, args = int(sys.argv[1]), [], sys.argv[2:]
while args:
    n = args.index("--") if "--" in args else len(args)
    rows.append((args[0], args[1], args[2:n], []))
    args = args[n + 1:]
null = os.open("/dev/null", os.O_WRONLY)
for _ in range(rounds):
    for name, file, command, rates in rows:
        pid = os.posix_spawnp(command[0], command, dict(os.environ, PYTHONIOENCODING="utf-8"), file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, file, os.O_RDONLY, 0), (os.POSIX_SPAWN_DUP2, null, 1)])
        _, status, use = os.wait4(pid, 0)
        if status:
            sys.exit("%s: status %d" % (" ".join(command), status))
        rates.append(os.path.getsize(file) / 1e6 / (use.ru_utime + use.ru_stime))
for name, _, _, rates in rows:
    print(name, statistics.median(rates))
EOP

say() { # KIND: lines of run.py as those of a bench
	awk -v kind="$1" '
		{ rate[$1] = $2; way[n++] = $1 }
		END {
			for (i = 0; i < n; i++) {
				if (way[i] == "json")
					continue
				printf "{\"bench\":\"convert\",\"name\":\"--%s %s\",\"value\":%.0f,\"unit\":\"MB/s\"", way[i], kind,
					rate[way[i]]
				if (way[i] == "from")
					printf ",\"times_json\":%.3g", rate["from"] / rate["json"]
				print "}"
			}
		}'
}

for k in verl open-instruct trl lm-eval openai-batch messages; do
	PYTHONIOENCODING=utf-8 "$python" make.py "$k" $((${MB:-128} * 1000000)) >rows.jsonl
	rows=(from rows.jsonl traj-convert -q --from "$k" -- json rows.jsonl "$python" parse.py)
	case $k in
	verl | messages)
		traj-convert -q --from "$k" rows.jsonl >rows.traj
		rows+=(-- to rows.traj traj-convert -q --to "$k")
		;;
	esac
	"$python" run.py "${ROUNDS:-5}" "${rows[@]}" | say "$k"
done
