#!/bin/bash
# man-env.sh DIR [tasks|base|run|eval ...] - prepares the scratch folder that the EXAMPLES of the
# manual pages and the tests run in: train.jsonl, test.jsonl, base/, run.traj, eval.traj. What is
# there already stays; several may call this at once.
set -euo pipefail

dir=$1
shift
[ $# -gt 0 ] || set -- tasks base run eval
here=$(cd "$(dirname "$0")" && pwd)
PATH=${BIN:-$here/../build/bin}:$PATH
mkdir -p "$dir"
cd "$dir"
exec 9>.lock
flock 9

make_tasks() {
	[ -e test.jsonl ] && return
	task-gen -q -n 40 -s 1 countdown >train.part
	task-gen -q -n 12 -s 1 --split test countdown >test.part
	mv train.part train.jsonl
	mv test.part test.jsonl
}

make_base() {
	[ -d base ] || policy-init -q -o base --layers 2 --hidden 32 --ffn 64 -s 1
}

make_run() {
	make_tasks
	make_base
	[ -e run.traj ] && return
	rl-explore -q -p base -t train.jsonl -n 2 -s 1 >run.part
	mv run.part run.traj
}

make_eval() {
	make_tasks
	make_base
	[ -e eval.traj ] && return
	policy-eval -q -p base -t test.jsonl -n 4 -s 1 >eval.part
	mv eval.part eval.traj
}

for what; do
	"make_$what"
done
