/* rope.c - the rotary embedding's angles. See rope.h. */
#include "model/rope.h"
#include "base/elem.h"
#include "base/jsonkey.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char *const names[ROPE_TYPES] = {"default", "linear",   "llama3",
					      "yarn",    "longrope", "dynamic"};

enum {
	LINEAR = 1 << ROPE_LINEAR,
	LLAMA3 = 1 << ROPE_LLAMA3,
	YARN = 1 << ROPE_YARN,
	LONGROPE = 1 << ROPE_LONGROPE,
	ALPHA = 1 << ROPE_ALPHA,
	USUAL = LINEAR | LLAMA3 | YARN,
};

static const double PI = 3.14159265358979323846;

/* Numbers of a scaled embedding: the types that have them, those that need them, their range. */
static const struct number {
	const char *key;
	size_t field;
	unsigned types, needed;
	double lo, hi;
} numbers[] = {
	{"factor", offsetof(struct rope, factor), LINEAR | LLAMA3 | YARN | LONGROPE,
	 LINEAR | LLAMA3, 1, 1e6},
	{"original_max_position_embeddings", offsetof(struct rope, original),
	 LLAMA3 | YARN | LONGROPE, LLAMA3 | LONGROPE, 1, 1e9},
	{"low_freq_factor", offsetof(struct rope, low), LLAMA3, LLAMA3, 1e-6, 1e6},
	{"high_freq_factor", offsetof(struct rope, high), LLAMA3, LLAMA3, 1e-6, 1e6},
	{"beta_fast", offsetof(struct rope, beta_fast), YARN, 0, 1e-6, 1e6},
	{"beta_slow", offsetof(struct rope, beta_slow), YARN, 0, 1e-6, 1e6},
	{"attention_factor", offsetof(struct rope, attention), YARN | LONGROPE, 0, 1e-6, 1e6},
	{"llama_4_scaling_beta", offsetof(struct rope, query_beta), YARN, 0, 0, 1e6},
	{"alpha", offsetof(struct rope, alpha), ALPHA, ALPHA, 1, 1e9},
};

enum { N_NUMBERS = sizeof numbers / sizeof *numbers };

static double *field_of(struct rope *r, const struct number *n)
{
	return (double *)((char *)r + n->field);
}

static int get_number(struct rope *r, const struct number *n, const json_t *j, struct reason *why)
{
	double *to = field_of(r, n);

	*to = 0;
	if (jsonkey_none(json_object_get(j, n->key)))
		return n->needed & 1U << r->type ? fail(why, ST_INPUT, "%s is missing", n->key) : 0;
	if (jsonkey_real(j, n->key, to, why))
		return ST_INPUT;
	if (!(*to >= n->lo && *to <= n->hi))
		return fail(why, ST_INPUT, "%s: %g is not within %g..%g", n->key, *to, n->lo,
			    n->hi);
	return 0;
}

static double mscale(double factor, double weight)
{
	return factor <= 1 ? 1 : 0.1 * weight * elem_log(factor) + 1;
}

/* What yarn's file may leave out. mscale and mscale_all_dim are another way to say the attention
 * factor; alone, neither counts. */
static int get_yarn(struct rope *r, const json_t *j, const struct rope_form *f, struct reason *why)
{
	double one = 0, all = 0, max_len = (double)f->max_len;
	bool truncate = true;

	if (jsonkey_real(j, "mscale", &one, why) || jsonkey_real(j, "mscale_all_dim", &all, why) ||
	    jsonkey_bool(j, "truncate", &truncate, why))
		return ST_INPUT;
	r->exact = !truncate && !f->layers; /* of one layer type it is not read elsewhere either */
	r->original = r->original > 0 ? r->original : max_len;
	r->factor = r->factor > 0 ? r->factor : fmax(max_len / r->original, 1);
	r->beta_fast = r->beta_fast > 0 ? r->beta_fast : 32;
	r->beta_slow = r->beta_slow > 0 ? r->beta_slow : 1;
	if (r->beta_fast <= r->beta_slow)
		return fail(why, ST_INPUT, "beta_fast: %g is not above beta_slow %g", r->beta_fast,
			    r->beta_slow);
	if (r->attention <= 0)
		r->attention = one != 0 && all != 0
				       ? mscale(r->factor, one) / mscale(r->factor, all)
				       : mscale(r->factor, 1);
	return r->attention > 0 && r->attention < 1e6
		       ? 0
		       : fail(why, ST_INPUT, "mscale: an attention factor of %g", r->attention);
}

