#!/usr/bin/python3
"""traj.py - trajectory streams as dicts: read, write, check. See traj-python(3), traj-stream(5).

One file over the package msgpack (Debian: python3-msgpack): copy it to where you need it.

    import traj

    for r in traj.Reader("run.traj"):           # "-" is standard input; gzip and zstd are read, too
        if r.is_traj and r.get("reward"):
            print(r["task"], traj.view(r, "tokens"), traj.view(r, "logprobs"))

    with traj.Writer("new.traj") as w:          # without an end if the block is left by an exception
        w.write(traj.make(task="two", prompt="2+2=", response="4", reward=1.0))

    sys.exit(traj.stage(lambda r: r["reward"] > 0.5))    # a program that stands in a pipe

Hashes are computed by the package xxhash (python3-xxhash), or by the library libxxhash.so.0 that
nearly each Debian has; without both a reader warns that it checks counts alone, and a writer
refuses. numpy is imported by view(), if it is there.

    python3 traj.py [--strict] [--partial] [FILE ...]    checks streams and says what is in them
"""

import array
import ctypes
import itertools
import math
import os
import signal
import struct
import sys
import warnings
import zlib

import msgpack

MAX_DEPTH = 16
MAX_BYTES = 16 << 20  # of a record
MAX_OBJECTS = 1 << 20
MAX_KEYS = 256
PIECE = 1 << 16  # bytes read at once
PACKED = 1 << 12  # the same of packed data, which may become a thousand times as many

# Every key in the order in which the suite writes it, and what it holds
KEYS = {
    "kind": "kind", "task": "text", "prompt": "text", "response": "text", "id": "text",
    "answer": "text", "verifier": "text", "meta": "map", "prompt_tokens": "I", "tokens": "I",
    "logprobs": "f", "ref_logprobs": None, "kept": "sets", "temperature": "number", "top_p": "number",
    "top_k": "whole", "finish": "text", "sample": "whole", "step": "whole", "iter": "whole",
    "policy": "text", "reward": "number", "verdict": "text", "extracted": "text",
    "advantage": "number", "used": "bool", "entropy": "number",
}
# Those of them that are 32-bit words in a bin: ids, or floats
WORDS = {"prompt_tokens": "I", "tokens": "I", "logprobs": "f", "ref_logprobs": "f"}


class TrajError(ValueError):
    """The stream is damaged, cut off or none, or a record cannot be written; says where and why.
    where is (number of the record, its first byte) if it is one of a stream that was read."""

    where = None


# ---- hashes ----


def _load_xxhash():
    """(what makes a running XXH3-64, XXH3-128 of bytes in hex), or None"""
    try:
        import xxhash

        return xxhash.xxh3_64, lambda data: xxhash.xxh3_128(data).hexdigest()
    except (ImportError, AttributeError):
        pass
    try:
        return _of_library(ctypes.CDLL("libxxhash.so.0"))
    except (OSError, AttributeError):
        return None


def _of_library(lib):
    class Sum128(ctypes.Structure):
        _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]

    def prototype(name, result, *args):
        f = getattr(lib, name)
        f.restype, f.argtypes = result, args
        return f

    state, data, size = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t
    create = prototype("XXH3_createState", state)
    reset = prototype("XXH3_64bits_reset", ctypes.c_int, state)
    update = prototype("XXH3_64bits_update", ctypes.c_int, state, data, size)
    digest = prototype("XXH3_64bits_digest", ctypes.c_uint64, state)
    free = prototype("XXH3_freeState", ctypes.c_int, state)
    sum128 = prototype("XXH3_128bits", Sum128, data, size)

    class Running:
        def __init__(self):
            self.state = create()
            reset(self.state)

        def update(self, data):
            update(self.state, data, len(data))

        def hexdigest(self):
            return "%016x" % digest(self.state)

        def __del__(self):
            free(self.state)

    def hex128(data):
        s = sum128(data, len(data))
        return "%016x%016x" % (s.high, s.low)

    return Running, hex128


_hashes = _load_xxhash()
NO_HASH = "neither the package xxhash (python3-xxhash) nor libxxhash.so.0 is there"


