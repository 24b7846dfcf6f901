/*
 * real.h - the value of an expression as a complex number, with a bound of its error.
 *
 * In long double. Powers of negative numbers with an odd denominator in the exponent are real, all
 * else is the principal value. Functions of which nothing is known get smooth ones made of their
 * names.
 */
#ifndef MATH_REAL_H
#define MATH_REAL_H

#include "math/env.h"

struct real {
	long double re, im;
	long double err; /* of both together; 0 imaginary parts below it are 0 */
	bool bad;        /* undefined, too large, or no expression of numbers */
};

struct real real_value(struct env *e, int node);

#endif
