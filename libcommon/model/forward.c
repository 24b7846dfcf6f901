/* forward.c - forward pass over packed sequences. See model.h and forward.h. */
#include "model/forward.h"
#include "base/par.h"
#include "model/head.h"
#include "tensor/attention.h"

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
	workspace_block(i, r->p->n_tok, &from, &n);
	block_embed(r->m, r->x + from * (size_t)r->m->cfg.d, r->p->tokens + from, n);
}

static void job_qkv(void *ctx, size_t i, int thread)
{
	struct workspace *r = ctx;
	size_t T = r->p->n_tok, d = (size_t)r->m->cfg.d, Q = block_qkv_dim(r->m),
	       l = workspace_slot(r);
	size_t from, n;
	float *raw;

	workspace_block(i, T, &from, &n);
	raw = r->keep && r->m->cfg.qk_norm ? r->raw + (l * T + from) * block_qk_dim(r->m) : NULL;
	block_qkv(r->m, r->layer, r->qkv + (l * T + from) * Q, raw,
		  r->x + (input(r) * T + from) * d, r->pos + from, n, workspace_scratch(r, thread));
}

/* Job: one sequence, one key/value head */
static void job_att(void *ctx, size_t i, int thread)
{
	struct workspace *r = ctx;
	const struct config *c = &r->m->cfg;
	size_t kvh = (size_t)c->kv_heads, hd = (size_t)c->head_dim, s = i / kvh, g = i % kvh;
	size_t rep = (size_t)c->heads / kvh, start = r->p->start[s], n = r->p->start[s + 1] - start;
	size_t Q = block_qkv_dim(r->m), A = block_att_dim(r->m),
	       layer = workspace_slot(r) * r->p->n_tok;
	size_t from, before = workspace_prefix(r->p, s, &from), k_at = ((size_t)c->heads + g) * hd;
	const float *qkv = r->qkv + (layer + start) * Q, *first = r->qkv + (layer + from) * Q;
	float *att = r->att + (layer + start) * A;
	float *keys = workspace_scratch(r, thread),
	      *values = keys + att_keys_floats(before + n, hd);
	float *scratch = values + att_values_floats(before + n, hd);

	att_put(keys, values, 0, before, first + k_at, first + k_at + kvh * hd, Q, hd);
	att_put(keys, values, before, n, qkv + k_at, qkv + k_at + kvh * hd, Q, hd);
	for (size_t h = g * rep; h < (g + 1) * rep; h++)
		for (size_t t = 0; t < n; t += WORKSPACE_ROWS)
			att_rows(att + t * A + h * hd, A, qkv + t * Q + h * hd, Q, keys, values,
				 n - t < WORKSPACE_ROWS ? n - t : WORKSPACE_ROWS, before + t + 1, 1,
				 hd, scratch);
}

static void job_mlp(void *ctx, size_t i, int thread)
{
	struct workspace *r = ctx;
	size_t T = r->p->n_tok, d = (size_t)r->m->cfg.d, A = block_att_dim(r->m),
	       l = workspace_slot(r);
	size_t F2 = 2 * (size_t)r->m->cfg.ffn, x = input(r), next = r->keep ? x + 1 : 0, from, n;

	workspace_block(i, T, &from, &n);
	block_mlp(r->m, r->layer, r->x + (next * T + from) * d, r->x2 + (l * T + from) * d,
		  r->gu + (l * T + from) * F2, r->x + (x * T + from) * d,
		  r->att + (l * T + from) * A, n, workspace_scratch(r, thread));
}

void forward_layer(struct workspace *r)
{
	size_t blocks = workspace_blocks(r->p->n_tok, WORKSPACE_ROWS);

	model_pack_layer(r->m, r->layer);
	par_for(blocks, job_qkv, r);
	par_for(r->p->n_seq * (size_t)r->m->cfg.kv_heads, job_att, r);
	par_for(blocks, job_mlp, r);
}

static void forward(struct workspace *r, const struct model *m, const struct pack *p, float *logp,
		    float *entropy, bool keep)
{
	size_t d = (size_t)m->cfg.d;
	const float *last;

	workspace_prepare(r, m, p, keep);
	r->logp = logp;
	r->entropy = entropy;
	par_for(workspace_blocks(p->n_tok, WORKSPACE_ROWS), job_embed, r);
	for (r->layer = 0; r->layer < (size_t)m->cfg.layers; r->layer++)
		forward_layer(r);
	last = r->x + (keep ? r->layer * p->n_tok * d : 0);
	for (size_t i = 0; i < p->n_rows; i++)
		memcpy(r->xr + i * d, last + p->at[i] * d, d * sizeof *last);
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
