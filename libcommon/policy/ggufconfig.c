/* ggufconfig.c - the shape of a model, in the words of config.json and of GGUF. See ggufconfig.h.
 */
#include "policy/ggufconfig.h"
#include "base/mem.h"
#include "policy/ggufrope.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SIZE = 1 << 24, MAX_LAYERS = 4096 };

/* Sizes in both worlds; must: the file has to have it; mixer: of what models (MIXER_ATTENTION: of
 * all). The size of a head of linear attention is one there, and two here. */
static const struct {
	const char *key, *hf;
	size_t field;
	bool must;
	enum mixer mixer;
} sizes[] = {
	{"context_length", "max_position_embeddings", offsetof(struct config, max_len), true,
	 MIXER_ATTENTION},
	{"embedding_length", "hidden_size", offsetof(struct config, d), true, MIXER_ATTENTION},
	{"block_count", "num_hidden_layers", offsetof(struct config, layers), true,
	 MIXER_ATTENTION},
	{"feed_forward_length", "intermediate_size", offsetof(struct config, ffn), true,
	 MIXER_ATTENTION},
	{"attention.head_count", "num_attention_heads", offsetof(struct config, heads), true,
	 MIXER_ATTENTION},
	{"attention.head_count_kv", "num_key_value_heads", offsetof(struct config, kv_heads), false,
	 MIXER_ATTENTION},
	{"attention.key_length", "head_dim", offsetof(struct config, head_dim), false,
	 MIXER_ATTENTION},
	{"shortconv.l_cache", "conv_L_cache", offsetof(struct config, conv_taps), true, MIXER_CONV},
	{"ssm.conv_kernel", "linear_conv_kernel_dim", offsetof(struct config, conv_taps), true,
	 MIXER_DELTA},
	{"ssm.group_count", "linear_num_key_heads", offsetof(struct config, linear_k_heads), true,
	 MIXER_DELTA},
	{"ssm.time_step_rank", "linear_num_value_heads", offsetof(struct config, linear_v_heads),
	 true, MIXER_DELTA},
	{"ssm.state_size", "linear_key_head_dim", offsetof(struct config, linear_k_dim), true,
	 MIXER_DELTA},
	{"ssm.state_size", "linear_value_head_dim", offsetof(struct config, linear_v_dim), true,
	 MIXER_DELTA},
};

enum { N_SIZES = sizeof sizes / sizeof *sizes };

/* Factors and caps in both worlds; 1 / x: one divides where the other multiplies */
static const struct {
	const char *key, *hf;
	size_t field;
	unsigned has;
	bool inverse;
	double absent; /* what no key means; 0: none, or by the size of a head */
} reals[] = {
	{"attention.scale", "attention_multiplier", offsetof(struct config, attention_scale),
	 GGUF_SCALES, false, 0},
	{"embedding_scale", "embedding_multiplier", offsetof(struct config, embedding_scale),
	 GGUF_SCALES, false, 1},
	{"residual_scale", "residual_multiplier", offsetof(struct config, residual_scale),
	 GGUF_SCALES, false, 1},
	{"logit_scale", "logits_scaling", offsetof(struct config, logit_scale), GGUF_SCALES, true,
	 1},
	{"attn_logit_softcapping", "attn_logit_softcapping", offsetof(struct config, attention_cap),
	 GGUF_CAPS, false, 0},
	{"final_logit_softcapping", "final_logit_softcapping", offsetof(struct config, logit_cap),
	 GGUF_CAPS, false, 0},
};

enum { N_REALS = sizeof reals / sizeof *reals };

/* Other keys that change the arithmetic, and are harmless where they are 0 or 1; reals that a kind
 * does not have are of them. */
static const char *const neutral[] = {
	"expert_count",      "attention.clamp_kqv", "attention.max_alibi_bias",
	"rope.scale_linear", "rope.scaling.alpha",
};

/* ---- reading ---- */

static int64_t *field_of(struct config *c, size_t i)
{
	return (int64_t *)((char *)c + sizes[i].field);
}

static bool has_size(const struct gguf_arch *a, size_t i)
{
	return sizes[i].mixer == MIXER_ATTENTION || sizes[i].mixer == family_row(a->family)->mixer;
}

/* A list of numbers, one for each layer, the caller's to free; where there is none, NULL. */
static int read_layers(const struct gguf *g, const char *key, int64_t layers, double **v,
		       struct reason *why)
{
	const struct gguf_key *k = gguf_find(g, key);
	size_t n = (size_t)layers;

