/* config.c - the shape of a policy. See config.h. */
#include "model/config.h"
#include "base/json.h"
#include "base/jsonkey.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Limits keep every product of shapes below 2^63; no published model comes near them. */
enum {
	MAX_VOCAB = 1 << 24,
	MAX_WIDTH = 1 << 20,
	MAX_LAYERS = 1 << 12,
	MAX_HEADS = 1 << 12,
	MAX_HEAD_DIM = 1 << 12,
	MAX_POSITIONS = 1 << 24,
};

/* Integer keys: where they go, their range, and what an absent or null key means to each family:
 * -1 it must be there, 0 it is derived from other keys. */
static const struct {
	const char *key;
	size_t field;
	int64_t lo, hi, absent[3];
} ints[] = {
	{"vocab_size", offsetof(struct config, vocab), 1, MAX_VOCAB, {-1, -1, -1}},
	{"hidden_size", offsetof(struct config, d), 1, MAX_WIDTH, {-1, -1, -1}},
	{"num_hidden_layers", offsetof(struct config, layers), 1, MAX_LAYERS, {-1, -1, -1}},
	{"num_attention_heads", offsetof(struct config, heads), 1, MAX_HEADS, {-1, -1, -1}},
	{"num_key_value_heads", offsetof(struct config, kv_heads), 1, MAX_HEADS, {0, -1, -1}},
	{"head_dim", offsetof(struct config, head_dim), 1, MAX_HEAD_DIM, {0, 0, -1}},
	{"intermediate_size", offsetof(struct config, ffn), 1, MAX_WIDTH, {-1, -1, -1}},
	{"max_position_embeddings",
	 offsetof(struct config, max_len),
	 1,
	 MAX_POSITIONS,
	 {2048, -1, -1}},
};

enum { N_INTS = sizeof ints / sizeof *ints };

enum { LLAMA = 1 << FAMILY_LLAMA, QWEN2 = 1 << FAMILY_QWEN2, QWEN3 = 1 << FAMILY_QWEN3 };
enum { ALL = LLAMA | QWEN2 | QWEN3 };

/* Keys that change the arithmetic, and the values (a JSON array) with which ours is right, family
 * by family. An absent key counts as null. */
static const struct {
	unsigned families;
	const char *key, *allowed;
} fixed[] = {
	{LLAMA, "architectures", "[null, [\"LlamaForCausalLM\"]]"},
	{QWEN2, "architectures", "[null, [\"Qwen2ForCausalLM\"]]"},
	{QWEN3, "architectures", "[null, [\"Qwen3ForCausalLM\"]]"},
	{ALL, "hidden_act", "[null, \"silu\", \"swish\"]"},
	{QWEN2, "attention_bias", "[null, true]"},
	{QWEN2 | QWEN3, "mlp_bias", "[null, false]"},
	{ALL, "attention_dropout", "[null, 0, 0.0]"},
	{ALL, "pretraining_tp", "[null, 1]"},
	{ALL, "partial_rotary_factor", "[null, 1, 1.0]"},
	{ALL, "rope_interleaved", "[null, false]"},
	{ALL, "use_mrope", "[null, false]"},
	{ALL, "original_max_position_embeddings", "[null]"},
	{ALL, "use_sliding_window", "[null, false]"},
	{ALL, "dual_chunk_attention_config", "[null]"},
	{ALL, "quantization_config", "[null]"},
	/* of kin with the same tensors: Granite, Cohere, MiniCPM, Gemma 2, SmolLM3, OLMo */
	{ALL, "embedding_multiplier", "[null, 1, 1.0]"},
	{ALL, "residual_multiplier", "[null, 1, 1.0]"},
	{ALL, "attention_multiplier", "[null]"},
	{ALL, "logits_scaling", "[null, 1, 1.0]"},
	{ALL, "logit_scale", "[null, 1, 1.0]"},
	{ALL, "scale_emb", "[null, 1, 1.0]"},
	{ALL, "scale_depth", "[null]"},
	{ALL, "attn_logit_softcapping", "[null]"},
	{ALL, "final_logit_softcapping", "[null]"},
	{ALL, "no_rope_layers", "[null]"},
	{ALL, "clip_qkv", "[null]"},
};

static const char *const family_names[] = {"llama", "qwen2", "qwen3"};
static const char *const architectures[] = {"LlamaForCausalLM", "Qwen2ForCausalLM",
					    "Qwen3ForCausalLM"};

