/*
 * bf16.h - the matrix product in bf16: both sides rounded to bf16, summed in f32.
 *
 * As in gemm.h each element of C is one chain over k in order, here over pairs of k: so a row's
 * result does not depend on what else is computed with it. A pair is what vdpbf16ps (AVX-512 BF16)
 * multiplies and adds in one lane; the instruction takes and leaves denormals as zero. On machines
 * without it the same numbers come from two fused multiply-adds a pair, at a fraction of the speed
 * and not to the last bit the same.
 */
#ifndef TENSOR_BF16_H
#define TENSOR_BF16_H

#include "tensor/gemm.h"

#include <stddef.h>
#include <stdint.h>

/* NULL, or why this machine, or this build, has no fast product. */
KERNEL_BF16(const char *, bf16_missing, (void));

/* Rounds a row of k floats to (k + 1) / 2 pairs; an odd end is filled up with 0. */
KERNEL_BF16(void, bf16_row, (uint32_t * dst, const float *x, size_t k));
/* Packs B of shape (k, n) as panels of pairs (see gemm.h): gemm_pair_words(n, k) words, of the last
 * panel the columns from n on unwritten. */
KERNEL_BF16(void, bf16_panels, (uint32_t * dst, struct cmatrix b));

/* Packs A = X' of shape (m, k) from X (k, m) in the order in which the product reads it:
 * bf16_transposed_words(m, k) words. */
static inline size_t bf16_transposed_words(size_t m, size_t k)
{
	return (m + GEMM_MR - 1) / GEMM_MR * GEMM_MR * ((k + 1) / 2);
}
KERNEL_BF16(void, bf16_transpose, (uint32_t * dst, struct cmatrix x));

/* C(m, n) = A(m, k) B(k, n) over `pairs` pairs of k. how: GEMM_ADD: C +=; GEMM_TRANSPOSED: A as
 * bf16_transpose packed it, else rows of pairs, one after the other. b: panels of pairs. */
KERNEL_BF16(void, bf16_gemm,
	    (int how, const uint32_t *a, size_t pairs, const uint32_t *b, struct matrix c));

#endif
