/* softmax.h - softmax of a row, log-probabilities and entropy of a row of logits, and their
 * gradient. */
#ifndef TENSOR_SOFTMAX_H
#define TENSOR_SOFTMAX_H

#include "tensor/kernel.h"

#include <stddef.h>

/*
 * In place: s[i] = exp(s[i] * scale - max) / sum for i < n, and 0 up to the next multiple of LANES,
 * which must be writable. n >= 1.
 */
KERNEL(void, softmax_row, (float *s, size_t n, float scale));

/* z_i = c tanh(scale z_i / c); c = 0: scale z_i */
KERNEL(void, softmax_scores, (float *z, size_t n, float scale, float cap));

/* What one row of logits amounts to at a temperature: p_i = exp(z_i - max) / sum, z = logits /
 * temperature. */
struct softmax_stat {
	float max;     /* of z */
	float log_sum; /* log of sum_i exp(z_i - max) */
	float entropy; /* of p, nats */
};
/* inv_t is 1 / temperature. v >= 1. */
KERNEL(struct softmax_stat, softmax_stat, (const float *logits, size_t v, float inv_t));
KERNEL(float, softmax_logp, (const struct softmax_stat *s, float logit, float inv_t));

/* What the gradient of dlogp * log p(target) + dent * entropy by a row of logits is made of. */
struct softmax_grad {
	size_t target;
	float dlogp, dent;
	float inv_t; /* 1 / temperature */
	float cap;   /* c of logits c tanh(z / c): the gradient is by z; 0: none */
};
/* In place: v logits become that gradient. s: what softmax_stat said of them. */
KERNEL(void, softmax_backward,
       (float *logits, size_t v, const struct softmax_stat *s, const struct softmax_grad *g));

/* e[i] = exp(z_i - max), z = logits * inv_t, for i < v, 0 up to the next multiple of LANES; returns
 * their sum. */
KERNEL(double, softmax_weights, (float *e, const float *logits, size_t v, float inv_t, float max));
/* The first i at which the sum of e[0..i], as softmax_weights takes it, passes `at`; else the last
 * that is not 0, or v. */
KERNEL(size_t, softmax_find, (const float *e, size_t v, double at));

#endif
