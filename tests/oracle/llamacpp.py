#!/usr/bin/env python3
"""llamacpp.py BIN DATA [-m GGUF] [NAME ...] - GGUF files of policy-convert, read by llama.cpp.

Needs the package xllamacpp, which has llama.cpp in it; without it there is nothing to do.

BIN    the folder of policy-convert, policy-eval and policy-init
DATA   a folder with models/FAMILY and models/tokenizers.jsonl
-m     a real model's GGUF as well: to a folder, and back to each type
NAME   only these: a family, "tokens", "real"

Of each family a small policy is written as GGUF and read by llama.cpp. Both draw nothing: the
tokens that policy-eval sampled are given to llama.cpp one prefix at a time, and its log-probability
of the next one is compared with the one that policy-eval wrote beside it. Then texts are cut into
tokens by both. A line each; status 1 if anything is further apart than it may be.
"""

import argparse
import array
import json
import math
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unicodedata
import urllib.request

# What keeps a golden from being said in a GGUF, changed: config.json's keys, and tensors to drop
NO_BIAS = r"(q|k|v|o|out|in)_proj\.bias|conv\.bias|(gate|up|down)_proj\.bias"
CHANGES = {
    "llama": ({}, None),
    "mistral": ({"sliding_window": None}, None),
    "ministral": ({"sliding_window": None, "layer_types": ["full_attention"] * 3}, None),
    "ministral3": ({"rope_parameters.truncate": True}, None),
    "qwen2": ({"rope_parameters.truncate": True, "rope_parameters.beta_fast": 32,
               "rope_parameters.beta_slow": 1}, None),
    "qwen3": ({"attention_bias": False}, NO_BIAS),
    "granite": ({}, None),
    "smollm3": ({"attention_bias": False, "no_rope_layers": [1, 1, 1, 0]}, NO_BIAS),
    "olmo2": ({"attention_bias": False}, NO_BIAS),
    "olmo3": ({"rope_parameters.full_attention.beta_fast": 32,
               "rope_parameters.full_attention.beta_slow": 1}, None),
    "phi3": ({"sliding_window": None}, None),
    "phi3_longrope": ({}, None),
    "gemma2": ({"query_pre_attn_scalar": 12}, None),
    "gemma3_text": ({"query_pre_attn_scalar": 12}, None),
    "starcoder2": ({"sliding_window": None}, None),
    "stablelm": ({}, None),
    "stablelm_parallel": ({}, None),
    "exaone4": ({"sliding_window": None, "layer_types": ["full_attention"] * 3}, None),
    "glm4": ({}, None),
    "seed_oss": ({}, None),
    "hunyuan_v1_dense": ({}, None),
    "ernie4_5": ({"use_bias": False}, NO_BIAS),
    "apertus": ({}, None),
    "lfm2": ({"conv_bias": False}, NO_BIAS),
}
# Those that only a policy of another shape shows: keys of a golden's config.json changed, weights
# drawn anew
SMALL_EPS = {"rms_norm_eps": 1e-6}  # llama.cpp has it where Qwen3.5's own code has a number
DRAWN = {
    "exaone4_windows": ("exaone4", {
        "num_hidden_layers": 64, "layer_types": ["sliding_attention"] * 3 + ["full_attention"]}),
    "qwen3_5_text": ("qwen3_5_text", {"linear_value_head_dim": 6, **SMALL_EPS}),
    "qwen3_5_one": ("qwen3_5_text", {
        "linear_key_head_dim": 8, "linear_num_value_heads": 2, **SMALL_EPS}),
    "olmo2_tied": ("olmo2", {"attention_bias": False, "tie_word_embeddings": True}),
    "llama_wide": ("llama", {"hidden_size": 64, "intermediate_size": 96, "head_dim": 16}),
}
# llama.cpp takes gelu from a table in half precision, and norms the queries and keys of linear
# attention otherwise where they are small
LOOSE = {"gemma2": 1e-2, "gemma3_text": 1e-2, "starcoder2": 1e-2, "qwen3_5_text": 5e-4,
         "qwen3_5_one": 5e-4}
