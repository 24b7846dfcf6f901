# policy-init
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	tiny=(--layers 1 --hidden 16 --heads 2 --ffn 24 --max-len 32)
}

# value DIR KEY: one line of --info
value() {
	policy-init --info "$1" | awk -F '\t' -v k="$2" '$1 == k { print $2 }'
}

# is DIR KEY WANT
is() {
	local got
	got=$(value "$1" "$2")
	[ "$got" = "$3" ] || {
		printf '%s of %s is %s, not %s\n' "$2" "$1" "$got" "$3"
		return 1
	}
}

@test "-o makes a policy folder with everything in it" {
	status_is 0 policy-init -o p
	[ -z "$output" ]
	says "p: 341856 weights, 98 tokens"
	[ "$(cd p && echo *)" = "config.json generation_config.json model.safetensors tokenizer.json tokenizer_config.json" ]
	is p layers 3
	is p hidden 96
	is p heads 4
	is p kv_heads 4
	is p head_dim 24
	is p ffn 256
	is p max_len 128
	is p vocab 98
	is p tokens 98
	is p tied yes
	is p parameters 341856
	is p dtype f32
	is p stop 1
	is p rope_theta 10000
	is p norm_eps 1e-05
}

@test "the shape options" {
	status_is 0 policy-init -q -o p --layers 2 --hidden 32 --heads 4 --kv-heads 2 --head-dim 12 \
		--ffn 40 --max-len 64 --vocab 120 --rope-theta 5e5 --norm-eps 1e-6
	[ -z "$stderr" ]
	is p layers 2
	is p hidden 32
	is p heads 4
	is p kv_heads 2
	is p head_dim 12
	is p ffn 40
	is p max_len 64
	is p vocab 120
	is p tokens 98
	is p rope_theta 500000
	is p norm_eps 1e-06
}

@test "the shape in config.json has Hugging Face's names" {
	need_tool jq
	policy-init -q -o p "${tiny[@]}"
	run jq -c '[.model_type, .architectures[0], .vocab_size, .hidden_size, .intermediate_size,
		.num_hidden_layers, .num_attention_heads, .num_key_value_heads, .head_dim, .hidden_act,
		.max_position_embeddings, .rms_norm_eps, .tie_word_embeddings, .eos_token_id]' p/config.json
	[ "$output" = '["llama","LlamaForCausalLM",98,16,24,1,2,2,8,"silu",32,1e-05,true,1]' ]
}

@test "--family: the tensors and the keys of each" {
	need_tool jq
	for f in llama qwen2 qwen3; do
		policy-init -q -o $f --family $f "${tiny[@]}"
		is $f family $f
		is $f rope default
		[ "$(jq -r .model_type $f/config.json)" = $f ]
	done
	[ "$(jq -r '.architectures[0]' qwen3/config.json)" = Qwen3ForCausalLM ]
	[ "$(value qwen2 parameters)" -eq $(($(value llama parameters) + 3 * 16)) ]
	[ "$(value qwen3 parameters)" -eq $(($(value llama parameters) + 2 * 8)) ]
	grep -q self_attn.v_proj.bias qwen2/model.safetensors
	grep -q self_attn.k_norm.weight qwen3/model.safetensors
	policy-init -q -o like --like qwen3
	is like family qwen3
	policy-init -q -o other --like qwen3 --family qwen2
	is other family qwen2
	for f in smollm3 granite olmo2 olmo3 phi3 mistral ministral ministral3 gemma2 gemma3_text starcoder2 stablelm \
		exaone4 glm4 seed_oss hunyuan_v1_dense ernie4_5 apertus lfm2 qwen3_5_text; do
		policy-init -q -o $f --family $f --layers 3 --head-dim 16 "${tiny[@]}"
		is $f family $f
		policy-init -q -o like-$f --like $f
		cmp $f/config.json like-$f/config.json
	done
	policy-init -q -o back --like gemma2 --family llama
	is back family llama
	status_is 2 policy-init -q -o x --family gemma
	says "'gemma' is none of like|llama|qwen2|qwen3"
}

