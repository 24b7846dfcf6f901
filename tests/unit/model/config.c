/* config.h: every key that changes the arithmetic is honoured or refused by name. */
#include "scratch.h"

#include "model/config.h"

#include <math.h>

#include <jansson.h>

static const char base[] =
	"{\"architectures\":[\"LlamaForCausalLM\"],\"model_type\":\"llama\",\"vocab_size\":40,"
	"\"hidden_size\":32,\"intermediate_size\":48,\"num_hidden_layers\":2,"
	"\"num_attention_heads\":4,\"num_key_value_heads\":2,\"hidden_act\":\"silu\","
	"\"max_position_embeddings\":64,\"rms_norm_eps\":1e-05,\"rope_theta\":10000.0,"
	"\"rope_scaling\":null,\"tie_word_embeddings\":true,\"attention_bias\":false,"
	"\"mlp_bias\":false,\"bos_token_id\":1,\"eos_token_id\":2,\"torch_dtype\":\"float32\","
	"\"custom\":{\"kept\":true}}";

/* base with the keys of patch set; a key set to "absent" is taken out */
static char *patched(const char *patch)
{
	json_t *j = json_loads(base, 0, NULL), *p = json_loads(patch, 0, NULL), *v;
	const char *key;
	char *text;

	assert_non_null(p);
	json_object_update(j, p);
	json_object_foreach(p, key,
			    v) if (json_is_string(v) && strcmp(json_string_value(v), "absent") == 0)
		json_object_del(j, key);
	text = json_dumps(j, 0);
	json_decref(j);
	json_decref(p);
	return text;
}

static int parse(struct config *c, const char *patch, const char *gen, struct reason *why)
{
	char *text = patched(patch);
	int st = config_parse(c, text, strlen(text), gen, gen ? strlen(gen) : 0, "dir", why);

	free(text);
	return st;
}

static void assert_accepted(struct config *c, const char *patch)
{
	struct reason why = {0};

	if (parse(c, patch, NULL, &why))
		fail_msg("%s: %s", patch, why.text);
}

static void plain(void **state)
{
	struct config c;

	(void)state;
	assert_accepted(&c, "{}");
	assert_int_equal(c.vocab, 40);
	assert_int_equal(c.d, 32);
	assert_int_equal(c.layers, 2);
	assert_int_equal(c.heads, 4);
	assert_int_equal(c.kv_heads, 2);
	assert_int_equal(c.head_dim, 8);
	assert_int_equal(c.ffn, 48);
	assert_int_equal(c.max_len, 64);
	assert_true(c.norm_eps == 1e-5 && c.rope.theta == 10000 && c.tied);
	assert_int_equal(c.bos, 1);
	assert_int_equal(c.n_eos, 1);
	assert_int_equal(c.eos[0], 2);
	/* embedding, 2 x (norms, q and o, k and v, gate up down), last norm */
	assert_int_equal(config_params(&c),
			 40 * 32 + 2 * (64 + 2 * 1024 + 2 * 512 + 3 * 1536) + 32);
	config_free(&c);
	assert_accepted(&c, "{\"tie_word_embeddings\":false}");
	assert_int_equal(config_params(&c),
			 2 * 40 * 32 + 2 * (64 + 2 * 1024 + 2 * 512 + 3 * 1536) + 32);
	config_free(&c);
}

static void kept_as_it_came(void **state)
{
	struct config c;

	(void)state;
	assert_int_equal(config_parse(&c, base, sizeof base - 1, NULL, 0, "dir", NULL), 0);
	assert_int_equal(c.json.n, sizeof base - 1);
	assert_memory_equal(c.json.p, base, c.json.n);
	config_free(&c);
}

static void defaults(void **state)
{
	struct config c;

	(void)state;
	assert_accepted(&c, "{\"num_key_value_heads\":\"absent\",\"rms_norm_eps\":\"absent\","
			    "\"rope_theta\":\"absent\",\"tie_word_embeddings\":\"absent\","
			    "\"max_position_embeddings\":\"absent\",\"bos_token_id\":null,"
			    "\"eos_token_id\":null,\"architectures\":\"absent\"}");
	assert_int_equal(c.kv_heads, 4);
	assert_int_equal(c.max_len, 2048);
	assert_true(c.norm_eps == 1e-6 && c.rope.theta == 10000 && !c.tied);
	assert_int_equal(c.bos, -1);
	assert_int_equal(c.n_eos, 0);
	config_free(&c);
}