# A real model sums over more numbers: float32 is as far from float64 there (see greedy.py)
TYPES = {"f32": 5e-4, "f16": 0.05, "bf16": 0.15, "q8_0": 0.5}
CLOSE = 1e-4


# ---- what llama.cpp says, in a process of its own: a file that it cannot read may end it ----

def serve(path):
    import xllamacpp as x

    p = x.CommonParams()
    p.model.path = path
    p.n_ctx, p.n_parallel, p.warmup, p.no_extra_bufts = 256, 1, False, True
    p.cpuparams.n_threads = 1
    p.flash_attn_type = x.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    p.cache_type_k = p.cache_type_v = x.ggml_type.GGML_TYPE_F32
    p.swa_full = True
    server = x.Server(p)

    def ask(where, body):
        q = urllib.request.Request(server.listening_address + where, json.dumps(body).encode(),
                                   {"Content-Type": "application/json"})
        return json.load(urllib.request.urlopen(q))

    answers = []
    for what, of in json.load(sys.stdin):
        if what == "next":
            r = ask("/completion", {"prompt": of[0], "n_predict": 1, "temperature": 0,
                                    "n_probs": of[2], "cache_prompt": False})
            top = r["completion_probabilities"][0]["top_logprobs"]
            answers.append(next((t["logprob"] for t in top if t["id"] == of[1]), None))
        elif what == "greedy":
            r = ask("/completion", {"prompt": of[0], "n_predict": of[1], "temperature": 0,
                                    "samplers": ["top_k"], "top_k": 1, "return_tokens": True,
                                    "cache_prompt": False})
            answers.append(r["tokens"])
        elif what == "tokens":
            answers.append(ask("/tokenize", {"content": of, "add_special": True,
                                             "parse_special": True})["tokens"])
        else:
            answers.append(ask("/apply-template", {"messages": of})["prompt"])
    with open(path + ".answers", "w") as f:
        json.dump(answers, f)
    os._exit(0)


def ask(path, questions):
    """Answers of llama.cpp, or what it said when it did not load the file"""
    r = subprocess.run([sys.executable, os.path.abspath(__file__), "--serve", path],
                       input=json.dumps(questions), capture_output=True, text=True)
    if r.returncode:
        told = [s for s in r.stderr.split("\n") if re.search(r"error|ASSERT|rror:", s)]
        return None, (told or r.stderr.strip().split("\n") or [""])[0].strip()[:300]
    with open(path + ".answers") as f:
        return json.load(f), ""


# ---- policies ----

def tensors(folder):
    with open(os.path.join(folder, "model.safetensors"), "rb") as f:
        (n,) = struct.unpack("<Q", f.read(8))
        head, data = json.loads(f.read(n)), f.read()
    head.pop("__metadata__", None)
    return {k: (t["shape"], array.array("f", data[slice(*t["data_offsets"])]))
            for k, t in head.items()}


def put_tensors(folder, t):
    head, data = {}, b""
    for name, (shape, v) in sorted(t.items()):
        head[name] = {"dtype": "F32", "shape": shape,
                      "data_offsets": [len(data), len(data) + 4 * len(v)]}
        data += v.tobytes()
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(folder, "model.safetensors"), "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def change(config, changes):
    for key, v in changes.items():
        *path, last = key.split(".")
        at = config
        for k in path:
            at = at[k]
        at[last] = v
    if isinstance(config.get("layer_types"), list):
        n = config["num_hidden_layers"]
        config["layer_types"] = (config["layer_types"] * n)[:n]


def rewrite(folder, changes):
    path = os.path.join(folder, "config.json")
    with open(path) as f:
        config = json.load(f)
    change(config, changes)
    with open(path, "w") as f:
        json.dump(config, f)


class Tools:
    def __init__(self, folder):
        self.folder = os.path.abspath(folder)

    def run(self, name, *args, data=None):
        r = subprocess.run([os.path.join(self.folder, name), *args], input=data,
                           capture_output=True)
        if r.returncode:
            raise RuntimeError(r.stderr.decode().strip() or "%s: %d" % (name, r.returncode))
        return r.stdout

    def records(self, policy, prompt, *more):
        out = self.run("policy-eval", "-q", "-p", policy, "--prompt", prompt, "--no-score", *more)
        lines = self.run("traj-cat", data=out).decode().splitlines()
        return [json.loads(line) for line in lines]


