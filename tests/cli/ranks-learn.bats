# ranks-learn.bats - rft-tune, rl-update and policy-score of several processes: the bytes of one.
load helpers
load ranks

setup() {
	begin_ranks tasks base run
	ln -s "$FIX/base" "$FIX/run.traj" .
}

rft=(rft-tune -q -p ../base -s 3 --steps 4 --batch 24 --lr 1e-2 --warmup 2 --lanes 3 --validation 0.2
	--state st --checkpoint-every 2 --log log -o out ../run.traj)

@test "rft-tune: 1, 2, 3, 4 and 7 ranks of 1 or 2 threads: policy, log, moments of one process" {
	local n j
	status_is 0 at one "${rft[@]}"
	for n in 1 2 3 4 7; do
		j=$((2 - n % 2))
		status_is 0 ranks $n "${rft[@]}" -j $j
		same one "n$n"
	done
	rm -r n2
	status_is 0 ranks 2 "${rft[@]}" -j 1
	same one n2
}

@test "rft-tune --lanes: the rounding only; 1 is the default" {
	status_is 0 at default "${rft[@]/--lanes/--seed}"
	status_is 0 at single "${rft[@]}" --lanes 1
	same default single
	status_is 0 at plain "${rft[@]}"
	not cmp -s plain/out/model.safetensors single/out/model.safetensors
	rm -r plain/out
	status_is 2 at plain "${rft[@]}" --lanes 2
	says "begun with --lanes 3, not 2"
	status_is 2 rft-tune --lanes 0
}

@test "rft-tune: ranks with bf16, LoRA, each optimizer, weights and losses; gone on with by fewer" {
	local a
	for a in "--compute bf16 --recompute" "--lora 2 --weight task" "--optimizer muon --loss dft" \
		"--optimizer lion --weight pear-suffix" "--optimizer sgd --weight-key reward"; do
		rm -rf one n3
		# shellcheck disable=SC2086 # words of options
		status_is 0 at one "${rft[@]}" $a
		# shellcheck disable=SC2086
		status_is 0 ranks 3 "${rft[@]}" $a
		same one n3
		rm -r n3/out n3/st/step-4 # goes on after the second update
		# shellcheck disable=SC2086
		dir=n3 status_is 0 ranks 2 "${rft[@]}" $a
		same one n3
	done
}

@test "rft-tune: killed, and gone on with by another number of ranks: the same bytes" {
	local n=2 pid
	long=("${rft[@]}" --steps 60)
	status_is 0 at whole "${long[@]}"
	for n in 3 2; do
		mkdir -p stopped
		(cd stopped && exec mpirun -np $n "${long[@]}" 2>err) &
		pid=$!
		until [ -d "stopped/st/step-$((24 - 6 * n))" ] || ! kill -0 $pid 2>/dev/null; do sleep 0.01; done
		kill -KILL $pid 2>/dev/null || true
		wait $pid || true
		[ ! -e stopped/out ] # it was not complete
	done
	dir=stopped status_is 0 ranks 4 "${long[@]}"
	same whole stopped
}

@test "rl-update over ranks is rl-explore's own update, to the bit" {
	local n
	explore=(rl-explore -q -p "$FIX/base" -t "$FIX/train.jsonl" -n 2 --groups 6 --group-size 4 --lr 1e-3
		--warmup 0 --max-new 12 --minibatches 2 --lanes 3)
	"${explore[@]}" -o rl >run2.traj
	up=(rl-update -q -p ../base --max-new 12 --lr 1e-3 --warmup 0 --minibatches 2 --lanes 3 --log log
		--state st -o out ../run2.traj)
	status_is 0 at one "${up[@]}"
	cmp rl/model.safetensors one/out/model.safetensors
	for n in 1 2 3 4 7; do
		status_is 0 ranks $n "${up[@]}"
		same one "n$n"
	done
	rm -r n4/out # the call was stopped before its policy was whole, and is made again by others
	dir=n4 status_is 0 ranks 2 "${up[@]}"
	same one n4
	status_is 0 at second "${up[@]}" -p ../one/out --state ../one/st -s 1
	dir=other status_is 0 ranks 3 "${up[@]}" -p ../n2/out --state ../n2/st -s 1
	same second other
	cmp one/st/step-2/optimizer.safetensors n2/st/step-2/optimizer.safetensors
}

@test "rl-update: ranks with importance weights, a KL term, distillation and muon" {
	policy-score -p base --as ref_logprobs run.traj >scored.traj
	up=(rl-update -q -p ../base --lr 1e-2 --warmup 0 --lanes 2 --log log -o out ../scored.traj)
	for a in "--importance tis --kl 0.1" "--distill 0.5 --optimizer muon --compute bf16"; do
		rm -rf one n3
		# shellcheck disable=SC2086 # words of options
		status_is 0 at one "${up[@]}" $a
		# shellcheck disable=SC2086
		status_is 0 ranks 3 "${up[@]}" $a
		same one n3
	done
}

@test "policy-score: 1, 2, 3, 4 and 7 ranks of 1 or 2 threads: the stream of one process" {
	local n j
	rl-explore -q -p base -t "$FIX/train.jsonl" -n 1 --groups 4 --group-size 4 --max-new 8 --top-p 0.9 \
		--temperature 0.7 --stream cut.traj
	score=(policy-score -p ../base --as x --entropy e --perplexity pp --micro-tokens 64)
	status_is 0 at one "${score[@]}" ../run.traj ../cut.traj
	cp out one.traj
	for n in 1 2 3 4 7; do
		j=$((1 + n % 2))
		status_is 0 ranks $n "${score[@]}" -j $j --stream s.traj ../run.traj ../cut.traj
		cmp one.traj "n$n/s.traj"
	done
	one_message "trajectories scored"
	status_is 2 at one "${score[@]}" --stream ../run.traj ../run.traj
	says "same file"
}
