# rl-explore.bats - what is written, every option, runs that are stopped and runs that cannot go on.
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	fixture tasks base
	records=$root/tests/cli/records.py
}

# rl OPTION ...: two small steps from the base policy
rl() {
	rl-explore -q -p "$FIX/base" -t "$FIX/train.jsonl" -n 2 --groups 4 --group-size 4 \
		--rounds 2 --max-new 12 --lr 1e-3 --warmup 1 "$@"
}

# same A B, differ A B: policies' weights
same() {
	cmp "$1/model.safetensors" "$2/model.safetensors"
}

differ() {
	not cmp -s "$1/model.safetensors" "$2/model.safetensors"
}

# changes OPTION ...: the option makes other weights of the same exploration's first step, which has
# those of the array usual
changes() {
	[ -d usual ] || rl -n 1 --groups 8 --epochs 3 --lr 0.01 "${usual[@]}" -o usual >usual.traj
	rm -rf other
	rl -n 1 --groups 8 --epochs 3 --lr 0.01 "${usual[@]}" "$@" -o other >other.traj
	differ usual other || {
		echo "no effect: $*"
		return 1
	}
}

# column KEY[,KEY]: of a stream on stdin, a line each
column() {
	"$records" keys "$1"
}

@test "a whole stream: head, every response with all its keys, end" {
	rl --log log >out
	read -ra kinds < <("$records" kinds <out)
	[ "${kinds[0]}" = head ] && [ "${kinds[-1]}" = end ]
	[ "$((${#kinds[@]} - 2))" = "$(jq -s 'map(.responses) | add' log)" ]
	traj-cat --head 1 out >one.json 2>/dev/null || traj-cat out | head -n 1 >one.json
	for key in task prompt response id answer verifier meta prompt_tokens tokens logprobs \
		temperature top_p top_k finish sample step iter policy reward verdict used entropy; do
		grep -q "\"$key\":" one.json || {
			echo "no $key"
			cat one.json
			return 1
		}
	done
}

@test "advantages stand where a response was used, and sum to 0 in a group" {
	rl >out
	traj-cat out | jq -es 'all(if .used then .advantage != null else .advantage == null end)
		and (map(.advantage // 0) | add | fabs) < 1e-3 and any(.used) and any(.used | not)'
}

@test "--seed: the same bytes again, others with another" {
	rl -s 7 -o a >a.traj
	rl -s 7 -o b >b.traj
	rl -s 8 -o c >c.traj
	same a b
	differ a c
	cmp a.traj b.traj
	"$records" body <a.traj >a.body
	not cmp -s <("$records" body <c.traj) a.body
}

@test "--threads, --output, --stream, --log and their like: the same bytes with any" {
	for j in 1 2 5; do
		rl -j $j -o p$j >$j.traj
	done
	same p1 p2
	same p1 p5
	cmp 1.traj 2.traj
	cmp 1.traj 5.traj
	rl -o other --stream out.traj --state state --checkpoint-every 1 --log log --profile --recompute \
		--batch 3 --workers 2 --save-every 1 --save-to saved
	cmp 1.traj out.traj
}

@test "--steps and --iter are in the records" {
	rl -n 3 --iter 4 >out
	[ "$(column step <out | sort -u | paste -sd ' ')" = "1 2 3" ]
	[ "$(column iter <out | sort -u)" = 4 ]
}

@test "--output: a policy that loads, and none where something is" {
	rl -o new >out
	policy-init --info new >/dev/null
	status_is 4 rl -o new
	says new
}

@test "--lr 0: ratios are exactly 1 and the weights stay" {
	rl --lr 0 --log log -o new >out
	same new "$FIX/base"
	jq -es 'all(.ratio_error == 0 and .updates == ([4, .groups_kept] | min))' log
}

@test "ratios are 1 before the first update of each step, whatever is learned" {
	rl -n 3 --lr 2e-3 --keep-equal --top-k 5 --temperature 0.7 --epochs 2 --log log >out
	jq -es 'all(.ratio_error == 0) and any(.kl_old > 0)' log
}

@test "--log: one JSON object a step" {
	rl -n 3 --log log >out
	jq -es 'map(.step) == [1, 2, 3] and all(.reward != null and .entropy > 0 and
		.grad_norm > 0 and .kl_start == null and .truncated <= 1 and .seconds > 0)' log
	status_is 4 rl --log no/such/log
	says no/such/log
}

@test "what is read is not written over, and two things not into one file" {
	cp "$FIX/train.jsonl" t.jsonl
	status_is 2 rl -t t.jsonl --log t.jsonl
	says "t.jsonl: input and output are the same file"
	status_is 2 rl -t t.jsonl --stream t.jsonl
	cmp t.jsonl "$FIX/train.jsonl"
	status_is 2 rl --stream new --log new
	says "new: --stream and --log are the same file"
	[ ! -e new ]
	status_is 0 rl -n 1 --stream /dev/null --log /dev/null
}

@test "--profile: a line for each part of the work; a step's parts are in the log" {
	status_is 0 rl-explore -p "$FIX/base" -t "$FIX/train.jsonl" -n 1 --groups 4 --group-size 4 \
		--max-new 12 --profile --log log
	[ "$(sed -n 's/^rl-explore: \([a-z]*\) *[0-9.]* s *[0-9.]* %$/\1/p' err | paste -sd ' ')" = \
		"rest sampling verifying forward backward update waiting" ]
	jq -e '(.rest_s + .sampling_s + .verifying_s + .forward_s + .backward_s + .update_s +
		.waiting_s) * 1.001 >= .seconds and ([.sampling_s, .verifying_s, .forward_s, .backward_s,
		.update_s] | all(. > 0))' log
	rl --log log >out 2>err
	jq -es 'all(.sampling_s > 0)' log
	[ ! -s err ]
}