/* Spellings that mean the plain thing. */
static void accepted(void **state)
{
	static const char *const patches[] = {
		"{\"head_dim\":16}",
		"{\"head_dim\":null}",
		"{\"hidden_act\":\"swish\"}",
		"{\"attention_bias\":null}",
		"{\"rope_interleaved\":false}",
		"{\"rope_scaling\":{\"rope_type\":\"default\"}}",
		"{\"rope_scaling\":{\"type\":\"default\"}}",
		"{\"rope_parameters\":{\"rope_type\":\"default\",\"rope_theta\":10000.0}}",
		"{\"rope_parameters\":{\"rope_theta\":10000.0}}",
		"{\"pretraining_tp\":1}",
		"{\"partial_rotary_factor\":1.0}",
		"{\"attention_dropout\":0.0}",
		"{\"sliding_window\":null}",
		"{\"sliding_window\":4096,\"use_sliding_window\":false}",
		"{\"layer_types\":[\"full_attention\",\"full_attention\"]}",
		"{\"quantization_config\":null}",
		"{\"embedding_multiplier\":1.0,\"logits_scaling\":1,\"clip_qkv\":null}",
		"{\"torch_dtype\":\"absent\",\"dtype\":\"bfloat16\"}",
	};
	struct config c;

	(void)state;
	for (size_t i = 0; i < sizeof patches / sizeof *patches; i++) {
		assert_accepted(&c, patches[i]);
		config_free(&c);
	}
	assert_accepted(&c, "{\"head_dim\":16}");
	assert_int_equal(c.head_dim, 16);
	config_free(&c);
	assert_accepted(&c, "{\"rope_theta\":\"absent\",\"rope_parameters\":"
			    "{\"rope_type\":\"default\",\"rope_theta\":5e5}}");
	assert_true(c.rope.theta == 5e5);
	config_free(&c);
}

