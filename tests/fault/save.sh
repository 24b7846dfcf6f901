#!/bin/bash
# save.sh - a policy folder appears whole or not at all: the tool is killed at each of its system
# calls that change files, and each of them fails once.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 4
# shellcheck source=tests/fault/tap.bash
. tests/fault/tap.bash
PATH=${BIN:=$PWD/build/bin}:$PATH
tmp=$(mktemp -d) || exit 4
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 4
strace -o trace true 2>/dev/null || {
	echo "skip: strace may not trace here"
	exit 77
}

calls="mkdir mkdirat openat write pwrite64 writev fsync fdatasync ftruncate fchmod close
	rename renameat renameat2"

save() { # policy-init saves as rft-tune and rl-explore do
	rm -rf dir
	mkdir dir
	# A shell between, which says "Killed" into err
	bash -c '"$@"; exit' - strace -o trace "$@" policy-init -q -o dir/policy --layers 1 --hidden 8 \
		--heads 1 --ffn 8 -s 1 2>err
}

# whole: dir/policy is absent, or all of it is there and loads
whole() {
	[ ! -e dir/policy ] || { policy-init --info dir/policy >/dev/null 2>err &&
		diff -r dir/policy "$tmp/want" >err; }
}

save -e trace=none
cp -r dir/policy want
for call in $calls; do
	why=
	tried=0
	for ((i = 1; ; i++)); do
		save -e trace=all -e "inject=$call:signal=KILL:when=$i" && break
		tried=$((tried + 1))
		whole || why+="killed at $call $i: $(cat err); "
	done
	[ $tried -eq 0 ] && continue
	[ -z "$why" ]
	result $? "killed at each of $tried $call" "$why"
done
for fault in mkdir:EACCES mkdirat:EACCES write:ENOSPC pwrite64:EIO fsync:EIO \
	rename:EACCES renameat2:EACCES; do
	call=${fault%:*}
	why=
	tried=0
	for ((i = 1; ; i++)); do
		save -e trace=all -e "inject=$call:error=${fault#*:}:when=$i"
		rc=$?
		grep -q INJECTED trace || break
		tried=$((tried + 1))
		whole || why+="$fault $i left half a folder; "
		[ "$(find dir -mindepth 1 -maxdepth 1 | grep -cv '^dir/policy$')" -eq 0 ] ||
			why+="$fault $i left $(ls -A dir); "
		[ $rc -eq 4 ] || why+="$fault $i: status $rc; "
	done
	[ $tried -eq 0 ] && continue
	[ -z "$why" ]
	result $? "each of $tried $call fails once: $fault" "$why"
done

# Durable before visible: every file and the folder are synced, then the rename, then its parent
save -e trace=fsync,fdatasync,rename,renameat,renameat2 -y
last=$(awk '/rename/ { r = NR } /sync/ { s = NR; if (!r) before++ } END { print (s > r && before >= 4) }' trace)
[ "$last" = 1 ]
result $? "files are synced, then renamed, then the parent is synced" "$(cat trace)"
summary
