/* backward.c - backward pass over packed sequences. See model.h and workspace.h. */
#include "base/par.h"
#include "model/forward.h"
#include "model/head.h"
#include "model/mat.h"
#include "model/mix.h"
#include "model/mixpass.h"
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
		at += mat_transposed_words(mat_of_layer(&r->m->layer[r->layer], i));
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
		n += mat_transposed_blocks(mat_of_layer(&r->m->layer[r->layer], i));
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
 * gradient of r->dxn; the normed rows go into xn and what they were normed by into r->norm, for the
 * norm's weights. */
static void norm_back(struct workspace *r, struct norm_at at, float *dx, const float *x,
		      size_t from, size_t n)
{
	size_t d = (size_t)r->m->cfg.d;
	struct norm k = block_norm(r->m, at);

	for (size_t t = from; t < from + n; t++, dx += d, x += d) {
		r->norm[t] = norm_forward(&k, r->xn + t * d, x);
		norm_backward(&k, dx, r->dxn + t * d, x, r->norm[t]);
	}
}

/* The end of a sub-layer: what it put out, before a norm, what that was normed by, and the gradient
 * by it, of all rows */
struct ending {
	struct norm_at norm;
	const float *y;
	struct norm_stat *stat;
	float *dy;
};

/* From dx (n, d), the gradient of what was added, to that by the product, of the rows from.. tmp: d
 * floats */
static const float *ending_back(const struct workspace *r, const struct ending *e, const float *dx,
				size_t from, size_t n, float *tmp)
{
	size_t d = (size_t)r->m->cfg.d;
	float *dy = e->dy + from * d, scale = (float)r->m->cfg.residual_scale;
	struct norm k;

	if (block_adds_plain(r->m))
		return dx;
	if (e->norm.w == NOWHERE) {
		for (size_t i = 0; i < n * d; i++)
			dy[i] = scale * dx[i];
		return dy;
	}
	assert(!(scale > 0)); /* no family has both */
	k = block_norm(r->m, e->norm);
	memset(dy, 0, n * d * sizeof *dy);
	for (size_t t = from; t < from + n; t++) {
		const float *y = e->y + (workspace_slot(r) * r->p->n_tok + t) * d;

		e->stat[t] = norm_forward(&k, tmp, y);
		norm_backward(&k, e->dy + t * d, dx + (t - from) * d, y, e->stat[t]);
	}
	return dy;
}

static struct ending o_ending(const struct workspace *r)
{
	return (struct ending){r->m->layer[r->layer].norm1_out, r->o_out, r->o_norm, r->do_out};
}

static struct ending down_ending(const struct workspace *r)
{
	return (struct ending){r->m->layer[r->layer].norm2_out, r->down_out, r->down_norm,
			       r->ddown};
}

/* The rows that the feed-forward layer, or queries, keys and values, were made of, all T: normed,
 * or as they came */
static const float *inputs(const struct workspace *r, struct norm_at norm, const float *x)
{
	return norm.w != NOWHERE || r->m->cfg.parallel ? r->xn : x;
}

static const float *x2_of(const struct workspace *r)
{
	return r->x2 + workspace_slot(r) * r->p->n_tok * (size_t)r->m->cfg.d;
}

static const float *x_of(const struct workspace *r)
{
	return r->x + r->layer * r->p->n_tok * (size_t)r->m->cfg.d;
}

/* h and the gradient by the activation's inputs, in place of gu, from dh */
static void act_back(struct workspace *r, size_t from, size_t n, const float *dh)
{
	size_t F = (size_t)r->m->cfg.ffn, U = block_up_dim(r->m);
	float *gu = r->gu + (workspace_slot(r) * r->p->n_tok + from) * U;
	bool shares = r->act_grad && r->m->layer[r->layer].act != NOWHERE;
	struct act a = block_act(r->m, r->layer);

	for (size_t t = 0; t < n; t++, gu += U) {
		float *share = shares ? workspace_share(r->act_grad, from + t, 2) : NULL;

		act_forward(&a, r->h + (from + t) * F, gu, F);
		act_backward(&a, gu, dh + t * F, gu, F, share);
	}
}

