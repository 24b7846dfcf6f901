/*
 * workspace.h - the activations of a micro-batch, from the forward pass to the backward pass.
 *
 * T tokens, R scored rows, d width, Q = block_qkv_most, A = block_att_most, F ffn, V vocabulary.
 */
#ifndef MODEL_WORKSPACE_H
#define MODEL_WORKSPACE_H

#include "model/block.h"
#include "model/part.h"
#include "model/wgrad.h"
#include "tensor/norm.h"
#include "tensor/softmax.h"

#include <assert.h>
#include <string.h>

enum {
	WORKSPACE_ROWS = 48,      /* rows of which a job takes some: a multiple of GEMM_MR */
	WORKSPACE_CHUNK = 192,    /* the head takes multiples of that at once, */
	WORKSPACE_HEAD_ROWS = 576 /* and a job of it so many at most */
};

struct workspace {
	const struct model *m;
	const struct pack *p;
	bool keep;        /* activations of all layers, for a backward pass */
	bool recompute;   /* of each layer but its input, in the backward pass */
	size_t rows;      /* rows a job takes: more in bf16, where weights come from memory else */
	size_t head_rows; /* rows a job of the head takes: in bf16 each packs the weights anew */
	size_t L;         /* layers whose activations have a place of their own: all, or 1 */
	size_t cap_mem;   /* floats in mem */
	float *mem;       /* one block; the pointers below are cut from it */

	/* kept from forward to backward */
	float *x;   /* (layers + 1, T, d) input of each layer, and of the head */
	float *qkv; /* (L, T, Q) after rotation; of a layer without attention, see mix.h */
	float *raw; /* (L, T, block_qk_dim) queries and keys before their norm; only where there is
		       one */
	float *att; /* (L, T, A) */
	float *x2;  /* (L, T, d) after the attention's residual */
	float *gu;  /* (L, T, U), U = block_up_dim; becomes its gradient */
	float *o_out, *down_out; /* (L, T, d) of the products, where a norm stands behind them */
	float *xr;               /* (R, d) rows of x that are scored */
	float *mixed;            /* (T, mix_row) of the present layer, where that is linear */

	/* backward only */
	float *dx, *dx2; /* (T, d) */
	float *ddown,
		*do_out;    /* (T, d) by the outputs of down and o; where they are not dx and dx2 */
	float *dn;          /* (T, d) by the one input of parallel layers */
	float *xn, *dxn;    /* (T, d) */
	float *h;           /* (T, F) */
	float *datt, *dqkv; /* (T, A), (T, Q) */
	float *gated;       /* (T, A) what the gates left of att, where there are any */
	float *dmixed, *dpre, *dconv; /* (T, ...) of layers without attention, see mixpass.c */
	float *mix_grad;        /* (blocks of rows, block_mix_weights) shares of a linear layer's */
	float *transposed;      /* a layer's matrices as mat_transpose makes them; only in bf16 */
	float *wgrad;           /* see wgrad.h; only in bf16 */
	float *xrn;             /* (R, d) normed rows of the head; then the gradient of xr */
	struct norm_stat *norm; /* (T or R) of a norm's rows */
	struct norm_stat *o_norm, *down_norm; /* (T) of norms behind o and down */
	float *lu, *lv;  /* (T, width of the adapter) see lora.h; only where there is one */
	float *qk_grad;  /* (blocks of rows, block_qk_norm) shares of the gradients of q_norm
			    and k_norm; only where there are any */
	float *act_grad; /* (blocks of rows, 2) of the activation's numbers, likewise */

	float *logits;             /* (chunk, V) */
	size_t chunk;              /* rows of logits held at once */
	struct softmax_stat *stat; /* (R) */
	size_t cap_rows;

	uint32_t *pos; /* (T) position of each token in its sequence */
	uint32_t *seq; /* (T) its sequence */
	size_t cap_pos;
	size_t longest; /* tokens of the longest sequence, with its prefix */
	float *scratch; /* per_thread floats for each thread */
	size_t per_thread, cap_scratch;

	/* of the call under way */
	size_t layer;
	const float *dlogp, *dent;
	float *logp, *entropy;
	float *grads; /* of the weights from grads_from on; see workspace_grad */
	size_t grads_from;
	const struct grads_to *to; /* they go there part by part; NULL: grads has all */
	bool full;                 /* grads are of all weights, not of an adapter or none */
	size_t row0, row1;         /* rows of the head's chunk */
};

/* Sizes everything for p; keep: activations of all layers and the buffers of the backward pass. */
void workspace_prepare(struct workspace *r, const struct model *m, const struct pack *p, bool keep);
float *workspace_scratch(struct workspace *r, int thread);
void workspace_wgrads(struct workspace *r, const struct wgrad *w, size_t n); /* wgrad_all */

/* Place of the present layer among the L. */
static inline size_t workspace_slot(const struct workspace *r)
{
	assert(r->L == 1 || r->layer < r->L);
	return r->L > 1 ? r->layer : 0;
}

/* Rows from token t on of the present layer, without gaps */
static inline float *workspace_qkv(const struct workspace *r, size_t t)
{
	return r->qkv + workspace_slot(r) * r->p->n_tok * block_qkv_most(r->m) +
	       t * block_qkv_dim(r->m, r->layer);
}

static inline float *workspace_att(const struct workspace *r, size_t t)
{
	return r->att + workspace_slot(r) * r->p->n_tok * block_att_most(r->m) +
	       t * block_att_dim(r->m, r->layer);
}

/* Where the gradient of the weight at an offset is. Part by part a tied embedding's, which is
 * complete last and begun first, is apart from the others'. */
static inline float *workspace_grad(const struct workspace *r, size_t at)
{
	if (r->to && at < part_apart(r->m))
		return r->to->room + at;
	assert(at >= r->grads_from);
	return r->grads + (at - r->grads_from);
}

/* How many blocks of n items there are over 0..total, and what block i of `rows` covers */
static inline size_t workspace_blocks(size_t total, size_t n)
{
	return (total + n - 1) / n;
}

static inline void workspace_block(size_t i, size_t rows, size_t total, size_t *from, size_t *n)
{
	assert(i * rows < total);
	*from = i * rows;
	*n = total - *from < rows ? total - *from : rows;
}

/* The share of `each` numbers that row t adds to: one for WORKSPACE_ROWS rows, whoever computes
 * them; cleared by the first. */
static inline float *workspace_share(float *shares, size_t t, size_t each)
{
	float *share = shares + t / WORKSPACE_ROWS * each;

	if (t % WORKSPACE_ROWS == 0)
		memset(share, 0, each * sizeof *share);
	return share;
}

/* Tokens of the prefix of sequence s, and where they begin */
size_t workspace_prefix(const struct pack *p, size_t s, size_t *start);
/* How many sequences s and those that go on from it are; 0: s goes on from another itself. */
size_t workspace_family(const struct pack *p, size_t s);

#endif
