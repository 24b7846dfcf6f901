#!/bin/bash
# prompts.sh - what it is worth that the samples of a prompt share its keys and values: one thread of policy-eval
# samples 64 responses of up to 100 tokens to 4 prompts of 800 tokens, 16 to each, and to 64 such prompts, one to
# each. Seconds of processor, and MB; "of_alone" is the ratio to the latter, in which each prompt is also computed.
#
# Environment: ROUNDS (3), in turn, whose medians count, CPU (0), SHAPE of the policy, OPTIONS of policy-eval.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"

read -ra shape <<<"${SHAPE:---layers 6 --hidden 384 --heads 6 --kv-heads 2 --ffn 1024}"
policy-init -q -o policy "${shape[@]}" --max-len 1024
for n in 4 64; do
	for ((i = 0; i < n; i++)); do
		text=$(seq "$i" 7 4000 | tr '\n' ' ')
		printf '{"id":"%s","prompt":"%s","answer":"1","verifier":"exact"}\n' "$i" "${text:0:800}"
	done >"tasks-$n"
done

# shellcheck disable=SC2086 # OPTIONS are words
taskset -c "${CPU:-0}" /usr/bin/python3 - "${ROUNDS:-3}" ${OPTIONS:-} <<'END'
import json, os, statistics, sys

def take(tasks, samples):
    pid = os.spawnvp(os.P_NOWAIT, "policy-eval", ["policy-eval", "-q", "-j", "1", "-p", "policy", "-t", tasks, "-n",
                     samples, "--max-new", "100", "--stream", f"out-{tasks}", *sys.argv[2:]])
    _, status, used = os.wait4(pid, 0)
    os.remove(f"out-{tasks}")
    if status:
        sys.exit("policy-eval failed")
    return used.ru_utime, used.ru_maxrss * 1024 / 1e6

rounds = [(take("tasks-4", "16"), take("tasks-64", "1")) for _ in range(int(sys.argv[1]))]
for i, unit in enumerate(("s", "MB")):
    print(json.dumps({"bench": "prompts", "name": "64 responses to 4 prompts of 800 tokens", "unit": unit,
                      "value": round(statistics.median(shared[i] for shared, _ in rounds), 2),
                      "of_alone": round(statistics.median(shared[i] / alone[i] for shared, alone in rounds), 3)}))
END
