# The harness itself: what it must not let through.
load helpers

setup() {
	mkdir "$BATS_TEST_TMPDIR/unit"
	unit=$BATS_TEST_TMPDIR/unit/x
	export UNIT=$BATS_TEST_TMPDIR/unit
}

# program LINE ...: a unit program of these lines, run by the harness
program() {
	printf '%s\n' '#!/bin/sh' "$@" >"$unit"
	chmod +x "$unit"
}

last_line() {
	[ "${output##*$'\n'}" = "$1" ] || {
		printf '%s\n' "$output"
		return 1
	}
}

@test "counts passed, failed and skipped tests" {
	program 'echo 1..3; echo ok 1 - a; echo not ok 2 - b; echo "ok 3 # SKIP no data"; exit 1'
	status_is 1 "$root/tests/run" unit/x
	last_line "1 passed, 1 failed, 1 skipped"
}

@test "a program that dies is a failed test" {
	program 'echo 1..2; echo ok 1 - a; kill -9 $$'
	status_is 1 "$root/tests/run" unit/x
	last_line "1 passed, 1 failed, 0 skipped"
}

@test "a program that leaves with a bad status after its last test is a failed test" {
	program 'echo 1..1; echo ok 1 - a; exit 99'
	status_is 1 "$root/tests/run" unit/x
	last_line "1 passed, 1 failed, 0 skipped"
}

@test "a program without a test, or that is not there, fails" {
	program 'exit 0'
	status_is 1 "$root/tests/run" unit/x
	last_line "0 passed, 1 failed, 0 skipped"
	status_is 1 "$root/tests/run" unit/none
	last_line "0 passed, 1 failed, 0 skipped"
}

@test "a test that does not end is stopped and fails" {
	program 'echo 1..1; sleep 60'
	TIMEOUT=1 status_is 1 "$root/tests/run" unit/x
	last_line "0 passed, 1 failed, 0 skipped"
}

@test "status_is takes no signal and no sanitizer's report for a status" {
	run status_is 1 sh -c 'kill -TERM $$'
	[ "$status" -eq 1 ]
	run status_is 0 sh -c 'echo "x.c:1: runtime error: overflow" >&2'
	[ "$status" -eq 1 ]
	status_is 143 sh -c 'kill -TERM $$'
}

@test "nothing to run is a failure" {
	rmdir "$UNIT"
	status_is 1 "$root/tests/run" unit
	last_line "0 passed, 0 failed, 0 skipped"
	status_is 2 "$root/tests/run" nonsense
}

# floors FILE LINE: floors.sh must refuse LINE added to FILE of a small tree
floors() {
	mkdir -p "$BATS_TEST_TMPDIR/t/cmd" "$BATS_TEST_TMPDIR/t/libcommon/"{base,stream,policy,verify}
	cd "$BATS_TEST_TMPDIR/t" || return
	mkdir -p docs
	cat >docs/HACKING.md <<-'EOF'
		| room | what lives there | uses | modules |
		|---|---|---|---|
		| base | a | - | a b |
		| stream | b | base | c |
		| policy | c | base stream | |
		| verify | d | base stream | d |
	EOF
	echo >libcommon/base/a.h
	echo '#include "base/a.h"' >libcommon/base/b.h
	echo '#include "base/b.h"' >libcommon/stream/c.h
	echo '#include "stream/c.h"' >libcommon/verify/d.h
	echo '#include "verify/d.h"' >cmd/x.c
	status_is 0 "$root/tests/checks/floors.sh" .
	echo "$2" >>"$1"
	status_is 123 "$root/tests/checks/floors.sh" .
	[[ $output == *"$3"* ]]
}

@test "floors.sh: an include that goes up" {
	floors libcommon/base/a.h '#include "stream/c.h"' "base may not use stream"
}

@test "floors.sh: verify does not use policy" {
	floors libcommon/verify/d.h '#include "policy/p.h"' "verify may not use policy"
}

@test "floors.sh: a cycle within a floor" {
	floors libcommon/base/a.h '#include "base/b.h"' "on a cycle"
}

@test "floors.sh: a tool that uses OpenBLAS or another tool" {
	floors cmd/x.c '#include <cblas.h>' "OpenBLAS"
}

@test "floors.sh: the table lists what is there, in order" {
	floors docs/HACKING.md '| later | e | base | e |' "lists later/e, which is not there"
	floors docs/HACKING.md '| late | e | later | |' "later, which is no room above it"
}

@test "floors.sh: a module that the table does not list" {
	floors libcommon/base/new.h '' "not in the table of rooms"
}

@test "floors.sh: a tool that includes a tool" {
	floors cmd/x.c '#include "y.c"' 'floor/x.h'
}
