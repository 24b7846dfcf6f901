/* matrix.h - matrices and what is made of them by arithmetic. */
#ifndef MATH_MATRIX_H
#define MATH_MATRIX_H

#include "math/value.h"

enum { MATH_CELLS = 64 };

struct matrix {
	int rows, cols;
	int cell[MATH_CELLS]; /* nodes, row by row */
};

/* The matrix that an expression of matrices is, its sums and products carried out as expressions;
 * false when it is none or too large. */
bool matrix_get(struct judgement *j, int node, struct matrix *m);
/* A tuple is a column, or a row where row says so. */
bool matrix_tuple(const struct judgement *j, int node, bool row, struct matrix *m);
bool matrix_same(struct judgement *j, const struct matrix *a, const struct matrix *b, int sign_a,
		 int sign_b);

#endif
