#!/usr/bin/env python3
"""torch_peer.py - sampling and training in PyTorch, and how many times as fast this suite is.

A Llama-style decoder is written here as one would write it in PyTorch with some care: fused
projections, a key/value cache allocated once, AdamW over lists; and in several ways, of which the
quickest counts: attention by hand (grouped heads folded into the rows of one product; for one new
token without products) or by scaled_dot_product_attention, bfloat16 under autocast or throughout, in
training also what torch.compile makes of it, where that works.
With --ours PROGRAM (build/bench/model) both are measured in turn, A B A B, on the processor that
this process is bound to, and each row of JSON has the medians of both and the median of the ratios
of the rounds. Without it the rows are PyTorch's alone.

  taskset -c 0 python3 tests/bench/torch_peer.py --ours build/bench/model
"""
import argparse
import math
import sys
import time

import turns                                 # sets the number of threads before torch is loaded
import torch
import torch.nn.functional as F

FIELDS = "d layers heads kv ffn vocab seq train sample prompt fresh".split()
PRESETS = {                                  # those of model.c
    "tiny": (128, 4, 4, 4, 384, 64, 64, 256, 512, 24, 32),
    "small": (384, 6, 6, 2, 1024, 4096, 256, 8, 64, 64, 64),
    "smollm135m": (576, 30, 9, 3, 1536, 49152, 256, 2, 8, 64, 32),
    "smollm135m-64": (576, 30, 9, 3, 1536, 49152, 256, 2, 64, 64, 32),
    "qwen0.5b": (896, 24, 14, 2, 4864, 151936, 256, 2, 64, 64, 32),
}


def preset(name):
    return argparse.Namespace(**dict(zip(FIELDS, PRESETS[name])))


def rms_norm(x, weight):
    return weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5))


def turn(x, cos, sin):
    """Rotary embedding of x (batch, tokens, heads, width), first half against second."""
    lo, hi = x.chunk(2, -1)
    return torch.cat((lo * cos - hi * sin, hi * cos + lo * sin), -1)


