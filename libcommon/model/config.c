/* config.c - the shape of a policy. See config.h. */
#include "model/config.h"
#include "base/json.h"
#include "base/jsonkey.h"
#include "tensor/conv.h"
#include "tensor/delta.h"

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

/* Integer keys: where they go, their range, and where the family's row says what an absent or null
 * key means; 0: it must be there. */
static const struct {
	const char *key;
	size_t field;
	int64_t lo, hi;
	size_t absent;
} ints[] = {
	{"vocab_size", offsetof(struct config, vocab), 1, MAX_VOCAB, 0},
	{"hidden_size", offsetof(struct config, d), 1, MAX_WIDTH, 0},
	{"num_hidden_layers", offsetof(struct config, layers), 1, MAX_LAYERS, 0},
	{"num_attention_heads", offsetof(struct config, heads), 1, MAX_HEADS, 0},
	{"num_key_value_heads", offsetof(struct config, kv_heads), 1, MAX_HEADS,
	 offsetof(struct family_row, kv_heads)},
	{"head_dim", offsetof(struct config, head_dim), 1, MAX_HEAD_DIM,
	 offsetof(struct family_row, head_dim)},
	{"intermediate_size", offsetof(struct config, ffn), 1, MAX_WIDTH, 0},
	{"max_position_embeddings", offsetof(struct config, max_len), 1, MAX_POSITIONS,
	 offsetof(struct family_row, max_len)},
};

enum { N_INTS = sizeof ints / sizeof *ints };

#define ONE(f) (1U << FAMILY_##f)
#define ALL ((1U << FAMILIES) - 1)
#define BUT(families) (ALL & ~(families))
#define GEMMA (ONE(GEMMA2) | ONE(GEMMA3))

/* Keys that change the arithmetic, and the values (a JSON array) with which ours is right, family
 * by family. An absent key counts as null. */
static const struct {
	unsigned families;
	const char *key, *allowed;
} fixed[] = {
	{ONE(QWEN2), "attention_bias", "[null, true]"},
	{BUT(ONE(SEED_OSS)), "attention_dropout", "[null, 0, 0.0]"},
	{ALL, "pretraining_tp", "[null, 1]"},
	{BUT(ONE(PHI3) | ONE(STABLELM) | ONE(GLM4) | ONE(QWEN3_5)), "partial_rotary_factor",
	 "[null, 1, 1.0]"},
	{ALL, "rope_interleaved", "[null, false]"},
	{ALL, "use_mrope", "[null, false]"},
	{BUT(ONE(PHI3)), "original_max_position_embeddings", "[null]"},
	{BUT(ONE(SMOLLM3)), "use_sliding_window", "[null, false]"},
	{ALL, "dual_chunk_attention_config", "[null]"},
	{ALL, "quantization_config", "[null]"},
	{ALL, "rotary_scaling", "[null]"},
	{ALL, "lm_head_bias", "[null, false]"},
	{ALL, "use_bidirectional_attention", "[null, false]"},
	/* of kin with the same tensors: Granite, Cohere, MiniCPM, Gemma, SmolLM3, OLMo */
	{BUT(ONE(GRANITE)), "embedding_multiplier", "[null, 1, 1.0]"},
	{BUT(ONE(GRANITE)), "residual_multiplier", "[null, 1, 1.0]"},
	{BUT(ONE(GRANITE)), "attention_multiplier", "[null]"},
	{BUT(ONE(GRANITE)), "logits_scaling", "[null, 1, 1.0]"},
	{ALL, "logit_scale", "[null, 1, 1.0]"},
	{ALL, "scale_emb", "[null, 1, 1.0]"},
	{ALL, "scale_depth", "[null]"},
	{BUT(ONE(GEMMA2)), "attn_logit_softcapping", "[null]"},
	{BUT(GEMMA), "final_logit_softcapping", "[null]"},
	{BUT(ONE(SMOLLM3)), "no_rope_layers", "[null]"},
	{ALL, "clip_qkv", "[null]"},
	{ALL, "num_experts", "[null, 0]"},
	{ALL, "num_local_experts", "[null, 0]"},
	{ALL, "hidden_size_per_layer_input", "[null, 0]"},
	{ALL, "num_kv_shared_layers", "[null, 0]"},
	{ONE(QWEN3_5), "attn_output_gate", "[null, true]"},
	{BUT(ONE(QWEN3_5)), "attn_output_gate", "[null, false]"},
};

/* What a real key is to a number of the configuration */
enum as { AS_IS, INVERSE, INVERSE_ROOT };

