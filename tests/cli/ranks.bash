# ranks.bash - for the tests of runs of several processes: load ranks

# begin_ranks NAME ...: skips the test where there is no MPI; the fixtures named, and a folder to run in
begin_ranks() {
	cd "$BATS_TEST_TMPDIR" || return
	need_ranks
	fixture "$@"
}

at() {
	mkdir -p "$1"
	(cd "$1" && shift && exec timeout "${deadline:-60}" "$@")
}

# ranks N COMMAND ...: in folder nN, or $dir
ranks() {
	local n=$1
	shift
	at "${dir:-n$n}" mpirun -np "$n" "$@"
}

# one_message TEXT: it stands in stderr once
# shellcheck disable=SC2154 # stderr: of status_is
one_message() {
	[ "$(grep -c "$1" <<<"$stderr")" = 1 ] || {
		printf 'not once "%s": %s\n' "$1" "$stderr"
		return 1
	}
}

# same A B: all that two runs leave, but for times; stream, policy, log, moments where there are some
# shellcheck disable=SC2154 # root: of helpers
same() {
	local f
	for f in s.traj out/model.safetensors out/adapter_model.safetensors; do
		[ ! -e "$1/$f" ] || cmp "$1/$f" "$2/$f" || return 1
	done
	[ ! -d "$1/st" ] || (cd "$1" && find st -name '*.safetensors') | while read -r f; do
		cmp "$1/$f" "$2/$f" || exit
	done || return 1
	for f in "$1" "$2"; do
		[ ! -e "$f/log" ] || jq -cf "$root/tests/untimed.jq" "$f/log" >"$f.log"
	done
	[ ! -e "$1.log" ] || cmp "$1.log" "$2.log"
	[ -z "$(find "$2" -name '*.tmp-*')" ]
}
