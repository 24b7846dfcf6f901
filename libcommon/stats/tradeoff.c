/* tradeoff.c - policies over temperatures. See tradeoff.h. */
#include "stats/tradeoff.h"
#include "base/mem.h"
#include "stats/frontier.h"

#include <math.h>
#include <stdlib.h>

/* The variant's blocks on the set, temperatures ascending; *n of them, or 0. The caller frees. */
static struct block *blocks_of(const struct evalset *all, size_t set, size_t variant, size_t *n)
{
	struct block *b = xarray(all->n + 1, sizeof *b);

	*n = 0;
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].set == set && all->v[i].variant == variant) {
			b[*n] = contrast_block(all, i);
			i += b[(*n)++].n - 1;
		}
	return b;
}

static double plain_mean(const struct contrast *c, struct block b, size_t metric)
{
	size_t cols = contrast_problems(c, b), rows;
	double *v = xarray(b.n * cols + 1, sizeof *v), mean;

	rows = contrast_gather(c, &b, 1, metric, v);
	mean = pigeonhole_mean(v, rows * cols);
	free(v);
	return mean;
}

int64_t tradeoff_best(const struct contrast *c, size_t set, size_t variant, size_t metric)
{
	size_t n, seeds = 0;
	struct block *b = blocks_of(c->all, set, variant, &n);
	double best = NAN;
	int64_t at = -1;

	for (size_t i = 0; i < n; i++)
		seeds = b[i].n > seeds ? b[i].n : seeds;
	for (size_t i = 0; i < n; i++) {
		double mean = b[i].n == seeds ? plain_mean(c, b[i], metric) : NAN;

		if (mean >= best || (at < 0 && !isnan(mean))) {
			best = mean;
			at = c->all->v[b[i].from].step;
		}
	}
	free(b);
	return at;
}

/* ---- two curves, and what there is of them in each resample ---- */

struct curves {
	const struct block *block; /* (n) of both; those of the first come first */
	size_t n, n_first;
	size_t times;       /* the sample itself and each resample */
	double *avg, *pass; /* (n, times) */
};

/* Means of the metric, (n, times), over what all blocks have; the number of seeds that they have */
static size_t means_of(struct contrast *c, const struct curves *both, size_t metric, double *to)
{
	size_t cols = contrast_problems(c, both->block[0]), rows;
	double *v = xarray(both->n * both->block[0].n * cols + 1, sizeof *v);

	rows = contrast_gather(c, both->block, both->n, metric, v);
	pigeonhole_draw(&c->draws, rows, cols, c->bootstrap, c->seed);
	for (size_t i = 0; i < both->n; i++, to += both->times) {
		to[0] = pigeonhole_mean(v + i * rows * cols, rows * cols);
		pigeonhole_means(&c->draws, v + i * rows * cols, to + 1);
	}
	free(v);
	return rows;
}

/* The least and the greatest x that both curves have */
static void common_range(const struct frontier_point *v, size_t n, size_t n_first, double *from,
			 double *to)
{
	double least[2] = {INFINITY, INFINITY}, most[2] = {-INFINITY, -INFINITY};

	for (size_t i = 0; i < n; i++) {
		least[i >= n_first] = fmin(least[i >= n_first], v[i].x);
		most[i >= n_first] = fmax(most[i >= n_first], v[i].x);
	}
	*from = fmax(least[0], least[1]);
	*to = fmin(most[0], most[1]);
}

/* The numbers of one curve, (TRADEOFFS), where it meets the other */
static void numbers_of(const struct frontier_point *accuracy, const struct frontier_point *variety,
		       size_t n, double from, double to, double pass, double *v)
{
	bool overlap = from < to;

	v[TRADEOFF_FROM] = overlap ? from : NAN;
	v[TRADEOFF_TO] = overlap ? to : NAN;
	v[TRADEOFF_MEAN] = frontier_mean(accuracy, n, from, to);
	v[TRADEOFF_AREA] = v[TRADEOFF_MEAN] * (to - from);
	v[TRADEOFF_EQUAL_AVG] = to;
	v[TRADEOFF_PASS] = frontier_at(accuracy, n, to);
	v[TRADEOFF_EQUAL_PASS] = pass;
	v[TRADEOFF_AVG] = frontier_at(variety, n, pass);
}