/* From r->dxn, the gradient by the feed-forward layer's input, to that by x2, which dx2 gains */
static void mlp_input_back(struct workspace *r, size_t from, size_t n)
{
	const struct layer *w = &r->m->layer[r->layer];
	size_t d = (size_t)r->m->cfg.d;
	float *dx2 = r->dx2 + from * d, *dxn = r->dxn + from * d;
	struct norm k;

	if (r->m->cfg.parallel) {
		k = block_norm(r->m, w->norm1);
		memcpy(r->dn + from * d, dxn, n * d * sizeof *dxn);
		for (size_t t = from; t < from + n; t++)
			norm_forward(&k, r->xn + t * d, x_of(r) + t * d);
	} else if (w->norm2.w != NOWHERE) {
		norm_back(r, w->norm2, dx2, x2_of(r) + from * d, from, n);
	} else {
		layers_add_row(dx2, dxn, n * d);
	}
}

/* What the product o was made of, all rows */
static const float *ended_of(const struct workspace *r)
{
	return mix_gated(r->m, r->layer) ? r->gated : workspace_att(r, 0);
}

static void gate_rows(struct workspace *r, size_t from, size_t n)
{
	size_t A = block_att_dim(r->m, r->layer);

	for (size_t t = from; t < from + n; t++)
		mix_gate(r->m, r->layer, r->gated + t * A, workspace_att(r, t),
			 workspace_qkv(r, t));
}

/* datt, by the gated rows, becomes that by what came out of the attention. */
static void gates_back(struct workspace *r, size_t from, size_t n)
{
	size_t A = block_att_dim(r->m, r->layer), Q = block_qkv_dim(r->m, r->layer);
	size_t each = block_mix_weights(r->m);

	for (size_t t = from; t < from + n; t++)
		mix_gate_back(r->m, r->layer, r->datt + t * A, r->dqkv + t * Q, workspace_att(r, t),
			      workspace_qkv(r, t), workspace_share(r->mix_grad, t, each));
}

/*
 * For a block of rows, from dx, the gradient of the layer's output, in this order:
 *
 *     ddown = dx back through what stands behind down (n, d), dh = ddown Wdown (n, F), dgu = act's
 * (n, U, in place of gu), dxn = dgu Wgu (n, d), dx2 = dx + the norm's of dxn (n, d), do = dx2 back
 * through what stands behind o, datt = do Wo (n, A)
 *
 * and each time what an adapter adds. h and the normed rows are made again for the weights.
 */
static void job_mlp_back(void *ctx, size_t i, int thread)
{
	struct workspace *r = ctx;
	const struct model *m = r->m;
	const struct layer *w = &m->layer[r->layer];
	size_t T = r->p->n_tok, d = (size_t)m->cfg.d, F = (size_t)m->cfg.ffn;
	size_t A = block_att_dim(m, r->layer);
	size_t U = block_up_dim(m), from, n;
	float *dh = workspace_scratch(r, thread), *rest = dh + r->rows * F, *dx2;
	struct ending o = o_ending(r), down = down_ending(r);
	struct cmatrix ddown, dgu, dout;

	workspace_block(i, r->rows, T, &from, &n);
	dx2 = r->dx2 + from * d;
	ddown = matrix_in(ending_back(r, &down, r->dx + from * d, from, n, dh), n, d, d);
	back(r, &w->down, dh, ddown, rest);
	adapter_back(r, LORA_IN_DOWN, from, dh, ddown);
	act_back(r, from, n, dh);
	adapter_inner(r, LORA_IN_DOWN, from, n, r->h + from * F);
	dgu = matrix_in(r->gu + (workspace_slot(r) * T + from) * U, n, U, U);
	back(r, &w->gu, r->dxn + from * d, dgu, rest);
	adapter_back(r, LORA_IN_GU, from, r->dxn + from * d, dgu);
	memcpy(dx2, r->dx + from * d, n * d * sizeof *dx2);
	mlp_input_back(r, from, n);
	adapter_inner(r, LORA_IN_GU, from, n, inputs(r, w->norm2, x2_of(r)) + from * d);
	dout = matrix_in(ending_back(r, &o, dx2, from, n, dh), n, d, d);
	if (mix_gated(m, r->layer))
		gate_rows(r, from, n);
	back(r, &w->o, r->datt + from * A, dout, rest);
	adapter_back(r, LORA_IN_O, from, r->datt + from * A, dout);
	adapter_inner(r, LORA_IN_O, from, n, ended_of(r) + from * A);
	if (mix_gated(m, r->layer))
		gates_back(r, from, n);
}

