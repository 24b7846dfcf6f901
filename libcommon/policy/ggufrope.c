/* ggufrope.c - rotary embeddings. See ggufrope.h. */
#include "policy/ggufrope.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FREQS "rope_freqs.weight"
#define LONG "rope_factors_long.weight"
#define SHORT "rope_factors_short.weight"

enum { MOST_PAIRS = 2048 };

static const double PI = 3.14159265358979323846;

/* ---- reading ---- */

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

/* n numbers of type F32 */
static int read_tensor(const struct gguf *g, const struct gguf_tensor *t, size_t n, float *v,
		       struct reason *why)
{
	if (t->rank != 1 || t->count != n || t->type->id != QUANT_F32)
		return fail(why, ST_INPUT, "%s: tensor %s: not %zu numbers of type F32", g->path,
			    t->name, n);
	return gguf_read(g, t, 0, n, v, why);
}

/* The parameters of Llama 3's embedding of what they lead to: those of Llama 3.1 to 3.3, or such
 * that give the same numbers. */
static int read_divisors(const struct gguf *g, const struct gguf_tensor *t, struct rope *r,
			 size_t n, struct reason *why)
{
	float v[MOST_PAIRS];
	int st = read_tensor(g, t, n, v, why);

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

static int read_list(const struct gguf *g, const char *name, size_t n, double *to, int64_t *count,
		     struct reason *why)
{
	const struct gguf_tensor *t = gguf_tensor(g, name);
	float v[ROPE_MOST];
	int st = 0;

	if (!t || n > ROPE_MOST)
		return fail(why, ST_INPUT, "%s: tensor %s: missing, or of too many pairs", g->path,
			    name);
	st = read_tensor(g, t, n, v, why);

	for (size_t i = 0; i < n && !st; i++)
		to[i] = (double)v[i];
	*count = (int64_t)n;
	return st;
}

static int read_longrope(const struct gguf *g, const struct gguf_arch *a, struct rope *r, size_t n,
			 struct reason *why)
{
	r->type = ROPE_LONGROPE;
	r->attention = 1;
	if (read_list(g, LONG, n, r->long_factor, &r->n_long, why) ||
	    read_list(g, SHORT, n, r->short_factor, &r->n_short, why) ||
	    gguf_real(g, gguf_arch_key(a, "rope.scaling.original_context_length"), &r->original,
		      why) ||
	    gguf_real(g, gguf_arch_key(a, "rope.scaling.attn_factor"), &r->attention, why))
		return ST_INPUT;
	return r->original >= 1 && r->attention > 0
		       ? 0
		       : fail(why, ST_INPUT,
			      "%s: %s.rope.scaling: longrope without its original length", g->path,
			      a->name);
}

/* What yarn multiplies cosines and sines by, where nothing else is said */
static double usual(const struct rope *r, double weight)
{
	return r->factor <= 1 ? 1 : 0.1 * weight * log(r->factor) + 1;
}

static int read_yarn(const struct gguf *g, const struct gguf_arch *a, struct rope *r,
		     struct reason *why)
{
	const bool betas = a->has & GGUF_BETAS;
	double by = 1, all = 0;

	r->type = ROPE_YARN;
	r->beta_fast = 32;
	r->beta_slow = 1;
	if (gguf_real(g, gguf_arch_key(a, "rope.scaling.original_context_length"), &r->original,
		      why) ||
	    gguf_real(g, gguf_arch_key(a, "rope.scaling.attn_factor"), &by, why) ||
	    gguf_real(g, gguf_arch_key(a, "rope.scaling.yarn_log_multiplier"), &all, why))
		return ST_INPUT;
	if (betas &&
	    (gguf_real(g, gguf_arch_key(a, "rope.scaling.yarn_beta_fast"), &r->beta_fast, why) ||
	     gguf_real(g, gguf_arch_key(a, "rope.scaling.yarn_beta_slow"), &r->beta_slow, why) ||
	     gguf_real(g, gguf_arch_key(a, "attention.temperature_scale"), &r->query_beta, why)))
		return ST_INPUT;
	if (!(r->original >= 1) || !(by > 0) || !(all >= 0 && all < 1e6) || (all > 0 && !betas))
		return fail(why, ST_INPUT, "%s: %s.rope.scaling: yarn without its original length",
			    g->path, a->name);
	r->attention = by * usual(r, 1) / usual(r, all);
	return 0;
}

/* Of a type that has a name */
static int read_named(const struct gguf *g, const struct gguf_arch *a, struct span type,
		      struct rope *r, struct reason *why)
{
	r->type = ROPE_LINEAR;
	if (!(r->factor >= 1))
		return fail(why, ST_INPUT, "%s: %s.rope.scaling.factor: %g", g->path, a->name,
			    r->factor);
	if (span_is(type, "linear"))
		return 0;
	if (span_is(type, "yarn"))
		return read_yarn(g, a, r, why);
	return fail(why, ST_INPUT, "%s: %s.rope.scaling.type: %.*s is not supported here", g->path,
		    a->name, type.n < 40 ? (int)type.n : 40, type.p);
}

/* How many numbers of a head turn */
static int read_share(const struct gguf *g, const struct gguf_arch *a, struct config *c,
		      struct reason *why)
{
	const char *key = gguf_arch_key(a, "rope.dimension_count");
	int64_t n = c->head_dim;

	if (gguf_int(g, key, 0, c->head_dim, &n, why))
		return ST_INPUT;
	if (n == c->head_dim)
		return 0;
	if (family_row(a->family)->share == 0 || n < 2 || n % 2)
		return fail(why, ST_INPUT,
			    "%s: %s: %lld is not supported, only %lld, a head's size", g->path, key,
			    (long long)n, (long long)c->head_dim);
	c->rope.share = (double)n / (double)c->head_dim;
	while (rope_turned(&c->rope, c->head_dim) != n)
		c->rope.share = nextafter(c->rope.share, 1);
	return 0;
}

static int read_scaling(const struct gguf *g, const struct gguf_arch *a, struct config *c,
			struct reason *why)
{
	const struct gguf_tensor *divisors = gguf_tensor(g, FREQS);
	size_t n = (size_t)rope_turned(&c->rope, c->head_dim) / 2;
	bool longrope = gguf_tensor(g, LONG) || gguf_tensor(g, SHORT);
	struct span type = {"none", 4};

	if (n > MOST_PAIRS)
		return fail(why, ST_INPUT, "%s: heads of %lld numbers", g->path,
			    (long long)c->head_dim);
	if (gguf_string(g, gguf_arch_key(a, "rope.scaling.type"), &type, why) ||
	    gguf_real(g, gguf_arch_key(a, "rope.scaling.factor"), &c->rope.factor, why))
		return ST_INPUT;
	if (longrope && family_row(a->family)->rope_types & 1U << ROPE_LONGROPE)
		return read_longrope(g, a, &c->rope, n, why);
	if (longrope || (divisors && !(a->has & GGUF_DIVISORS)))
		return fail(why, ST_INPUT, "%s: tensor %s: not one of a %s", g->path,
			    longrope ? LONG : FREQS, a->name);
	if (divisors && (span_is(type, "none") || c->rope.factor == 1))
		return read_divisors(g, divisors, &c->rope, n, why);
	if (span_is(type, "none"))
		return 0;
	return divisors ? fail(why, ST_INPUT, "%s: tensor %s: not with %s.rope.scaling.type",
			       g->path, FREQS, a->name)
			: read_named(g, a, type, &c->rope, why);
}

/* Keys that say what is so anyhow, or what the kind cannot be */
static int check_rest(const struct gguf *g, const struct gguf_arch *a, const struct config *c,
		      struct reason *why)
{
	bool yarn = c->rope.type == ROPE_YARN, scaled = yarn || c->rope.type == ROPE_LONGROPE;
	const struct {
		const char *key;
		double want;
		bool read;
	} keys[] = {
		{"rope.scaling.attn_factor", 1, scaled},
		{"attention.temperature_scale", 0, yarn && a->has & GGUF_BETAS},
		{"rope.freq_base_swa", c->rope.theta, a->has & GGUF_LOCAL},
		{"rope.dimension_count_swa", (double)rope_turned(&c->rope, c->head_dim), false}};

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		double v = keys[i].want;

		if (keys[i].read)
			continue;
		if (gguf_real(g, gguf_arch_key(a, keys[i].key), &v, why))
			return ST_INPUT;
		if (v != keys[i].want)
			return fail(why, ST_INPUT, "%s: %s: %g is not supported here", g->path,
				    gguf_arch_key(a, keys[i].key), v);
	}
	return 0;
}

