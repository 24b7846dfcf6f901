# policy-convert
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	tiny=(-q --layers 2 --hidden 64 --heads 4 --kv-heads 2 --ffn 96 --max-len 48)
}

gguf() { "$root/tests/cli/gguf.py" "$@"; }

key() { # FILE NAME: its value as JSON
	gguf keys "$1" | awk -F '\t' -v k="$2" '$1 == k { print $2 }'
}

# edit FOLDER JQ: its config.json changed
edit() {
	jq "$2" "$1/config.json" >config
	mv config "$1/config.json"
}

# greedy POLICY: what it answers to two prompts
greedy() {
	for prompt in '1+2=' 'abc (3*4)'; do
		policy-eval -q -p "$1" --prompt "$prompt" --greedy --max-new 8 --no-score
	done | traj-cat -c prompt_tokens,tokens
}

@test "a folder, a GGUF, a folder: the same bytes of weights, whatever the kind and the type" {
	for family in llama ministral3 qwen2 qwen3 granite smollm3 olmo2 olmo3 phi3 starcoder2 stablelm exaone4 glm4 \
		seed_oss hunyuan_v1_dense ernie4_5 apertus lfm2 qwen3_5_text; do
		policy-init "${tiny[@]}" --family $family -o $family -s 3
		[ $family != exaone4 ] || edit exaone4 '.sliding_window = null'
		status_is 0 policy-convert $family -o $family.gguf
		says "$family.gguf: $family, "
		status_is 0 policy-convert $family.gguf -o back
		cmp $family/model.safetensors back/model.safetensors
		[ "$(policy-init --info $family | grep ^hash)" = "$(policy-init --info back | grep ^hash)" ]
		greedy $family >was
		greedy back | cmp was -
		rm -r back
	done
	for type in f16 bf16; do
		policy-mix -q llama -o $type --dtype $type
		policy-convert -q $type -o $type.gguf
		gguf tensors $type.gguf | awk -F '\t' '/attn_q/ { m = $2 } /attn_norm/ { v = $2 }
			END { exit !(m == '$([ $type = f16 ] && echo 1 || echo 30)' && v == 0) }'
		policy-convert -q $type.gguf -o back
		cmp $type/model.safetensors back/model.safetensors
		rm -r back
	done
}

# gemma FOLDER KIND: its scores divided by the root of a head's size, as GGUF has it
gemma() {
	policy-init "${tiny[@]}" --layers 7 --family "$2" --dtype bf16 -o init
	jq '.query_pre_attn_scalar = .head_dim | .sliding_window = 5' init/config.json >config
	mv init "$1"
	mv config "$1/config.json"
}

@test "Gemma: norms are whole in a GGUF, layers have a window by a list or by the kind" {
	for family in gemma2 gemma3_text; do
		gemma a $family
		status_is 0 policy-convert a -o a.gguf
		[ "$(key a.gguf ${family%_text}.attention.sliding_window)" = 5 ]
		policy-convert -q a.gguf -o back
		cmp a/model.safetensors back/model.safetensors
		greedy a >was
		greedy back | cmp was -
		policy-convert --info a.gguf | grep -q '^blk.6.post_ffw_norm.weight	F32 64$'
		jq '.layer_types[3] = "full_attention" | .layer_types[5] = "sliding_attention"' a/config.json >config
		mv config a/config.json
		if [ $family = gemma2 ]; then
			status_is 3 policy-convert a -o b.gguf
			says "layer_types"
		else
			policy-convert -q a -o b.gguf
			[ "$(key b.gguf gemma3.attention.sliding_window_pattern)" = "[true, true, true, false, true, true, true]" ]
			policy-convert -q b.gguf -o b
			greedy a >was
			greedy b | cmp was -
		fi
		jq '.query_pre_attn_scalar = 17' a/config.json >config
		mv config a/config.json
		status_is 3 policy-convert a -o c.gguf
		says "query_pre_attn_scalar: GGUF has no key"
		rm -r a back a.gguf
	done
}

