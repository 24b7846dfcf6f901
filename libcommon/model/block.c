/* block.c - the forward pass of a layer but for its attention. See block.h. */
#include "model/block.h"
#include "model/mat.h"
#include "model/mix.h"
#include "tensor/layers.h"
#include "tensor/softmax.h"

#include <assert.h>
#include <string.h>

size_t block_qkv_dim(const struct model *m, size_t layer)
{
	return m->layer[layer].qkv.n;
}

size_t block_q_dim(const struct model *m)
{
	return (size_t)(m->cfg.heads * m->cfg.head_dim);
}

size_t block_qk_dim(const struct model *m)
{
	return (size_t)((m->cfg.heads + m->cfg.kv_heads) * m->cfg.head_dim);
}

size_t block_att_dim(const struct model *m, size_t layer)
{
	return m->layer[layer].o.k;
}

size_t block_qkv_most(const struct model *m)
{
	size_t most = 0;

	for (size_t l = 0; l < (size_t)m->cfg.layers; l++)
		most = m->layer[l].qkv.n > most ? m->layer[l].qkv.n : most;
	return most;
}

size_t block_att_most(const struct model *m)
{
	size_t most = 0;

	for (size_t l = 0; l < (size_t)m->cfg.layers; l++)
		most = m->layer[l].o.k > most ? m->layer[l].o.k : most;
	return most;
}

size_t block_up_dim(const struct model *m)
{
	return act_inputs(family_row(m->cfg.family)->act) * (size_t)m->cfg.ffn;
}

bool block_norms_out(const struct model *m)
{
	return m->layer[0].norm1_out.w != NOWHERE;
}

bool block_adds_plain(const struct model *m)
{
	return !block_norms_out(m) && !(m->cfg.residual_scale > 0);
}

static bool gated(const struct model *m)
{
	return family_row(m->cfg.family)->gated || family_row(m->cfg.family)->mixer;
}

size_t block_scratch(const struct model *m, size_t rows)
{
	size_t d = (size_t)m->cfg.d, wide = (size_t)(m->cfg.d > m->cfg.ffn ? m->cfg.d : m->cfg.ffn);

	wide += block_adds_plain(m) ? 0 : 2 * d;
	wide += gated(m) ? 2 * block_att_most(m) : 0;
	return rows * (wide + (m->lora ? m->lora->width : 0)) + mat_scratch(m, rows);
}

static const float *weights_at(const struct model *m, size_t at)
{
	return at == NOWHERE ? NULL : m->params + at;
}

struct norm block_norm(const struct model *m, struct norm_at at)
{
	const struct family_row *row = family_row(m->cfg.family);

	assert(at.w != NOWHERE);
	return (struct norm){.w = m->params + at.w,
			     .b = weights_at(m, at.b),
			     .n = (size_t)m->cfg.d,
			     .one = row->one,
			     .eps = (float)m->cfg.norm_eps,
			     .centred = row->layernorm};
}

bool block_half(const struct model *m)
{
	return m->how & MODEL_BF16;
}

struct att_how block_att(const struct model *m, size_t layer)
{
	return (struct att_how){.scale = (float)m->cfg.attention_scale,
				.cap = (float)m->cfg.attention_cap,
				.window = (size_t)m->layer[layer].kind.window,
				.half = block_half(m)};
}

struct act block_act(const struct model *m, size_t layer)
{
	const float *v = weights_at(m, m->layer[layer].act);
	struct act a = {.kind = family_row(m->cfg.family)->act};

	if (v)
		a = (struct act){a.kind, v[0], v[1], v[2], v[3]};
	return a;
}

static struct block_qk qk_norm(const struct model *m, size_t at, size_t heads)
{
	enum qk_norm how = family_row(m->cfg.family)->qk_norm;
	size_t hd = (size_t)m->cfg.head_dim, n = how == QK_ROW ? heads * hd : hd;
	struct block_qk q = {.n = how == QK_ROW ? 1 : heads, .step = how == QK_LAYERNORM ? hd : 0};

	q.norm = block_norm(m, (struct norm_at){at, NOWHERE});
	q.norm.n = n;
	return q;
}

