/* rope.c - the rotary embedding's angles. See rope.h. */
#include "model/rope.h"
#include "base/jsonkey.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

static const char *const names[] = {"default", "linear", "llama3", "yarn"};

enum { N_TYPES = sizeof names / sizeof *names };
enum { LINEAR = 1 << ROPE_LINEAR, LLAMA3 = 1 << ROPE_LLAMA3, YARN = 1 << ROPE_YARN };

static const double PI = 3.14159265358979323846;

/* Numbers of a scaled embedding: the types that have them, those that need them, their range. */
static const struct number {
	const char *key;
	size_t field;
	unsigned types, needed;
	double lo, hi;
} numbers[] = {
	{"factor", offsetof(struct rope, factor), LINEAR | LLAMA3 | YARN, LINEAR | LLAMA3, 1, 1e6},
	{"original_max_position_embeddings", offsetof(struct rope, original), LLAMA3 | YARN, LLAMA3,
	 1, 1e9},
	{"low_freq_factor", offsetof(struct rope, low), LLAMA3, LLAMA3, 1e-6, 1e6},
	{"high_freq_factor", offsetof(struct rope, high), LLAMA3, LLAMA3, 1e-6, 1e6},
	{"beta_fast", offsetof(struct rope, beta_fast), YARN, 0, 1e-6, 1e6},
	{"beta_slow", offsetof(struct rope, beta_slow), YARN, 0, 1e-6, 1e6},
	{"attention_factor", offsetof(struct rope, attention), YARN, 0, 1e-6, 1e6},
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
	return factor <= 1 ? 1 : 0.1 * weight * log(factor) + 1;
}

/* What yarn's file may leave out. mscale and mscale_all_dim are another way to say the attention
 * factor; alone, neither counts. */
static int get_yarn(struct rope *r, const json_t *j, int64_t max_len, struct reason *why)
{
	double one = 0, all = 0;
	bool truncate = true;

	if (jsonkey_real(j, "mscale", &one, why) || jsonkey_real(j, "mscale_all_dim", &all, why) ||
	    jsonkey_bool(j, "truncate", &truncate, why))
		return ST_INPUT;
	r->exact = !truncate;
	r->original = r->original > 0 ? r->original : (double)max_len;
	r->factor = r->factor > 0 ? r->factor : fmax((double)max_len / r->original, 1);
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

static bool is_known(const struct rope *r, const char *key, const json_t *v)
{
	static const char *const always[] = {"rope_theta", "rope_type", "type"};
	static const char *const yarn[] = {"mscale", "mscale_all_dim", "truncate"};

	if (json_is_null(v))
		return true;
	for (size_t i = 0; i < 3; i++)
		if (strcmp(key, always[i]) == 0 ||
		    (r->type == ROPE_YARN && strcmp(key, yarn[i]) == 0))
			return true;
	for (size_t i = 0; i < N_NUMBERS; i++)
		if (strcmp(key, numbers[i].key) == 0 && numbers[i].types & 1U << r->type)
			return true;
	return strcmp(key, "partial_rotary_factor") == 0 && json_number_value(v) == 1;
}

static int get_type(struct rope *r, const json_t *j, struct reason *why)
{
	const json_t *type = json_object_get(j, "rope_type"), *old = json_object_get(j, "type");

	if (type && old && !json_equal(type, old))
		return fail(why, ST_INPUT, "rope_type and type differ");
	type = type ? type : old;
	r->type = ROPE_DEFAULT;
	if (!type)
		return 0;
	for (int i = 0; i < N_TYPES; i++)
		if (json_is_string(type) && strcmp(json_string_value(type), names[i]) == 0) {
			r->type = (enum rope_type)i;
			return 0;
		}
	return jsonkey_fail(
		why, "rope_type", type,
		"is not supported, only \"default\", \"linear\", \"llama3\" and \"yarn\"");
}

static int get_object(struct rope *r, const json_t *j, int64_t max_len, struct reason *why)
{
	const json_t *v;
	const char *key;

	if (get_type(r, j, why))
		return ST_INPUT;
	json_object_foreach((json_t *)j, key, v) if (!is_known(r, key, v)) return fail(
		why, ST_INPUT, "%s is not supported with type %s", key, names[r->type]);
	for (size_t i = 0; i < N_NUMBERS; i++)
		if (numbers[i].types & 1U << r->type && get_number(r, &numbers[i], j, why))
			return ST_INPUT;
	if (r->type == ROPE_LLAMA3 && r->high <= r->low)
		return fail(why, ST_INPUT, "high_freq_factor: %g is not above low_freq_factor %g",
			    r->high, r->low);
	if (r->type == ROPE_YARN && get_yarn(r, j, max_len, why))
		return ST_INPUT;
	return jsonkey_real(j, "rope_theta", &r->theta, why);
}

int rope_parse(struct rope *r, const json_t *j, int64_t max_len, struct reason *why)
{
	const json_t *old = json_object_get(j, "rope_scaling");
	const json_t *new = json_object_get(j, "rope_parameters"),
		     *v = jsonkey_none(new) ? old : new;
	const char *name = v == old ? "rope_scaling" : "rope_parameters";
	double top = NAN;

	assert(json_is_object(j) && max_len >= 1);
	*r = (struct rope){.theta = NAN};
	if (!jsonkey_none(old) && !jsonkey_none(new) && !json_equal(old, new))
		return fail(why, ST_INPUT, "rope_scaling and rope_parameters differ");
	if (!jsonkey_none(v) && !json_is_object(v))
		return jsonkey_fail(why, name, v, "is not an object");
	if (!jsonkey_none(v) && get_object(r, v, max_len, why)) {
		fail_prefix(why, "%s", name);
		return ST_INPUT;
	}
	if (jsonkey_real(j, "rope_theta", &top, why))
		return ST_INPUT;
	if (!isnan(top) && !isnan(r->theta) && top != r->theta)
		return fail(why, ST_INPUT, "rope_theta: %g, but %s says %g", top, name, r->theta);
	if (isnan(r->theta))
		r->theta = isnan(top) ? 10000 : top;
	return 0;
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
	return j;
}

const char *rope_name(const struct rope *r)
{
	assert(r->type <= ROPE_YARN);
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
	return (double)hd * log(r->original / (turns * 2 * PI)) / (2 * log(r->theta));
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

void rope_freqs(const struct rope *r, double *freq, int64_t hd)
{
	assert(r->theta > 0 && hd >= 2);
	assert(r->type == ROPE_DEFAULT || r->factor >= 1);
	for (int64_t i = 0; i < hd / 2; i++) {
		freq[i] = pow(r->theta, -2.0 * (double)i / (double)hd);
		if (r->type == ROPE_LINEAR)
			freq[i] /= r->factor;
		else if (r->type == ROPE_LLAMA3)
			freq[i] = llama3(r, freq[i]);
	}
	if (r->type == ROPE_YARN)
		yarn(r, freq, hd);
}

double rope_scale(const struct rope *r)
{
	assert(r->type != ROPE_YARN || r->attention > 0);
	return r->type == ROPE_YARN ? r->attention : 1;
}
