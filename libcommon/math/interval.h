/*
 * interval.h - sets of real numbers: intervals, unions, points left out, and inequalities read as
 * such.
 */
#ifndef MATH_INTERVAL_H
#define MATH_INTERVAL_H

#include "math/value.h"

enum { MATH_PIECES = 24 };

struct piece {
	struct value lo, hi;  /* node 0: without bound */
	long double from, to; /* their values */
	bool lo_open, hi_open;
};

struct pieces {
	int n;
	struct piece v[MATH_PIECES];
};

/* Is the node a set of this kind by its form alone? A pair (a, b) is not: it may be a point. */
bool interval_is_set(const struct judgement *j, int node);
/* The set that x is, as pieces in order that do not touch; a pair is an open interval. False when
 * it is none, or has no real bounds. */
bool interval_pieces(struct judgement *j, struct value x, struct pieces *p);
bool interval_same(struct judgement *j, const struct pieces *a, const struct pieces *b);

#endif
