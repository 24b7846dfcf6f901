/* unit.h - the units of values. */
#ifndef MATH_UNIT_H
#define MATH_UNIT_H

#include "math/value.h"

/* Have the nodes the same unit, or one of them none that is known? */
bool unit_agree(const struct judgement *j, int a, int b);
/* The value without its unit */
struct value unit_bare(const struct judgement *j, struct value x);

#endif
