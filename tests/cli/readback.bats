# readback.bats - what is written is what was read, bit for bit, by a reader that is not ours.
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	python=/usr/bin/python3 # the one that Debian's packages are for
	"$python" -c 'import numpy' 2>/dev/null || skip "python3-numpy is not installed"
	records=$root/tests/cli/records.py
}

# back FROM TO: prints type, tensors, weights of TO
back() {
	"$python" "$root/tests/oracle/readback.py" "$1" "$2"
}

# rewritten FROM TO TYPE: the policy through rft-tune, which changes nothing at a learning rate of 0
rewritten() {
	echo '{"task":"a","prompt":"1=","response":"1"}' | "$records" pack |
		rft-tune -q -p "$1" -o "$2" --lr 0 --warmup 0 --steps 1 --dtype "$3"
}

# golden NAME: a writable copy of one of the tiny policies, here
golden() {
	cp -r "$root/tests/data/golden/$1" .
	chmod -R u+w "$1"
}

@test "bfloat16 in: the same bits out, and wider without loss" {
	for p in tied biases qwen2 qwen3; do
		golden $p
		rewritten $p $p.same same
		rewritten $p $p.f32 f32
		rewritten $p.f32 $p.bf16 bf16
		status_is 0 back $p $p.same
		[[ $output == BF16* ]]
		status_is 0 back $p $p.f32
		[[ $output == F32* ]]
		status_is 0 back $p $p.bf16
		cmp $p/model.safetensors $p.bf16/model.safetensors
	done
}

@test "float32 in: bfloat16 and float16 are rounded to nearest, ties to even" {
	policy-init -q -o p --family qwen2 --layers 1 --hidden 16 --heads 2 --ffn 24
	for t in f32 bf16 f16; do
		rewritten p $t $t
		status_is 0 back p $t
		[ "$output" = "${t^^} 14 $(policy-init --info p | awk '$1 == "parameters" { print $2 }')" ]
	done
	policy-init -q -o b --family qwen2 --layers 1 --hidden 16 --heads 2 --ffn 24 --dtype bf16
	status_is 0 back p b
}

@test "config.json keeps every key that it came with" {
	need_tool jq
	golden qwen2
	jq '. + {"torch_dtype": "bfloat16", "use_sliding_window": false, "sliding_window": 131072,
		"max_window_layers": 21, "initializer_range": 0.02, "transformers_version": "4.40.1",
		"our_own": {"deep": [1, 2.5, null, "é\u0001"]}}' qwen2/config.json >c
	mv c qwen2/config.json
	rewritten qwen2 new f32
	status_is 0 back qwen2 new
	[ "$(jq -r .dtype,.torch_dtype new/config.json | uniq)" = float32 ]
	# nothing to change: the very bytes
	rewritten qwen2 same bf16
	cmp qwen2/config.json same/config.json
}

@test "the reader sees one wrong bit" {
	golden tied
	rewritten tied new f32
	printf '\001' | dd of=new/model.safetensors bs=1 seek=$(($(wc -c <new/model.safetensors) - 3)) \
		conv=notrunc 2>/dev/null
	status_is 1 back tied new
	says "model.norm.weight: 1 differ"
}