/* Real keys of some families; absent: what they are then. Null is 0: off. */
static const struct real {
	unsigned families;
	const char *key;
	size_t field;
	enum as as;
	double absent;
} reals[] = {
	{ONE(GRANITE), "embedding_multiplier", offsetof(struct config, embedding_scale), AS_IS, 1},
	{ONE(GRANITE), "residual_multiplier", offsetof(struct config, residual_scale), AS_IS, 1},
	{ONE(GRANITE), "attention_multiplier", offsetof(struct config, attention_scale), AS_IS, 1},
	{ONE(GRANITE), "logits_scaling", offsetof(struct config, logit_scale), INVERSE, 1},
	{GEMMA, "query_pre_attn_scalar", offsetof(struct config, attention_scale), INVERSE_ROOT,
	 256},
	{ONE(GEMMA2), "attn_logit_softcapping", offsetof(struct config, attention_cap), AS_IS, 50},
	{ONE(GEMMA2), "final_logit_softcapping", offsetof(struct config, logit_cap), AS_IS, 30},
	{ONE(GEMMA3), "final_logit_softcapping", offsetof(struct config, logit_cap), AS_IS, 0},
};

enum { N_REALS = sizeof reals / sizeof *reals };

static double *real_field(struct config *c, const struct real *r)
{
	return (double *)((char *)c + r->field);
}

static int64_t *int_field(struct config *c, size_t i)
{
	return (int64_t *)((char *)c + ints[i].field);
}

/* What an absent integer means: -1 it must be there, 0 it is derived from other keys */
static int64_t int_absent(enum family f, size_t i)
{
	const char *row = (const char *)family_row(f);

	return ints[i].absent ? *(const int64_t *)(row + ints[i].absent) : -1;
}

static int get_family(struct config *c, const json_t *j, struct reason *why)
{
	const json_t *v = json_object_get(j, "model_type");
	const char *s = json_string_value(v);

	if (s && family_find(s, &c->family))
		return 0;
	return jsonkey_fail(why, "model_type", v, "is not supported, only one of " FAMILY_WORDS);
}

/* A key of biases that the family does not read may be there, if it says what is so anyway. */
static int check_biases(const struct config *c, const json_t *j, struct reason *why)
{
	static const char *const keys[] = {"attention_bias", "attention_out_bias", "mlp_bias",
					   "use_bias", "use_qkv_bias"};
	const struct bias_rule *rule = family_row(c->family)->bias;

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		bool read = i == 0 && c->family == FAMILY_QWEN2; /* see fixed */

		for (int k = 0; k < BIAS_RULES && rule[k].key; k++)
			read = read || strcmp(keys[i], rule[k].key) == 0;
		if (!read &&
		    jsonkey_one_of(json_object_get(j, keys[i]), keys[i], "[null, false]", why))
			return ST_INPUT;
	}
	return 0;
}

static int check_words(const struct config *c, const json_t *j, struct reason *why)
{
	const struct family_row *row = family_row(c->family);
	char allowed[80];

	snprintf(allowed, sizeof allowed, "[null, [\"%s\"]]", row->architecture);
	return jsonkey_one_of(json_object_get(j, "architectures"), "architectures", allowed, why) ||
	       jsonkey_one_of(json_object_get(j, row->act_key), row->act_key, row->act_words, why);
}

static int check_fixed(const struct config *c, const json_t *j, struct reason *why)
{
	if (check_words(c, j, why) || check_biases(c, j, why))
		return ST_INPUT;
	for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
		if (fixed[i].families & 1U << c->family &&
		    jsonkey_one_of(json_object_get(j, fixed[i].key), fixed[i].key, fixed[i].allowed,
				   why))
			return ST_INPUT;
	return 0;
}

static int get_ints(struct config *c, const json_t *j, struct reason *why)
{
	for (size_t i = 0; i < N_INTS; i++) {
		const json_t *v = json_object_get(j, ints[i].key);
		int64_t absent = int_absent(c->family, i);

		if (v && json_is_null(v) && absent > 0 && i != N_INTS - 1)
			absent = 0; /* a null says: as it follows from others */
		if (jsonkey_none(v) && absent < 0)
			return fail(why, ST_INPUT, "%s: missing", ints[i].key);
		*int_field(c, i) = absent;
		if (!jsonkey_none(v) &&
		    jsonkey_int(v, ints[i].key, ints[i].lo, ints[i].hi, int_field(c, i), why))
			return ST_INPUT;
	}
	return 0;
}

/* ---- which layers look back how far, and which are turned ---- */

enum { LAYER_WINDOW = 1, LAYER_UNTURNED = 2, LAYER_MIXED = 4 }; /* bits of config.kinds */

