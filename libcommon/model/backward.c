/* backward.c - backward pass over packed sequences. See model.h and workspace.h. */
#include "base/par.h"
#include "model/forward.h"
#include "model/head.h"
#include "model/mat.h"
#include "model/wgrad.h"
#include "tensor/attention.h"
#include "tensor/layers.h"

#include <assert.h>
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
static void back(const struct workspace *r, const struct mat *w, float *dx, struct cmatrix dy,
		 float *scratch)
{
	assert(dy.cols == w->n && dy.ld == w->n);
	mat_backward(r->m, w, transposed(r, w), matrix_of(dx, dy.rows, w->k, w->k), dy.p, scratch);
}

/* Through the adapter of the layers that share an input: dx (n, in) gains what goes back to the
 * rows from.. of it; dy is the gradient of their outputs. */
static void adapter_back(struct workspace *r, enum lora_input input, size_t from, float *dx,
			 struct cmatrix dy)
{
	const struct lora *l = r->m->lora;

	if (l)
		lora_backward(l, lora_group(l, r->layer, input), dx, r->lv + from * l->width, dy);
}

/* What the gradient of its B's needs of the input's rows from.. */
static void adapter_inner(struct workspace *r, enum lora_input input, size_t from, size_t n,
			  const float *x)
{
	const struct lora *l = r->m->lora;

	if (l)
		lora_inner(l, lora_group(l, r->layer, input), r->lu + from * l->width, x, n);
}

/* Through a norm of the rows x (n, d) of a block that begins at `from`: dx (n, d) gains the
 * gradient; the normed rows go into xn and their factors into rms, for the norm's weights. */
static void norm_back(struct workspace *r, size_t norm, float *dx, const float *x, size_t from,
		      size_t n)
{
	size_t d = (size_t)r->m->cfg.d;
	const float *w = r->m->params + norm;

	for (size_t t = 0; t < n; t++, dx += d, x += d) {
		size_t at = (from + t) * d;

		r->rms[from + t] = rmsnorm_forward(r->xn + at, x, w, d, (float)r->m->cfg.norm_eps);
		rmsnorm_backward(dx, r->dxn + at, x, w, r->rms[from + t], d);
	}
}

/*
 * For a block of rows, from dx, the gradient of the layer's output, in this order:
 *
 *     dh = dx Wdown (n, F), (dg, du) = swiglu's (n, 2 F, in place of gu), dxn = (dg, du) Wgu (n,
 * d), dx2 = dx + rmsnorm's of dxn (n, d), datt = dx2 Wo (n, A)
 *
 * and each time what an adapter adds. h and the normed rows are made again for the weights.
 */
static void job_mlp_back(void *ctx, size_t i, int thread)
{
	struct workspace *r = ctx;
	const struct model *m = r->m;
	const struct layer *w = &m->layer[r->layer];
	size_t T = r->p->n_tok, d = (size_t)m->cfg.d, F = (size_t)m->cfg.ffn, A = block_att_dim(m);
	size_t from, n;
	float *dh = workspace_scratch(r, thread), *rest = dh + WORKSPACE_ROWS * F, *gu, *x2, *dx2;
	struct cmatrix dx, dgu, dx2_in;

	workspace_block(i, r->p->n_tok, &from, &n);
	gu = r->gu + (workspace_slot(r) * T + from) * 2 * F;
	x2 = r->x2 + (workspace_slot(r) * T + from) * d;
	dx2 = r->dx2 + from * d;
	dx = matrix_in(r->dx + from * d, n, d, d);
	dgu = matrix_in(gu, n, 2 * F, 2 * F);
	dx2_in = matrix_in(dx2, n, d, d);
	back(r, &w->down, dh, dx, rest);
	adapter_back(r, LORA_IN_DOWN, from, dh, dx);
	for (size_t t = 0; t < n; t++) {
		swiglu_forward(r->h + (from + t) * F, gu + t * 2 * F, F);
		swiglu_backward(gu + t * 2 * F, dh + t * F, gu + t * 2 * F, F);
	}
	adapter_inner(r, LORA_IN_DOWN, from, n, r->h + from * F);
	back(r, &w->gu, r->dxn + from * d, dgu, rest);
	adapter_back(r, LORA_IN_GU, from, r->dxn + from * d, dgu);
	memcpy(dx2, dx.p, n * d * sizeof *dx2);
	norm_back(r, w->norm2, dx2, x2, from, n);
	adapter_inner(r, LORA_IN_GU, from, n, r->xn + from * d);
	back(r, &w->o, r->datt + from * A, dx2_in, rest);
	adapter_back(r, LORA_IN_O, from, r->datt + from * A, dx2_in);
	adapter_inner(r, LORA_IN_O, from, n, r->att + (workspace_slot(r) * T + from) * A);
}

