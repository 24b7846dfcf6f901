#!/bin/bash
# convert.sh - how fast the rows of other programs become records: MB/s of JSON on standard input, and as a
# ratio to Python's json.loads of the same lines (times_json), and back: MB/s of MessagePack in.
#
# Environment: KINDS of rows (all that traj-convert reads), MB size of each file (128, beside which it does
# not count that Python takes 20 ms to begin), ROUNDS (5), in each of which a row is run once, its median
# counts, PYTHON, CPU (the first one that the caller may use), where all of it runs. The time of a row is
# what its process spent on the processor.
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
talk = lambda: [{"role": "user", "content": text(30)}, {"role": "assistant", "content": text(1000)}]
answer = lambda choice: {"id": "c", "model": "m", "choices": [dict(choice, index=0, finish_reason="stop")],
                         "usage": {"prompt_tokens": 60, "completion_tokens": 800}}
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
    "messages": lambda i: {"messages": talk()},
    "prompt-completion": lambda i: {"prompt": text(30), "completion": text(1000)},
    "input-ids": lambda i: {"input_ids": ids(860), "completion_mask": [0] * 60 + [1] * 800},
    "dpo": lambda i: {"prompt": text(30), "chosen": text(500), "rejected": text(500), "chosen_score": 1.5,
                      "rejected_score": -0.25},
    "alpaca": lambda i: {"instruction": text(30), "input": "", "output": text(1000)},
    "sharegpt": lambda i: {"conversations": [{"from": "human", "value": text(30)}, {"from": "gpt", "value": text(1000)}]},
    "human-eval": lambda i: {"task_id": "HumanEval/%d" % (i // 8), "completion": text(1000)},
    "evalplus": lambda i: {"date": "2026-11-28 00:48", "hash": "0" * 32, "eval": {"HumanEval/%d" % i: [
        {"task_id": "HumanEval/%d" % i, "solution": text(250), "base_status": "pass", "plus_status": "fail",
         "base_fail_tests": [], "plus_fail_tests": [[1.5, 2.5]]} for _ in range(4)]}},
    "openai": lambda i: answer({"message": {"role": "assistant", "content": text(1000)}, "logprobs": None}),
    "vllm": lambda i: answer({"text": text(1000), "token_ids": ids(800), "prompt_token_ids": ids(60), "logprobs": None}),
    "sglang": lambda i: {"text": text(1000), "output_ids": ids(800), "meta_info": {
        "id": "r%d" % i, "finish_reason": {"type": "stop", "matched": 2}, "prompt_tokens": 60, "completion_tokens": 800,
        "output_token_logprobs": [[x, t, None] for x, t in zip(logs(800), ids(800))]}},
    "llama-server": lambda i: {"index": 0, "content": text(1000), "tokens": ids(800), "id_slot": 0, "stop": True,
                               "model": "m", "tokens_predicted": 800, "tokens_evaluated": 60, "prompt": text(30),
                               "generation_settings": {"temperature": 0.8, "top_k": 40, "top_p": 0.95, "min_p": 0.05},
                               "stop_type": "eos", "stopping_word": ""},
    "verifiers": lambda i: {"id": "e%d" % i, "env": {"id": "own"}, "group": {"id": "g%d" % (i // 8)}, "ok": True, "errors": [],
                            "task": {"key": "7", "data": {"answer": "42"}}, "traces": [{
        "id": "t", "agent": {"name": "solver", "trainable": True}, "ok": True, "task": {"key": "7", "data": {"answer": "42"}},
        "nodes": [{"message": talk()[0], "sampled": False, "token_ids": ids(60), "mask": [False] * 60, "logprobs": []},
                  {"parent": 0, "message": talk()[1], "sampled": True, "token_ids": ids(800), "mask": [True] * 800,
                   "logprobs": logs(800)}],
        "calls": [{"node": 1, "sampling": {"temperature": 1.0}, "finish_reason": "stop"}],
        "rewards": {"right": {"score": 1.0, "weight": 1.0}}, "metrics": {"length": 12.0}}]},
    "nemo-rl": lambda i: {"content": [text(1000)], "rewards": [1.0], "input_lengths": [860], "token_ids": [ids(860)],
                          "token_loss_mask": [[0] * 60 + [1] * 800], "sample_loss_mask": [1.0],
                          "advantages": [[0.0] * 60 + [0.5] * 800], "generation_logprobs": [[0.0] * 60 + logs(800)],
                          "prev_logprobs": [[0.0] * 60 + logs(800)], "idx": i},
    "skyrl": lambda i: {"input_prompt": text(30), "output_response": text(1000), "score": 1.0, "stop_reason": "stop",
                        "env_class": "math", "env_extras": {"ground_truth": "2", "n": 1}, "data_source": "own"},
    "areal": lambda i: {"task_id": i // 8, "sample_idx": i % 8, "seqlen": 860, "prompt_len": 60, "head_version": 3,
                        "tail_version": 4, "reward": 1.0, "prompt": text(30), "completion": text(1000)},
    "slime": lambda i: {"group_index": i // 8, "index": i, "prompt": text(30), "tokens": ids(860), "response": text(1000),
                        "response_length": 800, "label": "2", "reward": 1.0, "loss_mask": None,
                        "rollout_log_probs": logs(800), "status": "completed", "metadata": {}},
    "distilabel": lambda i: {"instruction": text(30), "generation": text(1000), "model_name": "own",
                             "distilabel_metadata": {"statistics_text_generation_0": {"input_tokens": 60}}},
    "atif": lambda i: {"schema_version": "ATIF-v1.4", "session_id": "s%d" % i, "agent": {"name": "own", "version": "1"},
                       "steps": [{"step_id": 1, "source": "user", "message": text(30)},
                                 {"step_id": 2, "source": "agent", "message": text(1000), "metrics": {
                                     "prompt_token_ids": ids(60), "completion_token_ids": ids(800), "logprobs": logs(800)}}]},
    "text": lambda i: {"text": text(1000)},
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

# Every format that is read
for k in ${KINDS:-$(traj-convert --formats | awk -F'\t' '$2 ~ /from/ { print $1 }')}; do
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