/* Job: a sequence without prefix and all that go on from it, one key/value head: dqkv from datt */
static void job_att_back(void *ctx, size_t i, int thread)
{
	struct workspace *r = ctx;
	const struct config *c = &r->m->cfg;
	size_t kvh = (size_t)c->kv_heads, hd = (size_t)c->head_dim, s = i / kvh, g = i % kvh;
	size_t rep = (size_t)c->heads / kvh, start = r->p->start[s],
	       n_seq = workspace_family(r->p, s);
	size_t Q = block_qkv_dim(r->m, r->layer), A = block_att_dim(r->m, r->layer);
	size_t q_at = g * rep * hd, k_at = ((size_t)c->heads + g) * hd, v_at = k_at + kvh * hd, n;
	float *qkv = workspace_qkv(r, start), *dqkv = r->dqkv + start * Q;
	float *att = workspace_att(r, start);

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
				   .n = n_seq,
				   .how = block_att(r->m, r->layer)},
		workspace_scratch(r, thread));
}

/* Norms side by side: dy becomes the gradient of raw, and the weights' is added to grad. tmp: two
 * rows. */
static void norms_back(const struct block_qk *q, float *grad, float *dy, const float *raw,
		       float *tmp)
{
	struct norm k = q->norm;
	float *dx = tmp + k.n;

	for (size_t i = 0; i < q->n; i++) {
		struct norm_stat s = norm_forward(&k, tmp, raw);

		memset(dx, 0, k.n * sizeof *dx);
		norm_weights(grad, dy, raw, s, k.n);
		norm_backward(&k, dx, dy, raw, s);
		memcpy(dy, dx, k.n * sizeof *dy);
		dy += k.n;
		raw += k.n;
		k.w += q->step;
		grad += q->step;
	}
}

/* dqkv of some rows: back through the norms of queries and keys, whose gradients go into the rows'
 * shares. */
static void qk_norm_back(struct workspace *r, size_t from, size_t n, float *tmp)
{
	size_t A = block_q_dim(r->m), qk = block_qk_dim(r->m), all = block_qk_weights(r->m);
	const struct layer *w = &r->m->layer[r->layer];
	const float *raw = r->raw + (workspace_slot(r) * r->p->n_tok + from) * qk;
	struct block_qk q = block_q_norm(r->m, r->layer), k = block_k_norm(r->m, r->layer);

	for (size_t t = 0; t < n; t++, raw += qk) {
		float *grad = workspace_share(r->qk_grad, from + t, all);
		float *dy = r->dqkv + (from + t) * block_qkv_dim(r->m, r->layer);

		norms_back(&q, grad, dy, raw, tmp);
		norms_back(&k, grad + (w->k_norm - w->q_norm), dy + A, raw + A, tmp);
	}
}