static int get_list(const json_t *j, const char *key, double *to, int64_t *n, struct reason *why)
{
	const json_t *list = json_object_get(j, key), *v;
	size_t i;

	if (!json_is_array(list) || json_array_size(list) > ROPE_MOST || !json_array_size(list))
		return jsonkey_fail(why, key, list, "is not a list of numbers, one for each pair");
	json_array_foreach(list, i, v)
	{
		if (!json_is_number(v) || !(json_number_value(v) > 0))
			return jsonkey_fail(why, key, v, "is not a number above 0");
		to[i] = json_number_value(v);
	}
	*n = (int64_t)json_array_size(list);
	return 0;
}

/* a = sqrt(1 + ln m / ln original), m the factor by which texts grow */
static int get_longrope(struct rope *r, const json_t *j, const struct rope_form *f,
			struct reason *why)
{
	double m;

	if (get_list(j, "long_factor", r->long_factor, &r->n_long, why) ||
	    get_list(j, "short_factor", r->short_factor, &r->n_short, why))
		return ST_INPUT;
	if (r->n_long != r->n_short)
		return fail(why, ST_INPUT, "long_factor and short_factor differ in length");
	m = r->factor > 0 ? r->factor : (double)f->max_len / r->original;
	if (r->attention <= 0)
		r->attention = m > 1 ? sqrt(1 + elem_log(m) / elem_log(r->original)) : 1;
	r->is_long = (double)f->max_len > r->original;
	return isfinite(r->attention)
		       ? 0
		       : fail(why, ST_INPUT, "original_max_position_embeddings: %g", r->original);
}

/* Keys without a number of ours, and the types that may have them */
static const struct {
	const char *key;
	unsigned types;
} others[] = {
	{"rope_theta", ~0U},
	{"rope_type", ~0U},
	{"type", ~0U},
	{"mscale", YARN | ALPHA},
	{"mscale_all_dim", YARN | ALPHA},
	{"truncate", YARN},
	{"max_position_embeddings", YARN},
	{"long_factor", LONGROPE},
	{"short_factor", LONGROPE},
	/* that have no effect */
	{"factor", ALPHA},
	{"beta_fast", ALPHA},
	{"beta_slow", ALPHA},
};

static bool is_known(const struct rope *r, const struct rope_form *f, const char *key,
		     const json_t *v)
{
	if (json_is_null(v))
		return true;
	if (strcmp(key, "partial_rotary_factor") == 0)
		return f->partial || json_number_value(v) == 1;
	if (f->mrope && strncmp(key, "mrope_", 6) == 0)
		return true; /* of positions in pictures: text has one */
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (strcmp(key, others[i].key) == 0 && others[i].types & 1U << r->type)
			return true;
	for (size_t i = 0; i < N_NUMBERS; i++)
		if (strcmp(key, numbers[i].key) == 0 && numbers[i].types & 1U << r->type)
			return true;
	return false;
}

static unsigned types_of(const struct rope_form *f)
{
	return (f->types ? f->types : USUAL) | 1U << ROPE_DEFAULT;
}

static int refuse_type(const struct rope_form *f, const json_t *type, struct reason *why)
{
	char what[120] = "is not supported, only ";
	const char *before = "";

	for (int i = 0; i < ROPE_TYPES; i++)
		if (types_of(f) & 1U << i) {
			snprintf(what + strlen(what), sizeof what - strlen(what), "%s\"%s\"",
				 before, names[i]);
			before = ", ";
		}
	return jsonkey_fail(why, "rope_type", type, what);
}

/* longrope was called su, and yarn where there is no other */
static bool is_called(const char *s, int type, unsigned types)
{
	bool other = type == ROPE_LONGROPE &&
		     (strcmp(s, "su") == 0 || (strcmp(s, "yarn") == 0 && !(types & YARN)));

	return strcmp(s, names[type]) == 0 || other;
}

static int get_type(struct rope *r, const json_t *j, const struct rope_form *f, struct reason *why)
{
	const json_t *type = json_object_get(j, "rope_type"), *old = json_object_get(j, "type");
	const char *s;

	if (type && old && !json_equal(type, old))
		return fail(why, ST_INPUT, "rope_type and type differ");
	type = type ? type : old;
	s = json_string_value(type);
	r->type = ROPE_DEFAULT;
	if (!type)
		return 0;
	for (int i = 0; i < ROPE_TYPES; i++)
		if (s && types_of(f) & 1U << i && is_called(s, i, types_of(f))) {
			r->type = (enum rope_type)i;
			return 0;
		}
	return refuse_type(f, type, why);
}