@test "--groups, --group-size, --keep-equal: one round of so many" {
	rl --groups 3 --group-size 5 --keep-equal --log log >out
	jq -es 'all(.groups_tried == 3 and .groups_kept == 3 and .responses == 15)' log
	[ "$(column sample <out | sort -un | paste -sd ' ')" = "0 1 2 3 4" ]
	status_is 2 rl --group-size 1
	says "group of one"
	status_is 0 rl --group-size 1 --keep-equal --advantage rloo
}

# seen_in STEP FILE: its problems of that step, in order
seen_in() {
	traj-cat "$2" | jq -r "select(.step == $1 and .sample == 0).task" | sort
}

@test "--choose, its bounds, --choose-again: who is passed over, and when no more" {
	head -n 12 "$FIX/train.jsonl" | jq -c '.verifier = "regex" | .answer = "."' >easy.jsonl
	jq -c '.id = "hard" + .id | .answer = "no way"' easy.jsonl | head -n 6 >hard.jsonl
	cat easy.jsonl hard.jsonl >t.jsonl
	easy() {
		rl -t t.jsonl --groups 6 --rounds 1 --group-size 2 --keep-equal --lr 0 "$@"
	}
	easy -n 3 --choose all --log log >all.traj
	easy -n 3 >none.traj
	cmp <("$records" body <all.traj) <("$records" body <none.traj)
	jq -es 'all(has("problems_seen") | not)' log
	# 18 problems in three steps; then only the hard ones, until the others have their turn again
	easy -n 8 --choose unsolved --choose-again 6 --log log >some.traj
	cmp <(for i in 1 2 3; do seen_in $i some.traj; done | sort) <(jq -r .id t.jsonl | sort)
	for i in 4 5 6; do cmp <(seen_in $i some.traj) <(jq -r .id hard.jsonl | sort); done
	[ "$(seen_in 7 some.traj)" != "$(seen_in 6 some.traj)" ]
	jq -es 'map(.problems_seen)[0:4] == [6, 12, 18, 18] and (.[3].problems_out == 12) and
		([.[3:6][].problems_passed] | add) >= 24 and .[0].problems_passed == 0' log
	# both kinds are out of the band: then none is passed over
	easy -n 4 --choose band --log log >band.traj
	jq -es '.[2].problems_out == 18' log
	[ "$(seen_in 4 band.traj | wc -l)" = 6 ]
	easy -n 4 --choose band --choose-low -1 --choose-high 1 >low.traj
	cmp <(seen_in 4 low.traj) <(jq -r .id hard.jsonl | sort)
	easy -n 4 --choose unsolved --choose-high 2 --log log >high.traj
	jq -es 'all(.problems_out == 0)' log
	status_is 2 rl --choose band --choose-low 1
	says "--choose-low 1 is not below --choose-high 1"
	status_is 2 rl --choose hardest
	says "--choose: 'hardest' is none of all|unsolved|band|thompson"
}

@test "--choose thompson, --choose-keep: problems that are solved now and then" {
	head -n 60 "$FIX/train.jsonl" >t.jsonl
	few() {
		rl -t t.jsonl -n 6 --groups 6 --rounds 1 --keep-equal --lr 0 "$@"
	}
	few --choose thompson --log log -s 3 >a.traj
	few --choose thompson -s 3 -j 1 --batch 3 >b.traj
	cmp <("$records" body <a.traj) <("$records" body <b.traj)
	few --choose thompson --choose-keep 0 -s 3 >c.traj
	not cmp -s <("$records" body <a.traj) <("$records" body <c.traj)
	jq -es 'all(.problems_seen > 0 and (has("problems_out") | not)) and .[0].problems_seen == 6' log
	# each of a step's problems once
	[ "$(seen_in 5 a.traj | uniq | wc -l)" = 6 ]
}

# Tasks that nothing solves: every group is of equal rewards
hopeless() {
	jq -c '.verifier = "exact" | .answer = "z"' "$FIX/train.jsonl" >hopeless.jsonl
	rl -t hopeless.jsonl "$@"
}

@test "--rounds and --oversample: how groups of equal rewards are replaced" {
	hopeless --rounds 3 --oversample 2 --log log >out
	jq -es 'all(.groups_tried == 4 + 8 + 8 and .groups_kept == 0 and .updates == 0 and
		.rounds == 3)' log
	[ "$(column used <out | sort -u)" = False ] || [ "$(column used <out | sort -u)" = false ]
	hopeless --rounds 2 --oversample 1 --log log >out
	jq -es 'all(.groups_tried == 8)' log
}

@test "five steps with nothing to learn end the run with status 3" {
	status_is 3 hopeless -n 9 -o new
	says "nothing to learn from"
	says "easier problems"
	[ ! -e new ]
	cp "$BATS_TEST_TMPDIR/out" cut
	[[ $("$records" kinds <cut) != *end ]]
}

