#!/bin/bash
# run.sh MODEL.gguf|FOLDER [DIR] - a model that runs on a laptop is measured, taken through one iteration
# of the loop on small sums, and is a GGUF again. Run again, it goes on where it was stopped. See
# README.md for the environment.
set -euo pipefail

[ $# -ge 1 ] || {
	sed -n '2,4s/^# //p' "$0" >&2
	exit 2
}
model=$(realpath "$1") dir=${2:-smollm2}
seed=${SEED:-1} steps=${STEPS:-10} train=${TRAIN:-200} held=${HELD_OUT:-40} samples=${SAMPLES:-4}
groups=${GROUPS_A_STEP:-8} size=${GROUP_SIZE:-8} max_new=${MAX_NEW:-24} type=${TYPE:-q8_0}
read -ra threads <<<"${THREADS:+-j $THREADS}"
# shellcheck source=examples/smollm2/common.bash
. "$(dirname "$(readlink -f "$0")")/common.bash"

# sums SPLIT COUNT: asked as messages where the model has a chat template; the last number counts
sums() {
	local chat=false
	[ ! -e "$policy/chat_template.jinja" ] && ! grep -qs '"chat_template"' "$policy/tokenizer_config.json" ||
		chat=true
	task-gen -q -s "$seed" -n "$2" --split "$1" --min-numbers 2 --max-numbers 2 --max-value 20 arithmetic |
		jq -c --argjson chat $chat '{id, answer, verifier: "number"} + if $chat then
			{messages: [{role: "user", content: "\(.prompt | rtrimstr("=")) = ? Answer with the number."}]}
		else {prompt} end'
}
make train.jsonl sums train "$train"
make test.jsonl sums test "$held"
make greedy.traj policy-eval -p "$policy" -t test.jsonl --greedy --max-new "$max_new" \
	${threads[@]+"${threads[@]}"}

rloop -p "$policy" -t train.jsonl -e test.jsonl -d run -i 1 -n "$steps" -s "$seed" -k "1,$samples" \
	-N "$samples" ${threads[@]+"${threads[@]}"} \
	--explore-opts "--groups $groups --group-size $size --max-new $max_new --lr 2e-6 --warmup 2 \
${EXPLORE_OPTS:-}" \
	--filter-opts "${FILTER_OPTS:---copies 1 --per-task 4}" \
	--tune-opts "--lr 1e-5 --warmup 2 --batch 32 --epochs 1 ${TUNE_OPTS:-}" \
	--eval-opts "--max-new $max_new" >rloop.tsv
column -t -s '	' rloop.tsv

tuned=tuned-$type.gguf
[ -e "$tuned" ] || policy-convert run/iter-1/policy -o "$tuned" --type "$type"
echo "llama-server -m $PWD/$tuned, or: ollama create tuned -f - <<<'FROM $PWD/$tuned'"
