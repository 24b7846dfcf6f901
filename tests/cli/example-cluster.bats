# examples/cluster as Slurm would run it, and as it is run by a Slurm of one node, where that is installed
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	fixture tasks base
	export RLOOP=$root/pipelines SLURM_JOB_ID=77 SLURM_ARRAY_TASK_ID=3 SLURM_CPUS_PER_TASK=1
	mkdir bin
	printf '#!/bin/sh\necho "$*" >>%s/asked\n' "$PWD" >bin/scontrol
	# Runs its arguments; but the first time that there is a folder "told", waits to be stopped
	cat >bin/gate <<-'END'
		#!/bin/sh
		if [ -d told ] && ! [ -e told/started ]; then
			touch told/started
			exec sleep 600
		fi
		exec "$@"
	END
	chmod +x bin/*
	PATH=$PWD/bin:$PATH
	export EXPLORE='gate rl-explore'
	job=("$root/examples/cluster/rloop.sbatch" -p "$FIX/base" -t "$FIX/train.jsonl"
		-e "$FIX/test.jsonl" -i 1 -n 2 -N 2 -k 1,2
		--explore-opts '--groups 2 --group-size 4 --max-new 8 --keep-equal')
}

@test "a job that is told to stop is queued again and goes on" {
	status_is 0 "${job[@]}" -d whole
	[ ! -e asked ]
	mkdir told
	"${job[@]}" --dir runs >first.out 2>&1 &
	until [ -e told/started ]; do sleep 0.05; done
	kill -TERM $!
	wait $!
	[ "$(cat asked)" = "requeue 77" ]
	not test -e runs/seed-3/iter-1/policy
	status_is 0 "${job[@]}" --dir runs
	# heads differ by the folder's name
	cmp <(traj-cat whole/seed-3/iter-1/explore.traj) <(traj-cat runs/seed-3/iter-1/explore.traj)
	cmp whole/seed-3/summary.tsv runs/seed-3/summary.tsv
}

@test "a job that fails is not queued again; -d is needed" {
	status_is 3 "${job[@]}" -d runs -p missing
	status_is 2 "${job[@]}" --dir=runs
	says "-d is needed, and its folder as a word of its own"
	[ ! -e asked ]
}

@test "a job that is told to stop before it has a folder is queued again" {
	# the first command of a run
	printf '#!/bin/sh\ntouch started\nuntil [ -e ended ]; do sleep 0.05; done\n' >bin/realpath
	chmod +x bin/realpath
	"${job[@]}" -d runs >first.out 2>&1 &
	until [ -e started ]; do sleep 0.05; done
	kill -TERM $!
	status=0
	wait $! || status=$?
	touch ended
	[ "$status" -eq 0 ]
	[ "$(cat asked)" = "requeue 77" ]
}

@test "an evaluation's array is that of all its parts" {
	eval=("$root/examples/cluster/eval.sbatch" parts -q -p "$FIX/base" -t "$FIX/test.jsonl" -n 2)
	export SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=3 SLURM_ARRAY_TASK_COUNT=3
	status_is 0 "${eval[@]}"
	cmp parts/part-0003.traj <(policy-eval "${eval[@]:2}" --shard 3/3 --stream /dev/stdout)
	# the part that failed once more, as 3 of 3 where it was 3 of 8
	SLURM_ARRAY_TASK_MIN=3 SLURM_ARRAY_TASK_COUNT=1 status_is 2 "${eval[@]}"
	says "eval.sbatch: the array must be 1-N"
}

@test "shards by GNU parallel are the records of one process; what is there is not made again" {
	need_tool parallel
	eval=(-q -p "$FIX/base" -t "$FIX/test.jsonl" -n 4 --prompt-template "{prompt}")
	policy-eval "${eval[@]}" >whole.traj
	JOBS=2 status_is 0 "$root/examples/cluster/shards.sh" 3 "the parts" "${eval[@]}"
	cmp <(traj-cat whole.traj) <(cat "the parts"/part-*.traj | traj-cat)
	rm "the parts/part-2.traj"
	touch -d 2020-01-01 "the parts"/*
	JOBS=2 status_is 0 "$root/examples/cluster/shards.sh" 3 "the parts" "${eval[@]}"
	cmp <(traj-cat whole.traj) <(cat "the parts"/part-*.traj | traj-cat)
	[ "$(find "the parts" -newermt 2021-01-01 -name '*.traj')" = "the parts/part-2.traj" ]
	not env JOBS=2 "$root/examples/cluster/shards.sh" 3 none -q -p none -t "$FIX/test.jsonl" 2>said
	[ -z "$(find none -name '*.traj')" ]
	status_is 2 "$root/examples/cluster/shards.sh"
	says "one evaluation in N parts"
}

# fake_slurm: what served.sbatch asks of it, on this machine: srun runs the command
fake_slurm() {
	printf '#!/bin/sh\nwhile [ "${1#--}" != "$1" ]; do shift; done\nexec "$@"\n' >bin/srun
	printf '#!/bin/sh\n[ "$2" != hostnames ] || echo 127.0.0.1\n' >bin/scontrol
	# a server that adds, whatever the policy; where it listens is known when it does
	cat >bin/adder <<-END
		#!/bin/sh
		echo "\$1" >>served
		exec /usr/bin/python3 "$root/tests/cli/server.py" . --kind openai --port "\$3"
	END
	chmod +x bin/*
	export SLURM_JOB_NODELIST_HET_GROUP_0=here SLURM_CPUS_PER_TASK_HET_GROUP_0=1 \
		SLURM_CPUS_PER_TASK_HET_GROUP_1=1 SERVER="$PWD/bin/adder" PROBLEMS=3 SAMPLES=4 PORT=$((20000 + RANDOM % 20000))
}

@test "a server samples and rl-update learns, step by step; what was stopped goes on" {
	need_tool curl
	fake_slurm
	# what the server says has bytes beyond ASCII
	python3 - "$root/tests/data/golden/qwen2/tokenizer.json" >bytes.json <<-'END'
		import json, sys
		t = json.load(open(sys.argv[1]))
		plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
		t["model"]["vocab"] = {chr(c): i for i, c in enumerate([*plain, *range(256, 256 + 256 - len(plain))])}
		t["model"]["merges"] = []
		for i, token in enumerate(t["added_tokens"]):
		    token["id"] = 256 + i
		json.dump(t, sys.stdout)
	END
	policy-init -q -o bytes --layers 1 --hidden 16 --heads 2 --ffn 32 --max-len 96 --tokenizer bytes.json
	for n in 1 2 3 4 5; do
		printf '{"id":"%d","prompt":"%d + 2 =","answer":"%d","verifier":"number"}\n' $n $n $((n + 2))
	done >sums.jsonl
	job=("$root/examples/cluster/served.sbatch" bytes sums.jsonl)
	status_is 0 "${job[@]}" whole 3 --lr 1e-3 --keep-equal
	[ "$(paste -sd ' ' served)" = "whole/step-0 whole/step-1 whole/step-2" ]
	[ "$(traj-cat whole/step-2.traj | jq -r .task | sort -u | paste -sd ' ')" = "1 4 5" ]
	not cmp -s whole/step-2/model.safetensors whole/step-3/model.safetensors
	# stopped when it had learned, when it had sampled, and before
	cp -r whole before
	rm -r whole/step-3
	status_is 0 "${job[@]}" whole 3 --lr 1e-3 --keep-equal
	[ "$(wc -l <served)" = 3 ]
	cmp before/step-3/model.safetensors whole/step-3/model.safetensors
	status_is 0 "${job[@]}" whole 4 --lr 1e-3 --keep-equal
	[ "$(tail -n +4 served)" = whole/step-3 ]
	[ -d whole/step-4 ]
	status_is 2 "${job[@]}" other
	says "POLICY TASKS RUN STEPS are needed"
}
