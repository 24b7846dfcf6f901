/*
 * moments.h - the loops of optimizers (learn/optimizer.h) over flat arrays.
 */
#ifndef TENSOR_MOMENTS_H
#define TENSOR_MOMENTS_H

#include "tensor/kernel.h"

#include <stdbool.h>
#include <stddef.h>

/* Sum of squares in double */
KERNEL(double, moments_square, (const float *g, size_t n));

struct moments {            /* one update */
	float *p;           /* parameters */
	const float *grads; /* as they are laid out */
	float *m, *v;
	float scale;    /* of the gradient, from clipping */
	float step;     /* lr / (1 - beta1^t) */
	float inv_root; /* 1 / sqrt(1 - beta2^t) */
	float lr_decay; /* lr * decay */
	float b1, b2, eps;
};
/*
 * Of the n from `from` on, with g = scale * grad:
 *
 *     m = b1 m + (1 - b1) g,  v = b2 v + (1 - b2) g^2
 *     p -= step m / (sqrt(v) inv_root + eps) + lr_decay p   (without decay: step m / (...) alone)
 */
KERNEL(void, moments_step, (const struct moments *u, size_t from, size_t n, bool decay));

/* p -= step g + lr_decay p; m and v are not looked at. */
KERNEL(void, moments_sgd, (const struct moments *u, size_t from, size_t n, bool decay));
/* p -= step sign(b1 m + (1 - b1) g) + lr_decay p, then m = b2 m + (1 - b2) g; sign(0) = 0; v is not
 * looked at. */
KERNEL(void, moments_lion, (const struct moments *u, size_t from, size_t n, bool decay));

#endif