class Llama(torch.nn.Module):
    LAYER = "norm1 qkv o norm2 gu down".split()

    def __init__(self, c, longest):
        super().__init__()
        self.c, self.hd, self.sdpa = c, c.d // c.heads, False
        wide = (c.heads + 2 * c.kv) * self.hd
        shapes = {"norm1": (c.d,), "qkv": (wide, c.d), "o": (c.d, c.heads * self.hd),
                  "norm2": (c.d,), "gu": (2 * c.ffn, c.d), "down": (c.d, c.ffn)}
        new = lambda s: torch.nn.Parameter(torch.randn(s) * 0.02 if len(s) > 1 else torch.ones(s))
        self.embed = new((c.vocab, c.d))
        self.norm = new((c.d,))
        self.weights = torch.nn.ParameterList(
            new(shapes[k]) for _ in range(c.layers) for k in self.LAYER)
        angle = torch.arange(longest)[:, None] * 10000.0 ** (
            -torch.arange(0, self.hd, 2) / self.hd)[None, :]
        self.cos, self.sin = angle.cos()[:, None, :], angle.sin()[:, None, :]

    def layer(self, i):
        n = len(self.LAYER)
        return argparse.Namespace(**dict(zip(self.LAYER, self.weights[n * i:n * i + n])))

    def heads(self, w, x, at):
        """Queries, keys, values of x (batch, tokens, d), whose first token stands at `at`."""
        c, (b, t, _) = self.c, x.shape
        cos, sin = self.cos[at:at + t], self.sin[at:at + t]
        q, k, v = F.linear(rms_norm(x, w.norm1), w.qkv).view(
            b, t, -1, self.hd).split((c.heads, c.kv, c.kv), 2)
        return turn(q, cos, sin), turn(k, cos, sin).transpose(1, 2), v.transpose(1, 2)

    def attend(self, q, k, v, mask):
        """q (b, t, heads, hd); k, v (b, kv, s, hd): the queries of a group are rows of one product."""
        c, (b, t) = self.c, q.shape[:2]
        if self.sdpa:
            o = F.scaled_dot_product_attention(q.transpose(1, 2), k, v, is_causal=mask is not None,
                                               enable_gqa=True)
            return o.transpose(1, 2).reshape(b, t, -1)
        rep = c.heads // c.kv
        q = q.view(b, t, c.kv, rep, self.hd).permute(0, 2, 3, 1, 4).reshape(b, c.kv, rep * t, self.hd)
        s = torch.matmul(q, k.transpose(2, 3)) / math.sqrt(self.hd)
        s = s if mask is None else s + mask
        o = torch.matmul(s.softmax(-1), v).view(b, c.kv, rep, t, self.hd)
        return o.permute(0, 3, 1, 2, 4).reshape(b, t, -1)

    def attend_one(self, q, k, v):
        """The same for one new token, without products of matrices: quicker in wide batches."""
        b, rep = q.shape[0], self.c.heads // self.c.kv
        q = q.view(b, self.c.kv, rep, 1, self.hd)
        s = (q * k.unsqueeze(2)).sum(-1) / math.sqrt(self.hd)
        return (s.softmax(-1).unsqueeze(-1) * v.unsqueeze(2)).sum(3).reshape(b, 1, -1)

    def mlp(self, w, x, att):
        x = x + F.linear(att, w.o)
        gate, up = F.linear(rms_norm(x, w.norm2), w.gu).chunk(2, -1)
        return x + F.linear(F.silu(gate) * up, w.down)

    def causal(self, t):
        full = torch.full((t, t), -math.inf, dtype=self.embed.dtype)
        return full.triu(1).repeat(self.c.heads // self.c.kv, 1)

    def forward(self, ids, first_scored=0):
        """Logits of the positions from first_scored on."""
        x, mask = F.embedding(ids, self.embed), self.causal(ids.shape[1])
        for i in range(self.c.layers):
            w = self.layer(i)
            x = self.mlp(w, x, self.attend(*self.heads(w, x, 0), mask))
        return F.linear(rms_norm(x[:, first_scored:], self.norm), self.embed)

    def cache(self, n, length):
        size = (2, n, self.c.kv, length, self.hd)
        return [torch.empty(size, dtype=self.embed.dtype) for _ in range(self.c.layers)]

    def extend(self, ids, cache, at, one):
        """Puts ids at position `at` of the cache; logits after the last of them."""
        t = ids.shape[1]
        x, mask = F.embedding(ids, self.embed), self.causal(t) if t > 1 else None
        for i, kv in enumerate(cache):
            w = self.layer(i)
            q, kv[0][:, :, at:at + t], kv[1][:, :, at:at + t] = self.heads(w, x, at)
            k, v = kv[0][:, :, :at + t], kv[1][:, :, :at + t]
            att = self.attend_one(q, k, v) if t == 1 and one else self.attend(q, k, v, mask)
            x = self.mlp(w, x, att)
        return F.linear(rms_norm(x[:, -1], self.norm), self.embed)


def draw(logits):
    """One token a row at temperature 1, and its log-probability."""
    logp = logits.float().log_softmax(-1)
    ids = torch.multinomial(logp.exp(), 1)
    return ids, logp.gather(1, ids)


SDPA = hasattr(F, "scaled_dot_product_attention") and torch.__version__ >= "2.5"
# (dtype of the weights, autocast, attention): what is tried
WAYS = {
    "f32": [("f32", False, "by hand"), ("f32", False, "sdpa")],
    "bf16": [("f32", True, "by hand"), ("f32", True, "sdpa"), ("bf16", False, "by hand"),
             ("bf16", False, "sdpa")],
}


class Bench:
    """One way to train or to sample."""

    def __init__(self, name, way):
        c = self.c = preset(name)
        dtype, self.autocast, attention = way
        self.name = attention + (", autocast" if self.autocast else "")
        self.m = Llama(c, max(c.seq, c.prompt + c.fresh))
        if dtype == "bf16":
            self.m = self.m.to(torch.bfloat16)
            self.m.cos, self.m.sin = self.m.cos.bfloat16(), self.m.sin.bfloat16()
        self.m.sdpa = attention in ("sdpa", "compiled")
        if attention == "compiled":
            self.loss = torch.compile(self.loss)
        self.one = attention == "one by one"
        self.opt = torch.optim.AdamW(self.m.parameters(), lr=1e-4, betas=(0.9, 0.95),
                                     weight_decay=0.1, foreach=True)
        self.ids = torch.randint(c.vocab, (c.train, c.seq + 1))
        self.prompt = torch.randint(c.vocab, (c.sample, c.prompt))

    def loss(self):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.autocast):
            logits = self.m(self.ids[:, :-1])
            return F.cross_entropy(logits.flatten(0, 1).float(), self.ids[:, 1:].flatten())

    def training(self):
        loss = self.loss()
        self.opt.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.m.parameters(), 1.0)
        self.opt.step()
        return self.c.train * self.c.seq

    @torch.inference_mode()
    def decode(self):
        c, cache = self.c, self.m.cache(self.c.sample, self.c.prompt + self.c.fresh)
        ids, logp = draw(self.m.extend(self.prompt, cache, 0, self.one))
        out = [(ids, logp)]
        for at in range(c.prompt, c.prompt + c.fresh - 1):
            out.append(draw(self.m.extend(out[-1][0], cache, at, self.one)))
        return [torch.cat(x, 1) for x in zip(*out)]

    def sampling(self):
        self.decode()
        return self.c.sample * self.c.fresh

    def check(self):
        """Decoding must agree with one full pass."""
        ids, logp = self.decode()
        with torch.inference_mode():
            full = self.m(torch.cat((self.prompt[:2], ids[:2, :-1]), 1), self.c.prompt - 1)
        want = full.float().log_softmax(-1).gather(2, ids[:2, :, None]).squeeze(2)
        if (want - logp[:2]).abs().max() > (1e-3 if self.m.embed.dtype == torch.float32 else 0.2):
            sys.exit("torch_peer: decoding with the cache is wrong")

    def measure(self, what):
        begin = time.perf_counter()
        n = getattr(self, what)()
        return n / (time.perf_counter() - begin)


