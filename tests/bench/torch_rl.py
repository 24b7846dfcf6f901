#!/usr/bin/env python3
"""torch_rl.py - whole steps of reinforcement learning in PyTorch, and how many times as fast
rl-explore makes them.

A step is what rl-explore does with --keep-equal --rounds 1: responses in groups of 16 are sampled
(each prompt is prefilled once), decoded to text, judged as expressions that must reach a target, and
trained on with PPO's clipped loss in four updates. The policy has a shape of model.c and random
weights, so that responses of tiny's end by chance after 25 tokens or so.

  taskset -c 0 python3 tests/bench/torch_rl.py --shape tiny --policy P --tasks T
"""
import argparse
import ast
import operator
import time
import warnings

import torch_peer                            # sets the number of threads before torch is loaded
import turns
import torch

SIZE, UPDATES, EOS = 16, 4, 1
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
    def __init__(self, shape, groups):
        c = self.c = torch_peer.preset(shape)
        c.prompt, c.fresh, self.groups = 24, 32, groups
        self.m = torch_peer.Llama(c, c.prompt + c.fresh)
        self.opt = torch.optim.AdamW(self.m.parameters(), lr=1e-4, betas=(0.9, 0.999),
                                     weight_decay=0.1, foreach=True)

    @torch.inference_mode()
    def sample(self, prompt):
        """Tokens, log-probabilities, and which of them belong to the response, (responses, fresh)."""
        c, m = self.c, self.m
        small, n = m.cache(self.groups, c.prompt), self.groups * SIZE
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
        prompt = torch.randint(self.c.vocab, (self.groups, self.c.prompt))
        ids, old, mask = (x.clone() for x in self.sample(prompt))
        r = self.judge(ids, mask).view(self.groups, SIZE)
        a = ((r - r.mean(1, keepdim=True)) / (r.std(1, keepdim=True) + 1e-6)).view(-1, 1)
        prompt = prompt.repeat_interleave(SIZE, 0)
        for part in torch.randperm(self.groups * SIZE).chunk(UPDATES):
            self.update(prompt[part], ids[part], old[part], mask[part], a[part])
        return time.perf_counter() - begin


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    turns.rl_arguments(p)
    a = p.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    warnings.simplefilter("ignore")          # of responses that are no Python
    rl, seeds = Rl(a.shape, a.groups), iter(range(a.rounds))
    rl.step()                                # not counted
    seen = turns.in_turn(a.rounds, {"ours": lambda: turns.rl_step(a, next(seeds), SIZE, UPDATES),
                                    f"torch {torch.__version__} f32": rl.step})
    turns.rl_rows(a, SIZE, seen)


if __name__ == "__main__":
    main()