@test "granite and gemma3 as another writer has them" {
	for family in granite gemma3_text; do
		need_data gguf/golden-$family.gguf
		need_data models/$family/model.safetensors
		policy-convert -q "$SHARED_DATA/gguf/golden-$family.gguf" -o $family
		gguf close $family "$SHARED_DATA/models/$family"
	done
	policy-convert -q "$SHARED_DATA/models/granite" -o x.gguf
	gguf same x.gguf "$SHARED_DATA/gguf/golden-granite.gguf"
	gguf keys "$SHARED_DATA/gguf/golden-granite.gguf" | grep -v merges | sort >golden
	gguf keys x.gguf | sort | comm -13 - golden | cmp - /dev/null
	# a rotary embedding and windows as it was written; 17 under the root is not to be seen there
	for f in gemma3_text "$SHARED_DATA/models/gemma3_text"; do
		jq -c '[.layer_types, .sliding_window, .rms_norm_eps, .head_dim, .rope_theta // .rope_parameters.full_attention.rope_theta,
			.rope_local_base_freq // .rope_parameters.sliding_attention.rope_theta,
			(.rope_scaling // .rope_parameters.full_attention).factor]' "$f/config.json"
	done | uniq | wc -l | grep -qx 1
}

# layers of another shape than the others'
shaped() { # FAMILY JQ [policy-init options]: a folder FAMILY and its FAMILY.gguf
	local family=$1 change=$2
	shift 2
	rm -rf like "$family" "$family.gguf"
	policy-init "${tiny[@]}" --layers 4 --family "$family" -o like "$@"
	edit like "$change"
	policy-init -q --like like -o "$family" -s 5
	policy-convert -q "$family" -o "$family.gguf"
}

# the folder that comes of FAMILY.gguf answers as FAMILY does
comes_back() {
	rm -rf back
	policy-convert -q "$1.gguf" -o back
	greedy "$1" >was
	greedy back | cmp was -
}

@test "olmo2, olmo3, stablelm and apertus: output.weight is there, and a tied model comes back tied" {
	for family in olmo2 olmo3 stablelm apertus; do
		shaped $family .
		gguf tensors $family.gguf | awk -F '\t' '/^token_embd.weight|^output.weight/ { print $NF }' | uniq | wc -l | grep -qx 1
		gguf tensors $family.gguf | grep '^output.weight'
		comes_back $family
		cmp $family/model.safetensors back/model.safetensors
		[ "$(jq .tie_word_embeddings back/config.json)" = true ]
	done
	shaped olmo2 '.tie_word_embeddings = false'
	comes_back olmo2
	[ "$(jq .tie_word_embeddings back/config.json)" = false ]
}

@test "what a family has of its own: windows, norms of heads, numbers of layers, convolutions" {
	shaped olmo3 '.sliding_window = 5'
	[ "$(key olmo3.gguf general.architecture) $(key olmo3.gguf olmo2.attention.sliding_window)" = '"olmo2" 5' ]
	[ "$(key olmo3.gguf olmo2.attention.sliding_window_pattern)" = "[true, true, true, false]" ]
	comes_back olmo3
	shaped exaone4 '.sliding_window = 5' --layers 64 --hidden 8 --heads 2 --kv-heads 1 --ffn 8
	[ "$(key exaone4.gguf exaone4.attention.sliding_window)" = 5 ]
	comes_back exaone4
	shaped gemma2 '.query_pre_attn_scalar = 4' --layers 46 --hidden 8 --heads 2 --kv-heads 1 --head-dim 12
	comes_back gemma2
	[ "$(jq .query_pre_attn_scalar back/config.json)" = 4 ]
	shaped gemma3_text '.query_pre_attn_scalar = .head_dim | .sliding_window = null'
	comes_back gemma3_text
	shaped phi3 '.sliding_window = 6'
	[ "$(key phi3.gguf phi3.attention.sliding_window)" = 6 ]
	gguf tensors phi3.gguf | grep '^blk.3.attn_qkv.weight	0	128	64'
	gguf tensors phi3.gguf | grep '^blk.3.ffn_up.weight	0	192	64'
	comes_back phi3
	shaped stablelm '.qk_layernorm = true | .use_parallel_residual = true | .partial_rotary_factor = 0.5'
	gguf tensors stablelm.gguf | grep '^blk.3.attn_q_norm.weight	0	4	16'
	[ "$(gguf tensors stablelm.gguf | grep -c ffn_norm)" = 0 ]
	[ "$(key stablelm.gguf stablelm.rope.dimension_count)" = 8 ]
	comes_back stablelm
	shaped apertus .
	[ "$(key apertus.gguf xielu.alpha_p | tr , '\n' | grep -c 0.5413)" = 4 ]
	comes_back apertus
	shaped lfm2 '.layer_types = ["conv", "full_attention", "conv", "conv"]'
	[ "$(key lfm2.gguf lfm2.attention.head_count_kv)" = "[0, 2, 0, 0]" ]
	gguf tensors lfm2.gguf | grep '^blk.0.shortconv.conv.weight	0	64	3'
	comes_back lfm2
	shaped qwen3_5_text '.linear_num_key_heads = 2 | .linear_num_value_heads = 6 | .linear_key_head_dim = 8 | .linear_value_head_dim = 8'
	[ "$(key qwen3_5_text.gguf qwen35.ssm.inner_size) $(key qwen3_5_text.gguf qwen35.ssm.group_count)" = "48 2" ]
	[ "$(key qwen3_5_text.gguf qwen35.rope.dimension_sections)" = "[1, 1, 0, 0]" ]
	comes_back qwen3_5_text
	shaped hunyuan_v1_dense '.rope_scaling = {rope_type: "dynamic", alpha: 9}'
	comes_back hunyuan_v1_dense
	shaped ministral3 '.rope_parameters = {rope_type: "yarn", rope_theta: 500, factor: 4, beta_fast: 5, original_max_position_embeddings: 7, llama_4_scaling_beta: 0.3}'
	[ "$(key ministral3.gguf mistral3.rope.scaling.yarn_beta_fast)" = 5.0 ]
	comes_back ministral3
	shaped phi3 '.rope_scaling = {rope_type: "longrope", long_factor: [1,2,3,4,5,6,7,8], short_factor: [1,1,1,1,2,2,2,2]} | .original_max_position_embeddings = 16'
	gguf tensors phi3.gguf | grep '^rope_factors_long.weight	0	8'
	comes_back phi3
	jq -e '.rope_scaling.short_factor[4] == 2 and .original_max_position_embeddings == 16' back/config.json
}

@test "what llama.cpp would not load of a kind is not written" {
	cannot() { # FAMILY JQ WORDS [policy-init options]
		local family=$1 change=$2 words=$3
		shift 3
		rm -rf like p
		policy-init "${tiny[@]}" --layers 4 --family "$family" -o like "$@"
		edit like "$change"
		policy-init -q --like like -o p
		status_is 3 policy-convert p -o p.gguf
		says "$words"
		[ ! -e p.gguf ]
	}
	cannot qwen2 . "head_dim: a GGUF of qwen2 cannot have 4 heads of 24 with hidden_size 64" --head-dim 24
	cannot qwen3 '.rope_scaling = {rope_type: "llama3", factor: 4, original_max_position_embeddings: 16, low_freq_factor: 1, high_freq_factor: 4}' \
		"GGUF cannot say llama3 of a qwen3"
	cannot smollm3 '.mlp_bias = true' "GGUF has no such bias for smollm3"
	cannot starcoder2 '.use_bias = false' "use_bias: GGUF has no model without biases for starcoder2"
	cannot seed_oss '.attention_out_bias = true' "GGUF has no such bias for seed_oss"
	cannot lfm2 '.conv_bias = true' "conv_bias: GGUF has no such bias for lfm2"
	cannot exaone4 . "sliding_window"
	cannot gemma2 '.final_logit_softcapping = null | .query_pre_attn_scalar = 16' \
		"final_logit_softcapping: GGUF cannot say that a gemma2 has none"
	cannot gemma2 '.tie_word_embeddings = false | .query_pre_attn_scalar = 16' "the head of a GGUF of gemma2 is the embedding"
	# of that many layers: the 27B's scale
	cannot gemma2 '.query_pre_attn_scalar = 12' "query_pre_attn_scalar" --layers 46 --hidden 8 --heads 2 --kv-heads 1 --head-dim 12
	cannot qwen3_5_text '.linear_value_head_dim = 64' "linear_key_head_dim: GGUF cannot say 128 with linear_value_head_dim 64"
}

@test "Phi-3's tokens take blanks with them, which llama.cpp knows by general.name; no other has that name" {
	need_data models/tokenizers.jsonl
	jq -c 'select(.form == "phi3") | .tokenizer |
		.added_tokens += [.added_tokens[0] + {id: ([.added_tokens[].id] | max + 1), content: "<|endoftext|>"}] |
		.added_tokens |= map(.rstrip = (.content | IN("<unk>", "<s>", "<|endoftext|>") | not))' \
		"$SHARED_DATA/models/tokenizers.jsonl" >tokenizer.json
	vocab=$(jq '[.model.vocab[], .added_tokens[].id] | max + 1' tokenizer.json)
	policy-init "${tiny[@]}" --vocab "$vocab" -o p
	cp tokenizer.json p/
	printf '{"eos_token": "</s>", "bos_token": "<s>", "unk_token": "<unk>"}' >p/tokenizer_config.json
	status_is 0 policy-convert p -o p.gguf
	[ "$(key p.gguf general.name)" = '"Phi-3 p"' ]
	policy-convert -q p.gguf -o back
	[ "$(jq -c '[.added_tokens[] | select(.rstrip) | .content]' back/tokenizer.json)" = \
		"$(jq -c '[.added_tokens[] | select(.rstrip) | .content]' p/tokenizer.json)" ]
	for name in my-phi-3-mini Phi3 phi3.5; do
		policy-init "${tiny[@]}" -o $name
		policy-convert -q $name -o $name.gguf
		[[ "$(key $name.gguf general.name)" == *[Pp]hi\ 3* ]]
	done
	policy-init "${tiny[@]}" -o pphi3
	policy-convert -q pphi3 -o pphi3.gguf
	[ "$(key pphi3.gguf general.name)" = '"pphi 3"' ]
	# a name that is no text
	policy-init "${tiny[@]}" -o $'\xff'
	policy-convert -q $'\xff' -o x.gguf
	policy-convert -q x.gguf -o x
}

@test "mistral becomes a llama, where no window is to be seen" {
	policy-init "${tiny[@]}" --family mistral -o a
	policy-convert -q a -o a.gguf
	[ "$(key a.gguf general.architecture)" = '"llama"' ]
	policy-convert -q a.gguf -o back
	cmp a/model.safetensors back/model.safetensors
	jq '.sliding_window = 8' a/config.json >config
	mv config a/config.json
	status_is 3 policy-convert a -o b.gguf
	says "sliding_window"
	[ ! -e b.gguf ]
}

@test "untied, with a tokenizer that has fewer tokens than the model has rows" {
	policy-init "${tiny[@]}" --tied no --vocab 104 -o a
	policy-convert -q a -o a.gguf
	gguf tensors a.gguf | grep -q '^output.weight	0	104	64'
	key a.gguf tokenizer.ggml.tokens | grep -q '"\[PAD103\]"\]$'
	[ "$(key a.gguf tokenizer.ggml.token_type | tr -d '[] ' | tr , '\n' | sort | uniq -c | tr -s ' \n' ' ')" = " 96 1 2 3 6 5 " ]
	policy-convert -q a.gguf -o back
	cmp a/model.safetensors back/model.safetensors
	[ "$(jq .vocab_size back/config.json)" = 104 ]
	[ "$(jq '.model.vocab | length' back/tokenizer.json)" = 98 ]
}

@test "--type: each, what rounding takes is told, and what is not for folders" {
	policy-init "${tiny[@]}" -o a -s 2
	for type in f32 f16 bf16 q8_0; do
		status_is 0 policy-convert a -o $type.gguf --type $type
		[ $type = f32 ] || says "--type $type rounds "
		gguf tensors $type.gguf | cut -f 2 | sort -u >types-$type
		status_is 0 policy-convert $type.gguf -o $type
	done
	[ "$(paste -s types-f32 types-f16 types-bf16 types-q8_0 | tr '\t\n' ' ;')" = "0;0 1;0 30;0 8;" ]
	[ "$(key f32.gguf general.file_type) $(key f16.gguf general.file_type)" = "0 1" ]
	[ "$(key bf16.gguf general.file_type) $(key q8_0.gguf general.file_type)" = "32 7" ]
	for type in f16 bf16; do
		# rounded on the way there, or on the way back, or by another tool
		policy-convert -q f32.gguf -o later --type $type
		policy-mix -q a -o mixed --dtype $type
		cmp $type/model.safetensors later/model.safetensors
		cmp mixed/model.safetensors later/model.safetensors
		rm -r later mixed
	done
	# what came from blocks goes into the same blocks
	policy-convert -q q8_0 -o again.gguf --type q8_0
	gguf same q8_0.gguf again.gguf
	status_is 2 policy-convert f32.gguf -o x --type q8_0
	says "--type q8_0 is for GGUF files"
	status_is 2 policy-convert f32.gguf -o x --type q4_0
	[ ! -e x ]
}

@test "each quantised type: the numbers of the golden, and the loss of the model" {
	need_data gguf/quants.json
	for f in "$SHARED_DATA"/gguf/*.gguf; do
		name=$(basename "$f")
		[[ $name != golden-* ]] || continue
		policy-convert -q "$f" -o p
		gguf golden p "$SHARED_DATA/gguf/quants.json" "$name"
		jq -c --arg f "$name" '.[$f].sequence.ids |
			{task: "a", prompt: "", response: "", prompt_tokens: .[:1], tokens: .[1:], finish: "length"}' \
			"$SHARED_DATA/gguf/quants.json" | traj-cat -q --from-json |
			rft-tune -q -p p -o q --lr 1e-30 --steps 1 --batch 64 --warmup 0 --weight-decay 0 --log log
		jq -s --arg f "$name" '.[0].loss - .[1][$f].loss | fabs < 1e-5' log "$SHARED_DATA/gguf/quants.json" | grep -q true
		rm -r p q log
	done
}

@test "a llama with llama3's embedding and all biases, as another writer has it, and back" {
	need_data gguf/golden-llama.gguf
	need_data models/llama/model.safetensors
	status_is 0 policy-convert "$SHARED_DATA/gguf/golden-llama.gguf" -o p
	says "1 merges make no token"
	cmp p/model.safetensors "$SHARED_DATA/models/llama/model.safetensors"
	jq -S '{hidden_size, head_dim, num_key_value_heads, intermediate_size, rms_norm_eps, attention_bias,
		mlp_bias, tie_word_embeddings, vocab_size, eos_token_id, max_position_embeddings}' \
		p/config.json "$SHARED_DATA/models/llama/config.json" >shapes
	[ "$(jq -cs 'length, unique | if type == "array" then length else . end' shapes)" = $'2\n1' ]
	policy-convert -q "$SHARED_DATA/models/llama" -o x.gguf
	# its frequencies were computed in single precision
	[[ $(gguf same x.gguf "$SHARED_DATA/gguf/golden-llama.gguf") =~ ^(rope_freqs.weight)?$ ]]
	gguf keys "$SHARED_DATA/gguf/golden-llama.gguf" | grep -v merges | sort >golden
	gguf keys x.gguf | sort >ours
	[ "$(comm -13 ours golden)" = "" ]
}

@test "tokenizer by characters: the same ids there and back; scores say what is merged first" {
	need_data models/tokenizers.jsonl
	jq -c 'select(.form == "phi3")' "$SHARED_DATA/models/tokenizers.jsonl" >form
	vocab=$(jq '.tokenizer | [.model.vocab[], .added_tokens[].id] | max + 1' form)
	policy-init "${tiny[@]}" --vocab "$vocab" -o p
	jq '.tokenizer | .added_tokens |= map(.rstrip = false | .lstrip = false)' form >p/tokenizer.json
	printf '{"eos_token": "</s>", "bos_token": "<s>", "unk_token": "<unk>"}' >p/tokenizer_config.json
	status_is 0 policy-convert p -o p.gguf
	[ "$(key p.gguf tokenizer.ggml.model) $(key p.gguf tokenizer.ggml.add_space_prefix)" = '"llama" true' ]
	[ "$(key p.gguf tokenizer.ggml.bos_token_id)" = 1 ]
	status_is 0 policy-convert p.gguf -o back
	jq -r '.cases[].text | select(contains("\u0000") | not)' form | split -l 1 - text-
	for t in text-*; do
		for p in p back; do
			policy-eval -q -p $p --prompt "$(cat $t)" --max-new 1 --no-score --greedy |
				traj-cat -c prompt_tokens >ids-$p
		done
		cmp ids-p ids-back
	done
	[ "$(jq -c '[.normalizer.normalizers[].type], [.decoder.decoders[].type]' back/tokenizer.json)" = \
		$'["Prepend","Replace"]\n["Replace","ByteFallback","Fuse","Strip"]' ]
}

@test "Gemma's tokenizer: its cut at blanks is none; tokens that swallow blanks are told of" {
	need_data models/tokenizers.jsonl
	for form in gemma phi3; do
		jq -c --arg f $form 'select(.form == $f)' "$SHARED_DATA/models/tokenizers.jsonl" >form
		vocab=$(jq '.tokenizer | [.model.vocab[], .added_tokens[].id] | max + 1' form)
		policy-init "${tiny[@]}" --vocab "$vocab" -o p
		jq .tokenizer form >p/tokenizer.json
		printf '{"eos_token": "</s>", "bos_token": "<s>", "unk_token": "<unk>"}' >p/tokenizer_config.json
		if [ $form = phi3 ]; then
			status_is 0 policy-convert p -o p.gguf
			says "white space beside 3 added tokens goes with them here"
			jq '.added_tokens[0].single_word = true' p/tokenizer.json >t
			mv t p/tokenizer.json
			status_is 3 policy-convert p -o q.gguf
			says "single_word: GGUF cannot say that"
			continue
		fi
		status_is 0 policy-convert p -o p.gguf
		[ "$(key p.gguf tokenizer.ggml.add_space_prefix)" = false ]
		status_is 0 policy-convert p.gguf -o back
		for text in 'abc  de' 'a b c' ' hello the world'; do
			for p in p back; do
				policy-eval -q -p $p --prompt "$text" --max-new 1 --no-score --greedy |
					traj-cat -c prompt_tokens >ids-$p
			done
			cmp ids-p ids-back
		done
		rm -r p back p.gguf
	done
}

@test "byte-level: pattern, template, stop tokens and added tokens there and back" {
	need_data models/tokenizers.jsonl
	for form in llama3 tekken granite qwen3_5 olmo2; do
		jq -c --arg f $form 'select(.form == $f)' "$SHARED_DATA/models/tokenizers.jsonl" >form
		vocab=$(jq '.tokenizer | [.model.vocab[], .added_tokens[].id] | max + 1' form)
		policy-init "${tiny[@]}" --vocab "$vocab" -o p
		jq .tokenizer form >p/tokenizer.json
		eos=$(jq -r '.tokenizer.added_tokens[0].content' form)
		jq -n --arg eos "$eos" '{eos_token: $eos, chat_template: "{{ messages }}"}' >p/tokenizer_config.json
		status_is 0 policy-convert p -o p.gguf
		status_is 0 policy-convert p.gguf -o back
		[ "$(jq -c .model.merges back/tokenizer.json)" = "$(jq -c '.tokenizer.model.merges | map(if type == "string" then split(" ") else . end)' form)" ]
		[ "$(jq -c '[.added_tokens[] | {id, content, special}] | sort_by(.id)' back/tokenizer.json)" = \
			"$(jq -c '.tokenizer | [.added_tokens[] | {id, content, special}] | sort_by(.id)' form)" ]
		[ "$(jq -c '.model.ignore_merges' back/tokenizer.json)" = "$(jq -c '.tokenizer.model.ignore_merges' form)" ]
		[ "$(jq -c '[.eos_token, .chat_template]' back/tokenizer_config.json)" = "[\"$eos\",\"{{ messages }}\"]" ]
		jq -r '.cases[].text | select(contains("\u0000") | not) | @json' form | while read -r text; do
			for p in p back; do
				jq -c -n --argjson t "$text" '{id: "a", prompt: $t, answer: ""}' |
					policy-eval -q -p $p -t - --max-new 1 --no-score --greedy |
					traj-cat -c prompt_tokens >ids-$p
			done
			cmp ids-p ids-back
		done
		rm -r p back p.gguf
	done
}

@test "an adapter is added to the weights under it" {
	policy-init "${tiny[@]}" -o a
	echo '{"task":"a","prompt":"a","response":"b"}' | traj-cat -q --from-json |
		rft-tune -q -p a --lora 2 --lr 1e-2 --warmup 0 --steps 3 -o adapter
	policy-mix -q adapter -o whole
	policy-convert -q adapter -o adapter.gguf
	policy-convert -q whole -o whole.gguf
	gguf same adapter.gguf whole.gguf
	not gguf same adapter.gguf <(policy-convert -q a -o a.gguf && cat a.gguf)
}

@test "--info: keys and tensors, a line each" {
	policy-init "${tiny[@]}" -o a
	policy-convert -q a -o a.gguf
	status_is 0 policy-convert --info a.gguf
	[[ $output == "general.architecture	llama"* ]]
	[[ $output == *"llama.attention.layer_norm_rms_epsilon	0.00001"* ]]
	[[ $output == *"tokenizer.ggml.tokens	98 of type string"* ]]
	[[ $output == *"blk.1.ffn_down.weight	F32 64 96"* ]]
	[ "$(wc -l <<<"$output")" = "$(($(gguf keys a.gguf | wc -l) + $(gguf tensors a.gguf | wc -l)))" ]
	status_is 3 policy-convert --info a
	says "a: not a regular file"
}

# spec FILTER: a small llama in words, changed by jq
spec() {
	jq -n '
		def ones($n): [range($n)] | map(1);
		{keys: [
			["general.architecture", "string", "llama"], ["llama.context_length", "u32", 32],
			["llama.embedding_length", "u32", 4], ["llama.block_count", "u32", 1],
			["llama.feed_forward_length", "u32", 3], ["llama.attention.head_count", "u32", 2],
			["llama.attention.layer_norm_rms_epsilon", "f32", 1e-5],
			["tokenizer.ggml.model", "string", "gpt2"], ["tokenizer.ggml.pre", "string", "gpt-2"],
			["tokenizer.ggml.tokens", "list string", ["<|im_end|>", "a", "b", "ab", "é x"]],
			["tokenizer.ggml.token_type", "list i32", [3, 1, 1, 1, 4]],
			["tokenizer.ggml.merges", "list string", ["a b"]], ["tokenizer.ggml.eos_token_id", "u32", 0]],
		tensors: [
			["token_embd.weight", [5, 4], ones(20)], ["output_norm.weight", [4], ones(4)],
			["blk.0.attn_norm.weight", [4], ones(4)], ["blk.0.ffn_norm.weight", [4], ones(4)],
			["blk.0.attn_q.weight", [4, 4], [range(16)]], ["blk.0.attn_k.weight", [4, 4], ones(16)],
			["blk.0.attn_v.weight", [4, 4], ones(16)], ["blk.0.attn_output.weight", [4, 4], ones(16)],
			["blk.0.ffn_gate.weight", [3, 4], ones(12)], ["blk.0.ffn_up.weight", [3, 4], ones(12)],
			["blk.0.ffn_down.weight", [4, 3], ones(12)]]}
		| def set($k; $t; $v): .keys |= map(select(.[0] != $k)) + [[$k, $t, $v]];
		def drop($k): .keys |= map(select(.[0] != $k)) | .tensors |= map(select(.[0] != $k));
		'"$1" | gguf make x.gguf
}

@test "a file of the fewest keys: what is absent has its default" {
	spec .
	status_is 0 policy-convert x.gguf -o p
	[ "$(jq -c '[.num_key_value_heads, .head_dim, .rope_theta, .tie_word_embeddings]' p/config.json)" = "[2,2,10000,true]" ]
	[ "$(jq -c .eos_token_id p/generation_config.json)" = 0 ]
	# a token that the byte alphabet would spell otherwise is an added one alone
	[ "$(jq -c '[.model.vocab["é x"], (.added_tokens[] | select(.id == 4) | .content, .special)]' p/tokenizer.json)" = '[null,"é x",false]' ]
	policy-eval -q -p p --prompt 'abé xa' --max-new 1 --no-score | traj-cat -c prompt_tokens | grep -q '3,4,1'
	# a scale of 0 is none, as in llama.cpp
	spec '.keys |= map(.[0] |= sub("^llama[.]"; "granite.")) | set("general.architecture"; "string"; "granite") |
		reduce ("attention.", "embedding_", "residual_", "logit_") as $k (.; set("granite.\($k)scale"; "f32"; 0))'
	policy-convert -q x.gguf -o g
	[ "$(jq -c '[(.attention_multiplier * .attention_multiplier * 1000 | round), .embedding_multiplier, .residual_multiplier, .logits_scaling]' \
		g/config.json)" = "[500,1,1,1]" ]
	# rows of a head: 0 1 stay in heads of two; in one head of four they come apart
	spec 'set("llama.attention.head_count"; "u32"; 1)'
	policy-convert -q x.gguf -o q --type f32
	gguf make y.gguf <<<'{"keys": [], "tensors": []}'
	/usr/bin/python3 - <<-'END'
		import json, struct
		raw = open("q/model.safetensors", "rb").read()
		n = struct.unpack_from("<Q", raw)[0]
		a, b = json.loads(raw[8:8 + n])["model.layers.0.self_attn.q_proj.weight"]["data_offsets"]
		v = struct.unpack("<16f", raw[8 + n + a:8 + n + b])
		assert list(v) == [0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15], v
	END
}

@test "stop tokens: the file's, then those that are called so; add_bos by the name of the pattern" {
	spec 'set("tokenizer.ggml.tokens"; "list string"; ["<|eot_id|>", "a", "b", "ab", "<|begin|>"]) |
		set("tokenizer.ggml.token_type"; "list i32"; [3, 1, 1, 1, 3]) |
		set("tokenizer.ggml.eos_token_id"; "u32"; 4) | set("tokenizer.ggml.bos_token_id"; "u32"; 4) |
		set("tokenizer.ggml.pre"; "string"; "llama-bpe")'
	policy-convert -q x.gguf -o p
	[ "$(jq -c .eos_token_id p/generation_config.json)" = "[4,0]" ]
	policy-eval -q -p p --prompt 'ab' --max-new 1 --no-score | traj-cat -c prompt_tokens | grep -q '4,3'
	policy-convert -q p -o y.gguf
	[ "$(key y.gguf tokenizer.ggml.add_bos_token) $(key y.gguf tokenizer.ggml.eot_token_id)" = "true 0" ]
}

refuses() { # FILTER TEXT
	spec "$1"
	status_is 3 policy-convert x.gguf -o p
	says "$2"
	[ "$(wc -l <<<"$stderr")" = 1 ]
	[ ! -e p ]
}

@test "what is refused, by name: nothing is written" {
	refuses 'set("general.architecture"; "string"; "mamba")' "architecture mamba is not supported"
	refuses 'drop("general.architecture")' "general.architecture: missing"
	refuses 'drop("llama.block_count")' "llama.block_count: missing"
	refuses 'set("llama.block_count"; "u32"; 2)' "tensor blk.1.attn_norm.weight: missing"
	refuses 'set("llama.block_count"; "u32"; 12)' "its keys ask for"
	refuses 'set("llama.block_count"; "string"; "1")' "llama.block_count: string, not an integer"
	refuses 'set("llama.expert_count"; "u32"; 8)' "llama.expert_count: 8 is not supported"
	refuses 'set("llama.attention.sliding_window"; "u32"; 4096)' "llama.attention.sliding_window: 4096"
	refuses 'set("llama.attention.causal"; "bool"; false)' "llama.attention.causal: false is not supported"
	refuses 'set("llama.attention.key_length_swa"; "u32"; 8)' "llama.attention.key_length_swa: 8"
	refuses 'set("llama.rope.scaling.attn_factor"; "f32"; 2)' "llama.rope.scaling.attn_factor: 2 is not supported"
	refuses 'set("llama.rope.scaling.alpha"; "f32"; 100)' "llama.rope.scaling.alpha: 100 is not supported"
	refuses 'set("llama.rope.freq_base_swa"; "f32"; 77)' "llama.rope.freq_base_swa: 77 is not supported"
	refuses 'set("llama.rope.dimension_count"; "u32"; 1)' "llama.rope.dimension_count: 1 is not supported"
	refuses 'set("llama.rope.scaling.type"; "string"; "longrope")' "longrope is not supported"
	refuses 'set("llama.attention.head_count_kv"; "list u32"; [2])' "a list of u32, not an integer"
	refuses 'drop("tokenizer.ggml.tokens")' "tokenizer.ggml.tokens: 0 tokens"
	refuses 'set("tokenizer.ggml.model"; "string"; "t5")' "tokenizer.ggml.model: t5 is not supported"
	refuses 'set("tokenizer.ggml.pre"; "string"; "viking")' "tokenizer.ggml.pre: viking is not supported"
	refuses 'set("tokenizer.ggml.token_type"; "list i32"; [1])' "tokenizer.ggml.token_type: 1 of 5 tokens"
	refuses 'set("tokenizer.ggml.tokens"; "list string"; ["a", "b", "a", "c", "d"])' '0 and 2 are both "a"'
	refuses 'set("tokenizer.ggml.merges"; "list string"; ["ab"])' "tokenizer.ggml.merges: 0 is not a pair"
	refuses 'set("tokenizer.ggml.eos_token_id"; "u32"; 5)' "tokenizer.ggml.eos_token_id: 5 of 5 tokens"
	refuses 'set("tokenizer.ggml.model"; "string"; "llama")' "tokenizer.ggml.scores: 0 of 5 tokens"
	refuses '.tensors[0][1] = [4, 5]' "tensor token_embd.weight: shape [4, 5], but the keys ask for [5, 4]"
	refuses 'drop("blk.0.ffn_up.weight")' "tensor blk.0.ffn_up.weight: missing"
	refuses '.tensors += [["blk.0.attn_qkv.weight", [1], [0]]]' "tensor blk.0.attn_qkv.weight: not one of a llama"
	refuses '.tensors += [["blk.1.ffn_up.weight", [1], [0]]]' "tensor blk.1.ffn_up.weight: not one of a llama"
	refuses '.tensors += [["rope_freqs.weight", [1], [3]]]' "rope_freqs.weight"
	refuses '.tensors[1][2][2] = 1e40' "output_norm.weight" || refuses '.tensors[1][2][2] = 1e40' "finite"
}

@test "what a folder cannot say in GGUF is refused, and what it says wrong" {
	policy-init "${tiny[@]}" -o a
	cp -r a b
	jq '.normalizer = {type: "Prepend", prepend: "x"}' a/tokenizer.json >b/tokenizer.json
	status_is 3 policy-convert b -o x.gguf
	says "b: tokenizer.json: normalizer"
	jq '.pre_tokenizer.add_prefix_space = true | .model.vocab["12"] = 98 | .model.merges = ["1 2"]' \
		a/tokenizer.json >b/tokenizer.json
	jq '.vocab_size = 99' a/config.json >b/config.json
	status_is 3 policy-convert b -o x.gguf
	cp a/tokenizer.json a/config.json b
	jq '.rope_scaling = {rope_type: "yarn", factor: 2, beta_fast: 16}' a/config.json >b/config.json
	status_is 3 policy-convert b -o x.gguf
	says "yarn with beta_fast"
	status_is 3 policy-convert nowhere -o x.gguf
	says "nowhere: no such file"
	[ ! -e x.gguf ]
}

@test "wrong options; what exists is left alone; nothing stays behind" {
	policy-init "${tiny[@]}" -o a
	status_is 2 policy-convert a
	says "one of --output and --info is needed"
	status_is 2 policy-convert --info a -o b
	status_is 2 policy-convert -o b
	status_is 2 policy-convert a a -o b
	echo kept >b.gguf
	status_is 4 policy-convert a -o b.gguf
	says "b.gguf: exists already"
	[ "$(cat b.gguf)" = kept ]
	policy-convert -q a --output c.gguf
	status_is 3 policy-mix c.gguf -o d
	says "c.gguf: a GGUF: policy-convert c.gguf -o FOLDER makes a policy of it"
	status_is 4 policy-convert c.gguf -o a
	[ "$(find . -name '*.tmp-*')" = "" ]
}
