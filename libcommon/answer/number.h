/*
 * number.h - numbers in a text, compared exactly.
 *
 * A number: a sign, digits with or without thousands separators, a fraction after a point; or a
 * quotient a/b of two of them. Compared as decimal text where neither is a quotient, so that digits
 * without end are no rounding; as ratios of 64-bit integers otherwise.
 */
#ifndef ANSWER_NUMBER_H
#define ANSWER_NUMBER_H

#include "base/buf.h"

#include <stdbool.h>

struct decimal { /* digits without leading zeros, and without trailing ones in the fraction */
	bool minus;
	char digit[200];
	size_t n, n_fraction; /* of n */
};

struct number {
	struct decimal num, den;
	bool quotient;
	struct span text; /* where it stands */
};

/* The length of the sign (+, -, or a minus beyond ASCII) of the number at p, in a text that begins
 * at first; 0: it has none, the minus of 5-3 is not its own. */
size_t number_sign(const char *first, const char *p);
/* The first or the last number in s; false when there is none, or when what stands there is too
 * long to be one. */
bool number_first(struct span s, struct number *out);
bool number_last(struct span s, struct number *out);
bool number_same(const struct number *a, const struct number *b);

#endif
