#!/usr/bin/python3
"""golden.py DIR - writes the goldens of tests/unit/policy/policy-golden.c into DIR (tests/data/golden).

An independent forward pass of Llama, Qwen2 and Qwen3 in float64 with PyTorch's own automatic
gradients and its own AdamW, for tiny models with grouped key/value heads: each family, with and
without biases, tied and not, each scaling of the rotary embedding. Needs python3-torch; the same
bytes come out each time.

DIR/NAME/        the policy: config.json, model.safetensors (BF16), tokenizer.json ...
DIR/NAME/score/  the pack, its weights, and log-probabilities and entropies at each temperature
DIR/NAME/grad/   gradients of sum(w * logp + e * entropy) at temperature 0.7
DIR/NAME/after/  (some) the parameters after ten AdamW steps on that sum at temperature 1
DIR/NAME/lora/   (some) an adapter of it, in PEFT's layout; below it, score/ and grad/ with it
"""

import json
import math
import os
import struct
import sys

import torch

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
YARN = {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}
LINEAR = {"rope_type": "linear", "factor": 3.0}
PLAIN = {"rope_type": "default"}

SHAPES = {
    "tied": dict(vocab=40, d=32, layers=2, heads=4, kv=2, hd=8, ffn=48, tied=True, after=True),
    "untied": dict(vocab=24, d=16, layers=2, heads=4, kv=2, hd=6, ffn=20, tied=False, after=True),
    "llama3": dict(vocab=24, d=16, layers=2, heads=2, kv=1, hd=16, ffn=20, tied=True,
                   rope=LLAMA3, theta=100.0),
    "biases": dict(vocab=24, d=16, layers=2, heads=4, kv=2, hd=6, ffn=20, tied=True, after=True,
                   rope=LINEAR, qkv_bias=True, o_bias=True, mlp_bias=True),
    "qwen2": dict(family="qwen2", vocab=24, d=32, layers=2, heads=2, kv=1, hd=16, ffn=20,
                  tied=False, rope=YARN, theta=100.0, qkv_bias=True),
    "qwen3": dict(family="qwen3", vocab=24, d=16, layers=2, heads=4, kv=2, hd=12, ffn=20,
                  tied=True, after=True, norms=True),
}
# rank, alpha and layers of adapters
ADAPTERS = {
    "tied": (4, 8, ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]),
    "qwen2": (2, 6, ["q_proj", "v_proj"]),
    "qwen3": (3, 1.5, ["down_proj", "k_proj", "o_proj", "up_proj"]),
}
FAMILIES = {"llama": "Llama", "qwen2": "Qwen2", "qwen3": "Qwen3"}
EPS, MAX_LEN = 1e-5, 64
LENGTHS = [5, 17, 11]
STEPS, LR, BETAS, ADAM_EPS, DECAY, CLIP = 10, 1e-3, (0.9, 0.95), 1e-8, 0.1, 1.0


