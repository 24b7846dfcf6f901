#!/bin/bash
# compare.sh MODEL.gguf|FOLDER [DIR] - plain RL and RLoop from a pre-trained model: numbers to sort, two
# worked examples before each problem; several seeds, each policy at its own best temperature, four
# numbers and greatest numbers too, which nothing was trained on. Run again, it goes on where it was
# stopped. See README.md for the environment.
set -euo pipefail

[ $# -ge 1 ] || {
	sed -n '2,5s/^# //p' "$0" >&2
	exit 2
}
model=$(realpath "$1") dir=${2:-smollm2-compare}
seeds=${SEEDS:-2} iterations=${ITERATIONS:-2} steps=${STEPS:-12} train=${TRAIN:-300} held=${HELD_OUT:-64}
samples=${SAMPLES:-16} groups=${GROUPS_A_STEP:-8} size=${GROUP_SIZE:-8} compute=${COMPUTE:-f32}
sets=${SETS:-test four greatest}
read -ra more <<<"${MORE:-}"
# shellcheck source=examples/smollm2/common.bash
. "$(dirname "$(readlink -f "$0")")/common.bash"
read -ra variants <<<"${VARIANTS:-vanilla $here/rloop}"

# tasks sort|greatest NUMBERS SKIP COUNT: COUNT problems of so many numbers from 1 to 99, no two of the same
# ones, behind the first SKIP of them
tasks() {
	jq -nc --arg kind "$1" --argjson k "$2" --argjson skip "$3" --argjson n "$4" '
		def ask: {role: "user", content:
			((if $kind == "sort" then "Sort from small to large: " else "Which is the greatest? " end)
			 + (map(tostring) | join(", ")))};
		def answer: if $kind == "sort" then sort | map(tostring) | join(", ") else max | tostring end;
		def worked: [[7, 2, 5, 3], [31, 4, 18, 25]][] | .[:$k] | ask, {role: "assistant", content: answer};
		# Numbers of Park and Miller
		def numbers: reduce range($k) as $i (.; .x = .x * 16807 % 2147483647 | .drawn += [.x % 99 + 1]);
		[limit($skip + $n;
			foreach range(1000 * ($skip + $n)) as $i ({x: 20251104, seen: {}};
				.drawn = [] | numbers | (.drawn | unique) as $set | ($set | tostring) as $key |
				.new = (($set | length) == $k and (.seen[$key] | not)) | .seen[$key] = true;
				select(.new).drawn))][$skip:][] |
		{id: "\($kind) \(map(tostring) | join(" "))", messages: [worked, ask], answer: answer, verifier: "exact"}'
}
make train.jsonl tasks sort 3 0 "$train"
make valid.jsonl tasks sort 3 "$train" "$held"
make degrees.jsonl tasks sort 3 $((train + held)) $((held / 2))
make test.jsonl tasks sort 3 $((train + held + held / 2)) "$held"
make four.jsonl tasks sort 4 0 $((held / 2))
make greatest.jsonl tasks greatest 4 $((held / 2)) $((held / 2))
held_out=()
for set in $sets; do
	held_out+=(-e "$set=$set.jsonl")
done

compare -p "$policy" -t train.jsonl "${held_out[@]}" -d runs -S "$seeds" -i "$iterations" -n "$steps" \
	-N "$samples" -k "1,4,$samples" -J "${JOBS:-$(nproc)}" \
	--validation degrees.jsonl --temperatures "${TEMPERATURES:-1,.5,.25}" \
	--explore-opts "--groups $groups --group-size $size --max-new 24 --lr ${LR:-3e-5} --warmup 2 --minibatches 2 \
--rounds 2 --compute $compute ${EXPLORE_OPTS:-}" \
	--tune-opts "--warmup 4 --compute $compute" \
	--eval-opts "--max-new 24 --compute $compute" ${more[@]+"${more[@]}"} "${variants[@]}"
echo "$SECONDS seconds, $(date -u +%F)" >>wall-time
echo "report: $PWD/runs/report.html"
