# completion.bash - completes the suite's commands in bash, from what their own --help lists: options,
# the words that an option takes, commands of rloop, else files. See bash-completion: make install puts
# it where it is found.
# shellcheck shell=bash

# A line for each option, "--name words" or "--name"; a letter has one of its own.
_rloop_options() { # COMMAND ...
	"$@" --help 2>/dev/null </dev/null |
		sed -nE 's/^  (   |-.,) (--[a-z0-9-]+)( ([^ ]+))?.*/\1 \4\n\2 \4/p' | sed -nE 's/^(-[^ ,]+),?/\1/p'
}

# The commands that rloop --help lists: two blanks, a word, two blanks or more
_rloop_commands() {
	"$1" --help 2>/dev/null </dev/null | sed -nE 's/^  ([a-z]+)  .*/\1/p'
}

_rloop_complete() { # COMMAND WORD WORD-BEFORE, as bash calls it
	local current=$2 before=$3 name words listed
	local -a command=("$1") candidates=()

	COMPREPLY=()
	if [ "${1##*/}" = rloop ]; then
		if [ "$COMP_CWORD" -eq 1 ] && [[ $current != -* ]]; then
			listed=$(_rloop_commands "$1")
			mapfile -t COMPREPLY < <(compgen -W "$listed" -- "$current")
			return
		fi
		[[ ${COMP_WORDS[1]} == -* ]] || command+=("${COMP_WORDS[1]}")
	fi
	# --name=word comes as three words
	[ "$current" != = ] || current=
	[ "$before" != = ] || before=${COMP_WORDS[COMP_CWORD - 2]}
	while read -r name words; do
		if [ "$name" = "$before" ] && [[ $words == *'|'* ]]; then
			mapfile -t COMPREPLY < <(compgen -W "${words//|/ }" -- "$current")
			return
		fi
		candidates+=("$name")
	done < <(_rloop_options "${command[@]}")
	[[ $current != -* ]] ||
		mapfile -t COMPREPLY < <(compgen -W "${candidates[*]}" -- "$current")
}

complete -o default -F _rloop_complete rloop eval-compare log-stat pass-at-k policy-ask policy-convert \
	policy-eval policy-init policy-mix policy-score rft-tune rl-explore rl-update task-gen traj-cat \
	traj-convert traj-filter traj-relabel traj-score traj-stat traj-view
