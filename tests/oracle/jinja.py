#!/usr/bin/python3
"""jinja.py [-n RENDERINGS] [-s SEED] POLICY-INIT - chat templates as this project renders them
against Jinja2 set up as transformers sets it up: first tests/data/jinja.jsonl, then random
templates over random messages, then the texts of templates cut and glued. Needs Jinja2 (pip
install jinja2). Prints what differs; status 1 then. A template that both refuse is no difference;
what is refused here alone is counted by its reason, and only the reasons below may be."""
import argparse, collections, datetime, json, os, random, subprocess, sys, tempfile
import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
# what this project refuses and Jinja does not
OURS = ("beyond 64 bits", "has no text", "not supported", "steps", "MiB", "levels in each other",
        "is half a character", "by a slice", "whole number")


class Generation(Extension):
    """The tag `generation`: its body is a call block's."""
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_same"), [], [], body).set_lineno(line)

    def _same(self, caller):
        return caller()


def environment():
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True,
                                        extensions=[Generation, loopcontrols])

    def refuse(message):
        raise jinja2.exceptions.TemplateError(message)

    env.filters["tojson"] = lambda x, ensure_ascii=False, indent=None, separators=None, \
        sort_keys=False: json.dumps(x, ensure_ascii=ensure_ascii, indent=indent,
                                    separators=separators, sort_keys=sort_keys)
    env.globals["raise_exception"] = refuse
    env.globals["strftime_now"] = datetime.datetime(2024, 7, 26).strftime
    return env


ENV = environment()


def theirs(template, variables):
    try:
        return ENV.from_string(template).render(**variables), None
    except Exception as e:
        return None, f"{type(e).__name__}: {e}"