	*v = NULL;
	if (!k || k->type != GGUF_ARRAY)
		return 0;
	if (k->n != n)
		return fail(why, ST_INPUT, "%s: %s: %llu of %lld layers", g->path, key,
			    (unsigned long long)k->n, (long long)layers);
	return gguf_reals(g, key, v, &n, why);
}

/* Heads of keys of each layer: one number, or 0 where a layer has none of its own */
static int read_kv_heads(const struct gguf *g, const char *key, struct config *c,
			 struct reason *why)
{
	double *v, most = 0;
	bool ok = true;

	if (read_layers(g, key, c->layers, &v, why))
		return ST_INPUT;
	for (int64_t i = 0; v && i < c->layers; i++)
		most = fmax(most, v[i]);
	for (int64_t i = 0; v && i < c->layers; i++)
		ok = ok && (v[i] == 0 || v[i] == most);
	free(v);
	if (!ok || most >= MAX_SIZE)
		return fail(why, ST_INPUT, "%s: %s: layers that differ", g->path, key);
	c->kv_heads = (int64_t)most;
	return 0;
}

static int read_size(const struct gguf *g, const struct gguf_arch *a, size_t i, struct config *c,
		     struct reason *why)
{
	const char *key = gguf_arch_key(a, sizes[i].key);
	const struct gguf_key *k = gguf_find(g, key);

	if (sizes[i].must && !k)
		return fail(why, ST_INPUT, "%s: %s: missing", g->path, key);
	if (k && k->type == GGUF_ARRAY && sizes[i].field == offsetof(struct config, kv_heads) &&
	    family_row(a->family)->mixer == MIXER_CONV)
		return read_kv_heads(g, key, c, why);
	return gguf_int(g, key, 1, MAX_SIZE, field_of(c, i), why);
}

static int read_sizes(const struct gguf *g, const struct gguf_arch *a, struct config *c,
		      struct reason *why)
{
	for (size_t i = 0; i < N_SIZES; i++)
		if (has_size(a, i) && read_size(g, a, i, c, why))
			return ST_INPUT;
	if (!c->kv_heads)
		c->kv_heads = c->heads;
	if (!c->head_dim)
		c->head_dim = c->d / c->heads;
	return 0;
}

/* What must be as others say */
static int check_size(const struct gguf *g, const struct gguf_arch *a, const char *name,
		      int64_t want, struct reason *why)
{
	const char *key = gguf_arch_key(a, name);
	int64_t v = want;

	if (gguf_int(g, key, 0, (int64_t)MAX_SIZE * MAX_SIZE, &v, why))
		return ST_INPUT;
	if (v != want)
		return fail(why, ST_INPUT, "%s: %s: %lld is not supported here, only %lld", g->path,
			    key, (long long)v, (long long)want);
	return 0;
}

static int check_one(const struct gguf *g, const char *key, struct reason *why)
{
	const struct gguf_key *k = gguf_find(g, key);
	double v = 0;

	if (k && k->type == GGUF_BOOL)
		return 0;
	if (gguf_real(g, key, &v, why))
		return ST_INPUT;
	return v == 0 || v == 1
		       ? 0
		       : fail(why, ST_INPUT, "%s: %s: %g is not supported", g->path, key, v);
}

/* A switch that no config.json of ours has, in its usual place */
static int check_switch(const struct gguf *g, const char *key, struct reason *why)
{
	bool on = true;

	if (gguf_bool(g, key, &on, why))
		return ST_INPUT;
	return on ? 0 : fail(why, ST_INPUT, "%s: %s: false is not supported", g->path, key);
}

static int check_neutral(const struct gguf *g, const struct gguf_arch *a, struct reason *why)
{
	int st = check_switch(g, gguf_arch_key(a, "attention.causal"), why);

	if (!st && a->has & GGUF_SCALES) /* Granite's: whether queries and keys turn */
		st = check_switch(g, gguf_arch_key(a, "rope.scaling.finetuned"), why);

	for (size_t i = 0; i < sizeof neutral / sizeof *neutral && !st; i++)
		st = check_one(g, gguf_arch_key(a, neutral[i]), why);
	for (size_t i = 0; i < N_REALS && !st; i++)
		if (!(a->has & reals[i].has))
			st = check_one(g, gguf_arch_key(a, reals[i].key), why);
	if (!st && !(a->has & (GGUF_WINDOWS | GGUF_ONE_WINDOW)))
		st = check_one(g, gguf_arch_key(a, "attention.sliding_window"), why);
	return st;
}

