#!/bin/bash
# run.sh [POLICY [PROBLEMS.jsonl]] - without a policy, judges responses.jsonl; with one, has it
# complete the problems (HumanEval.jsonl, or the three here) and prints pass@k. SAMPLES, WORKERS,
# EVAL_OPTS come from the environment, and sandbox.sh's WALL, CPU, MEMORY and PROCESSES.
set -euo pipefail

here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
PATH=$PATH:$here/../../build/bin:$here/../../../../../bin # of the tree, of the prefix
judge=${VERIFIER:-code}
deadline=${CPU:-4}
if [ "$judge" = judge.py ]; then
	judge="cmd:python3 '$here/judge.py'"
	# For the first answer the sandbox is tried and then used, each WALL seconds and one at most: what
	# is too slow is to be the sandbox's "timeout" with reward 0, never a verdict that failed.
	deadline=$((3 * ${WALL:-5} + 30))
fi
problems=${2:-$here/problems.jsonl}

if [ $# -eq 0 ]; then
	jq -c '. + {prompt: ""}' "$here/responses.jsonl" | traj-cat --from-json |
		traj-score -q -t "$problems" --verifier "$judge" \
			--workers "${WORKERS:-2}" --deadline "$deadline" |
		traj-cat -c task,reward,verdict,extracted,what
	exit
fi
read -ra more <<<"${EVAL_OPTS:---temperature 0.8 --max-new 300}"
policy-eval -p "$1" -t "$problems" -n "${SAMPLES:-1}" --verifier "$judge" \
	--workers "${WORKERS:-2}" --deadline "$deadline" "${more[@]}" | pass-at-k
