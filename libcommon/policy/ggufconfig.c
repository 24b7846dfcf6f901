/* ggufconfig.c - the shape of a model, in the words of config.json and of GGUF. See ggufconfig.h.
 */
#include "policy/ggufconfig.h"
#include "base/mem.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FREQS = 4096, MAX_SIZE = 1 << 24 };

static const double PI = 3.14159265358979323846;

/* Sizes in both worlds; must: the file has to have it */
static const struct {
	const char *key, *hf;
	size_t field;
	bool must;
} sizes[] = {
	{"context_length", "max_position_embeddings", offsetof(struct config, max_len), true},
	{"embedding_length", "hidden_size", offsetof(struct config, d), true},
	{"block_count", "num_hidden_layers", offsetof(struct config, layers), true},
	{"feed_forward_length", "intermediate_size", offsetof(struct config, ffn), true},
	{"attention.head_count", "num_attention_heads", offsetof(struct config, heads), true},
	{"attention.head_count_kv", "num_key_value_heads", offsetof(struct config, kv_heads),
	 false},
	{"attention.key_length", "head_dim", offsetof(struct config, head_dim), false},
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
	"expert_count",      "attention.clamp_kqv",   "attention.max_alibi_bias",
	"rope.scale_linear", "use_parallel_residual",
};

/* "ARCH.KEY", valid until the next call */
static const char *key_of(const struct gguf_arch *a, const char *key)
{
	static _Thread_local char name[96];

	snprintf(name, sizeof name, "%s.%s", a->name, key);
	return name;
}

/* ---- reading ---- */

static int64_t *field_of(struct config *c, size_t i)
{
	return (int64_t *)((char *)c + sizes[i].field);
}

static int read_sizes(const struct gguf *g, const struct gguf_arch *a, struct config *c,
		      struct reason *why)
{
	for (size_t i = 0; i < N_SIZES; i++) {
		const char *key = key_of(a, sizes[i].key);

		if (sizes[i].must && !gguf_find(g, key))
			return fail(why, ST_INPUT, "%s: %s: missing", g->path, key);
		if (gguf_int(g, key, 1, MAX_SIZE, field_of(c, i), why))
			return ST_INPUT;
	}
	if (!c->kv_heads)
		c->kv_heads = c->heads;
	if (!c->head_dim)
		c->head_dim = c->d / c->heads;
	return 0;
}

/* What must be as the head's size is */
static int check_like_head(const struct gguf *g, const struct gguf_arch *a, const char *name,
			   int64_t head_dim, struct reason *why)
{
	const char *key = key_of(a, name);
	int64_t v = head_dim;

	if (gguf_int(g, key, 0, MAX_SIZE, &v, why))
		return ST_INPUT;
	if (v != head_dim)
		return fail(why, ST_INPUT,
			    "%s: %s: %lld is not supported, only %lld, a head's size", g->path, key,
			    (long long)v, (long long)head_dim);
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

static int check_neutral(const struct gguf *g, const struct gguf_arch *a, struct reason *why)
{
	int st = 0;

	for (size_t i = 0; i < sizeof neutral / sizeof *neutral && !st; i++)
		st = check_one(g, key_of(a, neutral[i]), why);
	for (size_t i = 0; i < N_REALS && !st; i++)
		if (!(a->has & reals[i].has))
			st = check_one(g, key_of(a, reals[i].key), why);
	if (!st && !(a->has & GGUF_WINDOWS))
		st = check_one(g, key_of(a, "attention.sliding_window"), why);
	return st;
}

/* By what the frequency is divided, for turns within the original length */
static double divisor(const struct rope *r, double freq)
{
	double keep = (r->original * freq / (2 * PI) - r->low) / (r->high - r->low);

	keep = fmin(fmax(keep, 0), 1);
	return 1 / (keep + (1 - keep) / r->factor);
}

static double frequency(const struct rope *r, size_t i, size_t n)
{
	return pow(r->theta, -(double)i / (double)n);
}

static bool fits(const struct rope *r, const float *v, size_t n)
{
	if (!(r->high > r->low && r->low > 0 && r->original >= 1 && r->original < 1e9))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!(fabs(divisor(r, frequency(r, i, n)) - (double)v[i]) <= 2e-6 * (double)v[i]))
			return false;
	return true;
}

