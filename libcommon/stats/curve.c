/* curve.c - numbers of training logs as curves. See curve.h. */
#include "stats/curve.h"
#include "base/mem.h"
#include "stats/passk.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- rows ---- */

static struct curve_run *run_of(struct curves *c, struct span group, struct span name)
{
	size_t pair[2] = {names_id(&c->groups, group), names_id(&c->names, name)};
	size_t n = c->pairs.n, id;
	struct curve_run *r;

	id = names_id(&c->pairs, (struct span){(const char *)pair, sizeof pair});
	c->run = names_room(c->run, &c->room, id, sizeof *c->run);
	r = &c->run[id];
	if (id == n) {
		r->group = pair[0];
		r->name = pair[1];
		r->ring = xcalloc(c->columns * c->smooth, sizeof *r->ring);
		r->used = xcalloc(c->columns, sizeof *r->used);
	}
	return r;
}

/* Moves the run's clock to the row: says where it is. */
static struct curve_at clock_at(struct curve_run *r, const struct curve_row *row, bool *begins)
{
	bool back = r->n && (row->step < r->last || (row->step == r->last && !row->repeats));

	*begins = !r->n || back || row->log != r->log || row->iter != r->iter;
	if (back)
		r->before += r->last;
	r->last = row->step;
	r->log = row->log;
	r->iter = row->iter;
	return (struct curve_at){r->before + row->step,
				 (r->n ? r->at[r->n - 1].iter : 0) + *begins};
}

static void grow(struct curve_run *r, size_t columns)
{
	if (r->n < r->room)
		return;
	r->room = r->room ? 2 * r->room : 64;
	r->at = xgrow(r->at, r->room, sizeof *r->at);
	r->v = xgrow(r->v, r->room, columns * sizeof *r->v);
}

/* The mean of v and the numbers before it in the ring, the sum in the order of their places */
static double smoothed(double *ring, uint64_t *used, size_t smooth, double v)
{
	size_t n;
	double sum = 0;

	if (isnan(v))
		return v;
	ring[(*used)++ % smooth] = v;
	n = *used < smooth ? (size_t)*used : smooth;
	for (size_t i = 0; i < n; i++)
		sum += ring[i];
	return sum / (double)n;
}

void curve_add(struct curves *c, struct span group, struct span name, const struct curve_row *row)
{
	struct curve_run *r = run_of(c, group, name);
	bool begins;

	grow(r, c->columns);
	r->at[r->n] = clock_at(r, row, &begins);
	if (begins)
		memset(r->used, 0, c->columns * sizeof *r->used);
	for (size_t i = 0; i < c->columns; i++)
		r->v[r->n * c->columns + i] =
			smoothed(r->ring + i * c->smooth, &r->used[i], c->smooth, row->v[i]);
	r->n++;
}

/* ---- means over runs ---- */

static struct curve_mean mean_over(const struct curves *c, const double *v, size_t n)
{
	struct curve_mean m = {.runs = n, .value = NAN, .low = NAN, .high = NAN};
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		sum += v[i];
		m.low = i == 0 || v[i] < m.low ? v[i] : m.low;
		m.high = i == 0 || v[i] > m.high ? v[i] : m.high;
	}
	if (n)
		m.value = sum / (double)n;
	if (n && c->bootstrap)
		passk_bootstrap(v, 1, n, c->bootstrap, c->seed, &m.low, &m.high);
	return m;
}

/* A number of some run of the group */
struct found {
	int64_t step;
	size_t run, order; /* order: of runs, then rows */
	uint64_t iter;
	double v;
};

static int by_step(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	if (x->step != y->step)
		return (x->step > y->step) - (x->step < y->step);
	return (x->order > y->order) - (x->order < y->order);
}

/* All numbers of the column, by step; those of one step in the order of the runs */
static struct found *gather(const struct curves *c, size_t group, size_t column, size_t *n)
{
	struct found *all;
	size_t rows = 0;

	for (size_t i = 0; i < c->pairs.n; i++)
		rows += c->run[i].n;
	all = xarray(rows + 1, sizeof *all);
	*n = 0;
	for (size_t i = 0; i < c->pairs.n; i++) {
		const struct curve_run *r = &c->run[i];

		for (size_t j = 0; j < r->n && r->group == group; j++) {
			double v = r->v[j * c->columns + column];

			if (isnan(v))
				continue;
			all[*n] = (struct found){r->at[j].step, i, *n, r->at[j].iter, v};
			++*n;
		}
	}
	qsort(all, *n, sizeof *all, by_step);
	return all;
}

struct curve_mean *curve_means(const struct curves *c, size_t group, size_t column, size_t *n)
{
	size_t found, same, before = 0;
	struct found *all = gather(c, group, column, &found);
	struct curve_mean *means = xarray(found + 1, sizeof *means);
	double *v = xarray(found + 1, sizeof *v);

	*n = 0;
	for (size_t i = 0; i < found; i += same) {
		size_t runs = 0;

		for (same = 0; i + same < found && all[i + same].step == all[i].step; same++) {
			v[same] = all[i + same].v;
			runs += same == 0 || all[i + same].run != all[i + same - 1].run;
		}
		means[*n] = mean_over(c, v, same);
		means[*n].step = all[i].step;
		means[*n].runs = runs;
		means[*n].begins = all[i].iter != all[before].iter;
		before = i;
		++*n;
	}
	free(all);
	free(v);
	return means;
}

/* False: the run has no such number. */
static bool run_total(const struct curve_run *r, const struct curves *c, size_t column,
		      int64_t last, bool sum, double *total)
{
	size_t n = 0;

	*total = 0;
	for (size_t i = 0; i < r->n; i++) {
		double v = r->v[i * c->columns + column];

		if (isnan(v) || (last && r->at[i].step <= r->at[r->n - 1].step - last))
			continue;
		*total += v;
		n++;
	}
	if (n && !sum)
		*total /= (double)n;
	return n > 0;
}

struct curve_mean curve_total(const struct curves *c, size_t group, size_t column, int64_t last,
			      bool sum)
{
	double *v = xarray(c->pairs.n + 1, sizeof *v);
	int64_t end = 0;
	size_t n = 0;
	struct curve_mean m;

	for (size_t i = 0; i < c->pairs.n; i++) {
		const struct curve_run *r = &c->run[i];

		if (r->group != group)
			continue;
		n += run_total(r, c, column, last, sum, &v[n]);
		end = r->at[r->n - 1].step > end ? r->at[r->n - 1].step : end;
	}
	m = mean_over(c, v, n);
	m.step = end;
	free(v);
	return m;
}

void curve_free(struct curves *c)
{
	for (size_t i = 0; i < c->pairs.n; i++) {
		free(c->run[i].at);
		free(c->run[i].v);
		free(c->run[i].ring);
		free(c->run[i].used);
	}
	free(c->run);
	names_free(&c->groups);
	names_free(&c->names);
	names_free(&c->pairs);
}
