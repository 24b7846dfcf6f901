#!/usr/bin/python3
"""gguf.py - what the tests know of GGUF and safetensors by themselves (standard library only).

    gguf.py keys FILE.gguf              key, tab, value as JSON, a line each
    gguf.py tensors FILE.gguf           name, type, shape (rows first), XXH-like sum of the bytes
    gguf.py same A.gguf B.gguf          1 where a tensor of both differs, or one has more of them
    gguf.py close A B                   the weights of two folders, within 1e-7
    gguf.py golden FOLDER QUANTS.json NAME   the folder's weights against the samples of NAME
    gguf.py make FILE.gguf < SPEC.json  writes a file: {"keys": [[name, type, value]], "tensors":
                                        [[name, shape, [numbers]]]}, F32
"""
import hashlib
import json
import math
import struct
import sys

SIMPLE = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
NAMES = {"u8": 0, "u16": 2, "u32": 4, "i32": 5, "f32": 6, "bool": 7, "string": 8, "u64": 10}


class Reader:
    def __init__(self, path):
        self.raw = open(path, "rb").read()
        self.at = 4
        assert self.raw[:4] == b"GGUF" and self.one("I") == 3
        tensors, keys = self.one("Q"), self.one("Q")
        self.keys = {}
        for _ in range(keys):
            name = self.string()
            self.keys[name] = self.value(self.one("I"))
        self.tensors = {}
        for _ in range(tensors):
            name = self.string()
            dims = [self.one("Q") for _ in range(self.one("I"))]
            self.tensors[name] = (self.one("I"), dims[::-1], self.one("Q"))
        align = self.keys.get("general.alignment", 32)
        self.data = (self.at + align - 1) // align * align

    def one(self, form):
        v = struct.unpack_from("<" + form, self.raw, self.at)[0]
        self.at += struct.calcsize("<" + form)
        return v

    def string(self):
        n = self.one("Q")
        self.at += n
        return self.raw[self.at - n:self.at].decode()

    def value(self, kind):
        if kind == 8:
            return self.string()
        if kind == 9:
            item = self.one("I")
            return [self.value(item) for _ in range(self.one("Q"))]
        return self.one(SIMPLE[kind])

    def bytes_of(self, name):
        kind, shape, at = self.tensors[name]
        n = math.prod(shape)
        size = {0: 4 * n, 1: 2 * n, 30: 2 * n, 8: n // 32 * 34}[kind]
        return self.raw[self.data + at:self.data + at + size]


def safetensors(folder):
    raw = open(folder + "/model.safetensors", "rb").read()
    n = struct.unpack_from("<Q", raw)[0]
    out = {}
    for name, t in json.loads(raw[8:8 + n]).items():
        if name == "__metadata__":
            continue
        a, b = (8 + n + i for i in t["data_offsets"])
        part = raw[a:b]
        if t["dtype"] == "F32":
            v = struct.unpack(f"<{len(part) // 4}f", part)
        elif t["dtype"] == "F16":
            v = struct.unpack(f"<{len(part) // 2}e", part)
        else:
            v = struct.unpack(f"<{len(part) // 2}f", b"".join(
                b"\0\0" + part[i:i + 2] for i in range(0, len(part), 2)))
        out[name] = (t["shape"], v)
    return out


LONG = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head",
        "attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
        "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
        "ffn_norm": "post_attention_layernorm", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
        "ffn_down": "mlp.down_proj"}


def golden(folder, quants, name):
    """Samples of a tensor are of the GGUF's order of rows; its heads here are of 16."""
    weights = safetensors(folder)
    want = json.load(open(quants))[name]["tensors"]
    assert len(want) == len(weights), (len(want), len(weights))
    for short, t in want.items():
        part = short.split(".")
        there = LONG[part[-2]] + "." + part[-1]
        shape, v = weights[f"model.layers.{part[1]}.{there}" if part[0] == "blk" else there]
        assert shape == t["shape"], (short, shape)
        for at, value in t["at"]:
            if part[-2] in ("attn_q", "attn_k"):
                row, column = divmod(at, shape[1])
                head, i = divmod(row, 16)
                at = (head * 16 + i // 2 + i % 2 * 8) * shape[1] + column
            assert abs(v[at] - value) <= 1e-8 * abs(value) + 1e-12, (short, at, v[at], value)
        for what, total in ("sum", math.fsum(v)), ("sumsq", math.fsum(x * x for x in v)):
            assert abs(total - t[what]) <= 1e-7 * max(1, abs(total)), (short, what, total, t[what])


def close(a, b):
    a, b = safetensors(a), safetensors(b)
    assert a.keys() == b.keys(), a.keys() ^ b.keys()
    for name, (shape, v) in a.items():
        assert shape == b[name][0], name
        assert all(abs(x - y) <= 1e-7 for x, y in zip(v, b[name][1])), name


def make(path):
    spec = json.load(sys.stdin)

    def text(s):
        b = s.encode()
        return struct.pack("<Q", len(b)) + b

    def value(kind, v):
        if kind == "string":
            return text(v)
        if kind.startswith("list "):
            item = kind[5:]
            return struct.pack("<IQ", NAMES[item], len(v)) + b"".join(value(item, x) for x in v)
        return struct.pack("<" + SIMPLE[NAMES[kind]], v)

    out = b"GGUF" + struct.pack("<IQQ", 3, len(spec["tensors"]), len(spec["keys"]))
    for name, kind, v in spec["keys"]:
        out += text(name) + struct.pack("<I", 9 if kind.startswith("list ") else NAMES[kind])
        out += value(kind, v)
    data = b""
    for name, shape, v in spec["tensors"]:
        out += text(name) + struct.pack("<I", len(shape))
        out += struct.pack(f"<{len(shape)}Q", *shape[::-1]) + struct.pack("<IQ", 0, len(data))
        data += struct.pack(f"<{len(v)}f", *v)
        data += bytes(-len(data) % 32)
    open(path, "wb").write(out + bytes(-len(out) % 32) + data)


def main():
    what, *args = sys.argv[1:]
    if what == "make":
        make(*args)
    elif what == "close":
        close(*args)
    elif what == "golden":
        golden(*args)
    elif what == "keys":
        for k, v in Reader(*args).keys.items():
            print(k, json.dumps(v, ensure_ascii=False), sep="\t")
    elif what == "tensors":
        g = Reader(*args)
        for name, (kind, shape, _) in g.tensors.items():
            print(name, kind, *shape, hashlib.sha1(g.bytes_of(name)).hexdigest(), sep="\t")
    else:
        a, b = map(Reader, args)
        differ = [n for n in {*a.tensors, *b.tensors}
                  if n not in a.tensors or n not in b.tensors or a.bytes_of(n) != b.bytes_of(n)]
        print(*differ)
        sys.exit(differ != [])


if __name__ == "__main__":
    main()
