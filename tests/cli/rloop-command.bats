# rloop: the command and its subcommands.
load helpers

rloop=$root/pipelines/rloop

setup() {
	cd "$BATS_TEST_TMPDIR"
}

@test "help, version, what is no command" {
	status_is 0 "$rloop" --help
	[[ $output == "usage: rloop COMMAND"* ]]
	status_is 0 "$rloop" help
	[[ $output == "usage: rloop COMMAND"* ]]
	for command in run vanilla average compare status plot report table doctor; do
		[[ $output == *"  $command "* ]]
		"$rloop" help $command | grep "^usage: rloop $command "
		"$rloop" $command --help | grep "^usage: rloop $command "
		[ "$("$rloop" $command --version)" = "$("$rloop" --version)" ]
	done
	[ "$("$rloop" --version)" = "$(traj-cat --version | sed 's/traj-cat/rloop/')" ]
	status_is 2 env OMPI_COMM_WORLD_SIZE=4 "$rloop" run -p base
	says "rloop run: a launcher started it 4 times: call it once, with the launcher in --mpi, as --mpi 'mpirun -np 4'"
	status_is 0 env SLURM_STEP_NUM_TASKS=4 "$rloop" plot --help
	status_is 2 "$rloop" walk
	says "rloop: walk: no such command; there are: run vanilla"
	status_is 2 "$rloop" help walk
	for option in -h --help --version; do
		status_is 0 "$rloop" help $option
		[[ $output == "usage: rloop COMMAND"* ]]
	done
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
	says "rloop run: -p, -t, -e and -d are needed (see rloop run --help): -t -e -d is missing"
	status_is 2 rloop run --lr 1
	says "rloop run: see rloop run --help; an option of rl-explore, as --lr, is a word of --explore-opts"
	status_is 2 rloop plot --lr 1
	not grep -q explore-opts err
}

