# kernels.bats - the sets of kernels: each gives the same bytes, and one that cannot be is refused.
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	fixture tasks base run
	sets=() lacks=()
	for s in plain v3 v4 amx; do
		if RLOOP_KERNELS=$s traj-cat --version >/dev/null 2>&1; then
			sets+=("$s")
		else
			lacks+=("$s")
		fi
	done
}

# sums: of all that the present set writes; fails where a tool does
sums() {
	rm -rf new tuned new16 adapter
	rl-explore -q -p "$FIX/base" -t "$FIX/train.jsonl" -n 2 --groups 3 --group-size 4 --rounds 2 \
		--max-new 12 --lr 1e-2 --warmup 1 --kl 0.1 --log log -o new >stream &&
		rft-tune -q -p "$FIX/base" --lr 1e-2 -o tuned "$FIX/run.traj" &&
		rft-tune -q -p "$FIX/base" --lr 1e-2 --lora 4 -o adapter "$FIX/run.traj" &&
		policy-eval -q -p tuned -t "$FIX/test.jsonl" -n 2 --max-new 12 --top-p 0.9 >eval &&
		rl-explore -q -p "$FIX/base" -t "$FIX/train.jsonl" -n 1 --groups 3 --group-size 4 --rounds 1 \
			--max-new 12 --lr 1e-2 --warmup 1 --compute bf16 --log log16 -o new16 >stream16 &&
		jq -cf "$root/tests/untimed.jq" log >steps &&
		cat steps {new,tuned,new16}/model.safetensors adapter/adapter_model.safetensors stream stream16 eval | sha256sum
}

@test "RLOOP_KERNELS: a stream, a log and weights are the same bytes with each set" {
	first=$(RLOOP_KERNELS=plain sums)
	for s in "${sets[@]}"; do
		export RLOOP_KERNELS=$s
		[[ $(traj-cat --version) == *" (kernels: $s)" ]]
		[ "$(sums)" = "$first" ]
	done
	unset RLOOP_KERNELS
	[ "$(sums)" = "$first" ]
	# the last is what is taken
	[ "$(traj-cat --version)" = "$(RLOOP_KERNELS=${sets[-1]} traj-cat --version)" ]
}

@test "a set that is none, or that this processor cannot run: status 2 and a reason" {
	RLOOP_KERNELS=v9 status_is 2 traj-cat /dev/null
	says "traj-cat: RLOOP_KERNELS: v9: no such set of kernels (it has: plain"
	RLOOP_KERNELS=v9 status_is 2 rl-explore --version
	RLOOP_KERNELS=v9 status_is 0 rl-explore --help
	for s in "${lacks[@]}"; do
		RLOOP_KERNELS=$s status_is 2 policy-eval -p "$FIX/base" -t "$FIX/test.jsonl"
		says "RLOOP_KERNELS: $s: this "
	done
	RLOOP_KERNELS='' status_is 0 traj-cat --version
}
