/*
 * block.h - the forward pass of a layer but for its attention, on rows (tokens) that need not
 * belong together. The trainer and the sampler both call exactly this, so that a token's numbers
 * are the same bits in both. Scratch is the caller's: block_scratch floats.
 */
#ifndef MODEL_BLOCK_H
#define MODEL_BLOCK_H

#include "model/model.h"

size_t block_scratch(const struct model *m, size_t rows);

/* Sizes of a row: queries, keys and values of all heads; queries and keys; attention output */
size_t block_qkv_dim(const struct model *m);
size_t block_qk_dim(const struct model *m);
size_t block_att_dim(const struct model *m);

/* Rows that go through a layer together. */
struct block {
	const struct model *m;
	size_t layer, rows;
	float *scratch; /* block_scratch(m, rows) floats */
};

void block_embed(const struct model *m, float *x, const uint32_t *tokens, size_t rows);
/* qkv (rows, qkv_dim) of x (rows, d): norm, projection, bias, norm of queries and keys, rotation by
 * each row's position (pos NULL: left to block_rotate). raw (rows, qk_dim; NULL: not wanted):
 * queries and keys before their norm, kept for the backward pass of a model that has it. */
void block_qkv(const struct block *b, float *qkv, float *raw, const float *x, const uint32_t *pos);
void block_rotate(const struct model *m, float *qkv, const uint32_t *pos, size_t rows);
/* x2 = x + att Wo'; out = x2 + down(silu(gate) * up) of x2's norm, each product with its bias. gu
 * (rows, 2 * ffn) is kept for the backward pass. x2 and out may be x. */
void block_mlp(const struct block *b, float *out, float *x2, float *gu, const float *x,
	       const float *att);
/* logits (rows, vocab) of x (rows, d), whatever the layer; xn (rows, d): the normed rows */
void block_logits(const struct block *b, float *logits, float *xn, const float *x);

#endif
