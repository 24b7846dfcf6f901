/* backward.c - backward pass over packed sequences. See model.h and workspace.h. */
#include "base/par.h"
#include "model/forward.h"
#include "model/head.h"
#include "model/mat.h"
#include "model/wgrad.h"
#include "tensor/attention.h"
#include "tensor/layers.h"

#include <string.h>

/* Where a matrix of the present layer is in r->transposed; NULL: not in bf16 */
static uint32_t *transposed(const struct workspace *r, const struct mat *w)
{
	uint32_t *at = (uint32_t *)r->transposed;

	if (!(r->m->how & MODEL_BF16))
		return NULL;
	for (int i = 0; mat_of_layer(&r->m->layer[r->layer], i) != w; i++)
		at += mat_transposed_words(mat_of_layer(r->m->layer, i));
	return at;
}

static void job_transpose(void *ctx, size_t i, int thread)
{
	struct workspace *r = ctx;
	const struct mat *w;
	int k = 0;

	for (; i >= mat_transposed_blocks(w = mat_of_layer(&r->m->layer[r->layer], k)); k++)
		i -= mat_transposed_blocks(w);
	mat_transpose(r->m, w, transposed(r, w), i, workspace_scratch(r, thread));
}

static void transpose_layer(struct workspace *r)
{
	size_t n = 0;

	for (int i = 0; i < MAT_LAYER && r->m->how & MODEL_BF16; i++)
		n += mat_transposed_blocks(mat_of_layer(r->m->layer, i));
	par_for(n, job_transpose, r);
}

/* dx (rows, k) = dy (rows, n) W, a matrix of the present layer */
static void back(const struct workspace *r, const struct mat *w, float *dx, const float *dy,
		 size_t rows, float *scratch)
{
	mat_backward(r->m, w, transposed(r, w), dx, dy, rows, scratch);
}

/* Through the adapter of the layers that share an input: dx (n, in) gains what goes back to the
 * rows from.. of it; dy (n, ldy) is the gradient of their outputs. */
static void adapter_back(struct workspace *r, enum lora_input input, size_t from, size_t n,
			 float *dx, const float *dy, size_t ldy)
{
	const struct lora *l = r->m->lora;

	if (l)
		lora_backward(l, lora_group(l, r->layer, input), dx, r->lv + from * l->width, dy,
			      ldy, n);
}

/* What the gradient of its B's needs of the input's rows from.. */
static void adapter_inner(struct workspace *r, enum lora_input input, size_t from, size_t n,
			  const float *x)
{
	const struct lora *l = r->m->lora;

	if (l)
		lora_inner(l, lora_group(l, r->layer, input), r->lu + from * l->width, x, n);
}

/* From the gradient of the layer's output (dx) to those of gate and up, of the norm's output (dxn),
 * of x2 (dx2) and of the attention's output (datt), for a block of rows. */
static void job_mlp_back(void *ctx, size_t i, int thread)
{
	struct workspace *r = ctx;
	const struct model *m = r->m;
	const struct layer *w = &m->layer[r->layer];
	size_t T = r->p->n_tok, d = (size_t)m->cfg.d, F = (size_t)m->cfg.ffn, A = block_att_dim(m);
	size_t from, n;
	float *dh = workspace_scratch(r, thread), *rest = dh + WORKSPACE_ROWS * F, *gu, *x2, *dx2;

	workspace_block(i, r->p->n_tok, &from, &n);
	gu = r->gu + (workspace_slot(r) * T + from) * 2 * F;
	x2 = r->x2 + (workspace_slot(r) * T + from) * d;
	dx2 = r->dx2 + from * d;
	back(r, &w->down, dh, r->dx + from * d, n, rest);
	adapter_back(r, LORA_IN_DOWN, from, n, dh, r->dx + from * d, d);
	for (size_t t = 0; t < n; t++) {
		swiglu_forward(r->h + (from + t) * F, gu + t * 2 * F, F);
		swiglu_backward(gu + t * 2 * F, dh + t * F, gu + t * 2 * F, F);
	}
	adapter_inner(r, LORA_IN_DOWN, from, n, r->h + from * F);
	back(r, &w->gu, r->dxn + from * d, gu, n, rest);
	adapter_back(r, LORA_IN_GU, from, n, r->dxn + from * d, gu, 2 * F);
	memcpy(dx2, r->dx + from * d, n * d * sizeof *dx2);
	for (size_t t = 0; t < n; t++) {
		r->rms[from + t] = rmsnorm_forward(r->xn + (from + t) * d, x2 + t * d,
						   m->params + w->norm2, d, (float)m->cfg.norm_eps);
		rmsnorm_backward(dx2 + t * d, r->dxn + (from + t) * d, x2 + t * d,
				 m->params + w->norm2, r->rms[from + t], d);
	}
	adapter_inner(r, LORA_IN_GU, from, n, r->xn + from * d);
	back(r, &w->o, r->datt + from * A, dx2, n, rest);
	adapter_back(r, LORA_IN_O, from, n, r->datt + from * A, dx2, d);
	adapter_inner(r, LORA_IN_O, from, n, r->att + (workspace_slot(r) * T + from) * A);
}