@test "view is traj-view, where it is installed" {
	printf '#!/bin/sh\necho "view $*"\n' >traj-view
	chmod +x traj-view
	PATH=$PWD:$PATH status_is 0 "$rloop" view a --text
	[ "$output" = "view a --text" ]
	mkdir run
	echo x >run/options
	PATH=$PWD:$PATH status_is 3 "$rloop" view run
	says "rloop view: run: a run; its streams are run/iter-*/explore.traj and eval.traj"
	# beside the script, where PATH has none
	mkdir -p bin tree/pipelines tree/build/bin
	for program in dirname readlink; do
		ln -s "$(command -v $program)" bin/
	done
	cp "$rloop" tree/pipelines
	status_is 4 env PATH="$PWD/bin" tree/pipelines/rloop view a
	says "rloop view: traj-view is not installed"
	mv traj-view tree/build/bin
	status_is 0 env PATH="$PWD/bin" tree/pipelines/rloop view a --text
	[ "$output" = "view a --text" ]
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

@test "-c: options in a file, in each way of writing them" {
	fake_stages
	cat >my.conf <<-'END'
		# mine
		policy base
		--tasks train.jsonl   # a comment
		  -e = test.jsonl
		steps=7
		iterations =  1
		ks	1
		filter-opts "--min-reward 1 # no comment"	# one
		tune-opts '--epochs 9'
		eval-rl
		dir run
	END
	printf 'explore-opts --prompt "a # b"\r\nmix 0' >>my.conf
	sed -i 's/^explore-opts .*/explore-opts --lr 1e-3 --overlong-buffer 4/' my.conf
	status_is 0 "$rloop" run -c my.conf
	grep -E '^filter --correct --min-reward 1 # no comment run/' log
	grep -E '^tune .* --epochs 9 run/' log
	grep -E '^explore .*-n 7 .*--lr 1e-3 --overlong-buffer 4 -o ' log
	grep -qx mix=0 run/options
	[ -e run/iter-1/rl-eval.traj ]
	[ ! -e run/iter-2 ]
	status_is 0 "$rloop" -c my.conf -i 2 -d longer
	[ -e longer/iter-2/policy ]
	for bad in 'stepz 3' 'steps' 'eval-rl yes' '= 3' '-x 3' 'config my.conf' 'groups 4' 'help'; do
		printf 'policy base\n%s\n' "$bad" >bad.conf
		status_is 2 "$rloop" run -c bad.conf
		says "rloop run: bad.conf: line 2: "
	done
	says "line 2: help: no option of rloop run in a file"
	status_is 3 "$rloop" run -c none.conf
	says "none.conf: no such file"
	printf 'dir x\nsteps 0\n' >bad.conf
	status_is 2 "$rloop" run -c my.conf -c bad.conf
	says "--steps: '0' is not a whole number"
}

@test "-c: held-out sets of the command line are instead of the file's" {
	fake_stages
	touch other.jsonl third.jsonl
	printf '%s\n' 'policy base' 'tasks train.jsonl' 'eval-tasks a=test.jsonl' 'eval-tasks b=other.jsonl' \
		'steps 7' 'iterations 1' 'ks 1' >my.conf
	status_is 0 "$rloop" run -c my.conf -d two
	[ -e two/iter-1/b-eval.traj ]
	status_is 0 "$rloop" run -c my.conf -d one -e test.jsonl -e c=third.jsonl
	[ -e one/iter-1/c-eval.traj ]
	[ ! -e one/iter-1/b-eval.traj ]
}

@test "-c: the run.conf of another kind of run; what is no option here is left out" {
	fake_stages
	args=(-p base -t train.jsonl -e test.jsonl -i 1 -n 7 -k 1)
	status_is 0 "$rloop" run "${args[@]}" -d run --experts last --tune-from first --mix 0.3 --eval-rl --filter-opts '' \
		--keep-policies 4
	status_is 0 "$rloop" vanilla "${args[@]}" -d vanilla --keep-traj
	status_is 0 "$rloop" average "${args[@]}" -d average --of run --weight 0.3
	for from in run vanilla average; do
		status_is 0 "$rloop" run -c $from/run.conf -d "run-$from"
		status_is 0 "$rloop" vanilla -c $from/run.conf -d "vanilla-$from"
		status_is 0 "$rloop" average -c $from/run.conf -d "average-$from" --of run
	done
	status_is 0 "$rloop" vanilla -c run/run.conf -d again
	says "rloop vanilla: left out of the file, as no option of rloop vanilla: experts tune-from mix eval-rl filter-opts keep-policies"
	status_is 0 "$rloop" vanilla -q -c run/run.conf -d again
	[ -z "$stderr" ]
	cmp vanilla/summary.tsv vanilla-run/summary.tsv
	printf 'expertz last\n' >bad.conf
	status_is 2 "$rloop" vanilla -c bad.conf
	says "bad.conf: line 1: expertz: no option of rloop vanilla in a file"
}

@test "--prompt-template may have line ends; its run.conf repeats it" {
	fake_stages
	template=$'One, it\'s said:\n{prompt}\n\nOne:'
	status_is 0 "$rloop" run -p base -t train.jsonl -e test.jsonl -i 1 -n 7 -k 1 -d run --prompt-template "$template"
	grep -F -A3 "eval -p $PWD/base" log | grep -F -A2 -- "--prompt-template One, it's said:" | grep -x '{prompt}'
	status_is 0 "$rloop" run -c run/run.conf
	status_is 0 "$rloop" run -c run/run.conf -d again
	cmp run/summary.tsv again/summary.tsv
	status_is 2 "$rloop" run -c run/run.conf --prompt-template "other {prompt}"
	says "was begun with other options"
	# where nothing is kept, the folder takes other options
	FAKE_FAIL=eval:2 status_is 2 "$rloop" run -p base -t train.jsonl -e test.jsonl -i 1 -n 7 -k 1 -d third
	[[ $stderr == *": exit status 2: take other options" ]]
}

@test "run.conf beside the run repeats it: every option, whatever is in it" {
	fake_stages
	mkdir "a # place"
	touch "a # place/test.jsonl"
	for pipe in run vanilla; do
		args=(-p base -t train.jsonl -e 'test.jsonl' -e "far=a # place/test.jsonl" -i 1 -n 7 -k 1,2 -j 2 -q -s 5
			--prompt-template 'It'"'"'s a \n "{prompt}" # and = ' --trust --verifier "'quoted'"
			--eval-opts "--x 'y # z'" --tune-opts $'--a \'b c\'\n--d "\te\\\\"\n' --explore-opts '"a" "b"' --max-new 9)
		[ $pipe != run ] || args+=(--filter-opts '' --mix 0.3 --keep-policies 4 --eval-rl)
		: >log
		status_is 0 "$rloop" $pipe "${args[@]}" -d "$pipe"
		mv log first
		mv $pipe $pipe.first
		status_is 0 "$rloop" $pipe -c $pipe.first/run.conf
		sed "s|$PWD/||g" log | cmp <(sed "s|$PWD/||g" first) -
		cmp $pipe/options $pipe.first/options
		cmp $pipe/run.conf $pipe.first/run.conf
		: >log
		status_is 0 "$rloop" $pipe -c $pipe/run.conf
		not grep -v ^cat log
	done
	# the command in the file, stages of the environment in it, is one that a shell takes
	rm log
	unset EXPLORE FILTER TUNE EVAL PASSK CAT MIX
	sed -n '2s/^# //p' run/run.conf >command
	grep -q "run -c $PWD/run/run.conf" command
	status_is 0 bash command
	not grep -v ^cat log
}

@test "ctrl-C says what is kept and how to go on, and that goes on" {
	fixture tasks base
	call=("$rloop" run -p "$FIX/base" -t "$FIX/train.jsonl" -e "$FIX/test.jsonl" -d run -i 1 -n 4000 -N 1 -k 1
		--explore-opts '--groups 4 --group-size 4 --max-new 12 --checkpoint-every 2')
	# as a terminal does it, to the whole group
	setsid env --default-signal=INT "${call[@]}" >/dev/null 2>said &
	pid=$!
	for _ in {1..2000}; do
		[ "$(cat run/iter-1/explore.log.part 2>/dev/null | wc -l)" -lt 6 ] || break
		sleep 0.01
	done
	status_is 0 "$rloop" status run
	[[ $output == "state	running (process $pid)"$'\n'"iteration	1 of 1"$'\n'"stage	explore, step "*" of 4000"$'\n'* ]]
	[[ $output == *$'\n'"left	"*"of this stage"$'\n'* ]]
	[[ $output == *$'\n'"metrics	step "*", reward 0."* ]]
	[[ $output == *$'\n'"evaluated	iter 0, rl_steps 0, policy base, "*", pass@1 "* ]]
	"$rloop" status --json run >json
	jq -e ".state == \"running\" and .pid == $pid and .stage == \"explore\" and .iteration == 1 and
		.iterations == 1 and .step >= 6 and .steps == 4000 and .stage_seconds_left > 0 and
		.metrics.reward >= 0 and .evaluated.iter == 0 and .complete == 0 and .go_on == null" json
	kill -INT -- -$pid
	status_is 130 wait $pid
	command=$(sed -n 's/^rloop run: stopped in iter-1 explore; what is complete is kept in run. To go on: //p' said)
	[ "$command" = "$rloop run -c $PWD/run/run.conf" ]
	[ "$(grep -c '^rloop run: stopped' said)" = 1 ]
	status_is 0 "$rloop" status run
	[[ $output == "state	stopped"$'\n'* ]]
	[[ $output == *"saved	0 iterations, the exploration at step "* ]]
	[[ $output == *$'\n'"go on	$command" ]]
	status_is 0 "$rloop" plot --text run
	setsid env --default-signal=INT $command >/dev/null 2>said &
	pid=$!
	for _ in {1..2000}; do
		! grep -q 'explore.state: going on after step' said || break
		sleep 0.01
	done
	grep -q 'explore.state: going on after step' said
	kill -9 -- -$pid
	wait $pid || true
	for _ in {1..500}; do
		"$rloop" status --json run >json
		! jq -e '.state == "stopped" and .stage == "explore" and .saved_step >= 2' json || break
		sleep 0.01
	done
	jq -e '.state == "stopped" and .pid == null and .go_on == "'"$command"'"' json
}

@test "status of finished runs, of all pipelines, and of what is none" {
	fake_stages
	args=(-p base -t train.jsonl -e test.jsonl -n 7 -k 1 -i 2)
	status_is 0 "$rloop" run "${args[@]}" -d run
	status_is 0 "$rloop" vanilla "${args[@]}" -d plain
	status_is 0 "$rloop" average "${args[@]}" -d mean --of run
	for dir in run plain mean; do
		status_is 0 "$rloop" status $dir
		[[ $output == "state	finished"$'\n'"iteration	2 of 2"$'\n'* ]]
		[[ $output == *$'\n'"saved	2 iterations, policy $dir/"* ]]
		not grep -q 'go on' out
		"$rloop" status --json $dir/ | jq -e '.state == "finished" and .iteration == 2 and .stage == null and
			.evaluated.iter == 2 and .evaluated["pass@1"] == 0.5'
	done
	"$rloop" status --json plain | jq -e '.pipeline == "vanilla" and .metrics.step == 7'
	# an exploration that has made no step yet: those of the last one are not its own
	cp -r run second
	rm -r second/iter-2
	printf '1\niter-2 explore\n' >second/.lock
	status_is 0 "$rloop" status second
	[[ $output == "state	stopped"$'\n'"iteration	2 of 2"$'\n'"stage	explore, step 0 of 7"$'\n'* ]]
	[[ $output == *"metrics	step 7, reward 0.25"* ]]
	# a stage that failed; a row that was cut off
	FAKE_FAIL=tune:3 status_is 3 "$rloop" run "${args[@]}" -d failed
	printf '{"step":8,"rew' >>failed/iter-1/explore.log
	status_is 0 "$rloop" status failed
	[[ $output == "state	stopped"$'\n'"iteration	1 of 2"$'\n'"stage	tune"$'\n'* ]]
	[[ $output == *"metrics	step 7, reward 0.25"* ]]
	[[ $output == *$'\n'"go on	EXPLORE="*"run -c $PWD/failed/run.conf" ]]
	# one that ends just when the lock is asked
	printf '%s\n' 1 'iter-2 eval' >run/.lock
	printf '#!/bin/sh\nprintf "1\\ndone\\n" >run/.lock\n' >flock
	chmod +x flock
	PATH=$PWD:$PATH status_is 0 "$rloop" status run
	[[ $output == "state	finished"$'\n'* ]]
	rm flock
	# of an older version: no stage, no run.conf
	rm run/run.conf
	: >run/.lock
	"$rloop" status --json run | jq -e '.state == "finished" and .iterations == null and .complete == 2'
	rm run/.lock
	status_is 0 "$rloop" status run
	mkdir empty
	status_is 3 "$rloop" status empty
	says "rloop status: empty: no file options: not the folder of a run, which -d of rloop run names"
	status_is 3 "$rloop" status none
	says "none: no such folder"
	mkdir several
	touch several/jobs-1
	status_is 3 "$rloop" status several
	says "a comparison"
	status_is 2 "$rloop" status
	status_is 2 "$rloop" status run plain
	status_is 2 "$rloop" status --text run
}

@test "doctor: what is installed, what a policy and tasks cost" {
	fixture tasks base
	status_is 0 "$rloop" doctor -p "$FIX/base" -t "$FIX/train.jsonl" -n 50 -j 1 \
		--explore-opts '--groups 4 --group-size 4 --max-new 12'
	says "rloop doctor: a step of these options is measured"
	grep -q "^tool	rl-explore	rl-explore " out
	grep -q "^machine	kernels	" out
	grep -q "^input	policy	$FIX/base: family llama, layers 2," out
	grep -qx "input	tasks	$FIX/train.jsonl: 40 tasks" out
	grep -q "^cost	memory	.* MB: weights" out
	grep -Eq "^cost	step	[0-9.]+ s; 50 steps: [0-9.]+ s, without" out
	not grep -q '(!)' out
	status_is 0 "$rloop" doctor --json
	jq -e '.tool["rl-explore"].ok and .machine.kernels.ok and .program.jq.ok and .input == null' out
	# what is wrong is marked, and is a no
	sed '2s/.*/[1]/' "$FIX/train.jsonl" >bad.jsonl
	status_is 1 "$rloop" doctor -p "$FIX/base" -t bad.jsonl
	grep -qx "input	tasks	(!) bad.jsonl: 1 of 40 lines are no JSON objects (policy-eval(1) says what tasks are)" out
	not grep -q '^cost' out
	status_is 1 "$rloop" doctor -p none -t none.jsonl
	grep -q "^input	policy	(!) .*none" out
	grep -q "^input	tasks	(!) none.jsonl: no such file" out
	status_is 1 "$rloop" doctor -p "$FIX/base" -t "$FIX/train.jsonl" --explore-opts '--max-prompt 1'
	grep -q "^cost	step	(!) rl-explore: " out
	status_is 2 "$rloop" doctor -n 0
	status_is 2 "$rloop" doctor --explore-opts '--lr 1'
	status_is 2 "$rloop" doctor base
	[ -z "$(ls)" ] || [ "$(ls | paste -sd ' ')" = "bad.jsonl err out" ]
}

@test "doctor: programs that are missing" {
	mkdir bin
	for program in bash dirname readlink getopt mktemp rm sed grep cut tail head nproc numfmt tr wc cat xargs; do
		ln -s "$(command -v $program)" bin/
	done
	cp "$BIN/traj-cat" bin
	mkdir -p lib/pipelines
	cp "$root"/pipelines/* lib/pipelines 2>/dev/null || true
	PATH=$PWD/bin status_is 1 lib/pipelines/doctor
	grep -qx "tool	rl-explore	(!) not installed" out
	grep -q "^tool	traj-cat	traj-cat " out
	grep -qx "program	jq	(!) not installed: status and doctor --json need it" out
	grep -qx "optional	gnuplot	not installed: plot and report draw with it" out
	grep -qx "optional	column	not installed: report prints tables with it" out
	PATH=$PWD/bin status_is 4 lib/pipelines/doctor --json
	says "rloop doctor: --json: jq is not installed"
	mkdir run
	touch run/options
	PATH=$PWD/bin status_is 4 lib/pipelines/status run
	says "rloop status: jq is not installed"
}

@test "compare --so-far: tables and report of a comparison that goes on" {
	need_tool gnuplot
	fixture tasks base
	call=("$rloop" compare -q -p "$FIX/base" -t "$FIX/train.jsonl" -e "$FIX/test.jsonl" -d runs -i 2 -n 1 -S 1 -N 4
		-k 1,4 --explore-opts '--groups 2 --group-size 2 --max-new 12' --tune-opts '--steps 1' vanilla rloop)
	status_is 3 "${call[@]}" --so-far
	says "runs: not the folder of a comparison"
	EXPLORE=false status_is 4 "${call[@]}"
	[ ! -e runs/vanilla/seed-1/iter-1/eval.traj ]
	rm runs/table runs/report.html
	status_is 3 "$rloop" report runs
	says "neither a run nor a comparison that has ended (rloop compare --so-far"
	status_is 0 bash -c "$(grep /vanilla runs/jobs-1)"
	# another process has the lock
	status_is 0 flock runs/.lock "${call[@]}" --so-far
	[ "$(grep -c '^test	vanilla	2	' runs/table)" -gt 0 ]
	[ "$(grep -c '^test	rloop	[12]	' runs/table)" -eq 0 ]
	grep -q '<h2>test</h2>' runs/report.html
	[ ! -e runs/rloop/seed-1/iter-2 ]
}

@test "table: Markdown, LaTeX and CSV of tab-separated values" {
	printf 'variant\tstep\tpass@1\nours_2\t3\t0.12345\nx|y, "z"\t-\tn/a\n' >a.tsv
	status_is 0 "$rloop" table a.tsv
	printf '%s\n' '| variant | step | pass@1 |' '| --- | ---: | ---: |' '| ours_2 | 3 | 0.12345 |' \
		'| x\|y, "z" | - | n/a |' | cmp - out
	status_is 0 "$rloop" table --to latex --digits 2 a.tsv
	printf '%s\n' '\begin{tabular}{lrr}' '\hline' 'variant & step & pass@1 \\' '\hline' 'ours\_2 & 3 & 0.12 \\' \
		'x|y, "z" & - & n/a \\' '\hline' '\end{tabular}' | cmp - out
	"$rloop" table --to csv <a.tsv >got
	printf '%s\n' 'variant,step,pass@1' 'ours_2,3,0.12345' '"x|y, ""z""","-","n/a"' | cmp - got
	printf 'a\tb\tc\n1.25\t\t7\n' | "$rloop" table --to csv --digits 1 | tail -n 1 | grep -x '1.2,,7'
	printf 'a\tb\tc\n1.25\t7\t\n3.14\t\t' | "$rloop" table --to csv --digits 1 | tail -n 2 | cmp - <(printf '1.2,7,\n3.1,,\n')
	status_is 0 "$rloop" table - a.tsv <a.tsv
	[ "$(grep -c '^| variant' out)" -eq 2 ]
	[ "$(sed -n 5p out)" = "" ]
	printf 'a\\b & 5%% of ~ ^ {$#}\n' | "$rloop" table --to latex | grep -xF \
		'a\textbackslash{}b \& 5\% of \textasciitilde{} \textasciicircum{} \{\$\#\} \\'
	status_is 2 "$rloop" table --to word a.tsv
	says "--to: 'word' is none of: markdown latex csv"
	status_is 2 "$rloop" table --digits x a.tsv
	status_is 3 "$rloop" table none.tsv
	says "none.tsv: no such file"
}

# hinted ROW ...: what a run says at its end whose exploration logs these rows
hinted() {
	rm -rf run base log train.jsonl test.jsonl
	fake_stages
	printf '%s\n' "$@" >rows
	export FAKE_ROWS=$PWD/rows
	status_is 0 "$rloop" run -p base -t train.jsonl -e test.jsonl -i 1 -n 7 -k 1 -d run "${more[@]}"
}

@test "hints at the end, each with a command: reward, rate, length, verifier; none of a good run, none with -q" {
	good='"groups_kept":3,"kl_old":1e-4,"truncated":0.01,"verifying_s":0.1,"seconds":1'
	more=()
	hinted "{\"step\":1,\"reward\":0.2,$good}" "{\"step\":2,\"reward\":0.3,$good}"
	not grep -q hint: err
	hinted '{"step":1,"reward":0,"groups_kept":0}' '{"step":2,"reward":0,"groups_kept":0}'
	says "rloop run: hint: the reward was 0 all the time, and teaches nothing; what the verifier took for the answers: \
rloop view -o answers.html run/iter-1/eval.traj"
	[ "$(grep -c hint: err)" -eq 1 ]
	same="\"reward\":0.5,$good}"
	hinted "{\"step\":1,$same" "{\"step\":2,$same" # two means may be equal by chance
	not grep -q hint: err
	hinted "{\"step\":1,$same" "{\"step\":2,$same" "{\"step\":3,$same" "{\"step\":4,$same" "{\"step\":5,$same"
	says "hint: the reward was 0.5 all the time"
	hinted '{"step":1,"reward":0.25,"groups_kept":0}' '{"step":2,"reward":0.5,"groups_kept":0}'
	says "hint: no problem had answers of differing reward in any step, and nothing was learned; what the verifier"
	not grep -q "all the time" err
	hinted '{"step":1,"loss":0.25}' # another explorer's log
	not grep -q hint: err
	more=(--explore-opts "--lr 1e-9 --verifier 'cmd:a b'")
	hinted "{\"step\":1,\"reward\":0.2,${good/1e-4/1e-13}}" "{\"step\":2,\"reward\":0.3,${good/1e-4/1e-13}}"
	says "hint: at the rate 1e-9 the policy stayed where it was; with a hundred times that: "
	# what it says is a command
	next=$(sed -n 's/.*a hundred times that: //p' err)
	unset FAKE_ROWS EXPLORE FILTER TUNE EVAL PASSK CAT MIX # it names the stages, too
	eval "$next"
	grep -E "^explore .*--lr 1e-9 --verifier cmd:a b --lr 1e-07" log
	[ -e run-2/iter-1/policy ]
	rm -rf run-2
	more=(--max-new 30)
	hinted "{\"step\":1,\"reward\":0.2,${good/0.01/0.6}}" "{\"step\":2,\"reward\":0.3,${good/0.01/0.5}}"
	says "hint: 55 % of the responses were cut off at --max-new 30; with twice that: "
	grep -q -- "-d run-2 --max-new 60$" err
	hinted "{\"step\":1,\"longest\":30,\"reward\":0.2,${good/0.01/0.6}}" "{\"step\":2,\"longest\":9,\"reward\":0.3,${good/0.01/0.5}}"
	says "hint: 55 % of the responses were cut off at --max-new 30; with twice that: "
	hinted "{\"step\":1,\"longest\":29,\"reward\":0.2,${good/0.01/0.6}}" "{\"step\":2,\"longest\":9,\"reward\":0.3,${good/0.01/0.5}}"
	says "hint: 55 % of the responses were cut off at 29 tokens or less, where prompt and response fill the policy; its length is \
max_len: policy-init --info $PWD/base"
	not grep -q max-new err
	more=(--explore-opts '--max-new=30')
	hinted "{\"step\":1,\"reward\":0.2,${good/0.01/0.6}}" "{\"step\":2,\"reward\":0.3,${good/0.01/0.5}}"
	grep -qF -- "-d run-2 --explore-opts '--max-new=30 --max-new 60'" err
	more=(--explore-opts '--max-n 30') # cut short
	hinted "{\"step\":1,\"reward\":0.2,${good/0.01/0.6}}" "{\"step\":2,\"reward\":0.3,${good/0.01/0.5}}"
	says "cut off at --max-new 30;"
	grep -qF -- "-d run-2 --explore-opts '--max-n 30 --max-new 60'" err
	hinted "{\"step\":1,\"reward\":0.2,${good/1e-4/1e9}}" "{\"step\":2,\"reward\":0.3,${good/1e-4/1e9}}"
	[ -z "$(grep -v "^rloop run: [id]" err)" ]
	more=()
	hinted "{\"step\":1,\"reward\":0.2,${good/:0.1/:0.7}}" "{\"step\":2,\"reward\":0.3,${good/:0.1/:0.9}}"
	says "hint: the verifier took 80 % of the explorations; with more copies of it: "
	grep -qF -- "--explore-opts '--workers 2'" err
	more=(-q)
	hinted '{"step":1,"reward":0,"groups_kept":0}' '{"step":2,"reward":0,"groups_kept":0}'
	[ -z "$stderr" ]
}

@test "report of a run: where it is, curves, tables; --follow until it ends" {
	need_tool gnuplot
	fake_stages
	printf '{"step":%d,"reward":0.%d,"entropy":1,"note":"<b>"}\n' 1 2 2 5 3 3 >rows
	FAKE_ROWS=$PWD/rows status_is 0 "$rloop" run -q -p base -t train.jsonl -e test.jsonl -i 2 -n 3 -k 1 -d 'a <run>'
	status_is 0 "$rloop" report --text 'a <run>'
	[[ $output == *"iter  rl_steps  policy"*"training reward"* ]]
	page='a <run>/report.html'
	grep -q '<h1>Run a &lt;run&gt;</h1>' "$page"
	grep -q '<td>state</td><td>finished</td>' "$page"
	[ "$(grep -c '<figure>' "$page")" -eq 3 ]
	[ "$(grep -c 'http-equiv' "$page")" -eq 0 ]
	grep -q '<td>rft</td>' "$page"
	grep -q '^steps 3' "$page"
	not grep -q '<run>' "$page"
	[ -s 'a <run>/pictures/reward.png' ]
	status_is 0 "$rloop" report -q -o other.html 'a <run>'
	[ -z "$output" ]
	cmp other.html "$page"
	status_is 2 "$rloop" report --draw x 'a <run>'
	status_is 2 "$rloop" report --every 0 'a <run>'
	status_is 3 "$rloop" report none
	says "none: no such folder"
	# while somebody has the lock, it runs
	exec 8>>'a <run>/.lock'
	flock 8
	"$rloop" report --follow --every 1 -o follow.html 'a <run>' >shown 8>&- &
	for _ in {1..300}; do
		[ ! -e follow.html ] || break
		sleep 0.1
	done
	grep -q 'http-equiv="refresh" content="1"' follow.html
	exec 8>&-
	wait $!
	not grep -q 'http-equiv' follow.html
	[ "$(wc -l <shown)" -eq 4 ]
}

@test "report --follow of a comparison: with what its runs have left since" {
	need_tool gnuplot
	fixture tasks base
	status_is 0 "$rloop" compare -q -p "$FIX/base" -t "$FIX/train.jsonl" -e "$FIX/test.jsonl" -d runs -i 1 -n 1 -S 1 -N 4 \
		-k 1,4 --explore-opts '--groups 2 --group-size 2 --max-new 12 --keep-equal' --tune-opts '--steps 1' vanilla
	mv runs/table table
	status_is 0 "$rloop" report -q --follow -o page.html runs
	cmp table runs/table
	grep -q '<h2>test</h2>' page.html
	[ "$(cat runs/variants)" = vanilla ]
	rm runs/variants
	status_is 3 "$rloop" report --follow runs
	says "runs: no file variants"
}

@test "status says how far a tuning and an evaluation are" {
	fixture tasks base run
	traj-filter -q --correct "$FIX/run.traj" >expert.traj
	# a stage that goes on for as long as it is looked at
	call=("$rloop" run -q -p "$FIX/base" -t "$FIX/train.jsonl" -e "$FIX/test.jsonl" -d run -i 1 -n 2 -N 2 -k 1 --mix 0
		--explore-opts '--groups 4 --group-size 8 --max-new 12 --keep-equal' --tune-opts '--steps 100000 --batch 1')
	setsid "${call[@]}" >/dev/null 2>said &
	pid=$!
	for _ in {1..600}; do
		! "$rloop" status run 2>/dev/null | grep -q '^stage	tune, update [1-9]' || break
		sleep 0.1
	done
	status_is 0 "$rloop" status run
	[[ $output == *$'\n'"stage	tune, update "*" of 100000"$'\n'*$'\n'"left	"*"of this stage"$'\n'* ]]
	"$rloop" status --json run | jq -e '.stage == "tune" and .progress.unit == "update" and .progress.done >= 1 and
		.progress.all == 100000 and .stage_seconds_left > 0 and .step == null'
	kill -9 -- -$pid
	wait $pid || true
	"$rloop" status --json run | jq -e '.progress == null' ||
		{ sleep 1 && "$rloop" status --json run | jq -e '.progress == null'; }
	[ -s run/.progress ]
	# which is not the next call's
	status_is 2 "${call[@]}" -N 3
	[ ! -e run/.progress ]
}

@test "example curves: CSV and event files, of a run that goes on too" {
	fake_stages
	printf '{"step":%d,"reward":0.%d,"entropy":1}\n' 1 2 2 5 3 3 >rows
	FAKE_ROWS=$PWD/rows status_is 0 "$rloop" run -q -p base -t train.jsonl -e test.jsonl -i 2 -n 3 -k 1 -d run
	status_is 0 env COLUMNS_OF_LOGS=reward,entropy "$root/examples/curves/run.sh" run curves
	[ "$(head -n 2 curves/training.csv | cut -d , -f 1-3 | paste -s -d ' ')" = "step,reward,entropy 1,0.2,1" ]
	[ "$(wc -l <curves/training.csv)" -eq 7 ]
	[ "$(head -n 1 curves/evaluations.csv)" = "iter,rl_steps,policy,reward,expert,avg@n,pass@1" ]
	python3 "$root/tests/cli/events.py" curves/tensorboard/training/events* >got
	printf '%d\treward/all\t%s\n%d\tentropy/all\t1\n' 1 0.2 1 >want
	grep -xFf want got
	[ "$(wc -l <got)" -eq 12 ]
	status_is 2 "$root/examples/curves/run.sh"
	status_is 3 "$root/examples/curves/run.sh" base
	says "no explore.log"
}

@test "what comes behind a stage: how often it does, the time of the others, and whether some are unknown" {
	# shellcheck source=pipelines/watch.bash disable=SC2034
	. "$root/pipelines/watch.bash"
	iterations=3 plan=(explore tune eval) took=([eval]=5)
	[ "$(time_behind eval 0)" = "3 0+" ]
	[ "$(time_behind explore 1)" = "2 15+" ]
	took+=([explore]=10 [tune]=7)
	[ "$(time_behind tune 2)" = "1 20" ]
	[ "$(time_behind eval 3)" = "0 0" ]
	[ "$(time_behind pass-at-k 2)" = "0 0" ]
	plan=(eval)
	[ "$(time_behind explore '')" = "0 20" ]
	unset 'took[eval]'
	[ "$(time_behind explore '')" = "0 0+" ]
}

@test "a terminal sees how far the loop and a comparison are, nothing else does" {
	need_tool script
	fixture tasks base
	export RUN="-p $FIX/base -t $FIX/train.jsonl -e $FIX/test.jsonl -i 2 -n 1 -N 2 -k 1"
	export OPTS='--groups 2 --group-size 2 --max-new 12 --keep-equal' rloop
	script -qec 'stty cols 200; "$rloop" run $RUN -d run --explore-opts "$OPTS" --tune-opts "--steps 2"' /dev/null \
		</dev/null | tr '\r' '\n' >seen
	grep -E 'rloop run: iteration 1/2, explore: step 1/1 in [0-9]+s \(>[0-9]+s left in all\)  reward ' seen
	grep -E 'rloop run: iteration 1/2, tune: update [12]/2[, ].*s (left )?\(>[0-9]+s ' seen
	grep -E 'rloop run: iteration 2/2, eval: problem [0-9]+/12 in [0-9]+s  reward ' seen
	script -qec '"$rloop" compare $RUN -S 1 -d runs --explore-opts "$OPTS" vanilla' /dev/null </dev/null | tr '\r' '\n' >seen
	grep 'rloop compare: 0 of 1 runs complete (rloop status ' seen
	"$rloop" run $RUN -d other --explore-opts "$OPTS" --tune-opts "--steps 2" >seen 2>&1
	not grep -E 'iteration|left' seen
}
