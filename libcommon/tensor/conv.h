/*
 * conv.h - a short causal convolution along a sequence, each channel by itself, one token a call.
 */
#ifndef TENSOR_CONV_H
#define TENSOR_CONV_H

#include "tensor/kernel.h"

#include <stddef.h>

enum { CONV_MOST = 8 }; /* taps */

/* Weights of n channels: w (n, taps), the last tap meets the present token; b (n), NULL: none */
struct conv {
	const float *w, *b;
	size_t taps, n;
};

/* y_i = b_i + sum over j of w(i, j) x[j]_i; x[j]: the token taps - 1 - j before, NULL: none is */
KERNEL(void, conv_forward, (const struct conv *c, float *y, const float *const *x));
/* For channels from .. from + n: dx[j]_i += w(i, j) dy_i (NULL: not wanted); dw (n of all, taps),
 * db (NULL: not wanted): gain dy_i x[j]_i and dy_i. */
KERNEL(void, conv_backward,
       (const struct conv *c, float *const *dx, float *dw, float *db, const float *dy,
	const float *const *x, size_t from, size_t n));

#endif
