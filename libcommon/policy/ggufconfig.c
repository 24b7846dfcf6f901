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

/* Keys that change the arithmetic, and are harmless where they are 0 or 1 */
static const char *const neutral[] = {
	"expert_count",
	"attention.sliding_window",
	"attention.scale",
	"attention.clamp_kqv",
	"attention.max_alibi_bias",
	"attn_logit_softcapping",
	"final_logit_softcapping",
	"embedding_scale",
	"residual_scale",
	"logit_scale",
	"rope.scale_linear",
	"use_parallel_residual",
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

static int check_neutral(const struct gguf *g, const struct gguf_arch *a, struct reason *why)
{
	for (size_t i = 0; i < sizeof neutral / sizeof *neutral; i++) {
		const char *key = key_of(a, neutral[i]);
		const struct gguf_key *k = gguf_find(g, key);
		double v = 0;

		if (k && k->type == GGUF_BOOL)
			continue;
		if (gguf_real(g, key, &v, why))
			return ST_INPUT;
		if (v != 0 && v != 1)
			return fail(why, ST_INPUT, "%s: %s: %g is not supported", g->path, key, v);
	}
	return 0;
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

static json_t *make_json(const struct gguf *g, const struct gguf_arch *a, const struct config *c)
{
	json_t *j = json_pack("{s:[s], s:s, s:s, s:I, s:f, s:f, s:o, s:b}", "architectures",
			      a->class, "model_type", a->model_type, "hidden_act", "silu",
			      "vocab_size", (json_int_t)c->vocab, "rms_norm_eps", c->norm_eps,
			      "rope_theta", c->rope.theta, "rope_scaling", rope_json(&c->rope),
			      "tie_word_embeddings", gguf_tensor(g, "output.weight") == NULL);

	for (size_t i = 0; i < N_SIZES; i++)
		json_object_set_new(j, sizes[i].hf, json_integer(*field_of((struct config *)c, i)));
	if (strcmp(a->model_type, "qwen2") != 0)
		json_object_set_new(j, "attention_bias",
				    json_boolean(gguf_tensor(g, "blk.0.attn_q.bias") != NULL));
	if (strcmp(a->model_type, "llama") == 0)
		json_object_set_new(j, "mlp_bias",
				    json_boolean(gguf_tensor(g, "blk.0.ffn_up.bias") != NULL));
	return j;
}

json_t *gguf_config_json(const struct gguf *g, const struct gguf_arch *a, size_t vocab,
			 struct reason *why)
{
	struct config c = {.vocab = (int64_t)vocab};
	const char *eps = key_of(a, "attention.layer_norm_rms_epsilon");

	if (!gguf_find(g, eps)) {
		fail(why, ST_INPUT, "%s: %s: missing", g->path, eps);
		return NULL;
	}
	if (gguf_real(g, eps, &c.norm_eps, why) || read_sizes(g, a, &c, why) ||
	    check_like_head(g, a, "attention.value_length", c.head_dim, why) ||
	    check_like_head(g, a, "rope.dimension_count", c.head_dim, why) ||
	    check_neutral(g, a, why) || read_rope(g, a, &c, why))
		return NULL;
	return make_json(g, a, &c);
}

/* ---- writing ---- */

static int put_rope(const struct rope *r, const struct gguf_arch *a, struct gguf_meta *m,
		    struct reason *why)
{
	double usual = 0.1 * log(fmax(r->factor, 1)) + 1;
	bool yarn = r->type == ROPE_YARN;

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
	if (c->qk_norm && c->o_bias)
		return fail(why, ST_INPUT, "attention_bias: GGUF has no such bias for %s", a->name);
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
