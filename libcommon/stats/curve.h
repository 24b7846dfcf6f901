/*
 * curve.h - numbers of training logs as curves: smoothed within an iteration, averaged over runs.
 *
 * A run (a seed) belongs to a group (a variant); its rows come in order. Its clock counts RL steps
 * over all iterations: where a step does not grow, the steps so far are behind it.
 *
 *     struct curves c = {.columns = 2, .smooth = 10};
 *     for each row in order: curve_add
 *     curve_means or curve_total for groups 0..c.groups.n and columns 0..2
 */
#ifndef STATS_CURVE_H
#define STATS_CURVE_H

#include "base/names.h"

#include <stdbool.h>

/* One row of a log */
struct curve_row {
	int64_t step;
	int64_t iter;    /* as recorded; another value than before begins an iteration; -1: none */
	size_t log;      /* number of its file, of which another one begins an iteration, too */
	bool repeats;    /* a step that comes again is the same step, no new iteration */
	const double *v; /* one number a column; NaN: none, which is no part of any mean */
};

struct curve_at {
	int64_t step;  /* of the run's clock */
	uint64_t iter; /* counted from 1 */
};

struct curve_run {
	size_t group, name; /* numbers among the groups and the names */
	size_t n;           /* rows */
	struct curve_at *at;
	double *v; /* (n, columns), smoothed */

	/* the module's own */
	size_t room, log;
	int64_t last, before, iter; /* step of the last row; steps of earlier iterations */
	double *ring;               /* (columns, smooth): what is averaged */
	uint64_t *used;             /* of each column: numbers of this iteration */
};

struct curves {
	size_t columns;
	size_t smooth;    /* a number becomes the mean of up to that many, itself the last */
	size_t bootstrap; /* resamples of the runs for 95 % intervals; 0: least and greatest run */
	uint64_t seed;    /* of the resampling */

	/* all zero at the start */
	struct names groups, names; /* in order of first appearance */
	struct names pairs;         /* of group and name: one a run */
	struct curve_run *run;      /* pairs.n */
	size_t room;
};

/* A mean over runs; NaN where none has a number */
struct curve_mean {
	int64_t step;
	size_t runs; /* that have a number; one may have two, where steps begin with 0 */
	double value, low, high;
	bool begins; /* an iteration, and is not the first mean */
};

/* Adds a row to the run of that name in that group. row->step and the sum of all a run's steps are
 * in int64_t. The sum of a smoothed number is made in the order of a ring of smooth places. */
void curve_add(struct curves *c, struct span group, struct span name, const struct curve_row *row);
/* Means over the group's runs at each step that has a number, steps ascending. The caller frees. */
struct curve_mean *curve_means(const struct curves *c, size_t group, size_t column, size_t *n);
/* One number a run, mean or sum over its last steps (0: over all), then their mean over the runs;
 * step is the greatest of the group. */
struct curve_mean curve_total(const struct curves *c, size_t group, size_t column, int64_t last,
			      bool sum);
void curve_free(struct curves *c);

#endif
