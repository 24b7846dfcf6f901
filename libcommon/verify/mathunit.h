/* mathunit.h - the units of values. */
#ifndef VERIFY_MATHUNIT_H
#define VERIFY_MATHUNIT_H

#include "verify/mathvalue.h"

/* Have the nodes the same unit, or one of them none that is known? */
bool mu_agree(const struct mjudge *j, int a, int b);
/* The value without its unit */
struct mitem mu_bare(const struct mjudge *j, struct mitem x);

#endif