# ---- MessagePack ----


class Pairs(list):
    """A map that no dict can hold, for keys that come twice or are maps: its (key, value)."""


def _pairs(pairs):
    try:
        d = dict(pairs)
    except TypeError:
        return Pairs(pairs)
    return d if len(d) == len(pairs) else Pairs(pairs)


_LEAVES = frozenset([int, float, str, bytes, bool, type(None)])
_CONTAINERS = frozenset([list, dict, Pairs])
_ILLEGAL = "a byte that is no MessagePack type, or an extension type"


def _elements(v):
    if type(v) is dict:
        return itertools.chain(v, v.values())
    return itertools.chain.from_iterable(v) if type(v) is Pairs else v


def _within_limits(v):
    """Raises unless v is nested no deeper, holds no more and nothing else than a record may."""
    level, depth, objects = [v], 0, 1
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise TrajError("nested too deep (limit 16)")
        inner = []
        for c in level:
            objects += len(c) if type(c) is list else 2 * len(c)
            types = set(map(type, _elements(c))) - _LEAVES
            if not types <= _CONTAINERS:
                raise TrajError(_ILLEGAL)
            if types:
                inner += [x for x in _elements(c) if type(x) in _CONTAINERS]
        if objects > MAX_OBJECTS:
            raise TrajError("too many objects (limit 1 Mi)")
        level = inner


def _decode(raw):
    """The value of these bytes: what is str and not UTF-8 comes with surrogates, as file names do."""
    if len(raw) > MAX_BYTES:
        raise TrajError("too large (limit 16 MiB)")
    try:
        v = msgpack.unpackb(
            raw, raw=False, unicode_errors="surrogateescape", strict_map_key=False,
            object_pairs_hook=_pairs,
        )
    except (ValueError, TypeError, msgpack.UnpackException) as e:
        raise TrajError(_ILLEGAL) from e
    if type(v) in _CONTAINERS:
        _within_limits(v)
    return v


_leaf = msgpack.Packer(use_bin_type=True, unicode_errors="surrogateescape").pack
_header = msgpack.Packer()


def _pack_float(v):
    try:
        narrow = struct.pack(">f", v)
    except OverflowError:
        narrow = None
    if narrow and struct.unpack(">f", narrow)[0] == v:  # a NaN is equal to none
        return b"\xca" + narrow
    return b"\xcb" + struct.pack(">d", v)


def _pack(out, v):
    """Appends the pieces of v in its shortest form: float32 where that is exact."""
    if isinstance(v, float):
        out.append(_pack_float(v))
    elif isinstance(v, (dict, Pairs)):
        out.append(_header.pack_map_header(len(v)))
        for pair in v.items() if isinstance(v, dict) else v:
            _pack(out, pair[0])
            _pack(out, pair[1])
    elif isinstance(v, (list, tuple)):
        out.append(_header.pack_array_header(len(v)))
        for x in v:
            _pack(out, x)
    elif hasattr(v, "tolist"):  # of numpy
        _pack(out, v.tolist())
    else:
        try:
            out.append(_leaf(v))
        except (TypeError, ValueError, OverflowError) as e:
            raise TrajError("%r: MessagePack has no form for it: %s" % (v, e)) from e


def _words(v, code, key):
    """The words of a list or an array as little-endian bytes; bytes are words already."""
    if isinstance(v, (bytes, bytearray, memoryview)):
        if len(v) % 4:
            raise TrajError("%s: its length is not a multiple of 4 bytes" % key)
        return bytes(v)
    if hasattr(v, "astype") and hasattr(v, "tobytes"):
        if code == "I" and v.size and (v.dtype.kind not in "iu" or v.min() < 0 or v.max() >> 32):
            raise TrajError("%s: not whole numbers from 0 to 2^32-1" % key)
        return v.astype("<u4" if code == "I" else "<f4").tobytes()
    try:
        a = array.array(code, v)
    except (TypeError, OverflowError) as e:
        raise TrajError("%s: %s" % (key, e)) from e
    if sys.byteorder == "big":
        a.byteswap()
    return a.tobytes()


KEPT_MOST = 1024  # ids of a set


