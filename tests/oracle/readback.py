#!/usr/bin/python3
"""readback.py FROM TO - is the policy folder TO the folder FROM, in TO's own type of weights?

Reads both model.safetensors with nothing but numpy and compares bit for bit: TO's weights must be
FROM's, widened exactly or rounded to nearest even; config.json must have every key of FROM with its
value, but for the type of the weights. Prints the type and the number of tensors and weights.
"""

import json
import os
import struct
import sys

import numpy as np

KINDS = {"F32": np.uint32, "BF16": np.uint16, "F16": np.uint16}
NAMES = {"F32": "float32", "BF16": "bfloat16", "F16": "float16"}


def load(folder, file="model.safetensors"):
    """name -> (dtype, shape, bits)"""
    with open(os.path.join(folder, file), "rb") as f:
        (n,) = struct.unpack("<Q", f.read(8))
        header, data = json.loads(f.read(n)), f.read()
    assert n % 8 == 0, "the header is not aligned to 8 bytes"
    header.pop("__metadata__", None)
    tensors, end = {}, 0
    for name, t in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, stop = t["data_offsets"]
        assert begin == end, "%s: a hole or an overlap" % name
        end = stop
        bits = np.frombuffer(data[begin:stop], dtype=KINDS[t["dtype"]])
        assert bits.size == int(np.prod(t["shape"])), "%s: size" % name
        tensors[name] = t["dtype"], t["shape"], bits
    assert end == len(data), "bytes behind the last tensor"
    return tensors


def widen(dtype, bits):
    """Bits of the same numbers as float32"""
    if dtype == "BF16":
        return bits.astype(np.uint32) << 16
    return bits if dtype == "F32" else bits.view(np.float16).astype(np.float32).view(np.uint32)


def narrow(dtype, bits):
    """Bits of the nearest numbers of dtype, ties to even; finite numbers"""
    if dtype == "BF16":
        low, kept = bits & 0xFFFF, bits >> 16
        up = (low > 0x8000) | ((low == 0x8000) & (kept % 2 == 1))
        return (kept + up).astype(np.uint16)
    return bits if dtype == "F32" else bits.view(np.float32).astype(np.float16).view(np.uint16)


def config(folder):
    with open(os.path.join(folder, "config.json")) as f:
        c = json.load(f)
    return c, {c.pop(k, None) for k in ("dtype", "torch_dtype")} - {None}


def main():
    a, b = load(sys.argv[1]), load(sys.argv[2])
    assert a.keys() == b.keys(), "other tensors: %s" % sorted(a.keys() ^ b.keys())
    kinds = {dtype for dtype, _, _ in b.values()}
    assert len(kinds) == 1, "several types"
    for name, (dtype, shape, bits) in b.items():
        assert shape == a[name][1], "%s: shape" % name
        want = narrow(dtype, widen(a[name][0], a[name][2]))
        assert np.array_equal(bits, want), "%s: %d differ" % (name, np.sum(bits != want))
    (old, _), (new, said) = config(sys.argv[1]), config(sys.argv[2])
    assert old == new, "config.json"
    assert said == {NAMES[k] for k in kinds}, "config.json names %s" % said
    print(*kinds, len(b), sum(bits.size for _, _, bits in b.values()))


if __name__ == "__main__":
    main()