@test "--like keeps biases and the scaling of the rotary embedding" {
	need_tool jq
	policy-init -q -o a "${tiny[@]}"
	jq '.attention_bias = true | .mlp_bias = true | .rope_scaling = {"rope_type": "llama3", "factor": 8,
		"low_freq_factor": 1, "high_freq_factor": 4, "original_max_position_embeddings": 16}' \
		a/config.json >config.json
	mv config.json a/
	policy-init -q -o b --like a
	is b rope llama3
	[ "$(jq -c '[.attention_bias, .mlp_bias, .rope_scaling.factor, .rope_scaling.rope_type]' \
		b/config.json)" = '[true,true,8,"llama3"]' ]
	is b parameters $((98 * 16 + 16 + 2 * 16 + 4 * 256 + 3 * 24 * 16 + 4 * 16 + 2 * 24 + 16))
}

@test "--tied no gives a head of its own" {
	policy-init -q -o a "${tiny[@]}"
	policy-init -q -o b --tied no "${tiny[@]}"
	policy-init -q -o c --tied yes "${tiny[@]}"
	is b tied no
	is c tied yes
	[ "$(value b parameters)" -eq $(($(value a parameters) + 98 * 16)) ]
	status_is 1 grep -q lm_head a/model.safetensors
	grep -q lm_head b/model.safetensors
}

@test "-s: the same seed makes the same bytes, another one others" {
	policy-init -q -o a -s 5 "${tiny[@]}"
	policy-init -q -o b -s 5 "${tiny[@]}"
	policy-init -q -o c --seed 6 "${tiny[@]}"
	diff -r a b
	[ "$(value a hash)" = "$(value b hash)" ]
	[ "$(value a hash)" != "$(value c hash)" ]
}

@test "--std is the standard deviation of the matrices; norms are 1" {
	policy-init -q -o p --std 0.125
	skip=$((8 + $(od -An -N8 -td8 p/model.safetensors)))
	od -An -v -j $skip -w4 -tfF p/model.safetensors | awk '
		$1 == 1 { ones++; next }
		{ sum += $1; squares += $1 * $1; n++ }
		END {
			sd = sqrt(squares / n)
			print ones, n, sum / n, sd
			exit !(ones == 7 * 96 && sd > 0.1245 && sd < 0.1255 && sum / n < 1e-3 && sum / n > -1e-3)
		}'
}

@test "--dtype bf16 halves the file and is what --info says" {
	policy-init -q -o a
	policy-init -q -o b --dtype bf16
	is b dtype bf16
	grep -q '"torch_dtype": "bfloat16"' b/config.json
	[ $(($(wc -c <b/model.safetensors) * 19 / 10)) -lt "$(wc -c <a/model.safetensors)" ]
}

@test "--alphabet: one token a character, after <pad> and <eos>" {
	need_tool jq
	policy-init -q -o p --alphabet $'ba \n' "${tiny[@]}"
	is p tokens 6
	run jq -c .model.vocab p/tokenizer.json
	[ "$output" = '{"<pad>":0,"<eos>":1,"b":2,"a":3,"Ġ":4,"Ċ":5}' ]
	status_is 3 policy-init -o q --alphabet $'a\tb'
	says 'byte 0x09'
	[ ! -e q ]
}

@test "--tokenizer and --eos" {
	policy-init -q -o a --alphabet ab "${tiny[@]}"
	policy-init -q -o b --tokenizer a/tokenizer.json --eos a "${tiny[@]}"
	cmp a/tokenizer.json b/tokenizer.json
	is a stop 1
	is b stop 2
	grep -q '"eos_token": "a"' b/tokenizer_config.json
	status_is 3 policy-init -o c --tokenizer a/tokenizer.json --eos '<none>'
	says 'no token "<none>"'
	sed 's/<eos>/<fin>/g' a/tokenizer.json >t.json
	status_is 3 policy-init -o c --tokenizer t.json
	says 'no token that is known to end a text'
	status_is 4 policy-init -o c --tokenizer absent.json
	says 'absent.json: open: No such file'
	[ ! -e c ]
}

@test "--tokenizer with a real one" {
	need_data tokenizers/gpt2/tokenizer.json
	policy-init -q -o p --tokenizer "$data" --layers 1 --hidden 8 --heads 1 --ffn 8
	is p vocab 50257
	is p stop 50256
	cmp p/tokenizer.json "$data"
}

