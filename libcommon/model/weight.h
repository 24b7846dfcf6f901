/* weight.h - a table of named tensors that lie in one block of floats. */
#ifndef MODEL_WEIGHT_H
#define MODEL_WEIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct weight {
	char name[96]; /* as in model.safetensors */
	int rank;
	int64_t shape[2]; /* [rows, columns]; rank 1: [n, 1]; rank 0: [1, 1]; rank 3: [n, 1, k] as
			     [n, k] */
	size_t offset;    /* into the block; a matrix of a frozen model: not there */
	size_t count;
	bool decay; /* matrices decay, norms and biases do not */
	/* of a matrix: it is the rows from `row` on of the one whose panels begin at `packed` */
	size_t packed, row;
	/* of a matrix that is two or three on top of each other (queries, keys and values): rows
	 * where the second and the third begin; 0: there is none */
	int64_t cut[2];
};

/* A table and its block; all borrowed. */
struct weights {
	const struct weight *w;
	size_t n_w;
	float *v;
	size_t n; /* floats in v */
};

#endif
