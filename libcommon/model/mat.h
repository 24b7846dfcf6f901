/*
 * mat.h - products with a weight matrix W of shape (n, k), however the model holds it. Rows are
 * tokens and do not depend on each other. Scratch is the caller's: mat_scratch floats.
 */
#ifndef MODEL_MAT_H
#define MODEL_MAT_H

#include "model/model.h"
#include "tensor/matrix.h"

/* For up to `rows` rows with any matrix of m */
size_t mat_scratch(const struct model *m, size_t rows);

/* y (rows, n) = x (rows, k) W', or += with add; x has no gaps between rows. */
void mat_forward(const struct model *m, const struct mat *w, struct matrix y, const float *x,
		 bool add, float *scratch);
/* Packs W' for the backward product in bf16, once for all rows: one of mat_transposed_blocks blocks
 * a call, into mat_transposed_words words for all of them. */
size_t mat_transposed_words(const struct mat *w);
size_t mat_transposed_blocks(const struct mat *w);
void mat_transpose(const struct model *m, const struct mat *w, uint32_t *transposed, size_t block,
		   float *scratch);
/* The i-th matrix of a layer, in the order in which the forward pass uses them. */
enum { MAT_LAYER = 4 };
const struct mat *mat_of_layer(const struct layer *w, int i);
/* Words of all of a layer's matrices, transposed; 0: not in bf16. */
size_t mat_layer_words(const struct model *m);
/* dx (rows, k) = dy (rows, n) W; neither has gaps between rows. transposed: as mat_transpose packed
 * it, or NULL. */
void mat_backward(const struct model *m, const struct mat *w, const uint32_t *transposed,
		  struct matrix dx, const float *dy, float *scratch);

#endif