/* Where low is 1, which is free to choose: the numbers rounded as people write them, if they do. */
static bool fits_about(struct rope *r, const float *v, size_t n)
{
	struct rope neat = *r;

	neat.original = round(r->original);
	neat.high = round(r->high * 1000) / 1000;
	if (fits(&neat, v, n))
		*r = neat;
	return fits(r, v, n);
}

/* Between the frequencies that stay and those that are divided by the factor, what is kept of one
 * is linear in it: two points tell the line. With one, high is guessed, best such that original is
 * whole.
 */
static bool fit_ramp(struct rope *r, const float *v, size_t n)
{
	static const double guesses[] = {4, 3, 2, 1.5, 1.25, 8, 16, 32};
	double f[2], keep[2], slope, at0;
	size_t points = 0;

	for (size_t i = 0; i < n; i++) {
		double k = (1 / (double)v[i] - 1 / r->factor) / (1 - 1 / r->factor);

		if (k > 1e-4 && k < 1 - 1e-4) {
			f[points > 0] = frequency(r, i, n);
			keep[points > 0] = k;
			points++;
		}
	}
	r->low = 1;
	if (points >= 2) {
		slope = (keep[0] - keep[1]) / (f[0] - f[1]);
		at0 = keep[0] - slope * f[0];
		r->high = 1 - 1 / at0;
		r->original = slope * 2 * PI * (r->high - 1);
		return fits_about(r, v, n);
	}
	for (int any = 0; points && any < 2; any++)
		for (size_t i = 0; i < sizeof guesses / sizeof *guesses; i++) {
			r->high = guesses[i];
			r->original = 2 * PI * (keep[0] * (r->high - 1) + 1) / f[0];
			if (fits_about(r, v, n) && (any || r->original == round(r->original)))
				return true;
		}
	return false;
}

/* The parameters of Llama 3's embedding of what they lead to: those of Llama 3.1 to 3.3, or such
 * that give the same numbers. */
static int read_freqs(const struct gguf *g, const struct gguf_tensor *t, struct rope *r,
		      int64_t head_dim, struct reason *why)
{
	float v[MAX_FREQS];
	size_t n = (size_t)head_dim / 2;
	int st;

	if (t->rank != 1 || t->count != n || n > MAX_FREQS || t->type->id != QUANT_F32)
		return fail(why, ST_INPUT, "%s: tensor %s: not %zu numbers of type F32", g->path,
			    t->name, n);
	st = gguf_read(g, t, 0, n, v, why);
	if (st)
		return st;
	r->type = ROPE_LLAMA3;
	for (size_t i = 0; i < n; i++)
		r->factor = fmax(r->factor, (double)v[i]);
	r->low = 1;
	r->high = 4;
	r->original = 8192;
	if (r->factor > 1 && r->factor < 1e6 && (fits(r, v, n) || fit_ramp(r, v, n)))
		return 0;
	return fail(why, ST_INPUT, "%s: tensor %s: not those of a llama3 rotary embedding", g->path,
		    t->name);
}

static int read_yarn(const struct gguf *g, const struct gguf_arch *a, struct rope *r,
		     struct reason *why)
{
	double by = 1;

	r->beta_fast = 32;
	r->beta_slow = 1;
	r->original = 0;
	if (gguf_real(g, key_of(a, "rope.scaling.original_context_length"), &r->original, why) ||
	    gguf_real(g, key_of(a, "rope.scaling.attn_factor"), &by, why))
		return ST_INPUT;
	if (!(r->original >= 1) || !(by > 0))
		return fail(why, ST_INPUT, "%s: %s.rope.scaling: yarn without its original length",
			    g->path, a->name);
	r->attention = by * (0.1 * log(r->factor) + 1);
	return 0;
}

