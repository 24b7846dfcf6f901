# rl-update.bats - rl-explore's own update, to the bit; every option; what is not learned from.
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	fixture tasks base
	records=$root/tests/cli/records.py
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
		--advantage maxrl --loss sapo --sapo-rise 2 --sapo-fall 3 --epochs 2
		--advantage pass-at-k --advantage-k 2 --loss dppo-tv --dppo-bound 0.01 --epochs 3
		--loss dppo-kl --epochs 3 --mask-truncated --max-new 4 --kl 0.01 --advantage opo
		--mask-truncated --max-new 4 --aggregate seq-mean-token-mean --minibatches 2 --entropy-coef 0.1
		--advantage reinforce++-baseline --keep-equal
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
	says 'was taken before, with other options or trajectories'
	status_is 2 rl-update -p p1 -o p2 --lr 1e-3 --max-new 16 --state st one
	says 'was taken before, with other options or trajectories'
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
	for cut in "" "--top-p 0.8 --top-k 6"; do
		read -r -a cut <<<"$cut"
		explore "${cut[@]}" --rounds 1 -s 4 -o want >all
		cp -r "$FIX/base" p0
		for k in 1 2 3; do
			policy-eval -q -p p$((k - 1)) -t "$FIX/train.jsonl" -s 4 --step $k --groups 6 -n 4 --max-new 16 \
				--no-score "${cut[@]}" | traj-score -q | tee s$k |
				rl-update -q -p p$((k - 1)) -o p$k -s 4 --lr 1e-3 --max-new 16 --state st
		done
		same want p3
		cat s1 s2 s3 >parts
		cmp <(traj-cat all | jq -c '[.task, .response, .reward, .policy, .kept]' | sort) \
			<(traj-cat parts | jq -c '[.task, .response, .reward, .policy, .kept]' | sort)
		rm -rf want p? st
	done
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

@test "--advantage maxrl: a reward below 0 is refused" {
	run_of_three
	traj-cat run.traj | jq -c '.reward -= 0.5' | traj-cat --from-json >low
	status_is 3 update --advantage maxrl -o x low
	says 'reward -0.5: --advantage maxrl'
	[ ! -e x ]
	update --advantage grpo -o y low
}

@test "--rewards, --advantage gdpo: those that the records have" {
	jq -c 'del(.verifier)' "$FIX/train.jsonl" >bare.jsonl
	judge="cmd:jq -c --unbuffered '{reward: (.response | length % 2), rewards: {a: (.response | length), b: (.prompt | length)}}'"
	for more in "--advantage gdpo" "--keep-equal"; do
		rm -rf want new
		# shellcheck disable=SC2086 # words
		explore -t bare.jsonl --verifier "$judge" --rewards a=0.1,reward $more -o want >run.traj
		# shellcheck disable=SC2086
		update --rewards a=0.1,reward $more -o new run.traj
		same want new
	done
	changes --rewards reward,a=-1
	status_is 3 update --rewards b -o x run.traj # the same for all of a group
	says 'groups of equal rewards'
	status_is 3 update --rewards a,c -o x run.traj
	says 'there is no c, which --rewards names'
	says 'record'
	traj-cat run.traj | jq -c '.rewards = 3' | traj-cat --from-json >odd
	status_is 3 update --rewards a -o x odd
	status_is 2 update --rewards a=1,a=2 -o x run.traj
	says 'a comes twice'
	[ ! -e x ]
}

@test "--mask-truncated: by what finish says" {
	explore --max-new 4 >run.traj # half of them are cut off
	changes --mask-truncated
	traj-cat run.traj | jq -c '.finish = "stop"' | traj-cat --from-json >whole
	update --mask-truncated -o a whole
	same usual a
	# another finish is another call
	update --mask-truncated -o b --state st whole
	rm -rf b
	status_is 2 update --mask-truncated -o b --state st run.traj
	says 'was taken before, with other options or trajectories'
}

@test "--entropy-coef, of tokens that were drawn from a part of the vocabulary too" {
	explore --top-k 3 --entropy-coef 0.1 --loss dppo-tv --epochs 2 --log want.log -o want >run.traj
	update --entropy-coef 0.1 --loss dppo-tv --epochs 2 -o new run.traj
	same want new
	jq -es 'all(.ratio_error == 0)' want.log
	changes --entropy-coef 0.1
}