/* dqkv of some rows: what block_turn did, undone */
static void turn_back(struct workspace *r, size_t from, size_t n, float *tmp)
{
	bool last = family_row(r->m->cfg.family)->qk_norm == QK_TURNED;
	size_t Q = block_qkv_dim(r->m, r->layer);

	if (r->m->cfg.qk_norm && last)
		qk_norm_back(r, from, n, tmp);
	for (size_t t = from; t < from + n; t++)
		block_turn_back(r->m, r->layer, r->dqkv + t * Q, r->pos[t]);
	if (r->m->cfg.qk_norm && !last)
		qk_norm_back(r, from, n, tmp);
	for (size_t t = from; family_row(r->m->cfg.family)->gated && t < from + n; t++)
		mix_join(r->m, r->dqkv + t * Q, tmp);
}

/* For a block of rows: dxn = dqkv Wqkv (n, d), dx2 += the norm's of dxn, which makes it the
 * gradient of the layer's input. */
static void job_qkv_back(void *ctx, size_t i, int thread)
{
	struct workspace *r = ctx;
	const struct model *m = r->m;
	const struct layer *w = &m->layer[r->layer];
	size_t d = (size_t)m->cfg.d, Q = block_qkv_dim(m, r->layer), from, n;
	float *dxn, *dx2;
	struct cmatrix dqkv;

	workspace_block(i, r->rows, r->p->n_tok, &from, &n);
	dqkv = matrix_in(r->dqkv + from * Q, n, Q, Q);
	dxn = r->dxn + from * d;
	dx2 = r->dx2 + from * d;
	if (w->kind.mixer == MIXER_ATTENTION)
		turn_back(r, from, n, workspace_scratch(r, thread));
	back(r, &w->qkv, dxn, dqkv, workspace_scratch(r, thread));
	adapter_back(r, LORA_IN_QKV, from, dxn, dqkv);
	if (m->cfg.parallel)
		layers_add_row(dxn, r->dn + from * d, n * d);
	if (w->norm1.w != NOWHERE)
		norm_back(r, w->norm1, dx2, x_of(r) + from * d, from, n);
	else
		layers_add_row(dx2, dxn, n * d);
	adapter_inner(r, LORA_IN_QKV, from, n, inputs(r, w->norm1, x_of(r)) + from * d);
}

/* Where the gradient of a weight that may be absent goes */
static float *grad_of(const struct workspace *r, size_t offset)
{
	return offset == NOWHERE ? NULL : workspace_grad(r, offset);
}

/* Adds up the blocks' shares of n numbers, in order. */
static void add_shares(const struct workspace *r, size_t offset, const float *share, size_t n)
{
	size_t blocks = workspace_blocks(r->p->n_tok, WORKSPACE_ROWS);

	for (size_t i = 0; offset != NOWHERE && i < blocks; i++)
		layers_add_row(workspace_grad(r, offset), share + i * n, n);
}

/* Of a linear layer: each share has the norm's, A_log's and dt_bias's. */
static void mix_grads(const struct workspace *r)
{
	const struct layer *w = &r->m->layer[r->layer];
	size_t blocks = workspace_blocks(r->p->n_tok, WORKSPACE_ROWS);
	size_t nv = (size_t)r->m->cfg.linear_v_dim, heads = (size_t)r->m->cfg.linear_v_heads;

	for (size_t i = 0; w->delta_norm != NOWHERE && i < blocks; i++) {
		const float *share = r->mix_grad + i * block_mix_weights(r->m);

		layers_add_row(workspace_grad(r, w->delta_norm), share, nv);
		layers_add_row(workspace_grad(r, w->a_log), share + nv, heads);
		layers_add_row(workspace_grad(r, w->dt_bias), share + nv + heads, heads);
	}
}

/* A norm's weights, where there is one, from the gradient dy by its rows x (T, d) */
static void norm_grads(const struct workspace *r, struct norm_at at, const float *dy,
		       const float *x, const struct norm_stat *stat)
{
	if (at.w != NOWHERE)
		wgrad_norm(workspace_grad(r, at.w), grad_of(r, at.b), dy, x, stat, r->p->n_tok,
			   (size_t)r->m->cfg.d);
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
	job[0] = (struct wgrad){workspace_grad(r, g->a), NULL,
				matrix_in(r->lv + g->at, T, g->rows, l->width),
				matrix_in(x, T, g->in, g->in)};
	for (size_t k = 0; k < g->n; k++)
		job[1 + k] = (struct wgrad){workspace_grad(r, g->b[k].b), NULL,
					    matrix_in(dy.p + g->b[k].col, T, g->b[k].out, dy.ld),
					    matrix_in(r->lu + g->at + k * rank, T, rank, l->width)};
	workspace_wgrads(r, job, 1 + g->n);
}