/* How many sequences s and those that go on from it are; 0: s goes on from another itself. */
static size_t family(const struct pack *p, size_t s)
{
	size_t n = 1;

	if (p->prefix && p->prefix[s] != s)
		return 0;
	while (p->prefix && s + n < p->n_seq && p->prefix[s + n] == s)
		n++;
	return n;
}

/* Job: a sequence without prefix and all that go on from it, one key/value head: dqkv from datt,
 * the rotation undone */
static void job_att_back(void *ctx, size_t i, int thread)
{
	struct workspace *r = ctx;
	const struct config *c = &r->m->cfg;
	size_t kvh = (size_t)c->kv_heads, hd = (size_t)c->head_dim, s = i / kvh, g = i % kvh;
	size_t rep = (size_t)c->heads / kvh, start = r->p->start[s], n_seq = family(r->p, s);
	size_t Q = block_qkv_dim(r->m), A = block_att_dim(r->m), T = r->p->n_tok;
	size_t q_at = g * rep * hd, k_at = ((size_t)c->heads + g) * hd, v_at = k_at + kvh * hd;
	float *qkv = r->qkv + (workspace_slot(r) * T + start) * Q, *dqkv = r->dqkv + start * Q;
	float *att = r->att + (workspace_slot(r) * T + start) * A;

	if (!n_seq)
		return; /* where its prefix is */
	att_backward(dqkv + q_at, dqkv + k_at, dqkv + v_at, Q, qkv + q_at, qkv + k_at, qkv + v_at,
		     Q, att + q_at, r->datt + start * A + q_at, A, r->p->start + s, n_seq, rep, hd,
		     workspace_scratch(r, thread));
	for (size_t t = 0; t < r->p->start[s + n_seq] - start; t++) {
		const float *cs = angles_at(r->m->rope, r->pos[start + t]);

		for (size_t h = 0; h < rep; h++)
			rope_backward(dqkv + t * Q + q_at + h * hd, cs, hd);
		rope_backward(dqkv + t * Q + k_at, cs, hd);
	}
}

/* Through the norm of n heads side by side: dy becomes the gradient of raw, and grad(hd) gains that
 * of the norm's weights w. tmp: 2 hd floats. */
static void norm_heads_back(float *dy, const float *raw, const float *w, float *grad, size_t n,
			    size_t hd, float eps, float *tmp)
{
	for (size_t h = 0; h < n; h++, dy += hd, raw += hd) {
		float rms = rmsnorm_forward(tmp, raw, w, hd, eps), *dx = tmp + hd;

		memset(dx, 0, hd * sizeof *dx);
		wgrad_norm_row(grad, dy, raw, rms, hd);
		rmsnorm_backward(dx, dy, raw, w, rms, hd);
		memcpy(dy, dx, hd * sizeof *dy);
	}
}

/* dqkv of block i: back through the norms of queries and keys, whose gradients go into the block's
 * share. */
