/*
 * norm.h - norms of a row, forward and backward: RMSNorm (Zhang and Sennrich, arXiv 1910.07467),
 * also with weights that are stored as what they differ from 1 by, and LayerNorm (Ba et al., arXiv
 * 1607.06450).
 */
#ifndef TENSOR_NORM_H
#define TENSOR_NORM_H

#include "tensor/kernel.h"

#include <stdbool.h>
#include <stddef.h>

struct norm {
	const float *w, *b; /* (n); b NULL: none */
	size_t n;
	float one; /* added to w */
	float eps;
	bool centred; /* LayerNorm */
};

/* What the backward pass needs of a row: 1 / sqrt(variance + eps) and, of a LayerNorm, the mean;
 * else 0. */
struct norm_stat {
	float r, mean;
};

/* y = (w + one) * (x - mean) * r + b; y may be x */
KERNEL(struct norm_stat, norm_forward, (const struct norm *k, float *y, const float *x));
/* dx += gradient through the norm; s is what the forward pass returned. dy is the gradient of y.
 * That of b is the sum over rows of dy, that of w is norm_weights's. */
KERNEL(void, norm_backward,
       (const struct norm *k, float *dx, const float *dy, const float *x, struct norm_stat s));
/* A row's part of the gradient of w: dw += dy * (x - mean) * r */
KERNEL(void, norm_weights,
       (float *dw, const float *dy, const float *x, struct norm_stat s, size_t n));

/* A row without weights: y = factor * x / sqrt(sum of x^2 + 1e-6); y may be x */
KERNEL(void, norm_unit, (float *y, const float *x, size_t n, float factor));
/* dx from dy */
KERNEL(void, norm_unit_backward,
       (float *dx, const float *dy, const float *x, size_t n, float factor));

#endif
