# traj-cat: conversion both ways, columns, cutting, checking.
# shellcheck disable=SC2016,SC2030,SC2031 # JSON marks begin with a dollar; status in subshells
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	cat >in.jsonl <<'END'
{"task":"a","prompt":"1+1=","response":"2\n","meta":{"level":3,"of":{"x":[1,null]}},"tokens":[5,70000],"logprobs":[-0.1,-1e-7],"step":3,"reward":1.0,"verdict":"ok"}
{"kind":"note","text":"tab\there","raw":{"$bin":"AAH/"},"big":{"$u64":"18446744073709551615"}}
{"task":"b","prompt":"é","response":{"$bin":"/w=="},"step":4,"reward":0.5,"one":1,"minus":-0.0}
END
	traj-cat --from-json in.jsonl >in.traj
}

python=/usr/bin/python3 # the one that Debian's packages are for

need_msgpack() {
	"$python" -c 'import msgpack' 2>/dev/null || skip "python3-msgpack is not installed"
}

@test "JSON: one record a line, as it was" {
	traj-cat in.traj >out.jsonl
	cmp in.jsonl out.jsonl
	traj-cat <in.traj | cmp - in.jsonl
	traj-cat - <in.traj | cmp - in.jsonl
}

@test "--from-json and back: the same bytes with --all, the same records without" {
	traj-cat --all in.traj | traj-cat --from-json | cmp - in.traj
	traj-cat in.traj | traj-cat --from-json | traj-cat | cmp - in.jsonl
	cat in.traj in.traj in.traj >three.traj
	traj-cat --all three.traj | traj-cat --from-json - | cmp - three.traj
	traj-cat --all three.traj | head -n 1 | jq -e '.kind == "head" and .chain[0].tool == "traj-cat"'
}

@test "--from-json: arrays of tokens and log-probabilities travel as bin, float32 exactly" {
	need_msgpack
	"$python" -c '
import msgpack, struct, sys
u = msgpack.Unpacker(strict_map_key=False)
u.feed(sys.stdin.buffer.read())
head, a, note, b, end = u
assert a["tokens"] == struct.pack("<2I", 5, 70000), a
assert a["logprobs"] == struct.pack("<2f", -0.1, -1e-7), a
assert note["raw"] == b"\0\1\xff" and note["big"] == 2**64 - 1, note
assert b["response"] == b"\xff" and type(b["one"]) is int, b
assert head["kind"] == "head" and end["count"] == 2, (head, end)
' <in.traj
}

@test "--from-json: what is wrong is told with file and line" {
	status_is 3 traj-cat --from-json <<<'[[1]]'
	says '<stdin>:1: not an object'
	status_is 3 traj-cat --from-json <<<'[1]'
	says '<stdin>:1: column 1'
	printf '{"task":"a"}\n\n{"task":' >bad.jsonl
	status_is 3 traj-cat --from-json bad.jsonl
	says 'bad.jsonl:3: the object that begins here has no end'
	status_is 3 traj-cat --from-json <<<'{"kind":"end","count":0}'
	says 'an end record without a head record'
	status_is 3 traj-cat --from-json <<<'{"kind":"head","format":"x","version":1}'
	says 'format is not "traj"'
	status_is 3 traj-cat --from-json <<<'{"kind":5}'
	says 'kind is not a string'
	status_is 3 traj-cat --from-json <<<'{"kind":{"$bin":"aGVhZA=="},"format":"traj","version":1}'
	says 'kind is not a string'
	status_is 3 traj-cat --from-json <<<'{"x":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}'
	says 'nested too deep'
	status_is 3 traj-cat --from-json <<<'{"$bin":"AA=="}'
	says 'not an object'
	status_is 4 traj-cat --from-json nonexistent.jsonl
	status_is 4 traj-cat --from-json .
}

