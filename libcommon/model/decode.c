/*
 * decode.c - the forward pass over caches of keys and values. See decode.h.
 *
 * A cache holds, layer by layer and head by head, the keys of all its tokens and then the values.
 */
#include "model/decode.h"
#include "model/block.h"
#include "model/mix.h"
#include "tensor/attention.h"

#include <assert.h>
#include <string.h>

enum { PREFILL = 24 }; /* rows that attend together in a prompt: a multiple of GEMM_MR */

float *decode_cut(float *base, size_t *at, size_t n)
{
	float *p = base ? base + *at : NULL;

	assert(at);
	*at += vec_round(n) + PANEL; /* whole vectors may be read past a row's end */
	return p;
}

size_t decode_lay_out(struct decode_room *r, const struct decode *d, float *base)
{
	const struct config *c = &d->m->cfg;
	size_t at = 0, width = (size_t)c->d;
	size_t most_rows = c->heads > PREFILL ? (size_t)c->heads : PREFILL;

	assert(d->rows >= 1 && d->len >= 1);
	r->x = decode_cut(base, &at, d->rows * width);
	r->xn = decode_cut(base, &at, d->rows * width);
	r->qkv = decode_cut(base, &at, d->rows * block_qkv_most(d->m));
	r->att = decode_cut(base, &at, d->rows * block_att_most(d->m));
	r->gu = decode_cut(base, &at, d->rows * block_up_dim(d->m));
	r->scratch = decode_cut(base, &at, block_scratch(d->m, d->rows));
	r->att_scratch = decode_cut(base, &at, att_scratch(most_rows, d->len));
	r->mix_scratch = decode_cut(base, &at, mix_scratch(d->m));
	r->pos = (uint32_t *)decode_cut(base, &at, d->rows);
	return at;
}

/* Floats of the keys of one layer and head */
static size_t keys_size(const struct decode *d)
{
	return att_keys_size(d->len, (size_t)d->m->cfg.head_dim, block_half(d->m));
}

/* Floats from one head's keys in the cache to the next one's */
static size_t head_step(const struct decode *d)
{
	return keys_size(d) + att_values_size(d->len, (size_t)d->m->cfg.head_dim, block_half(d->m));
}

/* Floats of a layer: keys and values of its heads, or the state of what stands in their place */
static size_t layer_size(const struct decode *d, size_t layer)
{
	size_t state = mix_state(d->m, layer);

	return state ? vec_round(state) : (size_t)d->m->cfg.kv_heads * head_step(d);
}

size_t decode_cache(const struct decode *d)
{
	size_t n = 0;

	for (size_t l = 0; l < (size_t)d->m->cfg.layers; l++)
		n += layer_size(d, l);
	return n;
}

/* Keys of a layer's first head, or its state */
static float *layer_keys(const struct decode *d, float *kv, size_t layer)
{
	if (family_row(d->m->cfg.family)->mixer == MIXER_ATTENTION)
		return kv + layer * layer_size(d, 0); /* all of one size */
	for (size_t l = 0; l < layer; l++)
		kv += layer_size(d, l);
	return kv;
}

void decode_copy(const struct decode *d, float *to, const float *from, size_t n)
{
	const struct config *c = &d->m->cfg;
	size_t hd = (size_t)c->head_dim, keys = att_keys_size(n, hd, block_half(d->m));
	size_t values_n = att_values_size(n, hd, block_half(d->m));

	assert(to && from && to != from && n <= d->len);
	for (size_t l = 0; l < (size_t)c->layers; l++) {
		float *x = layer_keys(d, to, l);
		const float *y = layer_keys(d, (float *)from, l);
		size_t state = mix_state(d->m, l);

		memcpy(x, y, state * sizeof *x);
		for (size_t i = 0; !state && i < (size_t)c->kv_heads; i++) {
			size_t at = i * head_step(d), values = at + keys_size(d);

			memcpy(x + at, y + at, keys * sizeof *x);
			memcpy(x + values, y + values, values_n * sizeof *x);
		}
	}
}

static struct block block_of(const struct decode *d, const struct decode_room *r, size_t layer,
			     size_t rows)
{
	return (struct block){d->m, layer, rows, r->scratch};
}

/* r->qkv of the rows in r->x, the tokens at pos */
static void qkv(const struct decode *d, struct decode_room *r, size_t layer,
		const struct decode_batch *b)
{
	struct block rows = block_of(d, r, layer, b->rows);

	if (layer == 0 && d->table)
		qkvtable_qkv(d->table, &rows, r->qkv, b->tokens, b->pos);
	else
		block_qkv(&rows, r->qkv, NULL, r->x, b->pos);
}

/* A layer's keys and values in a cache, from head g on */
static struct att_kv heads_of(const struct decode *d, float *cache, size_t layer, size_t g)
{
	const struct config *c = &d->m->cfg;
	float *keys = layer_keys(d, cache, layer) + g * head_step(d);

	return (struct att_kv){
		keys,         keys + keys_size(d),   (size_t)c->head_dim, (size_t)c->kv_heads - g,
		head_step(d), block_att(d->m, layer)};
}

