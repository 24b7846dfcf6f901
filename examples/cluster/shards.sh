#!/bin/bash
# shards.sh N PARTS OPTION ... - one evaluation in N parts by GNU parallel, one thread each, as many at a
# time as there are processors; a part that is there is not made again:
#
#     examples/cluster/shards.sh 16 PARTS -p POLICY -t test.jsonl -n 64
#     cat PARTS/part-*.traj | pass-at-k -k 1,8,64
#
# With HOSTS=FILE, hosts for ssh one a line (parallel's --sshloginfile), they share the parts; this folder
# must be theirs, too. JOBS is how many at a time on each. What follows PARTS goes to policy-eval.
set -euo pipefail

[ $# -gt 2 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2 && exit 2; }
command -v parallel >/dev/null || { echo "shards.sh: GNU parallel is not installed" >&2 && exit 4; }
n=$1 parts=$2
shift 2
mkdir -p "$parts"
printf -v evaluate '%q ' policy-eval "$@"
printf -v part '%q/part-{}.traj' "$parts"
export PARALLEL_SHELL=/bin/bash
seq -w "$n" | parallel --will-cite -j "${JOBS:-100%}" ${HOSTS:+--sshloginfile "$HOSTS"} --workdir "$PWD" \
	--halt soon,fail=1 "[ -e $part ] ||
		{ $evaluate --shard \$((10#{}))/$n -j 1 --stream $part.tmp && mv $part.tmp $part; }"
