# ranks-mpich.bats - the module built for MPICH, beside Open MPI's, where Debian's package mpich is installed: the
# bytes of one process, how a run ends, and that no module works under the launcher of the other MPI.
load helpers
load ranks

setup() {
	cd "$BATS_TEST_TMPDIR"
	need_tool mpicc.mpich
	need_tool mpiexec.mpich
	fixture tasks base run
	cp -r "$FIX/base" "$FIX/train.jsonl" "$FIX/run.traj" .
	jq -c 'del(.verifier)' train.jsonl >free.jsonl
	mpiexec=mpiexec.mpich
	mpich=$BATS_FILE_TMPDIR/mpich
	tools=(policy-eval policy-score rft-tune rl-explore rl-update)
	if [ ! -e "$mpich" ]; then # once for the file
		make -s -C "$root" mpi MPICC=mpicc.mpich BUILD="$mpich.part" CFLAGS=-O2 WERROR=-Werror
		mkdir "$mpich.part/bin"
		cp "${tools[@]/#/$BIN/}" "$mpich.part/bin"
		mv "$mpich.part" "$mpich"
	fi
	PATH=$mpich/bin:$PATH
	export TMPDIR=$BATS_TEST_TMPDIR
}

# all_same COMMAND ...: 1, 2 and 3 ranks leave what one process does
all_same() {
	local n
	rm -rf one n?
	status_is 0 at one "$@"
	for n in 1 2 3; do
		status_is 0 ranks $n "$@" -j $((1 + n % 2))
		same one "n$n"
	done
}

@test "MPICH: each tool's 1, 2 and 3 ranks write the bytes of one process" {
	all_same "${rl[@]}" --kl 0.01
	all_same policy-eval -q -p ../base -t ../train.jsonl -n 3 --max-new 12 --stream s.traj
	all_same policy-score -q -p ../base --as again --stream s.traj ../run.traj
	all_same rft-tune -q -p ../base --steps 4 --batch 24 --lr 1e-2 --lanes 3 --validation 0.2 --state st \
		--checkpoint-every 2 --log log -o out ../run.traj
	all_same rl-update -q -p ../base --lr 1e-2 --lanes 3 --state st --log log -o out ../run.traj
}

@test "MPICH: an error is one message and its status" {
	e=(policy-eval -q -p base -t train.jsonl --stream s.traj --max-new 4)
	status_is 2 ranks 2 policy-eval -p ../base -t ../train.jsonl
	says "ranks need --stream"
	status_is 3 timeout 60 $mpiexec -np 1 "${e[@]}" : -np 1 "${e[@]}" -s 1
	one_message "rank 1 differs from rank 0: another tool, version or options"
	mkdir -p a b
	cp -r base train.jsonl a
	cp -r base b
	for bad in "a b" "b a"; do
		# shellcheck disable=SC2086 # two words
		set -- $bad
		status_is 4 timeout 60 $mpiexec -np 1 -wdir "$PWD/$1" "${e[@]}" : -np 1 -wdir "$PWD/$2" "${e[@]}"
		one_message "train.jsonl: open: No such file"
	done
	status_is 4 ranks 3 policy-eval -q -p ../base -t ../train.jsonl --stream /dev/full
	one_message "No space left"
}

@test "MPICH: a verifier sees no launcher and none of its pipes" {
	cat >v.sh <<-'END'
		#!/bin/sh
		ls "/proc/$$/fd" >"$SEEN.$$" # no pipe: its ends would be seen, now and then
		{ env | grep -cE '^(PMI_|MPI_LOCAL)'; grep -cvE '^([012]|1[01])$' "$SEEN.$$"; } >>"$SEEN"
		while read -r l; do echo '{"reward":1}'; done
	END
	chmod +x v.sh
	SEEN=$PWD/seen status_is 0 ranks 2 policy-eval -q -p ../base -t ../free.jsonl --max-new 4 \
		--workers 1 --verifier "cmd:$PWD/v.sh" --stream s.traj
	[ "$(sort -u seen)" = 0 ]
	[ "$(wc -l <seen)" = 4 ]
}

@test "MPICH: stopped and killed in every way, gone on with by other numbers: the same bytes, no orphan" {
	local n=2 rc how
	long_run
	for how in USR1 rank0-TERM rank1-KILL TERM rank0-KILL KILL rank1-TERM; do
		going $n
		rc=0
		case $how in
		rank*) kill -"${how#*-}" "$(rank_of "${how:4:1}")" ;;
		*) kill -"$how" "$pid" ;;
		esac
		wait "$pid" || rc=$?
		# (0: its launcher of Debian 12 loses the statuses of ranks after a signal that it passed on, now and then)
		case $how-$rc in
		USR1-143 | USR1-0 | TERM-143 | TERM-0 | rank?-TERM-143 | rank?-KILL-9 | KILL-137) ;;
		*) cat cut/err && echo "$how: $rc" && return 1 ;;
		esac
		gone
		[ ! -e cut/out ]
		n=$((n % 3 + 2))
	done
	status_is 0 at cut "${long[@]}"
	cmp whole/s.traj cut/s.traj
	same whole cut
}

@test "ranks: under the launcher of another MPI than the module's they are refused, in one message" {
	e=(-q -p base -t train.jsonl --stream s.traj)
	need_ranks
	late=(sh -c 'sleep 1; exec "$@"' sh) # the first rank, which says it
	status_is 2 timeout 60 mpirun -np 1 "${late[@]}" "$mpich/bin/policy-eval" "${e[@]}" : -np 1 "$mpich/bin/policy-eval" "${e[@]}"
	one_message "the launcher started 2 processes, and MPI tells of 1: rloop-mpi.so was built with MPICH"
	# (without a daemon, which MPI starts for a process that is alone)
	status_is 2 env OMPI_MCA_ess_singleton_isolated=1 OMPI_MCA_btl=self timeout 60 mpiexec.mpich \
		-np 1 "${late[@]}" "$BIN/policy-eval" "${e[@]}" : -np 1 "$BIN/policy-eval" "${e[@]}"
	one_message "the launcher started 2 processes, and MPI tells of 1: rloop-mpi.so was built with Open MPI"
	[ ! -e s.traj ]
}