def copy_golden(data, name, to, changes, drop):
    shutil.copytree(os.path.join(data, "models", name), to)
    rewrite(to, changes)
    if drop:
        put_tensors(to, {k: v for k, v in tensors(to).items() if not re.search(drop, k)})


def draw(t, data, name, to, changes):
    """A policy of that shape, with vectors too far from what they begin as"""
    rng = random.Random(name)
    like = to + ".like"
    copy_golden(data, name, like, changes, None)
    os.remove(os.path.join(like, "model.safetensors"))
    std = "0.1" if name == "llama" else "0.3"
    t.run("policy-init", "-q", "--like", like, "-o", to, "--std", std, "-s", "7")
    weights = tensors(to)
    for k, (shape, v) in weights.items():
        if len(shape) == 1:
            for i, x in enumerate(v):
                v[i] = x + rng.uniform(-0.4, 0.4)
    put_tensors(to, weights)


# ---- comparisons ----

def compare(t, policy, path, prompts, samples, most):
    """The largest difference of log-probabilities, their number; or what went wrong"""
    with open(os.path.join(policy, "config.json")) as f:
        vocab = json.load(f)["vocab_size"]
    questions, want = [], []
    for prompt in prompts:
        for r in t.records(policy, prompt, "-n", str(samples), "--max-new", str(most)):
            ids = r["prompt_tokens"] + r["tokens"]
            for i in range(len(r["tokens"])):
                at = len(r["prompt_tokens"]) + i
                questions.append(("next", (ids[:at], ids[at], vocab)))
                want.append(r["logprobs"][i])
    got, why = ask(path, questions)
    if got is None:
        return None, why
    if None in got:
        return None, "a token is not among the log-probabilities"
    return max(abs(a - b) for a, b in zip(got, want)), len(want)


class Report:
    def __init__(self):
        self.bad = 0

    def line(self, name, ok, text):
        print("%-24s %-5s %s" % (name, "ok" if ok else "FAIL", text), flush=True)
        self.bad += not ok


def family(t, report, name, policy, path, kind="f32"):
    try:
        t.run("policy-convert", "-q", policy, "-o", path, "--type", kind)
    except RuntimeError as e:
        report.line(name, False, str(e))
        return
    d, n = compare(t, policy, path, ["ab cd", "1+2=3\nQ: xyz?"], 2, 20)
    allowed = max(TYPES[kind] if kind != "f32" else CLOSE, LOOSE.get(name, 0))
    if d is None:
        report.line(name, False, n)
    else:
        report.line(name, d <= allowed, "%s: %d log-probs, furthest apart %.2g" % (kind, n, d))
    # and what comes back is the same policy
    back = path + ".back"
    try:
        t.run("policy-convert", "-q", path, "-o", back)
        a, b = (t.records(p, "ab cd", "-n", "2", "--max-new", "20") for p in (
            policy if kind == "f32" else back, back))
        far = max(abs(x - y) for r, s in zip(a, b) for x, y in zip(r["logprobs"], s["logprobs"]))
        same = all(r["tokens"] == s["tokens"] for r, s in zip(a, b))
        report.line(name + " back", same and far < 1e-4, "log-probs within %.2g" % far)
    except RuntimeError as e:
        report.line(name + " back", False, str(e))


def as_phi3(tokenizer):
    """The four tokens by which llama.cpp knows Phi-3's, and </s> as it has it"""
    added = tokenizer["added_tokens"]
    for token in added:
        token["rstrip"] = token["content"] not in ("<unk>", "<s>")
    added.append({**added[0], "id": max(a["id"] for a in added) + 1, "content": "<|endoftext|>"})


def can_be_said(form, text):
    """llama.cpp has no NFC, and white space beside a token stays"""
    stays = form.startswith("phi4") and re.search(r"\s<\||\|>\s", text)
    return not stays and (form != "qwen3_5" or unicodedata.normalize("NFC", text) == text)


