/*
 * bf16.h - the matrix product in bf16: both sides rounded to bf16, summed in f32, to the bit what
 * Intel's tiles (AMX, TDPBF16PS) compute, on every processor.
 *
 * An element of C is made of blocks of 32 k. In each, the even k and the odd k are two chains of
 * fused multiply-adds that begin with 0; then C += even + odd, where C begins with 0, or with what
 * it holds (GEMM_ADD). A last block that is shorter is filled up with zeros. Every step is rounded
 * to nearest even; denormals are zero, on their way in and out. So a row's result does not depend
 * on what else is computed with it, and a product that is cut at multiples of 32 k is the same.
 *
 * The set v4bf16 has another arithmetic, of the instruction VDPBF16PS (AVX-512 BF16): one chain
 * over pairs of k, of each the odd one first, that begins with C. Zen 4 does it at twice the speed.
 * It is never chosen but by name (--compute bf16-vdp).
 */
#ifndef TENSOR_BF16_H
#define TENSOR_BF16_H

#include "tensor/gemm.h"

#include <stddef.h>
#include <stdint.h>

enum { BF16_BLOCK = 32 }; /* k of a block */

/* Room for a packed A of shape (m, k), in words, in the form that the set in use likes best: a row
 * of whole blocks in f32; v4bf16 packs whole blocks of eight rows, in pairs. */
static inline size_t bf16_words(size_t m, size_t k)
{
	size_t rows = m < 4 ? 4 : m;

	return rows * ((k + BF16_BLOCK - 1) / BF16_BLOCK * BF16_BLOCK);
}
/* Rounds and packs A = X of shape (m, k), */
KERNEL_BF16(void, bf16_rows, (uint32_t * dst, struct cmatrix x));
/* or A = X', from X of shape (k, m). */
KERNEL_BF16(void, bf16_columns, (uint32_t * dst, struct cmatrix x));

/* How many k a product of large matrices is best cut into: a multiple of BF16_BLOCK */
KERNEL_BF16(size_t, bf16_depth, (void));

/* C(m, n) = A(m, k) B(k, n). how: GEMM_ADD: C +=; GEMM_TRANSPOSED: A is of bf16_columns, else of
 * bf16_rows. b: of pairs, whose columns from n on may hold anything. */
KERNEL_BF16(void, bf16_gemm,
	    (int how, const uint32_t *a, size_t k, struct panels b, struct matrix c));

#endif