def _numbers(v):
    """The numbers of bytes of unsigned LEB128 in their shortest form"""
    n = shift = 0
    for c in v:
        n |= (c & 127) << shift
        if n >> 32 or (shift == 35 and c > 127):
            raise TrajError("kept: a number above 2^32-1")
        if c > 127:
            shift += 7
            continue
        if c == 0 and shift:
            raise TrajError("kept: a number that is not in its shortest form")
        yield n
        n = shift = 0
    if shift:
        raise TrajError("kept: cut off")


def _sets(v):
    """Lists of ids, of the bytes of traj-stream(5)'s key kept, or of such lists"""
    if isinstance(v, list):
        v = _set_bytes(v)
    numbers, sets = _numbers(v), []
    for count in numbers:
        if count > KEPT_MOST:
            raise TrajError("kept: more than %d ids" % KEPT_MOST)
        ids = list(itertools.islice(numbers, count))
        if len(ids) < count:
            raise TrajError("kept: cut off")
        if 0 in ids[1:]:
            raise TrajError("kept: ids that do not ascend")
        ids = list(itertools.accumulate(ids))
        if ids and ids[-1] >> 32:
            raise TrajError("kept: an id above 2^32-1")
        sets.append(ids)
    return sets


def _set_bytes(sets):
    out = bytearray()
    for ids in sets:
        if not isinstance(ids, list) or not all(type(i) is int and 0 <= i < 1 << 32 for i in ids):
            raise TrajError("kept: not lists of whole numbers from 0 to 2^32-1")
        if any(a >= b for a, b in zip(ids, ids[1:])):
            raise TrajError("kept: ids that do not ascend")
        for n in [len(ids)] + [b - a for a, b in zip([0] + ids, ids)]:
            while n > 127:
                out.append(n & 127 | 128)
                n >>= 7
            out.append(n)
    return bytes(out)


def kept(record):
    """What each token was drawn from, a list of ids for each, empty: the whole vocabulary; or None."""
    v = record.get("kept")
    return None if v is None else _sets(v)


def pack(record):
    """The bytes of a record as the suite writes these values: integers and floats in their shortest
    form, token ids, log-probabilities and kept sets as bin. Keys stay in their order."""
    out = [_header.pack_map_header(len(record))]
    for key, v in record.items():
        _pack(out, key)
        code = WORDS.get(key)
        if key == "kept" and isinstance(v, list):
            v = _set_bytes(v)
        _pack(out, _words(v, code, key) if code and v is not None else v)
    return b"".join(out)


# ---- records ----


class Record(dict):
    """A record that was read: a dict of its keys, and

    raw      its bytes as they came
    kind     "traj", also where the key is absent; "head", "end"; or some other program's
    index    its number in the input from 1, head and end included
    offset   of its first byte in the input
    segment  the number of its segment, from 0
    whole    False: it has keys that no dict can hold, twice or no str; copy() passes it on
    """

    __slots__ = ("raw", "kind", "index", "offset", "segment", "whole", "text_keys")

    @property
    def is_traj(self):
        return self.kind == "traj"


def view(record, key, code=None):
    """The words at a key as an array of numpy, uint32 or float32, that shows the record's bytes;
    without numpy as array.array; None where the key is absent. code, "I" or "f", is what a key
    that is not in WORDS holds."""
    v = record.get(key)
    code = code or WORDS[key]
    if v is None:
        return None
    data = _words(v, code, key)
    try:
        import numpy
    except ImportError:
        return _array(data, code)
    return numpy.frombuffer(data, "<u4" if code == "I" else "<f4")


def _array(data, code):
    a = array.array(code)
    a.frombytes(data)
    if sys.byteorder == "big":
        a.byteswap()
    return a


def _bytes(v):
    return v if isinstance(v, (bytes, bytearray)) else v.encode("utf-8", "surrogateescape")


def identity(record):
    """The id of a trajectory: XXH3-128 of task, prompt, response and tokens."""
    if not _hashes:
        raise TrajError(NO_HASH)
    fields = [_bytes(record[k]) for k in ("task", "prompt", "response")]
    tokens = record.get("tokens")
    fields.append(b"" if tokens is None else _words(tokens, "I", "tokens"))
    return _hashes[1](b"".join(struct.pack("<Q", len(f)) + f for f in fields))


