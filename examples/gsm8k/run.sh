#!/bin/bash
# run.sh POLICY TRAIN.jsonl TEST.jsonl [DIR] - RLoop on GSM8K, from a checkpoint: problems that ask
# for "#### N", greedy accuracy, then the loop, a table. Run again, it goes on where it was stopped.
# See README.md for the environment.
set -euo pipefail

[ $# -ge 3 ] || {
	sed -n '2,4s/^# //p' "$0" >&2
	exit 2
}
policy=$(realpath "$1") train=$(realpath "$2") test=$(realpath "$3") dir=${4:-gsm8k}
seed=${SEED:-1} iterations=${ITERATIONS:-3} steps=${STEPS:-30} samples=${SAMPLES:-8} ks=${KS:-1,4,8}
held=${HELD_OUT:-200} groups=${GROUPS_A_STEP:-16} size=${GROUP_SIZE:-8} max_new=${MAX_NEW:-320}
read -ra threads <<<"${THREADS:+-j $THREADS}"
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
# Pipelines and tools of the tree or of the prefix that this script is in
PATH=$here/../../pipelines:$here/../../../../../libexec/rloop:$PATH:$here/../../build/bin:$here/../../../../../bin
mkdir -p "$dir"
cd "$dir"

# make FILE COMMAND ...: the command's standard output becomes FILE, once
make() {
	local file=$1
	shift
	[ -e "$file" ] || { "$@" >"$file.part" && mv "$file.part" "$file"; }
}

# tasks SET FILE: the rows of GSM8K, asked as messages (chat) or as text that is to be continued
# (plain). "answer" stays the worked solution: the verifier gsm8k takes the number behind #### of it
tasks() {
	jq -c --arg set "$1" --arg style "$style" '
		"Solve the problem step by step. End with a line that holds only #### and the number."
			as $how |
		{id: "\($set):\(input_line_number)", verifier: "gsm8k", answer} +
		if $style == "chat" then
			{messages: [{role: "user", content: "\(.question)\n\($how)"}]}
		else
			{prompt: "\($how)\n\nProblem: \(.question)\nSolution:"}
		end' "$2"
}

# A checkpoint that was taught to chat has a template, here or in tokenizer_config.json
has_template() {
	[ -e "$policy/chat_template.jinja" ] || grep -qs '"chat_template"' "$policy/tokenizer_config.json"
}
style=${STYLE:-}
[ -n "$style" ] || style=$(has_template && echo chat || echo plain)

# LORA=R: adapters are trained, not the weights, which bears and wants a higher learning rate
lora='' lr=2e-6 tune_lr=1e-5
[ -z "${LORA:-}" ] || lora="--lora $LORA" lr=5e-5 tune_lr=1e-4

make train.jsonl tasks train "$train"
make test-all.jsonl tasks test "$test"
make test.jsonl head -n "$held" test-all.jsonl

policy-init --info "$policy" >policy.txt
make greedy.traj policy-eval -p "$policy" -t test.jsonl --greedy --max-new "$max_new" \
	${threads[@]+"${threads[@]}"}
pass-at-k -k 1 greedy.traj >greedy.tsv

read -ra more <<<"${MORE:-}"
rloop -p "$policy" -t train.jsonl -e test.jsonl -d run -i "$iterations" -n "$steps" -s "$seed" \
	-N "$samples" -k "$ks" ${threads[@]+"${threads[@]}"} \
	--explore-opts "--groups $groups --group-size $size --max-new $max_new --warmup 3 \
${EXPLORE_OPTS:---lr $lr --rounds 3 --recompute --overlong-buffer 64} $lora" \
	--filter-opts "${FILTER_OPTS:---max-rate 0.8 --copies 1 --per-task 4}" \
	--tune-opts "${TUNE_OPTS:---lr $tune_lr --warmup 5 --batch 64 --epochs 2 --recompute} $lora" \
	--eval-opts "--max-new $max_new" ${more[@]+"${more[@]}"} >rloop.tsv
column -t -s '	' rloop.tsv
