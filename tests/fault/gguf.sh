#!/bin/bash
# gguf.sh [N] - damaged GGUF files: one message, status 3 and nothing written, for each damage of the
# table below, for N prefixes of a valid file (100), and for N flips of a bit in what stands before its
# data, where the file may also be taken for what it then says.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 4
root=$PWD
# shellcheck source=tests/fault/tap.bash
. tests/fault/tap.bash
PATH=${BIN:=$PWD/build/bin}:$PATH
tmp=$(mktemp -d) || exit 4
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 4

policy-init -q -o policy --layers 1 --hidden 32 --heads 2 --ffn 32 --max-len 16 -s 1 &&
	policy-convert -q policy -o whole.gguf &&
	policy-convert -q whole.gguf -o back && cmp back/model.safetensors policy/model.safetensors
result $? "as it came it is whole" "$(ls)"

# Python makes the damaged files: NAME.gguf, with what the message has to say in NAME.says (nothing: it
# may be valid)
/usr/bin/python3 - "${1:-100}" <<'PYTHON' || exit 4
import random
import struct

import sys

whole = open("whole.gguf", "rb").read()
n = int(sys.argv[1])
random.seed(1)


def find(text):
    """Where a key's or a tensor's name ends"""
    b = text.encode()
    at = whole.index(struct.pack("<Q", len(b)) + b)
    return at + 8 + len(b)


def put(name, says, raw):
    open(name + ".gguf", "wb").write(raw)
    open(name + ".says", "w").write(says)


def patch(name, says, at, form, *v):
    b = struct.pack("<" + form, *v)
    put(name, says, whole[:at] + b + whole[at + len(b):])


big = 2 ** 64 - 1
embd, tokens, arch = find("token_embd.weight"), find("tokenizer.ggml.tokens"), find("general.architecture")
patch("magic", "does not begin with GGUF", 0, "4s", b"GGML")
patch("big-endian", "is not supported, only 2 and 3", 4, "4s", b"\0\0\0\3")
patch("version-1", "version 1", 4, "I", 1)
for v in big, 2 ** 63, 2 ** 32, 10 ** 7:
    patch(f"tensors-{v}", "more than the file has room for", 8, "Q", v)
    patch(f"keys-{v}", "more than the file has room for", 16, "Q", v)
    patch(f"name-{v}", "more than the file holds", 24, "Q", v)
    patch(f"string-{v}", "more than the file holds", arch + 4, "Q", v)
    patch(f"list-{v}", "more than the file holds", tokens + 8, "Q", v)
    patch(f"dim-{v}", "", embd + 4, "Q", v)
patch("one-key-less", "", 16, "Q", struct.unpack_from("<Q", whole, 16)[0] - 1)
patch("type-13", "a value of type 13", arch, "I", 13)
patch("list-of-13", "a value of type 13", tokens + 4, "I", 13)
patch("list-of-lists", "a list of", tokens + 4, "I", 9)
patch("architecture", "architecture", arch + 12, "5s", b"xxxxx")
patch("no-dims", "0 dimensions", embd, "I", 0)
patch("five-dims", "5 dimensions", embd, "I", 5)
patch("dim-0", "a dimension of 0", embd + 4, "Q", 0)
patch("product-wraps", "too large a product", embd + 4, "QQ", 2 ** 32, 2 ** 32)
patch("product-is-0", "too large a product", embd + 4, "QQ", 2 ** 63, 2)
patch("other-shape", "shape", embd + 4, "QQ", 98, 32)
patch("unknown-type", "(99), is not supported", embd + 20, "I", 99)
patch("smaller-type", "data begin at", embd + 20, "I", 1)
patch("blocks-of-256", "rows of 32 numbers", embd + 20, "I", 12)
patch("offset", "data begin at", embd + 24, "Q", 32)
patch("offset-behind", "data begin at", embd + 24, "Q", 2 ** 63)
patch("offset-wraps", "data begin at", embd + 24, "Q", big - 31)
patch("not-finite", "not finite", len(whole) - 128, "f", float("nan"))
patch("not-text", "not UTF-8", tokens + 24, "B", 0xff)
put("longer", "after the last tensor", whole + bytes(33))
put("empty", "more than the file holds", b"")
for i in range(n):
    put(f"prefix-{i}", "gguf: ", whole[:random.randrange(len(whole))])
for i in range(n):
    at = random.randrange(len(whole) - 60000 if len(whole) > 70000 else 4000)
    b = bytearray(whole)
    b[at] ^= 1 << random.randrange(8)
    put(f"flip-{i}", "", bytes(b))
PYTHON

# wrong NAME: what is not as it should be when it is converted; 500 MB are more than enough
wrong() {
	local rc=0
	rm -rf out
	(
		[[ $BIN == *address* ]] || ulimit -v 500000
		timeout 20 policy-convert -q "$1.gguf" -o out
	) 2>said || rc=$?
	if [ $rc -eq 0 ] && [ ! -s "$1.says" ]; then
		policy-init --info out >/dev/null 2>said || echo "taken, but the folder does not load: $(cat said)"
	elif [ $rc -ne 3 ]; then
		echo "status $rc: $(head -c 300 said)"
	elif [ "$(wc -l <said)" -ne 1 ] || ! grep -qF "$(cat "$1.says")" said; then
		echo "said: $(head -c 300 said)"
	elif compgen -G "out*" >/dev/null; then
		echo "left:" out*
	fi
}

for kind in prefix flip; do
	why=
	for f in "$kind"-*.gguf; do
		w=$(wrong "${f%.gguf}")
		[ -z "$w" ] || why+="$f: $w"$'\n'
		rm "$f"
	done
	[ -z "$why" ]
	result $? "${1:-100} of kind $kind" "$why"
done
for f in *.says; do
	name=${f%.says}
	[ -e "$name.gguf" ] || continue
	why=$(wrong "$name")
	[ -z "$why" ]
	result $? "$name" "$why"
done

# A file that is killed while it is written, or that meets a full disk
if strace -o trace true 2>/dev/null; then
	for fault in signal=KILL error=ENOSPC; do
		why=
		for call in openat write fsync rename; do
			for ((i = 1; i < 40; i++)); do
				rm -rf new
				mkdir new
				bash -c '"$@"; exit' - strace -o trace -e "inject=$call:$fault:when=$i" \
					policy-convert -q policy -o new/x.gguf 2>said && break
				[ ! -e new/x.gguf ] || cmp new/x.gguf whole.gguf >said 2>&1 || why+="$call $i: $(cat said) "
				[ $fault = signal=KILL ] || [ "$(find new -name '*.tmp-*')" = "" ] || why+="$call $i: left $(ls new) "
			done
		done
		[ -z "$why" ]
		result $? "written whole or not at all: $fault" "$why"
	done
fi
cd "$root" || exit 4
summary
