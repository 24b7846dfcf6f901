/*
 * contrast.h - evaluations side by side: means over seeds and problems, differences and intervals.
 *
 * A block is the evaluations of one variant at one point (of training, or of temperature), one a
 * seed. Blocks that are compared are compared over the seeds and problems that all of them have,
 * and their intervals are of the same resamples: see pigeonhole.h.
 *
 *     struct contrast c = {.all = &evalset, .ks = ks, .n_ks = n, .bootstrap = 1000};
 *     struct block b = contrast_block(&evalset, 0);
 *     struct result avg = contrast_mean(&c, b, CONTRAST_AVG);
 */
#ifndef STATS_CONTRAST_H
#define STATS_CONTRAST_H

#include "stats/evalset.h"
#include "stats/pigeonhole.h"

/* Of a problem in one evaluation; CONTRAST_PASS + i: pass@ks[i]. Where it is not defined it is no
 * part of any mean; pass@k is that of a whole block, unless each problem has k graded samples. */
enum { CONTRAST_AVG, CONTRAST_ENTROPY, CONTRAST_DISTINCT, CONTRAST_FORGETTING, CONTRAST_PASS };

struct contrast {
	const struct evalset *all; /* sorted */
	const uint64_t *ks;
	size_t n_ks;
	size_t bootstrap; /* resamples; 0: no intervals */
	uint64_t seed;    /* of the resampling */

	struct pigeonhole draws; /* all zero at the start; pigeonhole_free */
};

struct block { /* all->v[from .. from + n) */
	size_t from, n;
};

struct result {
	double value, low, high; /* NaN: there is none */
};

/* The block that begins there */
struct block contrast_block(const struct evalset *all, size_t from);
/* The block at that place; n 0: there is none. */
struct block contrast_find(const struct evalset *all, size_t set, size_t variant, int64_t step);
size_t contrast_problems(const struct contrast *c, struct block b); /* of its set */
double contrast_value(const struct contrast *c, const struct eval *e, size_t problem,
		      size_t metric);
/* Each problem of the block that was judged has such a value. */
bool contrast_exists(const struct contrast *c, struct block b, size_t metric);
/* Values (n, rows, cols) of n blocks of one set, a row for each seed that all of them have, a
 * column for each problem: NaN in all of them where one has not measured it. v has room for b[0].n
 * rows. The number of rows */
size_t contrast_gather(const struct contrast *c, const struct block *b, size_t n, size_t metric,
		       double *v);
/* value with the interval of the means of c->bootstrap resamples, which get sorted */
struct result contrast_interval(const struct contrast *c, double value, double *mean);
/* The mean over all seeds and problems of b */
struct result contrast_mean(struct contrast *c, struct block b, size_t metric);
/* b's mean minus ref's, over what both have */
struct result contrast_difference(struct contrast *c, struct block b, struct block ref,
				  size_t metric);

#endif
