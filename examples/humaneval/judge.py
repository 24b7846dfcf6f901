#!/usr/bin/env python3
"""Judges completions of HumanEval's form: the program is run with its tests in sandbox.sh.

Reads and writes lines of JSON as rloop-verify(7) says. meta: prompt, entry_point, test.
"""
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SANDBOX = [os.path.join(HERE, "sandbox.sh")]
TIMED_OUT = (124, 137, 128 + 24)  # of timeout(1), SIGKILL, SIGXCPU


def program(meta, response):
    """The response as a whole program: a fenced block with the function, else the prompt's rest."""
    block = re.search(r"```(?:python|py)?\n(.*?)```", response, re.DOTALL)
    if block and f"def {meta['entry_point']}" in block[1]:
        imports = [s for s in meta["prompt"].split("\n") if re.match(r"(import|from) ", s)]
        return "\n".join(imports) + "\n" + block[1]
    # the function's body ends where a line begins at the margin
    body = re.split(r"\n(?=[^\s])", "\n" + response, maxsplit=1)[0]
    return meta["prompt"] + body[1:]


def judge(item):
    meta = item["meta"]
    word = secrets.token_hex(16)  # only who comes to the end says it
    text = "\n".join([program(meta, item["response"]), meta["test"],
                      f"check({meta['entry_point']})", f"print({word!r})", ""])
    with tempfile.TemporaryFile() as out:
        run = subprocess.run(SANDBOX + ["/usr/bin/python3", "-I", "-"], input=text.encode(),
                             stdout=out, stderr=subprocess.DEVNULL, check=False)
        out.seek(max(0, out.seek(0, os.SEEK_END) - 100))
        last = out.read().decode(errors="replace").split("\n")
    if run.returncode == 0 and word in last:
        return {"reward": 1, "extracted": "passed"}
    return {"reward": 0, "extracted": "timeout" if run.returncode in TIMED_OUT else "failed"}


def main():
    # without a sandbox nothing is run and nobody gets a reward, not even 0
    if subprocess.run(SANDBOX + ["true"], check=False).returncode != 0:
        sys.exit("judge.py: no sandbox: is bwrap (bubblewrap) there, and may it make namespaces?")
    for line in sys.stdin:
        print(json.dumps(judge(json.loads(line))), flush=True)


main()
