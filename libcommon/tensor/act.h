/*
 * act.h - the activation of a feed-forward layer, one row (token) a call, forward and backward:
 * SwiGLU and GeGLU (Shazeer, arXiv 2002.05202), GELU by tanh (Hendrycks and Gimpel, arXiv
 * 1606.08415) and xIELU (Huang and Schlag, arXiv 2411.13010).
 *
 * u holds the inputs of a row: the gate's n numbers and then the others' n, or n where there is no
 * gate.
 */
#ifndef TENSOR_ACT_H
#define TENSOR_ACT_H

#include "tensor/kernel.h"

#include <stdbool.h>
#include <stddef.h>

enum act_kind { ACT_SWIGLU, ACT_GEGLU, ACT_GELU, ACT_XIELU };

struct act {
	enum act_kind kind;
	float alpha_p, alpha_n, beta, eps; /* xIELU's, as a file has them */
};

static inline size_t act_inputs(enum act_kind kind) /* numbers of u for one of h: 2 or 1 */
{
	return kind == ACT_SWIGLU || kind == ACT_GEGLU ? 2 : 1;
}
/* h (n) of u */
KERNEL(void, act_forward, (const struct act *a, float *h, const float *u, size_t n));
/* du from dh; may overwrite u. dalpha (2; xIELU's alone, else not looked at) gains the gradients of
 * alpha_p and alpha_n. */
KERNEL(void, act_backward,
       (const struct act *a, float *du, const float *dh, const float *u, size_t n, float *dalpha));

/* A gate: y = x sigmoid(g), or with silu x g sigmoid(g); y may be x or g */
KERNEL(void, act_gate, (float *y, const float *x, const float *g, size_t n, bool silu));
/* dx, the gradient by y, becomes that by x; dg gets the gate's. x NULL: ones, dx is only read. dg
 * may be dx then. */
KERNEL(void, act_gate_backward,
       (float *dx, float *dg, const float *x, const float *g, size_t n, bool silu));

#endif