static int64_t *int_field(struct config *c, size_t i)
{
	return (int64_t *)((char *)c + ints[i].field);
}

static int get_family(struct config *c, const json_t *j, struct reason *why)
{
	const char *s = json_string_value(json_object_get(j, "model_type"));

	if (jsonkey_one_of(json_object_get(j, "model_type"), "model_type",
			   "[\"llama\", \"qwen2\", \"qwen3\"]", why))
		return ST_INPUT;
	while (strcmp(s, family_names[c->family]) != 0)
		c->family++;
	return 0;
}

static int check_fixed(const struct config *c, const json_t *j, struct reason *why)
{
	for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
		if (fixed[i].families & 1U << c->family &&
		    jsonkey_one_of(json_object_get(j, fixed[i].key), fixed[i].key, fixed[i].allowed,
				   why))
			return ST_INPUT;
	return 0;
}

/* A window that some files carry but switch off is harmless; Qwen's is off unless told. */
static int check_windows(const struct config *c, const json_t *j, struct reason *why)
{
	const json_t *use = json_object_get(j, "use_sliding_window");
	const json_t *win = json_object_get(j, "sliding_window");
	const json_t *types = json_object_get(j, "layer_types"), *item;
	size_t i;

	if (!jsonkey_none(win) && jsonkey_none(use) && c->family == FAMILY_LLAMA)
		return jsonkey_fail(why, "sliding_window", win, "is not supported, only null");
	if (!jsonkey_none(types) && !json_is_array(types))
		return jsonkey_fail(why, "layer_types", types, "is not a list");
	json_array_foreach(types, i, item)
	{
		const char *s = json_string_value(item);

		if (!s || strcmp(s, "full_attention") != 0)
			return jsonkey_fail(why, "layer_types", item,
					    "is not supported, only \"full_attention\"");
	}
	return 0;
}

static int get_ints(struct config *c, const json_t *j, struct reason *why)
{
	for (size_t i = 0; i < N_INTS; i++) {
		const json_t *v = json_object_get(j, ints[i].key);
		int64_t absent = ints[i].absent[c->family];

		if (jsonkey_none(v) && absent < 0)
			return fail(why, ST_INPUT, "%s: missing", ints[i].key);
		*int_field(c, i) = absent;
		if (!jsonkey_none(v) &&
		    jsonkey_int(v, ints[i].key, ints[i].lo, ints[i].hi, int_field(c, i), why))
			return ST_INPUT;
	}
	return 0;
}

/* What the family decides. attention is the key attention_bias, which qwen2 does not have. */
static void set_family(struct config *c, bool attention)
{
	c->qkv_bias = attention || c->family == FAMILY_QWEN2;
	c->o_bias = attention && c->family != FAMILY_QWEN2;
	c->mlp_bias = c->mlp_bias && c->family == FAMILY_LLAMA;
	c->qk_norm = c->family == FAMILY_QWEN3;
}

static int get_biases(struct config *c, const json_t *j, struct reason *why)
{
	bool attention = false;

	if (jsonkey_bool(j, "attention_bias", &attention, why) ||
	    jsonkey_bool(j, "mlp_bias", &c->mlp_bias, why))
		return ST_INPUT;
	set_family(c, attention);
	return 0;
}

static int add_eos(struct config *c, const json_t *v, struct reason *why)
{
	int64_t id = 0;

	if (jsonkey_int(v, "eos_token_id", 0, c->vocab - 1, &id, why))
		return ST_INPUT;
	if (config_is_eos(c, (uint32_t)id))
		return 0;
	if (c->n_eos == CONFIG_MAX_EOS)
		return fail(why, ST_INPUT, "eos_token_id: more than %d stop tokens",
			    CONFIG_MAX_EOS);
	c->eos[c->n_eos++] = (uint32_t)id;
	return 0;
}

static int get_eos(struct config *c, const json_t *j, struct reason *why)
{
	const json_t *v = json_object_get(j, "eos_token_id"), *item;
	size_t i;

	if (jsonkey_none(v))
		return 0;
	if (!json_is_array(v))
		return add_eos(c, v, why);
	json_array_foreach(v, i, item) if (add_eos(c, item, why)) return ST_INPUT;
	return 0;
}

