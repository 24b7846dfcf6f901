#!/bin/bash
# run.sh [DIR] - RLoop, plain RL and their controls on generated problems, several seeds, in and out
# of distribution: tasks, a policy pre-trained on demonstrations, pipelines/compare, a report. Run
# again, it goes on where it was stopped. See README.md for the environment.
set -euo pipefail

dir=${1:-paper}
kind=${KIND:-countdown} seeds=${SEEDS:-5} iterations=${ITERATIONS:-6} steps=${STEPS:-50}
tasks=${TASKS:-1000} held=${HELD_OUT:-512} samples=${SAMPLES:-32}
groups=${GROUPS_A_STEP:-24} size=${GROUP_SIZE:-16} max_new=${MAX_NEW:-40} ks=${KS:-1,4,8,16,32}
sets=${SETS:-test ood ood-large ood-five}
temperatures=${TEMPERATURES-1,.7,.5,.35,.25} # of final policies; empty: only the one that they are trained at
read -ra shape <<<"${SHAPE:---layers 3 --hidden 96 --heads 4 --ffn 256}"
read -ra easy <<<"${TASK_OPTS:-}"
# Demonstrations such that RL has something to start from and something left to learn
case $kind in
subset) demos=${DEMOS:-100000} batch=128 ;;
path) demos=${DEMOS:-12000} batch=64 ;;
*) demos=${DEMOS:-300000} batch=128 ;;
esac
read -ra pretrain <<<"${PRETRAIN:---epochs 1 --batch $batch --lr 2e-3 --warmup 50 --weight-decay 0.01}"
# Tuned variants are tuned on the kind, as is the rival, plain RL with the advantage that is best there.
# CONTROLS=1: what the doubts of README.md are answered with, too; those matter less, and have fewer seeds
case $kind in
path)
	all='vanilla-lr1e-4 maxrl-lr1e-4 hindsight-lr1e-4 no-hindsight-lr2e-4'
	controls='vanilla:2 rloop:2 rloop-path vanilla-lr2e-4:2 average-path:2 maxrl-hindsight-lr1e-4:2 no-rl:2'
	;;
subset)
	all='vanilla-lr1e-4 maxrl-lr5e-5 hindsight-lr5e-5 no-hindsight-lr1e-4'
	controls='vanilla:2 rloop:2 rloop-subset average-subset:2 maxrl-hindsight-lr5e-5:2 no-rl:2'
	;;
*)
	all='vanilla-lr3e-5 pass-at-k-lr3e-5 hindsight-lr3e-5 no-hindsight-lr3e-5'
	controls='vanilla:2 rloop:2 rloop-tuned average-tuned:2 maxrl-hindsight-lr3e-5:2 no-rl:2 no-hard-filter:2 no-duplicates:2 from-rl:2'
	;;
esac
read -ra rivals <<<"$all"
references=${rivals[0]},${rivals[1]}
[ -z "${CONTROLS:-}" ] || all+=" $controls"
read -ra variants <<<"${VARIANTS:-$all}"
[ -z "${VARIANTS:-}" ] || references=${variants[0]%%:*}
references=${REFERENCES:-$references}
read -ra more <<<"${MORE:-}"
read -ra compute <<<"${COMPUTE:+--compute $COMPUTE}"
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

IFS=, read -ra list <<<"$seeds"
[[ $seeds == *,* ]] || mapfile -t list < <(seq "$seeds")
for s in "${list[@]}"; do
	make "train-$s.jsonl" task-gen -n "$tasks" -s "$s" ${easy[@]+"${easy[@]}"} "$kind"
done
# held SET SPLIT NUMBER OPTION ...: problems to evaluate on, if SETS names them
held_out=()
held() {
	[[ " $sets " == *" $1 "* ]] || return 0
	make "$1.jsonl" task-gen -n "$3" -s 1 --split "$2" "${@:4}" "$kind"
	held_out+=(-e "$1=$1.jsonl")
}
held test test "$held" ${easy[@]+"${easy[@]}"}
held valid valid "$held" ${easy[@]+"${easy[@]}"}
# Of the same split, those behind the ones that variants are chosen on
if [ -n "$temperatures" ]; then
	make valid-more.jsonl task-gen -n $((held + held / 2)) -s 1 --split valid ${easy[@]+"${easy[@]}"} "$kind"
	make degrees.jsonl tail -n "+$((held + 1))" valid-more.jsonl
	more+=(--validation degrees.jsonl --temperatures "$temperatures")
fi
if [ "$kind" = countdown ]; then
	ALPHABET=${ALPHABET:-0123456789+-*/()=: }
	held ood-large ood $((held / 2)) --min-numbers 4 --max-numbers 4 --max-value 15 --min-large 2
	held ood-five ood $((held / 2)) --min-numbers 5 --max-numbers 5 --max-value 9
else
	held ood ood $((held / 2))
fi
make demos.traj task-gen -n "$demos" -s 1 --demos ${easy[@]+"${easy[@]}"} "$kind"
[ -d init ] || policy-init -o init -s 1 "${shape[@]}" --max-len "${MAX_LEN:-128}" \
	${ALPHABET:+--alphabet "$ALPHABET"}
jobs=${JOBS:-$(nproc)}
[ -d base ] || rft-tune -j "$jobs" -p init -o base -s 1 "${pretrain[@]}" ${compute[@]+"${compute[@]}"} demos.traj

compare -p base -t 'train-{seed}.jsonl' "${held_out[@]}" -d runs -S "$seeds" -i "$iterations" \
	-n "$steps" -N "$samples" -k "$ks" -J "$jobs" -r "$references" \
	--explore-opts "--lr 3e-4 --groups $groups --group-size $size --max-new $max_new \
--weight-decay 0 --warmup 5 --rounds 3${compute[*]:+ ${compute[*]}}" \
	--tune-opts "--lr 3e-4 --warmup 10 --batch 64 --epochs 2${compute[*]:+ ${compute[*]}}" \
	--eval-opts "--max-new $max_new${compute[*]:+ ${compute[*]}}" ${more[@]+"${more[@]}"} \
	"${variants[@]}"
echo "$SECONDS seconds, $(date -u +%F)" >>wall-time
echo "report: $PWD/runs/report.html"