def make(record=None, **keys):
    """A trajectory of these keys, as the suite writes one: in its order, with its id, without what
    is None. Of a record that was changed it makes one whose id is right again."""
    given = dict(record or {}, **keys)
    given["kind"] = "traj"
    for k in ("task", "prompt", "response"):
        if given.get(k) is None:
            raise TrajError("%s: the key is missing" % k)
    given["id"] = identity(given)
    order = itertools.chain(KEYS, (k for k in given if k not in KEYS))
    return {k: given[k] for k in order if given.get(k) is not None}


def _is_number(v):
    return isinstance(v, (int, float)) and not isinstance(v, bool)


def _check_words(key, code, v):
    if not isinstance(v, (bytes, list)):
        raise TrajError("%s: neither bin nor an array" % key)
    if isinstance(v, list):
        for i, x in enumerate(v):
            if code == "f" and not _is_number(x):
                raise TrajError("%s[%d]: not a number" % (key, i))
            if code == "I" and not (type(x) is int and 0 <= x < 1 << 32):
                raise TrajError("%s[%d]: not a whole number from 0 to 2^32-1" % (key, i))
    words = _array(_words(v, code, key), code)
    if code == "f" and not all(map(math.isfinite, words)):
        raise TrajError("%s: not all are finite numbers" % key)


def _check_key(key, v):
    form = KEYS.get(key)
    if v is None or form in (None, "kind"):
        return
    if form == "text":
        if not isinstance(v, (str, bytes)):
            raise TrajError("%s: not a string" % key)
    elif form == "map":
        if not isinstance(v, (dict, Pairs)):
            raise TrajError("%s: not a map" % key)
    elif form == "number":
        if not _is_number(v):
            raise TrajError("%s: not a number" % key)
        if not math.isfinite(v):
            raise TrajError("%s: not a finite number" % key)
    elif form == "whole":
        if type(v) is not int or not (0 <= v < 1 << 63 or (key == "top_k" and v == -1)):
            raise TrajError("%s: not a whole number from 0 to 2^63-1" % key)
    elif form == "bool":
        if not isinstance(v, bool):
            raise TrajError("%s: neither true nor false" % key)
    elif form == "sets":
        if not isinstance(v, (bytes, list)):
            raise TrajError("%s: neither bin nor an array" % key)
        _sets(v)
    else:
        _check_words(key, form, v)


def check(record):
    """Raises TrajError unless these are the keys and values of a trajectory, and its id, where it
    has one, that of its task, prompt, response and tokens."""
    if len(record) > MAX_KEYS:
        raise TrajError("more than %d keys" % MAX_KEYS)
    for key, v in record.items():
        if not isinstance(key, str):
            raise TrajError("a key that is not a string")
        _check_key(key, v)
    for k in ("task", "prompt", "response"):
        if record.get(k) is None:
            raise TrajError("%s: the key is missing" % k)
    _check_together(record)
    if record.get("id") is not None and _hashes:
        want = identity(record)
        if _bytes(record["id"]) != want.encode():
            raise TrajError(
                "id: not that of this task, prompt, response and tokens (%s); make() renews it" % want
            )


def _count_words(v):
    return len(v) // 4 if isinstance(v, bytes) else len(v)


def _check_kept(sets, tokens):
    if tokens is None:
        raise TrajError("kept: there are no tokens")
    tokens = _array(_words(tokens, "I", "tokens"), "I")
    if len(sets) != len(tokens):
        raise TrajError("kept: %d sets for %d tokens" % (len(sets), len(tokens)))
    for i, (ids, token) in enumerate(zip(sets, tokens)):
        if ids and token not in ids:
            raise TrajError("kept[%d]: the token that was drawn is not in it" % i)


