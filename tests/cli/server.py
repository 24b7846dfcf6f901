#!/usr/bin/python3
"""server.py DIR [--kind KIND] [--fault NAME[=N]] ... - a server of OpenAI's API for tests: it adds numbers, now and then wrongly.
server.py --fork FIFO - a server for each line of the FIFO, DIR and options, in a process of its own.

Leaves its port in DIR/port when it listens, and a line of JSON for each POST in DIR/log.jsonl. Runs until a signal, on the
loopback only; its process is in DIR/pid where it was forked. KIND is whose manners it has: vllm sglang llama llamapy transformers openai. A fault hits the first N POSTs, or
all; with N=-K all but the first K. What is answered depends on the prompt, the seed and the number of the choice alone.
"""
import argparse, gzip, hashlib, http.server, json, os, pathlib, re, shlex, signal, ssl, sys, threading, time
from email.utils import formatdate

OWNERS = {"vllm": "vllm", "sglang": "sglang", "llama": "llamacpp", "llamapy": "me", "transformers": "local", "openai": "system"}
PLAIN = {"model", "messages", "prompt", "n", "max_tokens", "temperature", "top_p", "seed", "stop", "logprobs", "top_logprobs",
         "tools", "max_completion_tokens"}


def chance(*what):
    return int(hashlib.sha256(json.dumps(what).encode()).hexdigest()[:8], 16) / 2 ** 32


def say(prompt, body, number, greedy):
    """The words of one response and why it ended: "stop" (END was drawn), "length", or the stop string that came."""
    numbers = [int(x) for x in re.findall(r"\d+", prompt)][-2:]
    seed = None if greedy else [body.get("seed"), number]
    guess = sum(numbers) + (seed is not None and chance(prompt, seed) > .5) * (1 + int(9 * chance(seed, 1)))
    words = ["The", " sum", " is", " é日🎉"[:1 + int(4 * chance(seed, 2))], f" {guess}", ".", "\n"][int(3 * chance(seed, 3)):]
    words.append("END")
    for stop in body.get("stop") or []:
        text = "".join(words[:-1])
        if stop in text:
            return words[:-1], stop
    most = body.get("max_tokens", 16)
    return (words, "stop") if len(words) <= most else (words[:most], "length")


