/* block.c - the forward pass of a layer but for its attention. See block.h. */
#include "model/block.h"
#include "model/mat.h"
#include "tensor/layers.h"

#include <assert.h>
#include <string.h>

size_t block_qkv_dim(const struct model *m)
{
	return (size_t)((m->cfg.heads + 2 * m->cfg.kv_heads) * m->cfg.head_dim);
}

size_t block_qk_dim(const struct model *m)
{
	return (size_t)((m->cfg.heads + m->cfg.kv_heads) * m->cfg.head_dim);
}

size_t block_att_dim(const struct model *m)
{
	return (size_t)(m->cfg.heads * m->cfg.head_dim);
}

size_t block_scratch(const struct model *m, size_t rows)
{
	size_t wide = (size_t)(m->cfg.d > m->cfg.ffn ? m->cfg.d : m->cfg.ffn);

	return rows * (wide + (m->lora ? m->lora->width : 0)) + mat_scratch(m, rows);
}

/* y += what the adapter, if there is one, makes of x. scratch: rows * width floats of it. */
static void adapt(const struct block *b, enum lora_input input, struct matrix y, const float *x,
		  float *scratch)
{
	const struct lora *l = b->m->lora;

	if (l)
		lora_forward(l, lora_group(l, b->layer, input), y, x, scratch);
}

/* x(t) = E(token(t)), E (vocab, d) */
void block_embed(const struct model *m, float *x, const uint32_t *tokens, size_t rows)
{
	size_t d = (size_t)m->cfg.d;

	assert(x && tokens);
	for (size_t i = 0; i < rows; i++)
		model_get_rows(m, &m->w[0], tokens[i], x + i * d, 1);
}

static void norm_rows(const struct model *m, float *y, const float *x, size_t norm, size_t rows)
{
	size_t d = (size_t)m->cfg.d;

	for (size_t i = 0; i < rows; i++)
		rmsnorm_forward(y + i * d, x + i * d, m->params + norm, d, (float)m->cfg.norm_eps);
}

/* y (rows, n) += the bias at this offset of params; 0: there is none */
static void add_bias(const struct model *m, float *y, size_t bias, size_t rows, size_t n)
{
	for (size_t i = 0; bias && i < rows; i++)
		layers_add_row(y + i * n, m->params + bias, n);
}

/* Norms queries and keys head by head. */
static void norm_heads(const struct model *m, const struct layer *w, float *qkv, size_t rows)
{
	size_t hd = (size_t)m->cfg.head_dim, q = block_qkv_dim(m), heads = (size_t)m->cfg.heads;

	for (size_t i = 0; i < rows; i++)
		for (size_t h = 0; h < heads + (size_t)m->cfg.kv_heads; h++) {
			float *y = qkv + i * q + h * hd;

			rmsnorm_forward(y, y, m->params + (h < heads ? w->q_norm : w->k_norm), hd,
					(float)m->cfg.norm_eps);
		}
}

/*
 * qkv = rope(norm(rmsnorm(x) Wqkv' + b)), the inner norm head by head and only in families that
 * have it; values are neither normed nor rotated.
 */
void block_qkv(const struct block *b, float *qkv, float *raw, const float *x, const uint32_t *pos)
{
	const struct model *m = b->m;
	size_t d = (size_t)m->cfg.d, q = block_qkv_dim(m), qk = block_qk_dim(m), rows = b->rows;
	const struct layer *w = &m->layer[b->layer];
	struct matrix y = matrix_of(qkv, rows, q, q);
	float *scratch = b->scratch, *rest = scratch + rows * d;

	assert(b->layer < (size_t)m->cfg.layers && scratch);
	norm_rows(m, scratch, x, w->norm1, rows);
	mat_forward(m, &w->qkv, y, scratch, false, rest);
	adapt(b, LORA_IN_QKV, y, scratch, rest);
	add_bias(m, qkv, w->qkv_bias, rows, q);
	for (size_t i = 0; raw && i < rows; i++)
		memcpy(raw + i * qk, qkv + i * q, qk * sizeof *raw);
	if (w->q_norm)
		norm_heads(m, w, qkv, rows);
	if (pos)
		block_rotate(m, qkv, pos, rows);
}

void block_rotate(const struct model *m, float *qkv, const uint32_t *pos, size_t rows)
{
	size_t hd = (size_t)m->cfg.head_dim, q = block_qkv_dim(m), qk = block_qk_dim(m);

	assert(qkv && pos);
	for (size_t i = 0; i < rows; i++) {
		const float *cs = angles_at(m->rope, pos[i]);

		for (size_t h = 0; h < qk; h += hd)
			rope_forward(qkv + i * q + h, cs, hd);
	}
}

/* x2 = x + att Wo' + bo; out = x2 + (silu(g) * u) Wdown' + bdown, (g, u) = rmsnorm(x2) Wgu' + bgu
 */
void block_mlp(const struct block *b, float *out, float *x2, float *gu, const float *x,
	       const float *att)
{
	const struct model *m = b->m;
	size_t d = (size_t)m->cfg.d, f = (size_t)m->cfg.ffn, rows = b->rows;
	const struct layer *w = &m->layer[b->layer];
	struct matrix y = matrix_of(x2, rows, d, d), g = matrix_of(gu, rows, 2 * f, 2 * f);
	struct matrix o = matrix_of(out, rows, d, d);
	float *scratch = b->scratch, *rest = scratch + rows * (d > f ? d : f);

	assert(b->layer < (size_t)m->cfg.layers && scratch);
	assert(x && att);
	if (x2 != x)
		memcpy(x2, x, rows * d * sizeof *x2);
	mat_forward(m, &w->o, y, att, true, rest);
	adapt(b, LORA_IN_O, y, att, rest);
	add_bias(m, x2, w->o_bias, rows, d);
	norm_rows(m, scratch, x2, w->norm2, rows);
	mat_forward(m, &w->gu, g, scratch, false, rest);
	adapt(b, LORA_IN_GU, g, scratch, rest);
	add_bias(m, gu, w->gu_bias, rows, 2 * f);
	for (size_t i = 0; i < rows; i++)
		swiglu_forward(scratch + i * f, gu + i * 2 * f, f);
	if (out != x2)
		memcpy(out, x2, rows * d * sizeof *out);
	mat_forward(m, &w->down, o, scratch, true, rest);
	adapt(b, LORA_IN_DOWN, o, scratch, rest);
	add_bias(m, out, w->down_bias, rows, d);
}

/* logits = rmsnorm(x) H', H (vocab, d) */
void block_logits(const struct block *b, float *logits, float *xn, const float *x)
{
	const struct model *m = b->m;
	size_t v = (size_t)m->cfg.vocab;

	assert(xn && x && xn != x);
	norm_rows(m, xn, x, m->norm, b->rows);
	mat_forward(m, &m->head, matrix_of(logits, b->rows, v, v), xn, false, b->scratch);
}
