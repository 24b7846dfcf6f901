#!/bin/bash
# run.sh [DIR] - RLoop, plain RL and their controls on generated problems, several seeds, in and out
# of distribution: tasks, a policy pre-trained on demonstrations, pipelines/compare, a report. Run
# again, it goes on where it was stopped. See README.md for the environment.
set -euo pipefail

dir=${1:-paper}
kind=${KIND:-countdown} seeds=${SEEDS:-5} iterations=${ITERATIONS:-6} steps=${STEPS:-50}
tasks=${TASKS:-1000} held=${HELD_OUT:-512} demos=${DEMOS:-150000} samples=${SAMPLES:-32}
groups=${GROUPS_A_STEP:-24} size=${GROUP_SIZE:-16} max_new=${MAX_NEW:-40} ks=${KS:-1,4,8,16,32}
read -ra shape <<<"${SHAPE:---layers 3 --hidden 96 --heads 4 --ffn 256}"
read -ra easy <<<"${TASK_OPTS:-}"
read -ra pretrain <<<"${PRETRAIN:---epochs 1 --batch 128 --lr 2e-3 --warmup 50 --weight-decay 0.01}"
read -ra variants <<<"${VARIANTS:-}"
read -ra more <<<"${MORE:-}"
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
for p in "$here/../../pipelines" "$here/../../../../libexec/rloop"; do
	[ ! -d "$p" ] || PATH=$p:$PATH
done
mkdir -p "$dir"
cd "$dir"

# make FILE COMMAND ...: the command's standard output becomes FILE, once
make() {
	local file=$1
	shift
	[ -e "$file" ] || { "$@" >"$file.part" && mv "$file.part" "$file"; }
}

IFS=, read -ra list <<<"$seeds"
[[ $seeds == *,* ]] || mapfile -t list < <(seq "$seeds")
for s in "${list[@]}"; do
	make "train-$s.jsonl" task-gen -n "$tasks" -s "$s" ${easy[@]+"${easy[@]}"} "$kind"
done
make test.jsonl task-gen -n "$held" -s 1 --split test ${easy[@]+"${easy[@]}"} "$kind"
make valid.jsonl task-gen -n $((held / 2)) -s 1 --split valid ${easy[@]+"${easy[@]}"} "$kind"
held_out=(-e test=test.jsonl -e valid=valid.jsonl)
# ood SET OPTION ...: problems unlike those that are trained on
ood() {
	make "$1.jsonl" task-gen -n $((held / 2)) -s 1 --split ood "${@:2}" "$kind"
	held_out+=(-e "$1=$1.jsonl")
}
if [ "$kind" = countdown ]; then
	ALPHABET=${ALPHABET:-0123456789+-*/()=: }
	ood ood-large --min-numbers 4 --max-numbers 4 --max-value 15 --min-large 2
	ood ood-five --min-numbers 5 --max-numbers 5 --max-value 9
else
	ood ood
fi
make demos.traj task-gen -n "$demos" -s 1 --demos ${easy[@]+"${easy[@]}"} "$kind"
[ -d init ] || policy-init -o init -s 1 "${shape[@]}" --max-len "${MAX_LEN:-128}" \
	${ALPHABET:+--alphabet "$ALPHABET"}
[ -d base ] || rft-tune -p init -o base -s 1 "${pretrain[@]}" demos.traj

compare -p base -t 'train-{seed}.jsonl' "${held_out[@]}" -d runs -S "$seeds" -i "$iterations" \
	-n "$steps" -N "$samples" -k "$ks" \
	--explore-opts "--lr 3e-4 --groups $groups --group-size $size --max-new $max_new \
--weight-decay 0 --warmup 5 --rounds 3" \
	--tune-opts '--lr 3e-4 --warmup 10 --batch 64 --epochs 2' \
	--eval-opts "--max-new $max_new" ${more[@]+"${more[@]}"} \
	${variants[@]+"${variants[@]}"}
echo "report: $PWD/runs/report.html"
