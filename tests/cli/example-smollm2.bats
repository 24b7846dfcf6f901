# example-smollm2.bats - the example from end to end, with a tiny policy in the place of a published one.
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	need_tool jq
	fixture base
	export STEPS=2 TRAIN=8 HELD_OUT=4 SAMPLES=2 GROUPS_A_STEP=2 GROUP_SIZE=2 MAX_NEW=6 \
		EXPLORE_OPTS='--rounds 1 --keep-equal' FILTER_OPTS='--threshold 0 --copies 1'
}

@test "run.sh: a GGUF becomes a policy, is measured, trained, and is a GGUF again; again, nothing is done twice" {
	policy-convert -q "$FIX/base" -o base.gguf
	status_is 0 "$root/examples/smollm2/run.sh" base.gguf runs
	cmp runs/policy/model.safetensors "$FIX/base/model.safetensors"
	[[ $output == iter*pass@2*tuned-q8_0.gguf* ]]
	policy-convert --info runs/tuned-q8_0.gguf >info
	grep -q '^blk.0.attn_q.weight	Q8_0 ' info
	[ "$(traj-cat -c verifier runs/greedy.traj | sort -u)" = number ]
	stat -c '%n %i %z' runs/*.jsonl runs/*.traj runs/*.gguf >before
	status_is 0 "$root/examples/smollm2/run.sh" base.gguf runs
	stat -c '%n %i %z' runs/*.jsonl runs/*.traj runs/*.gguf | diff before -
}

@test "run.sh: a folder is a policy as it is; TYPE; no arguments" {
	TYPE=f16 status_is 0 "$root/examples/smollm2/run.sh" "$FIX/base" runs
	[ ! -e runs/policy ]
	[ -e runs/tuned-f16.gguf ]
	status_is 2 "$root/examples/smollm2/run.sh"
	says "run.sh MODEL.gguf|FOLDER"
}
