# pipelines/rloop with stages that are scripts: order, files, resumption.
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	fake_stages
}

rloop() {
	"$root/pipelines/rloop" -p base -t train.jsonl -e test.jsonl -i 2 -n 7 -k 1,2 "$@"
}

# results DIR: everything that a run leaves, but for its notes on itself
results() {
	(cd "$1" && find . -type f ! -name options ! -name run.conf ! -name .lock -exec sha256sum {} + | sort -k 2)
}

@test "each iteration tunes the policy that it explored from" {
	status_is 0 rloop -d run
	grep ^tune log >tunes
	[[ $(sed -n 1p tunes) == *"-p $PWD/base -o run/iter-1/policy.part "*"run/iter-1/expert.traj" ]]
	[[ $(sed -n 2p tunes) == *"-p run/iter-1/policy -o run/iter-2/policy.part "* ]]
	[ "$(cat run/iter-2/policy/model.safetensors)" = \
		"base tuned on 2 lines tuned on 2 lines" ]
	cut -d' ' -f1 log | tr '\n' ' ' >order
	[[ $(cat order) == "eval passk explore filter cat tune eval passk cat explore filter cat tune eval passk cat "* ]]
	for i in 1 2; do
		for f in explore.traj explore.log expert.traj policy eval.traj pass-at-k.tsv; do
			[ -e "run/iter-$i/$f" ]
		done
	done
	[ -z "$(find run -name '*.part')" ]
}

@test "the summary has a row for each policy, on stdout and in summary.tsv" {
	status_is 0 rloop -d run
	[ "$output" = "$(cat run/summary.tsv)" ]
	[ "$(wc -l <run/summary.tsv)" -eq 4 ]
	[ "$(cut -f 1,2 run/summary.tsv | tr '\t\n' ' ,')" = "iter rl_steps,0 0,1 7,2 14," ]
	[ "$(sed -n 1p run/summary.tsv | cut -f 3-)" = "$(printf 'policy\treward\texpert\tavg@n\tpass@1')" ]
	[ "$(sed -n 2p run/summary.tsv | cut -f 3-)" = "$(printf 'base\t-\t-\t0.25\t0.5')" ]
	[ "$(sed -n 4p run/summary.tsv | cut -f 3-)" = "$(printf 'rft\t0.250\t2\t0.25\t0.5')" ]
}

@test "--eval-rl: the policy that RL ended with is evaluated too" {
	status_is 0 rloop -d run --eval-rl
	[ "$(cat run/iter-1/rl-eval.traj)" = "evaluated where RL ended" ]
	[ "$(cut -f 3 run/summary.tsv | paste -s -d ' ')" = "policy base rl rft rl rft" ]
	[ "$(cat run/iter-1/policy/model.safetensors)" = "base tuned on 2 lines" ]
}

@test "--mix: the next policy is between the tuned one and where RL ended" {
	status_is 0 rloop -d run --mix 0.3
	grep -E '^mix -w 0.3 run/iter-2/tuned run/iter-2/rl-policy -o run/iter-2/policy.part' log
	[ "$(cat run/iter-1/policy/model.safetensors)" = "(base tuned on 2 lines) and (where RL ended)" ]
	grep -E '^explore -p run/iter-1/policy ' log
	grep -E '^tune -p run/iter-1/policy ' log
	[ ! -e run/iter-1/rl-eval.traj ]
	status_is 2 rloop -d run --mix 0.4
	status_is 2 rloop -d other --mix 1.5
	says "--mix: '1.5' is not a number from 0 to 1"
}

@test "--mix: half and half, but not of adapters nor with another explorer" {
	mixes() { # WHAT OPTION ...: with rl-explore, which is stopped at once
		EXPLORE="false rl-explore" run rloop -d "$1" "${@:2}"
		sed -n 's/^mix=//p' "$1/options"
	}
	[ "$(mixes ours)" = 0.5 ]
	[ "$(mixes lower --explore-opts '--lr 1e-4')" = 0.5 ]
	[ "$(mixes lora --explore-opts '--lora 8')" = 0 ]
	[ "$(mixes tuned --tune-opts '--lr 1e-4 --lora=8')" = 0 ]
	[ "$(mixes also --explore-opts '--lora 8' --mix 0.2)" = 0.2 ]
	status_is 0 rloop -d run
	[ ! -e run/iter-1/tuned ]
}

