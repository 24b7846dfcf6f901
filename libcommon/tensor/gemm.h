/*
 * gemm.h - the matrix product in f32, of the forward and the backward pass.
 *
 * Each element of C is one chain of fused multiply-adds over k = 0, 1, 2, ... in that order,
 * whatever the size of the batch, the position in it or the thread: so a row's result does not
 * depend on what else is computed with it. That is what makes sampling and training agree to the
 * last bit, and what OpenBLAS, which picks another kernel for another shape, cannot promise. B lies
 * in panels of PANEL columns, so that the inner loop reads it as one stream; on rows as few as six
 * this runs at the speed of large products.
 */
#ifndef TENSOR_GEMM_H
#define TENSOR_GEMM_H

#include "tensor/kernel.h"
#include "tensor/matrix.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GEMM_MR = 6 }; /* rows of C that are computed at once; with AVX-512 eight, see tile.h */

/* B of shape (k, n): column j of row i is p[(j / PANEL) * stride + i * ld + j % PANEL]. Of the last
 * panel, all columns must be readable. In bf16, i counts pairs of rows. */
struct panels {
	const float *p;
	size_t ld, stride;
	const uint32_t *pairs; /* not NULL: B is stored in bf16 here, p is not looked at */
};

/* The matrix W of shape (n, k), rows as in a checkpoint, as panels of its transpose: B = W'. */
static inline size_t gemm_pack_floats(size_t n, size_t k) /* with the zeros at the end */
{
	return (n + PANEL - 1) / PANEL * PANEL * k;
}
/* Packs W: element (j, x) goes to column j of row x; columns from n on are zero. */
KERNEL(void, gemm_pack_rows, (float *dst, const float *w, size_t n, size_t k));
static inline struct panels gemm_packed_view(const float *packed, size_t k)
{
	assert(packed);
	return (struct panels){packed, PANEL, k * PANEL, NULL};
}

/*
 * The same in bf16, in half the bytes: column j of rows 2 i and 2 i + 1 share the 32 bits at
 * pairs[(j / PANEL) * stride + i * PANEL + j % PANEL], the even row in the low half; an odd k is
 * filled up with a row of zeros. Widening is exact, so a product is the same to the bit as over
 * f32 panels that hold the same numbers.
 */
static inline size_t gemm_pair_words(size_t n, size_t k) /* 32-bit words of the packed form */
{
	return (n + PANEL - 1) / PANEL * PANEL * ((k + 1) / 2);
}
/* Puts some rows of W, those from row `first` on, rounded to nearest even. Words of rows that are
 * never put must be zero. */
KERNEL(void, gemm_pair_rows, (uint32_t * dst, size_t first, struct cmatrix w));
/* The same of a B of shape (k, n) in rows, all of it; of the last panel the columns from n on stay
 * unwritten. */
KERNEL(void, gemm_pair_columns, (uint32_t * dst, struct cmatrix b));
/* Widens rows first.. of W into w. */
KERNEL(void, gemm_unpair_rows,
       (float *w, const uint32_t *src, size_t first, size_t rows, size_t k));
static inline struct panels gemm_pair_view(const uint32_t *pairs, size_t k)
{
	return (struct panels){NULL, PANEL, (k + 1) / 2 * PANEL, pairs};
}

/* How a product is done. */
enum {
	GEMM_ADD = 1,        /* C += instead of C =: each chain begins with what C holds */
	GEMM_TRANSPOSED = 2, /* A' is what lies in memory, (k, m) */
};

/* C(m, n) = A(m, k) B(k, n). how: GEMM_* or 0. C must not overlap A or B. */
KERNEL(void, gemm, (int how, struct cmatrix a, struct panels b, struct matrix c));
/* The same with B in plain rows, at least one, where whole panels may be read past the end of each.
 */
KERNEL(void, gemm_rows, (int how, struct cmatrix a, struct cmatrix b, struct matrix c));

/* Row i of C = row i of A times a B of its own, b moved on by i * step floats: the same chains as
 * gemm's, of some rows at a time, so that they need not wait for each other. how: 0 or GEMM_ADD; b:
 * in f32. Columns of C up to the next multiple of LANES are read and written. */
KERNEL(void, gemm_each, (int how, struct cmatrix a, struct panels b, size_t step, struct matrix c));

/* Numbers of a row rounded up to whole vectors of any machine */
static inline size_t vec_round(size_t n)
{
	return (n + LANES - 1) / LANES * LANES;
}

#endif
