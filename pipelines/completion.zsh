#compdef rloop eval-compare log-stat pass-at-k policy-ask policy-convert policy-eval policy-init policy-mix policy-score rft-tune rl-explore rl-update task-gen traj-cat traj-convert traj-filter traj-relabel traj-score traj-stat traj-view
# completion.zsh - completes the suite's commands in zsh, from what their own --help lists: options with
# what they are for, the words that one takes, commands of rloop, files. make install puts it where
# zsh finds it, as _rloop.

# _rloop_option LETTER NAME ARGUMENT TEXT: the array specs gets it as _arguments has options
_rloop_option() {
	local text=${${${4//\\/\\\\}//\[/\\[}//\]/\\]} more= name=--$2
	local -a names=($name ${1:+-$1})

	if [[ -n $3 ]]; then
		case $3 in
		*'|'*) more=":$2:(${3//|/ })" ;;
		DIR*|*DIR) more=":$3:_files -/" ;;
		*FILE*|OUT|POLICY|STREAM) more=":$3:_files" ;;
		*) more=":${3//:/\\:}: " ;;
		esac
		name+==
	fi
	if [[ $4 == *again* ]]; then
		specs+=("*$name""[$text]$more")
	else
		specs+=("($names)$name""[$text]$more")
	fi
	[[ -z $1 ]] || specs+=("($names)-$1""[$text]$more")
}

# _rloop_read COMMAND ...: all that its --help lists; a text may stand on the line below
_rloop_read() {
	local line form='^  (-(.),|   ) --([a-z0-9-]+)( ([^ ]+))?( +(.*))?$'
	local -a at=()

	for line in ${(f)"$("$@" --help 2>/dev/null </dev/null)"}; do
		if [[ $line =~ $form ]]; then
			(( ! $#at )) || _rloop_option "${at[@]}"
			at=("$match[2]" "$match[3]" "$match[5]" "$match[7]")
		elif [[ $line == '        '* ]] && (( $#at )); then
			at[4]+=${at[4]:+ }${line##[[:space:]]#}
		fi
	done
	(( ! $#at )) || _rloop_option "${at[@]}"
}

_rloop_commands() {
	local line
	local -a commands=()

	for line in ${(f)"$("$1" --help 2>/dev/null </dev/null)"}; do
		[[ ! $line =~ '^  ([a-z]+)  +(.*)$' ]] || commands+=("$match[1]:$match[2]")
	done
	_describe command commands
}

_rloop() {
	local -a specs=() command=("${(Q)words[1]}") match mbegin mend

	if [[ ${command[1]:t} == rloop ]]; then
		if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
			_rloop_commands "$command[1]"
			return
		fi
		if [[ $words[2] != -* ]]; then
			command+=("$words[2]")
			shift words
			(( CURRENT-- ))
		fi
	fi
	_rloop_read "${command[@]}"
	_arguments -s -S : "${specs[@]}" '*:file:_files'
}

_rloop "$@"
