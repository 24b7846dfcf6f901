/*
 * kernels.h - the functions that exist once for each kind of processor (base/cpu.h), as a table
 * that is filled before main.
 *
 * All sets give the same bits; layouts (panels, padding) are the same too. Which functions there
 * are stands here alone: kernels.c makes the functions that everybody calls of it, kernelset.c a
 * set.
 */
#ifndef TENSOR_KERNELS_H
#define TENSOR_KERNELS_H

#include "base/cpu.h"
#include "tensor/act.h"
#include "tensor/attention.h"
#include "tensor/bf16.h"
#include "tensor/conv.h"
#include "tensor/delta.h"
#include "tensor/gemm.h"
#include "tensor/layers.h"
#include "tensor/moments.h"
#include "tensor/norm.h"
#include "tensor/softmax.h"

/* K(type, name, parameters, arguments) */
#define KERNELS(K)                                                                                 \
	K(void, gemm_pack_rows, (float *dst, const float *w, size_t n, size_t k), (dst, w, n, k))  \
	K(void, gemm_pair_rows,                                                                    \
	  (uint32_t * dst, size_t first, const float *w, size_t rows, size_t k),                   \
	  (dst, first, w, rows, k))                                                                \
	K(void, gemm_unpair_rows,                                                                  \
	  (float *w, const uint32_t *src, size_t first, size_t rows, size_t k),                    \
	  (w, src, first, rows, k))                                                                \
	K(void, gemm, (int how, struct cmatrix a, struct panels b, struct matrix c),               \
	  (how, a, b, c))                                                                          \
	K(void, gemm_rows, (int how, struct cmatrix a, struct cmatrix b, struct matrix c),         \
	  (how, a, b, c))                                                                          \
	K(void, gemm_each, (struct cmatrix a, struct panels b, size_t step, struct matrix c),      \
	  (a, b, step, c))                                                                         \
	K(const char *, bf16_missing, (void), ())                                                  \
	K(void, bf16_row, (uint32_t * dst, const float *x, size_t k), (dst, x, k))                 \
	K(void, bf16_panels, (uint32_t * dst, struct cmatrix b), (dst, b))                         \
	K(void, bf16_transpose, (uint32_t * dst, struct cmatrix x), (dst, x))                      \
	K(void, bf16_gemm,                                                                         \
	  (int how, const uint32_t *a, size_t pairs, const uint32_t *b, struct matrix c),          \
	  (how, a, pairs, b, c))                                                                   \
	K(void, att_put, (struct att_kv kv, size_t t, struct cmatrix k, struct cmatrix v),         \
	  (kv, t, k, v))                                                                           \
	K(void, att_rows,                                                                          \
	  (struct matrix out, struct cmatrix q, struct att_kv kv, size_t first_n, bool causal,     \
	   float *scratch),                                                                        \
	  (out, q, kv, first_n, causal, scratch))                                                  \
	K(void, att_token,                                                                         \
	  (struct matrix out, struct cmatrix q, struct att_kv kv, size_t n, float *scratch),       \
	  (out, q, kv, n, scratch))                                                                \
	K(void, att_backward, (const struct att_pass *p, float *scratch), (p, scratch))            \
	K(void, softmax_row, (float *s, size_t n, float scale), (s, n, scale))                     \
	K(void, softmax_scores, (float *z, size_t n, float scale, float cap), (z, n, scale, cap))  \
	K(struct softmax_stat, softmax_stat, (const float *logits, size_t v, float inv_t),         \
	  (logits, v, inv_t))                                                                      \
	K(float, softmax_logp, (const struct softmax_stat *s, float logit, float inv_t),           \
	  (s, logit, inv_t))                                                                       \
	K(void, softmax_backward,                                                                  \
	  (float *logits, size_t v, const struct softmax_stat *s, const struct softmax_grad *g),   \
	  (logits, v, s, g))                                                                       \
	K(double, softmax_weights,                                                                 \
	  (float *e, const float *logits, size_t v, float inv_t, float max),                       \
	  (e, logits, v, inv_t, max))                                                              \
	K(size_t, softmax_find, (const float *e, size_t v, double at), (e, v, at))                 \
	K(float, rmsnorm_forward, (float *y, const float *x, const float *w, size_t d, float eps), \
	  (y, x, w, d, eps))                                                                       \
	K(void, rmsnorm_backward,                                                                  \
	  (float *dx, const float *dy, const float *x, const float *w, float r, size_t d),         \
	  (dx, dy, x, w, r, d))                                                                    \
	K(void, rope_forward, (float *x, const float *cs, size_t n), (x, cs, n))                   \
	K(void, rope_backward, (float *dx, const float *cs, size_t n), (dx, cs, n))                \
	K(void, rope_pairs_forward, (float *x, const float *cs, size_t n), (x, cs, n))             \
	K(void, rope_pairs_backward, (float *dx, const float *cs, size_t n), (dx, cs, n))          \
	K(void, swiglu_forward, (float *h, const float *gu, size_t n), (h, gu, n))                 \
	K(void, swiglu_backward, (float *dgu, const float *dh, const float *gu, size_t n),         \
	  (dgu, dh, gu, n))                                                                        \
	K(void, layers_add_row, (float *y, const float *x, size_t n), (y, x, n))                   \
	K(struct norm_stat, norm_forward, (const struct norm *k, float *y, const float *x),        \
	  (k, y, x))                                                                               \
	K(void, norm_backward,                                                                     \
	  (const struct norm *k, float *dx, const float *dy, const float *x, struct norm_stat s),  \
	  (k, dx, dy, x, s))                                                                       \
	K(void, norm_weights,                                                                      \
	  (float *dw, const float *dy, const float *x, struct norm_stat s, size_t n),              \
	  (dw, dy, x, s, n))                                                                       \
	K(void, norm_unit, (float *y, const float *x, size_t n, float factor), (y, x, n, factor))  \
	K(void, norm_unit_backward,                                                                \
	  (float *dx, const float *dy, const float *x, size_t n, float factor),                    \
	  (dx, dy, x, n, factor))                                                                  \
	K(void, act_forward, (const struct act *a, float *h, const float *u, size_t n),            \
	  (a, h, u, n))                                                                            \
	K(void, act_backward,                                                                      \
	  (const struct act *a, float *du, const float *dh, const float *u, size_t n,              \
	   float *dalpha),                                                                         \
	  (a, du, dh, u, n, dalpha))                                                               \
	K(void, act_gate, (float *y, const float *x, const float *g, size_t n, bool silu),         \
	  (y, x, g, n, silu))                                                                      \
	K(void, act_gate_backward,                                                                 \
	  (float *dx, float *dg, const float *x, const float *g, size_t n, bool silu),             \
	  (dx, dg, x, g, n, silu))                                                                 \
	K(void, conv_forward, (const struct conv *c, float *y, const float *const *x), (c, y, x))  \
	K(void, conv_backward,                                                                     \
	  (const struct conv *c, float *const *dx, float *dw, float *db, const float *dy,          \
	   const float *const *x, size_t from, size_t n),                                          \
	  (c, dx, dw, db, dy, x, from, n))                                                         \
	K(void, delta_forward, (const struct delta *t, float *S, float *o, float *scratch),        \
	  (t, S, o, scratch))                                                                      \
	K(void, delta_backward,                                                                    \
	  (const struct delta *t, struct delta_grad *to, float *D, const float *S,                 \
	   const float *d_o, float *scratch),                                                      \
	  (t, to, D, S, d_o, scratch))                                                             \
	K(double, moments_square, (const float *g, size_t n), (g, n))                              \
	K(void, moments_step, (const struct moments *u, size_t from, size_t n, bool decay),        \
	  (u, from, n, decay))

#define KERNELS_MEMBER(type, name, params, args) type(*name) params;

struct kernels {
	KERNELS(KERNELS_MEMBER)
};

/* From now on that set, which cpu_has; while no kernel runs. */
void kernels_use(enum cpu_set s);
enum cpu_set kernels_used(void);

#endif
