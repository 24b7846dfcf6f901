#!/bin/bash
# run.sh [STREAM] - what the stages of this folder keep of a stream; without one, of a small
# stream made here from JSON.
set -euo pipefail

here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
PATH=$PATH:$here/../../build/bin:$here/../../../../../bin # of the tree, of the prefix
export PYTHONPATH=${PYTHONPATH:-}:$here/../../libcommon/stream:$here/../../../../../lib/python3/dist-packages

small() {
	traj-cat --from-json <<-'END'
		{"task":"1+1","prompt":"1+1=","response":"2","reward":1,"logprobs":[-0.01]}
		{"task":"1+1","prompt":"1+1=","response":"02","reward":1,"logprobs":[-2.5,-0.3]}
		{"task":"1+1","prompt":"1+1=","response":"3-1","reward":1,"logprobs":[-0.9,-0.4,-0.02]}
		{"task":"1+1","prompt":"1+1=","response":"11","reward":0,"logprobs":[-0.7,-0.6]}
		{"task":"2*2","prompt":"2*2=","response":"4","reward":1,"logprobs":[-0.02]}
		{"task":"2*2","prompt":"2*2=","response":"4","reward":1,"logprobs":[-0.02]}
		{"task":"2*2","prompt":"2*2=","response":"22","reward":0,"logprobs":[-0.3,-0.2]}
	END
}

show() { # TITLE [KEY]
	echo "$1"
	traj-cat -c "task,response${2:+,$2}"
}

stream() {
	if [ $# -gt 0 ]; then cat "$1"; else small; fi
}

stream "$@" | traj-filter -q --correct --dedup | show "traj-filter --correct --dedup"
stream "$@" | "$here/filter-then" "$here/shorter-half.py" -q --correct --dedup |
	show "... and the shorter half of each task"
stream "$@" | "$here/filter-then" "$here/surprising.sh" -q --correct --dedup |
	show "... and what surprised the policy"
stream "$@" | "$here/filter-then" "$here/halve.py" -q --correct --dedup |
	show "... and half of the reward for more than two tokens" reward
