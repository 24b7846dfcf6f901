# traj-python.bats - libcommon/stream/traj.py: what traj-python(3) says.
# shellcheck disable=SC2016,SC2030,SC2031 # JSON marks begin with a dollar; status in subshells
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	py=/usr/bin/python3
	module=$root/libcommon/stream/traj.py
	export PYTHONPATH=${module%/*} PYTHONDONTWRITEBYTECODE=1
	"$py" -c 'import msgpack' 2>/dev/null || skip "python3-msgpack is not installed"
	cat >in.jsonl <<-'END'
		{"kind":"traj","task":"a","prompt":"1+1=","response":"2\n","answer":"2","meta":{"level":3,"of":{"x":[1,null,-1.5]}},"prompt_tokens":[5,70000],"tokens":[7,8,2],"logprobs":[-0.1,-1e-07,-2.5],"temperature":0.7,"top_p":1.0,"top_k":0,"finish":"stop","sample":0,"step":3,"reward":1.0,"verdict":"ok","advantage":0.1,"used":true,"own":{"deep":[[1],{"y":false}]}}
		{"kind":"note","text":"tab\there","raw":{"$bin":"AAH/"},"big":{"$u64":"18446744073709551615"},"str":{"$str":"/w=="}}
		{"task":"b","prompt":"é","response":{"$bin":"/w=="},"step":4,"reward":0.5,"one":1,"minus":-0.0}
	END
	traj-cat --from-json in.jsonl >in.traj
}

# run LINES ...: a program of these lines, "import traj" before them
run() {
	printf '%s\n' 'import io, sys, traj' "$@" >program.py
	"$py" program.py
}

# again FILE: each record that is read and written again has the bytes that it had, head and end too
again() {
	run 'n = 0' "for r in traj.Reader('$1', frames=True):" \
		'    assert traj.pack(r) == r.raw, r' '    n += 1' 'assert n > 2'
	run "r = traj.Reader('$1')" 'with traj.Writer("again.traj", tool="again", args=[]) as w:' \
		'    for x in r:' '        w.segment(r)' '        w.write(x)'
	traj-cat "$1" | cmp - <(traj-cat again.traj)
	traj-cat --check --strict again.traj
}

@test "what any tool writes, read and written again, is the same bytes" {
	fixture run eval
	policy-eval -q -p "$FIX/base" -t "$FIX/test.jsonl" -n 2 --top-p 0.9 --top-k 5 >sampled.traj
	policy-score -q -p "$FIX/base" --as ref_logprobs "$FIX/eval.traj" >scored.traj
	traj-convert -q --from verl "$FIX/rollouts.jsonl" >converted.traj
	traj-filter -q --correct "$FIX/run.traj" >filtered.traj
	cat filtered.traj in.traj >two.traj
	for f in "$FIX/run.traj" "$FIX/eval.traj" sampled.traj scored.traj converted.traj two.traj; do
		again "$f"
	done
	# the records of a stream whose values are not in their shortest form keep them by copy()
	run 'import msgpack' 'f = io.BytesIO(msgpack.packb({"task": "a", "prompt": "", "response": "", "x": 0.5}))' \
		'(r,) = traj.Reader(f)' 'assert traj.pack(r) != r.raw and traj.pack(r)[-4:] != r.raw[-4:]' \
		'with traj.Writer("copied.traj") as w:' '    w.copy(r)' \
		'(c,) = traj.Reader("copied.traj")' 'assert c.raw == r.raw'
}

@test "a stream of version 1" {
	run 'from traj import pack, _hashes' 'h = _hashes[0]()' 'r = {"task": "a", "prompt": "p", "response": "q"}' \
		'h.update(pack(r))' \
		's = pack({"kind": "head", "format": "traj", "version": 1}) + pack(r)' \
		'open("v1.traj", "wb").write(s + pack({"more": 1, "xxh3": h.hexdigest(), "kind": "end", "count": 1}))' \
		'open("bad.traj", "wb").write(s + pack({"kind": "end", "count": 1, "xxh3": "0" * 16}))'
	traj-cat --check v1.traj
	run '(r,) = traj.Reader("v1.traj", strict=True)' 'assert r["task"] == "a" and r.index == 2'
	again v1.traj
	status_is 3 "$py" "$module" bad.traj
	says "bad.traj: record 3 at byte"
	says "damaged"
}

@test "make: keys in the suite's order and the id, as rl-explore wrote them" {
	fixture run
	run "for r in traj.Reader('$FIX/run.traj'):" \
		'    shuffled = {k: r[k] for k in sorted(r, reverse=True) if k not in ("id", "kind")}' \
		'    assert traj.pack(traj.make(shuffled)) == r.raw, r'
	run 'r = traj.make(task="a", prompt="p", response="q", tokens=[1, 2], own=None, reward=0.5)' \
		'assert list(r) == ["kind", "task", "prompt", "response", "id", "tokens", "reward"]' \
		'assert traj.make(r, response="x")["id"] != r["id"]' 'with traj.Writer("made.traj") as w:' '    w.write(r)'
	traj-cat --check made.traj
	traj-cat made.traj | jq -e '.tokens == [1,2] and .reward == 0.5'
	status_is 1 run 'traj.make(task="a", prompt="p")'
	says "response: the key is missing"
}

@test "the chain: a filter's borders, this program's entry; one of all for a writer of one segment" {
	cat in.traj in.traj >two.traj
	traj-filter -q --min-reward 0.7 two.traj >filtered.traj
	run 'reader = traj.Reader("two.traj")' 'with traj.Writer(tool="t", version="7", args=["-x", b"\xff"], seed=3) as w:' \
		'    for r in reader:' '        w.segment(reader)' '        if not r.is_traj or r["reward"] > 0.7: w.copy(r)' >own.traj
	[ "$(traj-cat --check own.traj | cut -d: -f 2)" = "$(traj-cat --check filtered.traj | cut -d: -f 2 | sed "s/$(stat -c %s filtered.traj)/$(stat -c %s own.traj)/")" ]
	traj-cat --all own.traj | head -n 1 | jq -ce '.chain[0].tool == "traj-cat" and
		.chain[1] == {tool: "t", version: "7", args: ["-x", {"$bin": "/w=="}], seed: 3}'
	traj-cat --all own.traj | sed '/"kind":"head"/d; /"kind":"end"/d' |
		cmp - <(traj-cat filtered.traj)
	run 'reader = traj.Reader("two.traj")' 'records = list(reader)' 'with traj.Writer() as w:' \
		'    w.inherit(reader)' '    w.inherit(reader)' '    for r in records[::-1]: w.copy(r)' >one.traj
	traj-cat --check one.traj | grep -F '4 trajectories, 2 other records, 1 segments'
	traj-cat --all one.traj | head -n 1 | jq -e '.chain | map(.tool) == ["traj-cat", "program.py"]'
	run 'with traj.Writer(): pass' | traj-cat --check | grep -F '0 trajectories, 0 other records, 1 segments'
}

@test "view: numpy's arrays where numpy is, else of array; of plain arrays and own keys too" {
	code=('import struct' 'r = next(traj.Reader("in.traj"))' 't, l = traj.view(r, "tokens"), traj.view(r, "logprobs")'
		'assert list(t) == [7, 8, 2] and t.itemsize == 4' 'assert abs(l[0] + 0.1) < 1e-8 and l[2] == -2.5'
		'assert traj.view(r, "ref_logprobs") is None' 'r["x"] = [1, 2]'
		'assert list(traj.view(r, "x", "f")) == [1.0, 2.0] and list(traj.view(r, "x", "I")) == [1, 2]')
	run 'sys.modules["numpy"] = None' "${code[@]}" 'assert type(t) is traj.array.array'
	"$py" -c 'import numpy' 2>/dev/null || skip "python3-numpy is not installed"
	run "${code[@]}" 'import numpy' 'assert t.dtype == numpy.uint32 and l.dtype == numpy.float32' \
		'assert t.base is not None' \
		'w = dict(r, logprobs=numpy.float32([-0.5, -1, -2]), tokens=numpy.arange(3), reward=numpy.float32(0.5))' \
		'del w["x"]' 'back = traj._decode(traj.pack(w))' \
		'assert back["tokens"] == struct.pack("<3I", 0, 1, 2) and back["reward"] == 0.5' \
		'assert back["logprobs"] == struct.pack("<3f", -0.5, -1, -2)' \
		'for bad in numpy.array([-1]), numpy.array([2**32]), numpy.array([0.5]):' \
		'    try: traj.pack({"tokens": bad})' '    except traj.TrajError: continue' '    raise SystemExit("taken")'
}

@test "gzip and zstd are read; cut off or damaged they are refused" {
	gzip -c in.traj >in.gz
	cat in.gz in.gz >two.gz
	run '(a, b, c), r = traj.Reader("in.gz"), traj.Reader("two.gz")' \
		'assert len(list(r)) == 6 and r.segments == 2' 'assert a.raw == next(traj.Reader("in.traj")).raw'
	head -c 200 in.gz >cut.gz
	status_is 3 "$py" "$module" cut.gz
	says "gzip data are cut off"
	printf 'xxxxxxxxxxxx' | dd of=in.gz bs=1 seek=100 conv=notrunc 2>/dev/null
	status_is 3 "$py" "$module" in.gz
	says "damaged gzip data"
	"$py" -c 'import zstandard' 2>/dev/null || {
		printf '\x28\xb5\x2f\xfdxxxx' >in.zst
		status_is 3 "$py" "$module" in.zst
		says "no package zstandard"
		return 0
	}
	run 'import zstandard' 'z = zstandard.ZstdCompressor().compress(open("in.traj", "rb").read())' \
		'open("in.zst", "wb").write(z + z)' 'assert len(list(traj.Reader("in.zst"))) == 6' \
		'open("cut.zst", "wb").write(z[:-9])'
	status_is 3 "$py" "$module" cut.zst
}

@test "the program: a line as of traj-cat --check and what is in it; statuses" {
	fixture run
	for f in in.traj "$FIX/run.traj"; do
		status_is 0 "$py" "$module" "$f"
		head -n 1 out | cmp - <(traj-cat --check "$f")
	done
	status_is 0 "$py" "$module" - <in.traj
	grep -qx '    2 tasks, 3 tokens' out
	grep -qx '    2 rewards, mean 0.75' out
	grep -q '^    made by traj-cat$' out
	head -c 300 in.traj >cut.traj
	status_is 3 "$py" "$module" cut.traj in.traj
	says "traj.py: cut.traj: record "
	grep -q '^in.traj: 2 traj' out # goes on with the others
	status_is 0 "$py" "$module" --partial cut.traj
	says "cut.traj: it was cut off"
	status_is 3 "$py" "$module" /dev/null
	says "empty"
	status_is 3 "$py" "$module" in.jsonl
	says "looks like JSON"
	status_is 4 "$py" "$module" nonexistent
	says "nonexistent: No such file"
	status_is 2 "$py" "$module" --unknown
	"$py" "$module" --help | grep -q strict
	sed 2d in.jsonl | traj-cat --from-json | "$root/tests/cli/records.py" body >bare.traj
	status_is 0 "$py" "$module" bare.traj
	status_is 3 "$py" "$module" --strict bare.traj
	says "outside of head and end"
	status_is 4 sh -c "$py $module in.traj >/dev/full"
	[ "$stderr" = "traj.py: input or output: No space left on device" ]
	status_is 4 sh -c "PYTHONUNBUFFERED=1 $py $module in.traj >/dev/full"
}

@test "a failed reader goes on failing; a writer that an exception leaves writes no end" {
	head -c 300 in.traj >cut.traj
	run 'r = traj.Reader("cut.traj")' 'for i in range(2):' '    try:' '        for x in r: pass' \
		'    except traj.TrajError as e: assert e.where[0] == 2 and "cut.traj: record 2" in str(e), e' \
		'    else: raise SystemExit("taken for whole")'
	status_is 1 run 'with traj.Writer("cut2.traj") as w:' '    w.write(traj.make(task="a", prompt="", response=""))' '    1 / 0'
	status_is 3 traj-cat cut2.traj
	says "no end record after 1 records"
	run 'class File:' '    def __init__(self, data): self.data = data' \
		'    def read(self, n):' '        if self.data is None: raise OSError(5, "no disk")' \
		'        data, self.data = self.data, None' '        return data' \
		'r = traj.Reader(File(open("in.traj", "rb").read()[:-9]))' 'told = 0' \
		'for i in range(2):' '    try:' '        list(r)' \
		'    except OSError:' '        told += 1' 'assert told == 2'
}

@test "what no stream can hold is not written" {
	cat >program.py <<-'END'
		import traj
		good = traj.make(task="a", prompt="p", response="q")
		deep = 1
		for _ in range(17):
		    deep = [deep]
		bad = [{"kind": "end"}, {"kind": 5}, {"prompt": "p"}, dict(good, response="x"), dict(good, x=2**64),
		       dict(good, x=deep), dict(good, x=object()), dict(good, logprobs=[0.5], tokens=[1]),
		       dict(good, tokens=[-1]), dict(good, tokens=b"123"), dict(good, reward=float("nan")),
		       dict(good, reward=1.0, verdict="timeout"), dict(good, step=-1), dict(good, used=1)]
		with traj.Writer("out.traj") as w:
		    for r in bad:
		        try:
		            w.write(r)
		        except traj.TrajError as e:
		            assert str(e)
		        else:
		            raise SystemExit("written: %r" % r)
		    w.write(good)
	END
	"$py" program.py
	traj-cat --check out.traj | grep -F '1 trajectories'
}

@test "keys that no dict can hold: copied, not written" {
	traj-cat --from-json >odd.traj <<-'END'
		{"$map":[["kind","note"],["x",1],["x",2],[[1],3]]}
	END
	run 'reader = traj.Reader("odd.traj")' '(r,) = reader' 'assert r["x"] == 1 and not r.whole' \
		'with traj.Writer("back.traj") as w:' '    try: w.write(r)' '    except traj.TrajError: w.copy(r)'
	traj-cat odd.traj | cmp - <(traj-cat back.traj)
}

@test "hashes by the package, by the library, by neither" {
	run 'sys.modules["xxhash"] = None' 'import importlib' 'importlib.reload(traj)' \
		'assert len(list(traj.Reader("in.traj", check=True))) == 3' \
		'r = traj.make(task="a", prompt="", response="")' 'print(r["id"])' >library ||
		skip "no libxxhash.so.0"
	"$py" -c 'import xxhash' 2>/dev/null &&
		run 'assert traj._hashes[0].__module__ != "traj"' \
			'print(traj.make(task="a", prompt="", response="")["id"])' | cmp - library
	cat >none.py <<-'END'
		import ctypes, io, sys, warnings
		sys.modules["xxhash"] = None
		def missing(name):
		    raise OSError(name)
		ctypes.CDLL = missing
		import traj
		with warnings.catch_warnings(record=True) as w:
		    warnings.simplefilter("always")
		    assert len(list(traj.Reader("in.traj", check=True))) == 3
		assert "counts alone" in str(w[0].message)
		try:
		    traj.Writer("x.traj")
		except traj.TrajError as e:
		    assert "python3-xxhash" in str(e)
		f = io.BytesIO()
		with traj.Writer(f, frame=False) as w:
		    w.write({"task": "a", "prompt": "p", "response": "q"})
		assert f.getvalue()[:6] == b"\x83\xa4task"
	END
	"$py" none.py
}

@test "constant memory, and a record is passed on at once" {
	cat >stage.py <<-'END'
		import sys, traj
		sys.exit(traj.stage(lambda r: True))
	END
	records=$root/tests/cli/records.py
	for i in $(seq 2000); do cat in.traj; done >many.traj
	small=$("$records" peak "$py" stage.py <in.traj)
	large=$("$records" peak "$py" stage.py <many.traj)
	echo "$small KiB, $large KiB"
	[ $((large - small)) -lt 3000 ]
	sed 2d in.jsonl | traj-cat --from-json | "$records" body >bare.traj
	"$records" latency "$py" stage.py <bare.traj
}

@test "stage: failures are told with a status, and nobody takes a part for the whole" {
	cat >stage.py <<-'END'
		import sys, traj
		sys.exit(traj.stage(lambda r: dict(r, more=1) if r["task"] == "a" else None))
	END
	"$py" stage.py in.traj | traj-cat >got
	[ "$(jq -c '[.kind, .more]' got | paste -sd ' ')" = '["traj",1] ["note",null]' ]
	head -c 300 in.traj >cut.traj
	status_is 3 "$py" stage.py cut.traj
	says "stage.py: cut.traj: record"
	cp out cut2.traj
	status_is 3 traj-cat cut2.traj
	status_is 4 "$py" stage.py nonexistent
	[ -z "$output" ]
	# a reader that leaves ends it as it ends the tools
	yes in.traj | head -n 3000 | xargs cat >many.traj
	set +o pipefail
	("$py" stage.py many.traj || echo "$?" >st) 2>err | head -c 10 >/dev/null
	[ "$(cat st)" = 141 ]
	[ ! -s err ]
	# none of its records: still a stream that says how it came to be
	printf '' | traj-cat --from-json >none.traj
	"$py" stage.py none.traj | traj-cat --all | head -n 1 | jq -e '.chain | map(.tool) == ["traj-cat", "stage.py"]'
}

@test "streams of a generator are judged as by traj-cat --check" {
	"$root/tests/oracle/streams.py" -n 1500 -s 7 "$BIN"
}

@test "kept: lists of ids, as traj-cat shows them, and back to the same bytes" {
	fixture tasks base
	policy-eval -q -p "$FIX/base" -t "$FIX/test.jsonl" --max-new 6 --top-k 5 --top-p 0.9 >cut.traj
	"$py" -c '
import json, traj
for r in traj.Reader("cut.traj"):
    if r.kind == "traj":
        assert traj.pack(dict(r, kept=traj.kept(r))) == r.raw
        print(json.dumps(traj.kept(r)))' >got
	traj-cat cut.traj | jq -c .kept | cmp - <(jq -c . got)
	[ -s got ]
}
