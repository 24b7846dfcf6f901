/*
 * choose.h - which problems come next, by how the responses to them were.
 *
 * all       each has its turn before one comes again: the deck's order.
 * unsolved  the same, but a problem is passed over whose mean reward was `high` or more at its last
 *           visit; after `again` steps it has its turn once more.
 * band      as unsolved, also where it was `low` or less.
 * thompson  of each problem's chance of a reward it knows a distribution Beta(a, b), from (1, 1).
 *           Of 16 candidates for each problem that is wanted, drawn at random, those come next for
 *           which a number drawn from that is nearest to 1/2. After rewards of sum s (each taken as
 *           within 0 to 1) of n responses a becomes keep a + (1 - keep) + s, and b
 *           keep b + (1 - keep) + n - s. MoPPS: Qu et al., arXiv 2507.04632.
 *
 * All is a function of seed, step, round and of a table, which is part of a run's state.
 */
#ifndef LEARN_CHOOSE_H
#define LEARN_CHOOSE_H

#include "rollout/deck.h"
#include "run/state.h"

#define CHOOSE_WORDS "all|unsolved|band|thompson"
/* In the order of CHOOSE_WORDS */
enum choose_rule {
	CHOOSE_ALL,
	CHOOSE_UNSOLVED,
	CHOOSE_BAND,
	CHOOSE_THOMPSON,
};

struct choose_opts {
	enum choose_rule rule;
	double low, high;
	int64_t again;
	double keep; /* 0 .. 1 */
};

enum choose_column { CHOOSE_MEAN, CHOOSE_A, CHOOSE_B, CHOOSE_VISITS, CHOOSE_LAST, CHOOSE_COLUMNS };

struct choose { /* zero-initialise; free with choose_free */
	const struct choose_opts *o;
	struct deck *deck;
	float *v;                        /* (CHOOSE_COLUMNS, deck->n) */
	struct weight w[CHOOSE_COLUMNS]; /* where which column is */
	struct choose_candidate *candidate;
	uint64_t *order;
	uint64_t passed; /* turns passed over since the beginning */
};

/* o and the deck are borrowed. */
void choose_init(struct choose *c, const struct choose_opts *o, struct deck *d);
/* The n problems of a step's round. */
void choose_draw(struct choose *c, uint64_t step, uint64_t round, size_t n, struct draw *out);
/* A visit: the rewards of n responses, at least one */
void choose_note(struct choose *c, uint64_t step, size_t task, const double *reward, size_t n);
/* Problems that were visited; that unsolved or band would pass over in this step */
size_t choose_seen(const struct choose *c);
size_t choose_out(const struct choose *c, uint64_t step);
/* Names what the next draw depends on beside the deck. */
void choose_state(struct choose *c, struct state *s);
void choose_free(struct choose *c);

#endif