static void refused(void **state)
{
	static const struct {
		const char *patch, *says;
	} cases[] = {
		{"{\"model_type\":\"gemma\"}", "model_type: \"gemma\" is not supported"},
		{"{\"model_type\":\"qwen2\"}", "architectures: [\"LlamaForCausalLM\"]"},
		{"{\"model_type\":\"absent\"}", "model_type: missing"},
		{"{\"architectures\":[\"LlamaForSequenceClassification\"]}", "architectures: "},
		{"{\"hidden_act\":\"gelu\"}", "hidden_act: \"gelu\" is not supported"},
		{"{\"attention_bias\":1}", "attention_bias: 1 is not true or false"},
		{"{\"mlp_bias\":0}", "mlp_bias: 0 is not true or false"},
		{"{\"rope_interleaved\":true}", "rope_interleaved: true is not supported"},
		{"{\"use_mrope\":true}", "use_mrope: true is not supported"},
		{"{\"original_max_position_embeddings\":4096}",
		 "original_max_position_embeddings: 4096 is not supported"},
		{"{\"dual_chunk_attention_config\":{\"chunk_size\":262144}}",
		 "dual_chunk_attention_config: "},
		{"{\"attention_dropout\":0.1}", "attention_dropout: 0.1"},
		{"{\"pretraining_tp\":2}", "pretraining_tp: 2 is not supported"},
		{"{\"partial_rotary_factor\":0.5}", "partial_rotary_factor: 0.5"},
		{"{\"use_sliding_window\":true}", "use_sliding_window: true"},
		{"{\"quantization_config\":{\"bits\":4}}", "quantization_config: "},
		/* of kin that have our tensors and another arithmetic, with model_type edited */
		{"{\"embedding_multiplier\":12.0}", "embedding_multiplier: 12.0 is not supported"},
		{"{\"residual_multiplier\":0.22}", "residual_multiplier: 0.22"},
		{"{\"attention_multiplier\":0.015625}", "attention_multiplier: 0.015625"},
		{"{\"logits_scaling\":8.0}", "logits_scaling: 8.0"},
		{"{\"logit_scale\":0.0625}", "logit_scale: 0.0625"},
		{"{\"scale_emb\":12}", "scale_emb: 12"},
		{"{\"scale_depth\":1.4}", "scale_depth: 1.4"},
		{"{\"attn_logit_softcapping\":50.0}", "attn_logit_softcapping: 50.0"},
		{"{\"final_logit_softcapping\":30.0}", "final_logit_softcapping: 30.0"},
		{"{\"no_rope_layers\":[1,0]}", "no_rope_layers: [1,0]"},
		{"{\"clip_qkv\":8.0}", "clip_qkv: 8.0"},
		{"{\"sliding_window\":4096}", "sliding_window: 4096 is not supported"},
		{"{\"layer_types\":[\"full_attention\",\"sliding_attention\"]}", "layer_types: "},
		{"{\"layer_types\":\"full_attention\"}", "layer_types: "},
		{"{\"rope_scaling\":{\"rope_type\":\"dynamic\",\"factor\":8.0}}",
		 "rope_scaling: rope_type: \"dynamic\" is not supported"},
		{"{\"rope_parameters\":{\"rope_type\":\"default\",\"rope_theta\":5e5}}",
		 "rope_theta: 10000, but rope_parameters says 500000"},
		{"{\"rope_theta\":\"x\"}", "rope_theta: \"x\" is not a number"},
		{"{\"rope_theta\":0.5}", "rope_theta: 0.5 is not within"},
		{"{\"rms_norm_eps\":0}", "rms_norm_eps: 0 is not between"},
		{"{\"rms_norm_eps\":-1e-5}", "rms_norm_eps: "},
		{"{\"vocab_size\":\"absent\"}", "vocab_size: missing"},
		{"{\"vocab_size\":0}", "vocab_size: 0 is not within"},
		{"{\"vocab_size\":-1}", "vocab_size: -1 is not within"},
		{"{\"vocab_size\":40.0}", "vocab_size: 40.0 is not an integer"},
		{"{\"vocab_size\":9223372036854775807}", "vocab_size: 9223372036854775807 is not"},
		{"{\"hidden_size\":null}", "hidden_size: missing"},
		{"{\"hidden_size\":33}", "hidden_size: 33 is not a multiple"},
		{"{\"hidden_size\":1048577}", "hidden_size: 1048577 is not within"},
		{"{\"num_hidden_layers\":0}", "num_hidden_layers: 0"},
		{"{\"num_hidden_layers\":4097}", "num_hidden_layers: 4097"},
		{"{\"num_attention_heads\":0}", "num_attention_heads: 0"},
		{"{\"num_key_value_heads\":3}",
		 "num_attention_heads: 4 is not a multiple of the 3"},
		{"{\"num_key_value_heads\":8}",
		 "num_attention_heads: 4 is not a multiple of the 8"},
		{"{\"head_dim\":7}", "head_dim: 7 is not an even number"},
		{"{\"head_dim\":4098}", "head_dim: 4098 is not within"},
		{"{\"hidden_size\":1048576,\"num_attention_heads\":2}", "head_dim: 524288"},
		{"{\"intermediate_size\":0}", "intermediate_size: 0"},
		{"{\"max_position_embeddings\":0}", "max_position_embeddings: 0"},
		{"{\"tie_word_embeddings\":1}", "tie_word_embeddings: 1 is not true or false"},
		{"{\"bos_token_id\":40}", "bos_token_id: 40 is not within 0..39"},
		{"{\"eos_token_id\":40}", "eos_token_id: 40 is not within 0..39"},
		{"{\"eos_token_id\":-1}", "eos_token_id: -1 is not within"},
		{"{\"eos_token_id\":[1,\"2\"]}", "eos_token_id: \"2\" is not an integer"},
		{"{\"eos_token_id\":[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]}",
		 "eos_token_id: more than 16"},
	};
	struct config c;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct reason why = {0};

		if (parse(&c, cases[i].patch, NULL, &why) != ST_INPUT)
			fail_msg("accepted: %s", cases[i].patch);
		assert_says(&why, "dir/config.json: ");
		assert_says(&why, cases[i].says);
		config_free(&c);
	}
}