int gguf_rope_read(const struct gguf *g, const struct gguf_arch *a, struct config *c,
		   struct reason *why)
{
	c->rope = (struct rope){.theta = 10000, .factor = 1};
	c->local = (struct rope){0};
	if (c->head_dim < 2)
		return fail(why, ST_INPUT, "%s: heads of %lld numbers", g->path,
			    (long long)c->head_dim);
	if (gguf_real(g, gguf_arch_key(a, "rope.freq_base"), &c->rope.theta, why) ||
	    read_share(g, a, c, why) || read_scaling(g, a, c, why) || check_rest(g, a, c, why))
		return ST_INPUT;
	if (!(a->has & GGUF_LOCAL))
		return 0;
	c->local.theta = family_row(a->family)->local_key ? 10000 : c->rope.theta;
	return gguf_real(g, gguf_arch_key(a, "rope.freq_base_swa"), &c->local.theta, why);
}

/* An object that says all of r */
static json_t *whole_json(const struct rope *r)
{
	json_t *j = rope_json(r);

	if (!json_is_object(j)) {
		json_decref(j);
		j = json_pack("{s:s}", "rope_type", "default");
	}
	json_object_set_new(j, "rope_theta", json_real(r->theta));
	return j;
}

void gguf_rope_json(const struct gguf_arch *a, const struct config *c, json_t *j)
{
	const struct family_row *row = family_row(a->family);
	bool nested = row->local && !row->local_key;

	if (nested) {
		json_object_set_new(j, "rope_parameters",
				    json_pack("{s:o, s:o}", "full_attention", whole_json(&c->rope),
					      "sliding_attention", whole_json(&c->local)));
		return;
	}
	json_object_set_new(j, "rope_theta", json_real(c->rope.theta));
	json_object_set_new(j, row->rope_needed ? "rope_parameters" : "rope_scaling",
			    row->rope_needed ? whole_json(&c->rope) : rope_json(&c->rope));
	if (row->local_key)
		json_object_set_new(j, row->local_key, json_real(c->local.theta));
	if (row->share > 0)
		json_object_set_new(j, "partial_rotary_factor",
				    json_real(c->rope.share > 0 ? c->rope.share : 1));
	if (c->rope.type == ROPE_LONGROPE)
		json_object_set_new(j, "original_max_position_embeddings",
				    json_integer((json_int_t)c->rope.original));
}

