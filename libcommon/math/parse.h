/*
 * parse.h - a mathematical answer, in LaTeX or as plain text, as a tree.
 *
 * Time is linear in the text, depth and size are limited: what is beyond them, or is no
 * expression, is 0. Conventions: 2x and 2\pi are products, f(x) g(x) h(x) are functions, 1\frac23
 * and 1 2/3 are mixed numbers, \sin 2x takes the product, 1/2x is (1/2)x, words behind a value are
 * its unit.
 */
#ifndef MATH_PARSE_H
#define MATH_PARSE_H

#include "math/lex.h"
#include "math/node.h"

/* The tree points into text. */
int parse_answer(struct arena *a, struct span text, enum comma comma);
/* The same where no letter can be meant: of "12 m" the m is a unit. */
int parse_measure(struct arena *a, struct span text, enum comma comma);

#endif
