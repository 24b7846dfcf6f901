/*
 * deck.h - the order in which RL draws problems: without replacement within an epoch, each epoch in
 * an order of its own that the seed gives.
 */
#ifndef ROLLOUT_DECK_H
#define ROLLOUT_DECK_H

#include "rollout/rollout.h"

struct deck {
	uint64_t *order;    /* (n) this epoch's */
	uint64_t seed, n;   /* problems */
	uint64_t at, epoch; /* next of order; epochs begun */
	uint64_t drawn;     /* in all */
};

void deck_init(struct deck *d, uint64_t seed, size_t n);
struct draw deck_next(struct deck *d);
/* As if so many had been drawn. */
void deck_seek(struct deck *d, uint64_t drawn);
/* After at, epoch and drawn were set to what they were in an earlier run: 0, or ST_INPUT when they
 * do not fit the problems. */
int deck_loaded(struct deck *d, struct reason *why);
void deck_free(struct deck *d);

#endif