@test "--mix, killed -9 in the middle: the same call ends with the same files" {
	status_is 0 rloop -d whole --mix 0.3
	results whole >whole.sums
	rm log
	FAKE_KILL=mix:2:middle status_is 137 rloop -d run --mix 0.3
	status_is 0 rloop -d run --mix 0.3
	results run | diff whole.sums -
}

@test "--mix-last: mixed after the last iteration only" {
	status_is 0 rloop -d run --mix 0.3 --mix-last
	[ "$(grep -c ^mix log)" -eq 1 ]
	grep -E '^mix -w 0.3 run/iter-2/tuned run/iter-2/rl-policy -o run/iter-2/policy.part' log
	[ "$(cat run/iter-1/policy/model.safetensors)" = "base tuned on 2 lines" ]
	[ ! -e run/iter-1/tuned ]
	[ ! -e run/iter-1/rl-policy ]
	# which one is the last cannot change
	status_is 2 rloop -d run --mix 0.3 --mix-last -i 3
	status_is 2 rloop -d run --mix 0.3
	status_is 2 rloop -d other --mix-last --mix 0
	says "--mix-last: there is nothing to mix (--mix 0)"
}

@test "--hindsight: relabelled trajectories are filtered with the others, of all iterations" {
	status_is 0 rloop -d run --hindsight --relabel-opts '--per-task 3' -e more=test.jsonl
	[ "$(grep -c ^relabel log)" -eq 2 ]
	grep -E "^relabel --only -p $PWD/base --not-in $PWD/test.jsonl --not-in $PWD/test.jsonl --per-task 3 run/iter-1/explore.traj run/iter-2/explore.traj\$" log
	grep -E '^filter .* run/iter-1/explore.traj run/iter-1/relabelled.traj$' log
	grep -E '^filter .* run/iter-1/explore.traj run/iter-2/explore.traj run/iter-2/relabelled.traj$' log
	cmp run/iter-1/relabelled.traj run/iter-1/explore.traj
	[ "$(head -n 1 run/summary.tsv | cut -f 5-6)" = "$(printf 'expert\trelabelled')" ]
	[ "$(cut -f 6 run/summary.tsv | paste -s -d ' ')" = "relabelled - 2 2" ]
	[ "$(cut -f 3 run/summary.tsv | paste -s -d ' ')" = "policy base rft rft" ]
	"$root/pipelines/rloop" status run | grep -P '^hindsight\ton'
	[ "$("$root/pipelines/rloop" status --json run | jq .hindsight)" = true ]
	status_is 2 rloop -d run -e more=test.jsonl
	says "begun with other options"
	: >log
	status_is 0 rloop -d plain
	[ "$(grep -c ^relabel log)" -eq 0 ]
	[ "$("$root/pipelines/rloop" status --json plain | jq .hindsight)" = false ]
	status_is 2 rloop -d other --relabel-opts '--per-task 3'
	says "--relabel-opts: there is no --hindsight"
}

@test "--hindsight: no problem of --validation, also where that is named later" {
	echo '{"id": "one"}' >valid.jsonl
	status_is 0 rloop -d run --hindsight --validation valid.jsonl --temperatures 1
	grep -E "^relabel .* --not-in $PWD/test.jsonl --not-in $PWD/valid.jsonl run/" log
	status_is 0 rloop -d other --hindsight
	head -n 1 other/iter-2/relabelled.traj | jq -R -c '{id: .}' >valid.jsonl
	status_is 3 rloop -d other --hindsight --validation valid.jsonl --temperatures 1
	says "valid.jsonl: 1 of its problems were learned by --hindsight"
}

