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

/* Rows that attend together: of a prompt, or of one head in sequences that share a prompt; a
 * multiple of GEMM_MR */
enum { ROWS = 24 };

float *decode_cut(float *base, size_t *at, size_t n)
{
	float *p = base ? base + *at : NULL;

	assert(at);
	*at += vec_round(n) + PANEL; /* whole vectors may be read past a row's end */
	return p;
}

/* Most sequences that attend together to the prompt that they share, as many as their threads'
 * batch can have */
static size_t together(const struct decode *d)
{
	size_t n = ROWS * (size_t)d->m->cfg.kv_heads / (size_t)d->m->cfg.heads;

	n = n < d->rows ? n : d->rows;
	return n ? n : 1;
}

size_t decode_lay_out(struct decode_room *r, const struct decode *d, float *base)
{
	const struct config *c = &d->m->cfg;
	size_t at = 0, width = (size_t)c->d;
	size_t hd = (size_t)c->head_dim, len = d->first + d->own, token;
	size_t prompt = att_scratch(ROWS, d->first, hd, block_half(d->m));

	assert(d->rows >= 1 && d->first >= 1 && d->own >= 1);
	token = att_family_scratch(together(d), (size_t)c->heads, len, hd, block_half(d->m));
	r->x = decode_cut(base, &at, d->rows * width);
	r->xn = decode_cut(base, &at, d->rows * width);
	r->qkv = decode_cut(base, &at, d->rows * block_qkv_most(d->m));
	r->att = decode_cut(base, &at, d->rows * block_att_most(d->m));
	r->gu = decode_cut(base, &at, d->rows * block_up_dim(d->m));
	r->scratch = decode_cut(base, &at, block_scratch(d->m, d->rows));
	r->att_scratch = decode_cut(base, &at, prompt > token ? prompt : token);
	r->mix_scratch = decode_cut(base, &at, mix_scratch(d->m));
	r->pos = (uint32_t *)decode_cut(base, &at, d->rows);
	r->tokens = (uint32_t *)decode_cut(base, &at, d->rows);
	return at;
}

/* Keys and values, or what stands in their place, of tokens one behind the other */
struct cache {
	float *p;
	size_t len; /* tokens that it can hold */
};

static struct cache first_of(const struct decode *d, float *p)
{
	return (struct cache){p, d->first};
}

static struct cache own_of(const struct decode *d, float *p)
{
	return (struct cache){p, d->own};
}

/* Floats of the keys, and of the values, of n tokens in one layer and head */
static size_t keys_size(const struct decode *d, size_t n)
{
	return att_keys_size(n, (size_t)d->m->cfg.head_dim, block_half(d->m));
}

static size_t values_size(const struct decode *d, size_t n)
{
	return att_values_size(n, (size_t)d->m->cfg.head_dim, block_half(d->m));
}

/* Floats from one head's keys in the cache to the next one's */
static size_t head_step(const struct decode *d, size_t len)
{
	return keys_size(d, len) + values_size(d, len);
}

/* Floats of a layer: keys and values of its heads, or the state of what stands in their place */
static size_t layer_size(const struct decode *d, size_t len, size_t layer)
{
	size_t state = mix_state(d->m, layer);

	return state ? vec_round(state) : (size_t)d->m->cfg.kv_heads * head_step(d, len);
}

static size_t cache_size(const struct decode *d, size_t len)
{
	size_t n = 0;

	for (size_t l = 0; l < (size_t)d->m->cfg.layers; l++)
		n += layer_size(d, len, l);
	return n;
}

size_t decode_first(const struct decode *d)
{
	return cache_size(d, d->first);
}

size_t decode_own(const struct decode *d)
{
	return cache_size(d, d->own);
}

/* Keys of a layer's first head, or its state */
static float *layer_keys(const struct decode *d, struct cache c, size_t layer)
{
	if (family_row(d->m->cfg.family)->mixer == MIXER_ATTENTION)
		return c.p + layer * layer_size(d, c.len, 0); /* all of one size */
	for (size_t l = 0; l < layer; l++)
		c.p += layer_size(d, c.len, l);
	return c.p;
}

size_t decode_shared(size_t n)
{
	return n / BF16_BLOCK * BF16_BLOCK;
}

/* Copies tokens from .. n of the prompt's cache to the sequence's, and states. */
static void copy_rest(const struct decode *d, struct cache to, struct cache first, size_t from,
		      size_t n)
{
	size_t step = head_step(d, to.len), first_step = head_step(d, first.len);

	for (size_t l = 0; l < (size_t)d->m->cfg.layers; l++) {
		float *x = layer_keys(d, to, l);
		const float *y = layer_keys(d, first, l);
		size_t state = mix_state(d->m, l);

		memcpy(x, y, state * sizeof *x);
		for (int64_t i = 0; !state && i < d->m->cfg.kv_heads;
		     i++, x += step, y += first_step) {
			memcpy(x, y + keys_size(d, from), keys_size(d, n - from) * sizeof *x);
			memcpy(x + keys_size(d, to.len),
			       y + keys_size(d, first.len) + values_size(d, from),
			       values_size(d, n - from) * sizeof *x);
		}
	}
}

