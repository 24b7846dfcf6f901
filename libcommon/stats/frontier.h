/*
 * frontier.h - what of one number can be had with at least so much of another: pass@k of an
 * accuracy.
 *
 * A policy that is evaluated at several temperatures is a point (x, y) at each, say of avg@n and
 * pass@k; between neighbouring temperatures lie the points of the straight line, which whoever
 * answers some problems at the one and the others at the other has. The frontier is
 *
 *     Y(x) = the greatest y of all those points whose own x is at least that
 *
 * so it never rises with x; a curve that turns back, less accurate at a lower temperature still, is
 * left where it turns. It ends with the greatest x: beyond, nothing is known.
 *
 *     points (.31, .64) (.35, .56) (.36, .46)  ->  Y(.30) = .64, Y(.33) = .60, Y(.37) = NaN
 */
#ifndef STATS_FRONTIER_H
#define STATS_FRONTIER_H

#include <stddef.h>

struct frontier_point {
	double x, y; /* no NaN */
};

/* Y(x); v: n points in order of temperature. NaN where no point has so much x. */
double frontier_at(const struct frontier_point *v, size_t n, double x);
/* The mean of Y over from .. to, which is the area under it divided by to - from; exact but for
 * rounding. NaN unless from < to and to is on the frontier. */
double frontier_mean(const struct frontier_point *v, size_t n, double from, double to);

#endif