@test "--hindsight with --experts last: of one iteration" {
	status_is 0 rloop -d run --hindsight --experts last
	grep -E '^relabel .* run/iter-2/explore.traj$' log
	[ "$(grep -c '^relabel.*iter-1.*iter-2' log)" -eq 0 ]
}

@test "--hindsight, killed -9 while it relabels: the same call ends with the same files" {
	status_is 0 rloop -d whole --hindsight
	results whole >whole.sums
	for when in 1:start 2:middle; do
		rm -rf log run
		FAKE_KILL=relabel:$when status_is 137 rloop -d run --hindsight
		status_is 0 rloop -d run --hindsight
		results run | diff whole.sums -
	done
}

@test "--experts: the expert set is of the trajectories of all iterations, or of the last" {
	status_is 0 rloop -d run -i 3
	grep -E '^filter --correct .* run/iter-1/explore.traj$' log
	grep -E '^filter --correct .* run/iter-1/explore.traj run/iter-2/explore.traj run/iter-3/explore.traj$' log
	: >log
	status_is 0 rloop -d explicit --experts all
	grep -E '^filter --correct .* explicit/iter-1/explore.traj explicit/iter-2/explore.traj$' log
	: >log
	status_is 0 rloop -d other --experts last
	[ "$(grep -c '^filter.*iter-1.*iter-2' log)" -eq 0 ]
	status_is 2 rloop -d other --experts none
	says "--experts: 'none' is none of: last all"
}

@test "--tune-from: the policy given, where exploration began, where RL ended" {
	status_is 0 rloop -d run --tune-from first
	[ "$(grep -c "^tune -p $PWD/base " log)" -eq 2 ]
	grep -E '^explore -p run/iter-1/policy ' log
	: >log
	status_is 0 rloop -d start --tune-from start
	grep -E '^tune -p start/iter-1/policy -o start/iter-2' log
	status_is 0 rloop -d rl --tune-from rl
	grep -E '^tune -p rl/iter-2/rl-policy -o rl/iter-2' log
	status_is 2 rloop -d other --tune-from last
	says "--tune-from: 'last' is none of: start first rl"
}

@test "after kill -9 at any stage the same call ends with the same files" {
	status_is 0 rloop -d whole
	results whole >whole.sums
	whole_calls=$(wc -l <log)
	for stage in explore filter tune eval passk; do
		for when in 2:start 2:middle; do
			[ "$stage:$when" != passk:2:middle ] || continue
			rm -rf run log
			FAKE_KILL=$stage:$when status_is 137 rloop -d run
			calls=$(wc -l <log)
			status_is 0 rloop -d run
			results run | diff whole.sums -
			# the stage that was cut off is the only one that ran again
			extra=1
			[ "$stage" != tune ] || extra=2 # rows are counted again
			[ "$(wc -l <log)" -eq $((whole_calls + extra)) ] || {
				echo "$stage:$when: $calls calls, then $(wc -l <log), not $whole_calls + $extra"
				return 1
			}
			[ "$(grep -c outlived log)" -eq 0 ]
		done
	done
}

@test "a half-written result is not taken for a whole one" {
	status_is 0 rloop -d run
	mv run/iter-1/policy run/iter-1/policy.part
	rm run/iter-1/policy.part/model.safetensors
	status_is 0 rloop -d run
	[ "$(cat run/iter-1/policy/model.safetensors)" = "base tuned on 2 lines" ]
}

@test "a stage that fails ends the run with its status and says which" {
	FAKE_FAIL=filter:3 status_is 3 rloop -d run
	says "rloop run: iter-1 filter: fake-stage: exit status 3"
	[ ! -e run/iter-1/expert.traj ]
	status_is 0 rloop -d run
	FAKE_FAIL=eval:2 status_is 2 rloop -d other
	says "exit status 2: take other options"
}

@test "other options are refused, more iterations and threads are not" {
	status_is 0 rloop -d run
	status_is 2 rloop -d run -n 8
	says "begun with other options"
	says "steps=8"
	status_is 2 rloop -d run --tune-opts "--epochs 9"
	sleep 0.01
	echo '{}' >test.jsonl
	status_is 2 rloop -d run
	says "eval_tasks="
}

