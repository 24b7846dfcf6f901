#!/bin/bash
# run.sh [DIR] - RLoop against plain RL on Countdown, from nothing: tasks, a policy pre-trained on
# demonstrations, both ways of learning with equal RL steps, held-out tasks, a table, a picture.
# Run again, it goes on where it was stopped. SEED, ITERATIONS, STEPS and LR, the
# learning rate of RL, come from the environment.
set -euo pipefail

dir=${1:-demo}
seed=${SEED:-1} iterations=${ITERATIONS:-4} steps=${STEPS:-50} lr=${LR:-5e-5}
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

make train.jsonl task-gen -n 1000 -s "$seed" countdown
make test.jsonl task-gen -n 512 -s "$seed" --split test countdown
make demos.traj task-gen -n 150000 -s "$seed" --demos countdown
[ -d init ] || policy-init -o init -s "$seed" --alphabet '0123456789+-*/()=: ' --max-len 64
[ -d base ] || rft-tune -p init -o base -s "$seed" --epochs 1 --batch 128 --lr 2e-3 --warmup 50 \
	--weight-decay 0.01 demos.traj

common=(-p base -t train.jsonl -e test.jsonl -i "$iterations" -n "$steps" -s "$seed" -k "1,4,8,16,32")
rl="--lr $lr --groups 24 --group-size 16 --max-new 20 --weight-decay 0 --warmup 5 --rounds 3"
vanilla "${common[@]}" -d vanilla --explore-opts "$rl" >vanilla.tsv
rloop "${common[@]}" -d rloop --eval-rl --explore-opts "$rl" \
	--tune-opts '--lr 3e-4 --warmup 10 --batch 64 --epochs 2' >rloop.tsv

# The last row of each run, and the policy that both began with
{
	echo "policy	$(head -n 1 rloop.tsv | cut -f 2,6-)"
	echo "base	$(sed -n 2p rloop.tsv | cut -f 2,6-)"
	echo "vanilla	$(tail -n 1 vanilla.tsv | cut -f 2,6-)"
	echo "rloop	$(tail -n 1 rloop.tsv | cut -f 2,6-)"
} >table.tsv
plot --text -o picture.png rloop vanilla
column -t -s '	' table.tsv
echo "picture: $PWD/picture.png"
