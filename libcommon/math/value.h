/*
 * value.h - are two expressions the same number, or the same function of their symbols?
 *
 * First modulo primes, which decides for rational expressions, then as complex numbers at several
 * places, where "the same" means within the bound of the rounding errors and that bound tiny.
 */
#ifndef MATH_VALUE_H
#define MATH_VALUE_H

#include "math/node.h"

#include <assert.h>

struct value {
	int node;
	int sign; /* what \pm is in it: 1, -1; 0: not yet said, it is both */
};

/* One judgement */
struct judgement {
	struct arena *a;
	bool wide;       /* functions are compared at points far from each other */
	int steps;       /* of evaluation that are left */
	int depth;       /* of comparisons in each other */
	int places;      /* decimal places that count; -1: see value_same */
	const char *why; /* of the last decision; constant text */
};

static inline bool value_because(struct judgement *j, bool yes, const char *why)
{
	j->why = why;
	return yes;
}

static inline struct node *value_node(const struct judgement *j, int x)
{
	assert(x >= 0 && x < j->a->n);
	return &j->a->v[x];
}

/*
 * A number with decimals against one without that no finite decimal equals (1/3, pi) need only
 * agree to six significant digits, half a unit of the sixth; with places >= 0 numbers with decimals
 * need agree in so many places only.
 */
bool value_same(struct judgement *j, struct value a, struct value b);
/* Is a some constant times b, and not 0? positive: the constant is. */
bool value_proportional(struct judgement *j, struct value a, struct value b, bool positive);
/* The value at the first place where it is a real number; false: it is none. Infinity is one. */
bool value_real(struct judgement *j, struct value x, long double *v);

#endif