class Ours:
    """A policy whose template is another one for each call"""

    def __init__(self, tool, folder):
        self.tool, self.folder = tool, os.path.join(folder, "p")
        subprocess.run([tool, "-q", "-o", self.folder, "--layers", "1", "--hidden", "8", "--heads",
                        "1", "--ffn", "8"], check=True)
        self.stop = []

    def render(self, template, variables):
        with open(os.path.join(self.folder, "chat_template.jinja"), "w", encoding="utf-8",
                  newline="") as f:
            f.write(template)
        row = {"messages": variables["messages"], "chat_template_kwargs":
               {k: v for k, v in variables.items() if k not in ("messages", "add_generation_prompt",
                                                               "tools")}}
        if variables.get("tools") is not None:
            row["tools"] = variables["tools"]
        p = subprocess.run([self.tool, "--render", self.folder], input=json.dumps(row).encode(),
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if p.returncode == 0:
            return p.stdout.decode(), None
        if p.returncode != 3:
            return None, f"STATUS {p.returncode}: {p.stderr.decode()}"
        return None, p.stderr.decode()


# ---- random templates ----

STRINGS = ["", "a", "user", "Hello World", "  x y \n", "a,b,,c", "ünï ß", "😀é", "<|im_start|>",
           "\n", "it's", 'say "x"', "12", "-3.5", "a\tb", "</think>", "<think>\nhm\n</think>\n\nok"]


class Maker:
    """Templates of the constructs that chat templates have, and odd mixtures of them"""

    def __init__(self, rng):
        self.r = rng
        self.names = []

    def pick(self, *of):
        return self.r.choice(of)

    def string(self):
        s = self.r.choice(STRINGS)
        s = s.replace("\\", "\\\\").replace("\n", "\\n" if self.r.random() < .8 else "\n")
        quote = self.pick("'", '"')
        return quote + s.replace(quote, "\\" + quote) + quote

    def number(self):
        return str(self.pick(0, 1, 2, 3, 7, -1, 10, 0.5, 2.0, 1e-5, 1e16, 2.675))

    def name(self):
        own = ["message", "m", "x", "ns"] + self.names
        return self.pick("messages", "tools", "add_generation_prompt", "bos_token", "flag",
                         "missing", "n", "items", *own)

    def some_text(self, d):
        return self.pick(lambda: self.string(), lambda: "message.content", lambda: "m['role']",
                         lambda: "messages[0].content", lambda: "messages[-1]['role']",
                         lambda: f"({self.text(d - 1)})")()

    def text(self, d):
        if d <= 0:
            return self.pick(self.string(), "message.role", "message['content']", "bos_token")
        t = lambda: self.some_text(d)
        return self.pick(
            lambda: f"{t()} + {t()}", lambda: f"{t()} ~ {self.value(d - 1)}",
            lambda: f"{t()} | trim", lambda: f"{t()}.strip({self.pick('', self.string())})",
            lambda: f"{t()}.{self.pick('lstrip', 'rstrip')}({self.pick('', repr(chr(10)))})",
            lambda: f"{t()}.{self.pick('upper', 'lower', 'title', 'capitalize')}()",
            lambda: f"{t()} | {self.pick('upper', 'lower', 'title', 'capitalize', 'e', 'safe', 'string')}",
            lambda: f"{t()}.replace({self.string()}, {self.string()})",
            lambda: f"{t()}.split({self.string()})[{self.pick(0, -1, 1)}]",
            lambda: f"{t()}[{self.pick('', 1, -2)}:{self.pick('', 3, -1)}{self.pick('', ':-1', ':2')}]",
            lambda: f"{self.value(d - 1)} | tojson{self.pick('', '(indent=2)', '(indent=4)')}",
            lambda: f"{t()} if {self.test(d - 1)} else {t()}",
            lambda: f"{self.rows(d - 1)} | join({self.string()})",
            lambda: f"{t()} | indent({self.pick(2, 'first=true', '4, true')})",
            lambda: f"{self.string()}.join({self.rows(d - 1)})",
            lambda: f"{self.string()} | format({self.value(d - 1)})",
            lambda: f"'%s-%s' % ({t()}, {self.value(d - 1)})",
            lambda: f"'{{}}/{{:>5}}'.format({self.value(d - 1)}, {t()})",
            lambda: f"{t()} * {self.pick(0, 1, 3)}",
            lambda: f"{t()} | replace({self.string()}, {self.string()})",
            lambda: f"{t()} | {self.pick('first', 'last', 'reverse')}",
            lambda: f"{self.value(d - 1)} | default({self.string()}{self.pick('', ', true')})",
            lambda: f"strftime_now({self.pick(repr('%d %b %Y'), repr('%Y-%m-%d'))})")()

    def rows(self, d):
        if d <= 0:
            return self.pick("messages", "tools", "[1, 2, 3]", "['b', 'a', 'C']", "[]", "items",
                             "range(4)", "message.tool_calls")
        return self.pick(
            lambda: f"messages[{self.pick('', 1, -2)}:{self.pick('', 2)}]", lambda: "messages[::-1]",
            lambda: f"{self.rows(d - 1)} | list", lambda: f"({self.rows(d - 1)}) | reverse | list",
            lambda: f"messages | map(attribute='{self.pick('role', 'content')}') | list",
            lambda: f"messages | selectattr('role', 'equalto', {self.string()}) | list",
            lambda: f"messages | rejectattr('{self.pick('role', 'tool_calls')}', 'defined') | list",
            lambda: f"({self.rows(d - 1)}) | map('{self.pick('string', 'upper', 'trim', 'length')}') | list",
            lambda: f"({self.rows(d - 1)}) | {self.pick('sort', 'unique | list', 'select | list')}",
            lambda: f"({self.rows(d - 1)}) + [{self.value(d - 1)}]",
            lambda: f"{self.text(d - 1)}.split({self.string()})",
            lambda: f"({self.text(d - 1)}).splitlines()",
            lambda: f"({self.rows(d - 1)}) | batch(2) | list",
            lambda: f"messages[0].{self.pick('items', 'keys', 'values')}() | list",
            lambda: f"messages[0] | dictsort", lambda: f"range({self.pick(3, '1, 7, 2', '5, 0, -1')})",
            lambda: "[" + ", ".join(self.value(d - 1) for _ in range(self.r.randrange(4))) + "]",
            lambda: self.name())()

    def value(self, d):
        if d <= 0:
            return self.pick(self.number(), self.string(), self.name(), "none", "true", "false",
                             "loop.index", "loop.index0", "message.tool_calls", "missing.x" if
                             self.r.random() < .1 else "message.missing")
        return self.pick(
            lambda: self.text(d), lambda: self.rows(d), lambda: self.test(d),
            lambda: f"({self.value(d - 1)}) {self.pick('+', '-', '*', '//', '%', '/')} ({self.number()})",
            lambda: f"({self.rows(d - 1)}) | {self.pick('length', 'first', 'last', 'sum', 'max', 'min', 'count')}",
            lambda: f"{{'a': {self.value(d - 1)}, {self.string()}: {self.value(d - 1)}}}",
            lambda: f"({self.value(d - 1)}, {self.value(d - 1)})",
            lambda: f"({self.value(d - 1)}) | {self.pick('int', 'float', 'string', 'round(1)', 'abs')}",
            lambda: f"messages[0].get({self.string()}, {self.value(d - 1)})",
            lambda: f"{self.value(d - 1)} if {self.test(d - 1)}",
            lambda: f"({self.value(d - 1)})[{self.pick(0, -1, repr('role'), repr('a'))}]",
            lambda: f"({self.text(d - 1)}).{self.pick('find', 'rfind', 'count')}({self.string()})",
            lambda: self.value(0))()

    def test(self, d):
        v = lambda: self.value(min(d - 1, 1))
        kind = self.pick("defined", "undefined", "none", "string", "mapping", "iterable", "number",
                         "sequence", "true", "false", "boolean", "integer", "float", "odd", "callable",
                         f"eq {self.string()}", f"in {self.pick('messages', repr('abc'), '[1, 2]')}")
        return self.pick(
            lambda: f"message.role == {self.string()}", lambda: f"message['role'] != 'user'",
            lambda: f"{self.name()} is {self.pick('', 'not ')}{kind}",
            lambda: f"({v()}) is {self.pick('', 'not ')}{kind}",
            lambda: f"{self.string()} {self.pick('in', 'not in')} {self.text(min(d - 1, 1))}",
            lambda: f"'{self.pick('role', 'tool_calls')}' in message",
            lambda: f"not {self.name()}", lambda: "loop.first", lambda: "loop.last",
            lambda: f"({v()}) {self.pick('==', '!=', '<', '>', '<=', '>=')} ({v()})",
            lambda: f"({self.text(min(d - 1, 1))}).{self.pick('startswith', 'endswith')}({self.string()})",
            lambda: f"{self.name()} {self.pick('and', 'or')} {self.name()}",
            lambda: "loop.index0 % 2 == 0", lambda: "add_generation_prompt",
            lambda: f"({self.text(min(d - 1, 1))}).{self.pick('isdigit', 'isalpha', 'isspace')}()")()

    # ---- statements ----

    def open(self):
        return "{%" + self.pick("", "", "-", "-", "+" if self.r.random() < .3 else "") + " "

    def close(self):
        return " " + self.pick("", "", "-", "+" if self.r.random() < .2 else "") + "%}"

    def tag(self, text):
        return self.open() + text + self.close()

    def blank(self):
        return self.pick("", "", "\n", "\n    ", "  ", "\n\n", "text\n", "\tx ", "\u00a0", "\r\n", "{ % } ")

    def output(self, d):
        return "{{" + self.pick("", "", "-") + " " + self.pick(
            lambda: self.text(d), lambda: self.text(d), lambda: self.value(d))() + " " + \
            self.pick("", "", "-") + "}}"

    def statement(self, d):
        b = self.blank
        if d <= 0:
            return self.output(1)
        name = self.pick("x", "y", "content", "m")
        return self.pick(
            lambda: self.output(2), lambda: self.output(2),
            lambda: self.tag(f"if {self.test(2)}") + self.body(d - 1) +
            self.pick("", self.tag(f"elif {self.test(1)}") + self.body(d - 1)) +
            self.pick("", self.tag("else") + self.body(d - 1)) + self.tag("endif"),
            lambda: self.loop(d), lambda: self.loop(d),
            lambda: self.tag(f"set {name} = {self.value(2)}"),
            lambda: self.tag(f"set ns.{self.pick('a', 'b')} = {self.value(1)}"),
            lambda: self.tag(f"set {name}{self.pick('', ' | upper', ' | trim')}") + self.body(d - 1) +
            self.tag("endset"),
            lambda: self.tag("generation") + self.body(d - 1) + self.tag("endgeneration"),
            lambda: self.tag(f"filter {self.pick('upper', 'trim', 'indent(2)')}") + self.body(d - 1) +
            self.tag("endfilter"),
            lambda: "{#" + self.pick("", "-") + b() + "c" + self.pick("", "-") + "#}",
            lambda: self.tag("raw") + b() + "{{ x }}" + b() + self.tag("endraw"),
            lambda: self.tag(f"with {name} = {self.value(1)}") + self.body(d - 1) + self.tag("endwith"),
            lambda: "{{ f(" + ", ".join(self.value(1) for _ in range(self.r.randrange(3))) +
            self.pick("", ", b=1" if self.r.random() < .5 else "") + ") }}",
            lambda: self.tag("call g()") + self.body(d - 1) + self.tag("endcall"))()

    def loop(self, d):
        target, of = self.pick(("message", "messages"), ("message", "messages"),
                               ("m", self.rows(1)), ("x", self.rows(2)),
                               ("k, v", "messages[0].items()"), ("y", "range(3)"))
        cond = self.pick("", "", "", f" if {self.test(1)}")
        leave = self.pick("", "", "", self.tag(f"if {self.test(1)}") +
                          self.tag(self.pick("break", "continue")) + self.tag("endif"))
        return (self.tag(f"for {target} in {of}{cond}") + self.body(d - 1) + leave +
                self.pick("", "{{ loop.index }}", "{{ loop.last }}{{ loop.length }}",
                          "{{ loop.previtem is defined }}{{ loop.nextitem is defined }}",
                          "{{ loop.revindex }}{{ loop.cycle('p', 'q') }}") + self.body(d - 2) +
                self.pick("", "", self.tag("else") + self.body(d - 1)) + self.tag("endfor"))

    def body(self, d):
        return "".join(self.blank() + self.statement(d) for _ in range(self.r.randrange(1, 3))) + \
            self.blank()

    def template(self):
        return (self.tag("set ns = namespace(a=1, b='q')") +
                self.tag("macro f(a, b=2, c=none)") + self.body(1) + "{{ a }}{{ b }}" + self.tag("endmacro") +
                self.tag("macro g()") + "[{{ caller() }}]" + self.tag("endmacro") +
                self.body(self.pick(1, 2, 3)) + self.pick("", "\n", "\n\n"))

    def conversation(self):
        r, all_messages = self.r, []
        for _ in range(r.randrange(1, 5)):
            m = {"role": self.pick("system", "user", "assistant", "tool"), "content": r.choice(STRINGS)}
            if r.random() < .2:
                m["tool_calls"] = [{"type": "function", "function": {
                    "name": "f", "arguments": {"x": self.pick(1, 1.5, "é", None, [1, {"a": True}])}}}]
            if r.random() < .1:
                m["content"] = [{"type": "text", "text": r.choice(STRINGS)}]
            all_messages.append(m)
        v = {"messages": all_messages, "bos_token": "<s>", "flag": self.pick(True, False),
             "n": self.pick(0, 5, -2, 1.5), "items": self.pick([], [1, "a", None], ["x", "y"])}
        v["tools"] = self.pick(None, None, [{"type": "function", "function": {"name": "g", "p": 1e-7}}])
        v["add_generation_prompt"] = all_messages[-1]["role"] != "assistant"
        v["documents"] = None
        return v


def mutilated(rng, sources):
    """Pieces of templates glued together"""
    one, two = rng.choice(sources), rng.choice(sources)
    i, k = rng.randrange(len(one) + 1), rng.randrange(len(two) + 1)
    return one[:i] + rng.choice(["", "}}", "%}", "{%", "'", "\n", "-"]) + two[k:]


class Count:
    def __init__(self):
        self.same = self.refused = self.wrong = 0
        self.ours = collections.Counter()

    def compare(self, template, variables, got, want):
        (text, why), (right, error) = got, want
        if text == right and text is not None:
            self.same += 1
        elif text is None and right is None and not why.startswith("STATUS"):
            self.refused += 1
        elif text is None and any(s in why for s in OURS):
            self.ours[next(s for s in OURS if s in why)] += 1
        elif error and ("No filter named" in error or "No test named" in error):
            self.ours["names that Jinja looks up before it needs them"] += 1
        elif right is not None and " at 0x" in right:
            self.ours["addresses"] += 1
        else:
            self.wrong += 1
            print(json.dumps({"template": template, "variables": variables, "ours": text, "why": why,
                              "theirs": right, "error": error}, ensure_ascii=False))

    def tell(self, what):
        print(f"{what}: {self.same} texts equal, {self.refused} refused by both, {self.wrong} differ, "
              f"refused here alone: {dict(self.ours)}", file=sys.stderr)


def data_cases():
    with open(os.path.join(ROOT, "tests", "data", "jinja.jsonl"), encoding="utf-8") as f:
        variables = json.loads(next(f))["variables"]
        bad = 0
        for line in f:
            j = json.loads(line)
            text, error = theirs(j["template"], variables)
            if text != j.get("text") and not j.get("ours"):
                bad += 1
                print(json.dumps({"case": j, "theirs": text, "error": error}, ensure_ascii=False))
    return bad


def main():
    a = argparse.ArgumentParser()
    a.add_argument("-n", type=int, default=2000)
    a.add_argument("-s", type=int, default=1)
    a.add_argument("tool")
    o = a.parse_args()
    rng, bad = random.Random(o.s), data_cases()
    with tempfile.TemporaryDirectory() as folder:
        ours, count, cut, sources = Ours(o.tool, folder), Count(), Count(), []
        while count.same < o.n:
            made = Maker(rng)
            template, variables = made.template(), made.conversation()
            sources.append(template)
            count.compare(template, variables, ours.render(template, variables),
                          theirs(template, variables))
        count.tell("random templates")
        for _ in range(o.n // 2):
            template = mutilated(rng, sources)
            cut.compare(template, variables, ours.render(template, variables),
                        theirs(template, variables))
        cut.tell("cut and glued")
    sys.exit(bool(bad or count.wrong or cut.wrong))


if __name__ == "__main__":
    main()
