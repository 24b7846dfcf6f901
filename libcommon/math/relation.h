/* relation.h - equations and inequalities. */
#ifndef MATH_RELATION_H
#define MATH_RELATION_H

#include "math/value.h"

/*
 * The value that a relation states: of x = 5, f(x) = 1 + 1 = 2, 1 + 1 = 2, x \in S. Its node, 0
 * when it states none; *lhs: what has the value, 0 where that is nothing with a name. What may
 * have one is narrow in a right answer (a symbol, a segment AB, an angle, a ratio of them), any
 * symbols without numbers in a response.
 */
int mr_value(const struct mjudge *j, int rel, bool response, int *lhs);
/* The right side of a last "about equal" whose left side is about that; 0: there is none. */
int mr_rounded(struct mjudge *j, int rel);
bool mr_is_relation(const struct mjudge *j, int node);
/* Are two relations, or lists of inequalities that hold at once, the same? b may not be a step
 * before a: where a is solved, so must b be. */
bool mr_same(struct mjudge *j, struct mitem a, struct mitem b);

#endif
