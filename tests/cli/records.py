#!/usr/bin/python3
"""records.py VERB ... - streams made and read without the suite's own code.

pack             JSON lines on stdin -> a bare stream; {"$bin": "hex"} is bin
keys A,B,...     a stream on stdin -> a line of these keys for each record but head and end
body             a stream on stdin -> the bytes of its records without head and end
kinds            a stream on stdin -> the kind of each record, on one line
cuts WHAT STEP FILE COMMAND ...  COMMAND is given what is before every STEP-th byte of FILE: it leaves with
                 status 3 and a reason; its output is nothing, text, or a stream that is cut off, too
peak COMMAND ... the most memory in KiB that COMMAND ever held while it read all of stdin
latency COMMAND ... sends COMMAND one record of stdin, waits for it to come out, then the next
"""
import array
import fcntl
import json
import os
import subprocess
import sys
import termios
import time

import msgpack


def unpack(data):
    """(record, its bytes) of each"""
    u = msgpack.Unpacker(strict_map_key=False, max_buffer_size=1 << 30)
    u.feed(data)
    at = 0
    for r in u:
        yield r, data[at : u.tell()]
        at = u.tell()


def from_json(v):
    if isinstance(v, dict):
        if list(v) == ["$bin"]:
            return bytes.fromhex(v["$bin"])
        return {k: from_json(x) for k, x in v.items()}
    return [from_json(x) for x in v] if isinstance(v, list) else v


def pack():
    for line in sys.stdin:
        sys.stdout.buffer.write(msgpack.packb(from_json(json.loads(line))))


def framing(r):
    return r.get("kind") in ("head", "end")


def keys(names):
    for r, _ in unpack(sys.stdin.buffer.read()):
        if not framing(r):
            print(*(r.get(k) for k in names.split(",")))


def body():
    for r, raw in unpack(sys.stdin.buffer.read()):
        if not framing(r):
            sys.stdout.buffer.write(raw)


def kinds():
    print(*(r.get("kind", "traj") for r, _ in unpack(sys.stdin.buffer.read())))


def cuts(args):
    what, step, file, *command = args
    with open(file, "rb") as f:
        whole = f.read()

    def refused(n, data):
        with open("short", "wb") as f:
            f.write(data)
        r = subprocess.run([*command, "short"], capture_output=True)
        if r.returncode != 3 or b": short: " not in r.stderr or b"Sanitizer" in r.stderr or b"runtime error:" in r.stderr:
            sys.exit(f"cut off at {n}: status {r.returncode}: {r.stderr.decode()}")
        return r.stdout

    for n in range(0, len(whole), int(step)):
        out = refused(n, whole[:n])
        if what == "nothing" and out:
            sys.exit(f"cut off at {n}: {out}")
        if what == "stream":
            if any(r.get("kind") == "end" for r, _ in unpack(out)):
                sys.exit(f"cut off at {n}: the output has an end")
            refused(n, out)


def peak(command):
    p = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    while chunk := sys.stdin.buffer.read(1 << 20):
        p.stdin.write(chunk)
    p.stdin.flush()
    waiting = array.array("i", [1])
    while waiting[0]:
        time.sleep(0.01)
        fcntl.ioctl(p.stdin, termios.FIONREAD, waiting)
    with open(f"/proc/{p.pid}/status") as f:
        print(next(line.split()[1] for line in f if line.startswith("VmHWM")))
    p.stdin.close()
    sys.exit(p.wait())


def latency(command):
    p = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    for _, raw in list(unpack(sys.stdin.buffer.read())):
        p.stdin.write(raw)
        p.stdin.flush()
        got = b""
        while raw not in got:
            more = os.read(p.stdout.fileno(), 1 << 16)
            if not more:
                sys.exit("the command ended")
            got += more
    p.stdin.close()
    p.stdout.read()
    sys.exit(p.wait())


verb, args = sys.argv[1], sys.argv[2:]
if verb in ("cuts", "peak", "latency"):
    globals()[verb](args)
else:
    globals()[verb](*args)
