# ranks.bats - a run of several processes under mpirun has the bytes of one; how it ends.
load helpers
load ranks

setup() {
	begin_ranks tasks base run
	cp -r "$FIX/base" "$FIX/train.jsonl" .
	jq -c 'del(.verifier)' train.jsonl >free.jsonl # for --verifier
}

@test "rl-explore: 1, 2, 3, 4 and 7 ranks of 1 and 2 threads: stream, policy, log, moments of one process" {
	local n j
	status_is 0 at one "${rl[@]}" --kl 0.01
	for n in 1 2 3 4 7; do
		for j in 1 2; do
			rm -rf "n$n"
			status_is 0 ranks $n "${rl[@]}" --kl 0.01 -j $j --batch $((n % 2 + 1))
			same one "n$n"
		done
	done
	[[ $stderr == *"warning: --lanes 3: 4 of 7 ranks"* ]]
}

@test "rl-explore --lanes: ranks change nothing, lanes the rounding; 1 is the default" {
	status_is 0 at plain "${rl[@]}"
	status_is 0 at default "${rl[@]/--lanes/--iter}" --iter 0
	status_is 0 at single "${rl[@]}" --lanes 1 --iter 0
	cmp default/out/model.safetensors single/out/model.safetensors
	not cmp -s plain/out/model.safetensors single/out/model.safetensors
	status_is 0 ranks 2 "${rl[@]}" --lanes 1 --iter 0
	cmp single/out/model.safetensors n2/out/model.safetensors
	status_is 2 at plain "${rl[@]}" --lanes 2
	says "begun with --lanes 3, not 2"
	status_is 2 rl-explore --lanes 0
}

@test "rl-explore: ranks with bf16, LoRA, muon and each advantage" {
	local a
	for a in "--compute bf16 --hindsight" "--lora 2" "--optimizer muon" "--advantage rloo --loss gspo" \
		"--advantage dr-grpo --aggregate seq-mean-token-mean" "--advantage reinforce++ --lanes 2"; do
		rm -rf one n3
		# shellcheck disable=SC2086 # words of options
		status_is 0 at one "${rl[@]}" $a
		# shellcheck disable=SC2086
		status_is 0 ranks 3 "${rl[@]}" $a
		same one n3
	done
}

@test "policy-eval: 1, 2, 3 and 4 ranks of 1 and 2 threads: the stream of one process" {
	local n j
	eval=(policy-eval -q -p ../base -t ../train.jsonl -n 3 --max-new 12)
	status_is 0 at one "${eval[@]}"
	cp "$BATS_TEST_TMPDIR/out" one.traj
	status_is 0 at one "${eval[@]}" --stream s.traj
	cmp one.traj one/s.traj
	[ -z "$output" ]
	for n in 1 2 3 4; do
		for j in 1 2; do
			status_is 0 ranks $n "${eval[@]}" -j $j --batch $((n + j)) --stream s.traj
			cmp one.traj "n$n/s.traj"
		done
	done
	status_is 2 at one "${eval[@]}" --stream ../train.jsonl
	says "same file"
}

@test "ranks: refused are standard output and input, other options, problems, weights" {
	status_is 2 ranks 2 policy-eval -p ../base -t ../train.jsonl
	says "ranks need --stream"
	one_message "policy-eval:"
	status_is 2 ranks 2 policy-eval -p ../base -t - --stream s.traj
	says "a file of problems"
	status_is 2 ranks 2 policy-score -p ../base ../run.traj
	says "ranks need --stream"
	for t in rft-tune rl-update; do
		status_is 2 ranks 2 $t -p ../base -o out -
		says "ranks need files to read"
	done
	e=(policy-eval -q -p base -t train.jsonl --stream s.traj)
	status_is 3 timeout 60 mpirun -np 1 "${e[@]}" : -np 1 "${e[@]}" -s 1
	says "rank 1 differs from rank 0: another tool, version or options"
	mkdir -p a b
	cp -r base train.jsonl a
	cp -r base b
	head -5 train.jsonl >b/train.jsonl
	status_is 3 timeout 60 mpirun -np 1 -wdir a "${e[@]}" : -np 1 -wdir b "${e[@]}"
	says "rank 1 differs from rank 0: the problems"
	cp train.jsonl b
	rl-explore -q -p base -t train.jsonl -n 2 --groups 2 --group-size 4 --max-new 8 --lr 1e-2 \
		--keep-equal --kl 0.1 --stream /dev/null -o other
	rm -r b/base
	cp -r other b/base
	status_is 3 timeout 60 mpirun -np 1 -wdir a "${e[@]}" : -np 1 -wdir b "${e[@]}"
	says "rank 1 differs from rank 0: the weights"
}

