/* advantage.c - advantages from rewards. See advantage.h. */
#include "learn/advantage.h"

#include <assert.h>
#include <math.h>

static double mean_of(const double *r, size_t n)
{
	double sum = 0;

	assert(n >= 1);
	for (size_t i = 0; i < n; i++)
		sum += r[i];
	return sum / (double)n;
}

static double std_of(const double *r, size_t n, double mean)
{
	double sum = 0;

	assert(n >= 2 /* unbiased */);
	for (size_t i = 0; i < n; i++)
		sum += (r[i] - mean) * (r[i] - mean);
	return sqrt(sum / (double)(n - 1));
}

/*
 * A_i = (r_i - mean) * by. grpo: by = 1 / (std + 1e-6); maxrl: 1 / mean; rloo: n / (n - 1); else 1.
 * r, out (n).
 */
static void of_group(enum advantage kind, const double *r, size_t n, double *out)
{
	double mean = n > 1 ? mean_of(r, n) : 0, by = 1;

	assert(n >= 1);
	if (kind == ADV_GRPO)
		by = 1 / ((n > 1 ? std_of(r, n, mean) : 1) + 1e-6);
	else if (kind == ADV_RLOO && n > 1)
		by = (double)n / (double)(n - 1);
	else if (kind == ADV_MAXRL && mean > 0)
		by = 1 / mean;
	for (size_t i = 0; i < n; i++)
		out[i] = (r[i] - mean) * by;
}

/*
 * A_i = (r_i - mean) / sqrt(var + 1e-8), mean = sum len_i r_i / sum len_i, var = sum len_i (r_i -
 * mean)^2 / (sum len_i - 1): whitened over tokens, of which response i counts len[i].
 */
static void whiten(const double *r, const size_t *len, size_t n, double *out)
{
	double tokens = 0, sum = 0, square = 0, mean, var;

	for (size_t i = 0; i < n; i++) {
		tokens += (double)len[i];
		sum += (double)len[i] * r[i];
	}
	mean = tokens > 0 ? sum / tokens : 0;
	for (size_t i = 0; i < n; i++)
		square += (double)len[i] * (r[i] - mean) * (r[i] - mean);
	var = tokens > 1 ? square / (tokens - 1) : 0;
	for (size_t i = 0; i < n; i++)
		out[i] = (r[i] - mean) / sqrt(var + 1e-8);
}

int advantage_check(const struct advantage_opts *o, const struct advantage_batch *b,
		    struct reason *why)
{
	size_t n = b->start[b->groups];

	for (size_t i = 0; i < n && o->kind == ADV_MAXRL; i++)
		if (b->reward[i] < 0)
			return fail(why, ST_INPUT,
				    "reward %g: --advantage maxrl divides by the mean of a group, "
				    "and takes none below 0",
				    b->reward[i]);
	return 0;
}

void advantage_all(const struct advantage_opts *o, const struct advantage_batch *b, double *out)
{
	const size_t *start = b->start;

	assert(start[0] == 0 && b->groups >= 1);
	assert(b->reward != out);
	assert(o->kind != ADV_REINFORCE_PP || b->len);
	if (o->kind == ADV_REINFORCE_PP) {
		whiten(b->reward, b->len, start[b->groups], out);
		return;
	}
	for (size_t g = 0; g < b->groups; g++)
		of_group(o->kind, b->reward + start[g], start[g + 1] - start[g], out + start[g]);
}