def token_forms(t, report, data, scratch):
    with open(os.path.join(data, "models", "tokenizers.jsonl")) as f:
        forms = [json.loads(line) for line in f]
    for form in forms:
        name = "tokens " + form["form"]
        policy = os.path.join(scratch, "tok-" + form["form"])
        if form["form"] == "phi3":
            as_phi3(form["tokenizer"])
        with open(policy + ".json", "w") as f:
            json.dump(form["tokenizer"], f)
        try:
            t.run("policy-init", "-q", "-o", policy, "--tokenizer", policy + ".json", "--eos",
                  "<|end|>", "--hidden", "32", "--layers", "1")
            t.run("policy-convert", "-q", policy, "-o", policy + ".gguf")
        except RuntimeError as e:
            report.line(name, " GGUF " in str(e), "refused: " + str(e).split(": ", 3)[-1])
            continue
        texts(t, report, name, policy + ".gguf", [
            (c["text"], c["ids"]) for c in form["cases"] if can_be_said(form["form"], c["text"])])


def texts(t, report, name, path, cases):
    got, why = ask(path, [("tokens", text) for text, _ in cases])
    if got is None:
        report.line(name, False, why)
        return
    wrong = [(text, want, ids) for (text, want), ids in zip(cases, got) if ids != want]
    report.line(name, not wrong, "%d texts" % len(cases) + "".join(
        "\n    %r: %s, here %s" % (text, ids, want) for text, want, ids in wrong))


TALK = [{"role": "user", "content": "What is 12 * 7? Answer with the number."}]
MORE = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi\n\n  there"},
        {"role": "assistant", "content": "Hello!"},
        {"role": "user", "content": "Name three colours, caf\u00e9 \u2013 \U0001f600"}]
PLAIN = ["The quick brown fox", "  two  blanks\n\n\tand a tab", "12345 6.7e-8", "na\u00efve \u4e2d\u6587"
         " \U0001f600!", "<|im_start|>user\nHi<|im_end|>", "don't I'LL we've", "x" * 70]


PRES = """gpt-2 exaone4 exaone smollm starcoder refact qwen2 deepseek-r1-qwen stablelm2 megrez hunyuan
    qwen35 llama-bpe llama3 llama-v3 lfm2 glm4 falcon3 pixtral dbrx chatglm-bpe smaug-bpe tekken gpt-4o
    seed-coder hunyuan-dense deepseek-v3""".split()
PIECES = PLAIN + [
    "I'm  sure THEY'LL say it's John's.\r\n\r\nOK\n \n  x", "a1b22c333d4444e55555 3.14159e-10",
    "foo_bar(baz[12], \"q\") => {x: 'y'};\n\treturn 0;", "HelloWorld iPhone USA's McDonald's",
    "\u4f60\u597d\u4e16\u754c\u3053\u3093\u306b\u3061\u306f\u30ab\u30bf 12\u6708", "!!!???...---/// //",
    "\u0939\u093f\u0928\u094d\u0926\u0940 \u0645\u0631\u062d\u0628\u0627 \u0441\u043b\u043e\u0432\u043e",
    "x\u00a0y\u2003z \u00b2\u2160", "trailing blanks   ", "\n\n\n", "$5.00 + \u20ac6 = \u00a311%"]


def rename_pre(path, to, name):
    """The same file with another tokenizer.ggml.pre"""
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))
    from gguf import Reader

    r = Reader(path)
    head, data = r.raw[:r.at], r.raw[r.data:]
    key = b"tokenizer.ggml.pre" + struct.pack("<I", 8)
    at = head.index(key) + len(key)
    (n,) = struct.unpack_from("<Q", head, at)
    head = head[:at] + struct.pack("<Q", len(name)) + name.encode() + head[at + 8 + n:]
    with open(to, "wb") as f:
        f.write(head + bytes(-len(head) % 32) + data)


def cuts(t, report, folder, scratch):
    """A published model's tokenizer, cut as each name says, here and in llama.cpp"""
    base = os.path.join(scratch, "pre")
    t.run("policy-init", "-q", "-o", base, "--tokenizer", os.path.join(folder, "tokenizer.json"),
          "--eos", "<|im_end|>", "--hidden", "32", "--layers", "1", "--ffn", "32")
    t.run("policy-convert", "-q", base, "-o", base + ".gguf")
    for name in PRES:
        path = "%s.%s.gguf" % (base, name)
        rename_pre(base + ".gguf", path, name)
        t.run("policy-convert", "-q", path, "-o", path + ".folder")
        ours = [t.records(path + ".folder", text, "--max-new", "1")[0]["prompt_tokens"]
                for text in PIECES]
        texts(t, report, "pre " + name, path, list(zip(PIECES, ours)))


