#!/usr/bin/python3
"""dequantise.py FILE.gguf FOLDER [FILE.gguf FOLDER ...] - does each folder that policy-convert made of a
file have the numbers that the package gguf (pip install gguf) reads from it, bit for bit?

Rows of queries and keys of the kinds that GGUF turns by neighbours are compared at their places.
"""

import json
import re
import struct
import sys

import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize

KINDS = {"F32": "<f4", "F16": "<f2", "BF16": "<u2"}
LONG = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head",
        "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
        "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
        "attn_output": "self_attn.o_proj", "attn_q_norm": "self_attn.q_norm",
        "attn_k_norm": "self_attn.k_norm", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
        "ffn_down": "mlp.down_proj"}


def load(folder):
    with open(folder + "/model.safetensors", "rb") as f:
        (n,) = struct.unpack("<Q", f.read(8))
        header, data = json.loads(f.read(n)), f.read()
    header.pop("__metadata__", None)
    for name, t in header.items():
        v = np.frombuffer(data[slice(*t["data_offsets"])], KINDS[t["dtype"]]).reshape(t["shape"])
        if t["dtype"] == "BF16":
            v = (v.astype("<u4") << 16).view("<f4")
        yield name, t["dtype"], v.astype("<f4")


def check(path, folder):
    reader = GGUFReader(path)
    keys = {name: field.contents() for name, field in reader.fields.items()}
    arch = keys["general.architecture"]
    heads = {"attn_q": keys[arch + ".attention.head_count"]}
    heads["attn_k"] = keys.get(arch + ".attention.head_count_kv", heads["attn_q"])
    there = {}
    for t in reader.tensors:
        m = re.fullmatch(r"(?:blk\.(\d+)\.)?(\w+)\.(weight|bias)", t.name)
        if t.name == "rope_freqs.weight":
            continue
        v = dequantize(t.data, t.tensor_type).astype("<f4")
        if m[2] in heads and arch in ("llama", "granite", "smollm3"):
            size = v.shape[0] // heads[m[2]]
            order = [h * size + i for h in range(heads[m[2]])
                     for i in [*range(0, size, 2), *range(1, size, 2)]]
            v = v[order]
        layer = f"model.layers.{m[1]}." if m[1] else ""
        there[f"{layer}{LONG[m[2]]}.{m[3]}"] = t.tensor_type.name, v
    wrong = 0
    for name, dtype, v in load(folder):
        kind, want = there.pop(name)
        if dtype == "F32" or kind == dtype:
            wrong += int((v.view("<u4") != np.ascontiguousarray(want).view("<u4")).sum())
        else:
            wrong += int((np.abs(v - want) > 2.0 ** -8 * np.abs(want)).sum())
    assert not there, "not in the folder: " + " ".join(there)
    print(path, sorted({t.tensor_type.name for t in reader.tensors}), wrong, "numbers differ")
    return wrong


if __name__ == "__main__":
    pairs = list(zip(sys.argv[1::2], sys.argv[2::2]))
    sys.exit(not pairs or sum(check(*p) for p in pairs) > 0)
