/* schedule.c - the learning rate's course. See schedule.h. */
#include "learn/schedule.h"

#include <math.h>

double schedule(enum decay d, uint64_t i, uint64_t warmup, uint64_t total)
{
	double done;

	if (i < warmup)
		return (double)(i + 1) / (double)warmup;
	if (d == DECAY_CONSTANT || total <= warmup)
		return 1;
	done = i >= total ? 1 : (double)(i - warmup) / (double)(total - warmup);
	return d == DECAY_COSINE ? 0.5 * (1 + cos(3.141592653589793 * done)) : 1 - done;
}