/* A window that some files carry but switch off is harmless; Qwen's is off unless told. */
static int get_window(struct config *c, const json_t *j, struct reason *why)
{
	const struct family_row *row = family_row(c->family);
	const json_t *use = json_object_get(j, "use_sliding_window");
	const json_t *v = json_object_get(j, "sliding_window");

	c->window = v ? 0 : row->window;
	if (row->windows == WINDOWS_OFF || jsonkey_none(v))
		return 0;
	if (row->windows == WINDOWS_NEVER)
		return jsonkey_none(use) ? jsonkey_fail(why, "sliding_window", v,
							"is not supported, only null")
					 : 0;
	if (row->windows == WINDOWS_SWITCHED && !json_is_true(use))
		return 0;
	return jsonkey_int(v, "sliding_window", 1, MAX_POSITIONS, &c->window, why);
}

/* Every how many-th layer has no window, where layer_types does not say: an integer, or a word
 * with one letter for each, as "LLLG" */
static int get_pattern(const struct config *c, const json_t *j, int64_t *n, struct reason *why)
{
	const json_t *v = json_object_get(j, "sliding_window_pattern");

	*n = family_row(c->family)->pattern;
	if (!*n || jsonkey_none(v))
		return 0;
	if (json_is_string(v) && json_string_length(v) > 0) {
		*n = (int64_t)json_string_length(v);
		return 0;
	}
	return jsonkey_int(v, "sliding_window_pattern", 1, MAX_LAYERS, n, why);
}

static int check_types(const struct config *c, const json_t *types, struct reason *why)
{
	const char *other = family_row(c->family)->windows >= WINDOWS_ALL
				    ? "sliding_attention"
				    : family_row(c->family)->mixer_word;
	const json_t *item;
	char what[100];
	size_t i;

	snprintf(what, sizeof what, "is not supported, only \"full_attention\"%s%s%s",
		 other ? " and \"" : "", other ? other : "", other ? "\"" : "");
	if (!jsonkey_none(types) &&
	    (!json_is_array(types) || (int64_t)json_array_size(types) != c->layers))
		return jsonkey_fail(why, "layer_types", types,
				    "is not a list with a word for each layer");
	json_array_foreach(types, i, item)
	{
		const char *s = json_string_value(item);

		if (s && (strcmp(s, "full_attention") == 0 || (other && strcmp(s, other) == 0)))
			continue;
		return jsonkey_fail(why, "layer_types", item, what);
	}
	return 0;
}

/* Layers without attention: by layer_types, LFM2's list of those with it, or every so many-th */
static int get_mixed(const struct config *c, const json_t *j, int64_t layer, bool *mixed,
		     struct reason *why)
{
	const struct family_row *row = family_row(c->family);
	const json_t *types = json_object_get(j, "layer_types"), *v;
	const json_t *full = json_object_get(j, "full_attn_idxs");
	int64_t every = row->interval;
	size_t i;

	*mixed = false;
	if (row->mixer == MIXER_ATTENTION)
		return 0;
	if (json_is_array(types)) {
		const char *s = json_string_value(json_array_get(types, (size_t)layer));

		*mixed = strcmp(s, row->mixer_word) == 0;
		return 0;
	}
	v = row->interval_key ? json_object_get(j, row->interval_key) : NULL;
	if (!jsonkey_none(v) && jsonkey_int(v, row->interval_key, 1, MAX_LAYERS, &every, why))
		return ST_INPUT;
	*mixed = every ? (layer + 1) % every != 0 : json_is_array(full);
	json_array_foreach(full, i,
			   v) if (json_is_integer(v) && json_integer_value(v) == layer) *mixed =
		every ? *mixed : false;
	return 0;
}

static bool has_window(const struct config *c, const json_t *types, int64_t pattern, int64_t layer)
{
	const char *s = json_string_value(json_array_get(types, (size_t)layer));

	if (!c->window)
		return false;
	if (family_row(c->family)->windows == WINDOWS_ALL)
		return true;
	return s ? strcmp(s, "sliding_attention") == 0 : !pattern || (layer + 1) % pattern != 0;
}

/* SmolLM3: a 1 turns; by default every fourth layer is not turned. */
static int get_unturned(const json_t *j, int64_t layers, int64_t layer, bool *unturned,
			struct reason *why)
{
	const json_t *list = json_object_get(j, "no_rope_layers");
	const json_t *n = json_object_get(j, "no_rope_layer_interval");
	int64_t every = 4, turned = 1;

	if (jsonkey_none(list)) {
		if (!jsonkey_none(n) &&
		    jsonkey_int(n, "no_rope_layer_interval", 1, MAX_LAYERS, &every, why))
			return ST_INPUT;
		*unturned = (layer + 1) % every == 0;
		return 0;
	}
	if (!json_is_array(list) || (int64_t)json_array_size(list) != layers)
		return jsonkey_fail(why, "no_rope_layers", list,
				    "is not a list with a number for each layer");
	if (jsonkey_int(json_array_get(list, (size_t)layer), "no_rope_layers", 0, 1, &turned, why))
		return ST_INPUT;
	*unturned = !turned;
	return 0;
}

