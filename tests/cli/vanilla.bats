# pipelines/vanilla with stages that are scripts.
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	fake_stages
}

vanilla() {
	"$root/pipelines/vanilla" -p base -t train.jsonl -e test.jsonl -i 2 -n 7 -k 1,2 "$@"
}

@test "one exploration of all steps, evaluated where rloop is" {
	status_is 0 vanilla -d run
	[ "$(grep -c ^explore log)" -eq 1 ]
	grep -E '^explore .*-n 14 -s 1 .*--save-every 7 ' log
	[ "$(cat run/iter-0/eval.traj run/iter-1/eval.traj run/iter-2/eval.traj)" = \
		"$(printf 'evaluated base\nevaluated RL 7\nevaluated RL 14')" ]
	[ "$output" = "$(cat run/summary.tsv)" ]
	[ "$(cut -f 2,3 run/summary.tsv | tr '\t\n' ' ,')" = "rl_steps policy,0 base,7 rl,14 rl," ]
	[ ! -e run/explore.traj ]
}

@test "options of another pipeline are refused" {
	status_is 2 vanilla -d run --mix 0.5
	status_is 2 vanilla -d run --of base
	[ ! -e run ]
}

@test "--validation: the last policy at each of --temperatures, also of a run that is complete" {
	touch valid.jsonl
	status_is 0 vanilla -d run
	cp -r run before
	: >log
	status_is 0 vanilla -d run --validation valid.jsonl --temperatures 1,.50
	[ "$(grep -c '^eval ' log)" -eq 4 ]
	not grep -q '^explore' log
	[ "$(cat run/iter-2/t0.5/validation-eval.traj)" = "evaluated RL 14" ]
	grep -q "^eval .*-t $PWD/valid.jsonl .*--temperature 0.5$" log
	grep -q "^eval .*-t $PWD/test.jsonl .*--temperature 1$" log
	[ "$(head -n 1 run/temperatures.tsv | tr '\t' ' ')" = "set policy temperature avg@n pass@1" ]
	[ "$(tail -n +2 run/temperatures.tsv | cut -f 1-4 | paste -s -d ,)" = "$(printf '%s\t' test final 1 0.25,test \
		final 0.5 0.25,validation final 1 0.25,validation final 0.5 0.25 | sed 's/\t$//')" ]
	for file in summary.tsv options iter-2/eval.traj; do cmp before/$file run/$file; done
	: >log
	status_is 0 vanilla -d run -c run/run.conf --temperatures 1,.5,.25
	[ "$(grep -c '^eval ' log)" -eq 2 ]
	[ "$(grep -c . run/temperatures.tsv)" -eq 7 ]
	"$root/pipelines/status" run | grep -x "state	finished"
	: >log
	status_is 0 vanilla -d run
	[ ! -s log ]
	echo changed >valid.jsonl
	status_is 2 vanilla -d run --validation valid.jsonl
	says "run/iter-2/t1/validation.of: the temperatures were tried on other problems than those of"
	[ ! -s log ]
}

@test "--validation and --temperatures that are refused" {
	status_is 2 vanilla -d run --temperatures 1,.5
	says "--temperatures: which is best is chosen on problems of their own: --validation FILE"
	for list in 1,1.0 1,, 0 x 1,-1 .001 100; do
		status_is 2 vanilla -d run --validation test.jsonl --temperatures $list
	done
	status_is 3 vanilla -d run --validation absent.jsonl
	status_is 2 vanilla -d run -e validation=train.jsonl --validation test.jsonl
	says "no held-out set of --eval-tasks may have that name"
	[ ! -e run ]
}

@test "after kill -9 while temperatures are tried the same call ends with the same files" {
	touch valid.jsonl
	set -- --validation valid.jsonl --temperatures 1,.5
	status_is 0 vanilla -d whole "$@"
	for at in eval:4:middle passk:5:start eval:7:middle; do
		rm -rf run
		: >log
		FAKE_KILL=$at status_is 137 vanilla -d run "$@"
		[ ! -e run/temperatures.tsv ]
		status_is 0 vanilla -d run "$@"
		diff -r -x run.conf -x .lock whole run
	done
}

@test "--keep-traj" {
	status_is 0 vanilla -d run --keep-traj
	[ "$(cat run/explore.traj)" = "$(printf 'explored from base\nend')" ]
}

@test "after kill -9 at any stage the same call ends with the same files" {
	status_is 0 vanilla -d whole
	for at in explore:1:start explore:1:middle eval:2:middle passk:3:start; do
		rm -rf run
		: >log
		FAKE_KILL=$at status_is 137 vanilla -d run
		status_is 0 vanilla -d run
		diff -r -x options -x run.conf -x .lock whole run
	done
}

@test "another number of steps in all is another run" {
	status_is 0 vanilla -d run
	status_is 2 vanilla -d run -i 3
	says "begun with other options"
}

@test "an exploration that had nothing left to learn ends early, and the run with its summary" {
	FAKE_STEPS="3" status_is 0 vanilla -d run
	[ "$(readlink run/iter-1/policy)" = ../policies/step-3 ]
	[ "$(readlink run/iter-2/policy)" = ../policies/step-3 ]
	[ "$(cut -f 2,3 run/summary.tsv | tr '\t\n' ' ,')" = "rl_steps policy,0 base,7 rl,14 rl," ]
	FAKE_STEPS="7 9" status_is 0 vanilla -d later
	[ "$(readlink later/iter-1/policy)" = ../policies/step-7 ]
	[ "$(readlink later/iter-2/policy)" = ../policies/step-9 ]
}
