"""events.py FILE - the scalars of an event file of TensorBoard: step, tag, value; its checksums must be right."""
import struct
import sys


def crc32c(data):  # by a table, unlike the writer's
    table = []
    for n in range(256):
        for _ in range(8):
            n = (n >> 1) ^ (0x82F63B78 * (n & 1))
        table.append(n)
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ table[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


assert crc32c(b"123456789") == 0xE3069283  # the check value of the standard


def unmasked(word):
    rest = (word - 0xA282EAD8) & 0xFFFFFFFF
    return (rest >> 17 | rest << 15) & 0xFFFFFFFF


def fields(data):
    """(number, value) of a message: bytes, or the number that they are"""
    at = 0

    def varint():
        nonlocal at
        n = shift = 0
        while True:
            byte = data[at]
            at += 1
            n |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return n

    while at < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
            continue
        size = {1: 8, 5: 4}.get(key & 7) or varint()
        yield key >> 3, data[at:at + size]
        at += size


data = open(sys.argv[1], "rb").read()
at = 0
while at < len(data):
    size, = struct.unpack_from("<Q", data, at)
    body = data[at + 12:at + 12 + size]
    for part, place in (data[at:at + 8], at + 8), (body, at + 12 + size):
        assert unmasked(struct.unpack_from("<I", data, place)[0]) == crc32c(part)
    at += size + 16
    event = dict(fields(body))
    if 5 not in event:
        assert event[3] == b"brain.Event:2"
        continue
    value = dict(fields(dict(fields(event[5]))[1]))
    print("%d\t%s\t%.6g" % (event.get(2, 0), value[1].decode(), struct.unpack("<f", value[2])[0]))
