# rl-update.bats - rl-explore's own update, to the bit; every option; what is not learned from.
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	fixture tasks base
	explore() {
		rl-explore -q -p "$FIX/base" -t "$FIX/train.jsonl" -n 3 --groups 6 --group-size 4 --lr 1e-3 \
			--max-new 16 "$@"
	}
	update() {
		rl-update -q -p "$FIX/base" --lr 1e-3 --max-new 16 "$@"
	}
}

same() {
	cmp "$1/model.safetensors" "$2/model.safetensors"
}

differ() {
	not cmp -s "$1/model.safetensors" "$2/model.safetensors"
}

run_of_three() { # run.traj, and the policy that rl-explore made of it
	explore -o want --log want.log >run.traj
}

# changes OPTION ...: the option makes other weights
changes() {
	[ -d usual ] || update -o usual run.traj
	rm -rf other
	update "$@" -o other run.traj
	differ usual other || {
		echo "no effect: $*"
		return 1
	}
}

@test "what rl-explore wrote gives rl-explore's policy, to the bit" {
	run_of_three
	update -o new --log new.log run.traj
	same want new
	cmp <(jq -c '[.step, .loss, .grad_norm, .clip_fraction, .kl_old, .ratio_error, .lr]' want.log) \
		<(jq -c '[.step, .loss, .grad_norm, .clip_fraction, .kl_old, .ratio_error, .lr]' new.log)
	jq -es 'map(.ratio_error) == [0, 0, 0] and all(.importance == null and .reward > 0)' new.log
	update -o again <run.traj
	same want again
	for j in 1 2; do
		update -j $j -o j$j - <run.traj
		same want j$j
	done
}

