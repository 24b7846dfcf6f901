# completion-zsh.bats - what zsh is offered behind the suite's commands.
load helpers

setup() {
	need_tool zsh
	PATH=$PATH:$root/pipelines
	cd "$BATS_TEST_TMPDIR"
	mkdir site
	ln -s "$root/pipelines/completion.zsh" site/_rloop
}

# specs WORD ...: what _arguments is called with, one a line; of commands what _describe is
specs() {
	zsh -f -c 'setopt extended_glob
		_arguments() { print -rl -- "$@" }
		_describe() { print -rl -- "${(@P)2}" }
		words=("$@") CURRENT=$#
		source "$0"' "$PWD/site/_rloop" "$@"
}

# has LINE: the last specs had it
has() {
	grep -qxF -e "$1" specs || {
		echo "not there: $1"
		cat specs
		return 1
	}
}

@test "options with what they are for, by name and by letter" {
	specs traj-view --s >specs
	grep -q -- '^(--policy -p)--policy=\[.*\]:DIR:_files -/$' specs
	grep -q -- '^(--policy -p)-p\[' specs
	grep -q -- '^(--text)--text\[..*\]$' specs
	has '*:file:_files'
	grep -qF -- '--color=[' specs
	grep -qF ':(auto always never)' specs
	specs traj-cat '' >specs
	# each option of --help, its name and its letter
	traj-cat --help | grep -oE '^  (-.,|   ) --[a-z-]+' | grep -oE -- '--?[a-z-]+' | sort >want
	sed -n 's/^[(*][^)]*)\{0,1\}\(--*[a-z-]*\).*/\1/p' specs | sort | diff want -
}

@test "commands of rloop, and their options" {
	specs rloop '' >specs
	has 'status:how far a run is, and how to go on with it'
	[ "$(wc -l <specs)" -eq "$(rloop --help | grep -cE '^  [a-z]+  ')" ]
	specs rloop status --j >specs
	grep -q -- '^(--json)--json\[' specs
}

@test "every tool is named" {
	for f in "$BIN"/*; do
		head -n 1 "$root/pipelines/completion.zsh" | grep -qw -e "${f##*/}"
	done
	head -n 1 "$root/pipelines/completion.zsh" | grep -q '^#compdef rloop '
}

# typed TEXT: the line that it becomes in a zsh of its own, on a terminal; a tab is a tab
typed() {
	cat >tty.zsh <<-'END'
		zmodload zsh/zpty
		zpty shell "env TERM=dumb zsh -f -i"
		zpty -w shell "PS1='>' RPS1= fpath=($PWD/site \$fpath); autoload -Uz compinit && compinit -u -D"
		zpty -w shell 'line() { print -r -- "$BUFFER" >line.part; mv line.part line }; zle -N line; bindkey "^Xl" line; : >ready'
		for i in {1..200}; do [[ -e ready ]] && break; sleep 0.1; zpty -r -t shell out; done
		zpty -n -w shell "$1"
		for i in {1..100}; do
			zpty -n -w shell $'\Cxl'
			sleep 0.1
			zpty -r -t shell out
			[[ -e line && $(<line) != ${1%%$'\t'*} ]] && break
		done
		zpty -d shell
	END
	rm -f line ready
	timeout 60 zsh -f tty.zsh "$1"
	cat line
}

@test "a tab in a shell" {
	[ "$(typed $'traj-view --colo\t')" = 'traj-view --color=' ]
	[ "$(typed $'traj-view --color=alw\t')" = 'traj-view --color=always ' ]
	[ "$(typed $'traj-stat --gram ch\t')" = 'traj-stat --gram char ' ]
	[ "$(typed $'rloop vani\t')" = 'rloop vanilla ' ]
	[ "$(typed $'rloop status --js\t')" = 'rloop status --json ' ]
	: >some-stream.traj
	[ "$(typed $'traj-cat some-s\t')" = 'traj-cat some-stream.traj ' ]
	[ "$(typed $'traj-cat --strict -c task some-s\t')" = 'traj-cat --strict -c task some-stream.traj ' ]
}