@test "--from-json: a JSON stream without its end record is cut off" {
	traj-cat --all in.traj | sed '$d' >cut.jsonl
	status_is 3 traj-cat --from-json cut.jsonl
	says 'cut.jsonl: cut off'
	# and what was written says so too
	traj-cat --from-json cut.jsonl >cut.traj 2>/dev/null || true
	status_is 3 traj-cat cut.traj
	says 'no end record after 3 records'
	traj-cat --all in.traj >again.jsonl
	status_is 3 traj-cat --from-json <<<"$(head -n 1 again.jsonl; head -n 1 again.jsonl)"
	says ':2: a head record, but the segment before it has no end record'
}

@test "--from-json: records before, between and behind framed ones; CRLF" {
	{
		echo '{"task":"x"}'
		traj-cat --all in.traj
		echo '{"task":"y"}'
	} | sed 's/$/\r/' | traj-cat --from-json >mixed.traj
	traj-cat --strict mixed.traj | cmp - <(echo '{"task":"x"}'; cat in.jsonl; echo '{"task":"y"}')
	[ "$(traj-cat --all mixed.traj | grep -c '"kind":"end"')" = 3 ]
}

@test "--from-json: nothing is a valid stream without records" {
	traj-cat --from-json </dev/null >empty.traj
	traj-cat empty.traj | cmp - /dev/null
	traj-cat --check empty.traj | grep -F '0 trajectories, 0 other records, 1 segments'
}

@test "--from-json: edited records are counted and hashed anew" {
	traj-cat --all in.traj | jq -c 'if .task == "a" then .reward = 0.25 else . end' |
		traj-cat --from-json >edited.traj
	[ "$(traj-cat -c task,reward edited.traj | head -n 1)" = "a	0.25" ]
}

@test "--all: head and end records are shown" {
	traj-cat --all in.traj >all.jsonl
	[ "$(wc -l <all.jsonl)" = 5 ]
	jq -se '.[0].kind == "head" and .[-1] == {kind: "end", count: 2, xxh3: .[-1].xxh3}' all.jsonl
	status_is 2 traj-cat --all --msgpack in.traj
	status_is 2 traj-cat --all --tail 1 in.traj
}

@test "-c: columns; missing is empty, maps are reached into, text cannot break a line" {
	traj-cat -c task,step,meta.level,meta.of.x,tokens,reward in.traj >out
	printf 'a\t3\t3\t[1,null]\t[5,70000]\t1.0\n\t\t\t\t\t\nb\t4\t\t\t\t0.5\n' | cmp - out
	traj-cat --columns text,response,meta in.traj >out
	printf '%s\n' $'\t2\\n\t{"level":3,"of":{"x":[1,null]}}' $'tab\\there\t\t' \
		$'\t{"$bin":"/w=="}\t' | cmp - out
	printf '{"x":"\\u001b\\u0000\\\\r\\r\\u007f","a.b":1,"a":{"b":2}}\n' | traj-cat --from-json |
		traj-cat -c x,a.b,a,a.c >out
	printf '%s\n' $'\\x1b\\x00\\\\r\\r\\x7f\t1\t{"b":2}\t' | cmp - out
	traj-cat --from-json <<<'{"$map":[[1,2],["task","int key"]]}' | traj-cat -c task |
		grep -Fx 'int key'
	status_is 2 traj-cat -c task,,step in.traj
	says 'a column without a name'
}

@test "-c: a column that no record has is told; nil is there" {
	printf '{"a":1,"n":null}\n{"b":2}\n' | traj-cat --from-json >ab.traj
	status_is 0 traj-cat -c a,b,n,bb,a.x ab.traj
	says "traj-cat: warning: -c bb: no record has this key"
	says "traj-cat: warning: -c a.x: no record has this key"
	[ "$(grep -c warning err)" = 2 ]
	traj-cat --from-json </dev/null >none.traj
	status_is 0 traj-cat -c a none.traj
	[ -z "$stderr" ]
}