/* Qwen2: biases that no key tells of, a window that is off unless told. */
static const char qwen2[] =
	"{\"architectures\":[\"Qwen2ForCausalLM\"],\"model_type\":\"qwen2\",\"attention_bias\":"
	"\"absent\",\"mlp_bias\":\"absent\",\"sliding_window\":131072,\"max_window_layers\":21,"
	"\"use_mrope\":false}";
static const char qwen3[] = "{\"architectures\":[\"Qwen3ForCausalLM\"],\"model_type\":\"qwen3\","
			    "\"mlp_bias\":\"absent\","
			    "\"head_dim\":16,\"sliding_window\":null,\"use_sliding_window\":false}";

static void families(void **state)
{
	struct config c;

	(void)state;
	assert_accepted(&c, "{}");
	assert_int_equal(c.family, FAMILY_LLAMA);
	assert_false(c.qkv_bias || c.o_bias || c.mlp_bias || c.qk_norm);
	config_free(&c);
	assert_accepted(&c, "{\"attention_bias\":true,\"mlp_bias\":true}");
	assert_true(c.qkv_bias && c.o_bias && c.mlp_bias && !c.qk_norm);
	assert_int_equal(config_params(&c), 40 * 32 + 32 +
						    2 * (64 + 2 * 1024 + 2 * 512 + 3 * 1536 + 32 +
							 2 * 16 + 32 + 2 * 48 + 32));
	config_free(&c);
	assert_accepted(&c, qwen2);
	assert_int_equal(c.family, FAMILY_QWEN2);
	assert_true(c.qkv_bias && !c.o_bias && !c.mlp_bias && !c.qk_norm);
	assert_int_equal(c.head_dim, 8);
	config_free(&c);
	assert_accepted(&c, qwen3);
	assert_int_equal(c.family, FAMILY_QWEN3);
	assert_true(!c.qkv_bias && !c.o_bias && !c.mlp_bias && c.qk_norm);
	assert_int_equal(config_params(&c),
			 40 * 32 + 32 + 2 * (64 + 2 * 2048 + 2 * 1024 + 3 * 1536 + 2 * 16));
	config_free(&c);
}

/* A family's config with one key more */
static void assert_refused(const char *family, const char *key, const char *value, const char *says)
{
	json_t *j = json_loads(family, 0, NULL);
	struct reason why = {0};
	struct config c;
	char *text;

	json_object_set_new(j, key, json_loads(value, JSON_DECODE_ANY, NULL));
	text = json_dumps(j, 0);
	assert_int_equal(parse(&c, text, NULL, &why), ST_INPUT);
	assert_says(&why, says);
	config_free(&c);
	free(text);
	json_decref(j);
}

static void refused_of_families(void **state)
{
	(void)state;
	assert_refused(qwen2, "use_sliding_window", "true", "use_sliding_window: true");
	assert_refused(qwen3, "use_sliding_window", "true", "use_sliding_window: true");
	assert_refused(qwen2, "attention_bias", "false", "attention_bias: false");
	assert_refused(qwen2, "mlp_bias", "true", "mlp_bias: true");
	assert_refused(qwen3, "mlp_bias", "true", "mlp_bias: true");
	assert_refused(qwen3, "architectures", "[\"Qwen2ForCausalLM\"]", "architectures: ");
	/* their defaults differ from Llama's */
	assert_refused(qwen3, "head_dim", "\"absent\"", "head_dim: missing");
	assert_refused(qwen2, "num_key_value_heads", "\"absent\"", "num_key_value_heads: missing");
	assert_refused(qwen2, "max_position_embeddings", "null",
		       "max_position_embeddings: missing");
}