static int get_bos(struct config *c, const json_t *j, struct reason *why)
{
	const json_t *v = json_object_get(j, "bos_token_id");

	c->bos = -1;
	return jsonkey_none(v) ? 0 : jsonkey_int(v, "bos_token_id", 0, c->vocab - 1, &c->bos, why);
}

/* Derives what was left out and checks what one key says about another. */
static int check_shape(struct config *c, struct reason *why)
{
	if (!c->kv_heads)
		c->kv_heads = c->heads;
	if (c->kv_heads > c->heads || c->heads % c->kv_heads)
		return fail(why, ST_INPUT,
			    "num_attention_heads: %lld is not a multiple of the %lld "
			    "num_key_value_heads",
			    (long long)c->heads, (long long)c->kv_heads);
	if (!c->head_dim && c->d % c->heads)
		return fail(why, ST_INPUT,
			    "hidden_size: %lld is not a multiple of the %lld num_attention_heads, "
			    "and head_dim is not given",
			    (long long)c->d, (long long)c->heads);
	if (!c->head_dim)
		c->head_dim = c->d / c->heads;
	if (c->head_dim % 2 || c->head_dim > MAX_HEAD_DIM)
		return fail(why, ST_INPUT, "head_dim: %lld is not an even number up to %d",
			    (long long)c->head_dim, MAX_HEAD_DIM);
	if (!(c->norm_eps > 0 && c->norm_eps < 1))
		return fail(why, ST_INPUT, "rms_norm_eps: %g is not between 0 and 1", c->norm_eps);
	if (!(c->rope.theta >= 1 && c->rope.theta < 1e15))
		return fail(why, ST_INPUT, "rope_theta: %g is not within 1..1e15", c->rope.theta);
	return 0;
}

static int parse_main(struct config *c, const json_t *j, struct reason *why)
{
	int st;

	if (!json_is_object(j))
		return fail(why, ST_INPUT, "not a JSON object");
	c->norm_eps = 1e-6;
	st = get_family(c, j, why);
	if (!st)
		st = check_fixed(c, j, why);
	if (!st)
		st = check_windows(c, j, why);
	if (!st)
		st = get_ints(c, j, why);
	if (!st)
		st = jsonkey_real(j, "rms_norm_eps", &c->norm_eps, why);
	if (!st)
		st = jsonkey_bool(j, "tie_word_embeddings", &c->tied, why);
	if (!st)
		st = get_biases(c, j, why);
	if (!st)
		st = rope_parse(&c->rope, j, c->max_len, why);
	if (!st)
		st = check_shape(c, why);
	if (!st)
		st = get_bos(c, j, why);
	return st ? st : get_eos(c, j, why);
}

static int parse_file(struct config *c, const char *text, size_t n, const char *where,
		      const char *name,
		      int (*parse)(struct config *, const json_t *, struct reason *),
		      struct reason *why)
{
	struct buf path = {0};
	json_t *j;
	int st = ST_INPUT;

	buf_printf(&path, "%s/%s", where, name);
	j = json_parse(text, n, buf_cstr(&path), why);
	if (j) {
		st = parse(c, j, why);
		if (st)
			fail_prefix(why, "%s", buf_cstr(&path));
	}
	json_decref(j);
	buf_free(&path);
	return st;
}

int config_parse(struct config *c, const char *json, size_t n, const char *gen, size_t n_gen,
		 const char *where, struct reason *why)
{
	int st;

	*c = (struct config){0};
	st = parse_file(c, json, n, where, "config.json", parse_main, why);
	if (!st && gen)
		st = parse_file(c, gen, n_gen, where, "generation_config.json", get_eos, why);
	if (!st)
		buf_add(&c->json, json, n);
	return st;
}

json_t *config_eos(const struct config *c)
{
	json_t *list;

	if (c->n_eos <= 1)
		return c->n_eos ? json_integer(c->eos[0]) : json_null();
	list = json_array();
	for (size_t i = 0; i < c->n_eos; i++)
		json_array_append_new(list, json_integer(c->eos[i]));
	return list;
}