static int get_layers(struct config *c, const json_t *j, struct reason *why)
{
	const json_t *types = json_object_get(j, "layer_types");
	int64_t pattern;

	if (get_window(c, j, why) || check_types(c, types, why) || get_pattern(c, j, &pattern, why))
		return ST_INPUT;
	if (family_row(c->family)->windows == WINDOWS_SWITCHED && c->window && jsonkey_none(types))
		return fail(why, ST_INPUT, "layer_types: missing");
	for (int64_t l = 0; l < c->layers; l++) {
		bool window = has_window(c, types, pattern, l), unturned = false, mixed;

		if (get_mixed(c, j, l, &mixed, why))
			return ST_INPUT;
		if (c->family == FAMILY_SMOLLM3 && get_unturned(j, c->layers, l, &unturned, why))
			return ST_INPUT;
		if (family_row(c->family)->window_turns && c->window && !window)
			unturned = true;
		buf_char(&c->kinds,
			 (char)((window ? LAYER_WINDOW : 0) | (unturned ? LAYER_UNTURNED : 0) |
				(mixed ? LAYER_MIXED : 0)));
	}
	return 0;
}

struct layer_kind config_layer(const struct config *c, int64_t layer)
{
	int kind = c->kinds.n ? c->kinds.p[layer] : 0;
	bool window = kind & LAYER_WINDOW;

	assert(layer >= 0 && layer < c->layers);
	assert(!c->kinds.n || c->kinds.n == (size_t)c->layers);
	return (struct layer_kind){.mixer = kind & LAYER_MIXED ? family_row(c->family)->mixer
							       : MIXER_ATTENTION,
				   .window = window ? c->window : 0,
				   .turned = !(kind & LAYER_UNTURNED),
				   .local = window && family_row(c->family)->local};
}

/* ---- numbers, biases, angles ---- */

static int get_real(struct config *c, const struct real *r, const json_t *j, struct reason *why)
{
	const json_t *v = json_object_get(j, r->key);
	double x = v ? 0 : r->absent;

	if (jsonkey_real(j, r->key, &x, why))
		return ST_INPUT;
	if (!jsonkey_none(v) && !(x > 0 && x < 1e9))
		return jsonkey_fail(why, r->key, v, "is not a number above 0");
	*real_field(c, r) = x > 0 && r->as != AS_IS ? 1 / (r->as == INVERSE ? x : sqrt(x)) : x;
	return 0;
}

static int get_reals(struct config *c, const json_t *j, struct reason *why)
{
	const struct family_row *row = family_row(c->family);

	for (size_t i = 0; i < N_REALS; i++)
		if (reals[i].families & 1U << c->family && get_real(c, &reals[i], j, why))
			return ST_INPUT;
	if (row->scaled_embedding)
		c->embedding_scale = sqrt((double)c->d);
	c->norm_eps = row->eps;
	return jsonkey_real(j, row->eps_key, &c->norm_eps, why);
}

static void set_biases(struct config *c, unsigned what)
{
	c->qkv_bias = what & BIAS_QKV;
	c->o_bias = what & BIAS_O;
	c->mlp_bias = what & BIAS_MLP;
}

static int get_flags(struct config *c, const json_t *j, struct reason *why)
{
	const struct family_row *row = family_row(c->family);
	unsigned what = 0;

	for (int i = 0; i < BIAS_RULES; i++) {
		bool on = row->bias[i].absent;

		if (row->bias[i].key && jsonkey_bool(j, row->bias[i].key, &on, why))
			return ST_INPUT;
		what |= on ? row->bias[i].what : 0;
	}
	set_biases(c, what);
	c->qk_norm = row->qk_normed;
	c->tied = row->tied;
	if (row->tied_key && jsonkey_bool(j, "tie_word_embeddings", &c->tied, why))
		return ST_INPUT;
	return (row->qk_key && jsonkey_bool(j, row->qk_key, &c->qk_norm, why)) ||
	       (row->parallel_key && jsonkey_bool(j, row->parallel_key, &c->parallel, why)) ||
	       jsonkey_bool(j, row->tied_key ? row->tied_key : "tie_word_embeddings", &c->tied,
			    why);
}

static struct rope_form form_of(const struct config *c, bool local)
{
	const struct family_row *row = family_row(c->family);