/* ---- writing ---- */

static int put_yarn(const struct rope *r, const struct gguf_arch *a, struct gguf_meta *m,
		    struct reason *why)
{
	bool betas = a->has & GGUF_BETAS;

	if ((!betas && (r->beta_fast != 32 || r->beta_slow != 1)) || r->exact)
		return fail(
			why, ST_INPUT,
			"rope_scaling: yarn with beta_fast, beta_slow or truncate of its own: GGUF "
			"cannot say that");
	gguf_put_u32(m, gguf_arch_key(a, "rope.scaling.original_context_length"),
		     (uint32_t)r->original);
	if (fabs(r->attention - usual(r, 1)) > 1e-6 * usual(r, 1))
		gguf_put_f32(m, gguf_arch_key(a, "rope.scaling.attn_factor"),
			     r->attention / usual(r, 1));
	if (!betas)
		return 0;
	gguf_put_f32(m, gguf_arch_key(a, "rope.scaling.yarn_beta_fast"), r->beta_fast);
	gguf_put_f32(m, gguf_arch_key(a, "rope.scaling.yarn_beta_slow"), r->beta_slow);
	if (r->query_beta != 0)
		gguf_put_f32(m, gguf_arch_key(a, "attention.temperature_scale"), r->query_beta);
	return 0;
}