@test "--like takes what is not given" {
	policy-init -q -o a --layers 2 --hidden 32 --heads 4 --kv-heads 2 --ffn 40 --max-len 64 \
		--vocab 120 --rope-theta 5e5 --norm-eps 1e-6 --tied no --alphabet abc
	policy-init -q -o b -s 1 --like a
	diff <(policy-init --info a | grep -v hash) <(policy-init --info b | grep -v hash)
	cmp a/tokenizer.json b/tokenizer.json
	[ "$(value a hash)" != "$(value b hash)" ]
	policy-init -q -o c --like a --layers 1 --tied yes --alphabet 01
	is c layers 1
	is c tied yes
	is c hidden 32
	is c vocab 120
	is c tokens 4
	jq '.eos_token_id = [1, 3]' a/config.json >config
	mv config a/config.json
	policy-init -q -o several --like a
	is several stop 1,3
	jq -e '.eos_token_id == [1, 3]' several/config.json several/generation_config.json
	rm a/tokenizer.json
	policy-init -q -o d --like a
	is d tokens 98
	mkdir empty
	status_is 4 policy-init -o e --like empty
	says 'empty/config.json: open: No such file'
}

@test "--vocab: beyond the tokenizer is legal, below it is not" {
	policy-init -q -o p --vocab 1000 "${tiny[@]}"
	is p vocab 1000
	is p tokens 98
	status_is 3 policy-init -o q --vocab 97
	says '98 tokens, but vocab_size is 97'
	[ ! -e q ]
}

@test "--info of a published policy" {
	need_data stories260k
	is "$data" parameters 260032
	is "$data" stop 2,1
	is "$data" kv_heads 4
}

@test "--info --json: the same, as one object" {
	policy-init -q -o p "${tiny[@]}"
	status_is 0 policy-init --info p --json
	jq -es 'length == 1 and (.[0] | .tied == true and .norm_eps == 1e-5 and .rope_theta == 10000 and (.stop | type) == "array")' out
	policy-init --info p >lines
	[ "$(jq -r 'keys_unsorted[]' out)" = "$(cut -f 1 lines)" ]
	jq -r 'to_entries[] | [.key, (.value | if type == "array" then map(tostring) | join(",") elif . == true then "yes" else . end)] | @tsv' out |
		sed 's/1e-5$/1e-05/' | diff - lines
	status_is 2 policy-init -o q --json
	says '--json goes with --info'
}

@test "--info refuses what is no policy" {
	status_is 3 policy-init --info .
	says './config.json: no such file: not a policy folder'
	policy-init -q -o p "${tiny[@]}"
	truncate -s -1 p/model.safetensors
	status_is 3 policy-init --info p
	says 'p/model.safetensors: '
	[ -z "$output" ]
	policy-init -q -o cloned --layers 1
	printf 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n' >cloned/model.safetensors
	status_is 3 policy-init --info cloned
	says 'cloned/model.safetensors: a pointer of Git LFS, not the weights'
	mv cloned/model.safetensors cloned/pytorch_model.bin
	status_is 3 policy-init --info cloned
	says 'pytorch_model.bin is not read: transformers writes it as safetensors'
	cp cloned/pytorch_model.bin cloned/config.json
	status_is 3 policy-init --info cloned
	says 'cloned/config.json: a pointer of Git LFS, not the file'
	status_is 3 policy-init --info some-one/small-model
	says 'hf download some-one/small-model --local-dir FOLDER'
	mkdir -p models--a--b/snapshots/0123
	status_is 3 policy-init --info models--a--b
	says 'the policy is models--a--b/snapshots/0123'
}

@test "a folder that exists is left alone" {
	mkdir p
	status_is 4 policy-init -o p
	says 'p: exists already'
	rmdir p
	status_is 4 policy-init -o absent/p
	says 'absent: No such file'
}

@test "shapes that cannot be" {
	status_is 3 policy-init -o p --hidden 30 --heads 4
	says 'hidden_size: 30 is not a multiple of the 4'
	status_is 3 policy-init -o p --heads 4 --kv-heads 3
	says 'num_attention_heads: 4 is not a multiple of the 3'
	status_is 3 policy-init -o p --head-dim 7
	says 'head_dim: 7 is not an even number'
	[ ! -e p ]
}

@test "calls that are refused" {
	status_is 2 policy-init
	says 'one of --output, --info and --render'
	status_is 2 policy-init -o p --info q
	status_is 2 policy-init -o p operand
	status_is 2 policy-init -o p --alphabet a --tokenizer b
	status_is 2 policy-init -o p --layers -1
	status_is 2 policy-init -o p --dtype f64
	status_is 2 policy-init -o p --tied maybe
	[ ! -e p ]
}