static void qk_norm_back(struct workspace *r, size_t i, size_t from, size_t n, float *tmp)
{
	const struct model *m = r->m;
	const struct layer *w = &m->layer[r->layer];
	size_t hd = (size_t)m->cfg.head_dim, heads = (size_t)m->cfg.heads, qk = block_qk_dim(m);
	const float *raw = r->raw + (workspace_slot(r) * r->p->n_tok + from) * qk;
	float *grad = r->qk_grad + i * 2 * hd, eps = (float)m->cfg.norm_eps;

	memset(grad, 0, 2 * hd * sizeof *grad);
	for (size_t t = 0; t < n; t++, raw += qk) {
		float *dy = r->dqkv + (from + t) * block_qkv_dim(m);

		norm_heads_back(dy, raw, m->params + w->q_norm, grad, heads, hd, eps, tmp);
		norm_heads_back(dy + heads * hd, raw + heads * hd, m->params + w->k_norm, grad + hd,
				(size_t)m->cfg.kv_heads, hd, eps, tmp);
	}
}

/* From dqkv to the gradient of the layer's input, added to dx2. */
static void job_qkv_back(void *ctx, size_t i, int thread)
{
	struct workspace *r = ctx;
	const struct model *m = r->m;
	const struct layer *w = &m->layer[r->layer];
	size_t T = r->p->n_tok, d = (size_t)m->cfg.d, Q = block_qkv_dim(m), from, n;
	const float *x;

	workspace_block(i, r->p->n_tok, &from, &n);
	x = r->x + (r->layer * T + from) * d;
	if (w->q_norm)
		qk_norm_back(r, i, from, n, workspace_scratch(r, thread));
	back(r, &w->qkv, r->dxn + from * d, r->dqkv + from * Q, n, workspace_scratch(r, thread));
	adapter_back(r, LORA_IN_QKV, from, n, r->dxn + from * d, r->dqkv + from * Q, Q);
	for (size_t t = 0; t < n; t++) {
		r->rms[from + t] = rmsnorm_forward(r->xn + (from + t) * d, x + t * d,
						   m->params + w->norm1, d, (float)m->cfg.norm_eps);
		rmsnorm_backward(r->dx2 + (from + t) * d, r->dxn + (from + t) * d, x + t * d,
				 m->params + w->norm1, r->rms[from + t], d);
	}
	adapter_inner(r, LORA_IN_QKV, from, n, r->xn + from * d);
}

static void wgrads(struct workspace *r, const struct wgrad *w, size_t n)
{
	wgrad_all(w, n, r->m->how & MODEL_BF16, r->scratch, r->per_thread);
}

/* Where the gradient of a weight that may be absent goes */
static float *grad_of(const struct workspace *r, size_t offset)
{
	return offset ? r->grads + offset : NULL;
}

/* Adds up the blocks' shares, in order. */
static void qk_norm_grad(struct workspace *r, size_t blocks)
{
	const struct layer *w = &r->m->layer[r->layer];
	size_t n = 2 * (size_t)r->m->cfg.head_dim; /* k_norm lies behind q_norm */

	for (size_t i = 0; w->q_norm && i < blocks; i++)
		layers_add_row(r->grads + w->q_norm, r->qk_grad + i * n, n);
}

/* The adapter of the layers that have the input x (T, in), from the gradient dy (T, ldy) of their
 * outputs */
static void adapter_grads(struct workspace *r, enum lora_input input, const float *dy, size_t ldy,
			  const float *x)
{
	const struct lora *l = r->m->lora;
	const struct lora_group *g = lora_group(l, r->layer, input);
	size_t T = r->p->n_tok, rank = (size_t)l->r;
	struct wgrad job[1 + LORA_SHARE];

	job[0] = (struct wgrad){r->grads + g->a, NULL,     r->lv + g->at, x, g->rows,
				g->in,           l->width, g->in,         T};
	for (size_t k = 0; k < g->n; k++)
		job[1 + k] = (struct wgrad){r->grads + g->b[k].b,
					    NULL,
					    dy + g->b[k].col,
					    r->lu + g->at + k * rank,
					    g->b[k].out,
					    rank,
					    ldy,
					    l->width,
					    T};
	if (g->n)
		wgrads(r, job, 1 + g->n);
}

