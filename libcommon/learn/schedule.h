/* schedule.h - the learning rate's course over a run, as a factor of its peak. */
#ifndef LEARN_SCHEDULE_H
#define LEARN_SCHEDULE_H

#include <stdint.h>

#define DECAY_WORDS "linear|cosine|constant"
enum decay { DECAY_LINEAR, DECAY_COSINE, DECAY_CONSTANT }; /* in the order of DECAY_WORDS */

/*
 * Update i (from 0) of total: (i + 1) / warmup while i < warmup, then 1 falling to 0, which would
 * be reached at i = total. 1 from there on when total <= warmup or with DECAY_CONSTANT.
 */
double schedule(enum decay d, uint64_t i, uint64_t warmup, uint64_t total);

#endif
