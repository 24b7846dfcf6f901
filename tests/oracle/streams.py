#!/usr/bin/python3
"""streams.py [-n N] [-s SEED] BIN - traj-cat --check and libcommon/stream/traj.py judge the same
streams alike: N (1000) of records put together at random, with one bit another, cut off, or with
values and keys that a trajectory cannot have. What both take they count alike."""
import argparse
import io
import os
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../libcommon/stream"))
sys.dont_write_bytecode = True
import msgpack
import traj

KEYS = list(traj.KEYS) + ["own", 5, None, b"kind"]
SCALARS = [
    0, 1, -1, 127, 128, 2**31, 2**32, 2**63 - 1, 2**63, 2**64 - 1, -(2**63), 0.5, 0.1, -0.0, -1.5,
    1e300, 1e39, float("nan"), float("inf"), True, False, None, "", "ok", "timeout", "traj", "head",
    "end", "note", "1+1=", "é", "0" * 32, b"", b"ok", bytes(4), bytes(8), b"\0\0\x80\x7f", b"\xff",
    b"\0\0\0\xbf" * 2, b"\0\0\0\x3f" * 2, msgpack.ExtType(5, b"abcd"), msgpack.Timestamp(5, 0),
    [1, 2], [2**32 - 1, 3], [-1, 2], [2**32, 1], [-0.5, -1], [0.5, 0], [1e39, 0], [float("nan"), 0],
]

KEPT = [  # of the tokens 0 and 0, or of others
    b"\0\0", b"\1\0\2\0\5", b"\1\0\1\0", b"\1\5\0", b"\2\0\0\0", b"\x80\0\0", b"\1\0", b"\0\0\0", b"",
    b"\2\1\xff\xff\xff\xff\x0f\0", b"\1\xff\xff\xff\xff\x1f\0", b"\x81\x08" + bytes(1025) + b"\0",
    [[0], []], [[0, 5], [0]], [[5, 0], []], [[0]], [[0, 0], []], [[], [2**32]], [0, 0], [],
]


def value(depth=0):
    how = random.random()
    if how < 0.06:
        return [value(depth + 1) for _ in range(random.randrange(4))]
    if how < 0.12:
        return {k: value(depth + 1) for k in random.sample(["x", "y", 1, b"z", None], 2)}
    if how < 0.2:
        v = 1
        for _ in range(random.randrange(20)):
            v = [v] if random.random() < 0.5 else {"a": v}
        return v
    return random.choice(SCALARS)


def record():
    r = {"kind": "traj", "task": "a", "prompt": "1+1=", "response": "2"}
    if random.random() < 0.5:
        r["tokens"] = bytes(8)
    if random.random() < 0.3:
        r["logprobs"] = b"\0\0\0\xbf" * 2
    if random.random() < 0.2:
        r["kept"] = random.choice(KEPT)
    for _ in range(random.randrange(3)):
        r[random.choice(KEYS)] = value()
    if random.random() < 0.1:
        del r[random.choice(list(r))]
    try:
        if random.random() < 0.5:
            r.setdefault("id", traj.identity(r))
    except (traj.TrajError, KeyError, AttributeError):
        pass
    raw = bytearray(msgpack.packb(r))
    if random.random() < 0.1 and raw[0] < 0x8F:  # one more pair, its key perhaps there already
        raw[0] += 1
        raw += msgpack.packb(random.choice(["task", "own", 5, [1], {}])) + b"\1"
    if random.random() < 0.05:
        raw[random.randrange(len(raw))] = random.randrange(256)
    return bytes(raw), r.get("kind")


def of_records(framed):
    f = io.BytesIO()
    w = traj.Writer(f, tool="streams", args=[], frame=framed)
    for _ in range(random.randrange(1, 4)):
        raw, kind = record()
        w._add(raw, kind in (None, "traj"))
    w.finish()
    return f.getvalue()


def stream(seed, records):
    how = random.randrange(5)
    if how == 0:
        b = bytearray(seed)
        b[random.randrange(len(b))] ^= 1 << random.randrange(8)
        return bytes(b)
    if how == 1:
        return seed[: random.randrange(len(seed) + 1)]
    if how == 2:
        return b"".join(random.choice(records) for _ in range(random.randrange(6)))
    return of_records(how == 3)


def by_traj(path):
    """What traj-cat --check would say, or None"""
    reader = traj.Reader(path, check=True)
    try:
        for _ in reader:
            pass
    except traj.TrajError:
        return None
    counts = reader.seen, reader.others, reader.segments, reader.bytes
    return path + ": %d trajectories, %d other records, %d segments, %d bytes" % counts


def main():
    p = argparse.ArgumentParser()
    p.add_argument("-n", type=int, default=1000)
    p.add_argument("-s", type=int, default=1)
    p.add_argument("bin")
    o = p.parse_args()
    random.seed(o.s)
    seed = b"".join(of_records(True) for _ in range(2))
    while True:  # until both segments are whole
        try:
            records = [r.raw for r in traj.Reader(io.BytesIO(seed), frames=True)]
            break
        except traj.TrajError:
            seed = b"".join(of_records(True) for _ in range(2))
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, str(i)) for i in range(o.n)]
        for path in paths:
            with open(path, "wb") as f:
                f.write(stream(seed, records))
        check = [os.path.join(o.bin, "traj-cat"), "--check"] + paths
        said = subprocess.run(check, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        whole = {line.split(": ")[0]: line for line in said.stdout.decode().splitlines()}
        wrong = 0
        for path in paths:
            mine = by_traj(path)
            if mine != whole.get(path):
                wrong += 1
                with open(path, "rb") as f:
                    print("%s\n traj.py: %s\n traj-cat: %s" % (f.read().hex(), mine, whole.get(path)))
        print("%d streams, %d whole, %d judged differently" % (o.n, len(whole), wrong))
        return 1 if wrong or not whole or len(whole) == o.n else 0


sys.exit(main())
