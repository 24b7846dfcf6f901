#!/usr/bin/env python3
"""Judges completions of HumanEval's form: the program is run with its tests in sandbox.sh.

Reads and writes lines of JSON as rloop-verify(7) says. meta: prompt, entry_point, test. Which code
of a response counts is what that page says of the verifier code.
"""
import ast
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import textwrap

HERE = os.path.dirname(os.path.abspath(__file__))
SANDBOX = [os.path.join(HERE, "sandbox.sh")]
TIMED_OUT = (124, 137, 128 + 24)  # of timeout(1), SIGKILL, SIGXCPU


FENCE = re.compile(r"^([ \t]*)(`{3,}|~{3,})[ \t]*([^\s`]*)[^\n`]*$")
PYTHON = re.compile(r"(?i)([{.]*(python|ipython|pycon|py)[\d.]*(-repl)?(?![\w+-]).*|)")
THOUGHTS = re.compile(r"<(think|thinking|thought|thoughts|reasoning)>.*?(</\1>|\Z)", re.DOTALL)
IMPORT = re.compile(r"from [\w.]+ import \S|import [\w.]+( as \w+)? *([,;#]|$)")


def without_thoughts(text):
    head, end, rest = text.rpartition("</think>")
    return THOUGHTS.sub("", rest if end else text)


def closes(line, fence, indent):
    """Markdown's rule: the same character, at least as often, and nothing behind it."""
    s = line.strip()
    return (len(line) - len(line.lstrip()) < indent + 4 and len(s) >= len(fence)
            and s == fence[0] * len(s))


def is_python(text):
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def session(block):
    """What was typed at Python's prompt, where the block is that; else the block without the blanks
    that all of it has in front."""
    if not block.lstrip().startswith(">>>"):
        return textwrap.dedent(block)
    return "\n".join(s[4:] for s in map(str.lstrip, block.split("\n")) if s.startswith((">>>", "...")))


def blocks(text):
    """Fenced blocks whose tag is a spelling of Python or none. A docstring may have fences in it: where
    a block is no Python yet, a later fence may be its end."""
    lines, i = text.split("\n"), 0
    while i < len(lines):
        m = FENCE.match(lines[i])
        i += 1
        if not m:
            continue
        ends = [k for k in range(i, len(lines)) if closes(lines[k], m[2], len(m[1]))][:20] or [len(lines)]
        end = next((k for k in ends if is_python(session("\n".join(lines[i:k])))), ends[0])
        if PYTHON.fullmatch(m[3]):
            yield "\n".join(lines[i:end])
        i = end + 1


def defines(text, name):
    return re.search(rf"^\s*(async\s+)?def\s+{re.escape(name)}\s*\(|^{re.escape(name)}\s*=", text, re.M)


def whole_function(text, name):
    """The function in text that has no fences: from its imports on, as far as it is Python."""
    lines = text.split("\n")
    start = [i for i, s in enumerate(lines) if re.match(r"(import|from|def|async|class|@)\b|@", s)]
    for first in start:
        for last in range(len(lines), first, -1):
            part = "\n".join(lines[first:last])
            if defines(part, name) and is_python(part):
                return part
    return None


def found(text, name):
    """The code in text that defines the function, or None"""
    code = [b for b in map(session, blocks(text)) if defines(b, name)]
    return code[-1] if code else whole_function(text, name)


def body(text):
    """What continues the prompt: the last block whose first line is indented, else up to the first
    line at the margin that is code and no comment."""
    code = [b for b in blocks(text) if b.lstrip("\n")[:1] in (" ", "\t")]
    if code:
        return code[-1]
    lines = text.split("\n")
    for i, line in enumerate(lines):
        if i and line and not line[0].isspace() and line[0] != "#":
            return "\n".join(lines[:i])
    return text


def head(prompt, name):
    """What stands before the function in the prompt, its imports if that is no code"""
    lines = prompt.split("\n")
    for i, line in enumerate(lines):
        if re.match(rf"(async )?def {re.escape(name)}\b", line) and is_python("\n".join(lines[:i])):
            return "\n".join(lines[:i])
    return "\n".join(filter(IMPORT.match, lines))


def program(meta, response):
    """The response as a whole program: the last fenced block that defines the function, else the
    function in the text, else the prompt's rest; between answer tags, if that is there."""
    name, text = meta["entry_point"], without_thoughts(response).replace("\r\n", "\n")
    inside = re.findall(r"<answer>(.*?)</answer>", text, re.DOTALL)[-1:]
    for part in inside + [text]:
        code = found(part, name)
        if code is not None:
            return head(meta["prompt"], name) + "\n" + code
    return meta["prompt"] + body(inside[0] if inside else text)


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