@test "inputs are what is in them: touched, copied, elsewhere they are the same" {
	status_is 0 rloop -d run
	: >log
	touch -d 2020-01-01 train.jsonl test.jsonl base/model.safetensors
	status_is 0 rloop -d run
	mkdir there
	cp -r base train.jsonl test.jsonl there
	status_is 0 "$root/pipelines/rloop" -p there/base -t there/train.jsonl -e there/test.jsonl \
		-i 2 -n 7 -k 1,2 -d run
	[ "$(cut -d ' ' -f 1 log | sort -u)" = cat ]
	echo other >base/model.safetensors
	status_is 2 rloop -d run
	says "policy=contents"
}

@test "other options are fine until something made with the former ones is kept" {
	FAKE_FAIL=eval:4 status_is 4 rloop -d run
	FAKE_KILL=explore:1:middle status_is 137 rloop -d run -N 9 --explore-opts "--lr 1"
	[ -s run/iter-1/explore.traj.part ]
	# only the policy given was evaluated: with these samples
	status_is 2 rloop -d run -N 8
	says "samples=8"
	mkdir -p run/iter-1/explore.state/step-2
	touch run/iter-1/explore.state/step-2/manifest
	status_is 2 rloop -d run -N 9 --explore-opts "--lr 2"
	rm run/iter-1/explore.state/step-2/manifest
	status_is 0 rloop -d run -N 9 --explore-opts "--lr 2" -n 6
	[ ! -e run/iter-1/explore.state ]
	status_is 0 rloop -d whole -N 9 --explore-opts "--lr 2" -n 6
	diff <(results run | grep -v log) <(results whole | grep -v log)
	status_is 2 rloop -d run -N 9 --explore-opts "--lr 1" -n 6
}

@test "a damaged result is named, and made again when it is removed" {
	fixture tasks base run
	cp "$FIX/run.traj" .
	export FILTER=traj-filter CAT=traj-cat TUNE="false rft-tune" PASSK=pass-at-k
	printf '#!/bin/sh\ncat "%s/run.traj"\n' "$PWD" >copy
	chmod +x copy
	export EXPLORE="'$PWD/copy'" EVAL="'$PWD/copy'"
	status_is 1 rloop -d run
	[ -e run/iter-1/expert.traj ]
	truncate -s 999 run/iter-1/explore.traj
	rm run/iter-1/expert.traj
	status_is 3 rloop -d run
	says "traj-filter: exit status 3; run/iter-1/explore.traj is damaged: remove it, and the same call"
	not grep "goes on" err
	rm run/iter-1/explore.traj
	status_is 1 rloop -d run
	[ -e run/iter-1/expert.traj ]
	: >run/iter-0/pass-at-k.tsv
	status_is 3 rloop -d run
	says "run/iter-0/pass-at-k.tsv is damaged: remove it"
	rm run/iter-0/pass-at-k.tsv
	TUNE="'$root/tests/cli/fake-stage' tune" FAKE_FAIL=tune:3 status_is 3 rloop -d other
	says "exit status 3; if that is about options or tasks, go on with others from the same policy, which keeps all that is here: "
	says " run -c other/run.conf -d other-2 -p $PWD/base; if it is about other/iter-1/expert.traj: remove it, and the same call makes it anew"
}

@test "more iterations go on where fewer ended" {
	status_is 0 rloop -d run
	: >log
	status_is 0 rloop -d run -i 3 -j 1
	[ "$(grep -c ^explore log)" -eq 1 ]
	[ -d run/iter-3/policy ]
}

@test "a folder in use is refused" {
	mkdir run
	status_is 4 flock run/.lock "$root/pipelines/rloop" -p base -t train.jsonl -e test.jsonl -d run
	says "run is in use"
}

@test "nothing learned: the policy stays for the next iteration" {
	FAKE_EMPTY=1 status_is 0 rloop -d run
	says "iter-1: no expert trajectory"
	[ "$(grep -c ^tune log)" -eq 0 ]
	[ "$(cat run/iter-2/policy/model.safetensors)" = base ]
	mv run elsewhere
	[ "$(cat elsewhere/iter-2/policy/model.safetensors)" = base ]
}