def _check_together(record):
    """What is no error of form and still cannot be"""
    logs, tokens = (record.get(k) for k in ("logprobs", "tokens"))
    logs = None if logs is None else _array(_words(logs, "f", "logprobs"), "f")
    if logs is not None and tokens is not None and len(logs) != _count_words(tokens):
        raise TrajError("logprobs: %d for %d tokens" % (len(logs), _count_words(tokens)))
    if logs and max(logs) > 0:
        raise TrajError("logprobs: one is %g, above 0" % max(logs))
    if record.get("kept") is not None:
        _check_kept(kept(record), tokens)
    verdict = record.get("verdict")
    if record.get("reward") is not None and verdict not in (None, "ok", b"ok"):
        raise TrajError("reward: present though verdict is %r" % verdict)
    for key, most in ("top_p", 1), ("temperature", math.inf), ("entropy", math.inf):
        v = record.get(key)
        if v is not None and not 0 <= v <= most:
            raise TrajError("%s: %g is not from 0 to %g" % (key, v, most))


# ---- reading ----


def _members(new, read, data, what):
    """Pieces of what packed members hold that follow each other, data being the first bytes."""
    while data:
        d = new()
        while not d.eof:
            data = data or read(PACKED)
            if not data:
                raise TrajError("the %s data are cut off" % what)
            try:
                yield d.decompress(data)
            except Exception as e:  # each package has its own
                raise TrajError("damaged %s data: %s" % (what, e)) from e
            data = d.unused_data if d.eof else b""
        data = data or read(PACKED)


def _zstd():
    try:
        from compression.zstd import ZstdDecompressor  # Python 3.14

        return ZstdDecompressor
    except ImportError:
        pass
    try:
        import zstandard

        return lambda: zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
    except ImportError:
        raise TrajError("zstd data, and no package zstandard (zstd -dc reads it)") from None


def _pieces(read):
    """The bytes of a binary file, unpacked, as they come."""
    data = read(PIECE)
    while 0 < len(data) < 4 and data[0] in b"\x1f\x28":  # perhaps packed
        more = read(PIECE)
        if not more:
            break
        data += more
    if data.startswith(b"\x1f\x8b"):
        yield from _members(lambda: zlib.decompressobj(31), read, data, "gzip")
    elif data.startswith(b"\x28\xb5\x2f\xfd"):
        yield from _members(_zstd(), read, data, "zstd")
    else:
        while data:
            yield data
            data = read(PIECE)


def _as_dict(v):
    """Of keys that come twice the first counts, as for a condition of traj-filter."""
    if isinstance(v, dict):
        r = Record(v)
        r.text_keys = all(type(k) is str for k in v)
        return r
    r = Record()
    for key, value in v:
        if type(key) is str:
            r.setdefault(key, value)
    r.text_keys = all(type(key) is str for key, _ in v)
    return r


def _skip(unpacker):
    """Goes behind the next object; False: it is not whole yet."""
    try:
        unpacker.skip()
        return True
    except msgpack.OutOfData:
        return False
    except (ValueError, msgpack.UnpackException) as e:
        raise TrajError(_ILLEGAL) from e


