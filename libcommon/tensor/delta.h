/*
 * delta.h - the gated delta rule (Yang et al., arXiv 2412.06464) of one head: a state S (k, v) that
 * decays, forgets what it held for a key and takes a value for it; one token a call. The same
 * function serves one new token (sampler) and a whole sequence (trainer), so both give the same
 * bits.
 */
#ifndef TENSOR_DELTA_H
#define TENSOR_DELTA_H

#include "tensor/kernel.h"

#include <stddef.h>

enum { DELTA_MOST = 512 }; /* numbers of a head */

/* A token's numbers: q, k (nk), v (nv) */
struct delta {
	const float *q, *k, *v;
	float beta, g; /* the state decays by e^g, g <= 0 */
	size_t nk, nv;
};
/* Their gradients; those of q, k, v are overwritten, as beta and g are */
struct delta_grad {
	float *q, *k, *v;
	float beta, g;
};

/* S' = e^g S; d = beta (v - S'^T k); S = S' + k d^T; o = S^T q (o NULL: not wanted). scratch: nv
 * floats */
KERNEL(void, delta_forward, (const struct delta *t, float *S, float *o, float *scratch));
/* From d_o and D = dL/dS behind the token to the token's gradients and, in D, to dL/dS before it.
 * S: before the token. scratch: (nk + 4) nv floats */
KERNEL(void, delta_backward,
       (const struct delta *t, struct delta_grad *to, float *D, const float *S, const float *d_o,
	float *scratch));

#endif
