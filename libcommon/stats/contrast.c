/* contrast.c - evaluations side by side. See contrast.h. */
#include "stats/contrast.h"
#include "base/mem.h"
#include "stats/passk.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

struct block contrast_block(const struct evalset *all, size_t from)
{
	struct block b = {from, 1};
	const struct eval *e = &all->v[from];

	assert(from < all->n);
	while (from + b.n < all->n && e[b.n].set == e->set && e[b.n].variant == e->variant &&
	       e[b.n].step == e->step)
		b.n++;
	return b;
}

struct block contrast_find(const struct evalset *all, size_t set, size_t variant, int64_t step)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].set == set && all->v[i].variant == variant && all->v[i].step == step)
			return contrast_block(all, i);
	return (struct block){0};
}

double contrast_value(const struct contrast *c, const struct eval *e, size_t problem, size_t metric)
{
	struct evalcell cell = eval_cell(e, problem);

	if (metric == CONTRAST_ENTROPY)
		return cell.n_entropy ? cell.entropy / (double)cell.n_entropy : NAN;
	if (!cell.n)
		return NAN;
	if (metric == CONTRAST_AVG)
		return (double)cell.c / (double)cell.n;
	if (metric == CONTRAST_DISTINCT)
		return (double)cell.distinct;
	if (metric == CONTRAST_FORGETTING)
		return evalset_earlier(c->all, e, problem) ? cell.c == 0 : NAN;
	return passk(cell.n, cell.c, c->ks[metric - CONTRAST_PASS]);
}

size_t contrast_problems(const struct contrast *c, struct block b)
{
	return c->all->problems[c->all->v[b.from].set].n;
}

bool contrast_exists(const struct contrast *c, struct block b, size_t metric)
{
	size_t cols = contrast_problems(c, b);

	for (size_t i = 0; i < b.n && metric >= CONTRAST_PASS; i++)
		for (size_t p = 0; p < cols; p++) {
			uint64_t n = eval_cell(&c->all->v[b.from + i], p).n;

			if (n && n < c->ks[metric - CONTRAST_PASS])
				return false;
		}
	return true;
}

/* The evaluation of b whose seed is that of e; NULL: there is none. */
static const struct eval *fellow(const struct contrast *c, struct block b, const struct eval *e)
{
	for (size_t i = 0; i < b.n; i++)
		if (c->all->v[b.from + i].seed == e->seed)
			return &c->all->v[b.from + i];
	return NULL;
}

/* The evaluations e (rows, n) of those seeds that all n blocks have; the number of rows */
static size_t common_seeds(const struct contrast *c, const struct block *b, size_t n,
			   const struct eval **e)
{
	size_t rows = 0;

	for (size_t s = 0; s < b[0].n; s++) {
		bool all = true;

		for (size_t i = 0; i < n; i++) {
			e[rows * n + i] = fellow(c, b[i], &c->all->v[b[0].from + s]);
			all = all && e[rows * n + i];
		}
		rows += all;
	}
	return rows;
}

/* All n evaluations have measured the problem: a difference of different problems says nothing. */
static bool all_measured(const struct eval *const *e, size_t n, size_t problem, size_t metric)
{
	for (size_t i = 0; i < n; i++) {
		struct evalcell c = eval_cell(e[i], problem);

		if (!(metric == CONTRAST_ENTROPY ? c.n_entropy : c.n))
			return false;
	}
	return true;
}

size_t contrast_gather(const struct contrast *c, const struct block *b, size_t n, size_t metric,
		       double *v)
{
	const struct eval **e = xarray(b[0].n * n, sizeof *e);
	size_t rows = common_seeds(c, b, n, e), cols = contrast_problems(c, b[0]);

	for (size_t i = 0; i < n; i++) {
		bool there = contrast_exists(c, b[i], metric);

		for (size_t row = 0; row < rows; row++)
			for (size_t p = 0; p < cols; p++)
				*v++ = there && all_measured(&e[row * n], n, p, metric)
					       ? contrast_value(c, e[row * n + i], p, metric)
					       : NAN;
	}
	free(e);
	return rows;
}

struct result contrast_interval(const struct contrast *c, double value, double *mean)
{
	struct result r = {.value = value};

	pigeonhole_interval(mean, c->bootstrap, &r.low, &r.high);
	return r;
}

struct result contrast_mean(struct contrast *c, struct block b, size_t metric)
{
	size_t cols = contrast_problems(c, b), rows;
	double *v = xarray(b.n * cols + 1, sizeof *v);
	double *mean = xarray(c->bootstrap + 1, sizeof *mean);
	struct result r;

	rows = contrast_gather(c, &b, 1, metric, v);
	pigeonhole_draw(&c->draws, rows, cols, c->bootstrap, c->seed);
	pigeonhole_means(&c->draws, v, mean);
	r = contrast_interval(c, pigeonhole_mean(v, rows * cols), mean);
	free(v);
	free(mean);
	return r;
}

struct result contrast_difference(struct contrast *c, struct block b, struct block ref,
				  size_t metric)
{
	const struct block both[] = {b, ref};
	size_t cols = contrast_problems(c, b), n;
	double *v = xarray(2 * b.n * cols + 1, sizeof *v);
	double *mean = xarray(c->bootstrap + 1, sizeof *mean);
	double *minus = xarray(c->bootstrap + 1, sizeof *minus);
	struct result r;

	n = contrast_gather(c, both, 2, metric, v) * cols;
	pigeonhole_draw(&c->draws, cols ? n / cols : 0, cols, c->bootstrap, c->seed);
	pigeonhole_means(&c->draws, v, mean);
	pigeonhole_means(&c->draws, v + n, minus);
	for (size_t i = 0; i < c->bootstrap; i++)
		mean[i] -= minus[i];
	r = contrast_interval(c, pigeonhole_mean(v, n) - pigeonhole_mean(v + n, n), mean);
	free(v);
	free(mean);
	free(minus);
	return r;
}
