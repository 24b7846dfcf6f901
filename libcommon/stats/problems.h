/*
 * problems.h - the problems of an evaluation, read from a stream: how many samples of each, how
 * many are right, and which answers and rewards came how often.
 *
 * Memory is of the number of problems, and where they are asked for of their different answers or
 * rewards, never of the samples.
 */
#ifndef STATS_PROBLEMS_H
#define STATS_PROBLEMS_H

#include "base/err.h"
#include "base/names.h"
#include "stats/measure.h"

#include <stdbool.h>

struct problem {                      /* within one group; of its graded samples */
	size_t group, id;             /* id: its number among all of the input */
	uint64_t n, c;                /* samples; of them correct */
	uint64_t prompt;              /* see traj_one_prompt */
	double reward;                /* their sum */
	uint64_t tokens, with_tokens; /* their sum, and how many samples tell theirs */
	uint64_t cut, with_finish;    /* cut off; samples that tell how they ended */
	uint64_t silent_right;        /* correct, without an answer that was extracted */
	size_t answer, n_answer;      /* place in problems.answer, after problems_sort */
	size_t reward_at, n_reward;   /* the same in problems.reward */
};

struct part { /* of a problem's samples: those with one answer, or with one reward */
	size_t problem;
	uint64_t n, c;
	double reward;
};

struct parts {
	struct names names;
	struct part *v;
	size_t room;
};

struct problems_opts {
	const char *by;   /* a key: groups by its value; NULL: one group, "all" */
	double threshold; /* least reward that is correct */
	bool answers, rewards;
	unsigned flags; /* of rec_open */
};

struct problems {
	struct problems_opts o;
	struct names groups, keys; /* keys: number of the group, task */
	struct problem *v;         /* one per key; after problems_sort n of them, by group */
	size_t n, room;
	struct parts answer, reward;
	uint64_t ungraded, failed; /* failed: of the ungraded, those with a verdict */
	uint64_t relabelled;       /* left out: they were sampled for other problems */
	bool by_seen;              /* a trajectory has the key of o.by */
	struct buf scratch;
};

/* Adds what the file has; *name is then how messages call it. o is set before. */
int problems_read(struct problems *e, const char *path, const char **name, struct reason *why);
/* By group, and in it by first appearance; those without a graded sample go. Of a problem, wrong
 * answers come first, the most frequent before others; rewards ascend. */
void problems_sort(struct problems *e);
/* NaN where the problem has fewer than k samples; so is maj where no sample has an answer. */
double problems_value(const struct problems *e, const struct problem *p, const struct metric *m);
/* The problem's task */
struct span problems_task(const struct problems *e, const struct problem *p);
/* Some sample has an answer that was extracted. */
bool problems_answered(const struct problems *e);
void problems_free(struct problems *e);

#endif