@test "no space left: status 4, nothing is left behind" {
	status_is 4 bash -c 'ulimit -f 100; policy-init -o p'
	says 'model.safetensors: write: File too large'
	[ "$(echo *)" = "err out" ]
}

@test "--render shows what the policy sees, as text or as tokens" {
	policy-init -q -o p "${tiny[@]}"
	printf '%s' '{% for m in messages %}<{{ m.role }}>{{ m.content }}</>{% endfor %}' \
		'{% if add_generation_prompt %}<a>{{ x }}{% endif %}{% if tools %}{{ tools | length }}{% endif %}' \
		>p/chat_template.jinja
	rm p/model.safetensors
	echo '[{"role":"user","content":"1"}]' >ask
	echo '[{"role":"user","content":"1"},{"role":"assistant","content":"2"}]' >told
	[ "$(policy-init --render p <ask)" = '<user>1</><a>' ]
	[ "$(policy-init --render p --template-arg 'x="y"' <ask)" = '<user>1</><a>y' ]
	[ "$(policy-init --render p <told)" = '<user>1</><assistant>2</>' ]
	[ "$(policy-init --render p --continue-final <told)" = '<user>1</><assistant>2' ]
	jq '{messages: ., tools: [{}, {}], chat_template_kwargs: {x: 5}}' ask |
		policy-init --render p >out
	[ "$(cat out)" = '<user>1</><a>52' ]
	jq '{messages: ., continue_final_message: true}' told | policy-init --render p >out
	[ "$(cat out)" = '<user>1</><assistant>2' ]
	policy-init --render p --tokens <ask >out
	[ "$(wc -l <out)" = 13 ]
	[ "$(cut -f 2 out | jq -s -r 'join("")')" = '<user>1</><a>' ]
	[ "$(cut -f 1 out | paste -sd ' ')" = "$(policy-init --render p --tokens <ask | cut -f 1 | paste -sd ' ')" ]
	status_is 3 policy-init --render p </dev/null
	echo '{"prompt":"x"}' >bad
	status_is 3 policy-init --render p <bad
	says 'no list of messages'
	echo '[{"role":"user","content":"\u00e9"}]' >bad
	status_is 3 policy-init --render p --tokens <bad
	status_is 2 policy-init --render p --template-arg x <ask
	status_is 2 policy-init --render p -o q <ask
	status_is 2 policy-init -o q --tokens
	rm p/chat_template.jinja
	status_is 3 policy-init --render p <ask
	says 'no chat template'
}

@test "--alphabet: a character twice is a slip" {
	status_is 3 policy-init -o p --alphabet aa "${tiny[@]}"
	says "alphabet: 'a' is in it twice"
	[ ! -e p ]
}

@test "additional_chat_templates: one for tools; what is written has all of them" {
	policy-init -q -o p "${tiny[@]}"
	printf '%s' 'plain' >p/chat_template.jinja
	mkdir p/additional_chat_templates
	printf '%s' 'with {{ tools | length }}' >p/additional_chat_templates/tool_use.jinja
	printf '%s' 'cited' >p/additional_chat_templates/rag.jinja
	echo none >p/additional_chat_templates/readme.txt
	echo '{"messages":[{"role":"user","content":"1"}]}' >ask
	jq -c '.tools = [{}, {}]' ask >tools
	policy-mix -q p -o q
	for d in p q; do
		[ "$(policy-init --render $d <ask)" = plain ]
		[ "$(policy-init --render $d <tools)" = "with 2" ]
	done
	[ "$(jq -c '[.chat_template[].name]' q/tokenizer_config.json)" = '["default","rag","tool_use"]' ]
	[ ! -e q/chat_template.jinja ]
	# a template of the configuration is the default one where no file is
	rm p/chat_template.jinja
	jq '.chat_template = "older"' q/tokenizer_config.json >p/tokenizer_config.json
	[ "$(policy-init --render p <ask)" = older ]
	[ "$(policy-init --render p <tools)" = "with 2" ]
	printf 'a\377b' >p/additional_chat_templates/rag.jinja
	status_is 3 policy-init --render p <ask
	says "p/additional_chat_templates/rag.jinja: not UTF-8"
	rm p/additional_chat_templates/rag.jinja
	mkfifo p/additional_chat_templates/rag.jinja
	status_is 3 policy-init --render p <ask
	says "p/additional_chat_templates/rag.jinja"
}