static int read_rope(const struct gguf *g, const struct gguf_arch *a, struct config *c,
		     struct reason *why)
{
	const struct gguf_tensor *freqs = gguf_tensor(g, GGUF_FREQS);
	struct rope *r = &c->rope;
	struct span type = {"none", 4};

	*r = (struct rope){.theta = 10000, .factor = 1};
	if (gguf_real(g, key_of(a, "rope.freq_base"), &r->theta, why) ||
	    gguf_string(g, key_of(a, "rope.scaling.type"), &type, why) ||
	    gguf_real(g, key_of(a, "rope.scaling.factor"), &r->factor, why))
		return ST_INPUT;
	if (span_is(type, "none") || (freqs && r->factor == 1))
		return freqs ? read_freqs(g, freqs, r, c->head_dim, why) : 0;
	r->type = span_is(type, "yarn") ? ROPE_YARN : ROPE_LINEAR;
	if ((r->type == ROPE_LINEAR && !span_is(type, "linear")) || freqs || !(r->factor >= 1))
		return fail(why, ST_INPUT, "%s: %s.rope.scaling.type: %.*s is not supported here",
			    g->path, a->name, type.n < 40 ? (int)type.n : 40, type.p);
	return r->type == ROPE_YARN ? read_yarn(g, a, r, why) : 0;
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

static int add_reals(const struct gguf *g, const struct gguf_arch *a, const struct config *c,
		     json_t *j, struct reason *why)
{
	for (size_t i = 0; i < N_REALS; i++) {
		double v = reals[i].absent;

		if (!(a->has & reals[i].has))
			continue;
		if (gguf_real(g, key_of(a, reals[i].key), &v, why))
			return ST_INPUT;
		if (v == 0 && reals[i].has == GGUF_SCALES)
			v = 1 / sqrt((double)c->head_dim);
		json_object_set_new(j, reals[i].hf, v == 0 ? json_null() : json_real(v));
	}
	if (family_row(a->family)->scaled_embedding)
		json_object_set_new(j, "query_pre_attn_scalar", json_integer(c->head_dim));
	return 0;
}

/* Which layers have the window: a list of bools, or every so many-th has none */
static int add_layers(const struct gguf *g, const struct gguf_arch *a, const struct config *c,
		      json_t *j, struct reason *why)
{
	const char *key = key_of(a, "attention.sliding_window_pattern");
	const struct gguf_key *k = gguf_find(g, key);
	json_t *list = json_array();
	int64_t every = a->pattern;
	double *v = NULL;
	size_t n = (size_t)c->layers;

	json_object_set_new(j, "layer_types", list);
	if (k && k->type == GGUF_ARRAY ? gguf_reals(g, key, &v, &n, why)
				       : gguf_int(g, key, 1, MAX_SIZE, &every, why))
		return ST_INPUT;
	for (size_t i = 0; i < n && n == (size_t)c->layers; i++) {
		bool window = v ? v[i] != 0 : (int64_t)(i + 1) % every != 0;

		json_array_append_new(list,
				      json_string(window ? "sliding_attention" : "full_attention"));
	}
	free(v);
	return n == (size_t)c->layers ? 0
				      : fail(why, ST_INPUT, "%s: %s: %zu of %lld layers", g->path,
					     key, n, (long long)c->layers);
}

static int add_windows(const struct gguf *g, const struct gguf_arch *a, const struct config *c,
		       json_t *j, struct reason *why)
{
	const char *local_key = family_row(a->family)->local_key;
	double theta = 10000;
	int64_t window = 0;

	if (gguf_int(g, key_of(a, "attention.sliding_window"), 1, MAX_SIZE, &window, why))
		return ST_INPUT;
	if (!window)
		return fail(why, ST_INPUT, "%s: %s.attention.sliding_window: missing", g->path,
			    a->name);
	json_object_set_new(j, "sliding_window", json_integer(window));
	if (gguf_real(g, key_of(a, "rope.freq_base_swa"), &theta, why))
		return ST_INPUT;
	if (a->has & GGUF_LOCAL)
		json_object_set_new(j, local_key, json_real(theta));
	return add_layers(g, a, c, j, why);
}

static json_t *make_json(const struct gguf *g, const struct gguf_arch *a, const struct config *c)
{
	const struct family_row *row = family_row(a->family);
	json_t *j = json_pack("{s:[s], s:s, s:s, s:I, s:f, s:f, s:o, s:b}", "architectures",
			      row->architecture, "model_type", row->name, row->act_key,
			      row->act == ACT_GEGLU ? "gelu_pytorch_tanh" : "silu", "vocab_size",
			      (json_int_t)c->vocab, row->eps_key, c->norm_eps, "rope_theta",
			      c->rope.theta, "rope_scaling", rope_json(&c->rope),
			      "tie_word_embeddings", gguf_tensor(g, "output.weight") == NULL);

	for (size_t i = 0; i < N_SIZES; i++)
		json_object_set_new(j, sizes[i].hf, json_integer(*field_of((struct config *)c, i)));
	if (a->unturned)
		json_object_set_new(j, "no_rope_layer_interval", json_integer(a->unturned));
	add_biases(g, row, j);
	return j;
}

json_t *gguf_config_json(const struct gguf *g, const struct gguf_arch *a, size_t vocab,
			 struct reason *why)
{
	struct config c = {.vocab = (int64_t)vocab};
	const char *eps = key_of(a, "attention.layer_norm_rms_epsilon");
	json_t *j;

