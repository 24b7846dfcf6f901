/*
 * adamw.h - AdamW over flat arrays: Adam with bias correction (Kingma & Ba, arXiv 1412.6980) and
 * decoupled weight decay (Loshchilov & Hutter, arXiv 1711.05101), after clipping by global norm.
 *
 *     adamw_init(&a, &opts, model.w, model.n_w);
 *     for (...) {
 *             ... gradients of one update in grads, laid out as model.params ...
 *             if (!adamw_step(&a, model.params, grads, lr, &norm) && adamw_stuck(&a))
 *                     ... stop: the parameters are still the last good ones ...
 *     }
 *
 * The result does not depend on the number of threads. One thread at a time calls these.
 */
#ifndef LEARN_ADAMW_H
#define LEARN_ADAMW_H

#include "model/weight.h"

#include <stdbool.h>
#include <stdint.h>

struct adamw_opts {
	double beta1, beta2, eps;
	double decay; /* per update: lr * decay of each weight with w->decay is taken off */
	double clip;  /* greatest global norm of the gradient; 0: no clipping */
};

enum { ADAMW_PATIENCE = 5 }; /* updates in a row that could not be applied before it is stuck */

struct adamw_block { /* a piece of one weight; pieces are what threads share out */
	size_t offset, count;
	bool decay;
};

struct adamw {
	struct adamw_opts o;
	size_t n;       /* parameters */
	float *m, *v;   /* (n) moments, owned */
	uint64_t steps; /* updates applied */
	uint64_t skipped_in_row;
	struct adamw_block *block;
	size_t n_block;
	double *sum; /* (n_block) squares, summed in order */
};

/* The table w is read here only. Its weights must cover 0..n without a gap, as model_init does. */
void adamw_init(struct adamw *a, const struct adamw_opts *o, const struct weight *w, size_t n_w);

/* One update with learning rate lr. *norm (may be NULL) becomes the gradient's norm before
 * clipping. False when the gradient is not finite: params and moments are then untouched and the
 * update counts as skipped. */
bool adamw_step(struct adamw *a, float *params, const float *grads, double lr, double *norm);
bool adamw_stuck(const struct adamw *a); /* ADAMW_PATIENCE skips in a row */
void adamw_free(struct adamw *a);

#endif