/* Biases, by the keys of the family: whether the first layer has them */
static void add_biases(const struct gguf *g, const struct family_row *row, json_t *j)
{
	for (int i = 0; i < BIAS_RULES; i++) {
		const struct bias_rule *rule = &row->bias[i];
		const char *name = rule->what & BIAS_QKV ? "blk.0.attn_q.bias"
				   : rule->what & BIAS_O ? "blk.0.attn_output.bias"
							 : "blk.0.ffn_up.bias";

		if (rule->key && rule->what)
			json_object_set_new(j, rule->key,
					    json_boolean(gguf_tensor(g, name) != NULL));
	}
}

/* What a number is where no key says it; 0: it is off, or follows from others */
static double absent_real(const struct gguf_arch *a, size_t i)
{
	return reals[i].field == offsetof(struct config, attention_cap) ? a->attention_cap
	       : reals[i].field == offsetof(struct config, logit_cap)   ? a->logit_cap
									: reals[i].absent;
}

/* What scores are divided by the root of, where no key can say it */
static int64_t score_width(const struct gguf_arch *a, const struct config *c)
{
	return a->broad && c->layers == a->broad ? c->d / c->heads : c->head_dim;
}

static int add_reals(const struct gguf *g, const struct gguf_arch *a, const struct config *c,
		     json_t *j, struct reason *why)
{
	for (size_t i = 0; i < N_REALS; i++) {
		double v = absent_real(a, i);

		if (!(a->has & reals[i].has))
			continue;
		if (gguf_real(g, gguf_arch_key(a, reals[i].key), &v, why))
			return ST_INPUT;
		if (v == 0 && reals[i].has == GGUF_SCALES) /* as if it were not there */
			v = reals[i].absent > 0 ? reals[i].absent : 1 / sqrt((double)c->head_dim);
		json_object_set_new(j, reals[i].hf, v == 0 ? json_null() : json_real(v));
	}
	if (family_row(a->family)->scaled_embedding)
		json_object_set_new(j, "query_pre_attn_scalar", json_integer(score_width(a, c)));
	return 0;
}

/* Which layers have the window: a list of bools, or every so many-th has none */
static int add_layers(const struct gguf *g, const struct gguf_arch *a, const struct config *c,
		      json_t *j, struct reason *why)
{
	const char *key = gguf_arch_key(a, "attention.sliding_window_pattern");
	json_t *list = json_array();
	int64_t every = a->pattern;
	double *v;

	json_object_set_new(j, "layer_types", list);
	if (read_layers(g, key, c->layers, &v, why) ||
	    (!v && gguf_int(g, key, 1, MAX_SIZE, &every, why)))
		return ST_INPUT;
	for (int64_t i = 0; i < c->layers; i++) {
		bool window = v ? v[i] != 0 : (i + 1) % every != 0;

		json_array_append_new(list,
				      json_string(window ? "sliding_attention" : "full_attention"));
	}
	free(v);
	return 0;
}

/* Layers without attention: a list of bools, or that of heads of keys, or every so many-th has it
 */
static int add_mixers(const struct gguf *g, const struct gguf_arch *a, const struct config *c,
		      json_t *j, struct reason *why)
{
	const struct family_row *row = family_row(a->family);
	bool conv = row->mixer == MIXER_CONV;
	json_t *list = json_array();
	int64_t every = row->interval;
	double *v;

	json_object_set_new(j, "layer_types", list);
	if (read_layers(g,
			gguf_arch_key(a, conv ? "attention.head_count_kv"
					      : "attention.recurrent_layers"),
			c->layers, &v, why) ||
	    gguf_int(g, gguf_arch_key(a, "full_attention_interval"), 1, MAX_SIZE, &every, why))
		return ST_INPUT;
	for (int64_t i = 0; i < c->layers; i++) {
		bool mixed = v ? (v[i] == 0) == conv : every && (i + 1) % every != 0;

		json_array_append_new(list,
				      json_string(mixed ? row->mixer_word : "full_attention"));
	}
	free(v);
	return 0;
}

static int add_windows(const struct gguf *g, const struct gguf_arch *a, const struct config *c,
		       json_t *j, struct reason *why)
{
	int64_t window = a->window;

	json_object_set_new(j, "sliding_window", json_null());
	if (a->windowed && c->layers != a->windowed)
		return 0;
	if (gguf_int(g, gguf_arch_key(a, "attention.sliding_window"), 0, MAX_SIZE, &window, why))
		return ST_INPUT;
	if (!window && a->window)
		return fail(why, ST_INPUT, "%s: %s.attention.sliding_window: 0 is not supported",
			    g->path, a->name);
	if (!window)
		return 0;
	json_object_set_new(j, "sliding_window", json_integer(window));
	return a->has & GGUF_ONE_WINDOW ? 0 : add_layers(g, a, c, j, why);
}

