/* relation.h - equations and inequalities. */
#ifndef MATH_RELATION_H
#define MATH_RELATION_H

#include "math/value.h"

/*
 * The value that a relation states: of x = 5, f(x) = 1 + 1 = 2, 1 + 1 = 2, x \in S. Its node, 0
 * when it states none; *lhs: what has the value, 0 where that is nothing with a name. What may
 * have one is narrow in a right answer (a symbol, a segment AB, an angle, a ratio of them), any
 * symbols without numbers, sin A, a limit, several unknowns in a response. Of an identity it is
 * either side.
 */
int relation_value(struct judgement *j, int rel, bool response, int *lhs);
/* The right side of a last "about equal" whose left side is about that; 0: there is none. */
int relation_rounded(struct judgement *j, int rel);
bool relation_is(const struct judgement *j, int node);
/* Are both residues, 2 mod 5 and 7 mod 5, and the same? */
bool relation_residues(const struct judgement *j, int a, int b);
/* Are two relations, or lists of inequalities that hold at once, the same? b may not be a step
 * before a: where a is solved, so must b be. */
bool relation_same(struct judgement *j, struct value a, struct value b);

#endif
