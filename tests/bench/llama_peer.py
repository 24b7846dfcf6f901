#!/usr/bin/env python3
"""llama_peer.py - sampling by llama.cpp, and how many times as fast this suite is.

The policy of a GGUF samples one token each of several sequences by a call of llama_decode, after their prompts in calls
of many tokens; what is drawn is drawn by llama.cpp's own sampler. The quicker of attention with and without flash
attention counts. All else is llama.cpp's own choice, a cache in f16 too: with one in f32, or with shorter pieces of a
prompt, it was slower. First it is looked whether sequences that are decoded together have the log-probabilities that
one has alone, computed as a whole. Then both are measured in turn, A B A B, on the processor that this process is bound
to. tests/bench/llama.sh calls it.
"""
import argparse
import ctypes
import random
import sys
import time

import turns                                 # sets the number of threads before numpy is loaded
import numpy as np
import llama_cpp
import llama_cpp.llama_cpp as lc

PROMPT, FRESH = 64, 32                       # as model.c has it of this shape


@lc.llama_log_callback
def quiet(level, text, _):
    if level == 4:                           # an error
        sys.stderr.write(text.decode())


class Model:
    def __init__(self, path):
        self.m = lc.llama_model_load_from_file(path.encode(), lc.llama_model_default_params())
        if not self.m:
            sys.exit(f"llama_peer: {path} is not loaded")
        self.vocab = lc.llama_vocab_n_tokens(lc.llama_model_get_vocab(self.m))


class Sampling:
    """n sequences at once, with or without flash attention"""

    def __init__(self, model, n, flash):
        self.name = ("" if flash else "no ") + "flash attention"
        self.model, self.n = model, n
        p = lc.llama_context_default_params()
        p.n_ctx, p.n_seq_max, p.kv_unified = 256 * n, n, False
        longest = max(n * PROMPT, PROMPT + FRESH)
        p.n_batch, p.n_threads, p.n_threads_batch = longest, 1, 1
        p.flash_attn_type, p.no_perf = int(flash), True
        self.ctx = lc.llama_init_from_model(model.m, p)
        if not self.ctx:
            sys.exit(f"llama_peer: no context: {self.name}")
        self.batch = lc.llama_batch_init(longest, 0, 1)
        self.draw = lc.llama_sampler_chain_init(lc.llama_sampler_chain_default_params())
        lc.llama_sampler_chain_add(self.draw, lc.llama_sampler_init_dist(1))
        rng = random.Random(1)
        self.prompts = [[rng.randrange(model.vocab) for _ in range(PROMPT)] for _ in range(n)]

    def close(self):
        lc.llama_sampler_free(self.draw)
        lc.llama_batch_free(self.batch)
        lc.llama_free(self.ctx)

    def decode(self, tokens):
        """tokens: (sequence, place, token, whether its logits are wanted)"""
        b = self.batch
        for i, (seq, at, token, wanted) in enumerate(tokens):
            b.token[i], b.pos[i], b.n_seq_id[i], b.seq_id[i][0], b.logits[i] = token, at, 1, seq, wanted
        b.n_tokens = len(tokens)
        if lc.llama_decode(self.ctx, b) != 0:
            sys.exit("llama_peer: llama_decode failed")

    def logits(self, rows):
        return np.ctypeslib.as_array(ctypes.cast(lc.llama_get_logits(self.ctx), ctypes.POINTER(ctypes.c_float)),
                                     (rows, self.model.vocab)).astype(np.float64)

    def forget(self):
        lc.llama_memory_clear(lc.llama_get_memory(self.ctx), True)

    def sample(self, look=lambda: None):
        """Tokens, a list for each step; look is called before each draw."""
        self.forget()
        tokens = [(s, t, token, t + 1 == PROMPT) for s, prompt in enumerate(self.prompts)
                  for t, token in enumerate(prompt)]
        self.decode(tokens)
        places, out = [i for i, t in enumerate(tokens) if t[3]], []
        for at in range(PROMPT, PROMPT + FRESH):
            look()
            out.append([lc.llama_sampler_sample(self.draw, self.ctx, i) for i in places])
            if at + 1 < PROMPT + FRESH:
                self.decode([(s, at, token, True) for s, token in enumerate(out[-1])])
                places = range(self.n)
        return out

    def check(self):
        """The last sequence's log-probabilities, decoded with the others, and alone as a whole"""
        rows = []
        out = self.sample(lambda: rows.append(self.logits(self.n)[-1]))
        ids = self.prompts[-1] + [step[-1] for step in out]
        self.forget()
        self.decode([(0, t, token, t >= PROMPT - 1) for t, token in enumerate(ids[:-1])])
        for a, b in zip(rows, self.logits(FRESH)):
            if abs(logp(a) - logp(b)).max() > 0.2:
                sys.exit("llama_peer: sequences decoded together are not those decoded alone")

    def measure(self):
        begin = time.perf_counter()
        self.sample()
        return self.n * FRESH / (time.perf_counter() - begin)


def logp(x):
    return x - x.max() - np.log(np.exp(x - x.max()).sum())


def quickest(model, n):
    best = None
    for flash in (True, False):
        s = Sampling(model, n, flash)
        s.check()
        speed = s.measure()
        if best is None or speed > best[0]:
            if best:
                best[1].close()
            best = speed, s
        else:
            s.close()
    return best[1]


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--ours", required=True, help="build/bench/model")
    p.add_argument("--options", default="", help="more options for it, as -j 2")
    p.add_argument("--gguf", required=True)
    p.add_argument("--type", required=True, help="of its weights, for the row")
    p.add_argument("--compute", default="f32", help="ways of ours, as bf16,bf16-vdp")
    p.add_argument("--preset", required=True)
    p.add_argument("--at-once", type=int, required=True, help="sequences, as the preset has it")
    p.add_argument("--rounds", type=int, default=3)
    a = p.parse_args()
    lc.llama_log_set(quiet, ctypes.c_void_p(0))
    lc.llama_backend_init()
    peer = quickest(Model(a.gguf), a.at_once)
    label = f"llama.cpp of llama-cpp-python {llama_cpp.__version__}, {a.type}, {peer.name}"
    who = {label: peer.measure}
    ours = {way: turns.Ours(a.ours, a.preset, [*a.options.split(), "--compute", way]) for way in a.compute.split(",")}
    for way, o in ours.items():
        who[way] = lambda o=o: o.measure("sampling")
    seen = turns.in_turn(a.rounds, who)
    for way, o in ours.items():
        o.close()
        turns.rows(dict(bench="llama", name=f"smollm135m: sampling, {a.at_once} at once, {way}", unit="tokens/s"), way,
                   {k: seen[k] for k in (way, label)})


if __name__ == "__main__":
    main()
