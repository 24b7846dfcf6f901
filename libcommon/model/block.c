/* block.c - the forward pass of a layer but for its attention. See block.h. */
#include "model/block.h"
#include "model/mat.h"
#include "tensor/layers.h"

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

/* y (rows, ldy) += what the adapter, if there is one, makes of x. scratch: rows * width floats of
 * it. */
static void adapt(const struct model *m, size_t l, enum lora_input input, float *y, size_t ldy,
		  const float *x, size_t rows, float *scratch)
{
	if (m->lora)
		lora_forward(m->lora, lora_group(m->lora, l, input), y, ldy, x, rows, scratch);
}

void block_embed(const struct model *m, float *x, const uint32_t *tokens, size_t rows)
{
	size_t d = (size_t)m->cfg.d;

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

void block_qkv(const struct model *m, size_t l, float *qkv, float *raw, const float *x,
	       const uint32_t *pos, size_t rows, float *scratch)
{
	size_t d = (size_t)m->cfg.d, q = block_qkv_dim(m);
	size_t qk = block_qk_dim(m); /* values are neither normed nor rotated */
	const struct layer *w = &m->layer[l];

	norm_rows(m, scratch, x, w->norm1, rows);
	mat_forward(m, &w->qkv, qkv, q, scratch, rows, false, scratch + rows * d);
	adapt(m, l, LORA_IN_QKV, qkv, q, scratch, rows, scratch + rows * d);
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

	for (size_t i = 0; i < rows; i++) {
		const float *cs = angles_at(m->rope, pos[i]);

		for (size_t h = 0; h < qk; h += hd)
			rope_forward(qkv + i * q + h, cs, hd);
	}
}

void block_mlp(const struct model *m, size_t l, float *out, float *x2, float *gu, const float *x,
	       const float *att, size_t rows, float *scratch)
{
	size_t d = (size_t)m->cfg.d, f = (size_t)m->cfg.ffn;
	const struct layer *w = &m->layer[l];
	float *rest = scratch + rows * (d > f ? d : f);

	if (x2 != x)
		memcpy(x2, x, rows * d * sizeof *x2);
	mat_forward(m, &w->o, x2, d, att, rows, true, rest);
	adapt(m, l, LORA_IN_O, x2, d, att, rows, rest);
	add_bias(m, x2, w->o_bias, rows, d);
	norm_rows(m, scratch, x2, w->norm2, rows);
	mat_forward(m, &w->gu, gu, 2 * f, scratch, rows, false, rest);
	adapt(m, l, LORA_IN_GU, gu, 2 * f, scratch, rows, rest);
	add_bias(m, gu, w->gu_bias, rows, 2 * f);
	for (size_t i = 0; i < rows; i++)
		swiglu_forward(scratch + i * f, gu + i * 2 * f, f);
	if (out != x2)
		memcpy(out, x2, rows * d * sizeof *out);
	mat_forward(m, &w->down, out, d, scratch, rows, true, rest);
	adapt(m, l, LORA_IN_DOWN, out, d, scratch, rows, rest);
	add_bias(m, out, w->down_bias, rows, d);
}

void block_logits(const struct model *m, float *logits, size_t ld, float *xn, const float *x,
		  size_t rows, float *scratch)
{
	norm_rows(m, xn, x, m->norm, rows);
	mat_forward(m, &m->head, logits, ld, xn, rows, false, scratch);
}
