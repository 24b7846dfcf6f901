# state.bats - rl-explore --state and rft-tune --state: runs that are stopped and called again end with
# the bytes of a run that never was.
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	fixture tasks base run
	cp -r "$FIX/base" "$FIX/train.jsonl" "$FIX/run.traj" .
}

# at FOLDER COMMAND ...: the same relative names everywhere, since the stream tells how it was made
at() {
	mkdir -p "$1"
	(cd "$1" && shift && exec "$@")
}

rl=(rl-explore -q -p ../base -t ../train.jsonl -n 12 --groups 4 --group-size 4 --rounds 2
	--max-new 12 --lr 1e-3 --warmup 3 --kl 0.01 --stream s.traj --log log --state st
	--checkpoint-every 2 -o out --save-every 6 --save-to saved)
rft=(rft-tune -q -p ../base -o out --steps 40 --batch 8 --lr 1e-3 --validation 0.3 --log log
	--state st --checkpoint-every 4 ../run.traj)

# same A B: all that two runs leave, but for times
same() {
	local f
	for f in s.traj out/model.safetensors saved/step-6/model.safetensors; do
		[ ! -e "$1/$f" ] || cmp "$1/$f" "$2/$f" || return 1
	done
	for f in "$1" "$2"; do
		jq -cf "$root/tests/untimed.jq" "$f/log" >"$f.log"
	done
	cmp "$1.log" "$2.log"
	[ -z "$(find "$2" -name '*.tmp-*')" ]
}

