/* block.c - the forward pass of a layer but for its attention. See block.h. */
#include "policy/block.h"
#include "tensor/gemm.h"
#include "tensor/layers.h"

#include <string.h>

size_t block_qkv_dim(const struct model *m)
{
	return (size_t)((m->cfg.heads + 2 * m->cfg.kv_heads) * m->cfg.head_dim);
}

size_t block_att_dim(const struct model *m)
{
	return (size_t)(m->cfg.heads * m->cfg.head_dim);
}

size_t block_scratch(const struct model *m, size_t rows)
{
	return rows * (size_t)(m->cfg.d > m->cfg.ffn ? m->cfg.d : m->cfg.ffn);
}

void block_embed(const struct model *m, float *x, const uint32_t *tokens, size_t rows)
{
	size_t d = (size_t)m->cfg.d;

	for (size_t i = 0; i < rows; i++)
		memcpy(x + i * d, m->params + m->embed + tokens[i] * d, d * sizeof *x);
}

static void norm_rows(const struct model *m, float *y, const float *x, size_t norm, size_t rows)
{
	size_t d = (size_t)m->cfg.d;

	for (size_t i = 0; i < rows; i++)
		rmsnorm_forward(y + i * d, x + i * d, m->params + norm, d, (float)m->cfg.norm_eps);
}

void block_qkv(const struct model *m, size_t l, float *qkv, const float *x, const uint32_t *pos,
	       size_t rows, float *scratch)
{
	size_t d = (size_t)m->cfg.d, hd = (size_t)m->cfg.head_dim, q = block_qkv_dim(m);
	size_t turned = (size_t)(m->cfg.heads + m->cfg.kv_heads); /* values are not rotated */
	const struct layer *w = &m->layer[l];

	norm_rows(m, scratch, x, w->norm1, rows);
	gemm(rows, q, d, scratch, d, 1, packed_view(m->packed + w->p_qkv, d), qkv, q, false);
	for (size_t i = 0; i < rows; i++)
		for (size_t h = 0; h < turned; h++)
			rope_forward(qkv + i * q + h * hd, m->rope + pos[i] * hd, hd);
}

void block_mlp(const struct model *m, size_t l, float *out, float *x2, float *gu, const float *x,
	       const float *att, size_t rows, float *scratch)
{
	size_t d = (size_t)m->cfg.d, f = (size_t)m->cfg.ffn, a = block_att_dim(m);
	const struct layer *w = &m->layer[l];

	memcpy(x2, x, rows * d * sizeof *x2);
	gemm(rows, d, a, att, a, 1, packed_view(m->packed + w->p_o, a), x2, d, true);
	norm_rows(m, scratch, x2, w->norm2, rows);
	gemm(rows, 2 * f, d, scratch, d, 1, packed_view(m->packed + w->p_gu, d), gu, 2 * f, false);
	for (size_t i = 0; i < rows; i++)
		swiglu_forward(scratch + i * f, gu + i * 2 * f, f);
	memcpy(out, x2, rows * d * sizeof *out);
	gemm(rows, d, f, scratch, f, 1, packed_view(m->packed + w->p_down, f), out, d, true);
}

void block_logits(const struct model *m, float *logits, size_t ld, float *xn, const float *x,
		  size_t rows)
{
	size_t d = (size_t)m->cfg.d, v = (size_t)m->cfg.vocab;

	norm_rows(m, xn, x, m->norm, rows);
	gemm(rows, v, d, xn, d, 1, packed_view(m->packed + m->p_head, d), logits, ld, false);
}