def real(t, report, model, scratch):
    """A published model: to a folder, to each type, and beside llama.cpp"""
    folder = os.path.join(scratch, "real")
    t.run("policy-convert", "-q", model, "-o", folder)
    for kind, allowed in TYPES.items():
        path = "%s.%s.gguf" % (folder, kind)
        t.run("policy-convert", "-q", folder, "-o", path, "--type", kind)
        d, n = compare(t, folder, path, ["The capital of France is", "def add(a, b):"], 1, 8)
        name = "real " + kind
        report.line(name, d is not None and d <= allowed,
                    "%d log-probs, furthest apart %.2g" % (n, d) if d is not None else n)
    cuts(t, report, folder, scratch)
    path = folder + ".f32.gguf"
    talks = [TALK, MORE]
    shown, why = ask(path, [("template", m) for m in talks])
    ids = [[int(line.split(b"\t")[0]) for line in t.run(
        "policy-init", "--render", folder, "--tokens", data=json.dumps(m).encode())
        .split(b"\n") if line] for m in talks]
    text = [t.run("policy-init", "--render", folder, data=json.dumps(m).encode()).decode()
            for m in talks]
    report.line("real template", shown is not None and [s.rstrip("\n") for s in shown] ==
                [s.rstrip("\n") for s in text], why or "%d talks" % len(talks))
    texts(t, report, "real tokens of talks", path, list(zip(shown or [], ids)))
    answers, why = ask(path, [("greedy", (i, 32)) for i in ids])
    ours = []
    for m in talks:
        task = json.dumps({"id": "a", "messages": m})
        tasks = os.path.join(scratch, "task.jsonl")
        with open(tasks, "w") as f:
            f.write(task + "\n")
        out = t.run("policy-eval", "-q", "-p", folder, "-t", tasks, "--greedy", "--max-new", "32",
                    "--no-score")
        ours.append(json.loads(t.run("traj-cat", data=out))["tokens"])
    report.line("real greedy", answers is not None and all(
        a[:len(b)] == b[:len(a)] for a, b in zip(answers, ours)),
        why or "%s tokens" % [len(b) for b in ours])


def main():
    if sys.argv[1:2] == ["--serve"]:
        serve(sys.argv[2])
    args = argparse.ArgumentParser()
    args.add_argument("bin")
    args.add_argument("data")
    args.add_argument("names", nargs="*")
    args.add_argument("-m", "--model")
    args.add_argument("-k", "--keep", help="the folder to work in, which stays")
    a = args.parse_intermixed_args()
    try:
        import xllamacpp  # noqa: F401
    except ImportError:
        print("skipped: pip install xllamacpp")
        return
    t, report = Tools(a.bin), Report()
    scratch = a.keep or tempfile.mkdtemp()
    os.makedirs(scratch, exist_ok=True)
    try:
        for name, (changes, drop) in CHANGES.items():
            if not a.names or name in a.names:
                policy = os.path.join(scratch, name)
                copy_golden(a.data, name, policy, changes, drop)
                family(t, report, name, policy, policy + ".gguf")
        for name, (golden, changes) in DRAWN.items():
            if not a.names or name in a.names:
                policy = os.path.join(scratch, name)
                draw(t, a.data, golden, policy, changes)
                family(t, report, name, policy, policy + ".gguf")
                if name == "llama_wide":
                    for kind in ("f16", "bf16", "q8_0"):
                        family(t, report, name, policy, "%s.%s.gguf" % (policy, kind), kind)
        if not a.names or "tokens" in a.names:
            token_forms(t, report, a.data, scratch)
        if a.model and (not a.names or "real" in a.names):
            real(t, report, a.model, scratch)
    finally:
        if not a.keep:
            shutil.rmtree(scratch)
    print("%d wrong" % report.bad)
    sys.exit(1 if report.bad else 0)


if __name__ == "__main__":
    main()
