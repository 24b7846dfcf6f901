/* rltotal.h - sums over the steps of a run, for its closing note and for a run that goes on. */
#ifndef LEARN_RLTOTAL_H
#define LEARN_RLTOTAL_H

#include "learn/rl.h"

struct rl_total { /* zero at the start */
	uint64_t responses, failures, skipped, updates;
	uint64_t short_of_groups, without_update; /* steps */
	double first, last;                       /* mean reward of the first and the last step */
};

/* is_first: of the run, not of the process. groups: that a step wants. */
void rltotal_add(struct rl_total *t, const struct rl_report *r, bool is_first, int64_t groups);
void rltotal_state(struct rl_total *t, struct state *s);

#endif