# left: which policies are still there, "1/policy ..."
left() {
	(cd run && ls -d iter-*/{policy,tuned,rl-policy} 2>/dev/null | sed 's/iter-//' | sort | paste -sd ' ')
}

@test "--keep-policies: those of older iterations go, and nothing else" {
	status_is 0 rloop -d whole -i 4 --mix 0.3
	status_is 0 rloop -d run -i 4 --mix 0.3 --keep-policies 2
	says "disk: 9 policies of up to"
	[ "$(left)" = "3/policy 3/rl-policy 3/tuned 4/policy 4/rl-policy 4/tuned" ]
	results run | grep -v dropped >there
	results whole | grep -Ev 'iter-[12]/(policy|tuned|rl-policy)/' | diff there -
	[ -d base ]
	# it is no option that decides the result: more iterations, and fewer policies
	status_is 0 rloop -d run -i 4 --mix 0.3 --keep-policies 1
	[ "$(grep -c "^explore " log)" = 8 ] # four of them for the whole one
	[ "$(left)" = "4/policy 4/rl-policy 4/tuned" ]
	status_is 0 rloop -d run -i 5 --mix 0.3
	grep -c "^explore -p run/iter-4/policy " log
	[ "$(grep -c "^explore " log)" = 9 ]
	for n in 0 -1 x ''; do
		[ -z "$n" ] || status_is 2 rloop -d run --keep-policies "$n"
	done
}

@test "--keep-policies, killed -9 at any stage: the same call ends with the same files" {
	status_is 0 rloop -d whole -i 3 --keep-policies 1
	results whole >whole.sums
	for stage in explore filter tune eval; do
		for call in 2 3; do
			rm -rf run log
			FAKE_KILL=$stage:$call:middle status_is 137 rloop -d run -i 3 --keep-policies 1
			status_is 0 rloop -d run -i 3 --keep-policies 1
			results run | diff whole.sums -
		done
	done
	# killed between the mark and the removal
	rm -rf run log
	status_is 0 rloop -d run -i 2
	touch run/iter-1/dropped
	status_is 0 rloop -d run -i 3 --keep-policies 1
	results run | diff whole.sums -
}

@test "--keep-policies: what a later policy is a link to, or an adapter of, stays" {
	status_is 0 rloop -d run -i 1 --keep-policies 1
	FAKE_EMPTY=1 status_is 0 rloop -d run -i 3 --keep-policies 1
	[ "$(left)" = "1/policy 3/policy" ] # each is a link to the first
	[ "$(cat run/iter-3/policy/model.safetensors)" = "base tuned on 2 lines" ]
	status_is 0 rloop -d run -i 4 --keep-policies 1
	[ "$(left)" = "4/policy" ]
	rm -rf run
	status_is 0 rloop -d run -i 2
	printf '{"base_model_name_or_path": "%s/run/iter-1/policy"}' "$PWD" \
		>run/iter-2/policy/adapter_config.json
	status_is 0 rloop -d run -i 2 --keep-policies 1
	[ "$(left)" = "1/policy 2/policy" ]
}