@test "ranks: a launcher of another MPI, or of none" {
	status_is 2 env PMI_SIZE=2 PMI_RANK=0 OMPI_MCA_ess_singleton_isolated=1 OMPI_MCA_btl=self timeout 60 \
		policy-eval -p base -t train.jsonl --stream s.traj
	says "the launcher started 2 processes, and MPI tells of 1"
	[ ! -e s.traj ]
	status_is 2 env SLURM_STEP_NUM_TASKS=2 policy-eval -p base -t train.jsonl --stream s.traj
	says "--mpi=pmix"
	SLURM_STEP_NUM_TASKS=2 policy-eval -q -p base -t train.jsonl --shard 1/2 --stream s.traj
}

@test "ranks: an error of any one of them is one message and its status; nobody waits" {
	e=(policy-eval -q -p base -t train.jsonl --stream s.traj --max-new 4)
	mkdir -p a b
	cp -r base train.jsonl a
	cp -r base b
	for bad in "a b" "b a"; do
		# shellcheck disable=SC2086 # two words
		set -- $bad
		status_is 4 timeout 60 mpirun -np 1 -wdir "$1" "${e[@]}" : -np 1 -wdir "$2" "${e[@]}"
		one_message "train.jsonl: open: No such file"
	done
	status_is 4 ranks 3 policy-eval -q -p ../base -t ../train.jsonl --stream /dev/full
	one_message "No space left"
	status_is 4 ranks 3 rl-explore -q -p ../base -t ../train.jsonl -n 2 --groups 2 --group-size 4 \
		--max-new 4 --stream /dev/full
	one_message "No space left"
	dir=full status_is 4 ranks 2 rl-explore -q -p ../base -t ../train.jsonl -n 2 --groups 2 \
		--group-size 4 --max-new 4 --stream s.traj --log /dev/full
	one_message "No space left"
	printf '#!/bin/sh\nexit 1\n' >bad.sh
	chmod +x bad.sh
	dir=bad status_is 3 ranks 3 "${rl[@]}" -t ../free.jsonl --groups 40 --verifier "cmd:$PWD/bad.sh"
	one_message "verifier"
}

@test "ranks: a verifier sees no launcher and none of its sockets" {
	cat >v.sh <<-'END'
		#!/bin/sh
		{ env | grep -cE '^(OMPI_|PMIX_|PMI_)'; ls -l /proc/$$/fd | grep -c socket; } >>"$SEEN"
		while read -r l; do echo '{"reward":1}'; done
	END
	chmod +x v.sh
	SEEN=$PWD/seen status_is 0 ranks 2 policy-eval -q -p ../base -t ../free.jsonl --max-new 4 \
		--workers 1 --verifier "cmd:$PWD/v.sh" --stream s.traj
	[ "$(sort -u seen)" = 0 ]
	[ "$(wc -l <seen)" = 4 ]
}

@test "ranks: stopped and killed in every way, gone on with by other numbers: the same bytes, no orphan" {
	local n=2 rc how
	long_run
	for how in usr1 term0 kill1 term1 kill0 kill term kill; do
		going $n
		rc=0
		case $how in
		usr1) kill -USR1 "$pid" ;;
		term0) kill -TERM "$(rank_of 0)" ;;
		term1) kill -TERM "$(rank_of 1)" ;;
		kill0) kill -KILL "$(rank_of 0)" ;;
		kill1) kill -KILL "$(rank_of 1)" ;;
		kill) kill -KILL "$pid" ;;
		term) kill -TERM "$pid" ;;
		esac
		wait "$pid" || rc=$?
		case $how-$rc in
		usr1-143 | term?-143 | kill*-137 | term-1 | term-143) ;;
		*) cat cut/err && echo "$how: $rc" && return 1 ;;
		esac
		gone
		n=$((n % 3 + 2))
	done
	status_is 0 at cut "${long[@]}"
	cmp whole/s.traj cut/s.traj
	same whole cut
}