/* (T, n) rows without gaps */
static struct cmatrix all_rows(const struct workspace *r, const float *p, size_t n)
{
	return matrix_in(p, r->p->n_tok, n, n);
}

/* The gradients by the outputs of down and o, (T, d) */
static struct cmatrix ddown_of(const struct workspace *r)
{
	return all_rows(r, block_adds_plain(r->m) ? r->dx : r->ddown, (size_t)r->m->cfg.d);
}

static struct cmatrix do_of(const struct workspace *r)
{
	return all_rows(r, block_adds_plain(r->m) ? r->dx2 : r->do_out, (size_t)r->m->cfg.d);
}

static struct cmatrix dgu_of(const struct workspace *r)
{
	size_t U = block_up_dim(r->m);

	return all_rows(r, r->gu + workspace_slot(r) * r->p->n_tok * U, U);
}

static struct cmatrix att_of(const struct workspace *r)
{
	return all_rows(r, ended_of(r), block_att_dim(r->m, r->layer));
}

/* dWgu += dgu' xn, dWdown += ddown' h, dWo += do' att, and the norms': weights from the attention's
 * output on */
static void mlp_grads(struct workspace *r)
{
	const struct model *m = r->m;
	const struct layer *w = &m->layer[r->layer];
	size_t T = r->p->n_tok, d = (size_t)m->cfg.d, l = workspace_slot(r);
	const struct wgrad mlp[] = {
		{workspace_grad(r, w->gu.at), grad_of(r, w->gu_bias), dgu_of(r),
		 all_rows(r, inputs(r, w->norm2, x2_of(r)), d)},
		{workspace_grad(r, w->down.at), grad_of(r, w->down_bias), ddown_of(r),
		 all_rows(r, r->h, (size_t)m->cfg.ffn)},
		{workspace_grad(r, w->o.at), grad_of(r, w->o_bias), do_of(r), att_of(r)},
	};

	workspace_wgrads(r, mlp, 3);
	norm_grads(r, w->norm2, r->dxn, x2_of(r), r->norm);
	if (block_norms_out(m)) {
		norm_grads(r, w->norm2_out, r->dx, r->down_out + l * T * d, r->down_norm);
		norm_grads(r, w->norm1_out, r->dx2, r->o_out + l * T * d, r->o_norm);
	}
	add_shares(r, w->act, r->act_grad, 2);
}

/* dWqkv += dqkv' xn, and the norms': weights up to the attention's queries, keys and values */
static void qkv_grads(struct workspace *r)
{
	const struct model *m = r->m;
	const struct layer *w = &m->layer[r->layer];
	const struct wgrad qkv = {workspace_grad(r, w->qkv.at), grad_of(r, w->qkv_bias),
				  all_rows(r, r->dqkv, block_qkv_dim(m, r->layer)),
				  all_rows(r, inputs(r, w->norm1, x_of(r)), (size_t)m->cfg.d)};

	workspace_wgrads(r, &qkv, 1);
	add_shares(r, w->q_norm, r->qk_grad, block_qk_weights(m));
	mix_grads(r);
	norm_grads(r, w->norm1, r->dxn, x_of(r), r->norm);
}