def write_tensors(folder, tensors, dtype, file="model.safetensors"):
    """A file from the format's description; tensors: name -> float64 tensor."""
    os.makedirs(folder, exist_ok=True)
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name in sorted(tensors):
        t = tensors[name].detach().contiguous()
        flat = t.flatten().tolist()
        raw = struct.pack("<%df" % len(flat), *flat)
        if dtype == "BF16":  # the values are BF16 already: the low halves are zero
            assert all(raw[i] == 0 and raw[i + 1] == 0 for i in range(0, len(raw), 4))
            raw = b"".join(raw[i + 2 : i + 4] for i in range(0, len(raw), 4))
        header[name] = {
            "dtype": dtype,
            "shape": list(t.shape),
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(folder, file), "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def add_small(s, gen, w):
    """The biases and norms that the family has; after the rest, so that its numbers stay."""
    q, kv = s["heads"] * s["hd"], s["kv"] * s["hd"]
    biases = {
        "qkv_bias": {"self_attn.q_proj": q, "self_attn.k_proj": kv, "self_attn.v_proj": kv},
        "o_bias": {"self_attn.o_proj": s["d"]},
        "mlp_bias": {"mlp.gate_proj": s["ffn"], "mlp.up_proj": s["ffn"], "mlp.down_proj": s["d"]},
    }
    for i in range(s["layers"]):
        p = "model.layers.%d." % i
        for key, parts in biases.items():
            for part, n in parts.items() if s.get(key) else ():
                w[p + part + ".bias"] = 0.3 * torch.randn(n, generator=gen)
        for part in ("q_norm", "k_norm") if s.get("norms") else ():
            w[p + "self_attn." + part + ".weight"] = 1 + 0.2 * torch.randn(s["hd"], generator=gen)


def make_weights(s, gen):
    """Name -> leaf tensor, rounded to BF16; norms away from 1 so that their gradients count."""

    def matrix(rows, cols, std):
        return torch.randn(rows, cols, generator=gen) * std

    def norm():
        return 1 + 0.2 * torch.randn(s["d"], generator=gen)

    q, kv = s["heads"] * s["hd"], s["kv"] * s["hd"]
    w = {"model.embed_tokens.weight": matrix(s["vocab"], s["d"], 0.5)}
    for i in range(s["layers"]):
        p = "model.layers.%d." % i
        w[p + "input_layernorm.weight"] = norm()
        w[p + "self_attn.q_proj.weight"] = matrix(q, s["d"], 0.3)
        w[p + "self_attn.k_proj.weight"] = matrix(kv, s["d"], 0.3)
        w[p + "self_attn.v_proj.weight"] = matrix(kv, s["d"], 0.3)
        w[p + "self_attn.o_proj.weight"] = matrix(s["d"], q, 0.3)
        w[p + "post_attention_layernorm.weight"] = norm()
        w[p + "mlp.gate_proj.weight"] = matrix(s["ffn"], s["d"], 0.3)
        w[p + "mlp.up_proj.weight"] = matrix(s["ffn"], s["d"], 0.3)
        w[p + "mlp.down_proj.weight"] = matrix(s["d"], s["ffn"], 0.3)
    w["model.norm.weight"] = norm()
    add_small(s, gen, w)
    if not s["tied"]:
        w["lm_head.weight"] = matrix(s["vocab"], s["d"], 0.5)
    return {k: v.bfloat16().double().requires_grad_() for k, v in w.items()}


def rms_norm(x, weight):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + EPS) * weight


def scaled(freq, wavelength, r):
    """Llama 3.1: long waves are stretched, short ones kept, a ramp between."""
    ratio = r["original_max_position_embeddings"] / wavelength
    low, high = r["low_freq_factor"], r["high_freq_factor"]
    smooth = (ratio - low) / (high - low)
    between = (1 - smooth) * freq / r["factor"] + smooth * freq
    return torch.where(ratio > high, freq, torch.where(ratio < low, freq / r["factor"], between))


