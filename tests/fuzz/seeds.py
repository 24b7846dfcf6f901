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
    add("view", r)
    for c in b"reward >= 0.5", b"response ~ ^[0-9]+", b"step", b"task,reward,response", b"meta != x":
        add("where", c + b"\0" + r)
for more in ({"ref_logprobs": [-1.0, -2.0], "tokens": [3, 4], "logprobs": [-1.5, 0.0]},
             {"response": "12", "tokens": [3, 4, 1], "logprobs": [-3, -1, 0], "verdict": "<b>\x1b[1m"},
             {"meta": {"\u202e": ["</dd>", None]}, "<i>": b"\xff\x00", "used": True, "step": 3, "reward": 0.5}):
    add("view", msgpack.packb({"task": "\x9b<", "prompt": "</pre>\n\n", "response": "\n", **more}))
for bomb in b"\xdd\xff\xff\xff\xff", b"\xdf\x7f\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\xc1", \
        b"\xdc\xff\xff" * 4, b"\x91" * 33, b"\xc7\x03abcd":
    add("record", bomb)
kept = {"task": "t", "prompt": "p", "response": "r", "tokens": [7, 3, 5]}
for sets in b"\x03\x04\x03\xa5\x02\x00\x01\x05", b"\x02\x07", [[4, 7, 300], [], [5]], [[7, 7]], b"\x00" * 4:
    r = msgpack.packb({**kept, "kept": sets})
    add("stream", b"\0" + r)
    add("mpjson", r)
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
with open(os.path.join(root, "tests", "cli", "traj-convert.bats"), "rb") as f:
    for row in set(re.findall(rb"""^\t\t(\{".*\})$|'(\{".*?\})'""", f.read(), re.M)):
        add("convert", b"".join(row) + b"\x1f\0")  # of any format: the row tells
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
def gguf(keys, tensors, align=32):
    """keys: (name, type, value) with a list's value as (type of its items, items); tensors: (name,
    dimensions, type, bytes)"""
    simple = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}

    def text(t):
        return struct.pack("<Q", len(t.encode())) + t.encode()

    def value(kind, v):
        if kind == 8:
            return text(v)
        if kind == 9:
            return struct.pack("<IQ", v[0], len(v[1])) + b"".join(value(v[0], x) for x in v[1])
        return struct.pack("<" + simple[kind], v)

    out = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys))
    for name, kind, v in keys:
        out += text(name) + struct.pack("<I", kind) + value(kind, v)
    data = b""
    for name, dims, kind, raw in tensors:
        out += text(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, kind, len(data))
        data += raw + bytes(-len(raw) % align)
    return out + bytes(-len(out) % align) + data


shape = [("general.architecture", 8, "llama"), ("llama.context_length", 4, 32),
         ("llama.embedding_length", 4, 4), ("llama.block_count", 4, 1),
         ("llama.feed_forward_length", 4, 3), ("llama.attention.head_count", 4, 2),
         ("llama.attention.head_count_kv", 4, 1), ("llama.attention.key_length", 4, 8),
         ("llama.attention.layer_norm_rms_epsilon", 6, 1e-5), ("llama.rope.freq_base", 6, 1e4)]
rope = [("llama.rope.scaling.type", 8, "yarn"), ("llama.rope.scaling.factor", 6, 4.0),
        ("llama.rope.scaling.original_context_length", 4, 8)]
bpe = [("tokenizer.ggml.model", 8, "gpt2"), ("tokenizer.ggml.pre", 8, "llama-bpe"),
       ("tokenizer.ggml.tokens", 9, (8, ["<|im_end|>", "a", "b", "ab", "é x", "[PAD5]"])),
       ("tokenizer.ggml.token_type", 9, (5, [3, 1, 1, 1, 4, 5])),
       ("tokenizer.ggml.merges", 9, (8, ["a b"])), ("tokenizer.ggml.eos_token_id", 4, 0),
       ("tokenizer.ggml.add_bos_token", 7, True), ("tokenizer.ggml.bos_token_id", 4, 0),
       ("tokenizer.chat_template", 8, "{{ messages }}")]
spm = [("tokenizer.ggml.model", 8, "llama"),
       ("tokenizer.ggml.tokens", 9, (8, ["<unk>", "<s>", "</s>", "<0x61>", "\u2581", "a", "b", "ab", "\u2581ab"])),
       ("tokenizer.ggml.token_type", 9, (5, [2, 3, 3, 6, 1, 1, 1, 1, 1])),
       ("tokenizer.ggml.scores", 9, (6, [0.0, 0.0, 0.0, 0.0, -9.0, -8.0, -7.0, -2.0, -1.0])),
       ("tokenizer.ggml.add_space_prefix", 7, False)]