static int get_numbers(struct rope *r, const json_t *j, struct reason *why)
{
	for (size_t i = 0; i < N_NUMBERS; i++)
		if (numbers[i].types & 1U << r->type && get_number(r, &numbers[i], j, why))
			return ST_INPUT;
	return 0;
}

static int get_object(struct rope *r, const json_t *j, const struct rope_form *f,
		      struct reason *why)
{
	const json_t *v;
	const char *key;

	if (get_type(r, j, f, why))
		return ST_INPUT;
	json_object_foreach((json_t *)j, key, v) if (!is_known(r, f, key, v)) return fail(
		why, ST_INPUT, "%s is not supported with type %s", key, names[r->type]);
	if (get_numbers(r, j, why))
		return ST_INPUT;
	if (r->type == ROPE_LLAMA3 && r->high <= r->low)
		return fail(why, ST_INPUT, "high_freq_factor: %g is not above low_freq_factor %g",
			    r->high, r->low);
	if (r->type == ROPE_YARN && get_yarn(r, j, f, why))
		return ST_INPUT;
	if (r->type == ROPE_LONGROPE && get_longrope(r, j, f, why))
		return ST_INPUT;
	return jsonkey_real(j, "partial_rotary_factor", &r->share, why) ||
	       jsonkey_real(j, "rope_theta", &r->theta, why);
}

/* Are there angles for each type of layer? */
static bool is_nested(const json_t *v)
{
	return json_is_object(json_object_get(v, "full_attention")) ||
	       json_is_object(json_object_get(v, "sliding_attention"));
}

/* longrope's original length stands at the top, and wins */
static json_t *with_original(const json_t *v, const json_t *j, const struct rope_form *f)
{
	const json_t *top = json_object_get(j, "original_max_position_embeddings");
	json_t *copy = json_copy((json_t *)v);

	if (f->types & LONGROPE && !jsonkey_none(top) && json_object_get(v, "long_factor"))
		json_object_set(copy, "original_max_position_embeddings", (json_t *)top);
	return copy;
}

/* v: the object that is for these layers, or absent */
static int get_named(struct rope *r, const json_t *v, const char *name, const json_t *j,
		     const struct rope_form *f, struct reason *why)
{
	json_t *copy;
	int st;

	if (jsonkey_none(v))
		return f->needed ? fail(why, ST_INPUT, "rope_parameters: missing") : 0;
	if (!json_is_object(v))
		return jsonkey_fail(why, name, v, "is not an object");
	copy = with_original(v, j, f);
	st = get_object(r, copy, f, why);
	if (st)
		fail_prefix(why, "%s", name);
	json_decref(copy);
	return st ? ST_INPUT : 0;
}

static int get_top(struct rope *r, const json_t *j, const struct rope_form *f, bool nested,
		   const char *name, struct reason *why)
{
	const char *key = f->apart ? f->theta_key : "rope_theta";
	double top = NAN, share = NAN;

	if ((key && jsonkey_real(j, key, &top, why)) ||
	    jsonkey_real(j, "partial_rotary_factor", &share, why))
		return ST_INPUT;
	if (!nested && !isnan(top) && !isnan(r->theta) && top != r->theta)
		return fail(why, ST_INPUT, "%s: %g, but %s says %g", key, top, name, r->theta);
	if (isnan(r->theta))
		r->theta = !isnan(top) ? top : f->theta > 0 ? f->theta : 10000;
	if (isnan(r->share))
		r->share = !isnan(share) ? share : f->share;
	return r->share >= 0 && r->share <= 1
		       ? 0
		       : fail(why, ST_INPUT, "partial_rotary_factor: %g is not within 0..1",
			      r->share);
}

int rope_parse(struct rope *r, const json_t *j, const struct rope_form *f, struct reason *why)
{
	const json_t *old = json_object_get(j, "rope_scaling");
	const json_t *new = json_object_get(j, "rope_parameters"),
		     *v = jsonkey_none(new) ? old : new;
	const char *name = v == old ? "rope_scaling" : "rope_parameters";
	bool nested = f->layers && is_nested(v);

	assert(json_is_object(j) && f->max_len >= 1);
	*r = (struct rope){.theta = NAN, .share = NAN};
	if (!jsonkey_none(old) && !jsonkey_none(new) && !json_equal(old, new))
		return fail(why, ST_INPUT, "rope_scaling and rope_parameters differ");
	if (nested)
		v = json_object_get(v, f->layers);
	else if (f->apart)
		v = NULL;
	if (get_named(r, v, name, j, f, why))
		return ST_INPUT;
	return get_top(r, j, f, nested, name, why);
}

