/* env.h - what the evaluations of an expression share: the values of its symbols, bounds. */
#ifndef MATH_ENV_H
#define MATH_ENV_H

#include "math/node.h"

enum {
	ME_POINTS = 5,       /* places at which expressions with symbols are evaluated */
	ME_STEPS = 5000,     /* nodes evaluated for one judgement: its time is bounded */
	ME_TERMS = 200,      /* of a sum or product that is carried out */
	ME_FACTORIAL = 2500, /* greatest that is multiplied out */
};

struct mbound {
	struct span name; /* of a sum's index */
	bool known;
	int64_t value;
};

struct menv {
	const struct marena *a;
	int sign;   /* what \pm is here: 1 or -1 */
	int point;  /* 0..ME_POINTS-1 */
	int *steps; /* left */
	struct mbound bound[4];
	int n_bound;
};

bool me_step(struct menv *e); /* false: no steps left */
uint64_t me_hash(struct span name);
/* The bound variable of that name, innermost first; NULL: it is free. It may be the constant i. */
const struct mbound *me_bound(const struct menv *e, struct span name);
/* The value as a small quotient in lowest terms, den > 0; false when it is none that is easily
 * seen. */
bool me_ratio(const struct menv *e, int node, int64_t *num, int64_t *den);
bool me_whole(const struct menv *e, int node, int64_t lo, int64_t hi, int64_t *v);

/* A sum or product. Its index, from its lower bound as in k=1 (n = 0: none); the bounds as numbers
 * where they are such and not far apart. */
struct span me_index(const struct marena *a, int big);
bool me_range(const struct menv *e, int big, int64_t *from, int64_t *to);
/* The node that says where it begins, without the index. */
int me_from(const struct marena *a, int big);

#endif