odd = [(f"k{i}", i, 1) for i in (0, 1, 2, 3, 4, 5, 6, 10, 11, 12)] + [
    ("nested", 9, (9, [(0, [1, 2]), (8, ["x"])])), ("general.alignment", 4, 8)]
gemma = [(k.replace("llama", "gemma3"), t, "gemma3" if v == "llama" else v) for k, t, v in shape] + [
    ("gemma3.attention.sliding_window", 4, 4), ("gemma3.rope.freq_base_swa", 6, 1e4),
    ("gemma3.attention.sliding_window_pattern", 9, (7, [True])), ("gemma3.final_logit_softcapping", 6, 30.0)]
granite = [(k.replace("llama", "granite"), t, "granite" if v == "llama" else v) for k, t, v in shape] + [
    ("granite.logit_scale", 6, 8.0), ("granite.attention.scale", 6, 0.1)]
freqs = ("rope_freqs.weight", [4], 0, struct.pack("<4f", 1, 1.5, 8, 8))
for keys, tensors in (([], []), (shape, []), (shape + rope, []), (shape, [freqs]), (shape + bpe, []),
                      (shape + spm, [freqs]), (gemma + spm, []), (granite + bpe, []), (odd, [("a", [2, 3], 0, bytes(24)), ("b", [3], 1, bytes(6))])):
    add("gguf", gguf(keys, tensors, 8 if keys is odd else 32))
for kind, numbers, size in ((0, 1, 4), (1, 1, 2), (2, 32, 18), (3, 32, 20), (6, 32, 22), (7, 32, 24), (8, 32, 34),
                            (10, 256, 84), (11, 256, 110), (12, 256, 144), (13, 256, 176), (14, 256, 210),
                            (20, 32, 18), (30, 1, 2)):
    add("gguf", gguf([], [("t", [numbers, 2], kind, bytes(range(size)) + bytes(size))]))
for s in literals("model/config"):
    if s[:1] == b"{":
        add("config", s)
add("config", read("base/config.json"))
add("config", read("base/config.json") + b"\0" + read("base/generation_config.json"))
add("tokjson", read("base/tokenizer.json"))
for s in literals("tokenizer/tokenizer-forms"):
    add("tokjson", s)
for s in literals("tokenizer/pattern"):
    add("pattern", s + b"\0It's 12 \xc3\xa9t\xc3\xa9s,\r\n\n  AbC_x \xe2\x85\xa3")
for s in literals("policy/tokconfig"):
    if s[:1] == b"{":
        add("tokconfig", s)
        add("tokconfig", b"\0" + s)
        add("tokconfig", b"\0\0" + s)
for s in (b'{"added_tokens_decoder":{"9":{"content":"<x>","rstrip":true}},"eos_token":"<x>"}\0'
          b'{"bos_token":"<pad>","additional_special_tokens":["<y>"]}\0{"<z>":12}',
          b'{"tokenizer_class":"LlamaTokenizer"}\0{"bos_token":{"content":"<eos>"}}'):
    add("tokconfig", s)
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
for part in (
        (b"countdown:2,3,5,8=27", b"countdown:x", b"2 3 5 8=40:", b"40", b"(8-3)*5+2", b"\2\3\5\b"),
        (b"", b"countdown:x", b"2 3 5 8=40:", b"40", b"so\nAnswer: (8-3)*5+2", b"\2\3\5\b"),
        (b"", b"subset:x", b"4 6 11 15 20=26:", b"26", b"4+11+15", b"\4\6\13\17\24"),
        (b"", b"path:x", b"ab bc bd ca cd de:a>e=", b"ae", b"bca", b"ab bc bd ca cd de"),
        (b"path:ab,bc:ac", b"path:x", b"?ab bc:b>a=", b"ba", b"abc", b"ab bc"),
        (b"countdown:2,3=5", b"countdown:x", b"2 3=6:", b"6", b"2*3", b"\2\3")):
    add("relabel", b"\0".join(part))
for s in literals("base/num"):
    add("numbers", s)
for s in "1", "-9223372036854775808", "1e300", "0x10", "3.141592653589793", "1e-320", " 7", "+1":
    add("numbers", s.encode())
for d in 0.1, 1e22, 5e-324, 1.7e308, 123456.0:
    add("numbers", struct.pack("<d", d))
for log in literals("stats/logread"):
    add("logs", log)
add("logs", b"".join(b'{"step":%d,"reward":%.2f,"seed":%d}\n' % (i % 7, i / 40, i % 2) for i in range(40)))
for body in literals("ask/choices"):
    if body[:1] == b"{":
        for how in b"\x04", b"\x05", b"\x07":
            add("ask", how + body)
