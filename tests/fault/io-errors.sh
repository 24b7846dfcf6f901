#!/bin/bash
# io-errors.sh - what every tool does when its output is full, closed or not read, and when its
# input is closed, a folder, slow or unreadable. See table.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 4
root=$PWD
# shellcheck source=tests/fault/tap.bash
. tests/fault/tap.bash
PATH=${BIN:=$root/build/bin}:$PATH
tmp=$(mktemp -d) || exit 4
trap 'rm -rf "$tmp"; [ -z "$server" ] || kill "$server"' EXIT
env=${TEST_ENV:-$tmp/env}
tests/man-env.sh "$env" || exit 1
cp -r "$env" "$tmp/scratch"
cd "$tmp/scratch" || exit 4

# call [OPTION ...]: the tool as its row says; standard input is the caller's. Its output folder, if it
# has one, is new each time.
call() {
	rm -rf OUT
	timeout 60 "$tool" "${args[@]}" "$@"
}

# expect NAME STATUS TEXT COMMAND ...: the status, and TEXT in its messages ("": none at all)
expect() {
	local name="$tool: $1" want=$2 text=$3 rc=0 said
	shift 3
	"$@" 2>"$tmp/err" || rc=$?
	said=$(tr -d '\0' <"$tmp/err")
	if [ $rc -ne "$want" ]; then
		result 1 "$name" "status $rc, not $want: $said"
	elif [ -z "$text" ] && [ -n "$said" ]; then
		result 1 "$name" "not silent: $said"
	elif [[ $said != *"$text"* ]]; then
		result 1 "$name" "does not say \"$text\": $said"
	else
		result 0 "$name"
	fi
}

# The same where no file may be written, that of the messages included
expect_piped() {
	local name="$tool: $1" want=$2 text=$3 rc=0 said
	said=$("$4" 2>&1) || rc=$?
	[ $rc -eq "$want" ] && [[ $said == *"$text"* ]]
	result $? "$name" "status $rc: $said"
}

full() { call "$@" <"$input" >/dev/full; }
closed() { call -q <"$input" >&-; }
help_full() { call --help >/dev/full; }
stdin_closed() { call <&- >/dev/null; }
stdin_folder() { call <. >/dev/null; }

# Standard output is a pipe that nobody reads any more
dead_pipe() {
	rm -f pipe
	mkfifo pipe
	(
		# shellcheck disable=SC2094
		exec 5<>pipe 6>pipe 5>&-
		call -q <"$input" >&6
	)
}

dead_pipe_ignored() {
	(
		trap '' PIPE
		dead_pipe
	)
}

unreadable() { # the first read of the input fails
	rm -rf OUT
	# shellcheck disable=SC2094
	timeout 60 strace -f -o trace -P "$input" -e trace=read -e inject=read:error=EIO:when=1 \
		"$tool" "${args[@]}" <"$input" >/dev/null
}

# The output must not depend on how the input arrives
slow() { # NAME COMMAND: COMMAND writes the input
	call -q <"$input" >want 2>"$tmp/err"
	"$2" | call -q >got 2>>"$tmp/err"
	cmp want got >>"$tmp/err" 2>&1
	result $? "$tool: $1" "$(cat "$tmp/err")"
}

# Calls that a signal interrupts are made again
interrupted() {
	call -q <"$input" >want 2>"$tmp/err"
	rm -rf OUT
	strace -f -o trace -e inject=read,write:error=EINTR:when=1+2 -P "$PWD/$input" -P "$PWD/got" \
		"$tool" "${args[@]}" -q <"$input" >got 2>>"$tmp/err"
	cmp want got >>"$tmp/err" 2>&1
	result $? "$tool: interrupted calls" "$(cat "$tmp/err")"
}

# Whichever write fails, the status says so
each_write_fails() {
	local n=1 rc why=
	while :; do
		strace -f -o trace -e trace=write -e inject=write:error=ENOSPC:when=$n -P "$PWD/got" \
			timeout 60 "$tool" "${args[@]}" -q <"$input" >got 2>"$tmp/err"
		rc=$?
		grep -q INJECTED trace || break
		[ $rc -eq 4 ] || why+="status $rc after write $n; "
		n=$((n + 1))
	done
	[ $n -gt 1 ] && [ $rc -eq 0 ] || why+="no write failed, or $rc without a failure; "
	[ -z "$why" ]
	result $? "$tool: each write fails once" "$why"
}

size_limit() { (
	ulimit -f 0
	call -q <"$input" >got
); }

halting() {
	head -c 10 "$input"
	sleep 0.2
	tail -c +11 "$input"
}

byte_by_byte() {
	dd bs=1 status=none <"$input"
}

can_inject=1
strace -o trace -e inject=read:error=EIO:when=999 true 2>/dev/null || can_inject=

for f in "$BIN"/*; do
	tool=${f##*/}
	row=$(grep -P "^$tool\t" "$root/tests/fault/table") || {
		result 1 "$tool has no row in tests/fault/table"
		continue
	}
	IFS=$'\t' read -r _ input line <<<"$row"
	row "$line"
	reads=$([ "$input" = - ] || echo 1)
	[ -n "$reads" ] || input=/dev/null
	if [[ " $line " == *" -o "* ]]; then
		expect "no output, closed stdout" 0 "" closed
	else
		expect "full disk" 4 "No space left" full
		expect "closed stdout" 4 "Bad file descriptor" closed
		expect "the reader left" 141 "" dead_pipe
		expect "the reader left, SIGPIPE ignored" 141 "" dead_pipe_ignored
		expect_piped "a limit on the size of files" 4 "File too large" size_limit
		[ -z "$can_inject" ] || each_write_fails
	fi
	expect "--help on a full disk" 4 "No space left" help_full
	[ -n "$reads" ] || continue
	expect "closed stdin" 4 "Bad file descriptor" stdin_closed
	expect "a folder as stdin" 4 "Is a directory" stdin_folder
	slow "input that halts" halting
	slow "input byte by byte" byte_by_byte
	if [ -n "$can_inject" ]; then
		expect "read error" 4 "Input/output error" unreadable
		[[ " $line " == *" -o "* ]] || interrupted
	else
		result 0 "$tool: read error # SKIP strace may not trace here"
	fi
done
summary
