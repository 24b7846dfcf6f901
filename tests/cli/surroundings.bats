# What a tool writes depends on its options and inputs: not on time zone, language, home, folder,
# umask, other descriptors, or where its output goes.
load helpers
. "$BATS_TEST_DIRNAME/../fault/tap.bash"

# call: the tool as tests/fault/table says, in a folder of the fixtures; everything that it writes
call() {
	rm -rf OUT
	"$@" "$tool" -q "${args[@]}" <"$input" || return
	[ ! -d OUT ] || cat OUT/*
}

each_tool() { # COMMAND: called for each row of the table
	while IFS=$'\t' read -r tool input line; do
		case $tool in '#'* | '') continue ;; esac
		[ "$input" != - ] || input=/dev/null
		row "$line"
		case $tool in rl-explore) args+=(--groups 2 --group-size 4 --rounds 1 --max-new 8) ;; esac
		"$1" || {
			echo "# $tool" >&3
			return 1
		}
	done <"$BATS_TEST_DIRNAME/../fault/table"
}

setup() {
	fixture tasks base run eval server
	mkdir "$BATS_TEST_TMPDIR/a" "$BATS_TEST_TMPDIR/elsewhere"
	for d in a elsewhere; do
		cp -r "$FIX"/{base,train.jsonl,test.jsonl,run.traj,rollouts.jsonl,eval.traj,list.tsv,toy-server} "$BATS_TEST_TMPDIR/$d"
	done
	cd "$BATS_TEST_TMPDIR/a"
}

teardown() {
	[ -z "$server" ] || kill "$server"
}

same_in_other_surroundings() {
	call env >../want
	call env -i PATH="$PATH" TZ=Asia/Kathmandu LC_ALL=tr_TR.UTF-8 LANG=de_DE.UTF-8 HOME=/nonexistent \
		COLUMNS=7 OMP_NUM_THREADS=3 OPENBLAS_NUM_THREADS=2 MALLOC_PERTURB_=165 >../got
	cmp ../want ../got
	(umask 077 && exec 7<list.tsv 9>../open && call env) | cmp ../want -
	(cd ../elsewhere && call env) | cmp ../want -
	call env | cat | cmp ../want -
}

@test "time zone, language, home, threads of libraries, umask, folder, pipe or file: the same bytes" {
	each_tool same_in_other_surroundings
}