@test "a policy of BF16: the next iteration begins with the very weights that were written" {
	unset EXPLORE FILTER TUNE EVAL PASSK CAT MIX
	fixture tasks base
	policy-mix -q "$FIX/base" -o half --dtype bf16
	# so slow that rounding to BF16 would lose most of it
	status_is 0 "$root/pipelines/rloop" -p half -t "$FIX/train.jsonl" -e "$FIX/test.jsonl" -d run \
		-i 2 -n 2 -k 1 -N 2 --filter-opts '' --tune-opts '--lr 1e-5 --steps 2 --warmup 0' \
		--explore-opts '--groups 4 --group-size 4 --rounds 2 --max-new 12 --lr 1e-5 --warmup 1'
	says "disk: 6 policies of up to"
	not says "former value"
	hash() { policy-init --info "$1" | awk '$1 == "hash" { print $2 }'; }
	first() { traj-cat "$1" | jq -r 'select(.step == 1).policy' | sort -u; }
	[ "$(first run/iter-1/explore.traj)" = "$(hash half)" ]
	[ "$(first run/iter-2/explore.traj)" = "$(hash run/iter-1/policy)" ]
	[ "$(hash run/iter-1/policy)" != "$(hash half)" ]
	# what was written are the trained weights: the same stages by hand, and all in float32
	policy-mix -q half -o wide --dtype f32
	rft-tune -q -p wide -o tuned -s 2 --lr 1e-5 --steps 2 --warmup 0 run/iter-1/expert.traj
	rl-explore -q -p wide -o rl -t "$FIX/train.jsonl" -n 2 -s 2 --groups 4 --group-size 4 --rounds 2 \
		--max-new 12 --lr 1e-5 --warmup 1 >explore.traj
	policy-mix -q -w 0.5 tuned rl -o mixed
	[ "$(hash run/iter-1/tuned)" = "$(hash tuned)" ]
	[ "$(hash run/iter-1/rl-policy)" = "$(hash rl)" ]
	[ "$(hash run/iter-1/policy)" = "$(hash mixed)" ]
}

@test "nothing left to learn: the iterations are short, and the run ends with its summary" {
	unset EXPLORE FILTER TUNE EVAL PASSK CAT MIX
	fixture tasks base
	jq -c '.verifier = "regex" | .answer = "^"' "$FIX/train.jsonl" >mastered.jsonl
	status_is 0 "$root/pipelines/rloop" -p "$FIX/base" -t mastered.jsonl -e mastered.jsonl -d run \
		-i 2 -n 40 -k 1 -N 1 --explore-opts '--groups 2 --group-size 2 --rounds 1 --max-new 4'
	says "mastered: "
	[ "$(cut -f 3,4 run/summary.tsv | tail -n 2 | tr '\t\n' ' ,')" = "rft 1.000,rft 1.000," ]
}

@test "options reach their stages" {
	status_is 0 rloop -d run -i 1 -s 5 -j 2 -N 9 --explore-opts "--lr 1e-3" --filter-opts "--dedup" \
		--tune-opts "--epochs 4" --eval-opts "--temperature 0.5"
	grep -E '^explore .*-j 2 .*-t .*/train.jsonl -n 7 -s 6 --iter 1 .*--lr 1e-3$' log
	grep -E '^filter --correct --dedup run' log
	grep -E '^tune .*-s 6 --epochs 4 run' log
	grep -E '^eval .*-t .*/test.jsonl -n 9 -s 5 --iter 1 --step 7 --temperature 0.5$' log
	grep -E '^passk -k 1,2 ' log
}

@test "options that several stages need are given once" {
	judge="cmd:sh -c 'cat; exit'"
	status_is 0 rloop -d run -i 1 --trust --verifier "$judge" --max-new 64 --lora 8 \
		--prompt-template "It's {prompt}" --explore-opts "--max-new 32" --mix 0
	grep -F -e "--trust --verifier $judge --max-new 64 --lora 8 --prompt-template It's {prompt} --max-new 32" \
		<(grep ^explore log)
	grep -F -e "--trust --verifier $judge --max-new 64 --prompt-template It's {prompt}" <(grep ^eval log)
	not grep -e '--lora' <(grep ^eval log)
	grep -e '--lora 8 run/iter-1/expert.traj$' <(grep ^tune log)
	not grep -e '--trust' <(grep ^tune log)
	status_is 2 rloop -d run -i 1 --trust --max-new 32
	says "begun with other options"
}

