/*
 * lanes.h - the gradient of an update as the sum of several, its lanes, which ranks (base/rank.h)
 * share out: lane k is computed by rank k mod ranks, and lanes are added in their order, whoever
 * computed them. So the result depends on the data and the number of lanes, and on nothing else.
 *
 *     lanes_open(&l, 4, &policy.model, optimizer.bound);
 *     lanes_begin(&l, tokens in all);
 *     for (...)
 *             lanes_cut(&l, i, its tokens);                        for the i-th of an order
 *     lanes_end(&l, n);
 *     lanes_run(&l, &work, sums, sizeof *sums);
 *     ... optimizer_step(&a, weights.v, l.total, lr, &norm) ...
 *
 * A lane of several micro-batches needs an array of its own, as its sum must be complete before it
 * is added. One that is a single micro-batch is added part by part (model/part.h), so that there is
 * no array but the total: as long as all lanes are such, and all ranks on one host (over a network
 * whole lanes are quicker, as all ranks then receive at a time). Both give the same bits.
 */
#ifndef LEARN_LANES_H
#define LEARN_LANES_H

#include "learn/batch.h"

struct lanes {
	size_t n;              /* 0: it is not open */
	size_t *at;            /* (n + 1) where in the order each begins */
	float *total;          /* of this rank's part of the weights: their gradient */
	const struct model *m; /* borrowed */
	size_t n_w;            /* weights that it trains */
	const size_t *bound;   /* (ranks + 1) parts of ranks; borrowed */
	float *own;            /* (n_w) of the present lane; NULL: this rank has none, or parts */
	float *room;           /* for parts; NULL: this rank has no lane, or own */
	bool in_parts;         /* so far */
	bool *has;             /* (ranks) which have a lane of the present round */
	bool first;            /* round: there is no total yet */
	size_t next;           /* lane that begins next, while they are cut, */
	size_t before, all;    /* and tokens, of which so many are cut */
};

/* * Before its first update */
void lanes_open(struct lanes *l, size_t n, const struct model *m, const size_t *bound);
void lanes_free(struct lanes *l); /* one that is not open is fine */
/* * Bytes that it takes at most; fit: every lane will be a single micro-batch */
size_t lanes_bytes(size_t n, const struct model *m, const size_t *bound, bool fit);

/* Cuts an order into n lanes of as many tokens, all / n: what has `own` of them, 1 or more, is in
 * the lane that its middle falls into. So lanes of things alike are even, though one is a little
 * longer than another. */
void lanes_begin(struct lanes *l, size_t all);
void lanes_cut(struct lanes *l, size_t i, size_t own);
void lanes_end(struct lanes *l, size_t n);
bool lanes_empty(const struct lanes *l, size_t k);

struct lane_work {
	const struct seq *all; /* lane k is of all[order[at[k]..at[k + 1])] */
	const uint64_t *order;
	size_t micro_tokens;
	void (*run)(void *ctx, size_t k, const struct grads_to *to); /* its passes */
	void *ctx;
};
/* * Runs this rank's lanes, those that are not empty, of which there is one at least: total is
 * the sum of all then. run leaves `size` bytes in sums[k], which become everybody's. */
void lanes_run(struct lanes *l, const struct lane_work *work, void *sums, size_t size);

#endif
