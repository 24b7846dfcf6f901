/* advantage.c - advantages from rewards. See advantage.h. */
#include "learn/advantage.h"
#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

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

/* sum len_i r_i / sum len_i */
static double mean_of_tokens(const double *r, const size_t *len, size_t n)
{
	double tokens = 0, sum = 0;

	for (size_t i = 0; i < n; i++) {
		tokens += (double)len[i];
		sum += (double)len[i] * r[i];
	}
	return tokens > 0 ? sum / tokens : 0;
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

struct ranked {
	double d; /* reward less the group's best */
	size_t at;
};

static int by_reward(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	return (x->d > y->d) - (x->d < y->d);
}

/*
 * With d_1 <= ... <= d_n = 0: M = sum p_i d_i and S^2 = sum p_i (d_i - M)^2, where p_i = C(i-1,
 * k-1) / C(n, k) is the share of the subsets of k whose best is d_i. Returns 1 / (S + 1e-6).
 */
static double best_of_k(const struct ranked *v, size_t n, size_t k, double *mean)
{
	double var = 0;

	*mean = 0;
	for (int pass = 0; pass < 2; pass++) {
		double p = (double)k / (double)n; /* of i = n */

		for (size_t i = n; i >= k; i--) {
			double d = v[i - 1].d - *mean;

			if (pass == 0)
				*mean += p * v[i - 1].d;
			else
				var += p * d * d;
			p *= i > 1 ? (double)(i - k) / (double)(i - 1) : 0;
		}
	}
	return 1 / (sqrt(var) + 1e-6);
}

/*
 * A_i = (m_i - M) / (S + 1e-6), m_i = q_i d_i + sum over j > i of w_j d_j, where q_i = C(i-1, k-1)
 * / C(n-1, k-1) and w_j = C(j-2, k-2) / C(n-1, k-1) are shares of the subsets that hold i. Equal
 * rewards have one A, that of the greatest i among them. v (n) is by_reward.
 */
static void spread_best(const struct ranked *v, size_t n, size_t k, double *out)
{
	double mean, by = best_of_k(v, n, k, &mean);
	double q = 1, w = n > 1 ? (double)(k - 1) / (double)(n - 1) : 0, above = 0, m = 0;

	for (size_t i = n; i >= 1; i--) {
		double d = v[i - 1].d, i1 = (double)(i - 1), less = (double)i - (double)k;

		if (i == n || d != v[i].d)
			m = q * d + above;
		out[v[i - 1].at] = (m - mean) * by;
		above += w * d;
		q *= i > k ? less / i1 : 0;
		w *= i > k && i > 2 ? less / (i1 - 1) : 0;
	}
}

/* r, out (n) */
static void pass_at_k(size_t k, const double *r, size_t n, double *out)
{
	struct ranked *v = xarray(n, sizeof *v);
	double best;

	for (size_t i = 0; i < n; i++)
		v[i] = (struct ranked){r[i], i};
	qsort(v, n, sizeof *v, by_reward);
	best = v[n - 1].d;
	for (size_t i = 0; i < n; i++) {
		v[i].d -= best;
		out[i] = 0;
	}
	if (k <= n)
		spread_best(v, n, k, out);
	free(v);
}

/*
 * A_i = (r_i - mean) / sqrt(var + 1e-8), mean = sum len_i r_i / sum len_i, var = sum len_i (r_i -
 * mean)^2 / (sum len_i - 1): whitened over tokens, of which response i counts len[i]. r may be out.
 */
static void whiten(const double *r, const size_t *len, size_t n, double *out)
{
	double tokens = 0, square = 0, mean = mean_of_tokens(r, len, n), var;

	for (size_t i = 0; i < n; i++) {
		tokens += (double)len[i];
		square += (double)len[i] * (r[i] - mean) * (r[i] - mean);
	}
	var = tokens > 1 ? square / (tokens - 1) : 0;
	for (size_t i = 0; i < n; i++)
		out[i] = (r[i] - mean) / sqrt(var + 1e-8);
}

/* out = sum over q of weight_q (r_q - mean) / (std + 1e-6), group by group; then centred and scaled
 * over all of the batch, which a single response is not. */
static void of_several(const struct advantage_batch *b, double *out)
{
	size_t n = b->start[b->groups];
	double *r = xarray(n, sizeof *r), *a = xarray(n, sizeof *a), mean, by;

	for (size_t i = 0; i < n; i++)
		out[i] = 0;
	for (size_t q = 0; q < b->parts; q++) {
		for (size_t i = 0; i < n; i++)
			r[i] = b->part[i * b->parts + q];
		for (size_t g = 0; g < b->groups; g++)
			of_group(ADV_GRPO, r + b->start[g], b->start[g + 1] - b->start[g],
				 a + b->start[g]);
		for (size_t i = 0; i < n; i++)
			out[i] += b->weight[q] * a[i];
	}
	mean = n > 1 ? mean_of(out, n) : 0;
	by = n > 1 ? 1 / (std_of(out, n, mean) + 1e-6) : 1;
	for (size_t i = 0; i < n; i++)
		out[i] = (out[i] - mean) * by;
	free(r);
	free(a);
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

/* One group of n */
static void of_one(const struct advantage_opts *o, const double *r, const size_t *len, size_t n,
		   double *out)
{
	double mean;

	switch (o->kind) {
	case ADV_PASS_AT_K:
		pass_at_k((size_t)o->k, r, n, out);
		return;
	case ADV_OPO:
		mean = n > 1 ? mean_of_tokens(r, len, n) : 0;
		for (size_t i = 0; i < n; i++)
			out[i] = r[i] - mean;
		return;
	default:
		of_group(o->kind, r, n, out);
	}
}

void advantage_all(const struct advantage_opts *o, const struct advantage_batch *b, double *out)
{
	const size_t *start = b->start;
	size_t n = start[b->groups];

	assert(start[0] == 0 && b->groups >= 1);
	assert(b->reward != out);
	assert(o->kind != ADV_PASS_AT_K || o->k >= 1);
	assert(o->kind != ADV_GDPO || (b->parts && b->part && b->weight));
	if (o->kind == ADV_REINFORCE_PP) {
		whiten(b->reward, b->len, n, out);
		return;
	}
	if (o->kind == ADV_GDPO) {
		of_several(b, out);
		return;
	}
	for (size_t g = 0; g < b->groups; g++)
		of_one(o, b->reward + start[g], b->len + start[g], start[g + 1] - start[g],
		       out + start[g]);
	if (o->kind == ADV_REINFORCE_PP_BASELINE)
		whiten(out, b->len, n, out);
}