@test "with other losses, advantages, a KL term, passes, adapters and a penalty too" {
	i=0
	while read -r -a more; do
		i=$((i + 1))
		explore "${more[@]}" -o want$i >run.traj
		update "${more[@]}" -o new$i run.traj
		update "${more[@]}" --advantage given -o given$i run.traj
		cmp want$i/*model.safetensors new$i/*model.safetensors
		cmp want$i/*model.safetensors given$i/*model.safetensors
	done <<-'END'
		--kl 0.01 --epochs 2 --minibatches 3 --loss cispo --advantage rloo --overlong-buffer 8 --overlong-penalty 0.5
		--loss gspo --clip-low 3e-4 --clip-high 4e-4 --minibatches 8 --aggregate seq-mean-token-mean
		--advantage reinforce++ --keep-equal --aggregate seq-mean-token-sum-norm --dual-clip 3
		--lora 4 --lora-alpha 4 --lora-targets q_proj,v_proj -s 5 --warmup 2
		--weight-decay 0.01 --beta1 0.8 --beta2 0.9 --eps 1e-6 --clip 0.5 --recompute
		--optimizer lion --lion-beta2 0.9 --minibatches 2
		--optimizer muon --momentum 0.9 --minibatches 2
		--optimizer sgd --lr 0.1
	END
}

@test "--state: call by call the same as in one run" {
	run_of_three
	cp -r "$FIX/base" p0
	for k in 1 2 3; do
		traj-filter -q --where "step=$k" run.traj |
			rl-update -q -p p$((k - 1)) -o p$k --lr 1e-3 --max-new 16 --state st
	done
	same want p3
	# without it the moments begin anew
	traj-filter -q --where 'step=3' run.traj | rl-update -q -p p2 -o fresh --lr 1e-3 --max-new 16
	differ want fresh
	# the moments are of the policy that the last call wrote
	status_is 2 rl-update -p p1 -o x --lr 1e-3 --max-new 16 --state st run.traj
	says 'of another policy'
	[ ! -e x ]
}

@test "a call that was stopped before its policy was written is made again" {
	run_of_three
	traj-filter -q --where 'step=1' run.traj >one
	traj-filter -q --where 'step=2' run.traj >two
	update -o p1 --state st one
	rl-update -q -p p1 -o p2 --lr 1e-3 --max-new 16 --state st two
	mv p2 kept
	status_is 0 rl-update -p p1 -o p2 --lr 1e-3 --max-new 16 --state st two
	says 'this call was made before'
	same kept p2
	# with another option, or on other records, it is another call, which its state is not of
	rm -rf p2
	status_is 2 rl-update -p p1 -o p2 --lr 2e-3 --max-new 16 --state st two
	says 'of another policy'
	status_is 2 rl-update -p p1 -o p2 --lr 1e-3 --max-new 16 --state st one
	says 'of another policy'
	[ ! -e p2 ]
	rl-update -q -p kept -o p3 --lr 2e-3 --max-new 16 --state st one
}

@test "killed at any moment, with a state, the same call gives the same policy" {
	run_of_three
	update -o p1 --state st1 run.traj
	for delay in 0.005 0.02 0.05 0.1 0.2; do
		rl-update -q -p "$FIX/base" --lr 1e-3 --max-new 16 -o killed --state st2 run.traj &
		pid=$!
		sleep $delay
		kill -9 $pid 2>/dev/null || true
		wait $pid || true
		[ -d killed ] || update -o killed --state st2 run.traj
		same p1 killed
		rm -rf killed st2
	done
}

@test "sampling, judging and updating in a shell loop is rl-explore, to the bit" {
	explore --rounds 1 -s 4 -o want >all
	cp -r "$FIX/base" p0
	for k in 1 2 3; do
		policy-eval -q -p p$((k - 1)) -t "$FIX/train.jsonl" -s 4 --step $k --groups 6 -n 4 --max-new 16 --no-score |
			traj-score -q | tee s$k | rl-update -q -p p$((k - 1)) -o p$k -s 4 --lr 1e-3 --max-new 16 --state st
	done
	same want p3
	cat s1 s2 s3 >parts
	cmp <(traj-cat all | jq -c '[.task, .response, .reward, .policy]' | sort) \
		<(traj-cat parts | jq -c '[.task, .response, .reward, .policy]' | sort)
}

@test "groups: by task and step, a sample number that comes again begins another" {
	run_of_three
	# the same records of a step in another order of groups are other minibatches; the same
	# within one group are the same groups
	traj-cat run.traj | jq -c 'del(.step, .id) | .sample = null | del(.sample)' | traj-cat --from-json >merged
	status_is 0 rl-update -p "$FIX/base" --lr 1e-3 --max-new 16 --minibatches 1 -o merged.out merged
	says 'in 1 steps'
	update --minibatches 1 -o steps run.traj
	differ merged.out steps
}

@test "what is not learned from is counted" {
	explore --rounds 1 -o want >run.traj
	traj-cat run.traj | jq -c '.used = null | del(.used)' | traj-cat --from-json >all
	status_is 0 rl-update -p "$FIX/base" --lr 1e-3 --max-new 16 -o a all
	says 'are in groups of equal rewards: left out'
	same want a
	traj-cat run.traj | jq -c 'if .sample == 0 then del(.reward) | .verdict = "timeout" else . end' |
		traj-cat --from-json >some
	status_is 0 rl-update -p "$FIX/base" --lr 1e-3 --max-new 16 -o b some
	says 'have no reward: left out'
	traj-cat run.traj | jq -c '.reward = 1' | traj-cat --from-json >equal
	status_is 3 rl-update -p "$FIX/base" --lr 1e-3 --max-new 16 -o c equal
	says '--keep-equal'
	update --keep-equal -o c equal
	: >none
	status_is 3 update -o d none
	[ ! -e d ]
}

@test "--own-only: what another policy sampled is left out" {
	run_of_three
	status_is 0 rl-update -p "$FIX/base" --lr 1e-3 --max-new 16 --own-only -o own run.traj
	says 'are of another policy than -p: left out'
	traj-filter -q --where 'step=1' run.traj >first
	update -o one first
	same own one
	status_is 3 rl-update -q -p want --lr 1e-3 --max-new 16 --own-only -o x first
}

@test "--importance, its bounds: weights of what others drew" {
	run_of_three
	explore -n 1 --temperature 1.3 >hot
	traj-cat hot | jq -c 'del(.temperature)' | traj-cat --from-json >other
	mv other run.traj
	for kind in tis icepop sequence geometric; do
		changes --importance $kind
	done
	changes --importance tis --importance-high 1
	changes --importance icepop --importance-low 0.9 --importance-high 1.1
	update --importance icepop --importance-low 0.9 --importance-high 1.1 --log log -o masked run.traj
	jq -es 'first | .masked > 0 and .masked < 1 and .importance < 1 and .ratio_error == 0' log
	# of the policy's own the weights are 1, and nothing changes
	explore -n 1 >run.traj
	update --importance tis -o a run.traj
	update -o b run.traj
	same a b
}

@test "--distill, --teacher: towards a teacher, on the policy's own responses" {
	run_of_three
	policy-score -q -p want --as ref_logprobs run.traj >taught
	policy-score -q -p want --as coach run.traj >coached
	update --distill 1 --lr 3e-3 -o a taught
	update --distill 1 --lr 3e-3 --teacher coach -o b coached
	same a b
	differ a want
	# nearer to the teacher than before, in what the policy says
	near() {
		policy-score -q -p "$1" --as mine taught | traj-cat -c task >/dev/null
		policy-score -q -p "$1" --perplexity ppl coached | traj-cat -c ppl | awk '{ s += $1 } END { print s / NR }'
	}
	traj-cat taught | jq -c '.reward = 0' | traj-cat --from-json >plain # the teacher alone
	update --distill 1 --lr 3e-3 --minibatches 1 -o c plain
	status_is 3 update --distill 1 -o x run.traj
	says 'ref_logprobs: not a number for each token'
	says 'policy-score'
	status_is 2 update --distill 1 --loss gspo -o x taught
}

@test "--logprobs: another key; what is missing or none is refused" {
	run_of_three
	policy-score -q -p "$FIX/base" --as mine run.traj >more
	traj-filter -q --where 'step=1' more >one
	update --logprobs mine -o a one
	update -o b one
	same a b
	traj-cat one | jq -c 'del(.logprobs)' | traj-cat --from-json >bare
	status_is 3 update -o x bare
	says 'logprobs: not a number for each token'
	traj-cat one | jq -c '.logprobs |= map(-. + 1)' | traj-cat --from-json >odd
	status_is 3 update --logprobs logprobs -o x odd
	says 'record'
	explore -n 1 --top-k 3 >cut
	status_is 3 update -o x cut
	says 'drawn with top-p or top-k'
	policy-score -q -p "$FIX/base" --as whole cut >whole
	update --logprobs whole -o y whole
	[ ! -e x ]
}

@test "--seed, --lr, --advantage, --epochs, --micro-tokens ...: each has its effect" {
	run_of_three
	changes -s 9
	changes --lr 2e-3
	changes --warmup 3
	changes --advantage dr-grpo
	changes --epochs 2
	changes --minibatches 1
	changes --loss cispo
	changes --aggregate seq-mean-token-mean
	changes --clip-low 0.01 --clip-high 0.01
	changes --epochs 4 --kl 1
	changes --clip 0.01
	update --micro-tokens 1 --minibatches 1 --log a.log -o a run.traj
	update --minibatches 1 --log b.log -o b run.traj
	jq -es '(.[0].grad_norm - .[3].grad_norm | fabs) < 1e-4 * .[0].grad_norm' a.log b.log
	update --profile -o c run.traj
	update --dtype bf16 --round stochastic -o d run.traj
	policy-init --info d | grep -qi bf16
}

@test "--lora, --merge: an adapter, and the whole" {
	run_of_three
	update --lora 2 -o adapter run.traj
	[ -e adapter/adapter_config.json ]
	update --lora 2 --merge -o whole run.traj
	[ -e whole/model.safetensors ]
}

@test "--compute bf16: ratios are exactly 1 there too" {
	explore --compute bf16 -o want >run.traj
	update --compute bf16 --log log -o new run.traj
	same want new
	jq -es 'map(.ratio_error) == [0, 0, 0]' log
}

@test "damage, greedy responses and wrong calls: no policy" {
	run_of_three
	head -c -9 run.traj >cut
	status_is 3 update -o x cut
	traj-cat run.traj | jq -c '.temperature = 0' | traj-cat --from-json >cold
	status_is 3 update -o x cold
	says 'greedy'
	traj-cat run.traj | jq -c 'if .sample == 1 then .temperature = 0.5 else . end' | traj-cat --from-json >mixed
	status_is 3 update -o x mixed
	says 'in one step'
	status_is 3 update --strict -o x <(/usr/bin/python3 "$root/tests/cli/records.py" pack <<<'{"task":"a","prompt":"1","response":"2"}')
	status_is 2 rl-update -p "$FIX/base"
	status_is 2 rl-update -o x
	status_is 2 update --dual-clip 0.5 -o x run.traj
	status_is 4 update -o x no-such-file
	status_is 4 update -o want run.traj
	status_is 2 update -o x --log run.traj run.traj
	[ ! -e x ]
}
