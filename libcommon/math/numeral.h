/* numeral.h - numerals: their extent in a text, and their values. */
#ifndef MATH_NUMERAL_H
#define MATH_NUMERAL_H

#include "math/node.h"

enum numeral_comma { NUMERAL_GROUPS, NUMERAL_NO_COMMA, NUMERAL_DECIMALS };

/*
 * Reads the numeral at p: digits, grouped by threes with a comma
 * (NUMERAL_GROUPS), with \, \! {,} or a space; a fraction after a point, of which an \overline{}
 * repeats; an exponent as in 1.5e3. Its length; 0 when it is none.
 */
size_t numeral_read(const char *p, const char *end, enum numeral_comma comma, struct numeral *x);

#endif
