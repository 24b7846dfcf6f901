/*
 * runstat.h - what happened in each step of a run, with memory of the tasks and of the step before.
 *
 *     for each step in order: runstat_add for its trajectories, then runstat_close
 */
#ifndef STATS_RUNSTAT_H
#define STATS_RUNSTAT_H

#include "base/names.h"
#include "stats/ngram.h"
#include "stream/traj.h"

/* One step. Means are NaN where there is nothing to average. */
struct runstat_row {
	uint64_t trajectories;
	uint64_t graded;                          /* with a reward: see trajscan_graded */
	uint64_t failed;                          /* with a verdict other than "ok" */
	uint64_t tasks;                           /* with any trajectory */
	uint64_t attempted;                       /* tasks with a graded one */
	uint64_t solved;                          /* tasks with a correct one */
	uint64_t ever;                            /* tasks solved in this step or any before */
	double reward, accuracy, entropy, tokens; /* means over the trajectories that have it */
	double cut;        /* share of finish "length" among those with a finish */
	double distinct;   /* distinct correct solutions per task attempted */
	double forgetting; /* of the tasks attempted that an earlier step of the window had solved:
			      share not solved now */
	double similarity; /* to the step before: see ngram.h */
};

struct mean {
	double sum;
	uint64_t n;
};

struct runstat_task {
	uint64_t seen, graded; /* step number of the last of that kind; steps count from 1 */
	uint64_t prompt;       /* see traj_one_prompt */
	uint64_t solved;       /* the last one before or in this step; 0: never */
	bool earlier;          /* solved in the window before this step */
};

struct runstat {
	double threshold; /* a reward of at least that is correct */
	uint64_t window;  /* steps back that count for forgetting; 0: all */
	size_t ngram;     /* length of the n-grams; 0: no similarity */
	bool by_token;    /* n-grams of token ids, not of characters */

	/* the module's own; all zero at the start */
	struct names tasks;
	struct runstat_task *task;
	size_t n_task;
	struct tally solutions; /* distinct correct ones of this step */
	struct ngrams now, before;
	uint64_t step, ever, earlier, lost;
	struct runstat_row row;
	struct mean reward, correct, entropy, tokens, cut;
};

/* t as trajscan gives it; map: the record, for token n-grams. ST_INPUT without a place in *why when
 * the task had another prompt before, or by_token asks for tokens that are not there or not whole
 * numbers below 2^32. */
int runstat_add(struct runstat *s, const struct traj *t, struct mp map, struct reason *why);
/* Ends the step: *row is its row; the next runstat_add begins the step after it. */
void runstat_close(struct runstat *s, struct runstat_row *row);
void runstat_free(struct runstat *s);

#endif