	return (struct rope_form){.max_len = c->max_len,
				  .types = row->rope_types,
				  .theta = local ? row->local_theta : row->theta,
				  .share = row->share,
				  .partial = row->share > 0,
				  .needed = row->rope_needed,
				  .mrope = row->mrope,
				  .layers = !row->local ? NULL
					    : local     ? "sliding_attention"
							: "full_attention",
				  .apart = local,
				  .theta_key = local ? row->local_key : NULL};
}

static int get_ropes(struct config *c, const json_t *j, struct reason *why)
{
	struct rope_form all = form_of(c, false), local = form_of(c, true);

	if (rope_parse(&c->rope, j, &all, why))
		return ST_INPUT;
	return family_row(c->family)->local ? rope_parse(&c->local, j, &local, why) : 0;
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

static int check_rope(const struct config *c, const struct rope *r, const char *key,
		      struct reason *why)
{
	int64_t n = rope_turned(r, c->head_dim);

	if (!(r->theta >= 1 && r->theta < 1e15))
		return fail(why, ST_INPUT, "%s: %g is not within 1..1e15", key, r->theta);
	if (n < 2)
		return fail(why, ST_INPUT,
			    "partial_rotary_factor: %g of %lld numbers of a head are not an even "
			    "number",
			    r->share, (long long)c->head_dim);
	if (r->type == ROPE_LONGROPE && r->n_long != n / 2)
		return fail(why, ST_INPUT, "long_factor: %lld numbers, but %lld pairs turn",
			    (long long)r->n_long, (long long)n / 2);
	return 0;
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
		return fail(why, ST_INPUT, "%s: %g is not between 0 and 1",
			    family_row(c->family)->eps_key, c->norm_eps);
	return check_rope(c, &c->rope, "rope_theta", why) ||
	       (family_row(c->family)->local &&
		check_rope(c, &c->local, "rope_local_base_freq", why));
}

/* Sizes of layers without attention: where they go, what an absent key means (0: it must be there),
 * whose they are */
static const struct {
	const char *key;
	size_t field;
	int64_t hi, absent;
	enum mixer mixer;
} mixes[] = {
	{"conv_L_cache", offsetof(struct config, conv_taps), CONV_MOST, 3, MIXER_CONV},
	{"linear_conv_kernel_dim", offsetof(struct config, conv_taps), CONV_MOST, 4, MIXER_DELTA},
	{"linear_num_key_heads", offsetof(struct config, linear_k_heads), MAX_HEADS, 16,
	 MIXER_DELTA},
	{"linear_num_value_heads", offsetof(struct config, linear_v_heads), MAX_HEADS, 32,
	 MIXER_DELTA},
	{"linear_key_head_dim", offsetof(struct config, linear_k_dim), DELTA_MOST, 128,
	 MIXER_DELTA},
	{"linear_value_head_dim", offsetof(struct config, linear_v_dim), DELTA_MOST, 128,
	 MIXER_DELTA},
};

enum { N_MIXES = sizeof mixes / sizeof *mixes };

static int64_t *mix_field(struct config *c, size_t i)
{
	return (int64_t *)((char *)c + mixes[i].field);
}

/* LFM2: a raw width becomes two thirds of it, times a factor, rounded up. */
static int get_auto_ffn(struct config *c, const json_t *j, struct reason *why)
{
	bool adjust = true;
	double by = 1;
	int64_t of = 256;
	const json_t *own = json_object_get(j, "block_ff_dim");
	const json_t *v = json_object_get(j, "block_multiple_of");

	if (!jsonkey_none(own) && jsonkey_int(own, "block_ff_dim", 1, MAX_WIDTH, &c->ffn, why))
		return ST_INPUT;
	if (jsonkey_bool(j, "block_auto_adjust_ff_dim", &adjust, why) ||
	    jsonkey_real(j, "block_ffn_dim_multiplier", &by, why) ||
	    (!jsonkey_none(v) && jsonkey_int(v, "block_multiple_of", 1, MAX_WIDTH, &of, why)))
		return ST_INPUT;
	if (!(by > 0 && by < 64))
		return fail(why, ST_INPUT, "block_ffn_dim_multiplier: %g is not within 0..64", by);
	if (adjust)
		c->ffn = ((int64_t)(by * (double)(2 * c->ffn / 3)) + of - 1) / of * of;
	return c->ffn >= 1 && c->ffn <= MAX_WIDTH
		       ? 0
		       : fail(why, ST_INPUT, "intermediate_size: %lld after adjusting",
			      (long long)c->ffn);
}

static int get_mixes(struct config *c, const json_t *j, struct reason *why)
{
	const struct family_row *row = family_row(c->family);

	for (size_t i = 0; i < N_MIXES; i++) {
		const json_t *v = json_object_get(j, mixes[i].key);

		if (mixes[i].mixer != row->mixer)
			continue;
		*mix_field(c, i) = mixes[i].absent;
		if (!jsonkey_none(v) &&
		    jsonkey_int(v, mixes[i].key, 1, mixes[i].hi, mix_field(c, i), why))
			return ST_INPUT;
	}
	if (c->conv_taps == 1 || (c->linear_k_heads && c->linear_v_heads % c->linear_k_heads))
		return fail(why, ST_INPUT,
			    "a convolution of %lld taps, or %lld linear_num_value_heads for %lld "
			    "linear_num_key_heads",
			    (long long)c->conv_taps, (long long)c->linear_v_heads,
			    (long long)c->linear_k_heads);
	if (row->mixer == MIXER_CONV && jsonkey_bool(j, "conv_bias", &c->conv_bias, why))
		return ST_INPUT;
	return row->auto_ffn ? get_auto_ffn(c, j, why) : 0;
}

static int parse_main(struct config *c, const json_t *j, struct reason *why)
{
	int (*const steps[])(struct config *, const json_t *, struct reason *) = {
		get_ints, get_layers, get_mixes, get_reals, get_flags, get_ropes};
	int st;

	if (!json_is_object(j))
		return fail(why, ST_INPUT, "not a JSON object");
	st = get_family(c, j, why);
	if (!st)
		st = check_fixed(c, j, why);
	for (size_t i = 0; !st && i < sizeof steps / sizeof *steps; i++)
		st = steps[i](c, j, why) ? ST_INPUT : 0;
	if (!st)
		st = check_shape(c, why) ? ST_INPUT : 0;
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

/* The keys by which the family's biases are said, and what else may be on or off */
static void make_flags(const struct config *c, json_t *j)
{
	const struct family_row *row = family_row(c->family);
	unsigned has = (c->qkv_bias ? BIAS_QKV : 0) | (c->o_bias ? BIAS_O : 0) |
		       (c->mlp_bias ? BIAS_MLP : 0);

	for (int i = 0; i < BIAS_RULES; i++)
		if (row->bias[i].key)
			json_object_set_new(j, row->bias[i].key,
					    json_boolean(has & row->bias[i].what));
	if (row->qk_key)
		json_object_set_new(j, row->qk_key, json_boolean(c->qk_norm));
	if (row->parallel_key)
		json_object_set_new(j, row->parallel_key, json_boolean(c->parallel));
}

static void make_layers(const struct config *c, json_t *j)
{
	enum windows windows = family_row(c->family)->windows;
	json_t *types = json_array(), *turned = json_array();

	for (int64_t l = 0; l < c->layers; l++) {
		struct layer_kind k = config_layer(c, l);

		json_array_append_new(types, json_string(k.mixer ? family_row(c->family)->mixer_word
							 : k.window ? "sliding_attention"
								    : "full_attention"));
		json_array_append_new(turned, json_integer(k.turned));
	}
	if (windows >= WINDOWS_ALL)
		json_object_set_new(j, "sliding_window",
				    c->window ? json_integer(c->window) : json_null());
	if (windows >= WINDOWS_TYPES)
		json_object_set(j, "layer_types", types);
	if (windows == WINDOWS_SWITCHED) {
		json_object_set(j, "no_rope_layers", turned);
		json_object_set_new(j, "use_sliding_window", json_boolean(c->window));
	}
	if (family_row(c->family)->mixer != MIXER_ATTENTION)
		json_object_set(j, "layer_types", types);
	json_decref(types);
	json_decref(turned);
}

/* Sizes of layers without attention */
static void make_mixes(struct config *c, json_t *j)
{
	const struct family_row *row = family_row(c->family);

	for (size_t i = 0; i < N_MIXES; i++)
		if (mixes[i].mixer == row->mixer)
			json_object_set_new(j, mixes[i].key, json_integer(*mix_field(c, i)));
	if (row->mixer == MIXER_CONV)
		json_object_set_new(j, "conv_bias", json_boolean(c->conv_bias));
	if (row->auto_ffn)
		json_object_set_new(j, "block_auto_adjust_ff_dim", json_false());
}

static void make_reals(struct config *c, json_t *j)
{
	for (size_t i = 0; i < N_REALS; i++) {
		double x = *real_field(c, &reals[i]);

		if (!(reals[i].families & 1U << c->family))
			continue;
		if (x > 0 && reals[i].as != AS_IS)
			x = 1 / (reals[i].as == INVERSE ? x : x * x);
		json_object_set_new(j, reals[i].key, x > 0 ? json_real(x) : json_null());
	}
}

static json_t *angles_of(const struct rope *r)
{
	json_t *j =
		r->type == ROPE_DEFAULT ? json_pack("{s:s}", "rope_type", "default") : rope_json(r);

	json_object_set_new(j, "rope_theta", json_real(r->theta));
	return j;
}

/* The angles of layers with a window and of others, where they differ */
static void make_ropes(const struct config *c, json_t *j)
{
	const struct family_row *row = family_row(c->family);

	if (row->share > 0)
		json_object_set_new(j, "partial_rotary_factor", json_real(c->rope.share));
	if (!row->local && !row->rope_needed)
		return;
	json_object_del(j, "rope_theta");
	json_object_del(j, "rope_scaling");
	if (row->local)
		json_object_set_new(j, "rope_parameters",
				    json_pack("{s:o, s:o}", "full_attention", angles_of(&c->rope),
					      "sliding_attention", angles_of(&c->local)));
	else
		json_object_set_new(j, "rope_parameters", angles_of(&c->rope));
}

/* The word of the activation: the first that is one */
static json_t *act_word(const struct family_row *row)
{
	json_t *words = json_loads(row->act_words, 0, NULL), *v;
	size_t i = 0;

	while (!json_is_string(json_array_get(words, i)))
		i++;
	v = json_incref(json_array_get(words, i));
	json_decref(words);
	return v;
}

static void make_json(struct config *c)
{
	const struct family_row *row = family_row(c->family);
	json_t *j =
		json_pack("{s:[s], s:s, s:o, s:f, s:o, s:f, s:b}", "architectures",
			  row->architecture, "model_type", row->name, row->act_key, act_word(row),
			  "rope_theta", c->rope.theta, "rope_scaling", rope_json(&c->rope),
			  row->eps_key, c->norm_eps, "tie_word_embeddings", (int)c->tied);

	make_flags(c, j);
	make_layers(c, j);
	make_mixes(c, j);
	make_reals(c, j);
	make_ropes(c, j);
	for (size_t i = 0; i < N_INTS; i++)
		json_object_set_new(j, ints[i].key, json_integer(*int_field(c, i)));
	json_object_set_new(j, "bos_token_id", c->bos < 0 ? json_null() : json_integer(c->bos));
	json_object_set_new(j, "eos_token_id", config_eos(c));
	json_object_set_new(j, "torch_dtype", json_string("float32"));
	buf_reset(&c->json);
	add_json(&c->json, j);
	json_decref(j);
}

/* Numbers of the family's that nobody chose */
static void fill_reals(struct config *c)
{
	const struct family_row *row = family_row(c->family);

	for (size_t i = 0; i < N_REALS; i++) {
		double *x = real_field(c, &reals[i]);

		if (reals[i].families & 1U << c->family && *x == 0 && reals[i].absent > 0)
			*x = reals[i].as == INVERSE_ROOT ? 1 / sqrt(reals[i].absent)
							 : reals[i].absent;
	}
	if (row->local)
		c->local = (struct rope){.theta = row->local_theta};
	c->rope.share = row->share;
	for (size_t i = 0; i < N_MIXES; i++)
		if (mixes[i].mixer == row->mixer)
			*mix_field(c, i) = *mix_field(c, i) ? *mix_field(c, i) : mixes[i].absent;
}

/* A rule holds where the caller asked for a part of it, or did not choose. */
static unsigned asked_biases(const struct config *c, bool fresh)
{
	const struct bias_rule *rule = family_row(c->family)->bias;
	unsigned asked = (c->qkv_bias ? BIAS_QKV : 0) | (c->o_bias ? BIAS_O : 0) |
			 (c->mlp_bias ? BIAS_MLP : 0);
	unsigned what = 0;

	for (int i = 0; i < BIAS_RULES; i++)
		if (asked & rule[i].what || (rule[i].absent && (fresh || !rule[i].key)))
			what |= rule[i].what;
	return what;
}

/* What the family decides. A shape that was not parsed has no kinds of layers yet. */
static int fill(struct config *c, struct reason *why)
{
	const struct family_row *row = family_row(c->family);
	bool fresh = !c->kinds.n;
	json_t *j = json_object();
	int st = 0;

	set_biases(c, asked_biases(c, fresh));
	c->qk_norm = row->qk_normed || (row->qk_key && c->qk_norm);
	c->parallel = row->parallel_key && c->parallel;
	if (fresh)
		fill_reals(c);
	else
		json_object_set_new(j, "sliding_window",
				    c->window ? json_integer(c->window) : json_null());
	c->embedding_scale = row->scaled_embedding ? sqrt((double)c->d) : c->embedding_scale;
	if (c->kinds.n != (size_t)c->layers) {
		buf_reset(&c->kinds);
		st = get_layers(c, j, why);
	}
	json_decref(j);
	return st;
}

void config_recast(struct config *c, enum family f)
{
	struct config to = {.family = f,
			    .vocab = c->vocab,
			    .d = c->d,
			    .layers = c->layers,
			    .heads = c->heads,
			    .kv_heads = c->kv_heads,
			    .head_dim = c->head_dim,
			    .ffn = c->ffn,
			    .max_len = c->max_len,
			    .norm_eps = c->norm_eps,
			    .rope = c->rope,
			    .tied = c->tied,
			    .bos = c->bos,
			    .n_eos = c->n_eos};

	memcpy(to.eos, c->eos, sizeof to.eos);
	to.rope.share = 0;
	if (family_row(f)->rope_types || c->rope.type > ROPE_YARN)
		to.rope = (struct rope){.theta = c->rope.theta};
	config_free(c);
	*c = to;
}

int config_make(struct config *c, struct reason *why)
{
	for (size_t i = 0; i < N_INTS; i++) {
		int64_t v = *int_field(c, i);

		if ((v || int_absent(FAMILY_LLAMA, i)) && (v < ints[i].lo || v > ints[i].hi))
			return fail(why, ST_INPUT, "%s: %lld is not within %lld..%lld", ints[i].key,
				    (long long)v, (long long)ints[i].lo, (long long)ints[i].hi);
	}
	if (fill(c, why) || check_shape(c, why))
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
	return family_row(c->family)->name;
}

bool config_is_eos(const struct config *c, uint32_t token)
{
	assert(c->n_eos <= CONFIG_MAX_EOS);
	for (size_t i = 0; i < c->n_eos; i++)
		if (c->eos[i] == token)
			return true;
	return false;
}

/* Weights of queries' and keys' norms */
static uint64_t qk_norm_params(const struct config *c)
{
	enum qk_norm how = family_row(c->family)->qk_norm;
	uint64_t heads = (uint64_t)(c->heads + c->kv_heads), hd = (uint64_t)c->head_dim;

	if (!c->qk_norm)
		return 0;
	return how == QK_ROW || how == QK_LAYERNORM ? heads * hd : 2 * hd;
}

/* Of one layer's norms, and of its feed-forward layer's biases */
static uint64_t small_params(const struct config *c)
{
	const struct family_row *row = family_row(c->family);
	uint64_t d = (uint64_t)c->d, ffn = (uint64_t)c->ffn, n = 0, norms = 0;
	static const enum layer_part parts[] = {PART_NORM1, PART_NORM1_OUT, PART_NORM2,
						PART_NORM2_OUT};

	for (int i = 0; i < 4; i++)
		norms += family_part(c->family, parts[i]) ? 1 : 0;
	norms -= c->parallel ? 1 : 0;
	n += norms * d * (row->layernorm ? 2 : 1);
	n += c->mlp_bias ? act_inputs(row->act) * ffn + d : 0;
	return n + (row->act == ACT_XIELU ? 4 : 0);
}

/* Weights of a layer's attention, or of what it has in its place, but for norms */
static uint64_t mixer_params(const struct config *c, enum mixer mixer)
{
	uint64_t d = (uint64_t)c->d, taps = (uint64_t)c->conv_taps;
	uint64_t q = (uint64_t)(c->heads * c->head_dim), kv = (uint64_t)(c->kv_heads * c->head_dim);
	uint64_t kd = (uint64_t)(c->linear_k_heads * c->linear_k_dim);
	uint64_t vh = (uint64_t)c->linear_v_heads, vd = vh * (uint64_t)c->linear_v_dim;

	if (mixer == MIXER_CONV)
		return 4 * d * d + d * taps + (c->conv_bias ? 5 * d : 0);
	if (mixer == MIXER_DELTA)
		return (2 * kd + vd) * (d + taps) + 2 * vd * d + 2 * vh * d + 2 * vh +
		       (uint64_t)c->linear_v_dim;
	return (family_row(c->family)->gated ? 3 : 2) * q * d + 2 * kv * d + qk_norm_params(c) +
	       (c->qkv_bias ? q + 2 * kv + (family_row(c->family)->gated ? q : 0) : 0) +
	       (c->o_bias ? d : 0);
}

uint64_t config_params(const struct config *c)
{
	const struct family_row *row = family_row(c->family);
	uint64_t d = (uint64_t)c->d, v = (uint64_t)c->vocab, ffn = (uint64_t)c->ffn, n;

	assert(c->d >= 1 && c->layers >= 1);
	n = v * d * (c->tied ? 1 : 2) + d * (row->layernorm ? 2 : 1);
	n += (uint64_t)c->layers * ((1 + act_inputs(row->act)) * ffn * d + small_params(c));
	for (int64_t l = 0; l < c->layers; l++)
		n += mixer_params(c, config_layer(c, l).mixer);
	return n;
}

void config_free(struct config *c)
{
	buf_free(&c->json);
	buf_free(&c->kinds);
	*c = (struct config){0};
}