struct block_qk block_q_norm(const struct model *m, size_t layer)
{
	return qk_norm(m, m->layer[layer].q_norm, (size_t)m->cfg.heads);
}

struct block_qk block_k_norm(const struct model *m, size_t layer)
{
	return qk_norm(m, m->layer[layer].k_norm, (size_t)m->cfg.kv_heads);
}

size_t block_qk_weights(const struct model *m)
{
	enum qk_norm how = family_row(m->cfg.family)->qk_norm;

	if (!m->cfg.qk_norm)
		return 0;
	return how == QK_ROW || how == QK_LAYERNORM ? block_qk_dim(m) : 2 * (size_t)m->cfg.head_dim;
}

size_t block_mix_weights(const struct model *m)
{
	return (size_t)(m->cfg.linear_v_dim + 2 * m->cfg.linear_v_heads);
}

/* y += what the adapter, if there is one, makes of x. scratch: rows * width floats of it. */
static void adapt(const struct block *b, enum lora_input input, struct matrix y, const float *x,
		  float *scratch)
{
	const struct lora *l = b->m->lora;

	if (l)
		lora_forward(l, lora_group(l, b->layer, input), y, x, scratch);
}

/* x(t) = E(token(t)), E (vocab, d), times the factor that the family has */
void block_embed(const struct model *m, float *x, const uint32_t *tokens, size_t rows)
{
	size_t d = (size_t)m->cfg.d;
	float scale = (float)m->cfg.embedding_scale;

	assert(x && tokens);
	for (size_t i = 0; i < rows; i++)
		model_get_rows(m, &m->w[0], tokens[i], x + i * d, 1);
	for (size_t i = 0; scale > 0 && i < rows * d; i++)
		x[i] *= scale;
}

static void norm_rows(const struct model *m, float *y, const float *x, struct norm_at at,
		      size_t rows)
{
	struct norm k = block_norm(m, at);

	for (size_t i = 0; i < rows; i++)
		norm_forward(&k, y + i * k.n, x + i * k.n);
}

/* y (rows, n) += the bias at this offset of params */
static void add_bias(const struct model *m, float *y, size_t bias, size_t rows, size_t n)
{
	for (size_t i = 0; bias != NOWHERE && i < rows; i++)
		layers_add_row(y + i * n, m->params + bias, n);
}

/* Norms side by side, in place */
static void norm_qk(const struct block_qk *q, float *y)
{
	struct norm k = q->norm;

	for (size_t i = 0; i < q->n; i++, y += k.n, k.w += q->step)
		norm_forward(&k, y, y);
}

static void norm_heads(const struct block *b, float *qkv, float *raw)
{
	const struct model *m = b->m;
	size_t Q = block_qkv_dim(m, b->layer), A = block_q_dim(m), qk = block_qk_dim(m);
	struct block_qk q = block_q_norm(m, b->layer), k = block_k_norm(m, b->layer);

	for (size_t i = 0; i < b->rows; i++, qkv += Q) {
		if (raw)
			memcpy(raw + i * qk, qkv, qk * sizeof *raw);
		norm_qk(&q, qkv);
		norm_qk(&k, qkv + A);
	}
}

/* How the heads of a layer are turned; NULL: they are not */
static struct angles *angles_of(const struct model *m, size_t layer, size_t *turned)
{
	struct layer_kind kind = m->layer[layer].kind;
	const struct rope *r = kind.local ? &m->cfg.local : &m->cfg.rope;

	*turned = (size_t)rope_turned(r, m->cfg.head_dim);
	return !kind.turned ? NULL : kind.local ? m->local : m->rope;
}

/* Turns a row's queries and keys, and scales its queries where the family does that. */
static void turn_row(const struct model *m, float *x, const float *cs, size_t turned, float scale)
{
	void (*turn)(float *, const float *, size_t) =
		family_row(m->cfg.family)->pairs ? rope_pairs_forward : rope_forward;
	size_t hd = (size_t)m->cfg.head_dim, qk = block_qk_dim(m), A = block_q_dim(m);

	for (size_t h = 0; h < qk; h += hd)
		turn(x + h, cs, turned);
	for (size_t i = 0; scale > 1 && i < A; i++)
		x[i] *= scale;
}

