/*
 * evalset.h - evaluations of several policies on the same problems: who solved what, and how often.
 *
 * An evaluation is one stream; its place is a held-out set, a variant (way of training), a seed and
 * a point of the RL clock; or, in a set by temperature, the temperature that it was sampled with.
 */
#ifndef STATS_EVALSET_H
#define STATS_EVALSET_H

#include "base/names.h"
#include "base/err.h"

#include <stdbool.h>

/* One problem in one evaluation */
struct evalcell {
	uint64_t n, c;     /* samples graded, of them correct */
	uint64_t distinct; /* different correct solutions */
	double entropy;    /* sum over the samples that have it */
	uint64_t n_entropy;
	uint64_t prompt; /* see traj_one_prompt; 0: only empty ones, or no trajectory */
	bool there;      /* it has a trajectory, graded or not */
};

enum { EVALSET_DEGREES = 1000000 }; /* of a temperature of 1 */

struct eval {
	size_t set, variant, seed; /* numbers of their names, in order of first appearance */
	int64_t step;              /* or the temperature, in degrees */
	struct evalcell *cell;     /* by number of the problem in its set; owned */
	size_t n_cell;             /* there; later problems are not in this evaluation */
	uint64_t ungraded,
		failed;      /* trajectories without a reward; failed: of them with a verdict */
	uint64_t relabelled; /* left out: they were sampled for other problems */
};

struct evalset {
	bool by_temperature; /* for messages */
	struct names sets, variants, seeds;
	struct names *problems; /* one for each set; owned */
	size_t n_problems;
	struct eval *v; /* in the order of evalset_sort */
	size_t n, room;
};

/* A new evaluation at that place, empty, behind the last. */
struct eval *evalset_add(struct evalset *s, struct span set, struct span variant, struct span seed,
			 int64_t step);
/* Reads its stream; flags: of rec_open. */
int evalset_read(struct evalset *s, struct eval *e, const char *path, unsigned flags,
		 double threshold, struct reason *why);
/* By set, variant, step, seed. ST_INPUT when two are at one place. */
int evalset_sort(struct evalset *s, struct reason *why);
/* The problem's cell; all zero where the evaluation does not have it. */
struct evalcell eval_cell(const struct eval *e, size_t problem);
/* Problems of a set that all of its evaluations have (but for those without any trajectory). */
size_t evalset_common(const struct evalset *s, size_t set);
/* An evaluation of the same set, variant and seed at an earlier step solved it. Sorted. */
bool evalset_earlier(const struct evalset *s, const struct eval *e, size_t problem);
void evalset_free(struct evalset *s);

#endif
