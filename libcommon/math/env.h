/* env.h - what the evaluations of an expression share: the values of its symbols, bounds. */
#ifndef MATH_ENV_H
#define MATH_ENV_H

#include "math/node.h"

enum {
	ENV_POINTS = 5,       /* places at which expressions with symbols are evaluated */
	ENV_STEPS = 5000,     /* nodes evaluated for one judgement: its time is bounded */
	ENV_TERMS = 200,      /* of a sum or product that is carried out */
	ENV_FACTORIAL = 2500, /* greatest that is multiplied out */
};

struct bound {
	struct span name; /* of a sum's index */
	bool known;
	int64_t value;
};

struct env {
	const struct arena *a;
	int sign;   /* what \pm is here: 1 or -1 */
	int point;  /* 0..ENV_POINTS-1 */
	bool wide;  /* points far from each other */
	int *steps; /* left */
	struct bound bound[4];
	int n_bound;
};

bool env_step(struct env *e); /* false: no steps left */
uint64_t env_hash(struct span name);
/* The bound variable of that name, innermost first; NULL: it is free. It may be the constant i. */
const struct bound *env_bound(const struct env *e, struct span name);
/* The value as a small quotient in lowest terms, den > 0; false when it is none that is easily
 * seen. */
bool env_ratio(const struct env *e, int node, int64_t *num, int64_t *den);
bool env_whole(const struct env *e, int node, int64_t lo, int64_t hi, int64_t *v);

/* A sum or product. Its index, from its lower bound as in k=1 (n = 0: none); the bounds as numbers
 * where they are such and not far apart. */
struct span env_index(const struct arena *a, int big);
bool env_range(const struct env *e, int big, int64_t *from, int64_t *to);
/* The node that says where it begins, without the index. */
int env_from(const struct arena *a, int big);

#endif
