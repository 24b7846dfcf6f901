/*
 * decode.c - the forward pass over caches of keys and values. See decode.h.
 *
 * A cache holds, layer by layer and head by head, the keys of all its tokens and then the values.
 */
#include "model/decode.h"
#include "model/block.h"
#include "tensor/attention.h"

#include <string.h>

enum { PREFILL = 24 }; /* rows that attend together in a prompt: a multiple of GEMM_MR */

float *decode_cut(float *base, size_t *at, size_t n)
{
	float *p = base ? base + *at : NULL;

	*at += vec_round(n) + PANEL; /* whole vectors may be read past a row's end */
	return p;
}

size_t decode_lay_out(struct decode_room *r, const struct decode *d, float *base)
{
	const struct config *c = &d->m->cfg;
	size_t at = 0, width = (size_t)c->d;
	size_t most_rows = c->heads > PREFILL ? (size_t)c->heads : PREFILL;

	r->x = decode_cut(base, &at, d->rows * width);
	r->xn = decode_cut(base, &at, d->rows * width);
	r->qkv = decode_cut(base, &at, d->rows * block_qkv_dim(d->m));
	r->att = decode_cut(base, &at, d->rows * block_att_dim(d->m));
	r->gu = decode_cut(base, &at, d->rows * 2 * (size_t)c->ffn);
	r->scratch = decode_cut(base, &at, block_scratch(d->m, d->rows));
	r->att_scratch = decode_cut(base, &at, att_scratch(most_rows, d->len));
	r->pos = (uint32_t *)decode_cut(base, &at, d->rows);
	return at;
}

/* Floats of the keys of one layer and head */
static size_t keys_size(const struct decode *d)
{
	return att_keys_floats(d->len, (size_t)d->m->cfg.head_dim);
}

/* Floats from one head's keys in the cache to the next one's */
static size_t head_step(const struct decode *d)
{
	return keys_size(d) + att_values_floats(d->len, (size_t)d->m->cfg.head_dim);
}

size_t decode_cache(const struct decode *d)
{
	return (size_t)(d->m->cfg.layers * d->m->cfg.kv_heads) * head_step(d);
}

/* Keys of a layer's first head */
static float *layer_keys(const struct decode *d, float *kv, size_t layer)
{
	return kv + layer * (size_t)d->m->cfg.kv_heads * head_step(d);
}

void decode_copy(const struct decode *d, float *to, const float *from, size_t n)
{
	const struct config *c = &d->m->cfg;
	size_t hd = (size_t)c->head_dim, keys = att_keys_floats(n, hd);

	for (size_t i = 0; i < (size_t)(c->layers * c->kv_heads); i++) {
		size_t at = i * head_step(d), values = at + keys_size(d);

		memcpy(to + at, from + at, keys * sizeof *to);
		memcpy(to + values, from + values, att_values_floats(n, hd) * sizeof *to);
	}
}

static void qkv(const struct decode *d, struct decode_room *r, size_t layer, const uint32_t *tokens,
		const uint32_t *pos, size_t rows)
{
	if (layer == 0 && d->lookup)
		qkvtable_qkv(d->lookup, d->m, r->qkv, tokens, pos, rows);
	else
		block_qkv(d->m, layer, r->qkv, NULL, r->x, pos, rows, r->scratch);
}

/* Puts rows' keys and values into their caches and attends. */
static void attend(const struct decode *d, struct decode_room *r, size_t layer, float *const *kv,
		   const uint32_t *pos, size_t rows)
{
	const struct config *c = &d->m->cfg;
	size_t hd = (size_t)c->head_dim, kvh = (size_t)c->kv_heads, heads = (size_t)c->heads;
	size_t Q = block_qkv_dim(d->m), A = block_att_dim(d->m);
	size_t step = head_step(d), size = keys_size(d);

	for (size_t i = 0; i < rows; i++) {
		float *q = r->qkv + i * Q, *keys = layer_keys(d, kv[i], layer);

		for (size_t g = 0; g < kvh; g++) {
			float *k = q + (heads + g) * hd;

			att_put(keys + g * step, keys + g * step + size, pos[i], 1, k, k + kvh * hd,
				Q, hd);
		}
		att_token(r->att + i * A, q, keys, keys + size, step, heads, kvh, pos[i] + 1, hd,
			  r->att_scratch);
	}
}

