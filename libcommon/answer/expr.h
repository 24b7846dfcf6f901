/*
 * expr.h - exact value of an infix expression over whole numbers: + - * / and parentheses.
 *
 * Nothing recurses, so neither length nor depth of a response can hurt; what needs more than the
 * limits below is refused, as is what is no expression: a sign before a number, a leading zero, a
 * decimal point, a division by zero, a value that does not fit 64 bits on the way.
 */
#ifndef ANSWER_EXPR_H
#define ANSWER_EXPR_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	EXPR_NUMBERS = 64, /* in one expression */
	EXPR_PENDING = 256 /* operators and parentheses open at one time */
};

struct ratio {
	int64_t num, den; /* lowest terms, den > 0 */
};

struct expr {
	struct ratio value;
	int64_t used[EXPR_NUMBERS]; /* the numbers in the order written */
	size_t n_used;
	bool only_sum;    /* no operator but +, and no parenthesis */
	struct span text; /* the expression, trimmed, without "= value" */
};

/*
 * True when the whole of s is an expression, with any white space, optionally followed by "=" and
 * a whole number that must then be its value. Besides the ASCII operators × · ÷ − and \times \cdot
 * \div are read; \left and \right count for nothing.
 */
bool expr_eval(struct span s, struct expr *e);
bool expr_is(const struct expr *e, int64_t v);
/* Do the expression's numbers come from v[0..n), each at most as often as it is there (all: exactly
 * as often)? n <= EXPR_NUMBERS, else false. */
bool expr_uses(const struct expr *e, const int64_t *v, size_t n, bool all);

#endif