/* What a family makes of keys that are not there, and of its own */
static const char *const others[] = {
	"{\"architectures\":[\"SmolLM3ForCausalLM\"],\"model_type\":\"smollm3\"}",
	"{\"architectures\":[\"Gemma3ForCausalLM\"],\"model_type\":\"gemma3_text\","
	"\"hidden_act\":\"absent\",\"num_hidden_layers\":7,\"rope_theta\":1e6,"
	"\"rope_local_base_freq\":20000,\"tie_word_embeddings\":\"absent\",\"head_dim\":6}",
	"{\"architectures\":[\"MistralForCausalLM\"],\"model_type\":\"mistral\"}",
	"{\"architectures\":[\"Phi3ForCausalLM\"],\"model_type\":\"phi3\","
	"\"partial_rotary_factor\":0.5,\"original_max_position_embeddings\":16,\"rope_scaling\":"
	"{\"type\":\"su\",\"long_factor\":[1,2],\"short_factor\":[1,1]}}",
	"{\"architectures\":[\"GraniteForCausalLM\"],\"model_type\":\"granite\","
	"\"logits_scaling\":8,\"residual_multiplier\":0.22}",
	"{\"architectures\":[\"Exaone4ForCausalLM\"],\"model_type\":\"exaone4\","
	"\"num_hidden_layers\":4,\"sliding_window_pattern\":\"LG\",\"sliding_window\":9}",
	"{\"architectures\":[\"Lfm2ForCausalLM\"],\"model_type\":\"lfm2\",\"num_hidden_layers\":3,"
	"\"full_attn_idxs\":[1],\"intermediate_size\":6656,\"block_multiple_of\":256,"
	"\"tie_embedding\":false,\"norm_eps\":0.125}",
	"{\"architectures\":[\"Qwen3_5ForCausalLM\"],\"model_type\":\"qwen3_5_text\","
	"\"num_hidden_layers\":5,\"rope_parameters\":{\"rope_type\":\"default\","
	"\"mrope_section\":[1,1,0],\"rope_theta\":10000.0},\"linear_num_key_heads\":2}",
	"{\"architectures\":[\"Olmo3ForCausalLM\"],\"model_type\":\"olmo3\","
	"\"num_hidden_layers\":4,\"rope_theta\":9e5,\"rope_scaling\":{\"rope_type\":\"yarn\","
	"\"factor\":8}}",
};

static void windows_and_turns(void **state)
{
	struct config c;

	(void)state;
	assert_accepted(&c, others[0]);
	assert_true(c.window == 0 && config_layer(&c, 0).turned && config_layer(&c, 1).turned);
	config_free(&c);
	assert_accepted(&c, others[1]);
	assert_true(c.tied && c.window == 4096 && c.embedding_scale == sqrt(32));
	assert_true(c.attention_scale == 1.0 / 16 && c.local.theta == 20000 && c.rope.theta == 1e6);
	for (int l = 0; l < 7; l++)
		assert_int_equal(config_layer(&c, l).local, l != 5);
	assert_true(config_layer(&c, 0).window == 4096 && config_layer(&c, 5).window == 0);
	config_free(&c);
	assert_accepted(&c, others[2]); /* an absent key is not null */
	assert_true(config_layer(&c, 0).window == 4096 && config_layer(&c, 1).window == 4096);
	config_free(&c);
	assert_accepted(&c, others[3]);
	assert_true(c.rope.type == ROPE_LONGROPE && c.rope.is_long && c.rope.original == 16);
	assert_true(fabs(rope_scale(&c.rope) - sqrt(1 + log(4) / log(16))) < 1e-15);
	config_free(&c);
	assert_accepted(&c, others[4]);
	assert_true(c.logit_scale == 1.0 / 8 && c.residual_scale == 0.22);
	assert_true(c.attention_scale == 1 && c.embedding_scale == 1);
	config_free(&c);
	assert_accepted(&c, others[5]);
	for (int l = 0; l < 4; l++)
		assert_true(config_layer(&c, l).turned == (l % 2 == 0) &&
			    config_layer(&c, l).window == (l % 2 ? 0 : 9));
	config_free(&c);
	assert_accepted(&c, others[6]);
	for (int l = 0; l < 3; l++)
		assert_int_equal(config_layer(&c, l).mixer, l == 1 ? MIXER_ATTENTION : MIXER_CONV);
	assert_true(c.ffn == 4608 && c.conv_taps == 3 && !c.tied && c.norm_eps == 0.125);
	config_free(&c);
	assert_accepted(&c, others[7]);
	for (int l = 0; l < 5; l++)
		assert_int_equal(config_layer(&c, l).mixer, l == 3 ? MIXER_ATTENTION : MIXER_DELTA);
	assert_true(c.rope.share == 0.25 && c.conv_taps == 4 && c.linear_v_heads == 32);
	config_free(&c);
	assert_accepted(&c, others[8]);
	assert_true(c.rope.theta == 9e5 && c.rope.type == ROPE_YARN);
	assert_true(c.local.theta == 5e5 && c.local.type == ROPE_DEFAULT);
	assert_true(config_layer(&c, 2).local && !config_layer(&c, 3).local);
	config_free(&c);
}