@test "-c: floats as they are, integers of all sizes" {
	printf '{"f":0.1,"i":-9223372036854775808,"u":{"$u64":"18446744073709551615"},"n":{"$float":"nan"}}\n' |
		traj-cat --from-json | traj-cat -c f,i,u,n >out
	printf '%s\n' $'0.1\t-9223372036854775808\t{"$u64":"18446744073709551615"}\t{"$float":"nan"}' |
		cmp - out
}

@test "--header: a line with the keys" {
	[ "$(traj-cat -c task,meta.level --header in.traj | head -n 1)" = $'task\tmeta.level' ]
	status_is 2 traj-cat --header in.traj
}

@test "-n, --head: the first records, without reading further" {
	traj-cat -n 1 in.traj | cmp - <(head -n 1 in.jsonl)
	traj-cat --head 2 in.traj in.traj | cmp - <(head -n 2 in.jsonl)
	traj-cat -n 4 in.traj in.traj | cmp - <(cat in.jsonl in.jsonl | head -n 4)
	traj-cat -n 0 in.traj | cmp - /dev/null
	# what comes later may be cut off, damaged or endless
	head -c 300 in.traj | traj-cat -n 1 | cmp - <(head -n 1 in.jsonl)
	(cat in.traj; yes) | traj-cat -n 2 | cmp - <(head -n 2 in.jsonl)
	[ "$(traj-cat -n -1 in.traj | wc -l)" = 3 ]
	status_is 2 traj-cat -n -2 in.traj
}

@test "--tail: the last records" {
	traj-cat --tail 1 in.traj | cmp - <(tail -n 1 in.jsonl)
	traj-cat --tail 2 in.traj in.traj | cmp - <(tail -n 2 in.jsonl)
	traj-cat --tail 4 in.traj in.traj | cmp - <(cat in.jsonl in.jsonl | tail -n 4)
	traj-cat --tail 100 in.traj | cmp - in.jsonl
	traj-cat --tail 0 in.traj | cmp - /dev/null
	status_is 2 traj-cat --tail 1 -n 1 in.traj
	status_is 3 traj-cat --tail 1 <(head -c 300 in.traj)
	[ -z "$output" ]
}

@test "--msgpack: a stream of what was chosen, records byte for byte, the tool in its chain" {
	traj-cat -n 1 --msgpack in.traj | traj-cat | cmp - <(head -n 1 in.jsonl)
	traj-cat --tail 1 --msgpack in.traj | traj-cat --check --strict | grep -F '1 trajectories'
	traj-cat --msgpack in.traj | traj-cat --all >all.jsonl
	sed '1d;$d' all.jsonl | cmp - in.jsonl
	jq -se '.[0].chain | map(.tool) == ["traj-cat", "traj-cat"] and .[1].args == ["--msgpack", "in.traj"]' all.jsonl
	# one segment for each
	traj-cat --msgpack in.traj in.traj | traj-cat --check | grep -F '2 segments'
	traj-cat --tail 5 --msgpack in.traj in.traj | traj-cat --all | head -n 1 |
		jq -e '.chain | length == 2'
	# a stream without records stays one, with its chain
	traj-cat -n 0 --msgpack in.traj | traj-cat --check | grep -F '0 trajectories'
	status_is 2 traj-cat --msgpack -c task in.traj
}

@test "--msgpack: after a failure there is no end record" {
	head -c 300 in.traj >cut.traj
	traj-cat --msgpack cut.traj >out.traj 2>/dev/null || true
	status_is 3 traj-cat out.traj
	says 'no end record after 2 records'
}

# records FILE: the bytes of its records, heads and ends left out
records() {
	"$root/tests/cli/records.py" body <"$1"
}

