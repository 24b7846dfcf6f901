# ranks-errors.bats - an error on rank 0, or on another one alone: its status, one message, nobody waits.
load helpers
load ranks

setup() {
	begin_ranks tasks base run
	mkdir a b
	for d in a b; do
		cp "$FIX/train.jsonl" "$FIX/run.traj" $d
		jq -c 'del(.verifier)' $d/train.jsonl >$d/free.jsonl
		ln -s "$FIX/base" $d
	done
	sample=(--max-new 4 --stream s.traj)
	explore=(rl-explore -q -p base -n 2 --groups 4 --group-size 4 "${sample[@]}" --lanes 2)
	eval=(policy-eval -q -p base "${sample[@]}")
	tune=(rft-tune -q -p base --steps 3 --lanes 2 -o out)
	update=(rl-update -q -p base --lanes 2 -o out)
	score=(policy-score -q -p base --as x --micro-tokens 8 --stream s.traj)
}

# apart A B COMMAND ...: two ranks, in these two folders; 124 where they wait for each other
apart() {
	local a=$1 b=$2
	shift 2
	rm -rf ./?/out st
	timeout 20 mpirun -np 1 -wdir "$a" "$@" : -np 1 -wdir "$b" "$@"
}

# told STATUS TEXT COMMAND ...: what is wrong in b is told, with rank 0 there, and with rank 1
told() {
	local status=$1 text=$2
	shift 2
	status_is "$status" apart a b "$@"
	one_message "$text"
	status_is "$status" apart b a "$@"
	one_message "$text"
}

# each TEXT STATUS: of all five tools, what is wrong with their input in b
each() {
	told "$2" "$1" "${explore[@]}" -t train.jsonl
	told "$2" "$1" "${eval[@]}" -t train.jsonl
	told "$2" "$1" "${tune[@]}" run.traj
	told "$2" "$1" "${update[@]}" run.traj
	told "$2" "$1" "${score[@]}" run.traj
}

@test "ranks: an input that one of them cannot open" {
	rm b/train.jsonl b/run.traj
	each "open: No such file" 4
}

@test "ranks: an input that is damaged for one of them" {
	head -c 700 a/train.jsonl >b/train.jsonl
	head -c 20000 a/run.traj >b/run.traj # in the middle of a record
	each "^[a-z-]*: [a-z]*\.\(traj\|jsonl\):" 3
}

@test "ranks: an input that is another for one of them" {
	head -5 a/train.jsonl >b/train.jsonl
	traj-filter --where 'sample<2' a/run.traj >b/run.traj 2>err
	each "rank 1 differs from rank 0" 3
}

@test "ranks: a policy that one of them cannot read" {
	rm b/base
	mkdir b/base
	each "config.json" 3
}

@test "ranks: a verifier that fails for one of them" {
	for d in a b; do
		printf '#!/bin/sh\nwhile read -r l; do echo "{\\"reward\\":1}"; done\n' >$d/v.sh
		chmod +x $d/v.sh
	done
	printf '#!/bin/sh\nexit 1\n' >b/v.sh
	told 3 "verdicts are failures" "${explore[@]}" -t free.jsonl --verifier cmd:./v.sh --max-failures 0
	told 3 "verdicts are failures" "${eval[@]}" -t free.jsonl --verifier cmd:./v.sh --max-failures 0
}

@test "ranks: a disk that is full" {
	for t in tune update; do
		declare -n call=$t
		status_is 4 apart a b "${call[@]}" --log /dev/full run.traj
		one_message "No space left"
	done
	status_is 4 apart a b "${score[@]}" --stream /dev/full run.traj
	one_message "No space left"
}

@test "ranks: checkpoints and policies that rank 0 cannot write" {
	export OMPI_MCA_btl=tcp,self # which makes no file of its own
	# small SIZE COMMAND ...: no file may have more KB
	# shellcheck disable=SC2016 # of that script
	printf '#!/bin/bash\nulimit -f "$1" && shift && exec "$@"\n' >small
	chmod +x small
	status_is 4 apart a b ../small 24 "${tune[@]}" --state "$PWD/st" --checkpoint-every 2 run.traj
	one_message "File too large"
	status_is 4 apart a b ../small 24 "${tune[@]}" run.traj
	one_message "File too large"
	status_is 4 apart a b ../small 24 "${update[@]}" --state "$PWD/st" run.traj
	one_message "File too large"
	status_is 4 apart a b ../small 24 "${update[@]}" run.traj
	one_message "File too large"
	status_is 4 apart a b ../small 24 "${explore[@]}" -t train.jsonl --state "$PWD/st"
	one_message "File too large"
}

@test "ranks: rl-update with the state of another call, or of another policy" {
	status_is 0 apart a b "${update[@]}" --lr 1e-2 --warmup 0 --state "$PWD/kept" run.traj
	status_is 2 apart a b "${update[@]}" --state "$PWD/kept" run.traj
	one_message "was taken before"
	rl-update -q -p "$FIX/base" --lr 1e-1 --warmup 0 -o other "$FIX/run.traj"
	status_is 2 apart a b "${update[@]}" -p "$PWD/other" --state "$PWD/kept" run.traj
	one_message "those of another policy"
}