def word_id(word):
    return 2 if word == "END" else 10 + int(50000 * chance(word))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def reply(self, status, body, headers=(), kind="application/json"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        if "gzip" in self.faults:
            data, headers = gzip.compress(data), [*headers, ("Content-Encoding", "gzip")]
        self.send_response(status)
        for name, value in [("Content-Type", kind), ("Content-Length", str(len(data))), *headers]:
            self.send_header(name, value)
        self.end_headers()
        if "loris" in self.faults:
            for i in range(len(data)):
                self.wfile.write(data[i:i + 1])
                time.sleep(.05)
        self.wfile.write(data[:len(data) // 2] if "close" in self.faults else data)
        self.close_connection |= bool(self.faults & {"close", "hangup"})

    def error(self, status, text):
        forms = {"transformers": {"detail": [{"type": "x", "loc": ["body", "top_k"], "msg": text}]},
                 "sglang": {"object": "error", "message": text, "code": status}}
        wait = {"date": formatdate(time.time() + 2, usegmt=True)} if "date" in self.faults else {}
        headers = [("Retry-After", wait.get("date", "1"))] if "wait" in self.faults or wait else []
        self.reply(status, forms.get(self.server.kind, {"error": {"message": text, "type": "t", "param": None, "code": None}}), headers)

    def do_GET(self):
        self.faults = set()
        names = {"models": ["toy", "other"], "nomodel": []}
        listed = next((names[f] for f, _ in self.server.wanted if f in names), ["toy"])
        if any(f == "nolist" for f, _ in self.server.wanted):
            return self.error(404, "no list")
        self.reply(200, {"object": "list", "data": [{"id": n, "owned_by": OWNERS[self.server.kind]} for n in listed]})

    def do_POST(self):
        s, raw = self.server, self.rfile.read(int(self.headers["Content-Length"]))
        with s.lock:
            s.count += 1
            self.faults = {f for f, n in s.wanted if n is None or (s.count <= n if n > 0 else s.count > -n)}
            s.flying += 1
            s.peak = max(s.peak, s.flying)
        try:
            body = json.loads(raw)
            line = {"path": self.path, "body": body, "headers": dict(self.headers), "port": self.client_address[1],
                    "peak": s.peak, "time": time.time()}
            with open(s.dir / "log.jsonl", "a") as log:
                log.write(json.dumps(line) + "\n")
            time.sleep(s.delay)
            self.answer(body)
        finally:
            with s.lock:
                s.flying -= 1

    def key(self):
        return "the key was " + self.headers.get("Authorization", "?") if "tell" in self.faults else ""

    def answer(self, body):
        f, kind = self.faults, self.server.kind
        if "drop" in f:
            self.close_connection = True
            return None
        if "stall" in f:
            time.sleep(30)
        for status in [x for x in f if x.isdigit()]:
            return self.error(int(status), (self.key() or "not so\x1b[31m") + " x" * 5000 * ("long" in f))
        if "redirect" in f:
            return self.reply(302, b"", [("Location", f"http://127.0.0.1:{self.server.server_port}/v1/elsewhere")])
        strange = set(body) - PLAIN
        if strange and kind in ("openai", "transformers"):
            return self.error(422 if kind == "transformers" else 400, f"unknown: {sorted(strange)}")
        if kind == "llamapy" and body["temperature"] < 0:
            return self.error(500, "a client's error")
        chat = self.path.endswith("/chat/completions")
        if not chat and not self.path.endswith("/completions"):
            return self.error(404, "no such place")
        return self.choices(body, chat)

    def choices(self, body, chat):
        f, kind = self.faults, self.server.kind
        prompt = "\n".join(m["content"] for m in body["messages"]) if chat else body["prompt"]
        n = 1 if kind in ("llama", "llamapy", "transformers") or "one" in f else body.get("n", 1)
        if "fewer" in f and n > 2:
            n -= 1
        made = [self.choice(prompt, body, chat, i) for i in range(n + ("extra" in f))]
        for c in made:
            if "badindex" in f:
                c["index"] = 7000
            if "sameindex" in f:
                c["index"] = 0
        whole = {"object": "chat.completion" if chat else "text_completion", "model": "something else", "choices": made,
                 "usage": {"prompt_tokens": 1, "completion_tokens": 999}}
        if kind == "vllm" and chat and body.get("return_token_ids"):
            whole["prompt_token_ids"] = [word_id(w) for w in prompt.split()]
        if "reverse" in f:
            made.reverse()
        if "nochoices" in f:
            made.clear()
        if "error200" in f:
            whole = {"error": {"message": "upstream is gone " + self.key(), "code": 502}}
        data = json.dumps(whole, ensure_ascii="escaped" in f).encode()
        if "half" in f:
            data = data[:len(data) // 2]
        if "surrogate" in f:
            data = data.replace(b'"object"', b'"\\ud83d"', 1)
        if "html" in f:
            return self.reply(200, b"<html><body>Welcome to the proxy</body></html>", kind="text/html")
        if "events" in f:
            return self.reply(200, b"data: " + data + b"\n\n", kind="text/event-stream")
        if "huge" in f:
            data = data[:-1] + b',"x":"' + b"x" * (80 << 20) + b'"}'
        return self.reply(200, data, kind="text/plain" if "plain" in f else "application/json")

    def choice(self, prompt, body, chat, number):
        f, kind = self.faults, self.server.kind
        words, end = say(prompt, body, number, kind == "transformers" or body.get("temperature") == 0)
        stop = None if end in ("stop", "length") else end
        text = "".join(w for w in words if w != "END")
        text = text if stop is None or kind == "transformers" else text[:text.index(stop)]
        c = {"index": number, "finish_reason": end if stop is None else "stop"}
        if kind == "vllm":
            c["stop_reason"] = stop
        if kind == "sglang":
            c["matched_stop"] = 2 if end == "stop" else stop
        for fault, reason in (("abort", "abort"), ("nofinish", None), ("tool", "tool_calls"), ("filter", "content_filter")):
            if fault in f:
                c["finish_reason"] = reason
        message = {"role": "assistant", "content": None if "null" in f else text}
        if "thought" in f:
            message["reasoning_content"] = "let me add"
        if "parts" in f:
            message["content"] = [{"type": "text", "text": text[:3]}, {"type": "text", "text": text[3:]}]
        c.update({"message": message} if chat else {"text": message["content"]})
        if body.get("return_token_ids") and kind in ("vllm", "sglang"):
            c["token_ids"] = [word_id(w) for w in words]
            if not chat:
                c["prompt_token_ids"] = [word_id(w) for w in prompt.split()]
        self.add_logprobs(c, [w for w in words if w != "END" or kind not in ("llamapy", "openai")], body, chat)
        return c

    def add_logprobs(self, c, words, body, chat):
        f, kind, asked = self.faults, self.server.kind, body.get("logprobs")
        c["logprobs"] = None
        if not asked or kind == "transformers" or (kind == "llamapy" and chat and body.get("top_logprobs") is None):
            return
        values = [-0.125 * (1 + i) for i in range(len(words))]
        if "minusinf" in f:
            values[0] = -9999.0
        if "nan" in f:
            values[0] = float("nan")
        if "fewerlogs" in f:
            words, values = words[:-1], values[:-1]
        names = ["" if w.startswith(" é") else w for w in words]
        if "idtokens" in f:
            names = [f"token_id:{word_id(w)}" for w in words]
            c.pop("token_ids", None)
        if chat or kind == "llama":
            entries = [{"token": n, "logprob": v, "bytes": None, "top_logprobs": []} for n, v in zip(names, values)]
            for e, w in zip(entries, words):
                e.update({"id": word_id(w)} if kind == "llama" else {})
            c["logprobs"] = {"content": entries}
        else:
            c["logprobs"] = {"tokens": names, "token_logprobs": values, "text_offset": [0] * len(names), "top_logprobs": [{}] * len(names)}


class Server(http.server.ThreadingHTTPServer):
    daemon_threads, request_queue_size = True, 64

    def handle_error(self, *args):
        pass  # a client that went away


def fork(fifo):
    """Python takes longer to start than most tests: it does once."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in os.fdopen(os.open(fifo, os.O_RDWR)):  # both ends, so that it never ends
        args = shlex.split(line)
        here = pathlib.Path(args[0])
        pid = os.fork()
        if pid == 0:
            out = os.open(here / "server.out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(out, 1)
            os.dup2(out, 2)
            os.chdir(here)
            return serve(args)
        (here / "pid.new").write_text(f"{pid}\n")
        (here / "pid.new").rename(here / "pid")


def serve(args):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("dir", type=pathlib.Path)
    p.add_argument("--kind", choices=sorted(OWNERS), default="vllm")
    p.add_argument("--fault", action="append", default=[])
    p.add_argument("--delay", type=float, default=0, help="seconds before each answer")
    p.add_argument("--port", type=int, default=0)
    p.add_argument("--certificate", help="a file with certificate and key: HTTPS")
    o = p.parse_args(args)
    s = Server(("127.0.0.1", o.port), Handler)
    if o.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(o.certificate)
        s.socket = context.wrap_socket(s.socket, server_side=True)
    s.dir, s.kind, s.delay, s.count, s.flying, s.peak, s.lock = o.dir, o.kind, o.delay, 0, 0, 0, threading.Lock()
    s.wanted = [(name, int(n) if n else None) for name, _, n in (f.partition("=") for f in o.fault)]
    (o.dir / "port.new").write_text(f"{s.server_port}\n")
    (o.dir / "port.new").rename(o.dir / "port")
    s.serve_forever()


fork(sys.argv[2]) if sys.argv[1:2] == ["--fork"] else serve(sys.argv[1:])
