# memory.bats - what memory the tools say that they will need, before the first step.
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	records=$root/tests/cli/records.py
}

# peak COMMAND ...: the most memory that it ever held, in MB; what it said is in said
peak() {
	/usr/bin/python3 - "$@" 2>said <<-'END'
		import resource, subprocess, sys
		subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
		print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 // 1000000)
	END
}

# middle: a policy of 8 million weights, and rows of 256 tokens for it
middle() {
	policy-init -q -o mid --layers 4 --hidden 384 --ffn 1024 --heads 6 --kv-heads 2 \
		--max-len 256 --vocab 4096
	/usr/bin/python3 - <<-'END' | "$records" pack >rows
		import json
		for i in range(4):
		    t = [(7 * k + i) % 90 + 2 for k in range(192)]
		    print(json.dumps({"task": str(i), "prompt": "", "response": "",
		                      "prompt_tokens": [5] * 64, "tokens": t}))
	END
}

# near PEAK: the plan in said is what was taken, less what any process takes, within 6 %
near() {
	awk -v peak="$1" '/: memory: / {
		plan = $3 * ($4 ~ /GB/ ? 1000 : 1)
		found = 1
		if (plan < 0.94 * (peak - 15) || plan > 1.06 * peak) {
			print "planned", plan, "taken", peak
			exit 1
		}
	} END { exit !found }' said
}

@test "rft-tune: the plan is what the run takes" {
	[[ $BIN != *-* ]] || skip "another build takes other memory, or its time"
	middle
	for more in "" --recompute "--lora 4" "--optimizer sgd" "--optimizer lion" "--optimizer muon"; do
		# shellcheck disable=SC2086
		near "$(peak rft-tune -p mid -o new --steps 1 --batch 4 $more rows)"
		rm -r new
	done
}

@test "rl-explore and policy-eval tell it too; -q does not" {
	fixture tasks base
	status_is 0 policy-eval -p "$FIX/base" -t "$FIX/test.jsonl" --max-new 4
	says "memory: "
	says "cache of sampling"
	status_is 0 rl-explore -p "$FIX/base" -t "$FIX/train.jsonl" -n 1 --groups 2 --group-size 2 \
		--max-new 4 --kl 0.1
	says "reference"
	status_is 0 policy-eval -q -p "$FIX/base" -t "$FIX/test.jsonl" --max-new 4
	[ -z "$stderr" ]
}

@test "what does not fit is refused before the first step, with the number" {
	[[ $BIN != *address* ]] || skip "a sanitizer takes memory of its own"
	middle
	(
		ulimit -v 200000
		not rft-tune -q -p mid -o new --steps 1 --batch 4 -j 1 rows 2>said
	)
	grep -q "memory: .* are needed, .* are left by the limit of address space" said || {
		cat said
		return 1
	}
	[ ! -e new ]
}

@test "policy-eval holds a checkpoint in bf16 as it is, with the same bits" {
	[[ $BIN != *-* ]] || skip "another build takes other memory"
	policy-init -q -o lean --layers 4 --hidden 384 --ffn 1024 --heads 6 --kv-heads 2 --vocab 4096 \
		--dtype bf16
	policy-mix -q -o wide --dtype f32 lean
	for p in lean wide; do
		peak policy-eval -p $p --prompt '3 4=12:' -n 2 --max-new 8 -j 1 >peak.$p
		near "$(cat peak.$p)"
		policy-eval -q -p $p --prompt '3 4=12:' -n 2 --max-new 8 | "$records" body >$p.records
	done
	cmp lean.records wide.records
	[ $((2 * $(cat peak.lean))) -lt "$(cat peak.wide)" ]
}

@test "policy-mix, --info: the weights alone, one policy in BF16 as it is" {
	[[ $BIN != *address* ]] || skip "a sanitizer takes memory of its own"
	middle
	[ "$(peak policy-mix mid mid -o f32)" -lt 100 ] # two of 33 MB
	[ "$(peak policy-mix mid -o half --dtype bf16)" -lt 55 ]
	[ "$(peak policy-mix half -o wide --dtype f16)" -lt 40 ] # 17 MB
	[ "$(peak policy-init --info half)" -lt 40 ]
}