@test "options that the loop gives itself are refused in those of a stage" {
	for bad in "-n 5" -n5 "--lr 1 -p x" "-qs3" "--seed 3" --seed=3 --see=3 "--log x" "--state y" \
		"-o x" "--stream x" "--iter 1" "--steps 2" "--save-to x" "-t x"; do
		status_is 2 rloop -d run --explore-opts "$bad"
		says "rloop run: --explore-opts: -"
		says "itself"
	done
	for bad in "-s 1" "--output x" "-o x" "--state s"; do
		status_is 2 rloop -d run --tune-opts "$bad"
		says "rloop run: --tune-opts: -"
	done
	for bad in "-n 1" "--samples 4" "--step 1" "-t x"; do
		status_is 2 rloop -d run --eval-opts "$bad"
		says "rloop run: --eval-opts: -"
	done
	[ ! -e run ]
	status_is 0 rloop -d run -i 1 --explore-opts "--group-size 4 -j 1 --prompt-template=-n" \
		--tune-opts "--steps 3 --strict"
}

@test "quotes hold the words of an option together" {
	printf '%s\n' '#!/bin/sh' 'printf "%s\n" "$@"' >words
	chmod +x words
	EVAL="'$PWD/words' 'a word'" status_is 0 rloop -d run -i 1 \
		--eval-opts "--verifier 'cmd:sh judge.sh' --prompt-template \"{prompt}'s\" '' --min 1"
	[ "$(head -n 1 run/iter-0/eval.traj)" = "a word" ]
	[ "$(tail -n 7 run/iter-0/eval.traj | paste -s -d '|')" = \
		"--verifier|cmd:sh judge.sh|--prompt-template|{prompt}'s||--min|1" ]
	status_is 2 rloop -d other --explore-opts "--lr 1 --verifier 'cmd:sh judge.sh"
	says "a quote without its other: --lr 1"
}

@test "options that a tool does not know are refused before anything is begun" {
	EXPLORE="env rl-explore" status_is 2 rloop -d run --explore-opts "--learning-rate 1"
	says "rl-explore: --learning-rate: no such option"
	FILTER=traj-filter status_is 2 rloop -d run --filter-opts "--max-rate 7"
	TUNE=rft-tune status_is 2 rloop -d run --tune-opts "--epochs x"
	EVAL=policy-eval status_is 2 rloop -d run --eval-opts "--temprature 1"
	[ ! -e run ]
}

@test "a filter that writes no stream is not taken for one that keeps nothing" {
	CAT=traj-cat status_is 3 rloop -d run
	says "run/iter-1/expert.traj: the filter wrote no stream"
	[ ! -e run/iter-1/policy ]
}

@test "a language with a decimal comma, another time zone, a PATH that is not exported" {
	comma_locale
	TZ=KTM-5:45 status_is 0 rloop -d run
	[ "$(cut -f 4 run/summary.tsv | paste -s -d ' ')" = "reward - 0.250 0.250" ]
	TZ=EST5 status_is 0 rloop -d run
	mkdir -p tree/build
	cp -r "$root/pipelines" tree
	ln -s "${BIN:-$root/build/bin}" tree/build/bin
	status_is 3 env -i EVAL=policy-eval bash tree/pipelines/rloop -p base -t train.jsonl \
		-e test.jsonl -d other
	says "policy-eval: "
}

@test "-q: no notes" {
	status_is 0 rloop -q -d run
	[ -z "$stderr" ]
	grep -E '^explore -q ' log
}

@test "--help, and calls that are refused" {
	status_is 0 "$root/pipelines/rloop" run --help
	[[ $output == *"--iterations N"*"[3]"* ]]
	status_is 2 "$root/pipelines/rloop" -p base
	says "-p, -t, -e and -d are needed"
	status_is 2 rloop -d run -n 0
	status_is 2 rloop -d run --nonsense
	status_is 2 rloop -d run operand
	status_is 2 rloop -d run -s 08
	says "--seed: '08' is not a whole number"
	status_is 3 rloop -d run -t none.jsonl
	says "none.jsonl: no such file"
	EXPLORE=no-such-command status_is 4 rloop -d run
	says "no-such-command"
}

@test "-q reaches the filter; one that writes nothing at all is named" {
	status_is 0 rloop -q -d run -i 1
	grep -E '^filter -q --correct' log
	FAKE_EMPTY=1 status_is 0 rloop -d other -i 1
	says "iter-1: the filter wrote nothing, not even the head of a stream: "
}