# Tasks that any response solves
mastered() {
	jq -c '.verifier = "regex" | .answer = "^"' "$FIX/train.jsonl" >mastered.jsonl
	rl-explore -p "$FIX/base" -t mastered.jsonl -n 9 --groups 4 --group-size 4 --rounds 2 \
		--max-new 12 "$@"
}

@test "mastery is success: the run ends early and whole" {
	status_is 0 mastered -o new --log log --save-every 4 --save-to saved --stream s.traj
	says "mastered: in the last 5 steps"
	says "--keep-equal"
	[ "$(wc -l <log)" = 5 ]
	traj-cat --check s.traj
	same new "$FIX/base"
	[ "$(ls saved | paste -sd ' ')" = "step-4 step-5" ]
	status_is 0 mastered --keep-equal --log log --stream s.traj
	not says mastered
	[ "$(wc -l <log)" = 9 ]
}

@test "mastery with --state: the same call says that all is done" {
	status_is 0 mastered -o new --stream s.traj --state st
	cp s.traj whole.traj
	status_is 0 mastered -o new --stream s.traj --state st
	says "all 5 steps were made before"
	cmp s.traj whole.traj
	traj-cat --check s.traj
}

@test "--max-new: no response is longer" {
	rl --max-new 3 >out
	traj-cat out | jq -es 'all(.tokens | length <= 3) and any(.finish == "length")'
}

@test "--temperature, --top-k, --top-p: recorded, and fewer different responses" {
	rl --keep-equal >usual
	for o in "temperature 0.05" "top_k 1" "top_p 0.05"; do
		read -r key value <<<"$o"
		rl --keep-equal "--${key/_/-}" "$value" >out
		[ "$(column "$key" <out | sort -u)" = "$value" ]
		[ "$(column task,response <out | sort -u | wc -l)" -lt \
			"$(column task,response <usual | sort -u | wc -l)" ]
	done
}