static void put_longrope(const struct rope *r, const struct gguf_arch *a, struct gguf_meta *m)
{
	gguf_put_u32(m, gguf_arch_key(a, "rope.scaling.original_context_length"),
		     (uint32_t)r->original);
	gguf_put_f32(m, gguf_arch_key(a, "rope.scaling.attn_factor"), r->attention);
}

/* Angles of three kinds, of which a text has one: the pairs are theirs in turns. */
static void put_sections(const struct config *c, const struct gguf_arch *a, struct gguf_meta *m)
{
	int32_t n = (int32_t)rope_turned(&c->rope, c->head_dim) / 2;
	const int32_t sections[4] = {(n + 2) / 3, (n + 1) / 3, n / 3, 0};

	gguf_put_i32s(m, gguf_arch_key(a, "rope.dimension_sections"), sections, 4);
}

/* The base, which alpha makes larger */
static double base_of(const struct rope *r, int64_t n)
{
	return r->type == ROPE_ALPHA && n > 2
		       ? r->theta * pow(r->alpha, (double)n / (double)(n - 2))
		       : r->theta;
}

int gguf_rope_put(const struct config *c, const struct gguf_arch *a, struct gguf_meta *m,
		  struct reason *why)
{
	const struct rope *r = &c->rope;
	int64_t n = rope_turned(r, c->head_dim);

	if ((r->query_beta != 0 && !(a->has & GGUF_BETAS)) ||
	    (r->type == ROPE_LLAMA3 && !(a->has & GGUF_DIVISORS)))
		return fail(why, ST_INPUT, "rope_parameters: GGUF cannot say %s of a %s",
			    rope_name(r), a->name);
	if (c->local.type != ROPE_DEFAULT || (c->local.theta > 0 && !(a->has & GGUF_LOCAL)))
		return fail(why, ST_INPUT,
			    "rope_parameters of sliding_attention: GGUF cannot say that of a %s",
			    a->name);
	gguf_put_u32(m, gguf_arch_key(a, "rope.dimension_count"), (uint32_t)n);
	gguf_put_f32(m, gguf_arch_key(a, "rope.freq_base"), base_of(r, n));
	if (a->has & GGUF_LOCAL)
		gguf_put_f32(m, gguf_arch_key(a, "rope.freq_base_swa"), c->local.theta);
	if (a->has & GGUF_SECTIONS)
		put_sections(c, a, m);
	if (r->type == ROPE_LONGROPE)
		put_longrope(r, a, m);
	if (r->type != ROPE_YARN && r->type != ROPE_LINEAR)
		return 0;
	gguf_put_string(m, gguf_arch_key(a, "rope.scaling.type"),
			r->type == ROPE_YARN ? (struct span){"yarn", 4}
					     : (struct span){"linear", 6});
	gguf_put_f32(m, gguf_arch_key(a, "rope.scaling.factor"), r->factor);
	return r->type == ROPE_YARN ? put_yarn(r, a, m, why) : 0;
}

static struct gguf_rope_tensor floats(const char *name, const double *v, size_t n)
{
	struct gguf_rope_tensor t = {name, xarray(n, sizeof *t.v), n};

	for (size_t i = 0; i < n; i++)
		t.v[i] = (float)v[i];
	return t;
}

size_t gguf_rope_tensors(const struct config *c, struct gguf_rope_tensor t[GGUF_ROPE_TENSORS])
{
	const struct rope *r = &c->rope;
	size_t n = (size_t)rope_turned(r, c->head_dim) / 2;
	double *v;

	if (r->type == ROPE_LONGROPE) {
		t[0] = floats(LONG, r->long_factor, n);
		t[1] = floats(SHORT, r->short_factor, n);
		return 2;
	}
	if (r->type != ROPE_LLAMA3)
		return 0;
	v = xarray(n, sizeof *v);
	for (size_t i = 0; i < n; i++)
		v[i] = divisor(r, frequency(r, i, n));
	t[0] = floats(FREQS, v, n);
	free(v);
	return 1;
}

bool gguf_rope_is_tensor(const char *name)
{
	return strcmp(name, FREQS) == 0 || strcmp(name, LONG) == 0 || strcmp(name, SHORT) == 0;
}