def ramp(hd, theta, r):
    """YaRN: how far each pair is interpolated, from 0 (not) to 1 (by the factor)."""

    def pair(turns):
        length = r["original_max_position_embeddings"]
        return hd * math.log(length / (turns * 2 * math.pi)) / (2 * math.log(theta))

    low = max(math.floor(pair(r.get("beta_fast", 32))), 0)
    high = min(math.ceil(pair(r.get("beta_slow", 1))), hd - 1)
    return ((torch.arange(hd // 2) - low) / (high - low)).clamp(0, 1)


def frequencies(s):
    """Angles per position, and what multiplies cosines and sines"""
    r, theta, hd = s.get("rope", PLAIN), s.get("theta", 10000.0), s["hd"]
    freq = theta ** (-torch.arange(0, hd, 2) / hd)
    kind = r.get("rope_type", r.get("type"))
    if kind == "linear":
        return freq / r["factor"], 1.0
    if kind == "llama3":
        return scaled(freq, 2 * math.pi / freq, r), 1.0
    if kind == "yarn":
        part = ramp(hd, theta, r)
        return freq * (1 - part) + freq / r["factor"] * part, 0.1 * math.log(r["factor"]) + 1
    return freq, 1.0


def rotate(s, x):
    """x: (T, heads, hd). Dimension i turns with i + hd/2."""
    length, _, hd = x.shape
    freq, scale = frequencies(s)
    angle = torch.arange(length)[:, None] * freq[None, :]
    cos, sin = scale * angle.cos()[:, None, :], scale * angle.sin()[:, None, :]
    a, b = x[..., : hd // 2], x[..., hd // 2 :]
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


def linear(w, name, x):
    y = x @ w[name + ".weight"].T
    if name + ".lora_A.weight" in w:
        a, b = w[name + ".lora_A.weight"], w[name + ".lora_B.weight"]
        y = y + w["scale"] * ((x @ a.T) @ b.T)
    return y + w[name + ".bias"] if name + ".bias" in w else y


def heads(s, w, p, part, x, n):
    """(T, n, hd) queries or keys, normed head by head where the family does so, rotated"""
    y = linear(w, p + part + "_proj", x).view(x.shape[0], n, s["hd"])
    if s.get("norms"):
        y = rms_norm(y, w[p + part + "_norm.weight"])
    return rotate(s, y)


def attention(s, w, p, x):
    length, hd, share = x.shape[0], s["hd"], s["heads"] // s["kv"]
    q, k = heads(s, w, p, "q", x, s["heads"]), heads(s, w, p, "k", x, s["kv"])
    v = linear(w, p + "v_proj", x).view(length, s["kv"], hd)
    out = []
    for h in range(s["heads"]):
        score = q[:, h] @ k[:, h // share].T / math.sqrt(hd)
        future = torch.triu(torch.ones(length, length, dtype=torch.bool), 1)
        out.append(torch.softmax(score.masked_fill(future, -math.inf), -1) @ v[:, h // share])
    return linear(w, p + "o_proj", torch.cat(out, -1))


def logits(s, w, tokens):
    """(T) ids of one sequence -> (T, vocab)"""
    x = w["model.embed_tokens.weight"][tokens]
    for i in range(s["layers"]):
        p = "model.layers.%d." % i
        x = x + attention(s, w, p + "self_attn.", rms_norm(x, w[p + "input_layernorm.weight"]))
        y = rms_norm(x, w[p + "post_attention_layernorm.weight"])
        gate = torch.nn.functional.silu(linear(w, p + "mlp.gate_proj", y))
        x = x + linear(w, p + "mlp.down_proj", gate * linear(w, p + "mlp.up_proj", y))
    head = w["model.embed_tokens.weight" if s["tied"] else "lm_head.weight"]
    return rms_norm(x, w["model.norm.weight"]) @ head.T


def make_pack(s, gen):
    """Sequences one behind the other; rows score some positions, most with the next token."""
    pack = {"tokens": [], "start": [0], "at": [], "target": []}
    for length in LENGTHS:
        ids = torch.randint(s["vocab"], (length,), generator=gen).tolist()
        first = len(pack["tokens"])
        pack["tokens"] += ids
        pack["start"].append(first + length)
        for t in range(1, length):
            if t == 2:
                continue  # a position inside that is not scored
            pack["at"].append(first + t)
            pack["target"].append(ids[t + 1] if t + 1 < length else (7 * t) % s["vocab"])
    rows = len(pack["at"])
    pack["w"] = torch.randn(rows, generator=gen).float().double()
    pack["e"] = (0.1 * torch.randn(rows, generator=gen)).float().double()
    return pack


def scores(s, w, pack, temperature):
    """(rows) log-probabilities and entropies"""
    parts = []
    for a, b in zip(pack["start"], pack["start"][1:]):
        parts.append(logits(s, w, torch.tensor(pack["tokens"][a:b])))
    logp = torch.log_softmax(torch.cat(parts)[pack["at"]] / temperature, -1)
    picked = logp[torch.arange(len(pack["at"])), torch.tensor(pack["target"])]
    return picked, -(logp.exp() * logp).sum(-1)


def objective(s, w, pack, temperature):
    logp, entropy = scores(s, w, pack, temperature)
    return (pack["w"] * logp).sum() + (pack["e"] * entropy).sum()


def train(s, w, pack):
    """Ten steps of torch's AdamW; matrices decay, norms and biases do not."""
    w = {k: v.detach().clone().requires_grad_() for k, v in w.items()}
    groups = [
        {"params": [v for v in w.values() if v.dim() == 2], "weight_decay": DECAY},
        {"params": [v for v in w.values() if v.dim() == 1], "weight_decay": 0.0},
    ]
    adam = torch.optim.AdamW(groups, lr=LR, betas=BETAS, eps=ADAM_EPS)
    for _ in range(STEPS):
        adam.zero_grad()
        objective(s, w, pack, 1.0).backward()
        norm = torch.nn.utils.clip_grad_norm_(w.values(), CLIP)
        assert norm > CLIP  # so that clipping is tested
        adam.step()
    return w


def adapter(folder, s, w, pack, name):
    """An adapter whose A and B are both away from zero; the weights under it are not trained."""
    rank, alpha, targets = ADAPTERS[name]
    gen = torch.Generator().manual_seed(100 + rank)
    w = {k: v.detach() for k, v in w.items()}
    low = {}
    for key in sorted(w):
        if key.endswith("_proj.weight") and key.split(".")[-2] in targets:
            rows, cols = w[key].shape
            stem = key[: -len("weight")]
            low[stem + "lora_A.weight"] = 0.3 * torch.randn(rank, cols, generator=gen)
            low[stem + "lora_B.weight"] = 0.1 * torch.randn(rows, rank, generator=gen)
    low = {k: v.bfloat16().double().requires_grad_() for k, v in low.items()}
    w.update(low, scale=alpha / rank)
    os.makedirs(folder, exist_ok=True)
    config = {
        "base_model_name_or_path": "..",
        "bias": "none",
        "fan_in_fan_out": False,
        "lora_alpha": alpha,
        "lora_dropout": 0.05,
        "modules_to_save": None,
        "peft_type": "LORA",
        "r": rank,
        "rank_pattern": {},
        "target_modules": targets,
        "task_type": "CAUSAL_LM",
        "use_dora": False,
    }
    with open(os.path.join(folder, "adapter_config.json"), "w") as f:
        json.dump(config, f, indent=1)
        f.write("\n")
    peft = {"base_model.model." + k: v for k, v in low.items()}
    write_tensors(folder, peft, "F32", "adapter_model.safetensors")
    logp, entropy = scores(s, w, pack, 0.7)
    score = {"logp_0.7": logp, "entropy_0.7": entropy}
    write_tensors(os.path.join(folder, "score"), score, "F32")
    objective(s, w, pack, 0.7).backward()
    write_tensors(os.path.join(folder, "grad"), {k: v.grad for k, v in low.items()}, "F32")


def write_texts(folder, s):
    family = s.get("family", "llama")
    config = {
        "architectures": [FAMILIES[family] + "ForCausalLM"],
        "model_type": family,
        "vocab_size": s["vocab"],
        "hidden_size": s["d"],
        "intermediate_size": s["ffn"],
        "num_hidden_layers": s["layers"],
        "num_attention_heads": s["heads"],
        "num_key_value_heads": s["kv"],
        "head_dim": s["hd"],
        "hidden_act": "silu",
        "max_position_embeddings": MAX_LEN,
        "rms_norm_eps": EPS,
    }
    rope, theta = s.get("rope", PLAIN), s.get("theta", 10000.0)
    if "type" in rope:  # as older files have it
        config.update(rope_theta=theta, rope_scaling=rope)
    else:
        config["rope_parameters"] = dict(rope, rope_theta=theta)
    config["tie_word_embeddings"] = s["tied"]
    if family != "qwen2":
        config["attention_bias"] = s.get("o_bias", False)
    if family == "llama":
        config["mlp_bias"] = s.get("mlp_bias", False)
    config.update(eos_token_id=1, dtype="bfloat16")
    chars = "0123456789+-*/()=abcdefghijklmnopqrstuvwxyz"[: s["vocab"] - 2]
    vocab = {"<pad>": 0, "<eos>": 1}
    vocab.update((c, i + 2) for i, c in enumerate(chars))
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    tokenizer = {
        "version": "1.0",
        "added_tokens": [
            {"id": i, "content": c, "special": True} for i, c in enumerate(["<pad>", "<eos>"])
        ],
        "normalizer": None,
        "pre_tokenizer": level,
        "post_processor": None,
        "decoder": level,
        "model": {"type": "BPE", "vocab": vocab, "merges": []},
    }
    for name, value in (("config.json", config), ("tokenizer.json", tokenizer)):
        with open(os.path.join(folder, name), "w") as f:
            json.dump(value, f, indent=1)
            f.write("\n")


def main():
    out = sys.argv[1]
    for seed, (name, s) in enumerate(SHAPES.items()):
        gen = torch.Generator().manual_seed(seed + 1)
        folder = os.path.join(out, name)
        w, pack = make_weights(s, gen), make_pack(s, gen)
        write_tensors(folder, w, "BF16")
        write_texts(folder, s)
        score = {k: torch.as_tensor(v, dtype=torch.float64) for k, v in pack.items()}
        for temperature in (1.0, 0.7):
            logp, entropy = scores(s, w, pack, temperature)
            score["logp_%g" % temperature] = logp
            score["entropy_%g" % temperature] = entropy
        write_tensors(os.path.join(folder, "score"), score, "F32")
        objective(s, w, pack, 0.7).backward()
        write_tensors(os.path.join(folder, "grad"), {k: v.grad for k, v in w.items()}, "F32")
        if s.get("after"):
            write_tensors(os.path.join(folder, "after"), train(s, w, pack), "F32")
        if name in ADAPTERS:
            adapter(os.path.join(folder, "lora"), s, w, pack, name)


main()