/* From r->dx, the gradient of the layer's output, to that of its input, in r->dx again */
static void layer_backward(struct workspace *r)
{
	const struct model *m = r->m;
	const struct layer *w = &m->layer[r->layer];
	size_t blocks = workspace_blocks(r->p->n_tok, r->rows);
	float *t;

	assert(r->dx && r->dx2 && r->dx != r->dx2);
	transpose_layer(r);
	par_for(blocks, job_mlp_back, r);
	if (r->full)
		mlp_grads(r);
	if (m->lora) {
		adapter_grads(r, LORA_IN_GU, dgu_of(r), inputs(r, w->norm2, x2_of(r)));
		adapter_grads(r, LORA_IN_DOWN, ddown_of(r), r->h);
		adapter_grads(r, LORA_IN_O, do_of(r), att_of(r).p);
	}
	if (w->kind.mixer == MIXER_ATTENTION)
		par_for(r->p->n_seq * (size_t)m->cfg.kv_heads, job_att_back, r);
	else
		mixpass_backward(r);
	par_for(blocks, job_qkv_back, r);
	if (r->full)
		qkv_grads(r);
	if (m->lora)
		adapter_grads(r, LORA_IN_QKV, all_rows(r, r->dqkv, block_qkv_dim(m, r->layer)),
			      inputs(r, w->norm1, x_of(r)));
	t = r->dx; /* dx2 is now the gradient of the layer's input */
	r->dx = r->dx2;
	r->dx2 = t;
}

/* Into the rows of the embedding that were looked up */
static void embed_grads(struct workspace *r)
{
	size_t d = (size_t)r->m->cfg.d, n = r->p->n_tok * d;
	float scale = (float)r->m->cfg.embedding_scale;

	for (size_t i = 0; scale > 0 && i < n; i++)
		r->dx[i] *= scale;
	wgrad_add_rows(workspace_grad(r, r->m->embed.at), r->p->tokens, r->dx, r->p->n_tok, d);
}

static void begin_part(struct workspace *r, size_t i)
{
	size_t n;

	if (!r->to)
		return;
	part_range(r->m, i, &r->grads_from, &n);
	r->grads = r->to->room + (r->grads_from ? part_apart(r->m) : 0);
	memset(r->grads, 0, n * sizeof *r->grads);
}

static void end_part(const struct workspace *r, size_t i)
{
	size_t from, n;

	if (!r->to)
		return;
	part_range(r->m, i, &from, &n);
	r->to->part(r->to->ctx, i, workspace_grad(r, from));
}

static void backward(struct workspace *r, const struct model *m, const struct pack *p,
		     const float *dlogp, const float *dent)
{
	size_t layers = (size_t)m->cfg.layers;

	assert(r->keep && r->m == m && r->p->n_tok == p->n_tok); /* after model_forward */
	assert(dlogp || !p->n_rows);
	r->p = p;
	r->dlogp = dlogp;
	r->dent = dent;
	r->full = !(m->how & MODEL_FROZEN) && !m->lora;
	if (m->cfg.tied)
		begin_part(r, layers + 1);
	begin_part(r, 0);
	head_backward(r);
	end_part(r, 0);
	for (r->layer = layers; r->layer-- > 0;) {
		if (r->recompute && r->layer + 1 < layers)
			forward_layer(r); /* the last one's activations are still there */
		begin_part(r, layers - r->layer);
		layer_backward(r);
		end_part(r, layers - r->layer);
	}
	if (!m->cfg.tied)
		begin_part(r, layers + 1);
	if (r->full)
		embed_grads(r);
	end_part(r, layers + 1);
}

void model_backward(struct workspace *r, const struct model *m, const struct pack *p,
		    const float *dlogp, const float *dent, float *grads)
{
	assert(grads || !model_trained(m).n || m->how & MODEL_FROZEN);
	r->grads = grads;
	r->grads_from = 0;
	r->to = NULL;
	backward(r, m, p, dlogp, dent);
}

void model_backward_parts(struct workspace *r, const struct model *m, const struct pack *p,
			  const float *dlogp, const float *dent, const struct grads_to *to)
{
	assert(to && !to->all && to->room && to->part);
	r->to = to;
	backward(r, m, p, dlogp, dent);
}