@test "--join: shards are one run, but for its head" {
	need_msgpack
	fixture eval
	for i in 1 2 3; do
		policy-eval -q -p "$FIX/base" -t "$FIX/test.jsonl" -n 8 --shard "$i/3" >"$i.traj"
	done
	traj-cat --join 1.traj 2.traj 3.traj >joined.traj
	cmp <(records joined.traj) <(records "$FIX/eval.traj")
	traj-cat --check --strict joined.traj | grep -F ' 1 segments'
	traj-cat --all joined.traj | head -n 1 |
		jq -e '.chain | map(.tool) == ["policy-eval", "policy-eval", "policy-eval", "traj-cat"]'
	cat 1.traj 2.traj 3.traj | traj-cat --join >cat.traj
	cmp <(records cat.traj) <(records joined.traj)
	cmp <(traj-cat --join joined.traj | records /dev/stdin) <(records joined.traj)
}

@test "--join: records byte for byte, those of other kinds too; an entry stands once; none is a stream" {
	need_msgpack
	sed 2d in.jsonl >two.jsonl
	traj-cat --from-json <two.jsonl >two.traj
	"$root/tests/cli/records.py" body <two.traj >bare.traj
	tac two.jsonl | traj-cat --from-json >owt.traj
	traj-cat --join two.traj bare.traj bare.traj owt.traj >joined.traj
	cmp <(records joined.traj) <(cat bare.traj bare.traj bare.traj; records owt.traj)
	traj-cat --all joined.traj | head -n 1 | jq -e '.chain | map(.tool) == ["traj-cat", "traj-cat"]'
	traj-cat --from-json </dev/null >none.traj
	traj-cat --join none.traj none.traj | traj-cat --check | grep -F '0 trajectories, 0 other records, 1 segments'
	status_is 3 traj-cat --join --strict bare.traj
	status_is 2 traj-cat --join -n 1 in.traj
	status_is 2 traj-cat --join --msgpack in.traj
	status_is 2 traj-cat --join --all in.traj
}

@test "--join: the same shard twice is refused, wherever it stands" {
	traj-filter -q in.traj >other.traj
	cat other.traj in.traj >both.traj
	for files in "in.traj in.traj" "in.traj other.traj ./in.traj" "both.traj in.traj" "in.traj both.traj" \
		"both.traj both.traj"; do
		# shellcheck disable=SC2086
		status_is 3 traj-cat --join $files
		[[ $stderr =~ ^"traj-cat: "[a-z./]+": record "[0-9]+" at byte "[0-9]+": what ends here came before, byte for byte, in "[a-z./]+": the same shard twice"$ ]]
		[ -z "$output" ]
	done
	cat in.traj in.traj >twice.traj
	status_is 3 traj-cat --join <twice.traj
	says 'in <stdin>: the same shard twice'
	# the same records of another head are another sampling
	traj-cat --join both.traj | traj-cat | cmp - <(cat in.jsonl in.jsonl)
}

@test "--join: one that is damaged, cut off or missing: nothing is written" {
	head -c 300 in.traj >cut.traj
	for bad in cut.traj /dev/null nonexistent in.jsonl; do
		status=0
		traj-cat --join in.traj "$bad" >out.traj 2>err || status=$?
		[ "$status" = 3 ] || [ "$bad" = nonexistent ]
		[ "$status" != 0 ]
		[ ! -s out.traj ]
	done
	status_is 0 traj-cat --join --partial in.traj cut.traj
	says 'cut.traj: it was cut off'
	traj-cat out | cmp - <(cat in.jsonl; head -n 2 in.jsonl)
	status_is 4 env TMPDIR=/nonexistent traj-cat --join in.traj
	says '/nonexistent/rloop-'
	mkdir scratch
	TMPDIR=$PWD/scratch traj-cat --join in.traj >/dev/null
	[ -z "$(ls scratch)" ]
}

@test "--join, --any-policy: of several policies only when told" {
	for p in aa bb; do
		echo '{"task":"a","prompt":"p","response":"r","policy":"'$p'"}' | traj-cat --from-json >$p.traj
	done
	traj-cat --join aa.traj in.traj | traj-cat --check | grep -F '3 trajectories'
	status_is 3 traj-cat --join aa.traj in.traj bb.traj
	says 'bb.traj: record 2 at byte'
	says 'drawn from the policy bb, those before from aa'
	[ -z "$output" ]
	traj-cat --join --any-policy aa.traj bb.traj | traj-cat -c policy | paste -sd, | grep -x aa,bb
	status_is 2 traj-cat --any-policy in.traj
}

