#!/bin/bash
# run.sh RUN [DIR] - the curves of a run, also of one that goes on: DIR/training.csv, DIR/evaluations.csv, and
# DIR/tensorboard, a folder for tensorboard --logdir. See README.md.
set -euo pipefail

[ $# -ge 1 ] || {
	sed -n '2,3s/^# //p' "$0" >&2
	exit 2
}
run=$1 dir=${2:-curves}
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
# Pipelines and tools of the tree or of the prefix that this script is in
PATH=$here/../../pipelines:$here/../../../../../libexec/rloop:$PATH:$here/../../build/bin:$here/../../../../../bin
export LC_ALL=C.UTF-8 # numbers with a point
mkdir -p "$dir"

logs=()
for log in "$run"/explore.log{,.part} "$run"/iter-{1..999}/explore.log{,.part}; do
	[ ! -s "$log" ] || logs+=("$log")
done
[ ${#logs[@]} -gt 0 ] || { echo "run.sh: $run: no explore.log: not the folder of a run, or before its first step" >&2 && exit 3; }
columns=${COLUMNS_OF_LOGS:-reward,entropy,grad_norm,kl_old,clip_fraction,length,truncated,lr}
log-stat -q -c "$columns" --table steps "${logs[@]}" | rloop table --to csv >"$dir/training.csv"
log-stat -q -c "$columns" "${logs[@]}" | python3 "$here/tensorboard.py" "$dir/tensorboard/training"
[ ! -s "$run/summary.tsv" ] || {
	rloop table --to csv "$run/summary.tsv" >"$dir/evaluations.csv"
	sed '1s/rl_steps/step/' "$run/summary.tsv" | python3 "$here/tensorboard.py" "$dir/tensorboard/evaluations"
}
echo "tensorboard --logdir $dir/tensorboard"
