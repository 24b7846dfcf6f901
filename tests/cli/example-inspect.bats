# example-inspect.bats - every question of examples/inspect/README.md runs, and some answers.
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	need_tool jq
	need_tool datamash
	need_tool gnuplot
	dir=$root/examples/inspect
	for step in 0 1 2 3; do
		for sample in 0 1 2; do
			printf '{"task":"sum","prompt":"1+1=","response":"2\\t%d","tokens":[1,2,%d],' $sample $sample
			printf '"logprobs":[-0.5,-0.25,-%d.5],"finish":"stop","sample":%d,' $sample $sample
			printf '"step":%d,"reward":%d.0,"verdict":"ok","extracted":"2","entropy":0.%d}\n' \
				$step $((step < 2)) $((9 - step))
			printf '{"task":"hard","prompt":"?","response":"no","tokens":[7],"logprobs":[-1.0],'
			printf '"finish":"length","sample":%d,"step":%d,"verdict":"timeout","entropy":0.5}\n' \
				$sample $step
		done
	done | traj-cat --from-json >x.traj
}

# answer N: what the Nth question printed
answer() {
	awk -v n="$1" '/^== / { k++; next } k == n' out
}

@test "all ten run, over a stream with failed verifiers and text with tabs" {
	status_is 0 "$dir/run.sh" x.traj
	[ "$(grep -c '^    ' "$dir/README.md")" = 10 ]
	[ "$(answer 2)" = $'12\thard' ]
	[ "$(answer 3)" = $'2\tsum' ]
	[ "$(answer 4 | head -n 1)" = $'0\t2\t0.5' ]
	[ "$(answer 6 | head -n 1 | tr -s ' ')" = $' 12 \t' ]
	[ "$(answer 7)" = $'sum\n2\t2' ]
	[ "$(answer 8 | tr -s ' ')" = $' 12 ok\n 12 timeout' ]
	[ "$(answer 9 | head -n 1)" = $'hard\t1\t12' ]
	[ "$(answer 10)" = "$(traj-cat --version | cut -d " " -f 1,2) --from-json" ]
}

@test "over a stream of rl-explore" {
	fixture run
	status_is 0 "$dir/run.sh" "$FIX/run.traj"
	[ "$(answer 1 | wc -l)" -ge 2 ]
}

@test "a stream that is cut off, and none at all" {
	head -c 500 x.traj >cut.traj
	status_is 3 "$dir/run.sh" cut.traj
	status_is 2 "$dir/run.sh"
}