# goes FOLDER LINES COMMAND ...: the run in the folder until its log has so many lines (+N: so many
# more); its id is $pid
goes() {
	local dir=$1 lines=$2
	shift 2
	mkdir -p "$dir"
	case $lines in +*) lines=$((${lines#+} + $(cat "$dir/log" 2>/dev/null | wc -l))) ;; esac
	(cd "$dir" && exec env --default-signal=INT "$@" 2>err) &
	pid=$!
	for _ in {1..2000}; do
		[ "$(cat "$dir/log" 2>/dev/null | wc -l)" -lt "$lines" ] || return 0
		kill -0 $pid 2>/dev/null || return 0
		sleep 0.01
	done
	return 1
}

# ends SIGNAL: the run is sent it; the status is what it ends with
ends() {
	kill "-$1" "$pid" 2>/dev/null || true
	wait "$pid"
}

# killed FOLDER COMMAND ...: kill -9 again and again at moments all over the run, then to its end
killed() {
	local dir=$1 lines rc
	shift
	for lines in 1 2 3 4 6 7 9 12; do
		goes "$dir" "$lines" "$@"
		rc=0
		ends KILL || rc=$?
		[ $rc = 137 ] || [ $rc = 0 ]
	done
	status_is 0 at "$dir" "$@"
}

@test "rl-explore: kill -9 again and again: the same stream, policies, log" {
	status_is 0 at whole "${rl[@]}"
	killed cut "${rl[@]}"
	same whole cut
	[ "$(ls cut/st | paste -sd ' ')" = "step-10 step-12" ]
}

@test "rl-explore --choose: what is known of the problems outlives a kill" {
	head -n 24 train.jsonl >few && mv few train.jsonl
	for rule in unsolved thompson; do
		more=(--choose "$rule" --choose-high 0.4 --choose-again 3 --choose-keep 0.5)
		status_is 0 at whole-$rule "${rl[@]}" "${more[@]}"
		killed cut-$rule "${rl[@]}" "${more[@]}"
		same whole-$rule cut-$rule
		[ -e cut-$rule/st/step-12/problems.safetensors ]
		status_is 2 at cut-$rule "${rl[@]}" "${more[@]}" --choose-keep 0.6
		says "--choose-keep"
	done
}

@test "rft-tune: kill -9 again and again: the same policy and log" {
	status_is 0 at whole "${rft[@]}"
	killed cut "${rft[@]}"
	same whole cut
}

@test "--optimizer: killed again and again, the same bytes; a checkpoint has what each needs" {
	local kind
	for kind in sgd lion muon; do
		status_is 0 at whole-$kind "${rft[@]}" --optimizer $kind
		killed cut-$kind "${rft[@]}" --optimizer $kind
		same whole-$kind cut-$kind
	done
	[ ! -e whole-sgd/st/step-40/optimizer.safetensors ]
	moments whole-lion | jq -e 'all(startswith("m."))'
	moments whole-muon | jq -e '(map(select(startswith("m."))) | length) > 0 and
		(map(select(startswith("v."))) | any(contains("embed")) and all(contains("proj") | not))'
	status_is 2 at whole-lion "${rft[@]}" --optimizer muon
	says "--optimizer"
	status_is 0 at rl-whole "${rl[@]}" --optimizer muon
	killed rl-cut "${rl[@]}" --optimizer muon
	same rl-whole rl-cut
}

# moments FOLDER: names of the arrays of the optimizer in the last checkpoint, as JSON
moments() {
	/usr/bin/python3 - "$1/st/step-40/optimizer.safetensors" <<-'END'
		import json, struct, sys
		f = open(sys.argv[1], "rb")
		n, = struct.unpack("<Q", f.read(8))
		print(json.dumps([k for k in json.loads(f.read(n)) if k != "__metadata__"]))
	END
}

@test "a state does not change the result" {
	status_is 0 at whole "${rl[@]}"
	rl-explore -q -p base -t train.jsonl -n 12 --groups 4 --group-size 4 --rounds 2 --max-new 12 \
		--lr 1e-3 --warmup 3 --kl 0.01 -o plain >plain.traj
	cmp whole/out/model.safetensors plain/model.safetensors
	cmp <("$root/tests/cli/records.py" body <whole/s.traj) \
		<("$root/tests/cli/records.py" body <plain.traj)
}

@test "a signal saves the present step; resumed at once and again, thrice in a row" {
	rl+=(-n 90 --checkpoint-every 1000)
	status_is 0 at whole "${rl[@]}"
	for _ in 1 2 3; do
		goes cut +2 "${rl[@]}"
		rc=0
		ends TERM || rc=$?
		[ $rc = 143 ]
		grep -q "the same call goes on from there" cut/err
		[ "$(ls cut/st | sort -V | tail -n 1)" = "step-$(wc -l <cut/log)" ]
	done
	status_is 0 at cut "${rl[@]}"
	same whole cut
}

@test "rft-tune: a signal saves the present update" {
	rft+=(--steps 300)
	status_is 0 at whole "${rft[@]}"
	for sig in INT TERM; do
		goes cut +2 "${rft[@]}"
		rc=0
		ends $sig || rc=$?
		[ $rc = $((128 + $(kill -l $sig))) ]
		[ ! -e cut/out ]
	done
	status_is 0 at cut "${rft[@]}"
	same whole cut
}

@test "--checkpoint-every: how often" {
	status_is 0 at a "${rl[@]}" --checkpoint-every 5
	[ "$(ls a/st | sort -V | paste -sd ' ')" = "step-10 step-12" ]
	status_is 0 at b "${rl[@]}" --checkpoint-every 11
	[ "$(ls b/st | sort -V | paste -sd ' ')" = "step-11 step-12" ]
	status_is 0 at c "${rft[@]}" --checkpoint-every 30
	[ "$(ls c/st | sort -V | paste -sd ' ')" = "step-30 step-40" ]
}

@test "--stream: the same bytes as standard output" {
	rl-explore -q -p base -t train.jsonl -n 1 --groups 2 --max-new 8 --stream a.traj >nothing
	rl-explore -q -p base -t train.jsonl -n 1 --groups 2 --max-new 8 >b.traj
	[ ! -s nothing ]
	cmp <("$root/tests/cli/records.py" body <a.traj) <("$root/tests/cli/records.py" body <b.traj)
	status_is 0 traj-cat --check a.traj
	cp train.jsonl t.jsonl
	status_is 2 rl-explore -p base -t t.jsonl --stream t.jsonl
	cmp t.jsonl train.jsonl
}

@test "a finished run says so and leaves its results; what is missing of them is made again" {
	status_is 0 at whole "${rl[@]}"
	cp -r whole again
	rl[1]=--rounds=2 # no -q
	status_is 0 at again "${rl[@]}"
	says "all 12 steps were made before"
	same whole again
	rm -r again/out
	truncate -s -10 again/s.traj
	status_is 0 at again "${rl[@]}"
	same whole again
	status_is 0 at tuned "${rft[@]}"
	cp tuned/out/model.safetensors first
	rft[1]=--steps=40
	status_is 0 at tuned "${rft[@]}"
	says "all 40 updates were made before"
	cmp first tuned/out/model.safetensors
	echo >>tuned/out/model.safetensors # not what the run would write
	status_is 4 at tuned "${rft[@]}"
	says "exists already"
}

@test "other options, policies, problems, rows are refused by name; others are free" {
	goes run 4 "${rl[@]}"
	ends TERM || true
	status_is 2 at run "${rl[@]}" -s 7
	says "begun with --seed 0, not 7"
	status_is 2 at run "${rl[@]}" --lr 0.5
	says "begun with --lr 0.001, not 0.5"
	head -n 20 train.jsonl >fewer.jsonl
	status_is 2 at run "${rl[@]}" -t ../fewer.jsonl
	says "problems of --tasks"
	policy-init -q -o other --layers 2 --hidden 32 --ffn 64 --max-len 48 -s 2 \
		--alphabet '0123456789+-*/()=: '
	status_is 2 at run "${rl[@]}" -p ../other
	says "weights of --policy"
	status_is 2 at run "${rft[@]}"
	says "begun with"
	status_is 0 at run "${rl[@]}" -j 3 --recompute --workers 2 --checkpoint-every 5
	says "made with threads"
	goes tuned 4 "${rft[@]}"
	ends TERM || true
	rl-explore -q -p base -t train.jsonl -n 1 --groups 2 --max-new 8 >other.traj
	status_is 2 at tuned "${rft[@]}" ../other.traj
	says "trajectories"
	status_is 0 at tuned "${rft[@]}"
}

@test "a damaged checkpoint is told of, the one before it taken; without one nothing is begun" {
	status_is 0 at whole "${rl[@]}"
	goes cut 7 "${rl[@]}"
	ends TERM || true
	newest=cut/st/$(ls cut/st | sort -V | tail -n 1)
	printf x | dd of="$newest/model.safetensors" bs=1 seek=5000 conv=notrunc status=none
	cp -r cut none
	status_is 0 at cut "${rl[@]}"
	says "it is not the file that the manifest tells of: an older checkpoint is taken"
	same whole cut
	rm none/st/*/manifest
	status_is 3 at none "${rl[@]}"
	says "no checkpoint is whole (remove the folder to begin anew)"
	rm -r none/st
	status_is 0 at none "${rl[@]}"
	same whole none
}

@test "a stream or log that is not what was written is refused" {
	goes run 5 "${rl[@]}"
	ends TERM || true
	cp run/s.traj s.traj
	printf x | dd of=run/s.traj bs=1 seek=3000 conv=notrunc status=none
	status_is 3 at run "${rl[@]}"
	says "are not those written before"
	truncate -s 3000 run/s.traj
	status_is 3 at run "${rl[@]}"
	says "s.traj: it has 3000 bytes"
	cp s.traj run
	cp run/log log
	truncate -s 10 run/log
	status_is 3 at run "${rl[@]}"
	says "log: it has 10 bytes"
	cp log run
	status_is 0 at run "${rl[@]}"
}

@test "a folder is one process's, until it dies by whatever" {
	goes run 2 "${rl[@]}" -n 100000
	status_is 4 at run "${rl[@]}" -n 100000
	says "st is in use by process $pid"
	status_is 4 at run "${rft[@]}"
	kill -0 $pid
	ends KILL || true
	goes run 9 "${rl[@]}" -n 100000
	ends TERM || true
	not grep "in use" run/err
}

@test "calls that are refused" {
	status_is 2 rl-explore -p base -t train.jsonl --state st
	says "--state needs --stream"
	mkfifo pipe
	status_is 2 at run "${rl[@]}" --stream ../pipe
	says "regular file"
	mkdir full
	touch full/letter
	status_is 2 at run "${rft[@]}" --state ../full
	says "other things than a state"
	status_is 4 at run "${rft[@]}" --state no/such/place
	status_is 2 at run "${rl[@]}" --save-to st
	says "the same folder"
	goes run +2 "${rl[@]}" --stream /dev/null --state st2
	ends KILL || true
	status_is 0 at run "${rl[@]}" --stream /dev/null --state st2
}

@test "nothing to learn: the same end after a resumption" {
	jq -c '.verifier = "exact" | .answer = "z"' train.jsonl >hopeless.jsonl
	status_is 3 at a "${rl[@]}" -t ../hopeless.jsonl --checkpoint-every 2
	says "step 5: in 5 steps in a row"
	status_is 3 at a "${rl[@]}" -t ../hopeless.jsonl --checkpoint-every 2
	says "step 5: in 5 steps in a row"
}

# stage_goes_on PIPELINE LOG OPTION ...: killed in its exploration, called again
stage_goes_on() {
	local pipe=$1 log=$2
	shift 2
	setsid "$root/pipelines/$pipe" -p base -t train.jsonl -e train.jsonl -d run -N 1 -k 1 \
		--explore-opts '--groups 4 --group-size 4 --max-new 12 --checkpoint-every 2' "$@" \
		>/dev/null 2>&1 &
	pid=$!
	for _ in {1..2000}; do
		[ "$(cat "$log" 2>/dev/null | wc -l)" -lt 6 ] || break
		sleep 0.01
	done
	kill -9 -- -$pid
	status_is 137 wait $pid
	[ -n "$(ls run/*/explore.state/step-* run/explore.state/step-* 2>/dev/null)" ]
	status_is 0 "$root/pipelines/$pipe" -p base -t train.jsonl -e train.jsonl -d run -N 1 -k 1 \
		--explore-opts '--groups 4 --group-size 4 --max-new 12 --checkpoint-every 2' "$@"
	says "explore.state: going on after step"
	[ -z "$(find run -name '*.state' -o -name '*.part' -o -name '*.tmp-*')" ]
}

@test "rloop: a killed exploration goes on in its middle" {
	stage_goes_on rloop run/iter-1/explore.log.part -i 1 -n 150
	[ "$(wc -l <run/iter-1/explore.log)" -eq 150 ]
	status_is 0 traj-cat --check run/iter-1/explore.traj
}

@test "vanilla: a killed exploration goes on in its middle" {
	stage_goes_on vanilla run/explore.log.part -i 2 -n 75
	[ "$(wc -l <run/explore.log)" -eq 150 ]
	[ "$(ls run/policies | paste -sd ' ')" = "step-150 step-75" ]
}

@test "rloop: a stage that was complete but for its names goes on" {
	opts=(-q -p base -t train.jsonl -e train.jsonl -d run -N 1 -k 1 -i 1 -n 2 --eval-rl
		--explore-opts '--groups 4 --group-size 4 --max-new 12')
	cat >keeper <<-'END'
		#!/bin/sh
		rl-explore "$@" || exit
		[ ! -d run/iter-1/explore.state ] || cp -r run/iter-1/explore.state kept.state
	END
	chmod +x keeper
	status_is 0 "$root/pipelines/rloop" "${opts[@]}"
	cp -r run whole
	rm -rf run
	mkdir -p bin
	mv keeper bin/rl-explore
	sed -i "s|^rl-explore|'$BIN/rl-explore'|" bin/rl-explore
	PATH=$PWD/bin:$PATH status_is 0 "$root/pipelines/rloop" "${opts[@]}"
	# as if it had been killed between the names: the log and where RL ended have theirs
	mv run/iter-1/explore.traj run/iter-1/explore.traj.part
	mv kept.state run/iter-1/explore.state
	status_is 0 "$root/pipelines/rloop" "${opts[@]}"
	cmp run/iter-1/explore.traj whole/iter-1/explore.traj
	cmp run/iter-1/rl-policy/model.safetensors whole/iter-1/rl-policy/model.safetensors
	[ "$(wc -l <run/iter-1/explore.log)" -eq 2 ]
	[ ! -e run/iter-1/explore.state ]
}

@test "what a process left that died while it saved a policy is removed, what one makes is not" {
	mkdir -p run/out.tmp-4194304 run/out.tmp-$$ run/out2.tmp-4194304 # above the greatest id
	touch run/out.tmp-4194304/model.safetensors
	status_is 0 at run "${rft[@]}"
	[ "$(cd run && echo out*)" = "out out.tmp-$$ out2.tmp-4194304" ]
}
