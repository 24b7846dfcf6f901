/*
 * matrix.h - a matrix in rows, as it travels between functions: a view of memory that belongs to
 * another.
 */
#ifndef TENSOR_MATRIX_H
#define TENSOR_MATRIX_H

#include <assert.h>
#include <stddef.h>

/* Sums are made of so many running sums side by side, on any machine, whatever its vectors hold;
 * and rows that kernels read or write in whole vectors have room for a multiple of it. */
enum {
	LANES = 16,
	PANEL = LANES /* columns that lie together in a panel: see gemm.h */
};

/* Element (i, j) is p[i * ld + j]; ld >= cols, so that a matrix may be columns of a wider one. */
struct matrix {
	float *p;
	size_t rows, cols, ld;
};

/* The same to read from. */
struct cmatrix {
	const float *p;
	size_t rows, cols, ld;
};

static inline struct matrix matrix_of(float *p, size_t rows, size_t cols, size_t ld)
{
	assert(p || !rows);
	assert(ld >= cols);
	return (struct matrix){p, rows, cols, ld};
}

static inline struct cmatrix matrix_in(const float *p, size_t rows, size_t cols, size_t ld)
{
	assert(p || !rows);
	assert(ld >= cols);
	return (struct cmatrix){p, rows, cols, ld};
}

#endif
