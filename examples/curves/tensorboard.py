#!/usr/bin/env python3
"""tensorboard.py LOG-DIR <TABLE - a table of log-stat or eval-compare as curves that TensorBoard shows.

Reads tab-separated values with a column step; of log-stat --table means the columns group, column
and value, else each column of numbers is a curve. Needs nothing but Python: an event file is a row of
records, each its length, a masked CRC-32C of that, the bytes of a protocol buffer, and their CRC.
"""
import os
import struct
import sys
import time

POLYNOMIAL = 0x82F63B78


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (POLYNOMIAL if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def record(data):
    head = struct.pack("<Q", len(data))
    return head + masked(head) + data + masked(data)


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def text(field, data):
    return varint(field << 3 | 2) + varint(len(data)) + data


def event(when, body):
    return record(b"\x09" + struct.pack("<d", when) + body)


def scalar(when, step, tag, value):
    summary = text(1, text(1, tag.encode()) + b"\x15" + struct.pack("<f", value))
    return event(when, b"\x10" + varint(step) + text(5, summary))


def number(word):
    try:
        return float(word)
    except ValueError:
        return None


def points(lines):
    """(step, tag, value) of each number in the table"""
    names = next(lines).rstrip("\n").split("\t")
    for line in lines:
        row = dict(zip(names, line.rstrip("\n").split("\t")))
        step = int(row["step"])
        if "column" in row:
            row = {"%s/%s" % (row["column"], row["group"]): row["value"]}
        for tag, word in row.items():
            value = number(word)
            if value is not None and tag not in ("step", "iter"):
                yield step, tag, value


def main():
    folder, when = sys.argv[1], time.time()
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "events.out.tfevents.%d.rloop" % when), "wb") as out:
        out.write(event(when, text(3, b"brain.Event:2")))
        for step, tag, value in points(iter(sys.stdin)):
            out.write(scalar(when, step, tag, value))


main()
