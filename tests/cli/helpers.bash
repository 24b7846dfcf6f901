# helpers.bash - for every .bats file: load helpers
#
# The tools are on PATH. Each test's scratch folder is $BATS_TEST_TMPDIR.

root=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
BIN=${BIN:-$root/build/bin}
PATH=$BIN:$PATH
SHARED_DATA=${SHARED_DATA:-$root/../shared/data}
export LC_ALL=C.UTF-8

# status_is N command ...: the command must leave with status N exactly: a signal, a timeout or a
# sanitizer's report is never a pass. Its output is kept in $output and $stderr, byte for byte in
# the files $BATS_TEST_TMPDIR/out and err.
status_is() {
	local want=$1
	shift
	status=0
	"$@" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" || status=$?
	output=$(tr -d '\0' <"$BATS_TEST_TMPDIR/out")
	stderr=$(tr -d '\0' <"$BATS_TEST_TMPDIR/err")
	case $stderr in
	*Sanitizer* | *"runtime error:"*) want="$want and no sanitizer's report" ;;
	esac
	[ "$status" = "$want" ] && return
	printf 'status %s, not %s: %s\nstdout: %.2000s\nstderr: %.4000s\n' \
		"$status" "$want" "$*" "$output" "$stderr"
	return 1
}

# not COMMAND ...: it must fail (a bare ! fails no test)
not() {
	! "$@"
}

# says TEXT: the last status_is command's stderr has TEXT in it
says() {
	[[ $stderr == *"$1"* ]] || {
		printf 'stderr lacks "%s": %s\n' "$1" "$stderr"
		return 1
	}
}

# memory_limit KB: of address space, for this shell and what it starts; none where ASan reserves
# terabytes
memory_limit() {
	[[ $BIN == *address* ]] || ulimit -v "$1"
}

# every N: N, or, with sanitizers, under which a tool takes ten times as long to start, 11 N
every() {
	[[ $BIN == *address* ]] && echo $((11 * $1)) || echo "$1"
}

# need_data FILE: skips the test where the shared real data are absent; else the path is $data
need_data() {
	data=$SHARED_DATA/$1
	[ -e "$data" ] || skip "no shared data: $1"
}

# comma_locale: from here on the user's language writes 0,5
comma_locale() {
	local dir=${TEST_ENV:-$BATS_RUN_TMPDIR/env}/locale
	if [ ! -e "$dir/de_DE.UTF-8" ]; then # once for the whole run
		mkdir -p "$dir"
		localedef -i de_DE -f UTF-8 "$BATS_TEST_TMPDIR/de_DE.UTF-8" 2>/dev/null ||
			skip "no sources of locales (package locales)"
		mv -T "$BATS_TEST_TMPDIR/de_DE.UTF-8" "$dir/de_DE.UTF-8" || [ -e "$dir/de_DE.UTF-8" ] # another was first
	fi
	export LOCPATH=$dir LC_ALL=de_DE.UTF-8
}

need_tool() {
	command -v "$1" >/dev/null || skip "$1 is not installed"
}

# need_ranks: skips the test where nothing runs as several processes; else mpirun is set up for it
need_ranks() {
	# shellcheck source=tests/mpi-env.bash
	. "$root/tests/mpi-env.bash"
	local why
	why=$(why_no_ranks)
	[ -z "$why" ] || skip "$why"
	mpi_env "$BATS_TEST_TMPDIR"
}

# fixture NAME ...: makes once for the whole run what is asked for, in the folder $FIX (read only):
#   tasks  train.jsonl test.jsonl     base  base/, a tiny policy
#   run    run.traj (of rl-explore), wrong.traj (what of it is wrong, with hindsight)
#   eval  eval.traj (of policy-eval)
fixture() {
	FIX=${TEST_ENV:-$BATS_RUN_TMPDIR/env}
	"$root/tests/man-env.sh" "$FIX" "$@"
}

# fake_stages: stages of pipelines that are scripts, which write what they do into log; base, train.jsonl
# and test.jsonl in this folder
fake_stages() {
	local fake="'$root/tests/cli/fake-stage'"
	export FAKE_LOG=$PWD/log
	export EXPLORE="$fake explore" FILTER="$fake filter" TUNE="$fake tune" EVAL="$fake eval"
	export PASSK="$fake passk" CAT="$fake cat" MIX="$fake mix" RELABEL="$fake relabel"
	mkdir base
	echo base >base/model.safetensors
	touch train.jsonl test.jsonl
}
