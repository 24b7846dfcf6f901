#!/bin/bash
# hosts.sh - ranks on two hosts (network namespaces) that talk by TCP: the bytes of one process; a
# cable that is cut ends the run, which goes on from its state.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 4
# shellcheck source=tests/fault/tap.bash
. tests/fault/tap.bash
# shellcheck source=tests/fault/ranks.bash
. tests/fault/ranks.bash
set_up why_no_ranks why_no_hosts
hosts_up || exit 1

begin one here 1
ended 120
result $rc "a run of one process" "$(cat "$tmp/out")"
files one >"$tmp/want"
begin by2 there 2
ended 120
[ $rc -eq 0 ] && files by2 | diff "$tmp/want" - >>"$tmp/out" && grep -q . "$tmp/want" && gone >>"$tmp/out"
result $? "two ranks on two hosts: the bytes of one process" "status $rc: $(cat "$tmp/out")"

begin cut there 3
for _ in {1..3000}; do
	[ "$(steps_of cut)" -lt 4 ] || break
	sleep 0.01
done
[ "$(ranks_of cut | wc -l)" -eq 3 ]
result $? "three ranks are at work" "$(cat "$tmp/out")"
cable down
ended 60
[ $rc -ne 0 ] && [ $rc -ne 1000 ] && grep -q daemon "$tmp/out"
result $? "the cable is cut: the run ends by itself and says why" "status $rc: $(cat "$tmp/out")"
gone >>"$tmp/out"
result $? "and leaves nothing on either host" "$(cat "$tmp/out")"
cable up
[ "$(steps_of cut)" -lt 24 ]
result $? "it was not complete"
begin cut there 2
ended 120
[ $rc -eq 0 ] && files cut | diff "$tmp/want" - >>"$tmp/out"
result $? "with the cable it goes on, by two ranks, to the same bytes" "status $rc: $(cat "$tmp/out")"
summary
