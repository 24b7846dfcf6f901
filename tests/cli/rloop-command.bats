# rloop: the command and its subcommands.
load helpers

rloop=$root/pipelines/rloop

setup() {
	cd "$BATS_TEST_TMPDIR"
}

# fake_stages: stages that are scripts; base, train.jsonl and test.jsonl
fake_stages() {
	local fake="'$root/tests/cli/fake-stage'"
	export FAKE_LOG=$PWD/log
	export EXPLORE="$fake explore" FILTER="$fake filter" TUNE="$fake tune" EVAL="$fake eval"
	export PASSK="$fake passk" CAT="$fake cat" MIX="$fake mix"
	mkdir base
	echo base >base/model.safetensors
	touch train.jsonl test.jsonl
}

@test "help, version, what is no command" {
	status_is 0 "$rloop" --help
	[[ $output == "usage: rloop COMMAND"* ]]
	status_is 0 "$rloop" help
	[[ $output == "usage: rloop COMMAND"* ]]
	for command in run vanilla average compare plot report; do
		[[ $output == *"  $command "* ]]
		"$rloop" help $command | grep "^usage: rloop $command "
		"$rloop" $command --help | grep "^usage: rloop $command "
		[ "$("$rloop" $command --version)" = "$("$rloop" --version)" ]
	done
	[ "$("$rloop" --version)" = "$(traj-cat --version | sed 's/traj-cat/rloop/')" ]
	status_is 2 "$rloop" walk
	says "rloop: walk: no such command; there are: run vanilla"
	status_is 2 "$rloop" help walk
	status_is 2 "$rloop"
	says "usage: rloop COMMAND"
	[ -z "$output" ]
}

@test "from anywhere, by a link: an option first is run's" {
	fake_stages
	mkdir bin
	ln -s "$rloop" bin/rloop
	PATH=$PWD/bin:$PATH
	status_is 0 rloop -p base -t train.jsonl -e test.jsonl -i 1 -n 7 -k 1 -d one
	status_is 0 rloop run -p base -t train.jsonl -e test.jsonl -i 1 -n 7 -k 1 -d two
	cmp one/summary.tsv two/summary.tsv
	status_is 2 rloop -p base
	says "rloop run: -p, -t, -e and -d are needed (see rloop run --help)"
	status_is 2 rloop run --no-such
	says "rloop run: "
}

@test "view is traj-view, where it is installed" {
	printf '#!/bin/sh\necho "view $*"\n' >traj-view
	chmod +x traj-view
	PATH=$PWD:$PATH status_is 0 "$rloop" view a --text
	[ "$output" = "view a --text" ]
	command -v traj-view >/dev/null || {
		status_is 4 "$rloop" view a
		says "rloop view: traj-view is not installed"
	}
}

@test "summary.tsv has each iteration as soon as it is complete, and plot draws what there is" {
	fake_stages
	run=("$rloop" run -p base -t train.jsonl -e test.jsonl -i 3 -n 7 -k 1 -d run)
	FAKE_KILL=explore:1:middle status_is 137 "${run[@]}"
	[ "$(cut -f 1,2 run/summary.tsv | paste -sd ,)" = "iter	rl_steps,0	0" ]
	rm log
	FAKE_KILL=explore:2:middle status_is 137 "${run[@]}"
	[ "$(cut -f 1,2 run/summary.tsv | paste -sd ,)" = "iter	rl_steps,0	0,1	7" ]
	need_tool gnuplot
	status_is 0 "$rloop" plot --text run
	[[ $output == *"training reward"*"held-out avg@n"* ]]
	status_is 0 "${run[@]}"
	[ "$(cut -f 1 run/summary.tsv | paste -sd ,)" = iter,0,1,2,3 ]
}
