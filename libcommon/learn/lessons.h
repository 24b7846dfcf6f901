/*
 * lessons.h - trajectories of a stream as what steps of RL learn from.
 *
 * A step is a run of records with one `step`, or without. In it a group is what was sampled for one
 * task; a sample number that does not grow begins another group. Left out, and counted, are
 * records that dynamic sampling had rejected (used is 0), that could not be judged, and groups of
 * equal rewards, which have no advantage.
 */
#ifndef LEARN_LESSONS_H
#define LEARN_LESSONS_H

#include "base/names.h"
#include "learn/learner.h"
#include "rollout/trajids.h"
#include "stream/traj.h"

struct lessons_opts {
	const struct rl_opts *rl;   /* advantage, rewards, keep_equal, overlong, mask_truncated */
	bool given;                 /* advantages are the records' own */
	const char *old, *teacher;  /* keys of log-probabilities; teacher NULL: none are read */
	const char (*policies)[17]; /* hashes: records of others are left out; */
	size_t n_policies;          /* 0: none are */
};

struct lessons { /* zero-initialise, then set policy and o; free with lessons_free */
	const struct policy *policy;
	const struct lessons_opts *o;
	uint64_t rejected, unjudged, others, equal; /* records left out */
	uint64_t records;                           /* learned from */
	size_t n_steps;

	/* inside */
	struct lessons_step *step;
	size_t cap_steps;
	struct lessons_row *row;
	size_t n, cap;
	double *part; /* (n, rewards.n), in the order in which rows came */
	size_t cap_part;
	struct ids ids;       /* prompts and responses */
	float *old, *teacher; /* one for each of ids */
	struct buf kept;      /* of the responses that were drawn from a part of the vocabulary */
	size_t cap_old;
	struct names tasks;
	struct lessons_task *task;
	size_t cap_tasks;
	struct trajids scratch;
	struct seq *seq; /* of the step that was asked for, and below */
	const float **olds, **teachers;
	double *advantage;
	bool *truncated;
	size_t *start;
};

/* ST_INPUT: tokens of another tokenizer, log-probabilities that are missing or not one a token, two
 * temperatures in a step, two prompts of a task. */
int lessons_add(struct lessons *l, const struct traj *t, const struct rec *r, const char *name,
		struct reason *why);
/* Once all are there: groups, advantages. ST_INPUT when nothing is left to learn from. */
int lessons_seal(struct lessons *l, struct reason *why);
/* Step i, valid until the next call; returns its number, -1: the records have none. */
int64_t lessons_get(struct lessons *l, size_t i, struct lesson *out);
/* Mean reward of step i's responses; NaN: none has one */
double lessons_reward(const struct lessons *l, size_t i);
/* Most groups of a step, responses of a group, tokens of a response with its prompt */
void lessons_sizes(const struct lessons *l, size_t *groups, size_t *each, size_t *longest);
uint64_t lessons_hash(const struct lessons *l); /* of all that is learned from */
void lessons_free(struct lessons *l);

#endif
