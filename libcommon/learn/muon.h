/*
 * muon.h - Muon's step of a matrix: its momentum, made nearly orthogonal by a Newton-Schulz
 * iteration. Keller Jordan, "Muon: An optimizer for hidden layers in neural networks", 2024; scaled
 * so that rate and decay are those of AdamW, as in Moonlight (arXiv 2502.16982).
 *
 *     m = b m + (1 - b) g,  u = (1 - b) g + b m
 *     X = u / (|u| + 1e-7), transposed where it has more rows than columns; five times
 *             A = X X',  X = 3.4445 X + (-4.7750 A + 2.0315 A A) X
 *     w -= lr 0.2 sqrt(max(rows, columns)) X + lr decay w
 *
 * The singular values of X end between about 0.7 and 1.2, those of tiny ones below. Products are
 * those of tensor/gemm.h: the same bits on any number of threads and for any set of kernels.
 */
#ifndef LEARN_MUON_H
#define LEARN_MUON_H

#include "model/weight.h"
#include "tensor/moments.h"

struct muon_part { /* a matrix, or one of several on top of each other in one weight */
	size_t offset, rows, cols;
	size_t at; /* where its gradient and its momentum are in theirs: offset, but with ranks */
	bool decay;
};

struct muon { /* memory of the products, for the largest of some matrices; zero is none */
	float *x, *y, *a, *b, *pack; /* owned */
	size_t n_x, n_a, n_pack;     /* floats of x and y each, of a and b each, of pack */
};

/* Is it a matrix between the embedding and the head? */
bool muon_takes(const struct weight *w);
/* The parts of such a weight, into part[0..3); how many */
size_t muon_parts(const struct weight *w, struct muon_part part[3]);

/* Makes room so that the part can be stepped; muon_open allocates it once all were told. */
void muon_fit(struct muon *s, const struct muon_part *part);
size_t muon_bytes(const struct muon *s);
void muon_open(struct muon *s);
void muon_free(struct muon *s);

/* Of u: p, grads, m, scale, b1 (which is b), step (which is lr), lr_decay. */
void muon_step(struct muon *s, const struct muon_part *part, const struct moments *u);

#endif
