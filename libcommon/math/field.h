/*
 * field.h - the value of an expression modulo primes, with symbols at random places.
 *
 * Rational expressions in symbols, pi, e, i and functions of which nothing is known have values
 * that decide whether two of them are equal. A root, a sine and the like get values that depend on
 * their arguments alone: equal values still mean equal expressions, different ones nothing.
 */
#ifndef MATH_FIELD_H
#define MATH_FIELD_H

#include "math/env.h"

struct field {
	uint64_t v[MODULAR_PRIMES];
	bool exact; /* different values mean different expressions */
	bool bad;   /* no value: division by zero, no expression of numbers, no steps left */
};

struct field field_value(struct env *e, int node);
bool field_same(const struct field *a, const struct field *b);

#endif