@test "--top-k, --top-p: what was kept is recorded, and ratios are exactly 1" {
	rl >plain
	traj-cat plain | jq -es 'all(has("kept") | not)'
	for o in "--top-p 0.8" "--top-k 5" "--top-k 6 --top-p 0.9 --temperature 1.3" "--top-k 3 --kl 0.1" \
		"--top-p 0.9 --lora 2"; do
		read -r -a opts <<<"$o"
		rl "${opts[@]}" --lr 0 --epochs 2 --log log >/dev/null
		jq -es 'all(.ratio_error == 0 and .kl_old == 0)' log
		rl "${opts[@]}" -j 1 --batch 3 -o a --log log >a.traj
		rl "${opts[@]}" -j 2 -o b >b.traj
		jq -es 'all(.ratio_error == 0)' log
		cmp a/*model.safetensors b/*model.safetensors
		"$records" body <a.traj >a.body
		"$records" body <b.traj | cmp - a.body
		traj-cat --check a.traj
		rm -rf a b
	done
	# log-probabilities are of what is left: of one token, 0
	rl --keep-equal --top-k 1 | traj-cat |
		jq -es 'all(.logprobs | all(. == 0)) and all([.tokens, (.kept | add)] | .[0] == .[1])'
	rl --top-k 2 | traj-cat | jq -es 'all(.kept | all(length == 2))'
	rl --top-p 0.6 --top-k 1000 | traj-cat | jq -es 'map(.kept[] | length) | min == 1 and max < 10'
	# greedy ones are of the whole distribution
	policy-eval -q -p "$FIX/base" -t "$FIX/test.jsonl" --greedy --top-p 0.5 | traj-cat |
		jq -es 'all(has("kept") | not)'
	status_is 2 rl --top-k 1025
	says '--top-k'
	status_is 2 rl --top-p 0
	says '--top-p'
}

@test "--top-p with --state: killed and gone on with, the same bytes" {
	cut=(--top-p 0.8 --top-k 9 -n 20 --checkpoint-every 1)
	rl "${cut[@]}" -o want --stream want.traj
	rl-explore -q -p "$FIX/base" -t "$FIX/train.jsonl" --groups 4 --group-size 4 --rounds 2 --max-new 12 \
		--lr 1e-3 --warmup 1 "${cut[@]}" -o new --stream s.traj --state st --log log &
	wait_for log
	until [ "$(wc -l <log)" -ge 3 ]; do sleep 0.02; done # so there is a checkpoint
	kill -KILL $!
	wait $! || true
	status_is 2 rl "${cut[@]}" --top-p 0.7 -o new --stream s.traj --state st --log log
	status_is 2 rl "${cut[@]}" --top-k 8 -o new --stream s.traj --state st --log log
	rl "${cut[@]}" -o new --stream s.traj --state st --log log
	same want new
	cmp <(traj-cat want.traj) <(traj-cat s.traj)
	jq -es 'length == 20 and all(.ratio_error == 0 or .updates == 0)' log
}

@test "--compute bf16 with --top-p: ratios are exactly 1" {
	rl -n 2 --compute bf16 --top-p 0.8 --lr 0 --log log >/dev/null
	jq -es 'all(.ratio_error == 0)' log
}

@test "--batch changes nothing in the result" {
	rl -o a >a.traj
	rl --batch 3 -o b >b.traj
	same a b
	"$records" body <a.traj >a.body
	"$records" body <b.traj | cmp - a.body
}

@test "--micro-tokens: the same exploration, weights but for rounding" {
	rl -n 1 --log a.log >a.traj
	rl -n 1 --micro-tokens 1 --log b.log >b.traj
	"$records" body <a.traj >a.body
	"$records" body <b.traj | cmp - a.body
	jq -es '(.[0].grad_norm - .[1].grad_norm | fabs) < 1e-4 * .[0].grad_norm' a.log b.log
}

@test "--compute bf16: other weights, but ratios of 1 and the same for any -j" {
	rl -n 2 -o f32 >/dev/null
	rl -n 2 --compute bf16 -j 1 --batch 3 -o a >a.traj
	rl -n 2 --compute bf16 -j 2 -o b >b.traj
	"$records" body <a.traj >a.body
	"$records" body <b.traj | cmp - a.body
	cmp a/model.safetensors b/model.safetensors
	not cmp -s a/model.safetensors f32/model.safetensors
	rl -n 2 --compute bf16 --lr 0 --kl 0.1 --log log >/dev/null
	jq -es 'all(.ratio_error == 0 and .kl_start == 0)' log
}

@test "--compute bf16-vdp: by AVX-512 BF16's instruction, refused where there is none" {
	if ! grep -qw avx512_bf16 /proc/cpuinfo; then
		status_is 2 rl-explore -p "$FIX/base" -t "$FIX/train.jsonl" -n 1 --compute bf16-vdp -o o
		says "--compute bf16-vdp: this processor, or this program, has no AVX-512 BF16"
		skip "no AVX-512 BF16"
	fi
	rl -n 2 --compute bf16-vdp --lr 0 --kl 0.1 --log log >/dev/null
	jq -es 'all(.ratio_error == 0 and .kl_start == 0)' log
}

@test "--recompute: the same bits" {
	rl -n 2 -o a >a.traj
	rl -n 2 --recompute -o b >b.traj
	"$records" body <a.traj >a.body
	"$records" body <b.traj | cmp - a.body
	cmp a/model.safetensors b/model.safetensors
}

@test "--verifier judges what names none" {
	jq -c 'del(.verifier)' "$FIX/train.jsonl" >bare.jsonl
	status_is 3 rl -t bare.jsonl
	rl -t bare.jsonl --verifier countdown >out
	[ "$(column verifier <out | sort -u)" = countdown ]
	status_is 2 rl -t bare.jsonl --verifier nothing
	says nothing
}

@test "--trust: commands that problems name run only with it" {
	jq -c --arg sed "cmd:sed -u 's/.*/{\"reward\":1}/'" '.verifier = $sed' "$FIX/train.jsonl" \
		>cmd.jsonl
	status_is 3 rl -t cmd.jsonl
	says trust
	rl -t cmd.jsonl --trust --keep-equal --workers 2 >out
	[ "$(column reward <out | sort -u)" = 1.0 ] || [ "$(column reward <out | sort -u)" = 1 ]
}

@test "--deadline, --max-output, --max-failures: a failed verifier is no reward of 0" {
	jq -c 'del(.verifier)' "$FIX/train.jsonl" >bare.jsonl
	rl -n 1 -t bare.jsonl --keep-equal --group-size 2 --verifier 'cmd:sleep 9' --deadline 0.02 \
		--max-failures 1 >out
	[ "$(column verdict <out | sort -u)" = timeout ]
	traj-cat out | jq -es 'all(has("reward") | not)'
	rl -n 1 -t bare.jsonl --keep-equal --group-size 2 --max-output 20 --max-failures 1 \
		--verifier 'cmd:sed -u s/.*/{\"reward\":1,\"extracted\":\"aaaaaaaaaaaaaa\"}/' >out
	[ "$(column verdict <out | sort -u)" = too-long ]
	status_is 3 rl -t bare.jsonl --keep-equal --verifier 'cmd:sed -u s/.*/what/' \
		--max-failures 0.1
	says "--max-failures 0.1"
	# too few to be sure of it before the end
	status_is 3 rl -n 1 -t bare.jsonl --keep-equal --group-size 2 -o p \
		--verifier 'cmd:sed -u s/.*/what/' --max-failures 0.5
	says "rl-explore: verifier: 20 of 20 verdicts are failures (20 garbage), more than --max-failures 0.5; no answer is: what"
	[ ! -e p ]
}

@test "--advantage: each estimator" {
	rl -n 1 --advantage grpo >grpo.traj
	for a in dr-grpo rloo reinforce++ maxrl pass-at-k reinforce++-baseline opo; do
		rl -n 1 --advantage $a >$a.traj
		not cmp -s <(column advantage <grpo.traj) <(column advantage <$a.traj)
	done
	# r - mean against r - mean of the other three: 4/3 as large
	paste <(column used,advantage <dr-grpo.traj) <(column used,advantage <rloo.traj) |
		awk '$2 ~ /[0-9]/ && ($4 / $2 < 1.3333 || $4 / $2 > 1.3334) { bad = 1 } END { exit bad }'
	changes --advantage dr-grpo
	status_is 2 rl --advantage best
	says "--advantage: 'best' is none of grpo|"
}

@test "--advantage maxrl: rewards below 0 are refused, and nothing that was sampled is lost" {
	jq -c 'del(.verifier)' "$FIX/train.jsonl" >bare.jsonl
	cat >judge <<-'END'
		#!/bin/sh
		n=0
		while read -r line; do
			n=$((n + 1))
			echo "{\"reward\":$((n % 3 - 1))}"
		done
	END
	chmod +x judge
	status_is 3 rl -n 1 -t bare.jsonl --verifier "cmd:$PWD/judge" --advantage maxrl --stream s.traj -o new
	says "step 1: reward -1: --advantage maxrl"
	[ ! -e new ]
	[ "$("$records" body <s.traj | wc -c)" -gt 0 ]
	status_is 2 rl --advantage maxrl --overlong-buffer 4
	says "which --overlong-buffer makes"
}

@test "--advantage-k: of so many the best counts" {
	rl -n 1 --advantage pass-at-k --advantage-k 2 >two.traj
	rl -n 1 --advantage pass-at-k --advantage-k 3 >three.traj
	not cmp -s <(column advantage <two.traj) <(column advantage <three.traj)
	# 4 at most are right of a group of 4: of all of them the best is one value
	rl -n 1 --advantage pass-at-k --advantage-k 4 | traj-cat |
		jq -es 'any(.used) and all(.advantage == null or .advantage == 0)'
	status_is 2 rl --advantage pass-at-k --advantage-k 5
	says "--advantage-k 5 is more than --group-size 4"
	status_is 2 rl --advantage pass-at-k --advantage-k 0
}

# a verifier with three rewards: the right one now and then, the form nearly always, the length
several() {
	cat >judge <<-'END'
		#!/bin/sh
		n=0
		while read -r line; do
			n=$((n * 5 % 17 + 1))
			echo "{\"reward\":$((n % 2)),\"rewards\":{\"form\":$((n % 7 > 0)),\"short\":0.$n}}"
		done
	END
	chmod +x judge
	jq -c 'del(.verifier)' "$FIX/train.jsonl" >bare.jsonl
	rl -t bare.jsonl --verifier "cmd:$PWD/judge" "$@"
}

@test "--rewards: several rewards of a verifier, in the records and in place of the reward" {
	several -n 1 --keep-equal --advantage dr-grpo >one.traj
	traj-cat one.traj | jq -es 'all(.rewards | has("form") and has("short"))'
	several -n 1 --keep-equal --advantage dr-grpo --rewards reward >same.traj
	cmp <(column advantage <one.traj) <(column advantage <same.traj)
	several -n 1 --keep-equal --advantage dr-grpo --rewards reward=2,short=-1 >sum.traj
	cmp <(column rewards <one.traj) <(column rewards <sum.traj)
	cmp <(column reward <one.traj) <(column reward <sum.traj)
	# advantages of a group of 4 are of the weighted sum
	traj-cat sum.traj | jq -es '[_nwise(4)] | all(map(2 * .reward - .rewards.short) as $r | ($r | add / 4) as $m |
		[range(4) as $i | .[$i].advantage - ($r[$i] - $m) | fabs < 1e-5] | all)'
	several -n 1 --rewards form,short=0.5 --advantage gdpo -o a >a.traj
	several -n 1 --rewards form,short=0.5 --advantage grpo -o b >b.traj
	differ a b
	# what counts decides which groups are replaced: all have their form, and not their length
	several -n 1 --rounds 1 --rewards form --log form.log >form.traj
	several -n 1 --rounds 1 --rewards form,short=1e-9 --log short.log >short.traj
	jq -es '.[0].groups_kept < 4 and .[1].groups_kept == 4' form.log short.log
	status_is 3 several -n 1 --rewards right --stream s.traj
	says "there is no right, which --rewards names"
	says "task "
	[ "$("$records" body <s.traj | wc -c)" -gt 0 ]
	status_is 3 rl --rewards form
	says "there is no form"
	status_is 2 rl --rewards form=x
	says "--rewards: 'form=x' is not NAME=WEIGHT"
	status_is 2 rl --advantage gdpo
	says "of several --rewards"
	status_is 2 rl --advantage gdpo --rewards form --overlong-buffer 3
	says "--overlong-buffer"
}

