/* compare.h - are two expressions the same answer? */
#ifndef MATH_COMPARE_H
#define MATH_COMPARE_H

#include "math/value.h"

/* Is got, of a response, what right is? Both in j's arena; j->why: what decided. */
bool compare_trees(struct judgement *j, int right, int got);

#endif
