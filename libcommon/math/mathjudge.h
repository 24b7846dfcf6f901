/* mathjudge.h - the comparison's own: compare.c, and many.c for answers of several values. */
#ifndef MATH_MATHJUDGE_H
#define MATH_MATHJUDGE_H

#include "math/value.h"

static inline bool mj_because(struct mjudge *j, bool yes, const char *why)
{
	j->why = why;
	return yes;
}

/* Is b, of the response, the same as a? Of any kind both. */
bool mj_same(struct mjudge *j, struct mitem a, struct mitem b);
/* The same where each is one value, a list, a set or a tuple, or has two values by its \pm */
bool mj_same_values(struct mjudge *j, struct mitem a, struct mitem b);

#endif
