# completion.bats - what bash is offered behind the suite's commands.
load helpers

setup() {
	PATH=$PATH:$root/pipelines
	# shellcheck source=pipelines/completion.bash
	. "$root/pipelines/completion.bash"
}

# offers WANT WORD ...: what is offered for the last word, on one line
offers() {
	local want=$1 got
	shift
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	_rloop_complete "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
	got=$(printf '%s\n' "${COMPREPLY[@]}" | sort | paste -sd ' ')
	[ "$got" = "$want" ] || {
		printf 'offered: %s\nnot:     %s\n' "$got" "$want"
		return 1
	}
}

@test "options, by name and by letter" {
	offers "--color" traj-view --co
	offers "--sample --seed --strict" traj-view --s
	offers "-p" traj-view -p
	offers "" traj-view --no-such
}

@test "words that an option takes" {
	offers "always auto never" traj-view --text --color ""
	offers "always auto" traj-view --color a
	offers "always auto never" traj-view --color =
	offers "never" traj-view --color = n
	offers "char" traj-stat --gram c
}

@test "files, by bash itself, where there is nothing to offer" {
	offers "" traj-view ""
	offers "" traj-view -p ""
	offers "" traj-view --sample 1
	complete -p traj-view | grep -qF -- '-o default'
}

@test "commands of rloop, and their options" {
	offers "report run" rloop r
	offers "--help" rloop status --h
	offers "--help" rloop --h
}

@test "every tool is completed" {
	for f in "$BIN"/*; do
		complete -p "${f##*/}" | grep -q _rloop_complete
	done
	complete -p rloop | grep -q _rloop_complete
}

@test "bash-completion finds it under the command's name" {
	loader=/usr/share/bash-completion/bash_completion
	[ -e "$loader" ] || skip "bash-completion is not installed"
	mkdir -p "$BATS_TEST_TMPDIR/bash-completion/completions"
	ln -s "$root/pipelines/completion.bash" "$BATS_TEST_TMPDIR/bash-completion/completions/traj-view"
	XDG_DATA_HOME=$BATS_TEST_TMPDIR bash --norc -c '. "$1"
		_completion_loader traj-view
		complete -p traj-view' - "$loader" | grep -q _rloop_complete
}