@test "--msgpack, --from-json, --join: not to a terminal" {
	need_tool script
	for what in --msgpack --from-json --join; do
		status=0
		script -qec "traj-cat $what in.traj" /dev/null </dev/null >typed || status=$?
		[ "$status" = 2 ]
		grep -F 'not written to a terminal' typed
	done
	script -qec "traj-cat -c task in.traj" /dev/null </dev/null | grep -F b
}

@test "--check: says what is there; 3 when it is not whole" {
	traj-cat --check in.traj >out
	[ "$(cat out)" = "in.traj: 2 trajectories, 1 other records, 1 segments, $(wc -c <in.traj) bytes" ]
	head -c 300 in.traj >cut.traj
	status_is 3 traj-cat --check cut.traj in.traj
	says 'cut.traj: truncated in record'
	[[ $output == "in.traj: 2 trajectories"* ]] # goes on with the others
	status_is 3 traj-cat --check <<<'{"task":1}'
	says 'looks like JSON text'
	printf '{"task":"a","prompt":"p"}\n' | traj-cat --from-json >noresponse.traj
	status_is 3 traj-cat --check noresponse.traj
	says 'record 2 at byte'
	says 'response: the key is missing'
	status_is 2 traj-cat --check -n 1 in.traj
}

@test "--strict: records outside of head and end are refused" {
	printf '{"task":"a"}\n' | traj-cat --from-json | traj-cat --strict
	printf '\x81\xa4task\xa1a' >bare.traj
	traj-cat bare.traj | grep -F '{"task":"a"}'
	status_is 3 traj-cat --strict bare.traj
	says 'record 1 at byte 0: a record outside of head and end'
}

@test "--partial: what is whole of a stream that was cut off, with a warning" {
	head -c 300 in.traj >cut.traj
	status_is 3 traj-cat cut.traj
	status_is 0 traj-cat --partial cut.traj
	says 'warning: cut.traj: it was cut off'
	[ "$output" = "$(head -n 2 in.jsonl)" ]
	traj-cat -q --partial --msgpack cut.traj 2>/dev/null | traj-cat --strict | cmp - <(head -n 2 in.jsonl)
	status_is 3 traj-cat --partial /dev/null
}

@test "several files, one of them missing" {
	status_is 4 traj-cat in.traj nonexistent in.traj
	says 'nonexistent: open: No such file'
}

@test "inputs of other kinds are told by their first bytes" {
	status_is 3 traj-cat in.jsonl
	says 'in.jsonl: not a trajectory stream: it looks like JSON text'
	gzip -c in.traj >x.gz
	status_is 3 traj-cat x.gz
	says 'gzip'
	status_is 3 traj-cat /dev/null
	says 'empty: not even a head record'
	status_is 4 traj-cat .
	says 'Is a directory'
}

@test "cut at every byte: never status 0" {
	need_msgpack
	# (with sanitizers unit/stream/rec does so)
	"$root/tests/cli/records.py" cuts text "$(every 1)" in.traj traj-cat
}

@test "bombs: refused at once, in little memory" {
	memory_limit 200000
	for bomb in '\xdd\xff\xff\xff\xff' '\xdf\xff\xff\xff\xff' '\xc6\xff\xff\xff\xff' \
		'\xdb\xff\xff\xff\xff' '\x81\xa1x\xdc\xff\xff\xdc\xff\xff\xdc\xff\xff' \
		'\xdd\x0f\xff\xff\xff\xdd\x0f\xff\xff\xff' '\xc9\xff\xff\xff\xff\x00'; do
		# shellcheck disable=SC2059
		printf "$bomb" >bomb
		status_is 3 timeout 10 traj-cat bomb
	done
	head -c 100000 /dev/zero | tr '\0' '\221' >bomb
	status_is 3 traj-cat bomb
	says 'nested too deep'
}

