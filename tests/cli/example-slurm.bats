# examples/slurm/rloop.sbatch as Slurm would run it: told that its time is over, queued again
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
	job=("$root/examples/slurm/rloop.sbatch" -p "$FIX/base" -t "$FIX/train.jsonl"
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
