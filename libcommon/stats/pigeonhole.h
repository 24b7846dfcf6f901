/*
 * pigeonhole.h - bootstrap of means over a grid whose rows and columns are both drawn from more:
 * seeds (rows) and problems (columns), where every seed meets the same problems.
 *
 * A replicate draws rows with replacement and, independently, columns; a cell counts as often as
 * its row and its column were drawn together (Owen, "The pigeonhole bootstrap", 2007). So problems
 * that are hard under every seed, and seeds that are good at every problem, widen the interval,
 * which a bootstrap of cells would miss. With one row it is the bootstrap of passk.h, draw by draw.
 *
 *     pigeonhole_draw(&c, rows, cols, 1000, seed);
 *     pigeonhole_means(&c, v, mean);                    // and w, for a paired difference
 *     pigeonhole_interval(mean, 1000, &low, &high);
 */
#ifndef STATS_PIGEONHOLE_H
#define STATS_PIGEONHOLE_H

#include <stddef.h>
#include <stdint.h>

struct pigeonhole {
	size_t rows, cols, replicates;
	double *row; /* (replicates, rows): how often each was drawn; owned */
	double *col; /* (replicates, cols) */
};

/* Draws anew unless the last draws had the same rows, cols and replicates; the seed is taken to be
 * the same always. Zero-initialise c; free with pigeonhole_free. */
void pigeonhole_draw(struct pigeonhole *c, size_t rows, size_t cols, size_t replicates,
		     uint64_t seed);
/* Mean of each replicate over the cells of v (rows, cols) that are not NaN; NaN when it drew none.
 */
void pigeonhole_means(const struct pigeonhole *c, const double *v, double *mean);
void pigeonhole_free(struct pigeonhole *c);

double pigeonhole_mean(const double *v, size_t n); /* of those that are not NaN; NaN when none is */
/* The 2.5 % and 97.5 % quantiles of those means that are not NaN, interpolated linearly between
 * order statistics; NaN when none is. Sorts mean. */
void pigeonhole_interval(double *mean, size_t n, double *low, double *high);

#endif