void decode_tokens(const struct decode *d, struct decode_room *r, float *const *kv,
		   const uint32_t *tokens, const uint32_t *pos, size_t rows, float *logits)
{
	block_embed(d->m, r->x, tokens, rows);
	for (size_t l = 0; l < (size_t)d->m->cfg.layers; l++) {
		qkv(d, r, l, tokens, pos, rows);
		attend(d, r, l, kv, pos, rows);
		block_mlp(d->m, l, r->x, r->x, r->gu, r->x, r->att, rows, r->scratch);
	}
	block_logits(d->m, logits, (size_t)d->m->cfg.vocab, r->xn, r->x, rows, r->scratch);
}

/* Puts the keys and values of a prompt's tokens first .. first + n - 1 into the cache kv; of these
 * n those from the from-th on attend. */
static void attend_prompt(const struct decode *d, struct decode_room *r, size_t layer, float *kv,
			  size_t first, size_t n, size_t from)
{
	const struct config *c = &d->m->cfg;
	size_t hd = (size_t)c->head_dim, kvh = (size_t)c->kv_heads, heads = (size_t)c->heads;
	size_t Q = block_qkv_dim(d->m), A = block_att_dim(d->m);
	size_t step = head_step(d), size = keys_size(d);
	float *cache = layer_keys(d, kv, layer);

	for (size_t g = 0; g < kvh; g++) {
		float *k = r->qkv + (heads + g) * hd, *keys = cache + g * step;

		att_put(keys, keys + size, first, n, k, k + kvh * hd, Q, hd);
	}
	for (size_t h = 0; h < heads; h++) {
		float *keys = cache + h / (heads / kvh) * step;

		for (size_t t = from; t < n; t += PREFILL)
			att_rows(r->att + t * A + h * hd, A, r->qkv + t * Q + h * hd, Q, keys,
				 keys + size, n - t < PREFILL ? n - t : PREFILL, first + t + 1, 1,
				 hd, r->att_scratch);
	}
}

/* n tokens of a prompt from the first-th on. What comes out of the last layer counts for the
 * prompt's last token only. */
static void prompt_part(const struct decode *d, struct decode_room *r, float *kv,
			const uint32_t *tokens, size_t first, size_t n, bool last)
{
	size_t L = (size_t)d->m->cfg.layers, width = (size_t)d->m->cfg.d, A = block_att_dim(d->m);

	for (size_t i = 0; i < n; i++)
		r->pos[i] = (uint32_t)(first + i);
	block_embed(d->m, r->x, tokens + first, n);
	for (size_t l = 0; l < L; l++) {
		size_t from = l + 1 < L ? 0 : last ? n - 1 : n;
		float *x = r->x + from * width;

		qkv(d, r, l, tokens + first, r->pos, n);
		attend_prompt(d, r, l, kv, first, n, from);
		if (from < n)
			block_mlp(d->m, l, x, x, r->gu, x, r->att + from * A, n - from, r->scratch);
	}
}

void decode_prompt(const struct decode *d, struct decode_room *r, float *kv, const uint32_t *tokens,
		   size_t n, float *logits)
{
	size_t first = 0;

	for (; n - first > d->rows; first += d->rows)
		prompt_part(d, r, kv, tokens, first, d->rows, false);
	prompt_part(d, r, kv, tokens, first, n - first, true);
	block_logits(d->m, logits, (size_t)d->m->cfg.vocab, r->xn,
		     r->x + (n - first - 1) * (size_t)d->m->cfg.d, 1, r->scratch);
}