@test "--overlong-buffer, --overlong-penalty: long responses lose, records keep the reward" {
	rl -n 1 --keep-equal --advantage dr-grpo >a.traj
	rl -n 1 --keep-equal --advantage dr-grpo --overlong-buffer 12 >b.traj
	rl -n 1 --keep-equal --advantage dr-grpo --overlong-buffer 12 --overlong-penalty 2 >c.traj
	cmp <(column reward <a.traj) <(column reward <b.traj)
	not cmp -s <(column advantage <a.traj) <(column advantage <b.traj)
	not cmp -s <(column advantage <b.traj) <(column advantage <c.traj)
}

@test "--mask-truncated: what was cut off is judged and compared, and not learned from" {
	usual=(--keep-equal --max-new 4)
	changes --mask-truncated --log masked.log
	cmp <("$records" body <usual.traj) <("$records" body <other.traj) # advantages too
	jq -es '.[0].truncated > 0 and .[0].truncated < 1' masked.log
	# where each is cut off there is no update
	rl --max-new 1 --keep-equal --mask-truncated --log none.log -o none >none.traj
	[ "$(column finish <none.traj | sort -u)" = length ]
	jq -es 'all(.updates == 0)' none.log
	same none "$FIX/base"
}

@test "--loss and --aggregate: each makes other weights" {
	usual=(--clip 0) # which would undo a factor
	changes --loss gspo
	changes --loss cispo
	changes --loss sapo
	changes --loss dppo-tv
	changes --loss dppo-kl
	changes --aggregate seq-mean-token-mean
	changes --aggregate seq-mean-token-sum-norm
	status_is 2 rl --loss best
	says "--loss: 'best' is none of dapo|gspo|cispo|"
}

