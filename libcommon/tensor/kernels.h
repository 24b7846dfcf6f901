/*
 * kernels.h - the functions that exist once for each kind of processor (base/cpu.h), as a table
 * that is filled before main.
 *
 * All sets give the same bits; layouts (panels, padding) are the same too. Which functions there
 * are stands here alone: kernels.c makes the pointers that everybody calls of it, kernelset.c a
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

/* clang-format off */
#define KERNELS(K) \
	K(gemm_pack_rows) K(gemm_pair_rows) K(gemm_pair_columns) K(gemm_unpair_rows) \
	K(gemm) K(gemm_rows) K(gemm_each) K(bf16_rows) K(bf16_columns) K(bf16_depth) K(bf16_gemm) K(att_put) K(att_rows) K(att_family) K(att_backward) K(softmax_row) \
	K(softmax_scores) K(softmax_stat) K(softmax_logp) K(softmax_backward) \
	K(softmax_weights) K(softmax_find) K(rmsnorm_forward) K(rmsnorm_backward) \
	K(rope_forward) K(rope_backward) K(rope_pairs_forward) K(rope_pairs_backward) \
	K(swiglu_forward) K(swiglu_backward) K(layers_add_row) K(norm_forward) \
	K(norm_backward) K(norm_weights) K(norm_unit) K(norm_unit_backward) \
	K(act_forward) K(act_backward) K(act_gate) K(act_gate_backward) K(conv_forward) \
	K(conv_backward) K(delta_forward) K(delta_backward) K(moments_square) \
	K(moments_step) K(moments_sgd) K(moments_lion)
/* clang-format on */

#ifdef KERNEL_SET
#define KERNELS_MEMBER(name) __typeof__(&name) name;
#else
#define KERNELS_MEMBER(name) __typeof__(name) name;
#endif

struct kernels {
	KERNELS(KERNELS_MEMBER)
};

/* From now on that set, which cpu_has; while no kernel runs. */
void kernels_use(enum cpu_set s);
enum cpu_set kernels_used(void);

#endif