	if (!gguf_find(g, eps)) {
		fail(why, ST_INPUT, "%s: %s: missing", g->path, eps);
		return NULL;
	}
	if (gguf_real(g, eps, &c.norm_eps, why) || read_sizes(g, a, &c, why) ||
	    check_like_head(g, a, "attention.value_length", c.head_dim, why) ||
	    check_like_head(g, a, "rope.dimension_count", c.head_dim, why) ||
	    check_neutral(g, a, why) || read_rope(g, a, &c, why))
		return NULL;
	j = make_json(g, a, &c);
	if (add_reals(g, a, &c, j, why) ||
	    (a->has & GGUF_WINDOWS && add_windows(g, a, &c, j, why))) {
		json_decref(j);
		return NULL;
	}
	return j;
}

/* ---- writing ---- */

static int put_rope(const struct rope *r, const struct gguf_arch *a, struct gguf_meta *m,
		    struct reason *why)
{
	double usual = 0.1 * log(fmax(r->factor, 1)) + 1;
	bool yarn = r->type == ROPE_YARN;

	if (r->type == ROPE_LONGROPE || r->type == ROPE_ALPHA || r->query_beta != 0 ||
	    (r->share != 0 && r->share != 1))
		return fail(why, ST_INPUT, "rope_parameters: GGUF cannot say %s of a %s",
			    rope_name(r), a->name);
	gguf_put_f32(m, key_of(a, "rope.freq_base"), r->theta);
	if (r->type == ROPE_DEFAULT || r->type == ROPE_LLAMA3)
		return 0;
	if (yarn && (r->beta_fast != 32 || r->beta_slow != 1 || r->exact))
		return fail(
			why, ST_INPUT,
			"rope_scaling: yarn with beta_fast, beta_slow or truncate of its own: GGUF "
			"cannot say that");
	gguf_put_string(m, key_of(a, "rope.scaling.type"),
			yarn ? (struct span){"yarn", 4} : (struct span){"linear", 6});
	gguf_put_f32(m, key_of(a, "rope.scaling.factor"), r->factor);
	if (!yarn)
		return 0;
	gguf_put_u32(m, key_of(a, "rope.scaling.original_context_length"), (uint32_t)r->original);
	if (fabs(r->attention - usual) > 1e-6 * usual)
		gguf_put_f32(m, key_of(a, "rope.scaling.attn_factor"), r->attention / usual);
	return 0;
}

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
			      is_near(v, 1 / sqrt((double)c->head_dim))) ||
			     (reals[i].field == offsetof(struct config, embedding_scale) &&
			      row->scaled_embedding);

		if (!(a->has & reals[i].has) && !usual)
			return fail(why, ST_INPUT, "%s: GGUF has no key for it in a %s",
				    reals[i].field == offsetof(struct config, attention_scale) &&
						    row->scaled_embedding
					    ? "query_pre_attn_scalar"
					    : reals[i].hf,
				    a->name);
		if (v == 0 && reals[i].inverse)
			v = 1; /* must be there */
		if (a->has & reals[i].has && v != 0)
			gguf_put_f32(m, key_of(a, reals[i].key), reals[i].inverse ? 1 / v : v);
	}
	return 0;
}

