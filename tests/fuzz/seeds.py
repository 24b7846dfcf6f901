#!/usr/bin/python3
"""seeds.py ENV OUT - writes the fuzz targets' first corpora, OUT/TARGET/*, made of this project's
own tests: string literals of tests/unit, tests/data/math.tsv and the folder ENV, which
tests/man-env.sh fills."""
import hashlib, json, os, re, struct, sys
import msgpack

env, out = sys.argv[1:3]
root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
LITERAL = re.compile(r'"(?:[^"\\\n]|\\.)*"(?:\s*"(?:[^"\\\n]|\\.)*")*')
ESCAPE = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "f": "\f", "b": "\b", "v": "\v", "a": "\a"}


def add(target, data):
    if not data or len(data) > 20000:
        return
    path = os.path.join(out, target)
    os.makedirs(path, exist_ok=True)
    with open(os.path.join(path, hashlib.sha1(data).hexdigest()[:12]), "wb") as f:
        f.write(data)


def unescape(m):
    s = m.group(1)
    if s[0] == "x":
        return chr(int(s[1:], 16))
    return chr(int(s, 8)) if s[0] in "01234567" else ESCAPE.get(s, s)


def literals(name):
    """Adjacent literals are one text, as in C; bytes above 127 pass as they are."""
    with open(os.path.join(root, "tests", "unit", name + ".c"), encoding="latin-1") as f:
        for m in LITERAL.finditer(f.read()):
            parts = re.findall(r'"((?:[^"\\\n]|\\.)*)"', m.group())
            yield "".join(re.sub(r"\\(x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)", unescape, p)
                          for p in parts).encode("latin-1")


def read(name, limit=None):
    with open(os.path.join(env, name), "rb") as f:
        return f.read(limit)


def records(name, most):
    u = msgpack.Unpacker(open(os.path.join(env, name), "rb"))
    return [msgpack.packb(r) for r, _ in zip(u, range(most))]


values = [None, True, -1, 127, 128, 65536, -129, 2 ** 32, 2 ** 64 - 1, -2 ** 63, 0.5, 1e300,
          float("nan"), float("-inf"), "", "text", "\0", b"\xff\xfe", list(range(20)),
          {"a": {"b": [1, {"c": None}]}}, {1: 2, "x": 3}, {"$bin": "AA=="}, {b"\xff": 1},
          [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]], "x" * 300, ["y"] * 70, {str(i): i for i in range(20)}]
stream = records("run.traj", 4)
for v in values:
    for target in "record", "mpjson":
        add(target, msgpack.packb(v))
    add("where", b"a.b = 1\0" + msgpack.packb({"a": {"b": v}, "reward": 1.0}))
    try:
        add("json", json.dumps(v).encode())
    except TypeError:
        pass
for r in stream:
    add("record", r)
    add("mpjson", r)
    for c in b"reward >= 0.5", b"response ~ ^[0-9]+", b"step", b"task,reward,response", b"meta != x":
        add("where", c + b"\0" + r)
for bomb in b"\xdd\xff\xff\xff\xff", b"\xdf\x7f\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\xc1", \
        b"\xdc\xff\xff" * 4, b"\x91" * 33, b"\xc7\x03abcd":
    add("record", bomb)
for flags in range(8):
    add("stream", bytes([flags]) + b"".join(stream))
    add("stream", bytes([flags]) + b"".join(stream[1:]))
whole = read("eval.traj")
add("stream", b"\0" + b"".join(records("eval.traj", 2)) + records("eval.traj", 10 ** 6)[-1])
add("stream", b"\0" + whole[:19000])
for s in literals("stream/mpjson"):
    add("json", s)
for s in literals("task/task"):
    add("tasks", s)
for line in read("train.jsonl").splitlines()[:4]:
    add("tasks", line)
    add("json", line)
tensors = {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
           "b": {"dtype": "BF16", "shape": [1, 2], "data_offsets": [8, 12]},
           "c": {"dtype": "F16", "shape": [], "data_offsets": [12, 14]},
           "d": {"dtype": "F32", "shape": [0, 5], "data_offsets": [14, 14]}}
for t in {}, {k: tensors[k] for k in "a"}, tensors, dict(tensors, __metadata__={"format": "pt"}):
    head = json.dumps(t).encode()
    size = max((v["data_offsets"][1] for k, v in t.items() if k != "__metadata__"), default=0)
    add("safetensors", struct.pack("<Q", len(head)) + head + bytes(range(size)))
for s in literals("model/config"):
    if s[:1] == b"{":
        add("config", s)
add("config", read("base/config.json"))
add("config", read("base/config.json") + b"\0" + read("base/generation_config.json"))
add("tokjson", read("base/tokenizer.json"))
for s in literals("tokenizer/tokenizer-forms"):
    add("tokjson", s)
for s in list(literals("tokenizer/tokenizer")) + list(literals("tokenizer/tokenizer-forms")):
    for which in range(4):
        add("tokenizer", bytes([which]) + s)
with open(os.path.join(root, "tests", "data", "jinja.jsonl"), encoding="utf-8") as f:
    for j in map(json.loads, f):
        add("chat", j.get("template", "").encode())
for s in list(literals("chat/chat")) + list(literals("chat/jinja")):
    if b"{{" in s or b"{%" in s:
        add("chat", s)
    elif s[:1] == b"[":
        add("chat", b"{{ messages }}{{ messages[0].content }}\0" + s)
tools = b'[{"type":"function","function":{"name":"f","parameters":{"x":[1,"\\u00e9"]}}}]'
call = (b'[{"role":"system","content":"s"},{"role":"user","content":"1+1?"},{"role":"assistant",'
        b'"content":"<think>a</think>b","tool_calls":[{"function":{"name":"f","arguments":{"x":1}}}]},'
        b'{"role":"tool","content":"2"},{"role":"user","content":"?"}]')
add("chat", b"{% for m in messages %}{{ m.role }}{{ m.tool_calls | tojson }}{% endfor %}\0" + call)
add("chat", b"{% generation %}{{ x.y[0] | tojson(indent=2) }}{% endgeneration %}\0\0"
    b'{"x": {"y": ' + tools + b"}}")
with open(os.path.join(root, "tests", "data", "math.tsv"), "rb") as f:
    for i, line in enumerate(f):
        part = line.rstrip(b"\n").split(b"\t")
        if len(part) == 3 and i % 3 == 0:
            add("answers", b"\0\0" + part[1] + b"\0" + part[2])
for v, answer, response in (
        (1, b"42", b"so it is\n#### 42"), (2, b"", b"(3+4)*(9-7)"), (3, b"", b"4+9"),
        (2, b"", b"3*4-\xc3\x97 (7/9)=12"), (4, b"ad", b"abcd"), (5, b"7", b"3+4=7"), (6, b"a", b"a"),
        (7, b"1/2", b"it is 0.5"), (8, b"^a(b+)c$", b"abbc"), (9, b"red|blue", b"a red one")):
    add("answers", bytes([v, 4, 3, 4, 7, 9]) + answer + b"\0" + response)
for s in literals("base/num"):
    add("numbers", s)
for s in "1", "-9223372036854775808", "1e300", "0x10", "3.141592653589793", "1e-320", " 7", "+1":
    add("numbers", s.encode())
for d in 0.1, 1e22, 5e-324, 1.7e308, 123456.0:
    add("numbers", struct.pack("<d", d))