static void turn_rows(const struct block *b, float *qkv, const uint32_t *pos)
{
	const struct model *m = b->m;
	size_t Q = block_qkv_dim(m, b->layer), turned;
	struct angles *a = angles_of(m, b->layer, &turned);

	for (size_t i = 0; a && i < b->rows; i++)
		turn_row(m, qkv + i * Q, angles_at(a, pos[i]), turned,
			 rope_query(&m->cfg.rope, pos[i]));
}

void block_turn_back(const struct model *m, size_t layer, float *dqkv, size_t pos)
{
	void (*back)(float *, const float *, size_t) =
		family_row(m->cfg.family)->pairs ? rope_pairs_backward : rope_backward;
	size_t hd = (size_t)m->cfg.head_dim, qk = block_qk_dim(m), A = block_q_dim(m), turned;
	struct angles *a = angles_of(m, layer, &turned);
	float scale = rope_query(&m->cfg.rope, pos);

	for (size_t i = 0; a && scale > 1 && i < A; i++)
		dqkv[i] *= scale;
	for (size_t h = 0; a && h < qk; h += hd)
		back(dqkv + h, angles_at(a, pos), turned);
}

void block_turn(const struct block *b, float *qkv, float *raw, const uint32_t *pos)
{
	bool first = family_row(b->m->cfg.family)->qk_norm != QK_TURNED;

	assert(qkv && pos);
	if (b->m->layer[b->layer].kind.mixer != MIXER_ATTENTION)
		return;
	if (b->m->cfg.qk_norm && first)
		norm_heads(b, qkv, raw);
	turn_rows(b, qkv, pos);
	if (b->m->cfg.qk_norm && !first)
		norm_heads(b, qkv, raw);
}

/* qkv = norm(x) Wqkv' + b, and queries and keys as block_turn has them; values stay. */
void block_qkv(const struct block *b, float *qkv, float *raw, const float *x, const uint32_t *pos)
{
	const struct model *m = b->m;
	size_t d = (size_t)m->cfg.d, q = block_qkv_dim(m, b->layer), rows = b->rows;
	const struct layer *w = &m->layer[b->layer];
	struct matrix y = matrix_of(qkv, rows, q, q);
	float *rest = b->scratch + rows * d;

	assert(b->layer < (size_t)m->cfg.layers && b->scratch);
	if (w->norm1.w != NOWHERE) {
		norm_rows(m, b->scratch, x, w->norm1, rows);
		x = b->scratch;
	}
	mat_forward(m, &w->qkv, y, x, false, rest);
	adapt(b, LORA_IN_QKV, y, x, rest);
	add_bias(m, qkv, w->qkv_bias, rows, q);
	if (w->kind.mixer == MIXER_ATTENTION && family_row(m->cfg.family)->gated)
		for (size_t i = 0; i < rows; i++)
			mix_split(m, qkv + i * q, b->scratch);
	if (pos)
		block_turn(b, qkv, raw, pos);
}

/* A product that ends a sub-layer */
struct ending {
	const struct mat *w;
	enum lora_input input;
	size_t bias;
	struct norm_at norm;
};

/* y = x W' + b, or += */
static void end_product(const struct block *b, const struct ending *e, float *y, const float *x,
			bool add, float *rest)
{
	size_t d = (size_t)b->m->cfg.d;
	struct matrix to = matrix_of(y, b->rows, d, d);

	mat_forward(b->m, e->w, to, x, add, rest);
	adapt(b, e->input, to, x, rest);
	add_bias(b->m, y, e->bias, b->rows, d);
}

/* to += factor * norm(x W' + b); kept (NULL: nowhere) gets what the norm gets. */
static void end_sublayer(const struct block *b, const struct ending *e, float *to, float *kept,
			 const float *x, float *rest)
{
	const struct model *m = b->m;
	size_t n = b->rows * (size_t)m->cfg.d;
	float scale = m->cfg.residual_scale > 0 ? (float)m->cfg.residual_scale : 1.0f;
	float *y = kept ? kept : rest, *normed = rest + n;

	if (block_adds_plain(m)) {
		end_product(b, e, to, x, true, rest);
		return;
	}
	end_product(b, e, y, x, false, rest + 2 * n);
	if (e->norm.w != NOWHERE) {
		norm_rows(m, normed, y, e->norm, b->rows);
		y = normed;
	}
	for (size_t i = 0; i < n; i++)
		to[i] += scale * y[i];
}