static bool has_tensor(const struct gguf *g, const char *name)
{
	return gguf_tensor(g, name) != NULL;
}

/* Is the output head the embedding? Where it must be in the file, it may be there twice. */
static bool is_tied(const struct gguf *g, const struct gguf_arch *a)
{
	const struct gguf_tensor *head = gguf_tensor(g, "output.weight");
	const struct gguf_tensor *embed = gguf_tensor(g, "token_embd.weight");

	return !head || (a->has & GGUF_HEAD && embed && gguf_same(g, head, embed));
}

static const char *act_name(enum act_kind act)
{
	return act == ACT_SWIGLU ? "silu" : act == ACT_XIELU ? "xielu" : "gelu_pytorch_tanh";
}

/* What tensors tell, and what a family's absent key would not */
static void add_flags(const struct gguf *g, const struct gguf_arch *a, json_t *j)
{
	const struct family_row *row = family_row(a->family);

	json_object_set_new(j, row->tied_key ? row->tied_key : "tie_word_embeddings",
			    json_boolean(is_tied(g, a)));
	if (row->parallel_key)
		json_object_set_new(j, row->parallel_key,
				    json_boolean(!has_tensor(g, "blk.0.ffn_norm.weight")));
	if (row->qk_key)
		json_object_set_new(j, row->qk_key,
				    json_boolean(has_tensor(g, "blk.0.attn_q_norm.weight")));
	if (row->auto_ffn)
		json_object_set_new(j, "block_auto_adjust_ff_dim", json_false());
	if (a->unturned)
		json_object_set_new(j, "no_rope_layer_interval", json_integer(a->unturned));
	add_biases(g, row, j);
}

static json_t *make_json(const struct gguf *g, const struct gguf_arch *a, const struct config *c)
{
	const struct family_row *row = family_row(a->family);
	json_t *j = json_pack("{s:[s], s:s, s:s, s:I, s:f}", "architectures", row->architecture,
			      "model_type", row->name, row->act_key, act_name(row->act),
			      "vocab_size", (json_int_t)c->vocab, row->eps_key, c->norm_eps);

	for (size_t i = 0; i < N_SIZES; i++)
		if (has_size(a, i))
			json_object_set_new(j, sizes[i].hf,
					    json_integer(*field_of((struct config *)c, i)));
	add_flags(g, a, j);
	gguf_rope_json(a, c, j);
	return j;
}

static const char *eps_key(const struct gguf_arch *a)
{
	return gguf_arch_key(a, family_row(a->family)->layernorm
					? "attention.layer_norm_epsilon"
					: "attention.layer_norm_rms_epsilon");
}

/* What is made for each layer must not be more than a file can justify. */
static int check_layers(const struct gguf *g, const struct gguf_arch *a, const struct config *c,
			struct reason *why)
{
	return c->layers <= MAX_LAYERS
		       ? 0
		       : fail(why, ST_INPUT, "%s: %s: %lld layers, more than %d", g->path,
			      gguf_arch_key(a, "block_count"), (long long)c->layers, MAX_LAYERS);
}

static int read_shape(const struct gguf *g, const struct gguf_arch *a, struct config *c,
		      struct reason *why)
{
	const char *eps = eps_key(a);

	if (!gguf_find(g, eps))
		return fail(why, ST_INPUT, "%s: %s: missing", g->path, eps);
	if (gguf_real(g, eps, &c->norm_eps, why) || read_sizes(g, a, c, why) ||
	    check_layers(g, a, c, why) ||
	    check_size(g, a, "attention.value_length", c->head_dim, why) ||
	    check_size(g, a, "attention.key_length_swa", c->head_dim, why) ||
	    check_size(g, a, "attention.value_length_swa", c->head_dim, why) ||
	    check_neutral(g, a, why) || gguf_rope_read(g, a, c, why))
		return ST_INPUT;
	return family_row(a->family)->mixer != MIXER_DELTA
		       ? 0
		       : check_size(g, a, "ssm.inner_size", c->linear_v_heads * c->linear_v_dim,
				    why);
}