static void refused_of_others(void **state)
{
	(void)state;
	assert_refused("{\"architectures\":[\"SmolLM3ForCausalLM\"],\"model_type\":\"smollm3\","
		       "\"sliding_window\":8}",
		       "use_sliding_window", "true", "layer_types: missing");
	assert_refused(others[0], "no_rope_layers", "[1]",
		       "no_rope_layers: [1] is not a list with");
	assert_refused(others[0], "no_rope_layers", "[1,2]",
		       "no_rope_layers: 2 is not within 0..1");
	assert_refused(others[1], "attn_logit_softcapping", "50.0", "attn_logit_softcapping: 50.0");
	assert_refused(others[1], "use_bidirectional_attention", "true",
		       "use_bidirectional_attention: true");
	assert_refused(others[1], "layer_types", "[\"full_attention\"]", "layer_types: ");
	assert_refused(others[1], "query_pre_attn_scalar", "0", "query_pre_attn_scalar: 0 is not");
	assert_refused(others[1], "hidden_activation", "\"gelu\"", "hidden_activation: \"gelu\"");
	assert_refused(others[1], "sliding_window_pattern", "0", "sliding_window_pattern: 0");
	assert_refused(others[2], "sliding_window", "0", "sliding_window: 0 is not within");
	assert_refused(others[2], "num_experts", "8", "num_experts: 8");
	assert_refused(others[2], "num_local_experts", "8", "num_local_experts: 8");
	assert_refused(others[2], "attention_bias", "true", "attention_bias: true");
	assert_refused(others[2], "rope_interleaved", "true", "rope_interleaved: true");
	assert_refused(others[3], "rope_scaling", "{\"type\":\"linear\",\"factor\":2}",
		       "rope_type: \"linear\" is not supported, only \"default\", \"longrope\"");
	assert_refused(others[3], "partial_rotary_factor", "1.0",
		       "long_factor: 2 numbers, but 4 pairs turn");
	assert_refused(others[3], "partial_rotary_factor", "0.4",
		       "partial_rotary_factor: 0.4 of 8");
	assert_refused(others[3], "partial_rotary_factor", "2", "partial_rotary_factor: 2 is not");
	assert_refused(others[3], "rope_scaling",
		       "{\"type\":\"longrope\",\"long_factor\":[1,0],\"short_factor\":[1,1]}",
		       "long_factor: 0 is not a number above 0");
	assert_refused(others[4], "logits_scaling", "-1", "logits_scaling: -1 is not");
	assert_refused(others[5], "layer_types", "[\"conv\",\"full_attention\",\"conv\",\"conv\"]",
		       "layer_types: \"conv\"");
	assert_refused(others[6], "conv_L_cache", "9", "conv_L_cache: 9 is not within 1..8");
	assert_refused(others[6], "conv_L_cache", "1", "a convolution of 1 taps");
	assert_refused(others[6], "block_ffn_dim_multiplier", "-1", "block_ffn_dim_multiplier: -1");
	assert_refused(others[7], "linear_num_key_heads", "3", "32 linear_num_value_heads for 3");
	assert_refused(others[7], "linear_value_head_dim", "513", "linear_value_head_dim: 513");
	assert_refused(others[7], "attn_output_gate", "false", "attn_output_gate: false");
	assert_refused(others[7], "layer_types",
		       "[\"conv\",\"full_attention\",\"conv\",\"conv\",\"conv\"]",
		       "layer_types: \"conv\" is not supported, only \"full_attention\" and "
		       "\"linear_attention\"");
}

static void not_json(void **state)
{
	static const char *const texts[] = {"", "{", "[]", "[3]", "{\"a\":1,\"a\":2}", "{}x"};
	struct config c;
	struct reason why;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		assert_int_equal(config_parse(&c, texts[i], strlen(texts[i]), NULL, 0, "dir", &why),
				 ST_INPUT);
		assert_says(&why, "dir/config.json");
		if (i == 2 || i == 3)
			assert_says(&why, "not a JSON object");
	}
}

