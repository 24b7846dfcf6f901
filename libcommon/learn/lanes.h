/*
 * lanes.h - the gradient of an update as the sum of several, its lanes, which ranks (base/rank.h)
 * share out: lane k is computed by rank k mod ranks, and lanes are added in their order, whoever
 * computed them. So the result depends on the data and the number of lanes, and on nothing else.
 *
 *     lanes_open(&l, 4, weights.n, optimizer.bound);
 *     lanes_begin(&l);
 *     for (...)
 *             lanes_cut(&l, tokens so far, tokens in all, i);      before the i-th of an order
 *     lanes_end(&l, n);
 *     lanes_run(&l, pass, ctx, sums, sizeof *sums);
 *     ... optimizer_step(&a, weights.v, l.total, lr, &norm) ...
 */
#ifndef LEARN_LANES_H
#define LEARN_LANES_H

#include <stdbool.h>
#include <stddef.h>

struct lanes {
	size_t n;            /* 0: it is not open */
	size_t *at;          /* (n + 1) where in the order each begins */
	float *total;        /* of this rank's part of the weights: their gradient */
	size_t n_w;          /* weights */
	const size_t *bound; /* (ranks + 1) parts of ranks; borrowed */
	float *own;          /* (n_w) of the present lane; NULL: this rank has none, ever */
	bool apart;          /* total is memory of its own, not a part of own */
	bool *has;           /* (ranks) which have a lane of the present round */
	size_t next;         /* lane that begins next, while they are cut */
};

void lanes_open(struct lanes *l, size_t n, size_t n_w, const size_t *bound);
void lanes_free(struct lanes *l); /* one that is not open is fine */
/* Bytes that lanes_open takes, where this rank's part has so many weights */
size_t lanes_bytes(size_t n, size_t n_w, size_t part);

/* Cuts an order, by tokens: what has `before` of all of them before it is in lane
 * before * n / all. */
void lanes_begin(struct lanes *l);
void lanes_cut(struct lanes *l, size_t before, size_t all, size_t i);
void lanes_end(struct lanes *l, size_t n);
bool lanes_empty(const struct lanes *l, size_t k);

/* Adds the gradient of lane k to grads, which are 0. */
typedef void lanes_fn(void *ctx, size_t k, float *grads);
/* * Calls fn for this rank's lanes, those that are not empty, of which there is one at least: total
 * is their sum then. fn leaves `size` bytes in sums[k], which become everybody's. */
void lanes_run(struct lanes *l, lanes_fn *fn, void *ctx, void *sums, size_t size);

#endif
