/*
 * head.c - the output layer: log-probabilities of the scored rows, and its backward pass, a chunk
 * of rows at a time, so that a large vocabulary is never held for a whole batch. See run.h.
 */
#include "policy/run.h"
#include "base/par.h"
#include "policy/mat.h"
#include "tensor/layers.h"

#include <string.h>

/* Logits of rows row0 + i * RUN_BACK .. of the chunk into r->logits, and what they amount to. */
static void logits_block(struct run *r, size_t i, int thread, size_t *from, size_t *n)
{
	size_t d = (size_t)r->m->cfg.d, v = (size_t)r->m->cfg.vocab;
	float inv_t = (float)(1.0 / r->p->temperature), *logits;

	*from = r->row0 + i * RUN_BACK;
	*n = r->row1 - *from < RUN_BACK ? r->row1 - *from : RUN_BACK;
	logits = r->logits + (*from - r->row0) * v;
	block_logits(r->m, logits, v, r->xrn + *from * d, r->xr + *from * d, *n,
		     run_scratch(r, thread));
	for (size_t x = 0; x < *n; x++)
		r->stat[*from + x] = logits_stat(logits + x * v, v, inv_t);
}

static void job_score(void *ctx, size_t i, int thread)
{
	struct run *r = ctx;
	size_t v = (size_t)r->m->cfg.vocab, from, n;
	float inv_t = (float)(1.0 / r->p->temperature);

	logits_block(r, i, thread, &from, &n);
	for (size_t x = from; x < from + n; x++) {
		float z = r->logits[(x - r->row0) * v + r->p->target[x]];

		r->logp[x] = logits_logp(&r->stat[x], z, inv_t);
		if (r->entropy)
			r->entropy[x] = r->stat[x].entropy;
	}
}

/* Calls job over all chunks of rows, and after (may be NULL) behind each. */
static void each_chunk(struct run *r, void (*job)(void *, size_t, int), void (*after)(struct run *))
{
	size_t R = r->p->n_rows;

	for (r->row0 = 0; r->row0 < R; r->row0 = r->row1) {
		r->row1 = R - r->row0 < r->chunk ? R : r->row0 + r->chunk;
		par_for(run_blocks(r->row1 - r->row0, RUN_BACK), job, r);
		if (after)
			after(r);
	}
}

void head_forward(struct run *r)
{
	each_chunk(r, job_score, NULL);
}

/* Logits become their gradients; dxn gets the gradient by the normed rows. */
static void job_back(void *ctx, size_t i, int thread)
{
	struct run *r = ctx;
	const struct model *m = r->m;
	size_t v = (size_t)m->cfg.vocab, d = (size_t)m->cfg.d, from, n;
	float inv_t = (float)(1.0 / r->p->temperature), *logits;

	logits_block(r, i, thread, &from, &n);
	logits = r->logits + (from - r->row0) * v;
	for (size_t x = 0; x < n; x++)
		logits_backward(logits + x * v, &r->stat[from + x], v, r->p->target[from + x],
				r->dlogp[from + x], r->dent ? r->dent[from + x] : 0.0f, inv_t);
	mat_backward(m, &m->head, r->dxn + from * d, logits, n, run_scratch(r, thread));
}

static void weight_grad(struct run *r)
{
	size_t v = (size_t)r->m->cfg.vocab, d = (size_t)r->m->cfg.d;
	const struct wgrad w = {
		.out = r->grads + r->m->head.at,
		.dy = r->logits,
		.x = r->xrn + r->row0 * d,
		.rows = v,
		.cols = d,
		.ldy = v,
		.ldx = d,
		.T = r->row1 - r->row0,
	};

	wgrad_all(r, &w, 1);
}

void head_backward(struct run *r)
{
	const struct model *m = r->m;
	size_t d = (size_t)m->cfg.d;

	each_chunk(r, job_back, r->full ? weight_grad : NULL);
	memset(r->dx, 0, r->p->n_tok * d * sizeof *r->dx);
	for (size_t i = 0; i < r->p->n_rows; i++) {
		const float *x = r->xr + i * d;

		r->rms[i] = rmsnorm_forward(r->xrn + i * d, x, m->params + m->norm, d,
					    (float)m->cfg.norm_eps);
		rmsnorm_backward(r->dx + r->p->at[i] * d, r->dxn + i * d, x, m->params + m->norm,
				 r->rms[i], d);
	}
	if (r->full)
		norm_grad(r->grads + m->norm, r->dxn, r->xr, r->rms, r->p->n_rows, d);
}
