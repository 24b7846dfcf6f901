/*
 * head.c - the output layer: log-probabilities of the scored rows, and its backward pass, a chunk
 * of rows at a time, so that a large vocabulary is never held for a whole batch. See head.h.
 */
#include "model/head.h"
#include "base/par.h"
#include "model/cut.h"
#include "model/mat.h"

#include <assert.h>
#include <string.h>

/* Rows of block i of the chunk */
static void rows_of(const struct workspace *r, size_t i, size_t *from, size_t *n)
{
	*from = r->row0 + i * r->head_rows;
	*n = r->row1 - *from < r->head_rows ? r->row1 - *from : r->head_rows;
}

/* Logits of n rows of the chunk into r->logits, and what they amount to. */
static void logits_block(struct workspace *r, size_t from, size_t n, int thread)
{
	size_t d = (size_t)r->m->cfg.d, v = (size_t)r->m->cfg.vocab;
	float inv_t = (float)(1.0 / r->p->temperature);
	float *logits = r->logits + (from - r->row0) * v;
	struct block b = {r->m, 0, n, workspace_scratch(r, thread)};

	block_logits(&b, logits, r->xrn + from * d, r->xr + from * d);
	for (size_t x = 0; x < n; x++)
		r->stat[from + x] = softmax_stat(logits + x * v, v, inv_t);
}

/* What row x's target was drawn from; n 0: the whole vocabulary */
static struct span kept_of(const struct workspace *r, size_t x)
{
	return r->p->kept ? r->p->kept[x] : (struct span){0};
}

static void job_score(void *ctx, size_t i, int thread)
{
	struct workspace *r = ctx;
	size_t v = (size_t)r->m->cfg.vocab, from, n;
	float inv_t = (float)(1.0 / r->p->temperature);

	rows_of(r, i, &from, &n);
	logits_block(r, from, n, thread);
	for (size_t x = from; x < from + n; x++) {
		const float *logits = r->logits + (x - r->row0) * v;
		uint32_t target = r->p->target[x];
		float whole = softmax_logp(&r->stat[x], logits[target], inv_t);
		struct span kept = kept_of(r, x);

		r->logp[x] = kept.n ? cut_logp_kept(logits, kept, target, inv_t) : whole;
		if (r->p->whole)
			r->p->whole[x] = whole;
		if (r->entropy)
			r->entropy[x] = r->stat[x].entropy;
	}
}

/* Rows of chunk c */
static void take_chunk(struct workspace *r, size_t c)
{
	size_t R = r->p->n_rows;

	r->row0 = c * r->chunk;
	assert(r->row0 < R);
	r->row1 = R - r->row0 < r->chunk ? R : r->row0 + r->chunk;
}

void head_forward(struct workspace *r)
{
	assert(r->p && r->xr && r->logits);
	assert(r->layer == (size_t)r->m->cfg.layers /* all have been */);
	model_pack_layer(r->m, (size_t)r->m->cfg.layers);
	for (size_t c = 0; c * r->chunk < r->p->n_rows; c++) {
		take_chunk(r, c);
		par_for(workspace_blocks(r->row1 - r->row0, r->head_rows), job_score, r);
	}
}

/* Logits of row x become their gradients. */
static void row_back(const struct workspace *r, size_t x, float *logits)
{
	const struct config *c = &r->m->cfg;
	struct span kept = kept_of(r, x);
	float dwhole = r->p->dwhole ? r->p->dwhole[x] : 0.0f;
	struct softmax_grad g = {r->p->target[x], dwhole, r->dent ? r->dent[x] : 0.0f,
				 (float)(1.0 / r->p->temperature), (float)c->logit_cap};

	if (kept.n) {
		cut_backward(logits, (size_t)c->vocab, kept, r->dlogp[x], &r->stat[x], &g);
		return;
	}
	g.dlogp += r->dlogp[x];
	softmax_backward(logits, (size_t)c->vocab, &r->stat[x], &g);
}

/* dlogits as softmax_backward says, dxn = dlogits H: logits become their gradients; dxn gets the
 * gradient by the normed rows. The logits of the last chunk are still there from the forward pass.
 */
static void job_back(void *ctx, size_t i, int thread)
{
	struct workspace *r = ctx;
	const struct model *m = r->m;
	size_t v = (size_t)m->cfg.vocab, d = (size_t)m->cfg.d, from, n;
	float *logits;

	rows_of(r, i, &from, &n);
	if (r->row1 < r->p->n_rows)
		logits_block(r, from, n, thread);
	logits = r->logits + (from - r->row0) * v;
	for (size_t x = 0; x < n; x++) {
		row_back(r, from + x, logits + x * v);
		if (m->cfg.logit_scale > 0)
			softmax_scores(logits + x * v, v, (float)m->cfg.logit_scale, 0);
	}
	mat_backward(m, &m->head, NULL, matrix_of(r->dxn + from * d, n, d, d), logits,
		     workspace_scratch(r, thread));
}

/* dH += dlogits' xn, of the chunk's rows */
static void weight_grad(struct workspace *r)
{
	size_t v = (size_t)r->m->cfg.vocab, d = (size_t)r->m->cfg.d;
	size_t n = r->row1 - r->row0;
	const struct wgrad w = {workspace_grad(r, r->m->head.at), NULL,
				matrix_in(r->logits, n, v, v),
				matrix_in(r->xrn + r->row0 * d, n, d, d)};

	workspace_wgrads(r, &w, 1);
}

/* Through the last norm: the gradient of xr, in place of the normed rows */
static void job_norm_back(void *ctx, size_t i, int thread)
{
	struct workspace *r = ctx;
	const struct model *m = r->m;
	size_t d = (size_t)m->cfg.d, from, n;

	struct norm k = block_norm(m, m->norm);

	(void)thread;
	rows_of(r, i, &from, &n);
	for (size_t x = from; x < from + n; x++) {
		const float *in = r->xr + x * d;
		float *dx = r->xrn + x * d;

		r->norm[x] = norm_forward(&k, dx, in);
		memset(dx, 0, d * sizeof *dx);
		norm_backward(&k, dx, r->dxn + x * d, in, r->norm[x]);
	}
}

void head_backward(struct workspace *r)
{
	const struct model *m = r->m;
	size_t d = (size_t)m->cfg.d;

	assert(r->keep && r->dx && r->dxn);
	assert(!r->full || r->grads);
	for (size_t c = workspace_blocks(r->p->n_rows, r->chunk); c-- > 0;) {
		take_chunk(r, c);
		par_for(workspace_blocks(r->row1 - r->row0, r->head_rows), job_back, r);
		if (r->full)
			weight_grad(r);
	}
	r->row0 = 0;
	r->row1 = r->p->n_rows;
	par_for(workspace_blocks(r->row1, r->head_rows), job_norm_back, r);
	memset(r->dx, 0, r->p->n_tok * d * sizeof *r->dx);
	wgrad_add_rows(r->dx, r->p->at, r->xrn, r->p->n_rows, d);
	if (r->full)
		wgrad_norm(workspace_grad(r, m->norm.w),
			   m->norm.b == NOWHERE ? NULL : workspace_grad(r, m->norm.b), r->dxn,
			   r->xr, r->norm, r->p->n_rows, d);
}
