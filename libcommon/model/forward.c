/* forward.c - forward pass over packed sequences. See model.h and forward.h. */
#include "model/forward.h"
#include "base/par.h"
#include "model/head.h"
#include "model/mixpass.h"
#include "tensor/attention.h"

#include <assert.h>
#include <string.h>

/* Place of the present layer's input in x */
static size_t input(const struct workspace *r)
{
	return r->keep ? r->layer : 0;
}

static void job_embed(void *ctx, size_t i, int thread)
{
	struct workspace *r = ctx;
	size_t from, n;

	(void)thread;
	workspace_block(i, r->rows, r->p->n_tok, &from, &n);
	block_embed(r->m, r->x + from * (size_t)r->m->cfg.d, r->p->tokens + from, n);
}

static void job_qkv(void *ctx, size_t i, int thread)
{
	struct workspace *r = ctx;
	size_t T = r->p->n_tok, d = (size_t)r->m->cfg.d, l = workspace_slot(r), from, n;
	struct block b;
	float *raw;

	workspace_block(i, r->rows, T, &from, &n);
	raw = r->keep && r->m->cfg.qk_norm ? r->raw + (l * T + from) * block_qk_dim(r->m) : NULL;
	b = (struct block){r->m, r->layer, n, workspace_scratch(r, thread)};
	block_qkv(&b, workspace_qkv(r, from), raw, r->x + (input(r) * T + from) * d, r->pos + from);
}

/* Job: one sequence, one key/value head */
static void job_att(void *ctx, size_t i, int thread)
{
	struct workspace *r = ctx;
	const struct config *c = &r->m->cfg;
	size_t kvh = (size_t)c->kv_heads, hd = (size_t)c->head_dim, s = i / kvh, g = i % kvh;
	size_t rep = (size_t)c->heads / kvh, start = r->p->start[s], n = r->p->start[s + 1] - start;
	size_t Q = block_qkv_dim(r->m, r->layer), A = block_att_dim(r->m, r->layer);
	size_t from, before = workspace_prefix(r->p, s, &from), k_at = ((size_t)c->heads + g) * hd;
	const float *qkv = workspace_qkv(r, start), *first = workspace_qkv(r, from);
	float *att = workspace_att(r, start);
	float *keys = workspace_scratch(r, thread),
	      *values = keys + att_keys_size(before + n, hd, block_half(r->m));
	float *scratch = values + att_values_size(before + n, hd, block_half(r->m));
	struct att_kv kv = {keys, values, hd, 1, 0, block_att(r->m, r->layer)};
	size_t most = att_block_rows(kv.how.half);

	att_put(kv, 0, matrix_in(first + k_at, before, hd, Q),
		matrix_in(first + k_at + kvh * hd, before, hd, Q));
	att_put(kv, before, matrix_in(qkv + k_at, n, hd, Q),
		matrix_in(qkv + k_at + kvh * hd, n, hd, Q));
	for (size_t h = g * rep; h < (g + 1) * rep; h++)
		for (size_t t = 0; t < n; t += most) {
			size_t rows = n - t < most ? n - t : most;

			att_rows(matrix_of(att + t * A + h * hd, rows, hd, A),
				 matrix_in(qkv + t * Q + h * hd, rows, hd, Q), kv, before + t + 1,
				 true, scratch);
		}
}

/* Rows from `from` on of the present layer's part of a field that may not be there */
static float *rows_of(const struct workspace *r, float *field, size_t from, size_t n)
{
	return field ? field + (workspace_slot(r) * r->p->n_tok + from) * n : NULL;
}

static void job_mlp(void *ctx, size_t i, int thread)
{
	struct workspace *r = ctx;
	size_t T = r->p->n_tok, d = (size_t)r->m->cfg.d, x = input(r), next = r->keep ? x + 1 : 0;
	bool kept = r->keep && block_norms_out(r->m);
	struct block_out to;
	size_t from, n;
	struct block b;

	workspace_block(i, r->rows, T, &from, &n);
	b = (struct block){r->m, r->layer, n, workspace_scratch(r, thread)};
	to = (struct block_out){r->x + (next * T + from) * d, rows_of(r, r->x2, from, d),
				rows_of(r, r->gu, from, block_up_dim(r->m)),
				kept ? rows_of(r, r->o_out, from, d) : NULL,
				kept ? rows_of(r, r->down_out, from, d) : NULL};
	block_mlp(&b, &to, r->x + (x * T + from) * d, workspace_att(r, from),
		  workspace_qkv(r, from));
}

void forward_layer(struct workspace *r)
{
	size_t blocks = workspace_blocks(r->p->n_tok, r->rows);

	assert(r->layer < (size_t)r->m->cfg.layers);
	model_pack_layer(r->m, r->layer);
	par_for(blocks, job_qkv, r);
	if (r->m->layer[r->layer].kind.mixer == MIXER_ATTENTION)
		par_for(r->p->n_seq * (size_t)r->m->cfg.kv_heads, job_att, r);
	else
		mixpass_forward(r);
	par_for(blocks, job_mlp, r);
}

static void forward(struct workspace *r, const struct model *m, const struct pack *p, float *logp,
		    float *entropy, bool keep)
{
	size_t d = (size_t)m->cfg.d;
	const float *last;

	assert(r && p->tokens && p->start);
	assert(p->n_seq >= 1 && p->start[p->n_seq] == p->n_tok);
	assert(p->n_rows == 0 || (p->at && p->target && logp));
	assert(p->temperature > 0);
	workspace_prepare(r, m, p, keep);
	r->logp = logp;
	r->entropy = entropy;
	par_for(workspace_blocks(p->n_tok, r->rows), job_embed, r);
	for (r->layer = 0; r->layer < (size_t)m->cfg.layers; r->layer++)
		forward_layer(r);
	last = r->x + (keep ? r->layer * p->n_tok * d : 0);
	for (size_t i = 0; i < p->n_rows; i++) {
		assert(p->at[i] < p->n_tok && p->target[i] < (uint64_t)m->cfg.vocab);
		memcpy(r->xr + i * d, last + p->at[i] * d, d * sizeof *last);
	}
	head_forward(r);
}

void model_logprobs(struct workspace *r, const struct model *m, const struct pack *p, float *logp,
		    float *entropy)
{
	forward(r, m, p, logp, entropy, false);
}

void model_forward(struct workspace *r, const struct model *m, const struct pack *p, float *logp,
		   float *entropy)
{
	forward(r, m, p, logp, entropy, true);
}
