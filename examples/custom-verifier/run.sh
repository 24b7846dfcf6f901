#!/bin/sh
# run.sh - judges responses.jsonl with both verifiers, and with one that fails
set -eu
cd "$(dirname "$0")"
PATH=$PATH:$PWD/../../build/bin:$PWD/../../../../../bin # of the tree, of the prefix

show() { # COMMAND [OPTION ...]
	echo "$1"
	command=$1
	shift
	traj-cat --from-json responses.jsonl | traj-score -q --verifier "cmd:$command" "$@" |
		traj-cat -c reward,verdict,extracted,response
	echo
}

show 'sh acrostic.sh'
show 'python3 acrostic.py' --workers 2
show 'while read -r line; do case $line in
	*tigers*) exit 1 ;;
	*) echo "{\"reward\": 0.5}" ;;
	esac; done' --max-failures 0.5
