/* unit.h - the units of values, and other words behind them. */
#ifndef MATH_UNIT_H
#define MATH_UNIT_H

#include "math/value.h"

/*
 * Do the words behind two values allow that they are the same? A unit or a noun may be there or
 * not, with or without its adjectives; two that differ are not the same, unless they are names of
 * one unit. A predicate (n is odd, A wins) must be the same on both sides.
 */
bool unit_agree(const struct judgement *j, int a, int b);
/* The value without its unit */
struct value unit_bare(const struct judgement *j, struct value x);

#endif
