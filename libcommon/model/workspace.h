/*
 * workspace.h - the activations of a micro-batch, from the forward pass to the backward pass.
 *
 * T tokens, R scored rows, d width, Q = block_qkv_dim, A = block_att_dim, F ffn, V vocabulary.
 */
#ifndef MODEL_WORKSPACE_H
#define MODEL_WORKSPACE_H

#include "model/block.h"
#include "tensor/softmax.h"

#include <assert.h>

enum {
	WORKSPACE_ROWS = 48, /* rows a job takes: a multiple of GEMM_MR */
	WORKSPACE_HEAD_ROWS =
		192, /* most rows a job of the head takes: a multiple of WORKSPACE_ROWS */
};

struct workspace {
	const struct model *m;
	const struct pack *p;
	bool keep;        /* activations of all layers, for a backward pass */
	bool recompute;   /* of each layer but its input, in the backward pass */
	size_t head_rows; /* rows a job of the head takes: in bf16 each packs the weights anew */
	size_t L;         /* layers whose activations have a place of their own: all, or 1 */
	size_t cap_mem;   /* floats in mem */
	float *mem;       /* one block; the pointers below are cut from it */

	/* kept from forward to backward */
	float *x;   /* (layers + 1, T, d) input of each layer, and of the head */
	float *qkv; /* (L, T, Q) after rotation */
	float *raw; /* (L, T, block_qk_dim) queries and keys before their norm; only where there is
		       one */
	float *att; /* (L, T, A) */
	float *x2;  /* (L, T, d) after the attention's residual */
	float *gu;  /* (L, T, 2 F); becomes its gradient */
	float *xr;  /* (R, d) rows of x that are scored */

	/* backward only */
	float *dx, *dx2;    /* (T, d) */
	float *xn, *dxn;    /* (T, d) */
	float *h;           /* (T, F) */
	float *datt, *dqkv; /* (T, A), (T, Q) */
	float *transposed;  /* a layer's matrices as mat_transpose makes them; only in bf16 */
	float *xrn;         /* (R, d) normed rows of the head; then the gradient of xr */
	float *rms;         /* (T or R) norm factors */
	float *lu, *lv;     /* (T, width of the adapter) see lora.h; only where there is one */
	float *qk_grad;     /* (blocks of rows, 2, head_dim) shares of the gradients of q_norm
			       and k_norm; only where there are any */

	float *logits;             /* (chunk, V) */
	size_t chunk;              /* rows of logits held at once */
	struct softmax_stat *stat; /* (R) */
	size_t cap_rows;

	uint32_t *pos; /* (T) position of each token in its sequence */
	size_t cap_pos;
	size_t longest; /* tokens of the longest sequence, with its prefix */
	float *scratch; /* per_thread floats for each thread */
	size_t per_thread, cap_scratch;

	/* of the call under way */
	size_t layer;
	const float *dlogp, *dent;
	float *logp, *entropy, *grads;
	bool full;         /* grads are of all weights, not of an adapter or none */
	size_t row0, row1; /* rows of the head's chunk */
};

/* Sizes everything for p; keep: activations of all layers and the buffers of the backward pass. */
void workspace_prepare(struct workspace *r, const struct model *m, const struct pack *p, bool keep);
float *workspace_scratch(struct workspace *r, int thread);

/* Place of the present layer among the L. */
static inline size_t workspace_slot(const struct workspace *r)
{
	assert(r->L == 1 || r->layer < r->L);
	return r->L > 1 ? r->layer : 0;
}

/* How many blocks of n items there are over 0..total, and what block i of WORKSPACE_ROWS covers */
static inline size_t workspace_blocks(size_t total, size_t n)
{
	return (total + n - 1) / n;
}

static inline void workspace_block(size_t i, size_t total, size_t *from, size_t *n)
{
	assert(i * WORKSPACE_ROWS < total);
	*from = i * WORKSPACE_ROWS;
	*n = total - *from < WORKSPACE_ROWS ? total - *from : WORKSPACE_ROWS;
}

/* Tokens of the prefix of sequence s, and where they begin */
size_t workspace_prefix(const struct pack *p, size_t s, size_t *start);

#endif