/* How many sequences s and those that go on from it are; 0: s goes on from another itself. */
static size_t family(const struct pack *p, size_t s)
{
	size_t n = 1;

	assert(s < p->n_seq);
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
	size_t q_at = g * rep * hd, k_at = ((size_t)c->heads + g) * hd, v_at = k_at + kvh * hd, n;
	float *qkv = r->qkv + (workspace_slot(r) * T + start) * Q, *dqkv = r->dqkv + start * Q;
	float *att = r->att + (workspace_slot(r) * T + start) * A;

	if (!n_seq)
		return; /* where its prefix is */
	n = r->p->start[s + n_seq] - start;
	att_backward(
		&(struct att_pass){.dq = matrix_of(dqkv + q_at, n, rep * hd, Q),
				   .dk = matrix_of(dqkv + k_at, n, hd, Q),
				   .dv = matrix_of(dqkv + v_at, n, hd, Q),
				   .q = matrix_in(qkv + q_at, n, rep * hd, Q),
				   .k = matrix_in(qkv + k_at, n, hd, Q),
				   .v = matrix_in(qkv + v_at, n, hd, Q),
				   .o = matrix_in(att + q_at, n, rep * hd, A),
				   .d_o = matrix_in(r->datt + start * A + q_at, n, rep * hd, A),
				   .start = r->p->start + s,
				   .n = n_seq},
		workspace_scratch(r, thread));
	for (size_t t = 0; t < n; t++) {
		const float *cs = angles_at(r->m->rope, r->pos[start + t]);

		for (size_t h = 0; h < rep; h++)
			rope_backward(dqkv + t * Q + q_at + h * hd, cs, hd);
		rope_backward(dqkv + t * Q + k_at, cs, hd);
	}
}

/* Heads side by side that one norm of hd weights serves, and its share of the gradient */
struct head_norm {
	const float *w;
	float *grad; /* (hd), added to */
	size_t heads, hd;
	float eps;
};

/* dy (heads, hd) becomes the gradient of raw, as rmsnorm_backward says. tmp: 2 hd floats. */
static void norm_heads_back(const struct head_norm *h, float *dy, const float *raw, float *tmp)
{
	size_t hd = h->hd;

	for (size_t i = 0; i < h->heads; i++, dy += hd, raw += hd) {
		float rms = rmsnorm_forward(tmp, raw, h->w, hd, h->eps), *dx = tmp + hd;

		memset(dx, 0, hd * sizeof *dx);
		wgrad_norm_row(h->grad, dy, raw, rms, hd);
		rmsnorm_backward(dx, dy, raw, h->w, rms, hd);
		memcpy(dy, dx, hd * sizeof *dy);
	}
}

/* dqkv of block i: back through the norms of queries and keys, whose gradients go into the block's
 * share. */