struct decode_kv decode_begin(const struct decode *d, float *own, float *first, size_t n)
{
	size_t shared = decode_shared(n);

	assert(own && first && n <= d->first && n - shared <= d->own);
	copy_rest(d, own_of(d, own), first_of(d, first), shared, n);
	return (struct decode_kv){own, shared ? first : NULL, shared};
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
static struct att_kv heads_of(const struct decode *d, struct cache cache, size_t layer, size_t g)
{
	const struct config *c = &d->m->cfg;
	size_t step = head_step(d, cache.len);
	float *keys = layer_keys(d, cache, layer) + g * step;

	return (struct att_kv){
		keys, keys + keys_size(d, cache.len), (size_t)c->head_dim, (size_t)c->kv_heads - g,
		step, block_att(d->m, layer)};
}

/* Puts keys and values of n rows of r->qkv, from row i on, at place t of a cache. */
static void put_rows(const struct decode *d, struct decode_room *r, size_t i, size_t n,
		     struct cache cache, size_t layer, size_t t)
{
	const struct config *c = &d->m->cfg;
	size_t hd = (size_t)c->head_dim, kvh = (size_t)c->kv_heads, Q = block_qkv_dim(d->m, layer);
	const float *k = r->qkv + i * Q + (size_t)c->heads * hd;

