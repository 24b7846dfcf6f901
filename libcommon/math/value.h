/*
 * value.h - are two expressions the same number, or the same function of their symbols?
 *
 * First modulo primes, which decides for rational expressions, then as complex numbers at several
 * places, where "the same" means within the bound of the rounding errors and that bound tiny.
 */
#ifndef MATH_VALUE_H
#define MATH_VALUE_H

#include "math/node.h"

struct mitem {
	int node;
	int sign; /* what \pm is in it: 1, -1; 0: not yet said, it is both */
};

/* One judgement */
struct mjudge {
	struct marena *a;
	int steps;       /* of evaluation that are left */
	int depth;       /* of comparisons in each other */
	int places;      /* decimal places that count; -1: see mv_same */
	const char *why; /* of the last decision; constant text */
};

/*
 * A number with decimals against one without that no finite decimal equals (1/3, pi) need only
 * agree to six significant digits, half a unit of the sixth; with places >= 0 numbers with decimals
 * need agree in so many places only.
 */
bool mv_same(struct mjudge *j, struct mitem a, struct mitem b);
/* Is a some constant times b, and not 0? positive: the constant is. */
bool mv_proportional(struct mjudge *j, struct mitem a, struct mitem b, bool positive);
/* The value at the first place where it is a real number; false: it is none. Infinity is one. */
bool mv_real(struct mjudge *j, struct mitem x, long double *v);

#endif
