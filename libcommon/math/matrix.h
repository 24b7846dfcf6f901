/* matrix.h - matrices and what is made of them by arithmetic. */
#ifndef MATH_MATRIX_H
#define MATH_MATRIX_H

#include "math/value.h"

enum { MATH_CELLS = 64 };

struct mmatrix {
	int rows, cols;
	int cell[MATH_CELLS]; /* nodes, row by row */
};

/* The matrix that an expression of matrices is, its sums and products carried out as expressions;
 * false when it is none or too large. */
bool mm_get(struct mjudge *j, int node, struct mmatrix *m);
/* A tuple is a column, or a row where row says so. */
bool mm_tuple(const struct mjudge *j, int node, bool row, struct mmatrix *m);
bool mm_same(struct mjudge *j, const struct mmatrix *a, const struct mmatrix *b, int sign_a,
	     int sign_b);

#endif
