/*
 * block.h - the forward pass of a layer but for its attention, on rows (tokens) that need not
 * belong together. The trainer and the sampler both call exactly this, so that a token's numbers
 * are the same bits in both. Scratch is the caller's: block_scratch floats.
 */
#ifndef MODEL_BLOCK_H
#define MODEL_BLOCK_H

#include "model/model.h"
#include "tensor/attention.h"
#include "tensor/norm.h"

size_t block_scratch(const struct model *m, size_t rows);

/* Sizes of a row: what goes into a layer's attention, or what it has in its place: queries, keys
 * and values of all heads; queries, and with keys; what comes out; the activation's inputs. The
 * most that any layer has. */
size_t block_qkv_dim(const struct model *m, size_t layer);
size_t block_q_dim(const struct model *m);
size_t block_qk_dim(const struct model *m);
size_t block_att_dim(const struct model *m, size_t layer);
size_t block_up_dim(const struct model *m);
size_t block_qkv_most(const struct model *m);
size_t block_att_most(const struct model *m);

/* Rows that go through a layer together. */
struct block {
	const struct model *m;
	size_t layer, rows;
	float *scratch; /* block_scratch(m, rows) floats */
};

/* What a layer computes its rows by */
struct norm block_norm(const struct model *m, struct norm_at at);
struct att_how block_att(const struct model *m, size_t layer);
/* Keys and values are held in bf16 */
bool block_half(const struct model *m);
struct act block_act(const struct model *m, size_t layer);
/* Do the outputs of o and down go through a norm? And, or, a factor? Else they are added as they
 * are. */
bool block_norms_out(const struct model *m);
bool block_adds_plain(const struct model *m);

/* The norms of queries, or of keys: n of them side by side in a row, whose weights are `step`
 * floats apart. */
struct block_qk {
	struct norm norm; /* the first */
	size_t n, step;
};
struct block_qk block_q_norm(const struct model *m, size_t layer);
struct block_qk block_k_norm(const struct model *m, size_t layer);
size_t block_qk_weights(const struct model *m);  /* of both, in a layer */
size_t block_mix_weights(const struct model *m); /* of a linear layer's norm, A_log and dt_bias */

void block_embed(const struct model *m, float *x, const uint32_t *tokens, size_t rows);
/* qkv (rows, qkv_dim) of x (rows, d): norm, projection, bias, and what block_turn does (pos NULL:
 * is left to it). raw (rows, qk_dim; NULL: not wanted): queries and keys before their norm, kept
 * for the backward pass of a model that has it. */
void block_qkv(const struct block *b, float *qkv, float *raw, const float *x, const uint32_t *pos);
/* Norms queries and keys, and turns them by each row's position. */
void block_turn(const struct block *b, float *qkv, float *raw, const uint32_t *pos);
/* Turns a row's heads back: gradients by turned queries and keys become those before. */
void block_turn_back(const struct model *m, size_t layer, float *dqkv, size_t pos);

/* Rows that block_mlp fills; x2 and out may be its x. */
struct block_out {
	float *out;              /* (rows, d) */
	float *x2;               /* (rows, d) behind the attention */
	float *gu;               /* (rows, up_dim), kept for the backward pass */
	float *o_out, *down_out; /* (rows, d) of the products, before a norm; NULL: not wanted */
};
/* qkv: the rows that att was made of, for their gates. x2 = x + att Wo'; out = x2 + down(act(gate,
 * up)) of x2's norm, each product with its bias, and with the norms and the factor that the family
 * has there. */
void block_mlp(const struct block *b, const struct block_out *to, const float *x, const float *att,
	       const float *qkv);
/* logits (rows, vocab) of x (rows, d), whatever the layer; xn (rows, d): the normed rows */
void block_logits(const struct block *b, float *logits, float *xn, const float *x);

#endif