static void stop_set(void **state)
{
	struct config c;
	struct reason why;

	(void)state;
	assert_int_equal(parse(&c, "{\"eos_token_id\":[5,2,5]}", "{\"eos_token_id\":[2,7]}", &why),
			 0);
	assert_int_equal(c.n_eos, 3);
	assert_true(config_is_eos(&c, 2) && config_is_eos(&c, 5) && config_is_eos(&c, 7));
	assert_false(config_is_eos(&c, 1));
	config_free(&c);
	assert_int_equal(parse(&c, "{}", "{\"temperature\":0.6}", &why), 0);
	assert_int_equal(c.n_eos, 1);
	config_free(&c);
	assert_int_equal(parse(&c, "{}", "{\"eos_token_id\":99}", &why), ST_INPUT);
	assert_says(&why, "dir/generation_config.json: eos_token_id: 99");
	config_free(&c);
}

static void make_and_parse(void **state)
{
	struct config c = {.vocab = 50,
			   .d = 24,
			   .layers = 1,
			   .heads = 3,
			   .ffn = 40,
			   .max_len = 16,
			   .norm_eps = 1e-5,
			   .rope = {.theta = 1e4},
			   .tied = true,
			   .bos = -1,
			   .eos = {1, 3},
			   .n_eos = 2},
		      back;
	struct reason why;

	(void)state;
	assert_int_equal(config_make(&c, &why), 0);
	assert_int_equal(config_parse(&back, c.json.p, c.json.n, NULL, 0, "dir", &why), 0);
	assert_int_equal(back.kv_heads, 3);
	assert_int_equal(back.head_dim, 8);
	assert_true(back.norm_eps == c.norm_eps && back.rope.theta == c.rope.theta && back.tied);
	assert_int_equal(back.bos, -1);
	assert_int_equal(back.n_eos, 2);
	assert_int_equal(config_params(&back), config_params(&c));
	config_free(&back);
	config_free(&c);
}

/* Written back: byte for byte, or with nothing but the type changed. */
static void text_again(void **state)
{
	struct config c;
	struct buf same = {0}, other = {0};
	json_t *j, *want;

	(void)state;
	assert_int_equal(config_parse(&c, base, sizeof base - 1, NULL, 0, "dir", NULL), 0);
	config_text(&c, "float32", &same);
	assert_int_equal(same.n, sizeof base - 1);
	assert_memory_equal(same.p, base, same.n);
	config_text(&c, "bfloat16", &other);
	assert_non_null(strstr(buf_cstr(&other), "\"rms_norm_eps\": 1e-5"));
	j = json_loadb(other.p, other.n, 0, NULL);
	want = json_loads(base, 0, NULL);
	json_object_set_new(want, "torch_dtype", json_string("bfloat16"));
	assert_true(json_equal(j, want));
	json_decref(j);
	json_decref(want);
	config_free(&c);
	assert_accepted(
		&c,
		"{\"torch_dtype\":\"absent\",\"dtype\":\"float32\",\"x\":0.1234567890123456789}");
	buf_reset(&other);
	config_text(&c, "float16", &other);
	j = json_loadb(other.p, other.n, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(j, "dtype")), "float16");
	assert_null(json_object_get(j, "torch_dtype"));
	assert_true(json_number_value(json_object_get(j, "x")) == 0.1234567890123456789);
	json_decref(j);
	config_free(&c);
	/* both spellings: neither is left behind */
	assert_accepted(&c, "{\"dtype\":\"float32\"}");
	buf_reset(&other);
	config_text(&c, "bfloat16", &other);
	j = json_loadb(other.p, other.n, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(j, "dtype")), "bfloat16");
	assert_string_equal(json_string_value(json_object_get(j, "torch_dtype")), "bfloat16");
	json_decref(j);
	config_free(&c);
	buf_free(&same);
	buf_free(&other);
}

