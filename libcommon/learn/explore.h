/*
 * explore.h - the sampling half of an RL step: problems are drawn, groups of responses sampled and
 * judged, groups without an advantage replaced (DAPO's dynamic sampling), advantages computed, and
 * every response written as a record.
 */
#ifndef LEARN_EXPLORE_H
#define LEARN_EXPLORE_H

#include "learn/rl_opts.h"
#include "run/state.h"

struct explored { /* one step's result; pointers belong to the explorer, until its next step */
	const struct rollouts *effective; /* responses of the effective groups */
	const size_t *used;               /* (n_used) indices into effective->v, group by group */
	const double *advantage;          /* (n_used) */
	size_t n_used;
	const size_t *start; /* (kept + 1) group g's are used[start[g]..start[g + 1]) */

	size_t tried, kept; /* groups sampled, groups among used */
	size_t rounds;
	size_t responses, tokens; /* all that were sampled, written and measured */
	size_t failures;          /* responses that could not be judged */
	double reward, accuracy;  /* means over judged responses; accuracy: reward >= 0.5 */
	double entropy;           /* mean over tokens, nats */
	double length, truncated; /* mean tokens; share that did not stop by itself */
	size_t longest;
	size_t seen, out; /* problems: visited at all; to be passed over, see choose.h */
	size_t passed;    /* turns passed over in the step */
};

struct explorer; /* opaque */
/* All arguments are borrowed. w receives the records. */
struct explorer *explore_new(const struct rl_opts *o, const struct policy *p,
			     const struct task_set *tasks, const char *tasks_name,
			     struct rec_out *w, struct reason *why);
/* Samples for step (from 1). A step without any group to train on succeeds with n_used 0. */
int explore_step(struct explorer *e, uint64_t step, struct explored *out, struct reason *why);
/* Names all that the next step depends on; after they were loaded: 0, or ST_INPUT when they do not
 * fit the problems. */
void explore_state(struct explorer *e, struct state *s);
int explore_loaded(struct explorer *e, struct reason *why);
/* Bytes that the largest round's sampling needs, with the responses in memory */
size_t explore_bytes(const struct explorer *e);
const struct roller *explore_roller(const struct explorer *e);
const struct failures *explore_failures(const struct explorer *e); /* since the beginning */
void explore_free(struct explorer *e);

#endif