def quickest(name, what, kind):
    """The way that does it quickest, warm, of those that this PyTorch has."""
    ways = [w for w in WAYS[kind] if SDPA or w[2] != "sdpa"]
    if what == "sampling":                   # autocast casts each weight anew for each token
        ways = [w for w in ways if not w[1]] + [(kind, False, "one by one")]
    else:
        ways += [w[:2] + ("compiled",) for w in ways if w[2] == "sdpa"]
    best = None
    for way in ways:
        bench = Bench(name, way)
        if what == "sampling":
            bench.check()                    # which warms it, too
        else:
            try:
                bench.measure(what)
            except Exception as e:
                if way[2] != "compiled":
                    raise
                print(f"torch_peer: not compiled: {e}".splitlines()[0], file=sys.stderr)
                continue
        speed = max(bench.measure(what) for _ in range(2))
        if best is None or speed > best[0]:
            best = speed, bench
    return best[1]


def kind(way):
    """The type in which PyTorch computes what we compute by --compute way"""
    return way.split("-")[0]


def compare(a, name, what):
    """Each way of ours beside PyTorch in the same type, our products alone, and our first way."""
    ways, peers, who = a.compute.split(","), {}, {}
    for k in dict.fromkeys(kind(way) for way in ways):
        peer = quickest(name, what, k)
        peers[k] = f"torch {torch.__version__} {k}, {peer.name}"
        who[peers[k]] = lambda peer=peer: peer.measure(what)
    ours = {way: turns.Ours(a.ours, name, a.options.split() + ["--compute", way])
            for way in ways if a.ours}
    for way, o in ours.items():
        who[way] = lambda o=o: o.measure(what)
        if way == "f32" or what == "sampling":   # OpenBLAS, which has them in f32, does training's
            who[f"products alone, {way}"] = lambda o=o: o.measure(what + "-products")
    seen = turns.in_turn(a.rounds, who)
    for o in ours.values():
        o.close()
    for way in ours:
        words = a.options.split() + ([way] if way != "f32" else [])
        beside = [way, peers[kind(way)], f"products alone, {way}"] + [w for w in ways[:1] if w != way]
        turns.rows(dict(bench="model", name=", ".join([f"{name}: {what}", *words]),
                        unit="tokens/s"), way, {k: seen[k] for k in beside if k in seen})
    for label in [] if ours else seen:
        turns.rows(dict(bench="model", name=f"{name}: {what}, {label}", unit="tokens/s"), label,
                   {label: seen[label]})


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--ours", help="build/bench/model")
    p.add_argument("--options", default="", help="more options for it, as -j 2")
    p.add_argument("--presets", default="tiny,small,smollm135m")
    p.add_argument("--measures", default="training,sampling")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--compute", default="f32", help="ways of ours, as f32,bf16,bf16-vdp")
    a = p.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    for name in a.presets.split(","):
        for what in a.measures.split(","):
            compare(a, name, what)


if __name__ == "__main__":
    main()
