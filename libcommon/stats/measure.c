/* measure.c - how well a problem is solved. See measure.h. */
#include "stats/measure.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/tool.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- drawing without replacement ---- */

static long double log_choose(uint64_t n, uint64_t k)
{
	assert(k <= n);
	return lgammal((long double)n + 1) - lgammal((long double)k + 1) -
	       lgammal((long double)(n - k) + 1);
}

/* C(c,k) / C(n,k) is the product of (c - i) / (n - i), i < k. */
double measure_hat(uint64_t n, uint64_t c, uint64_t k)
{
	double p = 1;

	assert(c <= n);
	if (k == 0 || k > n)
		return NAN;
	for (uint64_t i = 0; i < k && p > 0; i++)
		p *= c > i ? (double)(c - i) / (double)(n - i) : 0;
	return p;
}

/* P(X >= from), X of k drawn from n with c correct ones: sum of C(c,x) C(n-c,k-x) / C(n,k) */
static double at_least(uint64_t n, uint64_t c, uint64_t k, uint64_t from)
{
	uint64_t most = c < k ? c : k;
	long double all = log_choose(n, k), sum = 0;

	assert(c <= n && k <= n);
	if (from <= k - (n - c < k ? n - c : k)) /* so many there are in any draw */
		return 1;
	for (uint64_t x = from; x <= most; x++)
		sum += expl(log_choose(c, x) + log_choose(n - c, k - x) - all);
	return sum < 1 ? (double)sum : 1;
}

/* Rounds what a product in binary left above a whole number: 0.28 * 25 is 7. */
static uint64_t ceil_share(double tau, uint64_t k)
{
	double x = tau * (double)k, whole = nearbyint(x);

	return (uint64_t)(fabs(x - whole) < 1e-9 ? whole : ceil(x));
}

double measure_gpass(uint64_t n, uint64_t c, uint64_t k, double tau)
{
	uint64_t from = ceil_share(tau, k);

	assert(tau >= 0 && tau <= 1);
	if (k == 0 || k > n)
		return NAN;
	return at_least(n, c, k, from ? from : 1);
}

double measure_mgpass(uint64_t n, uint64_t c, uint64_t k)
{
	double sum = 0;

	if (k == 0 || k > n)
		return NAN;
	for (uint64_t i = (k + 1) / 2 + 1; i <= k; i++)
		sum += at_least(n, c, k, i);
	return 2 * sum / (double)k;
}

/* The mean of an end of k drawn of n values; g[i * step]: from that end on. The first has the
 * weight k/n, each next (n - i - k + 1) / (n - i) of the one before. */
static double mean_end(const double *g, size_t n, uint64_t k, ptrdiff_t step)
{
	double sum = 0, weight;

	if (k == 0 || k > n)
		return NAN;
	weight = (double)k / (double)n;
	for (size_t i = 1; i <= n; i++, g += step) {
		sum += weight * *g;
		if (i == n || n - i < k)
			break;
		weight *= (double)(n - i - k + 1) / (double)(n - i);
	}
	return sum;
}

double measure_best(const double *g, size_t n, uint64_t k)
{
	assert(g || !n);
	return mean_end(n ? g + n - 1 : g, n, k, -1);
}

double measure_worst(const double *g, size_t n, uint64_t k)
{
	assert(g || !n);
	return mean_end(g, n, k, 1);
}

/* ---- the majority ---- */

/*
 * C(s,x) p^x (1-p)^(s-x): C(s,x) but for a factor that is the same for all ways to draw k of n, so
 * that no number is ever too large. p = k/n.
 */
static double tilted(uint64_t s, uint64_t x, long double p)
{
	assert(x <= s && p > 0 && p < 1);
	return (double)expl(log_choose(s, x) + (long double)x * logl(p) +
			    (long double)(s - x) * log1pl(-p));
}

struct ways {      /* to draw d of some answers, none more than j times, t of them j times */
	double *w; /* (t_max + 1, d_max + 1) */
	size_t t_max, d_max;
	size_t t, d; /* the most there can be of the answers so far; beyond, all is 0 */
};

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* One more answer of s samples; f[x]: of drawing x of them. From the end on, so that what is read
 * is still without it. */
