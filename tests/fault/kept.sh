#!/bin/bash
# kept.sh - what a record says each token was drawn from (kept) is damaged in each way there is: every tool
# that decodes it says where and what in one line, ends with status 3 and leaves nothing; tools that do
# not pass it on as it is.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 4
root=$PWD
# shellcheck source=tests/fault/tap.bash
. tests/fault/tap.bash
PATH=${BIN:=$PWD/build/bin}:$PATH
tmp=$(mktemp -d) || exit 4
trap 'rm -rf "$tmp"' EXIT
env=${TEST_ENV:-$tmp/env}
tests/man-env.sh "$env" base cut || exit 1
export PYTHONPATH=$root/libcommon/stream PYTHONDONTWRITEBYTECODE=1
cd "$tmp" || exit 4

# The first record's sets as they are, and as bytes
first=$(traj-cat -n 1 "$env/cut.traj")
tokens=$(jq -c .tokens <<<"$first")
count=$(jq length <<<"$tokens")
bin() { # BYTES, as printf has them
	printf '{"$bin":"%s"}' "$(printf %b "$1" | base64 -w 0)"
}
all() { # N: the bytes of N sets of none, which stand for the whole vocabulary
	printf '\\0000%.0s' $(seq "$1")
}
many() { # N: an array of N ids
	seq -s , 0 $(($1 - 1))
}

# name, what is said, the value of kept as JSON
cat >kinds <<END
cut off in a number	kept[$((count - 1))]: cut off	$(bin "$(all $((count - 1)))\\0001\\0200")
cut off behind a count	kept[$((count - 1))]: cut off	$(bin "$(all $((count - 1)))\\0002\\0001")
nothing	kept[0]: missing: there are fewer than tokens	$(bin "")
one set less	kept[$((count - 1))]: missing: there are fewer than tokens	$(bin "$(all $((count - 1)))")
one set more	kept[$count]: there are more than tokens	$(bin "$(all $((count + 1)))")
ids that do not ascend	kept[0]: ids that do not ascend	$(bin "\\0002\\0005\\0000$(all $((count - 1)))")
more ids than there may be	kept[0]: more than 1024 ids	$(bin "\\0201\\0010$(all $((count - 1)))")
a number above 32 bits	kept[0]: a number above 2^32-1	$(bin "\\0001\\0377\\0377\\0377\\0377\\0037$(all $((count - 1)))")
an id above 32 bits	kept[0]: an id above 2^32-1	$(bin "\\0002\\0001\\0377\\0377\\0377\\0377\\0017$(all $((count - 1)))")
a number written longer than it is	kept[0]: a number that is not in its shortest form	$(bin "\\0001\\0205\\0000$(all $((count - 1)))")
the drawn token is not in it	kept[0]: the token that was drawn is not in it	$(bin "\\0001$(printf '\\0%03o' $((($(jq '.[0]' <<<"$tokens") + 1) % 128)))$(all $((count - 1)))")
a text	kept	"text"
a number	kept	7
a map	kept	{"0":[1]}
a list of numbers	kept	[1,2]
a list of texts	kept	[["a"]]
a negative id	kept	[[-1]]
ids that do not ascend, as a list	kept	[[5,5]]
too many ids, as a list	kept	[[$(many 1025)]]
END
jq -e .kept <<<"$first" >/dev/null && [ "$count" -gt 1 ]
result $? "there is a record to damage" "$first"

# Each tool that decodes records, on standard input
decoders=(
	"traj-cat --check"
	"traj-score --verifier number"
	"policy-score -p $env/base --as ref_logprobs"
	"rl-update -p $env/base -o OUT --keep-equal"
	"rft-tune -p $env/base -o OUT"
	"traj-convert --to verl --keep"
)
# traj.py has words of its own
! /usr/bin/python3 -c 'import msgpack' 2>/dev/null || decoders+=("/usr/bin/python3 -m traj -")

refuses() { # WHAT COMMAND ...: status 3, one line, nothing else
	local what=$1 rc=0
	shift
	[ "$2" != -m ] || what=kept
	rm -rf OUT
	timeout 60 "$@" <bad >out 2>said || rc=$?
	if [ $rc -ne 3 ] || [ "$(wc -l <said)" -ne 1 ] || ! grep -qF "record 2 at byte" said ||
		! grep -qF -- "$what" said; then
		echo "$1: status $rc: $(head -c 300 said)"
	elif [ -e OUT ]; then
		echo "$1 left OUT"
	fi
}

while IFS=$'\t' read -r name what value; do
	jq -c --argjson v "$value" 'del(.id) | .kept = $v' <<<"$first" >record
	{ cat record && traj-cat -n 3 "$env/cut.traj"; } | traj-cat --from-json >bad
	why=""
	for d in "${decoders[@]}"; do
		read -ra command <<<"$d"
		why+=$(refuses "$what" "${command[@]}")
	done
	[ -z "$why" ]
	result $? "$name: refused by ${#decoders[@]} programs" "$why"
	cmp -s <(traj-filter -q --min-reward -9 <bad | traj-cat) <(traj-cat <bad)
	result $? "$name: passed on by what does not decode it"
done <kinds

# An id that is none of the policy's is sound in itself.
jq -c '.kept[0] = (.kept[0] + [99999])' <<<"$first" | traj-cat --from-json >bad
traj-cat --check bad >/dev/null 2>said
result $? "an id of another vocabulary is sound" "$(cat said)"
why=""
for d in "policy-score -p $env/base --as ref_logprobs" "rl-update -p $env/base -o OUT --keep-equal"; do
	read -ra command <<<"$d"
	why+=$(refuses "kept: token 99999 is not in the policy" "${command[@]}")
done
[ -z "$why" ]
result $? "and refused where the policy counts" "$why"
summary