@test "a large record of nothing: memory within 8 times its size" {
	need_msgpack
	# a map with an array of a million nils, and 15 MiB of bin
	"$python" -c '
import sys
w = sys.stdout.buffer.write
w(b"\x82\xa1a\xdd" + (1000000).to_bytes(4, "big") + b"\xc0" * 1000000)
w(b"\xa1b\xc6" + (14 << 20).to_bytes(4, "big") + b"b" * (14 << 20))' >big
	memory_limit 128000
	[ "$(traj-cat -c a big | wc -c)" = 5000002 ]
	[ "$(traj-cat -c b,c big | wc -c)" = 19573433 ] # base64 and its marks
}

@test "a slow writer changes nothing; flat memory" {
	(head -c 10 in.traj; sleep 0.2; tail -c +11 in.traj) | traj-cat | cmp - in.jsonl
	dd bs=1 <in.traj 2>/dev/null | traj-cat | cmp - in.jsonl
	for ((i = 0; i < 12; i++)); do cat in.traj in.traj; done >many.traj
	for ((i = 0; i < 5; i++)); do cat many.traj many.traj >more.traj && mv more.traj many.traj; done
	(
		memory_limit 30000
		for ((i = 0; i < 20; i++)); do cat many.traj; done | traj-cat --check
	) | grep -F '30720 trajectories'
}

@test "descriptors that do not wait" {
	need_tool "$python"
	for ((i = 0; i < 10; i++)); do cat in.traj; done >many.traj
	for ((i = 0; i < 6; i++)); do cat many.traj many.traj >more.traj && mv more.traj many.traj; done
	cat >unblock.py <<'END'
import os, sys
os.set_blocking(0, False), os.set_blocking(1, False)
os.execvp(sys.argv[1], sys.argv[1:])
END
	traj-cat many.traj >want
	(sleep 0.2; cat many.traj) | "$python" unblock.py traj-cat | (sleep 0.2; cat) | cmp - want
}

@test "a record is passed on at once" {
	mkfifo to from
	traj-cat to >from &
	exec 6<from 5>to
	head -c -39 in.traj >&5 # all but the end record
	for want in 1 2 3; do
		read -r -t 10 line <&6
		[ "$line" = "$(sed -n "${want}p" in.jsonl)" ]
	done
	tail -c 39 in.traj >&5
	exec 5>&- 6<&-
	wait $!
}

@test "streams from Python: arrays, float64, overlong integers" {
	need_msgpack
	"$python" -c '
import msgpack, sys
w = sys.stdout.buffer.write
w(msgpack.packb({"task": "p", "prompt": "x", "response": "y", "tokens": [1, 300, 70000],
                 "logprobs": [-0.5, -0.25, -1], "reward": 1, "entropy": 0.5, "none": None}))
w(b"\x81\xd9\x04task\xdb\0\0\0\x01q")
w(msgpack.packb({"kind": "traj", "prompt": "x", "response": "y", "step": 5, "task": "r",
                 "blob": b"\0"}, use_single_float=True))' >py.traj
	traj-cat py.traj >py.jsonl
	printf '%s\n' '{"task":"p","prompt":"x","response":"y","tokens":[1,300,70000],"logprobs":[-0.5,-0.25,-1],"reward":1,"entropy":0.5,"none":null}' \
		'{"task":"q"}' '{"kind":"traj","prompt":"x","response":"y","step":5,"task":"r","blob":{"$bin":"AA=="}}' |
		cmp - py.jsonl
	# written again it is canonical, and stays so
	traj-cat --from-json py.jsonl >once
	traj-cat --all once | traj-cat --from-json | cmp - once
}

