#!/usr/bin/python3
"""Of each task, the shorter half of the trajectories, rounded up. A stream in, a bare stream out."""
import collections
import sys

import msgpack


def bad(why):
    print("shorter-half.py:", why, file=sys.stderr)
    sys.exit(3)


data = sys.stdin.buffer.read()
unpacker = msgpack.Unpacker(strict_map_key=False, max_buffer_size=len(data))
unpacker.feed(data)
tasks = collections.defaultdict(list)
count, end = None, 0  # trajectories since the last head, None: no head; end of the last whole record
for r in unpacker:
    end = unpacker.tell()
    kind = r.get("kind", "traj")
    if kind == "traj":
        tasks[r["task"]].append(r)
        count = None if count is None else count + 1
    elif kind == "head":
        count = 0
    elif kind == "end":
        if count != r["count"]:
            bad("the end record's count is wrong")
        count = None
# Nothing was written yet, so nobody takes a part for the whole
if count is not None or not data or end != len(data):
    bad("the input was cut off")

for group in tasks.values():
    group.sort(key=lambda r: len(r["response"]))
    for r in group[: (len(group) + 1) // 2]:
        sys.stdout.buffer.write(msgpack.packb(r))