static void qk_norm_back(struct workspace *r, size_t i, size_t from, size_t n, float *tmp)
{
	const struct config *c = &r->m->cfg;
	const struct layer *w = &r->m->layer[r->layer];
	size_t hd = (size_t)c->head_dim, heads = (size_t)c->heads, qk = block_qk_dim(r->m);
	const float *raw = r->raw + (workspace_slot(r) * r->p->n_tok + from) * qk;
	float *grad = r->qk_grad + i * 2 * hd, eps = (float)c->norm_eps;
	const struct head_norm q = {r->m->params + w->q_norm, grad, heads, hd, eps};
	const struct head_norm k = {r->m->params + w->k_norm, grad + hd, (size_t)c->kv_heads, hd,
				    eps};

	memset(grad, 0, 2 * hd * sizeof *grad);
	for (size_t t = 0; t < n; t++, raw += qk) {
		float *dy = r->dqkv + (from + t) * block_qkv_dim(r->m);

		norm_heads_back(&q, dy, raw, tmp);
		norm_heads_back(&k, dy + heads * hd, raw + heads * hd, tmp);
	}
}

/* For a block of rows: dxn = dqkv Wqkv (n, d), dx2 += rmsnorm's of dxn, which makes it the gradient
 * of the layer's input. */
static void job_qkv_back(void *ctx, size_t i, int thread)
{
	struct workspace *r = ctx;
	const struct model *m = r->m;
	const struct layer *w = &m->layer[r->layer];
	size_t T = r->p->n_tok, d = (size_t)m->cfg.d, Q = block_qkv_dim(m), from, n;
	struct cmatrix dqkv;

	workspace_block(i, r->p->n_tok, &from, &n);
	dqkv = matrix_in(r->dqkv + from * Q, n, Q, Q);
	if (w->q_norm)
		qk_norm_back(r, i, from, n, workspace_scratch(r, thread));
	back(r, &w->qkv, r->dxn + from * d, dqkv, workspace_scratch(r, thread));
	adapter_back(r, LORA_IN_QKV, from, r->dxn + from * d, dqkv);
	norm_back(r, w->norm1, r->dx2 + from * d, r->x + (r->layer * T + from) * d, from, n);
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

/* dA += v' x, dB += dy' u: the adapter of the layers that have the input x (T, in), from the
 * gradient dy of their outputs; u, v as lora_inner and lora_backward left them. */
static void adapter_grads(struct workspace *r, enum lora_input input, struct cmatrix dy,
			  const float *x)
{
	const struct lora *l = r->m->lora;
	const struct lora_group *g = lora_group(l, r->layer, input);
	size_t T = r->p->n_tok, rank = (size_t)l->r;
	struct wgrad job[1 + LORA_SHARE];

	if (!g->n)
		return;
	job[0] = (struct wgrad){r->grads + g->a, NULL,
				matrix_in(r->lv + g->at, T, g->rows, l->width),
				matrix_in(x, T, g->in, g->in)};
	for (size_t k = 0; k < g->n; k++)
		job[1 + k] = (struct wgrad){r->grads + g->b[k].b, NULL,
					    matrix_in(dy.p + g->b[k].col, T, g->b[k].out, dy.ld),
					    matrix_in(r->lu + g->at + k * rank, T, rank, l->width)};
	wgrads(r, job, 1 + g->n);
}

/* (T, n) rows without gaps */
static struct cmatrix all_rows(const struct workspace *r, const float *p, size_t n)
{
	return matrix_in(p, r->p->n_tok, n, n);
}

/* dWgu += (dg, du)' xn, dWdown += dx' h, dWo += dx2' att, and the norm's: weights from the
 * attention's output on */
static void mlp_grads(struct workspace *r)
{
	const struct model *m = r->m;
	const struct layer *w = &m->layer[r->layer];
	size_t T = r->p->n_tok, d = (size_t)m->cfg.d, F = (size_t)m->cfg.ffn, l = workspace_slot(r);
	size_t A = block_att_dim(m);
	float *g = r->grads;
	const struct wgrad mlp[] = {
		{g + w->gu.at, grad_of(r, w->gu_bias), all_rows(r, r->gu + l * T * 2 * F, 2 * F),
		 all_rows(r, r->xn, d)},
		{g + w->down.at, grad_of(r, w->down_bias), all_rows(r, r->dx, d),
		 all_rows(r, r->h, F)},
		{g + w->o.at, grad_of(r, w->o_bias), all_rows(r, r->dx2, d),
		 all_rows(r, r->att + l * T * A, A)},
	};

	wgrads(r, mlp, 3);
	wgrad_norm(g + w->norm2, r->dxn, r->x2 + l * T * d, r->rms, T, d);
}

/* dWqkv += dqkv' xn, and the norms': weights up to the attention's queries, keys and values */
static void qkv_grads(struct workspace *r)
{
	const struct model *m = r->m;
	const struct layer *w = &m->layer[r->layer];
	size_t T = r->p->n_tok, d = (size_t)m->cfg.d, Q = block_qkv_dim(m);
	const struct wgrad qkv = {r->grads + w->qkv.at, grad_of(r, w->qkv_bias),
				  all_rows(r, r->dqkv, Q), all_rows(r, r->xn, d)};

	wgrads(r, &qkv, 1);
	qk_norm_grad(r, workspace_blocks(T, WORKSPACE_ROWS));
	wgrad_norm(r->grads + w->norm1, r->dxn, r->x + r->layer * T * d, r->rms, T, d);
}

/* From r->dx, the gradient of the layer's output, to that of its input, in r->dx again */
static void layer_backward(struct workspace *r)
{
	const struct model *m = r->m;
	size_t T = r->p->n_tok, d = (size_t)m->cfg.d, F = (size_t)m->cfg.ffn, l = workspace_slot(r);
	size_t blocks = workspace_blocks(T, WORKSPACE_ROWS);
	float *t;

	assert(r->dx && r->dx2 && r->dx != r->dx2);
	transpose_layer(r);
	par_for(blocks, job_mlp_back, r);
	if (r->full)
		mlp_grads(r);
	if (m->lora) {
		adapter_grads(r, LORA_IN_GU, all_rows(r, r->gu + l * T * 2 * F, 2 * F), r->xn);
		adapter_grads(r, LORA_IN_DOWN, all_rows(r, r->dx, d), r->h);
		adapter_grads(r, LORA_IN_O, all_rows(r, r->dx2, d),
			      r->att + l * T * block_att_dim(m));
	}
	par_for(r->p->n_seq * (size_t)m->cfg.kv_heads, job_att_back, r);
	par_for(blocks, job_qkv_back, r);
	if (r->full)
		qkv_grads(r);
	if (m->lora)
		adapter_grads(r, LORA_IN_QKV, all_rows(r, r->dqkv, block_qkv_dim(m)), r->xn);
	t = r->dx; /* dx2 is now the gradient of the layer's input */
	r->dx = r->dx2;
	r->dx2 = t;
}

void model_backward(struct workspace *r, const struct model *m, const struct pack *p,
		    const float *dlogp, const float *dent, float *grads)
{
	assert(r->keep && r->m == m && r->p->n_tok == p->n_tok); /* after model_forward */
	assert(dlogp || !p->n_rows);
	r->m = m;
	r->p = p;
	r->dlogp = dlogp;
	r->dent = dent;
	r->grads = grads;
	r->full = !(m->how & MODEL_FROZEN) && !m->lora;
	assert(grads || !model_trained(m).n || m->how & MODEL_FROZEN);
	head_backward(r);
	for (r->layer = (size_t)m->cfg.layers; r->layer-- > 0;) {
		if (r->recompute && r->layer + 1 < (size_t)m->cfg.layers)
			forward_layer(r); /* the last one's activations are still there */
		layer_backward(r);
	}
	if (r->full)
		wgrad_add_rows(grads + m->embed.at, p->tokens, r->dx, p->n_tok, (size_t)m->cfg.d);
}