/* Both curves' numbers at one time: first and second (TRADEOFFS) */
static void compare_at(const struct curves *both, size_t t, double *first, double *second)
{
	size_t n = both->n, m = both->n_first;
	struct frontier_point *accuracy = xarray(2 * n, sizeof *accuracy);
	struct frontier_point *variety = accuracy + n; /* x and y exchanged */
	double from, to, least, pass;
	bool whole = true; /* a resample may have drawn nothing that there is */

	for (size_t i = 0; i < n; i++) {
		double x = both->avg[i * both->times + t], y = both->pass[i * both->times + t];

		accuracy[i] = (struct frontier_point){x, y};
		variety[i] = (struct frontier_point){y, x};
		whole = whole && !isnan(x) && !isnan(y);
	}
	for (size_t i = 0; i < TRADEOFFS; i++)
		first[i] = second[i] = NAN;
	if (whole) {
		common_range(accuracy, n, m, &from, &to);
		common_range(variety, n, m, &least, &pass);
		numbers_of(accuracy, variety, m, from, to, pass, first);
		numbers_of(accuracy + m, variety + m, n - m, from, to, pass, second);
	}
	free(accuracy);
}

static bool is_of_both(size_t what)
{
	return what == TRADEOFF_FROM || what == TRADEOFF_TO || what == TRADEOFF_EQUAL_AVG ||
	       what == TRADEOFF_EQUAL_PASS;
}

/* v (times): of the sample, then of the resamples */
static struct result with_interval(const struct contrast *c, double *v)
{
	struct result r = contrast_interval(c, v[0], v + 1);
	size_t lacking = 0;

	for (size_t i = 1; i <= c->bootstrap; i++)
		lacking += isnan(v[i]);
	if (isnan(v[0]) || lacking > c->bootstrap / 20)
		r.low = r.high = NAN;
	return r;
}

static void compare_all(const struct contrast *c, const struct curves *both, struct tradeoff *to)
{
	double *value = xarray(TRADEOFFS * both->times, sizeof *value); /* (TRADEOFFS, times) */
	double *diff = xarray(TRADEOFFS * both->times, sizeof *diff);
	double first[TRADEOFFS], second[TRADEOFFS];

	for (size_t t = 0; t < both->times; t++) {
		compare_at(both, t, first, second);
		for (size_t i = 0; i < TRADEOFFS; i++) {
			value[i * both->times + t] = first[i];
			diff[i * both->times + t] = is_of_both(i) ? NAN : first[i] - second[i];
		}
	}
	for (size_t i = 0; i < TRADEOFFS; i++) {
		to->value[i] = with_interval(c, value + i * both->times);
		to->diff[i] = with_interval(c, diff + i * both->times);
	}
	free(value);
	free(diff);
}

/* The greatest of ks above 1 of which all blocks have pass@k, by its number; n_ks: none */
static size_t greatest_k(const struct contrast *c, const struct curves *both)
{
	size_t best = c->n_ks;

	for (size_t k = 0; k < c->n_ks; k++) {
		bool there = c->ks[k] > 1 && (best == c->n_ks || c->ks[k] > c->ks[best]);

		for (size_t i = 0; i < both->n && there; i++)
			there = contrast_exists(c, both->block[i], CONTRAST_PASS + k);
		best = there ? k : best;
	}
	return best;
}

static void compare_curves(struct contrast *c, struct curves *both, struct tradeoff *to)
{
	both->times = c->bootstrap + 1;
	both->avg = xarray(2 * both->n * both->times, sizeof *both->avg);
	both->pass = both->avg + both->n * both->times;
	to->seeds = means_of(c, both, CONTRAST_AVG, both->avg);
	means_of(c, both, CONTRAST_PASS + to->k, both->pass);
	if (to->seeds)
		compare_all(c, both, to);
	free(both->avg);
}

struct tradeoff tradeoff_compare(struct contrast *c, size_t set, size_t variant, size_t reference)
{
	const struct result none = {NAN, NAN, NAN};
	struct tradeoff to = {.k = c->n_ks};
	size_t n, m;
	struct block *b = blocks_of(c->all, set, variant, &n);
	struct block *ref = blocks_of(c->all, set, reference, &m);
	struct curves both = {.block = b, .n = n + m, .n_first = n};

	for (size_t i = 0; i < TRADEOFFS; i++)
		to.value[i] = to.diff[i] = none;
	for (size_t i = 0; i < m; i++) /* of all->n places n are taken: the variants differ */
		b[n + i] = ref[i];
	if (n && m && (to.k = greatest_k(c, &both)) < c->n_ks)
		compare_curves(c, &both, &to);
	free(b);
	free(ref);
	return to;
}