class Reader:
    """Iterates over the records of a stream but head and end, which it checks; constant memory.

    source is a path, "-" for standard input, or a binary file. It raises TrajError where the stream
    is damaged or cut off, so a result counts only when the loop has ended by itself.

    strict   refuses records outside of head and end
    partial  takes what is whole of a stream that was cut off: cut is then True
    frames   gives head and end records, too
    check    calls check() for each trajectory
    tie      (an attribute) a Writer to flush before a read that may wait

    chain is that of the current segment's head, chains that of all so far, each entry once; seen
    counts trajectories, others records of other kinds, segments and bytes what they say.
    """

    def __init__(self, source="-", *, strict=False, partial=False, frames=False, check=False):
        self.strict, self.partial, self.frames, self.check = strict, partial, frames, check
        self.chain, self.chains = [], []
        self.seen = self.others = self.segments = self.bytes = 0
        self.cut = False
        self.tie = None
        self._index = 1
        self._hash = None  # of the segment; None outside of one, or where nothing can hash
        self._framed = self._bare = False
        self._version = self._count = 0
        self._known = set()
        self._own = self._failed = None
        if source == "-":
            self._file, self.name = sys.stdin.buffer, "<stdin>"
        elif isinstance(source, (str, bytes, os.PathLike)):
            self._file = self._own = open(source, "rb")
            self.name = os.fsdecode(source)
        else:
            self._file, self.name = source, str(getattr(source, "name", "<stream>"))
        self._records = self._read()

    def __iter__(self):
        return self

    def __next__(self):
        if self._failed:
            raise self._failed  # a second loop is no way to the end
        return next(self._records)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._records.close()
        if self._own:
            self._own.close()

    def _located(self, why):
        e = TrajError("%s: record %d at byte %d: %s" % (self.name, self._index, self.bytes, why))
        e.where = (self._index, self.bytes)
        return e

    def _more(self, n):
        if self.tie:
            self.tie.flush()
        return getattr(self._file, "read1", self._file.read)(n)

    def _whole(self):
        """The bytes of each record, whose number is self._index, and self.bytes where it begins."""
        unpacker = msgpack.Unpacker(max_buffer_size=0)
        pending = bytearray()
        for piece in _pieces(self._more):
            unpacker.feed(piece)
            pending += piece
            while pending and _skip(unpacker):
                n = unpacker.tell() - self.bytes
                raw = bytes(pending[:n])
                del pending[:n]
                yield raw
                self.bytes += n
                self._index += 1
            if len(pending) > MAX_BYTES:
                raise TrajError("too large (limit 16 MiB)")
        if pending and self.partial:
            self.cut = True
        elif pending:
            raise TrajError("cut off after %d bytes" % len(pending))

    def _read(self):
        try:
            for raw in self._whole():
                r = self._record(raw)
                if r.kind in ("head", "end"):
                    (self._head if r.kind == "head" else self._end)(r)
                else:
                    self._user(r)
                r.segment = self.segments - 1
                if self.frames or r.kind not in ("head", "end"):
                    yield r
            self._at_end()
        except TrajError as e:
            self._failed = self._located(e)
            raise self._failed from e.__cause__
        except Exception as e:  # of the file
            self._failed = e
            raise
        if self._own:
            self._own.close()

    def _record(self, raw):
        v = _decode(raw)
        if not isinstance(v, (dict, Pairs)):
            what = ""
            if self._index == 1 and raw[0] in b"{[":
                what = ": it looks like JSON (traj-cat --from-json reads it)"
            raise TrajError("not a map%s" % what)
        r = _as_dict(v)
        r.raw, r.index, r.offset, r.whole = raw, self._index, self.bytes, isinstance(v, dict) and r.text_keys
        kind = r.get("kind")
        if kind is not None and not isinstance(kind, str):
            raise TrajError("kind is not a string")
        r.kind = "traj" if kind is None else kind
        if r.is_traj and not r.whole:
            raise TrajError("a key that comes twice or is not a string")
        return r

    def _head(self, r):
        version = r.get("version")
        chain = r.get("chain", [])
        if r.get("format") != "traj":
            raise TrajError('head: format is not "traj"')
        if type(version) is not int or version not in (1, 2):
            raise TrajError("head: not of version 1 or 2")
        if not isinstance(chain, list) or isinstance(chain, Pairs):
            raise TrajError("head: chain is not an array")
        if self._framed and not self.partial:
            raise TrajError("a head record, but the segment before it has no end record")
        self.cut |= self._framed
        self._framed, self._bare = True, False
        self._version, self._count = version, 0
        self.segments += 1
        self._remember(chain)
        if not _hashes:
            warnings.warn("%s: counts alone are checked: %s" % (self.name, NO_HASH), RuntimeWarning)
            return
        self._hash = _hashes[0]()
        if version >= 2:
            self._hash.update(r.raw)

    def _remember(self, chain):
        self.chain = chain
        for entry in chain:
            packed = pack({"": entry})
            if packed not in self._known:
                self._known.add(packed)
                self.chains.append(entry)

    def _end(self, r):
        if not self._framed:
            raise TrajError("an end record without a head record")
        if type(r.get("count")) is not int or r["count"] != self._count:
            raise TrajError("end: count is not the %d trajectories that came" % self._count)
        xxh3 = self._hash.hexdigest() if self._hash else r.get("xxh3")
        if r.get("xxh3") != xxh3:
            raise TrajError("end: xxh3 is not that of what stands before it (%s): damaged" % xxh3)
        if self._version >= 2 and r.raw != pack({"kind": "end", "count": self._count, "xxh3": xxh3}):
            raise TrajError("end: not as one with these values is written: damaged")
        self._framed, self._hash = False, None

    def _user(self, r):
        if self._framed:
            if self._hash:
                self._hash.update(r.raw)
            self._count += r.is_traj
        else:
            self._outside(r)
        if r.is_traj:
            self.seen += 1
            if self.check:
                check(r)
        else:
            self.others += 1

    def _outside(self, r):
        if self.strict:
            raise TrajError("a record outside of head and end")
        if not r.text_keys:
            raise TrajError("a key that is no str, outside of head and end")
        if not self._bare:
            self._bare = True
            self.chain = []
            self.segments += 1

    def _at_end(self):
        if self.cut:
            return
        if self._index == 1:
            raise TrajError("empty: not even a head record")
        if self._framed and not self.partial:
            raise TrajError("cut off: no end record")
        self.cut |= self._framed


