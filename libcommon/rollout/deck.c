/* deck.c - the order in which RL draws problems. See deck.h. */
#include "rollout/deck.h"
#include "base/mem.h"
#include "base/rng.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

void deck_init(struct deck *d, uint64_t seed, size_t n)
{
	assert(n >= 1);
	*d = (struct deck){.seed = seed, .n = n, .at = n};
	d->order = xarray(n, sizeof *d->order);
}

static void shuffle(struct deck *d, uint64_t epoch)
{
	for (uint64_t i = 0; i < d->n; i++)
		d->order[i] = i;
	rng_shuffle(rng_key(d->seed, RNG_ORDER, epoch, 0, 0), d->order, d->n);
}

struct draw deck_next(struct deck *d)
{
	assert(d->at <= d->n);
	if (d->at == d->n) {
		shuffle(d, d->epoch++);
		d->at = 0;
	}
	return (struct draw){d->order[d->at++], d->drawn++};
}

void deck_seek(struct deck *d, uint64_t drawn)
{
	d->drawn = drawn;
	d->epoch = (drawn + d->n - 1) / d->n;
	d->at = drawn - (d->epoch ? d->epoch - 1 : 0) * d->n;
	if (d->epoch)
		shuffle(d, d->epoch - 1);
	else
		d->at = d->n; /* before the first */
}

int deck_loaded(struct deck *d, struct reason *why)
{
	if (d->at > d->n)
		return fail(why, ST_INPUT, "problem %" PRIu64 " of %" PRIu64, d->at, d->n);
	if (d->epoch)
		shuffle(d, d->epoch - 1);
	return 0;
}

void deck_free(struct deck *d)
{
	free(d->order);
	*d = (struct deck){0};
}