/* Windows and layers that are not turned: as the kind has them, or as a list says */
static int put_layers(const struct config *c, const struct gguf_arch *a, struct gguf_meta *m,
		      struct reason *why)
{
	bool *window = xcalloc((size_t)c->layers, sizeof *window), ok = true;

	for (int64_t i = 0; i < c->layers; i++) {
		struct layer_kind kind = config_layer(c, i);
		bool by_pattern = a->pattern && (i + 1) % a->pattern != 0;

		window[i] = kind.window > 0 && (kind.window < c->max_len || a->pattern);
		ok = ok && (!window[i] || a->has & GGUF_WINDOWS) &&
		     kind.turned == !(a->unturned && (i + 1) % a->unturned == 0) &&
		     (a->has & GGUF_LOCAL || window[i] == by_pattern);
	}
	if (ok && a->has & GGUF_WINDOWS) {
		gguf_put_u32(m, key_of(a, "attention.sliding_window"), (uint32_t)c->window);
		if (a->has & GGUF_LOCAL)
			gguf_put_bools(m, key_of(a, "attention.sliding_window_pattern"), window,
				       (size_t)c->layers);
	}
	free(window);
	return ok ? 0
		  : fail(why, ST_INPUT,
			 "layer_types, sliding_window or no_rope_layers: GGUF cannot say that of a "
			 "%s",
			 a->name);
}

int gguf_config_put(const struct config *c, const struct gguf_arch *a, struct gguf_meta *m,
		    struct reason *why)
{
	for (size_t i = 0; i < N_SIZES; i++)
		gguf_put_u32(m, key_of(a, sizes[i].key),
			     (uint32_t)*field_of((struct config *)c, i));
	gguf_put_u32(m, key_of(a, "attention.value_length"), (uint32_t)c->head_dim);
	gguf_put_u32(m, key_of(a, "rope.dimension_count"), (uint32_t)c->head_dim);
	gguf_put_u32(m, key_of(a, "vocab_size"), (uint32_t)c->vocab);
	gguf_put_f32(m, key_of(a, "attention.layer_norm_rms_epsilon"), c->norm_eps);
	if (c->o_bias && a->family != FAMILY_LLAMA && a->family != FAMILY_GRANITE)
		return fail(why, ST_INPUT, "attention_bias: GGUF has no such bias for %s", a->name);
	if (put_reals(c, a, m, why) || put_layers(c, a, m, why))
		return ST_INPUT;
	if (c->local.type != ROPE_DEFAULT || (c->local.theta > 0 && !(a->has & GGUF_LOCAL)))
		return fail(why, ST_INPUT,
			    "rope_parameters of sliding_attention: GGUF cannot say that of a %s",
			    a->name);
	if (a->has & GGUF_LOCAL)
		gguf_put_f32(m, key_of(a, "rope.freq_base_swa"), c->local.theta);
	return put_rope(&c->rope, a, m, why);
}

float *gguf_config_freqs(const struct config *c)
{
	size_t n = (size_t)c->head_dim / 2;
	float *v;

	if (c->rope.type != ROPE_LLAMA3)
		return NULL;
	v = xarray(n, sizeof *v);
	for (size_t i = 0; i < n; i++)
		v[i] = (float)divisor(&c->rope, frequency(&c->rope, i, n));
	return v;
}
