/* schedule.c - the learning rate's course. See schedule.h. */
#include "learn/schedule.h"
#include "base/elem.h"

#include <assert.h>
#include <math.h>

/* (i + 1) / warmup; then with x = (i - warmup) / (total - warmup): 1 - x, (1 + cos(pi x)) / 2, or 1
 */
double schedule(enum decay d, uint64_t i, uint64_t warmup, uint64_t total)
{
	double done;

	assert(d <= DECAY_CONSTANT);
	if (i < warmup)
		return (double)(i + 1) / (double)warmup;
	if (d == DECAY_CONSTANT || total <= warmup)
		return 1;
	done = i >= total ? 1 : (double)(i - warmup) / (double)(total - warmup);
	return d == DECAY_COSINE ? 0.5 * (1 + elem_cos(3.141592653589793 * done)) : 1 - done;
}
