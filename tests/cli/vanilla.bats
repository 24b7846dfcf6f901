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
