/*
 * mat.h - products with a weight matrix W of shape (n, k), however the model holds it. Rows are
 * tokens and do not depend on each other. Scratch is the caller's: mat_scratch floats.
 */
#ifndef MODEL_MAT_H
#define MODEL_MAT_H

#include "model/model.h"

/* For up to `rows` rows with any matrix of m */
size_t mat_scratch(const struct model *m, size_t rows);

/* y (rows, n; stride ldy) = x (rows, k) W', or += with add */
void mat_forward(const struct model *m, const struct mat *w, float *y, size_t ldy, const float *x,
		 size_t rows, bool add, float *scratch);
/* What a backward pass in bf16 multiplies with, made of W once for all rows: mat_transposed_words
 * words, block by block, each mat_transposed_blocks a job of its own. */
size_t mat_transposed_words(const struct mat *w);
size_t mat_transposed_blocks(const struct mat *w);
void mat_transpose(const struct model *m, const struct mat *w, uint32_t *turned, size_t block,
		   float *scratch);
/* dx (rows, k) = dy (rows, n) W; turned: see above, or NULL */
void mat_backward(const struct model *m, const struct mat *w, const uint32_t *turned, float *dx,
		  const float *dy, size_t rows, float *scratch);

#endif