# ---- writing ----


class Writer:
    """Writes a stream: a head, records, an end with count and hash.

    target is a path, "-" for standard output, or a binary file. tool, args and seed become this
    program's entry in the chain. Use it in a with statement: an exception leaves the stream without
    its end, which is how others see that it is cut off. frame=False writes bare records.
    """

    def __init__(self, target="-", *, tool=None, version="", args=None, seed=0, frame=True):
        if frame and not _hashes:
            raise TrajError("no end can be written: " + NO_HASH)
        self._frame, self._open, self._begun = frame, False, False
        self._chain, self._at = [], None
        self._entry = {
            "tool": tool if tool is not None else os.path.basename(sys.argv[0]),
            "version": version,
            "args": [_argument(a) for a in (sys.argv[1:] if args is None else args)],
            "seed": seed,
        }
        self._own = None
        if target == "-":
            self._file = sys.stdout.buffer
        elif isinstance(target, (str, bytes, os.PathLike)):
            self._file = self._own = open(target, "wb")
        else:
            self._file = target

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                self.finish()
        finally:
            if self._own:
                self._own.close()

    def inherit(self, reader):
        """The chain has the entries of all heads that the reader came by so far, each once: for a
        writer of one segment, before its first record."""
        self._chain += [e for e in reader.chains if e not in self._chain]

    def segment(self, reader):
        """What comes next belongs to the reader's current segment: one of ours for each of its own,
        as filters write them."""
        if self._at == (reader, reader.segments):
            return
        if self._open:
            self.finish()
        self._at = (reader, reader.segments)
        self._chain = list(reader.chain)
        self._begin()

    def _begin(self):
        if self._open or not self._frame:
            return
        self._open = self._begun = True
        self._count, self._hash = 0, _hashes[0]()
        self._put(pack({"kind": "head", "format": "traj", "version": 2,
                        "chain": self._chain + [self._entry]}))

    def _put(self, raw):
        if self._frame:
            self._hash.update(raw)
        self._file.write(raw)

    def write(self, record):
        """Writes a dict as a record, see pack(); a trajectory must be one that check() takes."""
        if isinstance(record, Record) and not record.whole:
            raise TrajError("keys that no dict can hold: copy() passes the record on")
        raw = pack(record)
        kind = record.get("kind")
        if kind is not None and (not isinstance(kind, str) or kind in ("head", "end")):
            raise TrajError("kind: not that of a record")
        decoded = _decode(raw)
        if kind in (None, "traj"):
            check(decoded)
        self._add(raw, kind in (None, "traj"))

    def copy(self, record):
        """Writes a record that was read byte for byte as it came."""
        if record.kind in ("head", "end"):
            raise TrajError("kind: not that of a record")
        self._add(record.raw, record.is_traj)

    def _add(self, raw, is_traj):
        self._begin()
        self._put(raw)
        if self._frame:
            self._count += is_traj

    def flush(self):
        self._file.flush()

    def finish(self):
        """Ends the segment; one without records when nothing was written."""
        if not self._open and not self._begun:
            self._begin()
        if self._open:
            self._file.write(pack({"kind": "end", "count": self._count, "xxh3": self._hash.hexdigest()}))
            self._open = False
        self._file.flush()


