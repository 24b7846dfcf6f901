/*
 * goal.h - problems whose givens are numbers and whose goal is a value: countdown, subset.
 */
#ifndef KINDS_GOAL_H
#define KINDS_GOAL_H

#include "answer/expr.h"
#include "kinds/gen.h"

enum { GOAL_MOST = 1000000 }; /* greatest number and target that a key has; the least is 1 */

struct goal {
	int64_t v[GEN_NUMBERS]; /* ascending */
	size_t n;
	int64_t target;
};

/* Key, answer and meta ({"numbers": v, "target": t}) of p. */
void goal_put(struct problem *p, const struct goal *g);
/* Of a key, "3,4,7,9=24": any bytes. False unless goal_put would write them. */
bool goal_read(struct goal *g, struct span key);
/* Of an item: false where meta.numbers and answer are no such problem. */
bool goal_key(const struct verify_item *it, struct buf *key);
/* The item's numbers, and as target the value of the expression that its response is. all: every
 * number is used; else some are. False: it is no expression of them with such a value. */
bool goal_solved(const struct verify_item *it, bool all, struct goal *g, struct expr *e);
void goal_put_key(struct buf *key, const struct goal *g);

#endif
