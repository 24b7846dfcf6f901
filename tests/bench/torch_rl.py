#!/usr/bin/env python3
"""torch_rl.py - whole steps of reinforcement learning in PyTorch, and how many times as fast
rl-explore makes them.

A step is what rl-explore does with --keep-equal --rounds 1: responses in groups of 16 are sampled
(each prompt is prefilled once), decoded to text, judged as expressions that must reach a target, and
trained on with PPO's clipped loss in four updates. The policy is the preset tiny of model.c with
random weights, so that responses end by chance after 25 tokens or so. Both are measured in turn,
A B A B, on the processor that this process is bound to: a row of JSON has the medians and the median
ratio of the rounds.

  taskset -c 0 python3 tests/bench/torch_rl.py --policy P --tasks T
"""
import argparse
import ast
import json
import operator
import os
import subprocess
import tempfile
import time
import warnings

import torch_peer                            # sets the number of threads before torch is loaded
import torch

GROUPS, SIZE, UPDATES, EOS = 32, 16, 4, 1
CHARS = "0123456789+-*/()=: abcdefghijklmnopqrstuvwxyz"
OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
             ast.Div: operator.truediv}


def value(node, used):
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        used.append(node.value)
        return node.value
    if isinstance(node, ast.BinOp):
        return OPERATORS[type(node.op)](value(node.left, used), value(node.right, used))
    raise ValueError(node)


def reward(text, numbers, target):
    """1 for an expression that uses each number once and reaches the target."""
    used = []
    try:
        got = value(ast.parse(text.strip(), mode="eval").body, used)
    except (SyntaxError, ValueError, KeyError, ZeroDivisionError, MemoryError, RecursionError):
        return 0.0
    return float(sorted(used) == numbers and abs(got - target) < 1e-9)


class Rl:
    def __init__(self):
        c = self.c = torch_peer.preset("tiny")
        self.m = torch_peer.Llama(c, c.prompt + c.fresh)
        self.opt = torch.optim.AdamW(self.m.parameters(), lr=1e-4, betas=(0.9, 0.999),
                                     weight_decay=0.1, foreach=True)

    @torch.inference_mode()
    def sample(self, prompt):
        """Tokens, log-probabilities, and which of them belong to the response, (responses, fresh)."""
        c, m = self.c, self.m
        small, n = m.cache(GROUPS, c.prompt), GROUPS * SIZE
        logits = m.extend(prompt, small, 0, False).repeat_interleave(SIZE, 0)
        cache = m.cache(n, c.prompt + c.fresh)
        for big, one in zip(cache, small):
            big[:, :, :, :c.prompt] = one.repeat_interleave(SIZE, 1)
        out, alive = [], torch.ones(n, 1, dtype=torch.bool)
        for at in range(c.prompt, c.prompt + c.fresh):
            ids, logp = torch_peer.draw(logits)
            out.append((ids, logp, alive))
            alive = alive & (ids != EOS)
            if at + 1 == c.prompt + c.fresh or not alive.any():
                break
            logits = m.extend(ids, cache, at, True)
        return [torch.cat(x, 1) for x in zip(*out)]

    def judge(self, ids, mask):
        out = []
        for row, n in zip(ids.tolist(), mask.sum(1).tolist()):
            text = "".join(CHARS[i - 2] if 1 < i < len(CHARS) + 2 else "" for i in row[:n])
            out.append(reward(text, [3, 5, 7], 22))
        return torch.tensor(out)

    def update(self, prompt, ids, old, mask, advantage):
        logits = self.m(torch.cat((prompt, ids[:, :-1]), 1), self.c.prompt - 1)
        logp = logits.log_softmax(-1).gather(2, ids[:, :, None]).squeeze(2)
        ratio = (logp - old).exp()
        loss = torch.maximum(-advantage * ratio, -advantage * ratio.clamp(0.8, 1.28))
        loss = (loss * mask).sum() / mask.sum()
        self.opt.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.m.parameters(), 1.0)
        self.opt.step()
        return loss.item()

    def step(self):
        begin = time.perf_counter()
        prompt = torch.randint(self.c.vocab, (GROUPS, self.c.prompt))
        ids, old, mask = (x.clone() for x in self.sample(prompt))
        r = self.judge(ids, mask).view(GROUPS, SIZE)
        a = ((r - r.mean(1, keepdim=True)) / (r.std(1, keepdim=True) + 1e-6)).view(-1, 1)
        prompt = prompt.repeat_interleave(SIZE, 0)
        for part in torch.randperm(GROUPS * SIZE).chunk(UPDATES):
            self.update(prompt[part], ids[part], old[part], mask[part], a[part])
        return time.perf_counter() - begin


def ours(a, seed):
    """Seconds of the second step of a run; the first fills caches and touches memory."""
    with tempfile.NamedTemporaryFile("r") as log:
        subprocess.run(["rl-explore", "-q", "-p", a.policy, "-t", a.tasks, "-n", "2", "-j", "1",
                        "--groups", str(GROUPS), "--group-size", str(SIZE), "--keep-equal",
                        "--rounds", "1", "--minibatches", str(UPDATES), "--lr", "1e-4", "-s",
                        str(seed), "--log", log.name, *a.options.split()],
                       check=True, stdout=subprocess.DEVNULL)
        return json.loads(log.readlines()[1])["seconds"]


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--policy", required=True)
    p.add_argument("--tasks", required=True)
    p.add_argument("--options", default="", help="more options for rl-explore")
    p.add_argument("--rounds", type=int, default=5)
    a = p.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    warnings.simplefilter("ignore")          # of responses that are no Python
    rl, seeds = Rl(), iter(range(a.rounds))
    rl.step()                                # not counted
    value, peers = torch_peer.in_turn(a.rounds, ours=lambda: ours(a, next(seeds)), torch=rl.step)
    seconds, ratio = peers["torch"]
    print(json.dumps(dict(bench="rl", name="tiny: RL step, 32 groups of 16", value=round(value, 3),
                          unit="s", peer=f"torch {torch.__version__} f32",
                          peer_value=round(seconds, 3), ratio=round(1 / ratio, 3))))


if __name__ == "__main__":
    main()