json_t *gguf_config_json(const struct gguf *g, const struct gguf_arch *a, size_t vocab,
			 struct reason *why)
{
	struct config c = {.family = a->family, .vocab = (int64_t)vocab};
	json_t *j;

	if (read_shape(g, a, &c, why))
		return NULL;
	j = make_json(g, a, &c);
	if (add_reals(g, a, &c, j, why) ||
	    (a->has & (GGUF_WINDOWS | GGUF_ONE_WINDOW) && add_windows(g, a, &c, j, why)) ||
	    (family_row(a->family)->mixer != MIXER_ATTENTION && add_mixers(g, a, &c, j, why))) {
		json_decref(j);
		return NULL;
	}
	return j;
}

/* ---- writing ---- */

static bool is_near(double a, double b)
{
	return fabs(a - b) <= 1e-6 * fabs(b);
}

/* A factor or cap that the kind has no key for, and that is not what it has anyhow */
static int put_reals(const struct config *c, const struct gguf_arch *a, struct gguf_meta *m,
		     struct reason *why)
{
	const struct family_row *row = family_row(a->family);

	for (size_t i = 0; i < N_REALS; i++) {
		double v = *(const double *)((const char *)c + reals[i].field);
		bool usual = v == 0 ||
			     (reals[i].field == offsetof(struct config, attention_scale) &&
			      is_near(v, 1 / sqrt((double)score_width(a, c)))) ||
			     (reals[i].field == offsetof(struct config, embedding_scale) &&
			      row->scaled_embedding);

		if (!(a->has & reals[i].has) && !usual)
			return fail(why, ST_INPUT, "%s: GGUF has no key for it in a %s",
				    reals[i].field == offsetof(struct config, attention_scale) &&
						    row->scaled_embedding
					    ? "query_pre_attn_scalar"
					    : reals[i].hf,
				    a->name);
		if (v == 0 && absent_real(a, i) > 1 && a->has & reals[i].has)
			return fail(why, ST_INPUT, "%s: GGUF cannot say that a %s has none",
				    reals[i].hf, a->name);
		if (v == 0 && reals[i].inverse)
			v = 1; /* must be there */
		if (a->has & reals[i].has && v != 0)
			gguf_put_f32(m, gguf_arch_key(a, reals[i].key),
				     reals[i].inverse ? 1 / v : v);
	}
	return 0;
}

/* Has the layer a window, for one who reads it there? */
static bool is_windowed(const struct config *c, const struct gguf_arch *a, struct layer_kind kind)
{
	bool seen = kind.window < c->max_len || a->has & (GGUF_WINDOWS | GGUF_ONE_WINDOW);

	return kind.window > 0 && seen;
}

/* Can the kind say what the layer is? */
static bool can_say(const struct config *c, const struct gguf_arch *a, int64_t i)
{
	struct layer_kind kind = config_layer(c, i);
	bool window = is_windowed(c, a, kind);
	bool turned = family_row(a->family)->window_turns && c->window
			      ? window
			      : !(a->unturned && (i + 1) % a->unturned == 0);
	bool by_pattern = a->has & GGUF_WINDOWS && a->pattern && (i + 1) % a->pattern != 0;

	if (kind.turned != turned)
		return false;
	if (a->has & (GGUF_LIST | GGUF_ONE_WINDOW))
		return true;
	return window == by_pattern;
}

static void put_windows(const struct config *c, const struct gguf_arch *a, struct gguf_meta *m)
{
	bool *window = xcalloc((size_t)c->layers, sizeof *window);

	for (int64_t i = 0; i < c->layers; i++)
		window[i] = is_windowed(c, a, config_layer(c, i));
	gguf_put_u32(m, gguf_arch_key(a, "attention.sliding_window"), (uint32_t)c->window);
	if (a->has & GGUF_LIST)
		gguf_put_bools(m, gguf_arch_key(a, "attention.sliding_window_pattern"), window,
			       (size_t)c->layers);
	free(window);
}

/* Windows and layers that are not turned: as the kind has them, or as a list says */
static int put_layers(const struct config *c, const struct gguf_arch *a, struct gguf_meta *m,
		      struct reason *why)
{
	bool ok = !a->windowed || (c->window > 0) == (c->layers == a->windowed);
	bool none = !c->window && !(a->has & GGUF_ONE_WINDOW);

	for (int64_t i = 0; i < c->layers; i++)
		ok = ok && can_say(c, a, i);
	if (!ok)
		return fail(why, ST_INPUT,
			    "layer_types, sliding_window or no_rope_layers: GGUF cannot say that "
			    "of a %s",
			    a->name);
	if (a->has & (GGUF_WINDOWS | GGUF_ONE_WINDOW) && !none)
		put_windows(c, a, m);
	return 0;
}