/* Weights from the attention's output on */
static void mlp_grads(struct workspace *r)
{
	const struct model *m = r->m;
	const struct layer *w = &m->layer[r->layer];
	size_t T = r->p->n_tok, d = (size_t)m->cfg.d, F = (size_t)m->cfg.ffn, l = workspace_slot(r);
	size_t A = block_att_dim(m);
	float *g = r->grads;
	const struct wgrad mlp[] = {
		{g + w->gu.at, grad_of(r, w->gu_bias), r->gu + l * T * 2 * F, r->xn, 2 * F, d,
		 2 * F, d, T},
		{g + w->down.at, grad_of(r, w->down_bias), r->dx, r->h, d, F, d, F, T},
		{g + w->o.at, grad_of(r, w->o_bias), r->dx2, r->att + l * T * A, d, A, d, A, T},
	};

	wgrads(r, mlp, 3);
	wgrad_norm(g + w->norm2, r->dxn, r->x2 + l * T * d, r->rms, T, d);
}

/* Weights up to the attention's queries, keys and values */
static void qkv_grads(struct workspace *r)
{
	const struct model *m = r->m;
	const struct layer *w = &m->layer[r->layer];
	size_t T = r->p->n_tok, d = (size_t)m->cfg.d, Q = block_qkv_dim(m);
	const struct wgrad qkv = {
		r->grads + w->qkv.at, grad_of(r, w->qkv_bias), r->dqkv, r->xn, Q, d, Q, d, T};

	wgrads(r, &qkv, 1);
	qk_norm_grad(r, workspace_blocks(T, WORKSPACE_ROWS));
	wgrad_norm(r->grads + w->norm1, r->dxn, r->x + r->layer * T * d, r->rms, T, d);
}

static void layer_backward(struct workspace *r)
{
	const struct model *m = r->m;
	size_t T = r->p->n_tok, d = (size_t)m->cfg.d, F = (size_t)m->cfg.ffn, l = workspace_slot(r);
	size_t blocks = workspace_blocks(T, WORKSPACE_ROWS);
	float *t;

	transpose_layer(r);
	par_for(blocks, job_mlp_back, r);
	if (r->full)
		mlp_grads(r);
	if (m->lora) {
		adapter_grads(r, LORA_IN_GU, r->gu + l * T * 2 * F, 2 * F, r->xn);
		adapter_grads(r, LORA_IN_DOWN, r->dx, d, r->h);
		adapter_grads(r, LORA_IN_O, r->dx2, d, r->att + l * T * block_att_dim(m));
	}
	par_for(r->p->n_seq * (size_t)m->cfg.kv_heads, job_att_back, r);
	par_for(blocks, job_qkv_back, r);
	if (r->full)
		qkv_grads(r);
	if (m->lora)
		adapter_grads(r, LORA_IN_QKV, r->dqkv, block_qkv_dim(m), r->xn);
	t = r->dx; /* dx2 is now the gradient of the layer's input */
	r->dx = r->dx2;
	r->dx2 = t;
}

void model_backward(struct workspace *r, const struct model *m, const struct pack *p,
		    const float *dlogp, const float *dent, float *grads)
{
	r->m = m;
	r->p = p;
	r->dlogp = dlogp;
	r->dent = dent;
	r->grads = grads;
	r->full = !(m->how & MODEL_FROZEN) && !m->lora;
	head_backward(r);
	for (r->layer = (size_t)m->cfg.layers; r->layer-- > 0;) {
		if (r->recompute && r->layer + 1 < (size_t)m->cfg.layers)
			forward_layer(r); /* the last one's activations are still there */
		layer_backward(r);
	}
	if (r->full)
		wgrad_add_rows(grads + m->embed.at, p->tokens, r->dx, p->n_tok, (size_t)m->cfg.d);
}
