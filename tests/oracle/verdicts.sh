#!/bin/bash
# verdicts.sh FOLDER: how many verdicts of published sets ours agree with, a row a set. FOLDER has
# gsm8k_verdicts_1000.jsonl, math_verify_half.jsonl, gsm8k_test_300.jsonl, math500.jsonl, aime24.jsonl.
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: verdicts.sh FOLDER" >&2; exit 2; }
dir=$1

# judge SET FILE VERIFIER FILTER: FILTER makes {answer, response, expected} of a row,
# and what the verifier wants in meta.
judge() {
	local rows right
	rows=$(jq -c "$4" "$dir/$2" | wc -l)
	right=$(jq -c --arg v "$3" "$4"' | {task: "\(input_line_number)", prompt: "", verifier: $v, answer,
			response, meta: .}' "$dir/$2" |
		traj-cat --from-json | traj-score -q | traj-cat -c reward,meta.expected |
		awk '$1 == $2' | wc -l)
	printf '%s\t%d\t%d\n' "$1" "$rows" "$right"
}

printf 'set\tverdicts\tequal\n'
judge 'GSM8K, published verdicts' gsm8k_verdicts_1000.jsonl gsm8k \
	'{answer: .gold, response: .prediction, expected}'
judge 'Math-Verify, half of its tests' math_verify_half.jsonl math \
	'select(.quirk | not) | {answer: .gold, response: .prediction, expected, precision}'
judge 'GSM8K, solutions' gsm8k_test_300.jsonl gsm8k '{answer: .answer, response: .answer, expected: 1}'
judge 'MATH-500, answers' math500.jsonl math '{answer, response: .answer, expected: 1}'
judge 'MATH-500, solutions' math500.jsonl math '{answer, response: .solution, expected: 1}'
judge 'AIME 2024, solutions' aime24.jsonl math '{answer: "\(.answer)", response: .solution, expected: 1}'