/* Numbers with 15 digits, as people write them, unless that changes one. */
static void add_json(struct buf *out, const json_t *j)
{
	char *text = json_dumps(j, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
	json_t *back = json_loads(text, 0, NULL);

	if (!json_equal(j, back)) {
		free(text);
		text = json_dumps(j, JSON_INDENT(2));
	}
	buf_str(out, text);
	buf_char(out, '\n');
	json_decref(back);
	free(text);
}

static void make_json(struct config *c)
{
	json_t *j = json_pack("{s:[s], s:s, s:s, s:f, s:o, s:f, s:b}", "architectures",
			      architectures[c->family], "model_type", family_names[c->family],
			      "hidden_act", "silu", "rope_theta", c->rope.theta, "rope_scaling",
			      rope_json(&c->rope), "rms_norm_eps", c->norm_eps,
			      "tie_word_embeddings", (int)c->tied);

	if (c->family != FAMILY_QWEN2)
		json_object_set_new(j, "attention_bias", json_boolean(c->o_bias));
	if (c->family == FAMILY_LLAMA)
		json_object_set_new(j, "mlp_bias", json_boolean(c->mlp_bias));
	for (size_t i = 0; i < N_INTS; i++)
		json_object_set_new(j, ints[i].key, json_integer(*int_field(c, i)));
	json_object_set_new(j, "bos_token_id", c->bos < 0 ? json_null() : json_integer(c->bos));
	json_object_set_new(j, "eos_token_id", config_eos(c));
	json_object_set_new(j, "torch_dtype", json_string("float32"));
	buf_reset(&c->json);
	add_json(&c->json, j);
	json_decref(j);
}

int config_make(struct config *c, struct reason *why)
{
	for (size_t i = 0; i < N_INTS; i++) {
		int64_t v = *int_field(c, i);

		if ((v || ints[i].absent[FAMILY_LLAMA]) && (v < ints[i].lo || v > ints[i].hi))
			return fail(why, ST_INPUT, "%s: %lld is not within %lld..%lld", ints[i].key,
				    (long long)v, (long long)ints[i].lo, (long long)ints[i].hi);
	}
	set_family(c, c->o_bias);
	if (check_shape(c, why))
		return ST_INPUT;
	for (size_t i = 0; i < c->n_eos; i++)
		if (c->eos[i] >= c->vocab)
			return fail(why, ST_INPUT, "eos_token_id: %u is not below vocab_size %lld",
				    c->eos[i], (long long)c->vocab);
	make_json(c);
	return 0;
}

void config_text(const struct config *c, const char *dtype, struct buf *out)
{
	static const char *const spellings[] = {"dtype", "torch_dtype"};
	json_t *j = json_loadb(c->json.p, c->json.n, 0, NULL), *want = json_string(dtype), *old;
	bool changed = !json_object_get(j, spellings[0]) && !json_object_get(j, spellings[1]);

	assert(c->json.n && dtype);
	if (changed)
		json_object_set(j, spellings[1], want);
	for (int i = 0; i < 2; i++) {
		old = json_object_get(j, spellings[i]);
		if (old && !json_equal(old, want)) {
			json_object_set(j, spellings[i], want);
			changed = true;
		}
	}
	if (changed)
		add_json(out, j);
	else
		buf_add(out, c->json.p, c->json.n);
	json_decref(want);
	json_decref(j);
}

const char *config_family(const struct config *c)
{
	assert(c->family <= FAMILY_QWEN3);
	return family_names[c->family];
}

bool config_is_eos(const struct config *c, uint32_t token)
{
	assert(c->n_eos <= CONFIG_MAX_EOS);
	for (size_t i = 0; i < c->n_eos; i++)
		if (c->eos[i] == token)
			return true;
	return false;
}

uint64_t config_params(const struct config *c)
{
	uint64_t d = (uint64_t)c->d, v = (uint64_t)c->vocab, ffn = (uint64_t)c->ffn;
	uint64_t q = (uint64_t)(c->heads * c->head_dim), kv = (uint64_t)(c->kv_heads * c->head_dim);
	uint64_t layer = 2 * d + 2 * q * d + 2 * kv * d + 3 * ffn * d;

	assert(c->d >= 1 && c->layers >= 1);
	layer += (c->qkv_bias ? q + 2 * kv : 0) + (c->o_bias ? d : 0);
	layer += (c->mlp_bias ? 2 * ffn + d : 0) + (c->qk_norm ? 2 * (uint64_t)c->head_dim : 0);

	return v * d * (c->tied ? 1 : 2) + (uint64_t)c->layers * layer + d;
}

void config_free(struct config *c)
{
	buf_free(&c->json);
	*c = (struct config){0};
}
