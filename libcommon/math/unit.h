/* unit.h - the units of values. */
#ifndef MATH_UNIT_H
#define MATH_UNIT_H

#include "math/value.h"

/* Have the nodes the same unit, or one of them none that is known? */
bool mu_agree(const struct mjudge *j, int a, int b);
/* The value without its unit */
struct mitem mu_bare(const struct mjudge *j, struct mitem x);

#endif