@test "--sapo-rise, --sapo-fall, --dppo-bound: what fades, and where it ends" {
	usual=(--loss sapo)
	changes --sapo-rise 3
	changes --sapo-fall 3
	rm -r usual
	usual=(--loss dppo-tv)
	changes --dppo-bound 1e-3 --log far.log
	jq -es 'all(.clip_fraction > 0)' far.log
	# without a number it is the usual one
	for o in "dppo-tv 0.15" "dppo-kl 0.05"; do
		read -r loss bound <<<"$o"
		rl --loss $loss -o a >a.traj
		rl --loss $loss --dppo-bound $bound -o b >b.traj
		same a b
		rm -r a b
	done
}

@test "--clip-low, --clip-high, --dual-clip matter once the policy has moved" {
	changes --clip-low 0.01
	changes --clip-high 0.01
	changes --dual-clip 1.0001
	status_is 2 rl --dual-clip 0.5
}

@test "--kl: a term towards the start, and its measure in the log" {
	changes --kl 0.5 --log log
	jq -es 'all(.kl_start > 0)' log
}

@test "--entropy-coef: a bonus that keeps entropy up, in the loss and its gradient" {
	changes --entropy-coef 0.01
	rl -n 1 --keep-equal --minibatches 1 --log a.log >a.traj
	rl -n 1 --keep-equal --minibatches 1 --entropy-coef 0.5 --log b.log >b.traj
	# the loss is less by its share: half the entropy of what was sampled
	jq -es '(.[0].loss - .[1].loss) / (0.5 * .[0].entropy) | . > 0.9999 and . < 1.0001' a.log b.log
	rl -n 3 --keep-equal --epochs 4 --lr 0.01 --log a.log >a.traj
	rl -n 3 --keep-equal --epochs 4 --lr 0.01 --entropy-coef 1 --log b.log >b.traj
	jq -es '.[5].entropy > .[2].entropy' a.log b.log
	# for any micro-batch and threads
	rl -n 1 --entropy-coef 0.5 --micro-tokens 1 --log c.log >c.traj
	rl -n 1 --entropy-coef 0.5 -j 1 --log d.log -o d >d.traj
	rl -n 1 --entropy-coef 0.5 -j 3 --recompute -o e >e.traj
	same d e
	jq -es '(.[0].grad_norm - .[1].grad_norm | fabs) < 1e-4 * .[0].grad_norm' c.log d.log
}

@test "--epochs and --minibatches: so many updates" {
	rl --epochs 3 --minibatches 2 --log log >out
	jq -es 'all(.updates == 6)' log
}

@test "--warmup: the learning rate rises by the step" {
	rl -n 3 --warmup 2 --lr 0.004 --log log >out
	jq -es 'map(.lr) == [0.002, 0.004, 0.004]' log
}

@test "--weight-decay, --beta1, --beta2, --eps, --clip: each makes other weights" {
	changes --weight-decay 0.9
	changes --beta1 0.5
	changes --beta2 0.5
	changes --eps 0.1
	changes --clip 0.001
	for kind in sgd lion muon; do
		changes --optimizer $kind
	done
	for pair in "lion --lion-beta2" "muon --momentum"; do
		rm -rf usual
		usual=(--optimizer "${pair% *}")
		changes "${pair#* }" 0.5
	done
}

@test "--save-every and --save-to: policies along the way" {
	rl -n 4 --save-every 2 --save-to run -o last >out
	[ "$(ls run | paste -sd ' ')" = "step-2 step-4" ]
	same run/step-4 last
	differ run/step-2 last
	status_is 2 rl --save-every 2
	status_is 2 rl --save-to run
	status_is 4 rl -n 4 --save-every 2 --save-to run
	says run/step-2
}

@test "--dtype: of the saved weights" {
	rl -n 1 -o a >out
	rl -n 1 -o b --dtype bf16 >out
	[ "$(wc -c <a/model.safetensors)" -gt $((3 * $(wc -c <b/model.safetensors) / 2)) ]
}

# weights FILE: hashes of the weights that sampled its records of step 2 (or of all)
weights() {
	traj-cat "$1" | jq -r 'select((.step // 2) == 2) | .policy' | sort -u
}

# kept POLICY OPTION ...: the second step samples from the very weights that were saved after the
# first, and what is sampled from the folder is sampled from them
kept() {
	local from=$1
	shift
	rm -rf saved
	rl -n 2 -p "$from" --lr 1e-6 --warmup 0 --save-every 1 --save-to saved "$@" >kept.traj
	policy-eval -q -p saved/step-1 -t "$FIX/test.jsonl" --max-new 2 >eval.traj
	[ "$(weights kept.traj | wc -l)" = 1 ]
	[ "$(weights kept.traj)" = "$(weights eval.traj)" ]
}