static json_t *list_of(const double *v, int64_t n)
{
	json_t *list = json_array();

	for (int64_t i = 0; i < n; i++)
		json_array_append_new(list, json_real(v[i]));
	return list;
}

json_t *rope_json(const struct rope *r)
{
	json_t *j;

	if (r->type == ROPE_DEFAULT)
		return json_null();
	j = json_pack("{s:s}", "rope_type", names[r->type]);
	for (size_t i = 0; i < N_NUMBERS; i++)
		if (numbers[i].types & 1U << r->type)
			json_object_set_new(
				j, numbers[i].key,
				json_real(*(const double *)((const char *)r + numbers[i].field)));
	if (r->exact)
		json_object_set_new(j, "truncate", json_false());
	if (r->type == ROPE_LONGROPE) {
		json_object_del(j, "factor"); /* it is in the attention factor */
		json_object_set_new(j, "long_factor", list_of(r->long_factor, r->n_long));
		json_object_set_new(j, "short_factor", list_of(r->short_factor, r->n_short));
	}
	return j;
}

const char *rope_name(const struct rope *r)
{
	assert(r->type < ROPE_TYPES);
	return names[r->type];
}

static double llama3(const struct rope *r, double freq)
{
	double turns = r->original * freq / (2 * PI), keep;

	keep = (turns - r->low) / (r->high - r->low);
	keep = fmin(fmax(keep, 0), 1);
	return freq * (keep + (1 - keep) / r->factor);
}

/* The dimension, in pairs, that turns so often within the original length; it may be a fraction. */
static double yarn_dim(const struct rope *r, double turns, int64_t hd)
{
	assert(turns > 0 && r->original > 0);
	return (double)hd * elem_log(r->original / (turns * 2 * PI)) / (2 * elem_log(r->theta));
}

static void yarn(const struct rope *r, double *freq, int64_t hd)
{
	double from = yarn_dim(r, r->beta_fast, hd), to = yarn_dim(r, r->beta_slow, hd);

	if (!r->exact) {
		from = floor(from);
		to = ceil(to);
	}
	from = fmax(from, 0);
	to = fmin(to, (double)hd - 1);
	to += from == to ? 0.001 : 0; /* a ramp of no width */
	for (int64_t i = 0; i < hd / 2; i++) {
		double share = fmin(fmax(((double)i - from) / (to - from), 0), 1);

		freq[i] = freq[i] * (1 - share) + freq[i] / r->factor * share;
	}
}

int64_t rope_turned(const struct rope *r, int64_t hd)
{
	int64_t n = r->share > 0 ? (int64_t)((double)hd * r->share) : hd;

	assert(hd >= 2);
	return n % 2 == 0 ? n : 0;
}

/* f_i = base^(-2i / n), base = theta, or theta alpha^(n / (n - 2)) */
static void plain(const struct rope *r, double *freq, int64_t n)
{
	double base = r->theta;

	if (r->type == ROPE_ALPHA && n > 2)
		base *= elem_pow(r->alpha, (double)n / (double)(n - 2));
	for (int64_t i = 0; i < n / 2; i++)
		freq[i] = elem_pow(base, -2.0 * (double)i / (double)n);
}

static void longrope(const struct rope *r, double *freq, int64_t n)
{
	const double *by = r->is_long ? r->long_factor : r->short_factor;

	assert(r->n_long == n / 2);
	for (int64_t i = 0; i < n / 2; i++)
		freq[i] /= by[i];
}

void rope_freqs(const struct rope *r, double *freq, int64_t n)
{
	assert(r->theta > 0 && n >= 2);
	plain(r, freq, n);
	for (int64_t i = 0; i < n / 2; i++) {
		if (r->type == ROPE_LINEAR)
			freq[i] /= r->factor;
		else if (r->type == ROPE_LLAMA3)
			freq[i] = llama3(r, freq[i]);
	}
	if (r->type == ROPE_YARN)
		yarn(r, freq, n);
	if (r->type == ROPE_LONGROPE)
		longrope(r, freq, n);
}

double rope_scale(const struct rope *r)
{
	bool scaled = r->type == ROPE_YARN || r->type == ROPE_LONGROPE;

	assert(!scaled || r->attention > 0);
	return scaled ? r->attention : 1;
}

float rope_query(const struct rope *r, size_t pos)
{
	return r->query_beta > 0
		       ? (float)(1 + r->query_beta * elem_log1p(floor((double)pos / r->original)))
		       : 1.0f;
}
