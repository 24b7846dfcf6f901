"""program.py - what verifier code runs: tests in one process, the program under test in another.

The program's process has neither the tests nor the word that a verdict begins with; functions are
called by messages, and only plain values come back, so that no object of the program's decides a
comparison. A line of JSON in: see put_spec in code.c. Lines out: WORD and "ready", "run" (before each
run), then "passed", "failed", "timeout" or, where it is the row that is at fault, "row".
"""
import sys
if "" in sys.path:
    sys.path.remove("")  # what lies around is not ours

import builtins
import collections
import datetime
import decimal
import fractions
import importlib
import io
import json
import os
import pickle
import resource
import struct

VALUES = (type(None), bool, int, float, complex, str, bytes, bytearray, tuple, list, set, frozenset,
          dict, range, collections.deque, collections.OrderedDict, collections.defaultdict,
          decimal.Decimal, datetime.date, datetime.datetime, datetime.time, datetime.timedelta)
FOUND = {(t.__module__, t.__qualname__): t for t in VALUES[1:]}
BASES = (int, float, str, bytes, tuple, list, dict, set, frozenset)
MEMORY, PROCESSES, FILE, FRAME = 1 << 30, 32, 1 << 24, 1 << 26
ENVIRONMENT = {"PATH": os.environ.get("PATH", ""), "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1",
               "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
SPARE = 1 << 16  # bytes of output beyond those expected

# What LeetCode has at hand, whose problems ask for a method of class Solution
AT_HAND = """
import bisect, collections, functools, heapq, itertools, math, operator, random, re, string, sys
from bisect import *
from collections import *
from functools import *
from heapq import *
from itertools import *
from math import *
from operator import *
from typing import *
from builtins import *
"""


class Failed(Exception):
    """The program is at fault."""


class TimedOut(Failed):
    """It takes too long."""


class Row(Exception):
    """The row is at fault: nobody could pass."""


def put(fd, data):
    data = struct.pack(">I", len(data)) + data
    while data:
        data = data[os.write(fd, data):]


# ---- the program's side ----

def limit(seconds, confined):
    def most(what, n):
        hard = resource.getrlimit(what)[1]
        n = n if hard == resource.RLIM_INFINITY else min(n, hard)
        resource.setrlimit(what, (n, n))
    most(resource.RLIMIT_AS, MEMORY)
    most(resource.RLIMIT_CPU, seconds)
    most(resource.RLIMIT_FSIZE, FILE)
    most(resource.RLIMIT_CORE, 0)
    if confined:  # elsewhere all of the user's processes count
        most(resource.RLIMIT_NPROC, PROCESSES)


class Answer(pickle.Pickler):
    """Plain values as they are, their relatives as plain values, all else by number."""
    kept = []

    def persistent_id(self, o):
        t = type(o)
        if t in VALUES or t is type and FOUND.get((o.__module__, o.__qualname__)) is o:
            return None
        for base in BASES:
            if isinstance(o, base):
                return ("is", base(o))
        if isinstance(o, fractions.Fraction):
            return ("fraction", o.numerator, o.denominator)
        if t.__module__.partition(".")[0] == "numpy" and hasattr(o, "tolist"):
            return ("is", o.tolist())
        self.kept.append(o)
        return ("kept", len(self.kept) - 1)


def answer(fd, *what):
    b = io.BytesIO()
    Answer(b, 4).dump(what)
    put(fd, b.getvalue())


def find(names, name):
    """The function, or the method of a class Solution as LeetCode asks for it"""
    if hasattr(names.get("Solution"), name):
        return getattr(names["Solution"](), name)
    return names[name]


class Question(pickle.Unpickler):
    """What the tests ask, with the program's own objects and functions back in their places."""
    names = {}

    def persistent_load(self, pid):
        return Answer.kept[pid] if isinstance(pid, int) else find(self.names, pid)


def serve(program, asked, answers, at_hand):
    """Calls of the program's functions, one after the other."""
    module = type(sys)("answer")
    sys.modules["answer"] = module
    names = module.__dict__
    if at_hand:
        exec(AT_HAND, names)
    before = set(names)
    exec(compile(program, "answer.py", "exec"), names)
    mine = {k: v for k, v in names.items() if not k.startswith("__")}
    Question.names = names
    answer(answers, "names", [k for k, v in mine.items() if callable(v) and k not in before],
           {k: v.__name__ for k, v in mine.items() if isinstance(v, type(sys))})
    with os.fdopen(asked, "rb") as f:
        while f.read(4):
            name, args, named = Question(f).load()
            try:
                value = list(args[0]) if name == "list " else find(names, name)(*args, **named)
                answer(answers, "value", value)
            except Exception as e:  # the test may expect one
                answer(answers, "raised", type(e).__name__, str(e)[:1000])


def run(mode, text, seconds, confined, at_hand, *fds):
    """The process of the program. It has read its text and has its input when the limits begin."""
    with os.fdopen(text) as f:
        program = f.read()
    sys.argv[:] = ["answer.py"]
    limit(seconds, confined)
    if mode == "serve":
        serve(program, *fds, at_hand)
    else:
        sys.modules["__main__"] = module = type(sys)("__main__")
        exec(compile(program, "answer.py", "exec"), module.__dict__)


# ---- the tests' side ----

class Kept:
    """An object that stays with the program."""

    def __init__(self, of, n):
        self.of, self.n = of, n

    def __iter__(self):
        return iter(self.of.call("list ", (self,), {}))


class Value(pickle.Unpickler):
    """An answer of the program's: nothing in it is run here."""
    of = None

    def find_class(self, module, name):
        return FOUND[module, name]

    def persistent_load(self, pid):
        kind, *of = pid
        if kind == "is":
            return of[0]
        if kind == "fraction":
            return fractions.Fraction(int(of[0]), int(of[1]))
        return Kept(self.of, int(of[0]))


class Ask(pickle.Pickler):
    def persistent_id(self, o):
        return o.n if type(o) is Kept else o.name if type(o) is Function else None


class Function:
    """One of the program's functions."""

    def __init__(self, of, name):
        self.of, self.name = of, name

    def __call__(self, *args, **named):
        return self.of.call(self.name, args, named)


def text_file(text):
    """An open file with that in it, to be read"""
    fd = os.memfd_create("text", 0)
    with os.fdopen(os.dup(fd), "wb") as f:
        f.write(text.encode(errors="replace"))
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


class Program:
    """A process with the program in it; ended, with its group, at the end of a with."""

    def __init__(self, spec, mode, stdin="", at_hand=False):
        import subprocess
        import time
        say("run")
        self.now, self.got = time.monotonic, b""
        self.end = self.now() + 3 * spec["seconds"]
        self.out, theirs = os.pipe()
        asked, self.ask = os.pipe()
        text, given = text_file(spec["program"]), text_file(stdin)
        seconds = max(1, -int(-spec["seconds"] // 1))
        aside = text_file("")  # what a function prints, which may not be endless
        told = [mode, text, seconds, int(spec["confined"]), int(at_hand), asked, theirs]
        self.p = subprocess.Popen(
            [sys.executable, "-s", "-c", SOURCE, *map(str, told)], stdin=given, env=ENVIRONMENT,
            stdout=aside if mode == "serve" else theirs, stderr=subprocess.DEVNULL,
            pass_fds=(text, asked, theirs) if mode == "serve" else (text,), start_new_session=True)
        for fd in (theirs, asked, text, given, aside):
            os.close(fd)

    def __enter__(self):
        return self

    def __exit__(self, *why):
        import signal
        try:
            os.killpg(self.p.pid, signal.SIGKILL)
        except OSError:
            pass
        self.p.wait()
        os.close(self.out)
        os.close(self.ask)

    def read(self, most):
        """Some bytes of its output; none at its end"""
        import select
        left = self.end - self.now()
        if left <= 0 or not select.select([self.out], [], [], left)[0]:
            raise TimedOut("it takes too long")
        return os.read(self.out, most)

    def ended(self):
        """Waits for it; whether by itself, and well"""
        import subprocess
        try:
            status = self.p.wait(max(0.1, self.end - self.now()))
        except subprocess.TimeoutExpired:
            raise TimedOut("it takes too long") from None
        if status in (-24, -9):  # SIGXCPU; SIGKILL
            raise TimedOut("it was killed")
        return status == 0

    def exactly(self, n):
        while len(self.got) < n:
            more = self.read(1 << 16)
            if not more:
                self.ended()
                raise Failed("it ended")
            self.got += more
        data, self.got = self.got[:n], self.got[n:]
        return data

    def answer(self):
        n = struct.unpack(">I", self.exactly(4))[0]
        if n > FRAME:
            raise Failed("a value that is too large")
        value = Value(io.BytesIO(self.exactly(n)))
        value.of = self
        try:
            kind, *rest = value.load()
        except TimedOut:
            raise
        except Exception as e:
            raise Failed("no value") from e
        return kind, rest

    def names(self):
        kind, rest = self.answer()
        if kind != "names":
            raise Failed("it does not say what it defines")
        return rest

    def call(self, name, args, named):
        b = io.BytesIO()
        try:
            Ask(b, 4).dump((name, args, named))
        except Exception as e:
            raise Row("the arguments of a test cannot be handed over") from e
        try:
            put(self.ask, b.getvalue())
        except OSError as e:
            raise Failed("it ended") from e
        kind, rest = self.answer()
        if kind == "value":
            return rest[0]
        known = getattr(builtins, str(rest[0]), None)
        if isinstance(known, type) and issubclass(known, Exception):
            raise known(rest[1])
        raise RuntimeError(rest[1])


def compiled(text):
    try:
        return compile(text, "tests", "exec")
    except (SyntaxError, ValueError) as e:
        raise Row("the tests are no Python") from e


def attempt(code, names):
    """Runs code of the tests. Whatever is raised in it, the program has failed, unless it says more."""
    try:
        exec(code, names)
    except (Failed, Row):
        raise
    except BaseException as e:
        raise Failed("a test failed") from e


def run_asserts(spec, setup, tests):
    """Python that calls the program's functions"""
    setup, tests = compiled(setup), [compiled(t) for t in tests]
    with Program(spec, "serve") as p:
        functions, modules = p.names()
        names = {"__name__": "tests"}
        for k, module in modules.items():
            if module in getattr(sys, "stdlib_module_names", ()):
                names[k] = importlib.import_module(module)
        for k in functions:
            if k not in builtins.__dict__:
                names[k] = Function(p, k)
        for code in [setup, *tests]:
            attempt(code, names)


def as_json(v):
    """Data that may be there as the text of it"""
    try:
        return json.loads(v) if isinstance(v, str) else v
    except ValueError:
        return None


def plain(v):
    """Tuples are lists, as in JSON"""
    if isinstance(v, (list, tuple)):
        return [plain(x) for x in v]
    if isinstance(v, dict):
        return {str(k): plain(x) for k, x in v.items()}
    return v


def close(a, b):
    """The same, decimals to 1e-9"""
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(close, a, b))
    if isinstance(a, float) or isinstance(b, float):
        try:
            return abs(a - b) <= 1e-9 * max(1, abs(b))
        except TypeError:
            return False
    return a == b


def arguments(given):
    """Of a call: a list, or a text with a line of JSON for each"""
    if isinstance(given, list):
        return given
    try:
        return [json.loads(s) for s in str(given).split("\n") if s.strip()]
    except ValueError as e:
        raise Row("the arguments are no JSON") from e


def run_calls(spec, name, cases):
    """Calls of one function, and what it returns"""
    cases = [(arguments(i), o) for i, o in cases]
    with Program(spec, "serve", at_hand=True) as p:
        p.names()
        for given, want in cases:
            try:
                got = plain(p.call(name, tuple(given), {}))
            except (Failed, Row):
                raise
            except Exception as e:
                raise Failed("it raised") from e
            wants = [want, as_json(want)] if isinstance(want, str) else [want]
            wants += [w[0] for w in wants if isinstance(w, list) and len(w) == 1]
            if not any(close(got, plain(w)) for w in wants):
                raise Failed("another value")


def joined(v):
    return "\n".join(map(str, v)) if isinstance(v, list) else str(v)


def same_word(a, b):
    try:
        return a == b or decimal.Decimal(a) == decimal.Decimal(b)
    except decimal.InvalidOperation:
        return False


def words(text):
    """Of each line; blanks and empty lines at the end do not count"""
    return [s.split() for s in text.rstrip().split("\n")]


def same_output(got, want):
    got, want = words(got), words(want)
    return len(got) == len(want) and all(
        len(a) == len(b) and all(map(same_word, a, b)) for a, b in zip(got, want))


def run_inputs(spec, cases):
    """A run for each input, and what it writes"""
    for given, want in cases:
        given, want, got = joined(given), joined(want), b""
        with Program(spec, "main", given if given.endswith("\n") else given + "\n") as p:
            while len(got) <= len(want.encode(errors="replace")) + SPARE:
                more = p.read(1 << 16)
                if not more:
                    break
                got += more
            else:
                raise Failed("too much output")
            if not p.ended() or not same_output(got.decode(errors="replace"), want):
                raise Failed("another output")


class NoClass(pickle.Unpickler):
    def find_class(self, module, name):
        raise Row("hidden tests that are no text")


def unpacked(v):
    """LiveCodeBench's private tests: JSON, or that in pickle, zlib and base64"""
    if not isinstance(v, str) or v.lstrip()[:1] in ("[", "{", ""):
        return as_json(v)
    import base64
    import zlib
    try:
        return as_json(NoClass(io.BytesIO(zlib.decompress(base64.b64decode(v)))).load())
    except Exception as e:
        raise Row("hidden tests that cannot be read") from e


def cases_of(v):
    """Pairs of input and output, and the function's name"""
    v = as_json(v)
    if isinstance(v, dict) and isinstance(v.get("inputs"), list):
        if len(v["inputs"]) != len(v.get("outputs") or []):
            raise Row("not as many outputs as inputs")
        return list(zip(v["inputs"], v["outputs"])), v.get("fn_name")
    if isinstance(v, list) and all(isinstance(t, dict) and "input" in t and "output" in t for t in v):
        names = [(t.get("metadata") or {}).get("func_name") or t.get("fn_name") for t in v]
        return [(t["input"], t["output"]) for t in v], next(filter(None, names), None)
    return [], None


def judge(spec):
    meta = spec["meta"] or {}
    if meta.get("test"):
        name = str(meta.get("entry_point") or "")
        if not name.isidentifier():
            raise Row("no entry_point")
        if "def check" not in meta["test"]:
            raise Row("the test defines no check")
        return run_asserts(spec, "", [meta["test"], f"check({name})"])
    if meta.get("test_list"):
        setup = [meta.get("test_setup_code") or "", *(meta.get("test_imports") or [])]
        return run_asserts(spec, "\n".join(setup), meta["test_list"])
    if meta.get("public_test_cases") or meta.get("private_test_cases"):
        found = [as_json(meta.get("public_test_cases")), unpacked(meta.get("private_test_cases"))]
        cases, name = cases_of([t for v in found if v for t in v])
        name = name or (as_json(meta.get("metadata")) or {}).get("func_name")
    else:
        cases, name = cases_of(meta.get("input_output") or spec["answer"])
    if not cases:
        raise Row("no tests")
    return run_calls(spec, name, cases) if name else run_inputs(spec, cases)


def say(what):
    os.write(1, f"{WORD} {what}\n".encode())


def out_of_reach():
    """Whoever runs as the same user may not look into this process."""
    import ctypes
    ctypes.CDLL(None).prctl(4, 0)  # PR_SET_DUMPABLE


def main():
    global WORD
    out_of_reach()
    spec = json.loads(sys.stdin.buffer.readline())
    WORD = spec["word"]
    say("ready")
    try:
        judge(spec)
        say("passed")
    except TimedOut:
        say("timeout")
    except Row as e:
        say("row " + str(e))
    except (Failed, MemoryError, RecursionError):
        say("failed")


if len(sys.argv) > 2:
    run(sys.argv[1], *map(int, sys.argv[2:]))
else:
    SOURCE = sys.argv[1]
    main()