@test "what was learned is kept: the policy that is written is the one that was trained" {
	policy-mix -q "$FIX/base" -o half --dtype bf16
	kept half
	[ "$(policy-init --info saved/step-1 | sed -n 's/^dtype	//p')" = f32 ]
	kept "$FIX/base"
	kept half --lora 2 --lr 1e-3
	kept half --compute bf16
	# rounding it away is a choice, and told
	status_is 0 rl-explore -p half -t "$FIX/train.jsonl" --max-new 12 -n 1 --lr 1e-6 --warmup 0 \
		--keep-equal -o same --dtype same --round nearest
	says "weights that changed come back with their former value"
	[ "$(wc -c <same/model.safetensors)" = "$(wc -c <half/model.safetensors)" ]
}

@test "what a run needs is told: memory, and disk for each policy" {
	policy-mix -q "$FIX/base" -o half --dtype bf16
	n=$(policy-init --info half | awk '$1 == "parameters" { print $2 }')
	small=(-p half -t "$FIX/train.jsonl" -n 1 --groups 2 --group-size 2 --rounds 1 --max-new 4
		--keep-equal)
	status_is 0 rl-explore "${small[@]}" -o a
	says "disk: at most $(awk -v n="$n" 'BEGIN { printf "%.1f MB", 4 * n / 1e6 }') for each"
	status_is 0 rl-explore "${small[@]}" -o b --dtype same
	says "disk: $(awk -v n="$n" 'BEGIN { printf "%.1f MB", 2 * n / 1e6 }') for each policy"
}

@test "wrong calls and inputs are refused" {
	status_is 2 rl-explore -t "$FIX/train.jsonl"
	status_is 2 rl-explore -p "$FIX/base"
	status_is 2 rl operand
	status_is 3 rl -t /dev/null
	echo '{"id":"strange","prompt":"a?","answer":"1"}' >t.jsonl
	status_is 3 rl -t t.jsonl
	says strange
	echo '{"id":"long","prompt":"'"$(printf '1%.0s' {1..90})"'","answer":"1"}' >t.jsonl
	status_is 3 rl -t t.jsonl
	says "no room"
	echo '{"id":"chat","messages":[{"role":"user","content":"1"}],"answer":"1"}' >t.jsonl
	status_is 3 rl -t t.jsonl
	says messages
	status_is 2 rl --prompt-template 'no place'
	says "it lacks {prompt}"
}

@test "--prompt-template and messages: what the policy sees is what the records say" {
	rl -n 1 --prompt-template ' {prompt}' | traj-cat | jq -es 'all(.prompt | startswith(" "))'
	cp -r "$FIX/base" chat
	# ChatML, with a tokenizer that knows neither its tokens nor its letters
	jq '.chat_template = "{% for message in messages %}{{ \"<|im_start|>\" + message.role + \"\\n\" +
		message.content + \"<|im_end|>\\n\" }}{% endfor %}{% if add_generation_prompt %}{{
		\"<|im_start|>assistant\\n\" }}{% endif %}"' "$FIX/base/tokenizer_config.json" >c
	cat c >chat/tokenizer_config.json
	echo '{"id":"chat","messages":[{"role":"user","content":"1"}],"answer":"1","verifier":"exact"}' >t.jsonl
	status_is 3 rl-explore -q -p chat -t t.jsonl -n 1
	says "no token for byte"
	# arguments, and messages that go on
	jq '.chat_template = "{{ messages[-1].content }}{{ x }}"' "$FIX/base/tokenizer_config.json" >c
	cat c >chat/tokenizer_config.json
	rl-explore -q -p chat -t t.jsonl -n 1 --template-arg x=23 | traj-cat |
		jq -es 'length > 0 and all(.prompt == "123")'
	echo '{"id":"chat","messages":[{"role":"user","content":"1"},{"role":"assistant","content":"4"}],"verifier":"exact","label":"1"}' >t.jsonl
	status_is 3 rl-explore -q -p chat -t t.jsonl -n 1
	says "--continue-final"
	rl-explore -q -p chat -t t.jsonl -n 1 --continue-final | traj-cat |
		jq -es 'length > 0 and all(.prompt == "4")'
}

@test "records are not written to a terminal" {
	need_tool script
	script -qec "rl-explore -p $FIX/base -t $FIX/train.jsonl" /dev/null >said && return 1
	grep -q "not written to a terminal" said
}

# wait_for FILE: until there is something in it
wait_for() {
	for _ in {1..200}; do
		[ -s "$1" ] && return
		sleep 0.05
	done
	return 1
}

@test "a signal: the step is finished, no end record, no policy, death by that signal" {
	for sig in TERM INT; do
		rm -f log
		# in a shell of its own, where SIGINT is not ignored
		env --default-signal=INT rl-explore -q -p "$FIX/base" -t "$FIX/train.jsonl" -n 100000 \
			--groups 4 --group-size 4 --max-new 12 --log log -o new >out 2>err &
		pid=$!
		wait_for log
		kill -$sig $pid
		rc=0
		wait $pid || rc=$?
		[ $rc = $((128 + $(kill -l $sig))) ]
		[[ $("$records" kinds <out) != *end ]]
		[ ! -e new ]
		grep -q "no end record" err
		# what is there is whole: as many responses as the log says
		[ "$("$records" body <out | wc -c)" -gt 0 ]
		[ "$(column step <out | sort -un | tail -n 1)" = "$(jq .step log | tail -n 1)" ]
	done
}

