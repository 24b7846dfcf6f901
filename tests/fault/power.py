#!/usr/bin/python3
"""power.py TRACE ROOT OUT - the states that a loss of power could leave of a folder.

TRACE is what strace -f -xx -s BIG said of the calls of a program that changed files under ROOT, which
was empty before. Kept for certain is what was synced: of a file the bytes written before its last
fsync, of a folder the names it had at its last fsync. What came after may be lost, there in part, or
there. OUT/0001, OUT/0002 ... are the states, each once; how many is printed."""
import hashlib
import os
import re
import sys


class File:
    def __init__(self):
        self.data = self.synced = b""


class Folder:
    def __init__(self):
        self.names, self.synced = {}, {}
        self.history = []  # names after each change since the last fsync


trace, root, out = sys.argv[1:4]
top = Folder()
fds = {}  # fd: [file or folder, offset]
states = set()
CALL = re.compile(r"^(?:\d+ +)?(\w+)\((.*)\) += (-?\d+)")


def text(arg):
    return bytes.fromhex(re.match(r'"((?:\\x[0-9a-f]{2})*)"', arg).group(1).replace("\\x", ""))


def place(path):
    """Its folder and its name there; None: not under ROOT."""
    path = os.path.normpath(os.path.join(root, path.decode()))
    if path == root:
        return None, None
    if not path.startswith(root + "/"):
        return None, ""
    at = top
    *way, name = path[len(root) + 1:].split("/")
    for w in way:
        at = at.names.get(w)
        if not isinstance(at, Folder):
            return None, ""
    return at, name


def changed(folder):
    folder.history.append(dict(folder.names))


def write_tree(node, path, names, data):
    os.makedirs(path)
    for name, child in names(node).items():
        to = os.path.join(path, name)
        if isinstance(child, Folder):
            write_tree(child, to, names, data)
        else:
            with open(to, "wb") as f:
                f.write(data(child))


def key(node, names, data):
    h = hashlib.sha256()
    for name, child in sorted(names(node).items()):
        part = key(child, names, data) if isinstance(child, Folder) else data(child)
        h.update(f"{isinstance(child, Folder)} {name} {len(part)} ".encode() + part)
    return h.digest()


def synced_names(f):
    return f.synced


def all_names(f):
    return f.names


def middle_names(f):
    return f.history[len(f.history) // 2 - 1] if len(f.history) > 1 else f.synced


def top_late(f):
    return f.synced if f is top else f.names


def top_early(f):
    return f.names if f is top else f.synced


def half(f):
    return f.data[:(len(f.synced) + len(f.data)) // 2] if f.data[:len(f.synced)] == f.synced \
        else f.data[:len(f.data) // 2]


def crash():
    for names in synced_names, all_names, middle_names, top_late, top_early:
        for data in (lambda f: f.synced), half, (lambda f: f.data):
            k = key(top, names, data)
            if k not in states:
                states.add(k)
                write_tree(top, os.path.join(out, f"{len(states):04}"), names, data)


def apply(call, args, ret):
    if call == "openat":
        path = text(args[1])
        folder, name = place(path)
        if folder is None and name is None:
            fds[ret] = [top, 0]
        elif folder is None:
            fds.pop(ret, None)
        else:
            if name not in folder.names:
                folder.names[name] = File()
                changed(folder)
            node = folder.names[name]
            if "O_TRUNC" in args[2]:
                node.data = b""
            fds[ret] = [node, 0]
    elif call == "close":
        fds.pop(int(args[0]), None)
    elif call == "lseek" and int(args[0]) in fds:
        fds[int(args[0])][1] = ret
    elif call in ("write", "pwrite64") and int(args[0]) in fds:
        f, at = fds[int(args[0])]
        at = int(args[3]) if call == "pwrite64" else at
        f.data = f.data[:at].ljust(at, b"\0") + text(args[1])[:ret] + f.data[at + ret:]
        fds[int(args[0])][1] = at + ret
    elif call == "ftruncate" and int(args[0]) in fds:
        f = fds[int(args[0])][0]
        f.data = f.data[:int(args[1])].ljust(int(args[1]), b"\0")
    elif call in ("fsync", "fdatasync") and int(args[0]) in fds:
        f = fds[int(args[0])][0]
        if isinstance(f, Folder):
            f.synced, f.history = dict(f.names), []
        else:
            f.synced = f.data
    elif call == "mkdir":
        folder, name = place(text(args[0]))
        if folder is not None:
            folder.names[name] = Folder()
            changed(folder)
    elif call == "rename":
        (a, x), (b, y) = place(text(args[0])), place(text(args[1]))
        if a is not None:
            b.names[y] = a.names.pop(x)
            changed(a)
            if b is not a:
                changed(b)
    elif call in ("unlink", "rmdir", "unlinkat"):
        if call == "unlinkat" and int(args[0]) in fds:
            folder, name = fds[int(args[0])][0], text(args[1]).decode()
        else:
            folder, name = place(text(args[1] if call == "unlinkat" else args[0]))
        if folder is not None and name in folder.names:
            del folder.names[name]
            changed(folder)


os.makedirs(out)
for line in open(trace):
    m = CALL.match(line)
    if m and int(m.group(3)) >= 0:
        apply(m.group(1), m.group(2).split(", "), int(m.group(3)))
        crash()
print(len(states))
