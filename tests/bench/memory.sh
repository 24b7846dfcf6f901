#!/bin/bash
# memory.sh - the most memory that an update of rft-tune ever holds, in MB: all weights, all weights
# with products in bf16, and an adapter of rank 8 on BF16 weights. "of_plan" is its ratio to what
# the tool says beforehand; "of_needed" to one copy of the weights, gradients, moments and
# activations (an adapter: without a second copy anyway).
#
# Environment: LAYERS (6) of width 768, TOKENS (1024) of a micro-batch.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
tokens=${TOKENS:-1024}

policy-init -q -o f32 --layers "${LAYERS:-6}" --hidden 768 --heads 12 --kv-heads 4 --ffn 2048 \
	--vocab 32000 --max-len "$tokens" --alphabet 'ab '
policy-mix -q f32 -o bf16 --dtype bf16
long=$(head -c $((tokens / 4 - 8)) /dev/zero | tr '\0' a)
for i in 1 2 3 4; do
	printf '{"task":"%s","prompt":"b b","response":"%s"}\n' "$i" "$long"
done | traj-cat --from-json >rows

# take NAME OPTION ...: peak and plan of one update
take() {
	local name=$1 peak
	shift
	rm -rf new
	/usr/bin/python3 - rft-tune "$@" -o new --steps 1 --batch 4 --micro-tokens "$tokens" rows \
		>peak 2>said <<-'END'
		import resource, subprocess, sys
		subprocess.run(sys.argv[1:], check=True)
		print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6)
	END
	peak=$(cat peak)
	sed 's/[,:]/\n/g' said | awk -v name="$name" -v peak="$peak" '
		function mb(i) { return $i * ($(i + 1) ~ /GB/ ? 1000 : 1) }
		/^ [0-9.]+ [MG]B$/ { plan = mb(1) }
		$1 ~ /^(weights|gradients|moments|activations)$/ { part[$1] = mb(2) }
		END {
			grads = part["gradients"]
			one = grads > part["weights"] / 4 ? grads : part["weights"] # without panels
			needed = one + grads + part["moments"] + part["activations"]
			printf "{\"bench\":\"memory\",\"name\":\"%s\",\"value\":%.0f,\"unit\":\"MB\",", name, peak
			printf "\"of_plan\":%.3f,\"of_needed\":%.3f}\n", peak / plan, peak / needed
		}'
}

take weights -p f32
take weights-recompute -p f32 --recompute
take weights-bf16 -p f32 --compute bf16
take adapter -p bf16 --lora 8