/* scratch (rows, ffn) = act(n Wgu' + b) of the rows that the feed-forward layer gets */
static void up(const struct block *b, float *gu, const float *n, float *rest)
{
	const struct model *m = b->m;
	const struct layer *w = &m->layer[b->layer];
	size_t f = (size_t)m->cfg.ffn, u = block_up_dim(m), rows = b->rows;
	struct matrix g = matrix_of(gu, rows, u, u);
	struct act a = block_act(m, b->layer);

	mat_forward(m, &w->gu, g, n, false, rest);
	adapt(b, LORA_IN_GU, g, n, rest);
	add_bias(m, gu, w->gu_bias, rows, u);
	for (size_t i = 0; i < rows; i++)
		act_forward(&a, b->scratch + i * f, gu + i * u, f);
}

static void copy_rows(float *to, const float *from, size_t n)
{
	if (to != from)
		memcpy(to, from, n * sizeof *to);
}

static void gate_rows(const struct block *b, float *y, const float *att, const float *qkv)
{
	size_t A = block_att_dim(b->m, b->layer), Q = block_qkv_dim(b->m, b->layer);

	assert(qkv);
	for (size_t i = 0; i < b->rows; i++)
		mix_gate(b->m, b->layer, y + i * A, att + i * A, qkv + i * Q);
}

/* x2 = x + f norm(att Wo' + bo); out = x2 + f norm(act(n Wgu' + bgu) Wdown' + bdown), n = norm(x2),
 * or norm(x) where the sub-layers are parallel */
void block_mlp(const struct block *b, const struct block_out *to, const float *x, const float *att,
	       const float *qkv)
{
	const struct model *m = b->m;
	size_t d = (size_t)m->cfg.d, f = (size_t)m->cfg.ffn, rows = b->rows;
	const struct layer *w = &m->layer[b->layer];
	const struct ending o = {&w->o, LORA_IN_O, w->o_bias, w->norm1_out};
	const struct ending down = {&w->down, LORA_IN_DOWN, w->down_bias, w->norm2_out};
	float *scratch = b->scratch, *rest = scratch + rows * (d > f ? d : f);

	assert(b->layer < (size_t)m->cfg.layers && scratch);
	assert(x && att);
	if (m->cfg.parallel)
		norm_rows(m, scratch, x, w->norm1, rows);
	copy_rows(to->x2, x, rows * d);
	if (mix_gated(m, b->layer)) {
		gate_rows(b, rest, att, qkv);
		att = rest;
		rest += rows * block_att_dim(m, b->layer);
	}
	end_sublayer(b, &o, to->x2, to->o_out, att, rest);
	if (w->norm2.w != NOWHERE)
		norm_rows(m, scratch, to->x2, w->norm2, rows);
	up(b, to->gu, m->cfg.parallel || w->norm2.w != NOWHERE ? scratch : to->x2, rest);
	copy_rows(to->out, to->x2, rows * d);
	end_sublayer(b, &down, to->out, to->down_out, scratch, rest);
}

/* logits = cap(scale * norm(x) H'), H (vocab, d) */
void block_logits(const struct block *b, float *logits, float *xn, const float *x)
{
	const struct model *m = b->m;
	size_t v = (size_t)m->cfg.vocab;
	float scale = m->cfg.logit_scale > 0 ? (float)m->cfg.logit_scale : 1.0f;
	float cap = (float)m->cfg.logit_cap;

	assert(xn && x && xn != x);
	norm_rows(m, xn, x, m->norm, b->rows);
	mat_forward(m, &m->head, matrix_of(logits, b->rows, v, v), xn, false, b->scratch);
	for (size_t i = 0; (cap > 0 || scale != 1) && i < b->rows; i++)
		softmax_scores(logits + i * v, v, scale, cap);
}
