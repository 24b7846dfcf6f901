#!/usr/bin/python3
"""peft.py BASE ADAPTER WHOLE - is ADAPTER what Hugging Face's PEFT expects, and WHOLE its sum?

Reads the three folders with nothing but numpy. ADAPTER must have, for each layer of BASE whose name
ends in one of target_modules, lora_A (r, in) and lora_B (out, r) under PEFT's names and nothing
else; WHOLE must be BASE with lora_alpha / r * B A added to those, to a rounding of float32.
"""

import json
import os
import sys

import numpy as np
from readback import load, widen


def numbers(folder, file="model.safetensors"):
    """name -> float32 array in its shape"""
    return {
        name: widen(dtype, bits).view(np.float32).reshape(shape)
        for name, (dtype, shape, bits) in load(folder, file).items()
    }


def main():
    base, adapter, whole = sys.argv[1:]
    with open(os.path.join(adapter, "adapter_config.json")) as f:
        c = json.load(f)
    below, low, sums = numbers(base), numbers(adapter, "adapter_model.safetensors"), numbers(whole)
    assert below.keys() == sums.keys(), "other tensors"
    for name, w in below.items():
        if name.split(".")[-2] not in c["target_modules"]:
            assert np.array_equal(w, sums[name]), name
            continue
        stem = "base_model.model." + name[: -len("weight")]
        a, b = low.pop(stem + "lora_A.weight"), low.pop(stem + "lora_B.weight")
        assert a.shape == (c["r"], w.shape[1]) and b.shape == (w.shape[0], c["r"]), name
        assert np.any(b), "%s: B is zero" % name
        want = w + c["lora_alpha"] / c["r"] * (b.astype(np.float64) @ a.astype(np.float64))
        assert np.allclose(sums[name], want, rtol=1e-7, atol=1e-9), name
    assert not low, "left over: %s" % sorted(low)


main()
