/*
 * rl.h - reinforcement learning with verifiable rewards, step by step: explore, then update.
 *
 *     struct rl *r = rl_new(&opts, &policy, &tasks, "tasks.jsonl", &w, &why);
 *     for (i = 0; i < steps; i++)
 *             if (rl_step(r, &report, &why))
 *                     ... why says it; report.learned.stuck: policy still holds the last good
 * weights ...
 */
#ifndef LEARN_RL_H
#define LEARN_RL_H

#include "learn/explore.h"
#include "learn/learner.h"

struct rl_report { /* of one step; means are NaN where there was nothing to average */
	uint64_t step;
	struct explored explored;
	struct learned learned;
	double sample_s, train_s; /* seconds */
	size_t sampled;           /* tokens of all responses */
};

enum { RL_PATIENCE = 5 }; /* steps in a row without a group to train on, before the run ends */
#define RL_MASTERY 0.9    /* least accuracy of those steps that makes it a success */

struct rl; /* opaque */
/* * All is borrowed; policy's weights change. With a KL term a copy of the weights is kept. need,
 * which may be NULL, becomes what memory the run will take; when it is not there: NULL and
 * ST_SYSTEM. */
struct rl *rl_new(const struct rl_opts *o, struct policy *p, const struct task_set *tasks,
		  const char *tasks_name, struct rec_out *w, struct memory *need,
		  struct reason *why);
/* report is filled as far as the step came, also on failure. RL_PATIENCE steps without a group to
 * train on are ST_INPUT, unless the problems are mastered. */
int rl_step(struct rl *r, struct rl_report *report, struct reason *why);
/* Puts the metrics into the present line of the log. */
void rl_log(struct runlog *l, const struct rl *rl, const struct rl_report *r);
/* Names all that the next step depends on. The reference of a KL term is not among it: it is the
 * policy that rl_new is given. */
void rl_state(struct rl *r, struct state *s);
/* After they were loaded. */
int rl_loaded(struct rl *r, struct reason *why);
/* The last RL_PATIENCE steps had nothing to train on since (nearly) all responses were right: the
 * run is over. */
bool rl_mastered(const struct rl *r);
const struct failures *rl_failures(const struct rl *r); /* since the beginning */
void rl_free(struct rl *r);

#endif
