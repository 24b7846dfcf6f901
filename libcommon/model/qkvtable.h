/*
 * qkvtable.h - the first layer's queries, keys and values of each token of a small vocabulary. They
 * depend on nothing else until they are turned, so they need not be computed again for each
 * position.
 */
#ifndef MODEL_QKVTABLE_H
#define MODEL_QKVTABLE_H

#include "model/block.h"

struct qkvtable {
	float *row; /* (vocab, block_qkv_dim) not turned, not normed; owned; NULL until
		       qkvtable_make */
	size_t n;   /* floats; 0: the vocabulary is too large */
};

/* Sizes it; no memory is taken. */
void qkvtable_init(struct qkvtable *t, const struct model *m);
/* Whenever the weights have changed; by all threads of par.h. Not with n = 0. */
void qkvtable_make(struct qkvtable *t, const struct model *m);
/* What block_qkv gives for these tokens as rows of b, of the first layer: qkv (rows,
 * block_qkv_dim) */
void qkvtable_qkv(const struct qkvtable *t, const struct block *b, float *qkv,
		  const uint32_t *tokens, const uint32_t *pos);
void qkvtable_free(struct qkvtable *t);

#endif
