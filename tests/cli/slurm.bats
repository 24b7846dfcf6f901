# slurm.bats - ranks, arrays and requeued jobs under a Slurm of this machine, where it is installed.
load helpers

setup_file() {
	# shellcheck source=tests/slurm.bash
	. "$root/tests/slurm.bash"
	no_slurm=$(why_no_slurm | head -n 1)
	export no_slurm
	[ -z "$no_slurm" ] || return 0
	slurm_up "$BATS_FILE_TMPDIR/slurm" 2 || {
		cat "$BATS_FILE_TMPDIR"/slurm/log/*
		return 1
	}
}

teardown_file() {
	. "$root/tests/slurm.bash"
	slurm_down "$BATS_FILE_TMPDIR/slurm"
}

setup() {
	[ -z "$no_slurm" ] || skip "$no_slurm" # what skips in setup_file fails in teardown_file
	cd "$BATS_TEST_TMPDIR"
	fixture tasks base
	need_ranks
	export RLOOP=$root/pipelines
}

# job OPTION ... SCRIPT ARGUMENT ...: sbatch, until it has ended; what it says is in the file said
job() {
	sbatch --wait --parsable --mem=0 --time=10 --cpus-per-task=1 -o "$PWD/said" "$@"
}

@test "srun --mpi=pmix: ranks write the bytes of one process" {
	rl=(rl-explore -q -p "$FIX/base" -t "$FIX/train.jsonl" -n 3 --groups 4 --group-size 4 --rounds 1 --max-new 12
		--lr 1e-3 --lanes 3)
	status_is 0 "${rl[@]}" --stream one.traj -o one
	status_is 0 timeout 120 srun --mpi=pmix -n 2 "${rl[@]}" --stream two.traj -o two
	cmp one.traj two.traj
	cmp one/model.safetensors two/model.safetensors
	status_is 0 timeout 120 srun --mpi=pmix --overcommit -n 3 policy-eval -q -p "$FIX/base" -t "$FIX/test.jsonl" -n 4 \
		--stream three.traj
	policy-eval -q -p "$FIX/base" -t "$FIX/test.jsonl" -n 4 --stream one.traj
	cmp one.traj three.traj
	status_is 2 timeout 120 srun -n 2 policy-eval -q -p "$FIX/base" -t "$FIX/test.jsonl" --stream two.traj
	says "--mpi=pmix"
}

@test "an array evaluates in parts, which make one stream" {
	policy-eval -q -p "$FIX/base" -t "$FIX/test.jsonl" -n 4 >whole.traj
	eval=("$root/examples/cluster/eval.sbatch" parts -q -p "$FIX/base" -t "$FIX/test.jsonl" -n 4)
	status_is 0 timeout 120 sbatch --wait --mem=0 --array=1-3 --cpus-per-task=1 -o "$PWD/said" "${eval[@]}"
	cmp <(traj-cat whole.traj) <(cat parts/part-*.traj | traj-cat)
	rm parts/part-0002.traj
	touch -d 2020-01-01 parts/*
	status_is 0 timeout 120 sbatch --wait --mem=0 --array=1-3 --cpus-per-task=1 -o "$PWD/said" "${eval[@]}"
	cmp <(traj-cat whole.traj) <(cat parts/part-*.traj | traj-cat)
	[ "$(find parts -newermt 2021-01-01 -name '*.traj')" = parts/part-0002.traj ]
	status_is 3 timeout 120 sbatch --wait --mem=0 --array=1-3 --cpus-per-task=1 -o "$PWD/said" \
		"$root/examples/cluster/eval.sbatch" other -q -p none -t "$FIX/test.jsonl"
	[ -z "$(find other -name '*.traj')" ]
}

# steps: how many the exploration has made
steps() {
	{ cat runs/seed-1/iter-1/explore.log* 2>/dev/null || true; } | wc -l
}

# state ID: of the job, as PENDING
state() {
	squeue -h -j "$1" -o %T
}

@test "a loop of two ranks that is told of its time limit is queued again, and ends with the files of one process" {
	opts=(-p "$FIX/base" -t "$FIX/train.jsonl" -e "$FIX/test.jsonl" -i 1 -n 24 -N 2 -k 1,2 --explore-opts
		'--groups 4 --group-size 8 --rounds 2 --max-new 24 --lr 1e-3 --lanes 2 --checkpoint-every 2')
	status_is 0 "$root/pipelines/rloop" "${opts[@]}" -d whole/seed-1 -s 1 -j 1
	id=$(sbatch --parsable --mem=0 --array=1 --ntasks-per-node=2 --cpus-per-task=1 -o "$PWD/said" \
		"$root/examples/cluster/rloop.sbatch" "${opts[@]}" -d runs)
	for _ in {1..3000}; do
		[ "$(steps)" -lt 4 ] || break
		sleep 0.02
	done
	[ "$(pgrep -f -c -- "--stream runs/seed-1/iter-1/")" -ge 2 ]
	scancel --signal=TERM --batch "$id" # as --signal=B:TERM does
	for _ in {1..1500}; do
		[ "$(state "$id")" != PENDING ] || break
		sleep 0.02
	done
	[ "$(state "$id")" = PENDING ]
	[ -d runs/seed-1/iter-1/explore.state ]
	[ "$(steps)" -lt 24 ]
	# it would wait for two minutes; slurmd takes no start in the second in which the job was ended
	scontrol update JobId="$id" StartTime=now+2seconds
	for _ in {1..1500}; do
		[ "$(sed -n 2p runs/seed-1/.lock)" != "done" ] || break
		sleep 0.1
	done
	[ "$(sed -n 2p runs/seed-1/.lock)" = "done" ] || { scontrol show job "$id" && tail -n 20 said && false; }
	grep -q "explore.state: going on after step" said
	grep -q "^srun --mpi=pmix" <(sed -n 's/^mpi //p' runs/seed-1/run.conf | tr -d "'")
	cmp <(traj-cat whole/seed-1/iter-1/explore.traj) <(traj-cat runs/seed-1/iter-1/explore.traj)
	cmp whole/seed-1/iter-1/policy/model.safetensors runs/seed-1/iter-1/policy/model.safetensors
	cmp whole/seed-1/summary.tsv runs/seed-1/summary.tsv
}