/* Which layers have no attention */
static void put_mixers(const struct config *c, const struct gguf_arch *a, struct gguf_meta *m)
{
	size_t n = (size_t)c->layers;
	bool *mixed = xcalloc(n, sizeof *mixed);
	int32_t *heads = xcalloc(n, sizeof *heads);

	for (int64_t i = 0; i < c->layers; i++) {
		mixed[i] = config_layer(c, i).mixer != MIXER_ATTENTION;
		heads[i] = mixed[i] ? 0 : (int32_t)c->kv_heads;
	}
	if (family_row(a->family)->mixer == MIXER_CONV)
		gguf_put_i32s(m, gguf_arch_key(a, "attention.head_count_kv"), heads, n);
	else
		gguf_put_bools(m, gguf_arch_key(a, "attention.recurrent_layers"), mixed, n);
	free(mixed);
	free(heads);
}

static int put_sizes(const struct config *c, const struct gguf_arch *a, struct gguf_meta *m,
		     struct reason *why)
{
	enum mixer mixer = family_row(a->family)->mixer;

	if (mixer == MIXER_DELTA && c->linear_k_dim != c->linear_v_dim)
		return fail(why, ST_INPUT,
			    "linear_key_head_dim: GGUF cannot say %lld with linear_value_head_dim "
			    "%lld",
			    (long long)c->linear_k_dim, (long long)c->linear_v_dim);
	for (size_t i = 0; i < N_SIZES; i++) {
		bool listed =
			mixer == MIXER_CONV && sizes[i].field == offsetof(struct config, kv_heads);
		bool twice = i && strcmp(sizes[i].key, sizes[i - 1].key) == 0;

		if (has_size(a, i) && !listed && !twice)
			gguf_put_u32(m, gguf_arch_key(a, sizes[i].key),
				     (uint32_t)*field_of((struct config *)c, i));
	}
	gguf_put_u32(m, gguf_arch_key(a, "attention.value_length"), (uint32_t)c->head_dim);
	gguf_put_u32(m, gguf_arch_key(a, "vocab_size"), (uint32_t)c->vocab);
	gguf_put_f32(m, eps_key(a), c->norm_eps);
	if (mixer == MIXER_DELTA)
		gguf_put_u32(m, gguf_arch_key(a, "ssm.inner_size"),
			     (uint32_t)(c->linear_v_heads * c->linear_v_dim));
	if (mixer != MIXER_ATTENTION)
		put_mixers(c, a, m);
	return 0;
}

/* What a reader of the kind would not load */
static int check_kind(const struct config *c, const struct gguf_arch *a, struct reason *why)
{
	unsigned is = (c->qkv_bias ? BIAS_QKV : 0U) | (c->o_bias ? BIAS_O : 0U) |
		      (c->mlp_bias ? BIAS_MLP : 0U);
	const char *key = family_row(a->family)->bias[0].key;

	if (is & ~a->biases || a->must & ~is || c->conv_bias)
		return fail(why, ST_INPUT, "%s: GGUF has %s for %s",
			    c->conv_bias ? "conv_bias"
			    : key        ? key
					 : "biases",
			    a->must & ~is ? "no model without biases" : "no such bias", a->name);
	if (a->has & GGUF_NO_HEAD && !c->tied)
		return fail(why, ST_INPUT,
			    "tie_word_embeddings: the head of a GGUF of %s is the embedding",
			    a->name);
	if (a->has & GGUF_SQUARE && c->heads * c->head_dim != c->d)
		return fail(why, ST_INPUT,
			    "head_dim: a GGUF of %s cannot have %lld heads of %lld with "
			    "hidden_size %lld",
			    a->name, (long long)c->heads, (long long)c->head_dim, (long long)c->d);
	return 0;
}

int gguf_config_put(const struct config *c, const struct gguf_arch *a, struct gguf_meta *m,
		    struct reason *why)
{
	const struct family_row *row = family_row(a->family);

	if (check_kind(c, a, why) || put_sizes(c, a, m, why) || put_reals(c, a, m, why) ||
	    put_layers(c, a, m, why))
		return ST_INPUT;
	if (row->parallel_key)
		gguf_put_bool(m, gguf_arch_key(a, row->parallel_key), c->parallel);
	return gguf_rope_put(c, a, m, why);
}