@test "a dead reader: silent, by SIGPIPE" {
	for ((i = 0; i < 200; i++)); do cat in.traj; done >many.traj
	for ((i = 0; i < 8; i++)); do cat many.traj many.traj >more.traj && mv more.traj many.traj; done
	(
		status=0
		traj-cat many.traj 2>err || status=$?
		echo "$status" >rc
	) | head -n 1 >/dev/null
	[ "$(cat rc)" = 141 ]
	[ ! -s err ]
}

@test "input and output may not be the same file" {
	cp in.traj same
	status_is 2 bash -c 'ulimit -f 1000; traj-cat --msgpack same >>same'
	says 'same: input and output are the same file'
	cmp same in.traj
	cp in.jsonl same
	status_is 2 bash -c 'ulimit -f 1000; traj-cat --from-json <same >>same'
	cmp same in.jsonl
}

@test "contradictions are refused" {
	status_is 2 traj-cat --check --from-json in.traj
	status_is 2 traj-cat --from-json --strict in.jsonl
	status_is 2 traj-cat --from-json --tail 1 in.jsonl
	status_is 2 traj-cat --nonsense
	says 'traj-cat: --nonsense: no such option'
	status_is 2 traj-cat --all -Zq
	says 'traj-cat: -Z: no such option'
	status_is 2 traj-cat -qZ
	says 'traj-cat: -Z: no such option'
	status_is 2 traj-cat --strict=yes
	says 'traj-cat: --strict=yes: an argument where none is taken'
	status_is 2 traj-cat --quiet=yes
	says 'traj-cat: --quiet=yes: an argument where none is taken'
	status_is 2 traj-cat -n
	says 'traj-cat: -n: an argument is missing'
	status_is 0 traj-cat --version
	status_is 0 traj-cat --help
}

@test "--check: what is no error of form and still cannot be" {
	for bad in '"tokens":[1,2],"logprobs":[-1,0.5]' '"top_p":1.5' '"temperature":-1' '"entropy":-0.5'; do
		printf '{"task":"a","prompt":"p","response":"r",%s}\n' "$bad" | traj-cat --from-json >bad.traj
		status_is 3 traj-cat --check bad.traj
		says "bad.traj: record 2 at byte"
		status_is 0 traj-cat bad.traj
	done
	printf '{"task":"a","prompt":"p","response":"r","tokens":[1,2],"logprobs":[-1,0],"top_p":1}\n' |
		traj-cat --from-json >good.traj
	status_is 0 traj-cat --check good.traj
}

@test "a kind of nil is none: a trajectory, as Python's None is anywhere" {
	"$root/tests/cli/records.py" pack <<<'{"kind":null,"task":"a","prompt":"p","response":"r"}' >nil.traj
	status_is 0 traj-cat --check nil.traj
	grep -F "nil.traj: 1 trajectories, 0 other records" out
}

@test "the beginning of several options is said to be ambiguous" {
	status_is 2 traj-cat --he in.traj
	says "traj-cat: --he: ambiguous: --header, --head, --help"
	status_is 2 traj-cat --hea=3 in.traj
	says "--hea: ambiguous: --header, --head"
	status_is 0 traj-cat --check --str <(traj-cat --msgpack in.traj)
}

@test "-c #KEY: how many elements" {
	printf '%s\n' '{"task":"a","tokens":[5,70000,1],"prompt_tokens":[],"logprobs":[-1.5],"m":{"l":[1,2],"t":"four"}}' \
		'{"task":"b","n":3}' | traj-cat --from-json >in2.traj
	traj-cat --header -c '#tokens,#prompt_tokens,#logprobs,#m.l,#m,#m.t,#n,tokens' in2.traj >out
	printf '%s\n' $'#tokens\t#prompt_tokens\t#logprobs\t#m.l\t#m\t#m.t\t#n\ttokens' \
		$'3\t0\t1\t2\t2\t4\t\t[5,70000,1]' $'\t\t\t\t\t\t\t' | cmp - out
}