/* Puts keys and values of n rows of r->qkv, from row i on, at place t of a cache. */
static void put_rows(const struct decode *d, struct decode_room *r, size_t i, size_t n,
		     float *cache, size_t layer, size_t t)
{
	const struct config *c = &d->m->cfg;
	size_t hd = (size_t)c->head_dim, kvh = (size_t)c->kv_heads, Q = block_qkv_dim(d->m, layer);
	const float *k = r->qkv + i * Q + (size_t)c->heads * hd;

	for (size_t g = 0; g < kvh; g++, k += hd)
		att_put(heads_of(d, cache, layer, g), t, matrix_in(k, n, hd, Q),
			matrix_in(k + kvh * hd, n, hd, Q));
}

/* Puts rows' keys and values into their caches and attends. */
static void attend(const struct decode *d, struct decode_room *r, size_t layer,
		   const struct decode_batch *b)
{
	size_t hd = (size_t)d->m->cfg.head_dim, heads = (size_t)d->m->cfg.heads;
	size_t Q = block_qkv_dim(d->m, layer), A = block_att_dim(d->m, layer);

	for (size_t i = 0; i < b->rows; i++) {
		assert(b->pos[i] < d->len);
		if (mix_state(d->m, layer)) {
			mix_token(d->m, layer, r->att + i * A, layer_keys(d, b->kv[i], layer),
				  r->qkv + i * Q, b->pos[i] == 0, r->mix_scratch);
			continue;
		}
		put_rows(d, r, i, 1, b->kv[i], layer, b->pos[i]);
		att_token(matrix_of(r->att + i * A, heads, hd, hd),
			  matrix_in(r->qkv + i * Q, heads, hd, hd), heads_of(d, b->kv[i], layer, 0),
			  b->pos[i] + 1, r->att_scratch);
	}
}

void decode_tokens(const struct decode *d, struct decode_room *r, const struct decode_batch *b,
		   float *logits)
{
	struct block rows = block_of(d, r, 0, b->rows);

	assert(b->rows <= d->rows && logits);
	block_embed(d->m, r->x, b->tokens, b->rows);
	for (; rows.layer < (size_t)d->m->cfg.layers; rows.layer++) {
		qkv(d, r, rows.layer, b);
		attend(d, r, rows.layer, b);
		block_mlp(&rows, &(struct block_out){.out = r->x, .x2 = r->x, .gu = r->gu}, r->x,
			  r->att, r->qkv);
	}
	block_logits(&rows, logits, r->xn, r->x);
}

/* Tokens first .. first + n - 1 of a prompt */
struct part {
	float *kv;
	const uint32_t *tokens; /* of the prompt */
	size_t first, n;
	bool last;
};

/* Puts the keys and values of a part's tokens into its cache; of these n those from the from-th on
 * attend. */
static void attend_prompt(const struct decode *d, struct decode_room *r, size_t layer,
			  const struct part *p, size_t from)
{
	const struct config *c = &d->m->cfg;
	size_t hd = (size_t)c->head_dim, heads = (size_t)c->heads,
	       rep = heads / (size_t)c->kv_heads;
	size_t Q = block_qkv_dim(d->m, layer), A = block_att_dim(d->m, layer);

	if (mix_state(d->m, layer)) {
		for (size_t t = 0; t < p->n; t++)
			mix_token(d->m, layer, r->att + t * A, layer_keys(d, p->kv, layer),
				  r->qkv + t * Q, p->first + t == 0, r->mix_scratch);
		return;
	}
	put_rows(d, r, 0, p->n, p->kv, layer, p->first);
	for (size_t h = 0; h < heads; h++)
		for (size_t t = from; t < p->n; t += PREFILL) {
			size_t n = p->n - t < PREFILL ? p->n - t : PREFILL;

			att_rows(matrix_of(r->att + t * A + h * hd, n, hd, A),
				 matrix_in(r->qkv + t * Q + h * hd, n, hd, Q),
				 heads_of(d, p->kv, layer, h / rep), p->first + t + 1, true,
				 r->att_scratch);
		}
}

/* What comes out of the last layer counts for the prompt's last token only. */
static void prompt_part(const struct decode *d, struct decode_room *r, const struct part *p)
{
	size_t L = (size_t)d->m->cfg.layers, width = (size_t)d->m->cfg.d;
	struct decode_batch all = {NULL, p->tokens + p->first, r->pos, p->n};

	for (size_t i = 0; i < p->n; i++)
		r->pos[i] = (uint32_t)(p->first + i);
	block_embed(d->m, r->x, all.tokens, p->n);
	for (size_t l = 0; l < L; l++) {
		size_t from = l + 1 < L ? 0 : p->last ? p->n - 1 : p->n;
		struct block rows = block_of(d, r, l, p->n - from);
		float *x = r->x + from * width;

		qkv(d, r, l, &all);
		attend_prompt(d, r, l, p, from);
		if (from < p->n)
			block_mlp(&rows, &(struct block_out){.out = x, .x2 = x, .gu = r->gu}, x,
				  r->att + from * block_att_dim(d->m, l),
				  r->qkv + from * block_qkv_dim(d->m, l));
	}
}

void decode_prompt(const struct decode *d, struct decode_room *r, float *kv, const uint32_t *tokens,
		   size_t n, float *logits)
{
	struct part p = {kv, tokens, 0, d->rows, false};
	struct block one = block_of(d, r, 0, 1);

	assert(n >= 1 && n <= d->len && kv && tokens && logits);
	for (; n - p.first > d->rows; p.first += d->rows)
		prompt_part(d, r, &p);
	p.n = n - p.first;
	p.last = true;
	prompt_part(d, r, &p);
	block_logits(&one, logits, r->xn, r->x + (p.n - 1) * (size_t)d->m->cfg.d);
}