static void add_answer(struct ways *b, const double *f, size_t s, size_t j)
{
	size_t row = b->d_max + 1, most = least(s, j - 1);

	b->d = least(b->d + least(s, j), b->d_max);
	b->t = least(b->t + (s >= j), b->t_max);
	for (size_t t = b->t + 1; t-- > 0;)
		for (size_t d = b->d + 1; d-- > 0;) {
			double sum = 0, *w = b->w + t * row + d;

			for (size_t x = 0; x <= most && x <= d; x++)
				sum += w[-(ptrdiff_t)x] * f[x];
			if (s >= j && d >= j && t)
				sum += w[-(ptrdiff_t)(row + j)] * f[j];
			*w = sum;
		}
}

/* Sum over t of W(j,t) / (t + 1). f: see measure_maj */
static double share(const struct votes *v, const double *f, size_t j, struct ways *b)
{
	double sum = 0;

	memset(b->w, 0, (b->t_max + 1) * (b->d_max + 1) * sizeof *b->w);
	b->t = 0;
	b->d = least(v->silent, b->d_max);
	for (size_t d = 0; d <= b->d; d++)
		b->w[d] = f[d];
	f += v->silent + 1;
	for (size_t i = 0; i < v->n_wrong; i++) {
		add_answer(b, f, v->wrong[i], j);
		f += v->wrong[i] + 1;
	}
	for (size_t t = 0; t <= b->t_max; t++)
		sum += b->w[t * (b->d_max + 1) + b->d_max] / (double)(t + 1);
	return sum;
}

/* All are drawn: nothing is left to chance. */
static double whole_vote(const struct votes *v)
{
	size_t ties = 1;

	for (size_t i = 0; i < v->n_wrong; i++) {
		if (v->wrong[i] > v->right)
			return 0;
		ties += v->wrong[i] == v->right;
	}
	return v->right ? 1 / (double)ties : 0;
}

static double *put_tilted(double *f, uint64_t s, long double p)
{
	for (uint64_t x = 0; x <= s; x++)
		*f++ = tilted(s, x, p);
	return f;
}

double measure_maj(const struct votes *v, uint64_t k)
{
	uint64_t n = v->right + v->silent;
	double *f, *end, sum = 0; /* f: of the silent, of each wrong answer, 0 .. all */
	struct ways b;
	long double p;

	for (size_t i = 0; i < v->n_wrong; i++)
		n += v->wrong[i];
	if (k == 0 || k > n)
		return NAN;
	if (k == n)
		return whole_vote(v);
	p = (long double)k / (long double)n;
	f = xarray(n + v->n_wrong + 2, sizeof *f);
	end = put_tilted(f, v->silent, p);
	for (size_t i = 0; i < v->n_wrong; i++)
		end = put_tilted(end, v->wrong[i], p);
	b.w = xarray((k + 1) * (k + 1), sizeof *b.w);
	for (uint64_t j = 1; j <= v->right && j <= k; j++) {
		b.d_max = k - j;
		b.t_max = b.d_max / j;
		sum += tilted(v->right, j, p) * share(v, f, j, &b);
	}
	free(b.w);
	free(f);
	sum /= tilted(n, k, p);
	return sum < 1 ? sum : 1;
}

/* ---- lists ---- */

static char *list_item(const char **p)
{
	size_t n = strcspn(*p, ",");
	char *item = xstrndup(*p, n);

	*p = (*p)[n] ? *p + n + 1 : NULL;
	return item;
}

size_t measure_taus(const char *list, double *taus, size_t max)
{
	size_t n = 0;

	while (list) {
		char *item = list_item(&list);
		double x = 0;
		bool ok = num_f64(item, 0, 1, &x);

		free(item);
		for (size_t i = 0; i < n; i++)
			ok = ok && taus[i] != x;
		if (!ok || n == max)
			return 0;
		taus[n++] = x;
	}
	return n;
}

unsigned measure_list(const char *list)
{
	unsigned all = 0;

	while (list) {
		char *item = list_item(&list);
		int one = tool_word(MEASURE_WORDS, item);

		free(item);
		if (one < 0 || all & 1u << one)
			return 0;
		all |= 1u << one;
	}
	return all;
}