static void assert_same(const struct config *a, const struct config *b)
{
	assert_int_equal(a->kinds.n, b->kinds.n);
	assert_memory_equal(a->kinds.p, b->kinds.p, a->kinds.n);
	assert_int_equal(a->window, b->window);
	assert_int_equal(a->parallel, b->parallel);
	assert_true(a->embedding_scale == b->embedding_scale);
	assert_true(a->residual_scale == b->residual_scale);
	assert_true(a->attention_scale == b->attention_scale);
	assert_true(a->attention_cap == b->attention_cap);
	assert_true(a->logit_scale == b->logit_scale && a->logit_cap == b->logit_cap);
	assert_true(a->rope.share == b->rope.share && a->local.theta == b->local.theta);
	assert_true(a->conv_taps == b->conv_taps && a->conv_bias == b->conv_bias);
	assert_true(a->linear_k_heads == b->linear_k_heads && a->linear_v_dim == b->linear_v_dim);
}

/* Every family is written so that it is read again as what it was. */
static void make_families(void **state)
{
	(void)state;
	for (int i = 0; i < 2 * FAMILIES; i++) {
		const struct family_row *row = family_row((enum family)(i / 2));
		bool usual = !row->rope_types;
		struct config c = {.family = (enum family)(i / 2),
				   .vocab = 50,
				   .d = 24,
				   .layers = 1,
				   .heads = 3,
				   .kv_heads = 3,
				   .head_dim = 16,
				   .ffn = 40,
				   .max_len = 16,
				   .norm_eps = 1e-5,
				   .rope = {usual ? ROPE_LINEAR : ROPE_DEFAULT, .theta = 1e4,
					    .factor = 2},
				   .o_bias = i % 2,
				   .mlp_bias = i % 2,
				   .bos = -1},
			      back;
		struct reason why;

		assert_int_equal(config_make(&c, &why), 0);
		if (config_parse(&back, c.json.p, c.json.n, NULL, 0, "dir", &why))
			fail_msg("%s", why.text);
		assert_int_equal(back.family, i / 2);
		if (i / 2 <= FAMILY_QWEN3) {
			assert_int_equal(back.o_bias, i % 2 && i / 2 != FAMILY_QWEN2);
			assert_int_equal(back.qkv_bias, i % 2 || i / 2 == FAMILY_QWEN2);
			assert_int_equal(back.mlp_bias, i % 2 && i / 2 == FAMILY_LLAMA);
		}
		assert_int_equal(back.qk_norm, row->qk_normed);
		assert_int_equal(back.rope.type, usual ? ROPE_LINEAR : ROPE_DEFAULT);
		assert_true(!usual || back.rope.factor == 2);
		assert_int_equal(config_params(&back), config_params(&c));
		assert_same(&back, &c);
		/* again, as --like does it */
		buf_free(&back.json);
		assert_int_equal(config_make(&back, &why), 0);
		assert_int_equal(back.json.n, c.json.n);
		assert_memory_equal(back.json.p, c.json.p, c.json.n);
		config_free(&back);
		config_free(&c);
	}
}

static void make_refuses(void **state)
{
	const struct config good = {.vocab = 50,
				    .d = 24,
				    .layers = 1,
				    .heads = 3,
				    .ffn = 40,
				    .max_len = 16,
				    .norm_eps = 1e-5,
				    .rope = {.theta = 1e4}};
	struct config c = good;
	struct reason why;

	(void)state;
	c.layers = 0;
	assert_int_equal(config_make(&c, &why), ST_INPUT);
	assert_says(&why, "num_hidden_layers: 0");
	config_free(&c);
	c = good;
	c.heads = 5;
	assert_int_equal(config_make(&c, &why), ST_INPUT);
	assert_says(&why, "hidden_size: 24 is not a multiple of the 5");
	config_free(&c);
	c = good;
	c.n_eos = 1;
	c.eos[0] = 50;
	assert_int_equal(config_make(&c, &why), ST_INPUT);
	assert_says(&why, "eos_token_id: 50");
	config_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain),
		cmocka_unit_test(kept_as_it_came),
		cmocka_unit_test(defaults),
		cmocka_unit_test(accepted),
		cmocka_unit_test(refused),
		cmocka_unit_test(windows_and_turns),
		cmocka_unit_test(refused_of_others),
		cmocka_unit_test(not_json),
		cmocka_unit_test(stop_set),
		cmocka_unit_test(make_and_parse),
		cmocka_unit_test(families),
		cmocka_unit_test(refused_of_families),
		cmocka_unit_test(make_families),
		cmocka_unit_test(make_refuses),
		cmocka_unit_test(text_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
