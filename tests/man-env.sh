#!/bin/bash
# man-env.sh DIR [tasks|base|run|eval|cut|server ...] - prepares the scratch folder that the EXAMPLES of
# the manual pages and the tests run in: train.jsonl, test.jsonl, base/, run.traj, rollouts.jsonl,
# which verl might have written of it, wrong.traj, its wrong ones with hindsight, eval.traj, list.tsv and
# degrees.tsv, which name it, and toy-server; cut.traj, drawn with top-k, when it is asked for. What is
# there already stays; several may call this at once.
set -euo pipefail

dir=$1
shift
[ $# -gt 0 ] || set -- tasks base run eval server
here=$(cd "$(dirname "$0")" && pwd)
PATH=${BIN:-$here/../build/bin}:$PATH
mkdir -p "$dir"
cd "$dir"
exec 9>.lock
flock 9

# Countdown with two or three numbers: what a policy of 20,000 weights learns in seconds
easy=(--min-numbers 2 --max-numbers 3 --max-value 9 --min-target 1)

make_tasks() {
	[ -e test.jsonl ] && return
	task-gen -q -n 40 -s 1 "${easy[@]}" countdown >train.part
	task-gen -q -n 12 -s 1 "${easy[@]}" --split test countdown >test.part
	mv train.part train.jsonl
	mv test.part test.jsonl
}

# It solves about a third of them: some responses are right and some are wrong
make_base() {
	[ -d base ] && return
	rm -rf init.part
	policy-init -q -o init.part --layers 2 --hidden 32 --ffn 64 --max-len 48 -s 1 \
		--alphabet '0123456789+-*/()=: '
	task-gen -q -n 3000 "${easy[@]}" --demos countdown |
		rft-tune -q -p init.part -o base --steps 400 --batch 64 --lr 5e-3
	rm -rf init.part
}

make_run() {
	make_tasks
	make_base
	[ -e run.traj ] && return
	rl-explore -q -p base -t train.jsonl -n 3 --groups 8 --group-size 8 --lr 1e-3 >run.part
	traj-convert -q --to verl --keep run.part >rollouts.jsonl
	traj-score -q --hindsight run.part | traj-filter -q --max-reward 0 >wrong.traj
	mv run.part run.traj
}

make_eval() {
	make_tasks
	make_base
	[ -e eval.traj ] && return
	policy-eval -q -p base -t test.jsonl -n 8 >eval.part
	printf 'set\tvariant\tseed\tstep\tfile\ntest\tbase\t1\t0\teval.traj\n' >list.tsv
	{
		printf 'set\tvariant\tseed\ttemperature\tfile\n'
		printf '%s\t%s\t1\t%s\teval.traj\n' test a 1 test a 0.5 test b 1 valid a 1 valid b 1
	} >degrees.tsv
	mv eval.part eval.traj
}

# It says what each token was drawn from
make_cut() {
	make_tasks
	make_base
	[ -e cut.traj ] && return
	policy-eval -q -p base -t test.jsonl -n 4 --top-k 4 --top-p 0.9 >cut.part
	mv cut.part cut.traj
}

# A server for policy-ask(1)
make_server() {
	printf '#!/bin/sh\nexec /usr/bin/python3 "%s/cli/server.py" . "$@"\n' "$here" >server.part
	chmod +x server.part
	mv server.part toy-server
}

for what; do
	"make_$what"
done
