#!/usr/bin/env python3
"""greedy.py BIN FOLDER [TOKENS] - a policy answers as transformers does on the same weights.

Needs transformers and torch; without them there is nothing to do. Talks are rendered by both (text
and tokens), answered greedily by both (up to TOKENS tokens, 48), and the log-probabilities that
policy-eval wrote of its own samples are compared with transformers' in float64. A line each;
status 1 if anything differs.
"""

import json
import os
import subprocess
import sys
import tempfile

TALKS = [
    [{"role": "user", "content": "What is 12 * 7? Answer with the number."}],
    [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi\n\n  there"},
     {"role": "assistant", "content": "Hello!"},
     {"role": "user", "content": "Name three colours, caf\u00e9 \u2013 \U0001f600"}],
    [{"role": "user", "content": "Write a Python function that adds two numbers."}],
    [{"role": "user", "content": "  Why is the sky blue?\n"}],
    [{"role": "user", "content": "Translate to French: good morning."}],
]
CLOSE = 5e-4  # what float32 loses over 30 layers; 2e-4 was seen


def run(folder, name, *args, data=None):
    return subprocess.run([os.path.join(folder, name), *args], input=data, check=True,
                          stdout=subprocess.PIPE).stdout


def answer(tools, policy, talk, *more):
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as f:
        f.write(json.dumps({"id": "a", "messages": talk}) + "\n")
        f.flush()
        out = run(tools, "policy-eval", "-q", "-p", policy, "-t", f.name, "--no-score", *more)
    return json.loads(run(tools, "traj-cat", data=out))


def greedy(torch, model, ids, most):
    """The likeliest token each time, until one that ends a response"""
    stops, past, out = model.generation_config.eos_token_id, None, []
    stops = stops if isinstance(stops, list) else [stops]
    new = torch.tensor([ids])
    while len(out) < most and not (out and out[-1] in stops):
        r = model(new, past_key_values=past, use_cache=True)
        past, new = r.past_key_values, r.logits[:, -1:].argmax(-1)
        out.append(new.item())
    return out


def main():
    tools, policy = sys.argv[1:3]
    most = int(sys.argv[3]) if len(sys.argv) > 3 else 48
    try:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
    except ImportError:
        print("skipped: pip install torch transformers")
        return
    torch.set_grad_enabled(False)
    tok = AutoTokenizer.from_pretrained(policy)
    model = AutoModelForCausalLM.from_pretrained(policy, torch_dtype=torch.float32).eval()
    exact = AutoModelForCausalLM.from_pretrained(policy, torch_dtype=torch.float64).eval()
    bad, far, compared = 0, 0, 0
    for talk in TALKS:
        text = tok.apply_chat_template(talk, tokenize=False, add_generation_prompt=True)
        ids = tok(text, add_special_tokens=False)["input_ids"]
        ours = answer(tools, policy, talk, "--greedy", "--max-new", str(most))
        drawn = answer(tools, policy, talk, "--max-new", str(most), "-s", "3")
        theirs = greedy(torch, model, ids, most)
        whole = drawn["prompt_tokens"] + drawn["tokens"]
        logp = exact(torch.tensor([whole])).logits[0].log_softmax(-1)
        at = range(len(drawn["prompt_tokens"]) - 1, len(whole) - 1)
        d = max(abs(logp[i, whole[i + 1]].item() - p) for i, p in zip(at, drawn["logprobs"]))
        same = ours["prompt_tokens"] == ids, ours["tokens"] == theirs
        print("%-6s %-6s %3d tokens, log-probs of %d within %.2g of float64: %r" % (
            "prompt" if same[0] else "PROMPT", "answer" if same[1] else "ANSWER", len(theirs),
            len(drawn["tokens"]), d, ours["response"][:60]), flush=True)
        bad += not all(same) or d > CLOSE
        far, compared = max(far, d), compared + len(theirs)
    print("%d talks, %d tokens, %d differ; furthest log-prob %.2g" % (
        len(TALKS), compared, bad, far))
    sys.exit(1 if bad else 0)


main()
