/*
 * optimizer.h - one update of flat arrays of weights by their gradient, after clipping by global
 * norm, with decoupled weight decay (Loshchilov & Hutter, arXiv 1711.05101).
 *
 * adamw   Adam with bias correction (Kingma & Ba, arXiv 1412.6980): two moments
 * sgd     p -= lr g: none
 * lion    p -= lr sign(b1 m + (1 - b1) g): one. Chen et al., arXiv 2302.06675
 * muon    one of each matrix between embedding and head, see muon.h; everything else by adamw
 *
 *     optimizer_init(&a, &opts, model.w, model.n_w);
 *     for (...) {
 *             ... gradients of one update in grads, laid out as model.params ...
 *             if (!optimizer_step(&a, model.params, grads, lr, &norm) && optimizer_stuck(&a))
 *                     ... stop: the parameters are still the last good ones ...
 *     }
 *
 * Ranks (base/rank.h) share out the moments and the steps: each has those of its part, and all have
 * the weights afterwards. Those functions marked with * are reached by all of them. The result
 * depends neither on the number of ranks nor on that of threads. One thread at a time calls these.
 */
#ifndef LEARN_OPTIMIZER_H
#define LEARN_OPTIMIZER_H

#include "learn/muon.h"
#include "model/weight.h"
#include "tensor/moments.h"

#include <stdbool.h>
#include <stdint.h>

#define OPTIMIZER_WORDS "adamw|sgd|lion|muon"
enum optimizer_kind { OPTIMIZER_ADAMW, OPTIMIZER_SGD, OPTIMIZER_LION, OPTIMIZER_MUON };

struct optimizer_opts {
	double beta1, beta2, eps; /* of adamw; beta1 of lion, too */
	double decay;     /* per update: lr * decay of each weight with w->decay is taken off */
	double clip;      /* greatest global norm of the gradient; 0: no clipping */
	const char *word; /* one of OPTIMIZER_WORDS; NULL: adamw */
	double lion_beta2, momentum; /* of lion; of muon */
};

#define OPTIMIZER_OPTS_DEFAULT(weight_decay)                                                   \
	{                                                                                      \
		.beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .decay = (weight_decay), .clip = 1, \
		.word = "adamw", .lion_beta2 = 0.99, .momentum = 0.95                          \
	}

enum { OPTIMIZER_PATIENCE = 5 }; /* updates in a row that could not be applied before it is stuck */

struct optimizer_block { /* a piece of one weight; pieces are what threads share out */
	size_t offset, count;
	size_t second; /* where its second moments are, or would be, among all */
	bool decay;
	bool whole; /* its weight is stepped as a whole: by muon */
};

struct optimizer {
	struct optimizer_opts o;
	enum optimizer_kind kind;
	size_t n; /* parameters */
	/* (ranks + 1) where each rank's part of parameters, of second moments and of blocks begins
	 */
	size_t *bound, *v_bound, *block_bound;
	float *m; /* first moments of this rank's part, owned; NULL: the kind has none */
	float *v; /* second moments, of those n_v that are its part, owned */
	size_t n_v;
	struct weight *second; /* (n_second) which weights those n_v are of, and where; owned */
	size_t n_second;
	uint64_t steps; /* updates applied */
	uint64_t skipped_in_row;
	struct optimizer_block *block;
	size_t n_block;
	double *sum;            /* (n_block) squares, summed in order */
	struct muon_part *part; /* of this rank */
	size_t n_part;
	struct muon muon;
};

/* The table w is read here only. Its weights must cover 0..n without a gap, as model_init does. */
void optimizer_init(struct optimizer *a, const struct optimizer_opts *o, const struct weight *w,
		    size_t n_w);
/* Bytes that optimizer_init takes: of moments, and of what it computes with. */
void optimizer_bytes(const struct optimizer_opts *o, const struct weights *w, size_t *moments,
		     size_t *work);
/* Where each rank's part of w begins: (ranks + 1), the caller frees */
size_t *optimizer_bounds(const struct optimizer_opts *o, const struct weights *w);

/* * One update with learning rate lr; grads: of this rank's part. *norm (may be NULL) becomes the
 * gradient's norm before clipping. False when the gradient is not finite: params and moments are
 * then untouched and the update counts as skipped. */
bool optimizer_step(struct optimizer *a, float *params, const float *grads, double lr,
		    double *norm);
/* The same in pieces, for whoever has something to do with weights while they are in the cache
 * (optimizer_in_pieces: there is one rank, and no weight is stepped as a whole): after begin was
 * true each weight is in one piece, which any thread may step; then end. */
struct optimizer_pass {
	const struct optimizer *a;
	struct moments u; /* grads and m: of this rank's part */
	size_t from;      /* where that begins */
};
bool optimizer_in_pieces(const struct optimizer *a);
bool optimizer_begin(struct optimizer *a, struct optimizer_pass *s, float *params,
		     const float *grads, double lr, double *norm);
void optimizer_piece(const struct optimizer_pass *s, size_t from, size_t n);
void optimizer_end(struct optimizer *a);
bool optimizer_stuck(const struct optimizer *a); /* OPTIMIZER_PATIENCE skips in a row */
/* How far one update can move one weight, decay apart; infinity: nobody knows. */
double optimizer_reach(const struct optimizer_opts *o, double lr);
void optimizer_free(struct optimizer *a);

#endif