	for (size_t g = 0; g < kvh; g++, k += hd)
		att_put(heads_of(d, cache, layer, g), t, matrix_in(k, n, hd, Q),
			matrix_in(k + kvh * hd, n, hd, Q));
}

/* Attends with rows from .. from + n, which share their prompt. */
static void attend_family(const struct decode *d, struct decode_room *r, size_t layer,
			  const struct decode_batch *b, size_t from, size_t n)
{
	size_t Q = block_qkv_dim(d->m, layer), A = block_att_dim(d->m, layer);
	size_t wide = block_q_dim(d->m), len[ROWS];
	struct att_kv own[ROWS];
	const struct decode_kv *kv = b->kv + from;
	struct att_family f = {.shared = kv->shared, .own = own, .len = len, .n = n};

	assert(n <= ROWS);
	if (f.shared)
		f.first = heads_of(d, first_of(d, kv->first), layer, 0);
	for (size_t i = 0; i < n; i++) {
		own[i] = heads_of(d, own_of(d, kv[i].own), layer, 0);
		len[i] = b->pos[from + i] + 1;
	}
	att_family(matrix_of(r->att + from * A, n, wide, A),
		   matrix_in(r->qkv + from * Q, n, wide, Q), &f, r->att_scratch);
}

/* How many rows from i on share their prompt, as many as attend together */
static size_t sharing(const struct decode *d, const struct decode_batch *b, size_t i)
{
	size_t n = 1, most = together(d);

	while (n < most && i + n < b->rows && b->kv[i + n].first == b->kv[i].first)
		n++;
	return n;
}

/* Puts rows' keys and values into their caches and attends. */
static void attend(const struct decode *d, struct decode_room *r, size_t layer,
		   const struct decode_batch *b)
{
	size_t Q = block_qkv_dim(d->m, layer), A = block_att_dim(d->m, layer), n;
	bool mixes = mix_state(d->m, layer);

	for (size_t i = 0; i < b->rows; i++) {
		struct cache own = own_of(d, b->kv[i].own);

		assert(b->pos[i] >= b->kv[i].shared && b->pos[i] - b->kv[i].shared < d->own);
		if (mixes)
			mix_token(d->m, layer, r->att + i * A, layer_keys(d, own, layer),
				  r->qkv + i * Q, b->pos[i] == 0, r->mix_scratch);
		else
			put_rows(d, r, i, 1, own, layer, b->pos[i] - b->kv[i].shared);
	}
	for (size_t i = 0; !mixes && i < b->rows; i += n) {
		n = sharing(d, b, i);
		attend_family(d, r, layer, b, i, n);
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

/* Tokens first .. first + n - 1 of a prompt, in rows at .. of what is computed together */
struct piece {
	const struct decode_prompt *of;
	size_t first, n, at;
};

enum { PIECES = 16 };

/* What is computed together: some whole prompts, or a piece of one */
struct part {
	struct piece piece[PIECES];
	size_t n, rows;
};

static bool ends(const struct piece *p)
{
	return p->first + p->n == p->of->n;
}

/* Puts the keys and values of a piece's tokens into its cache; of these n those from the from-th on
 * attend. */
static void attend_prompt(const struct decode *d, struct decode_room *r, size_t layer,
			  const struct piece *p, size_t from)
{
	const struct config *c = &d->m->cfg;
	struct cache cache = first_of(d, p->of->first);
	size_t hd = (size_t)c->head_dim, heads = (size_t)c->heads,
	       rep = heads / (size_t)c->kv_heads;
	size_t Q = block_qkv_dim(d->m, layer), A = block_att_dim(d->m, layer);
	float *qkv = r->qkv + p->at * Q, *att = r->att + p->at * A;

	if (mix_state(d->m, layer)) {
		for (size_t t = 0; t < p->n; t++)
			mix_token(d->m, layer, att + t * A, layer_keys(d, cache, layer),
				  qkv + t * Q, p->first + t == 0, r->mix_scratch);
		return;
	}
	put_rows(d, r, p->at, p->n, cache, layer, p->first);
	for (size_t h = 0; h < heads; h++)
		for (size_t t = from; t < p->n; t += ROWS) {
			size_t n = p->n - t < ROWS ? p->n - t : ROWS;

			att_rows(matrix_of(att + t * A + h * hd, n, hd, A),
				 matrix_in(qkv + t * Q + h * hd, n, hd, Q),
				 heads_of(d, cache, layer, h / rep), p->first + t + 1, true,
				 r->att_scratch);
		}
}

/* Moves the last rows of prompts that end, which are all that counts of the last layer, to the
 * front: row `to` from where it is. */
static void keep_row(const struct decode *d, struct decode_room *r, size_t layer, size_t to,
		     size_t from)
{
	size_t width = (size_t)d->m->cfg.d, Q = block_qkv_dim(d->m, layer);
	size_t A = block_att_dim(d->m, layer);

	assert(to <= from);
	if (to == from)
		return;
	memcpy(r->x + to * width, r->x + from * width, width * sizeof *r->x);
	memcpy(r->qkv + to * Q, r->qkv + from * Q, Q * sizeof *r->qkv);
	memcpy(r->att + to * A, r->att + from * A, A * sizeof *r->att);
}

/* Rows that go on behind the attention of a layer: all; in the last one those that end a prompt */
static size_t attend_part(const struct decode *d, struct decode_room *r, size_t layer,
			  const struct part *p)
{
	bool last = layer + 1 == (size_t)d->m->cfg.layers;
	size_t kept = 0;

	for (size_t i = 0; i < p->n; i++) {
		const struct piece *q = &p->piece[i];

		attend_prompt(d, r, layer, q, !last ? 0 : ends(q) ? q->n - 1 : q->n);
		if (last && ends(q))
			keep_row(d, r, layer, kept++, q->at + q->n - 1);
	}
	return last ? kept : p->rows;
}

/* The last rows of prompts that end are at the front of r->x then. */
static void prompt_part(const struct decode *d, struct decode_room *r, const struct part *p)
{
	struct decode_batch all = {NULL, r->tokens, r->pos, p->rows};

	for (size_t i = 0; i < p->n; i++) {
		const struct piece *q = &p->piece[i];

		memcpy(r->tokens + q->at, q->of->tokens + q->first, q->n * sizeof *r->tokens);
		for (size_t t = 0; t < q->n; t++)
			r->pos[q->at + t] = (uint32_t)(q->first + t);
	}
	block_embed(d->m, r->x, r->tokens, p->rows);
	for (size_t l = 0; l < (size_t)d->m->cfg.layers; l++) {
		struct block rows = block_of(d, r, l, 0);

		qkv(d, r, l, &all);
		rows.rows = attend_part(d, r, l, p);
		if (rows.rows)
			block_mlp(&rows, &(struct block_out){.out = r->x, .x2 = r->x, .gu = r->gu},
				  r->x, r->att, r->qkv);
	}
}

/* As many of n prompts as fit together; of one that does not fit, what comes before its end goes
 * ahead. Returns how many end. */
static size_t begin_part(const struct decode *d, struct decode_room *r, struct part *p,
			 const struct decode_prompt *all, size_t n)
{
	struct piece *q = p->piece;

	*q = (struct piece){.of = all, .n = all->n};
	for (; q->n > d->rows; q->first += d->rows, q->n -= d->rows) {
		struct part whole = {{{all, q->first, d->rows, 0}}, 1, d->rows};

		prompt_part(d, r, &whole);
	}
	p->rows = q->n;
	for (p->n = 1; p->n < n && p->n < PIECES && p->rows + all[p->n].n <= d->rows; p->n++) {
		p->piece[p->n] = (struct piece){all + p->n, 0, all[p->n].n, p->rows};
		p->rows += all[p->n].n;
	}
	return p->n;
}

void decode_prompts(const struct decode *d, struct decode_room *r, const struct decode_prompt *p,
		    size_t n, float *logits)
{
	struct part part;

	assert(p && n && logits);
	for (size_t i = 0, ended; i < n; i += ended) {
		struct block rows;

		assert(p[i].n >= 1 && p[i].n <= d->first && p[i].first && p[i].tokens);
		ended = begin_part(d, r, &part, p + i, n - i);
		prompt_part(d, r, &part);
		rows = block_of(d, r, 0, ended);
		block_logits(&rows, logits + i * (size_t)d->m->cfg.vocab, r->xn, r->x);
	}
}