@test "a second signal does not wait for the step" {
	jq -c 'del(.verifier)' "$FIX/train.jsonl" >bare.jsonl
	rl-explore -q -p "$FIX/base" -t bare.jsonl --verifier "cmd:echo >>$PWD/judging; sleep 60" \
		--deadline 60 >out 2>err &
	pid=$!
	wait_for judging
	kill -TERM $pid
	kill -0 $pid
	# again and again: two that come before the first is taken are one
	for _ in {1..100}; do
		kill -TERM $pid 2>/dev/null || break
		sleep 0.05
	done
	kill -KILL $pid 2>/dev/null || true
	rc=0
	wait $pid || rc=$?
	[ $rc = 143 ]
}

@test "updates that are not finite are left out; five in a row stop the run" {
	cat >judge <<-'END'
		#!/bin/sh
		sign=
		while read -r line; do
			echo "{\"reward\":${sign}1e300}"
			[ -n "$sign" ] && sign= || sign=-
		done
	END
	chmod +x judge
	jq -c 'del(.verifier)' "$FIX/train.jsonl" >bare.jsonl
	status_is 3 rl -n 9 -t bare.jsonl --verifier "cmd:$PWD/judge" --advantage dr-grpo --log log \
		-o new
	says "not finite"
	jq -es 'map(.skipped) == [4, 1] and all(.updates == 0)' log
	[ ! -e new ]
	same new.last-good "$FIX/base"
	[[ $("$records" kinds <"$BATS_TEST_TMPDIR/out") != *end ]]
}

@test "killed in a pipeline: no policy comes out at its end" {
	mkfifo pipe
	rl-explore -q -p "$FIX/base" -t "$FIX/train.jsonl" -n 100000 --groups 4 --group-size 4 \
		--max-new 12 --log log >pipe 2>/dev/null &
	pid=$!
	traj-filter -q --correct <pipe 2>/dev/null |
		rft-tune -q -p "$FIX/base" -o new 2>err &
	tune=$!
	wait_for log
	kill -KILL $pid
	wait $pid || true
	rc=0
	wait $tune || rc=$?
	[ $rc = 3 ]
	[ ! -e new ]
}

@test "two writers of one --stream or --log: the second is refused" {
	rl-explore -q -p "$FIX/base" -t "$FIX/train.jsonl" -n 100000 --keep-equal --stream s.traj \
		--log a.log 3>&- &
	first=$!
	for _ in {1..400}; do
		[ ! -s a.log ] || break
		sleep 0.05
	done
	status_is 4 rl -n 1 --stream s.traj
	says "s.traj: another process is writing it"
	status_is 4 rl -n 1 --log a.log --stream other.traj
	says "a.log: another process is writing it"
	kill -0 $first
	kill $first
	wait $first || true
	status_is 0 rl -n 1 --stream s.traj --log a.log
	traj-cat --check s.traj
	[ "$(wc -l <a.log)" = 1 ]
}

@test "a rate that moves nothing, and a temperature that draws nothing, are told" {
	few=(rl-explore -p "$FIX/base" -t "$FIX/train.jsonl" -n 1 --groups 2 --group-size 4 --rounds 1
		--keep-equal --max-new 6 --stream s.traj)
	status_is 0 "${few[@]}" --lr 1e-12
	says "at --lr 1e-12 move a weight by"
	status_is 0 "${few[@]}" --lr 0
	not grep -F "teaches next to nothing" err
	status_is 0 "${few[@]}" --lr 1e-3
	not grep -F "teaches next to nothing" err
	status_is 2 rl --temperature 0 --stream s.traj
	says "--temperature: 0 is below 0.01"
	not grep -F -e --greedy err
}

@test "-s: a seed is not below 0" {
	for tool in rl-explore rft-tune policy-eval traj-filter pass-at-k eval-compare task-gen policy-init policy-mix; do
		status_is 2 "$tool" -s -1
		says "--seed: '-1' is not a whole number from 0"
	done
}

@test "less room on the disk than the policies take is told before training" {
	mkdir small # a disk of its own
	unshare -rm true 2>/dev/null || skip "no user namespaces"
	cat >inside <<-'END'
		mount -t tmpfs -o size=64k none small || exit 77
		rl-explore -p "$FIX/base" -t "$FIX/train.jsonl" -n 1 --groups 1 --group-size 2 --rounds 1 --max-new 4 \
			--keep-equal --stream s.traj -o small/new
	END
	FIX=$FIX status_is 4 unshare -rm bash inside
	says "disk: small/new: "
	says "are free, and up to"
}

@test "--max-prompt: longer prompts are left out and counted" {
	for i in 1 2 3 40 500; do
		printf '{"id":"p%d","prompt":"%0*d","answer":"1"}\n' $i $i 0
	done >mixed.jsonl
	status_is 0 rl-explore -p "$FIX/base" -t mixed.jsonl --verifier exact -n 2 --groups 3 --group-size 2 \
		--rounds 1 --keep-equal --max-new 4 --max-prompt 3 --stream s.traj
	says "2 of 5 problems have prompts of more than --max-prompt 3 tokens: left out"
	[ "$(traj-cat -c task s.traj | sort -u | paste -sd ' ')" = "p1 p2 p3" ]
	status_is 3 rl -t mixed.jsonl --verifier exact --max-prompt 0 --stream s.traj
	says "leaves no room"
}