def _argument(a):
    """A word of a command line: what is not UTF-8 travels as bin"""
    a = os.fsencode(a) if isinstance(a, str) else a
    try:
        return a.decode()
    except UnicodeDecodeError:
        return a


# ---- programs ----


def _say(text):
    print("%s: %s" % (os.path.basename(sys.argv[0]), text), file=sys.stderr)


def _status(work, *args):
    """The exit status of work(*args), whose failure is told as the suite tells one."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        return work(*args)
    except TrajError as e:
        _say(e)
        return 3
    except OSError as e:
        _say("%s: %s" % (e.filename or "input or output", e.strerror or e))
        return 4


def _flush():
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python would try again at exit, and leave with a status of its own
        raise
    return 0


def _filter(fn, files, target, seed):
    with Writer(target, seed=seed) as w:
        for path in files:
            reader = Reader(path)
            reader.tie = w
            for r in reader:
                w.segment(reader)
                kept = fn(r) if r.is_traj else True
                if kept is True:
                    w.copy(r)
                elif kept:
                    w.write(kept)
            if not w._open:
                w.inherit(reader)
    return 0


def stage(fn, files=None, target="-", seed=0):
    """The work of a filter; returns its exit status. fn(record) is called with each trajectory of
    the files, by default those that the command line names, or standard input: True passes it on as
    it came, a dict is written in its place, None or False drops it. Other kinds of records pass."""
    if files is None:
        files = sys.argv[1:]
    return _status(_filter, fn, files or ["-"], target, seed)


class _Summary:
    def __init__(self):
        self.tasks, self.verdicts, self.keys = set(), {}, {}
        self.rewards = self.total = self.tokens = 0

    def add(self, r):
        self.tasks.add(r["task"])
        verdict = r.get("verdict")
        self.verdicts[verdict] = self.verdicts.get(verdict, 0) + 1
        if r.get("reward") is not None:
            self.rewards += 1
            self.total += r["reward"]
        self.tokens += _count_words(r.get("tokens") or b"")
        for k in r:
            self.keys[k] = self.keys.get(k, 0) + 1

    def lines(self, reader):
        n = sum(self.verdicts.values())
        yield "%d tasks, %d tokens" % (len(self.tasks), self.tokens)
        if self.rewards:
            yield "%d rewards, mean %.4g" % (self.rewards, self.total / self.rewards)
        words = sorted((str(v), c) for v, c in self.verdicts.items() if v is not None)
        if words:
            yield "verdicts: " + ", ".join("%s %d" % w for w in words)
        yield "keys: " + ", ".join(k if c == n else "%s (%d)" % (k, c) for k, c in self.keys.items())
        tools = [e.get("tool") for e in reader.chains if isinstance(e, dict)]
        yield "made by " + ", ".join(map(str, tools)) if tools else "no head says who made it"


def _summarise(path, strict, partial):
    reader, summary = Reader(path, strict=strict, partial=partial, check=True), _Summary()
    for r in reader:
        if r.is_traj:
            summary.add(r)
    if reader.cut:
        _say("warning: %s: it was cut off" % reader.name)
    print("%s: %d trajectories, %d other records, %d segments, %d bytes"
          % (reader.name, reader.seen, reader.others, reader.segments, reader.bytes))
    for line in summary.lines(reader):
        print("    " + line)
    return 0


def _main():
    import argparse

    p = argparse.ArgumentParser(prog="traj.py", description="Checks streams and says what is in them.")
    p.add_argument("file", nargs="*", default=["-"], help="standard input when there is none, or for -")
    p.add_argument("--strict", action="store_true", help="refuse records outside of head and end")
    p.add_argument("--partial", action="store_true", help="take what is whole of a stream that was cut off")
    o = p.parse_args()
    status = max(_status(_summarise, path, o.strict, o.partial) for path in o.file)
    return max(status, _status(_flush))


if __name__ == "__main__":
    sys.exit(_main())