@test "--advantage-k: more than any group has is refused" {
	run_of_three
	status_is 3 update --advantage pass-at-k --advantage-k 5 -o x run.traj
	says '--advantage-k 5: the largest group has 4 responses'
	[ ! -e x ]
	changes --advantage pass-at-k --advantage-k 3
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

@test "--max-age: what older policies sampled is left out" {
	run_of_three
	status_is 0 rl-update -p "$FIX/base" --lr 1e-3 --max-new 16 --max-age 0 -o own run.traj
	says 'are of another policy than -p: left out'
	traj-filter -q --where 'step=1' run.traj >first
	update -o one first
	same own one
	status_is 3 rl-update -q -p want --lr 1e-3 --max-new 16 --max-age 0 -o x first
	status_is 2 rl-update -p "$FIX/base" --max-age 1 -o x first
	says "--max-age: which policies came before -p is known with --state"
	status_is 2 rl-update -p "$FIX/base" --max-age 33 --state st -o x first
}

@test "--max-age, --state: the last N calls, and the same when a call is made again" {
	run_of_three
	traj-filter -q --where 'step=1' run.traj >first
	up() { # FROM TO AGE [OPTION ...]: learns from what the first policy drew, in a state of each age
		status_is 0 rl-update -p "$1" --lr 1e-3 --max-new 16 --max-age "$3" --state "st$3" -o "$2" "${@:4}" first
	}
	for age in -1 1; do
		up "$FIX/base" a$age $age
		up a$age b$age $age
		cmp a$age/model.safetensors a-1/model.safetensors
		cmp b$age/model.safetensors b-1/model.safetensors
		mv b$age kept$age
		up a$age b$age $age
		says 'this call was made before'
		cmp b$age/model.safetensors kept$age/model.safetensors
	done
	status_is 3 rl-update -p b1 --lr 1e-3 --max-new 16 --max-age 1 --state st1 -o c first
	says 'another policy than -p and those before it in --max-age: left out'
	[ ! -e c ]
	up b1 c 1 --max-age 2
	up b-1 d -1
	cmp c/model.safetensors d/model.safetensors
}

@test "--max-age 32: the oldest is known to a call that is made again, too" {
	run_of_three
	traj-filter -q --where 'step=1' run.traj >first
	again() { rl-update -q -p "$1" --lr 1e-3 --max-new 16 --max-age "$3" --state st -o "$2" first; }
	ln -s "$FIX/base" p0
	for ((i = 0; i < 32; i++)); do again p$i p$((i + 1)) -1; done
	again p32 p33 32
	mv p33 kept
	again p32 p33 32
	cmp kept/model.safetensors p33/model.safetensors
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
	[ ! -e x ]
}

@test "top-p and top-k: rl-explore's policy, to the bit, from what the records say was kept" {
	while read -r -a more; do
		explore "${more[@]}" -o want --log want.log >run.traj
		update $(grep -o -- '--\(kl\|lora\) [^ ]*' <<<"${more[*]}") --log new.log -o new run.traj
		cmp want/*model.safetensors new/*model.safetensors
		jq -es 'map(.ratio_error) == [0, 0, 0]' new.log
		cmp <(jq -c '[.loss, .grad_norm, .kl_start]' want.log) <(jq -c '[.loss, .grad_norm, .kl_start]' new.log)
		traj-cat run.traj | jq -es 'all((.kept | length) == (.tokens | length)) and
			all([.tokens, .kept] | transpose | all(.[0] as $t | .[1] | length == 0 or index($t)))'
		rm -rf want new
	done <<-'END'
		--top-p 0.8
		--top-k 3 --kl 0.1
		--top-k 5 --top-p 0.9 --temperature 1.5
		--top-p 0.7 --lora 2
	END
	# as sets of JSON, and as arrays of MessagePack, they are the same
	explore -n 1 --top-p 0.8 -o want >cut
	traj-cat cut | traj-cat --from-json >json
	cmp <("$records" body <cut) <("$records" body <json)
	traj-cat cut | "$records" pack >arrays
	for file in json arrays; do
		update -o $file.d $file
		same want $file.d
	done
}

@test "top-p and top-k without what was kept: refused, unless the log-probs are the whole's" {
	explore -n 1 --top-k 3 >cut
	traj-cat cut | jq -c 'del(.kept)' | traj-cat --from-json >bare
	status_is 3 update -o x bare
	says 'drawn with top-p or top-k, and without `kept`'
	traj-cat cut | jq -c 'del(.kept) | .top_k = 100000' | traj-cat --from-json >all
	update -o all.d all
	policy-score -q -p "$FIX/base" --as whole bare >whole
	update --logprobs whole --log log -o y whole
	jq -es '.[0].ratio_error == 0' log
	policy-score -q -p "$FIX/base" --as whole cut | update --logprobs whole -o z
	same y z
	[ ! -e x ]
}

@test "what was kept and is damaged: the token, and what is wrong with it" {
	explore -n 1 --top-p 0.8 >cut
	while IFS='#' read -r edit want; do
		traj-cat cut | jq -c "$edit" | traj-cat --from-json >bad
		status_is 3 update -o x bad
		says "$want"
		says 'bad: record '
	done <<-'END'
		.kept[0] = [3, 2]#kept[0]: ids that do not ascend
		.kept[0] = [3, 3]#kept[0]: ids that do not ascend
		.kept[0] += [.kept[0][-1] + 100000]#kept: token 1000
		.tokens[0] as $t | .kept[0] = [$t + 1]#kept[0]: the token that was drawn is not in it
		.kept |= .[1:]#kept[
		.kept += [[]]#there are more than tokens
		.kept[0] = [range(1025)]#kept[0]: more than 1024 ids
		.kept[0] = [-1]#kept[0]: not whole numbers from 0 to 2^32-1
		.kept[0] = 1#kept[0]: not an array of ids
		.kept = 1#kept: neither bin nor an array
		.kept = {"$bin": "AgE="}#kept[0]: cut off
		del(.tokens, .id, .logprobs)#kept: there are no tokens
	END
	[ ! -e x ]
}

@test "top-p with importance weights and a teacher: of the part and of the whole" {
	explore -n 1 --top-p 0.8 -o moved >cut
	for how in tis icepop sequence geometric; do
		update --importance $how --log $how.log -o $how cut
		jq -es '.[0].importance == 1 and .[0].masked == 0' $how.log
	done
	rl-update -q -p moved --max-new 16 --importance tis --log far.log -o far cut
	jq -es '.[0].importance != 1 and .[0].ratio_error == 0' far.log
	# the policy is its own teacher: there is nothing to distill
	policy-score -q -p "$FIX/base" --as ref_logprobs cut >taught
	update --distill 1 -o d1 taught
	update -o d0 taught
	same d1 d0
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
