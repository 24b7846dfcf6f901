# policy-mix
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	tiny=(-q --layers 1 --hidden 16 --heads 2 --ffn 24 --max-len 32)
	policy-init "${tiny[@]}" -o a -s 1
	policy-init "${tiny[@]}" -o b -s 2
}

value() { # DIR KEY: one line of --info
	policy-init --info "$1" | awk -F '\t' -v k="$2" '$1 == k { print $2 }'
}

# weights DIR: all f32 weights, in the order of the file
weights() {
	/usr/bin/python3 - "$1/model.safetensors" <<-'END'
		import array, sys
		raw = open(sys.argv[1], "rb").read()
		n = int.from_bytes(raw[:8], "little")
		print("\n".join(map(repr, array.array("f", raw[8 + n:]))))
	END
}

@test "each weight is (1 - W) A + W B" {
	status_is 0 policy-mix -w 0.25 a b -o c
	says "c: 0.75 a + 0.25 b"
	[ "$(weights c | wc -l)" -eq "$(value c parameters)" ]
	paste <(weights a) <(weights b) <(weights c) | awk '
		{ want = 0.75 * $1 + 0.25 * $2; d = want - $3; if (d * d > 1e-14 * want * want) bad++ }
		$1 != $2 { n++ }
		END { exit bad || n < 1000 }'
}

@test "without -w, halfway; a share of 0 or 1 is one of them exactly" {
	status_is 0 policy-mix -q a b -o half
	[ -z "$stderr" ]
	status_is 0 policy-mix -q --weight 0.5 b a --output flah
	[ "$(value half hash)" = "$(value flah hash)" ]
	status_is 0 policy-mix -w 0 a b -o zero
	status_is 0 policy-mix -w 1 a b -o one
	[ "$(value zero hash)" = "$(value a hash)" ]
	[ "$(value one hash)" = "$(value b hash)" ]
	[ "$(value half hash)" != "$(value a hash)" ]
}

@test "another shape is refused, the first difference named" {
	policy-init "${tiny[@]}" --hidden 32 --ffn 48 -o wide
	status_is 3 policy-mix a wide -o c
	says "wide: hidden is 32, but 16 in a"
	policy-init "${tiny[@]}" --family qwen2 -o qwen
	status_is 3 policy-mix a qwen -o c
	says "qwen: family is qwen2, but llama in a"
	policy-init "${tiny[@]}" --tied no -o untied
	status_is 3 policy-mix a untied -o c
	says "untied: tied is no, but yes in a"
	policy-init "${tiny[@]}" --kv-heads 1 -o grouped
	status_is 3 policy-mix a grouped -o c
	says "grouped: kv_heads is 1, but 2 in a"
	policy-init "${tiny[@]}" --rope-theta 500 -o rope
	status_is 3 policy-mix a rope -o c
	says "rope: rope_theta is 500, but 10000 in a"
	[ ! -e c ]
}

@test "everything but the weights is the first policy's" {
	policy-init "${tiny[@]}" --max-len 64 --alphabet "$(printf '%s' {a..z} {A..Z} {0..9})" \
		--vocab 98 -o other
	status_is 0 policy-mix a other -o c
	says "other: its tokenizer.json is another one"
	for f in config.json tokenizer.json tokenizer_config.json generation_config.json; do
		cmp a/$f c/$f
	done
	status_is 0 policy-mix other a -o d
	cmp other/config.json d/config.json
}

@test "--dtype; without it an average is in 32 bits, and what it leaves alone as it came" {
	policy-init "${tiny[@]}" --dtype bf16 -s 2 -o short
	status_is 0 policy-mix short a -o c
	[ "$(value c dtype)" = f32 ]
	status_is 0 policy-mix -w 0 short a -o zero
	cmp short/model.safetensors zero/model.safetensors
	status_is 0 policy-mix --dtype same short a -o e
	[ "$(value e dtype)" = bf16 ]
	says "weights that changed come back with their former value"
	status_is 0 policy-mix --dtype same short a -o f --round stochastic
	status_is 0 policy-mix --dtype same short a -o g --round stochastic
	cmp f/model.safetensors g/model.safetensors
	not cmp -s e/model.safetensors f/model.safetensors
	status_is 0 policy-mix --dtype same short a -o h --round stochastic -s 1
	not cmp -s f/model.safetensors h/model.safetensors
	status_is 0 policy-mix a short -o d
	[ "$(value d dtype)" = f32 ]
	for t in f32 f16 bf16; do
		status_is 0 policy-mix --dtype $t a b -o e-$t
		[ "$(value e-$t dtype)" = $t ]
	done
}

@test "what is refused: operands, a share out of range, a folder that exists or is not there" {
	status_is 2 policy-mix a b a -o c
	says "one or two policy folders are needed, not 3"
	status_is 2 policy-mix a b
	says "--output is needed"
	status_is 2 policy-mix -w 1.5 a b -o c
	status_is 4 policy-mix a b -o a
	status_is 3 policy-mix a nowhere -o c
	says "nowhere/config.json: no such file"
	[ ! -e c ]
}

@test "one policy alone is written as it is" {
	status_is 0 policy-mix a -o c
	cmp a/model.safetensors c/model.safetensors
	status_is 0 policy-mix a -o d --dtype bf16
	[ "$(value d dtype)" = bf16 ]
}

@test "what rounding takes from a change is told: since A, under an adapter, or --since" {
	policy-init "${tiny[@]}" --dtype bf16 -s 2 -o short
	policy-mix -q -w 0.001 short a -o moved
	told="weights that changed come back with their former value"
	status_is 0 policy-mix moved -o silent --dtype bf16
	not says "$told"
	status_is 0 policy-mix moved -o c --dtype bf16 --since short
	says "$told"
	cmp silent/model.safetensors c/model.safetensors
	status_is 0 policy-mix short moved -o d --dtype bf16
	says "$told"
	# A in float32: since A as BF16 has it, or nothing would ever come back
	policy-mix -q -w 0.0001 moved a -o further
	status_is 0 policy-mix further -o e --dtype bf16 --since moved
	says "$told"
	not says " 0.0 % of"
	status_is 0 policy-mix moved -o f --since short
	not says "$told"
	echo '{"task":"a","prompt":"a","response":"b"}' | "$root/tests/cli/records.py" pack |
		rft-tune -q -p short --lora 2 --lr 1e-3 --warmup 0 --steps 2 -o ad
	status_is 0 policy-mix ad short -o g --dtype bf16
	says "$told"
	status_is 0 policy-mix moved -o h --dtype bf16 --since nowhere
	says "is not known: "
	says "nowhere"
}

@test "--round and --seed" {
	for s in 1 2; do
		policy-mix -q a -o r$s --dtype bf16 --round stochastic -s $s
	done
	policy-mix -q a -o again --dtype bf16 --round stochastic -s 1
	policy-mix -q a -o near --dtype bf16
	cmp r1/model.safetensors again/model.safetensors
	not cmp -s r1/model.safetensors r2/model.safetensors
	not cmp -s r1/model.safetensors near/model.safetensors
	status_is 2 policy-mix a -o x --round up
}
