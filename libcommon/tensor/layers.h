/*
 * layers.h - the element-wise layers, one row (token) a call, forward and backward: RMSNorm (Zhang
 * and Sennrich, arXiv 1910.07467), the rotary embedding (Su et al., arXiv 2104.09864) and SwiGLU
 * (Shazeer, arXiv 2002.05202).
 *
 * Outputs first, then inputs, then sizes. No allocation, no state. Rows of d floats need not be
 * aligned.
 */
#ifndef TENSOR_LAYERS_H
#define TENSOR_LAYERS_H

#include "tensor/kernel.h"

#include <stddef.h>

/* y = w * x / sqrt(mean(x^2) + eps); returns the factor 1 / sqrt(...) */
KERNEL(float, rmsnorm_forward, (float *y, const float *x, const float *w, size_t d, float eps));
/* dx += gradient through the norm; r is what the forward pass returned. dy is the gradient of y. */
KERNEL(void, rmsnorm_backward,
       (float *dx, const float *dy, const float *x, const float *w, float r, size_t d));

/* Rotary embedding of one head in place: pairs (i, i + n/2); cs holds n/2 cosines, then n/2 sines.
 */
KERNEL(void, rope_forward, (float *x, const float *cs, size_t n));
/* the transposed map */
KERNEL(void, rope_backward, (float *dx, const float *cs, size_t n));
/* The same of pairs (2 i, 2 i + 1). */
KERNEL(void, rope_pairs_forward, (float *x, const float *cs, size_t n));
KERNEL(void, rope_pairs_backward, (float *dx, const float *cs, size_t n));
/* h = silu(g) * u, with g = gu[0..n), u = gu[n..2n) */
KERNEL(void, swiglu_forward, (float *h, const float *gu, size_t n));
/* dgu from dh; may overwrite gu (dgu == gu) */
KERNEL(void, swiglu_backward, (float *dgu, const float *dh, const float *gu, size_t n));

KERNEL(void, layers_add_row, (float *y, const float *x, size_t n)); /* y += x */

#endif
