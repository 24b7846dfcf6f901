/*
 * tradeoff.h - policies over temperatures: which is best, and who is ahead at equal accuracy.
 *
 * A lower temperature makes a policy more accurate and its answers more alike, so one temperature
 * compares two policies at unlike points of two curves. Each variant of an evalset by temperature
 * is a curve of points (avg@n, pass@k), means over seeds and problems; frontier.h says what is
 * between them. All numbers are recomputed in each resample, in which both curves see the same
 * seeds and problems.
 */
#ifndef STATS_TRADEOFF_H
#define STATS_TRADEOFF_H

#include "stats/contrast.h"

/* The variant's temperature whose mean of that metric is greatest on that set, the higher one of
 * equal ones, among those that the most seeds have; -1: there is none. */
int64_t tradeoff_best(const struct contrast *c, size_t set, size_t variant, size_t metric);

/* Where two curves are compared */
enum tradeoff_at {
	TRADEOFF_FROM,       /* avg@n: where their common range begins: the greater least value */
	TRADEOFF_TO,         /* where it ends: the lesser of the greatest values */
	TRADEOFF_AREA,       /* area under the curve from there to there; n/a: no such range */
	TRADEOFF_MEAN,       /* the same divided by the width: mean pass@k at equal avg@n */
	TRADEOFF_EQUAL_AVG,  /* avg@n: the greatest that both reach */
	TRADEOFF_PASS,       /* pass@k of those that are at least so accurate */
	TRADEOFF_EQUAL_PASS, /* pass@k: the greatest that both reach */
	TRADEOFF_AVG,        /* avg@n of those with at least that */
	TRADEOFFS
};

struct tradeoff {
	struct result value[TRADEOFFS]; /* the variant's, or of both */
	struct result
		diff[TRADEOFFS]; /* it minus the reference's; NaN where one number is of both */
	size_t k;                /* pass@ks[k]; n_ks: no k of 2 or more that all have */
	size_t seeds;            /* that all evaluations of both have */
};

/* variant and reference on a set. An interval is NaN where more than a twentieth of the resamples
 * have no such number. */
struct tradeoff tradeoff_compare(struct contrast *c, size_t set, size_t variant, size_t reference);

#endif
