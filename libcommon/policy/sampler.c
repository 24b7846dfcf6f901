/*
 * sampler.c - batched sampling with a key/value cache. See sampler.h.
 *
 * Every thread works alone on whole groups: it prefills a group's prompt once, copies the prompt's
 * keys and values to the slot of each sample as slots fall free, and decodes all its busy slots
 * together.
 */
#include "policy/sampler.h"
#include "base/mem.h"
#include "base/par.h"
#include "base/rng.h"
#include "policy/block.h"
#include "policy/draw.h"
#include "policy/lookup.h"
#include "tensor/attention.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct slot {
	float *kv;         /* its part of the cache */
	struct sample *to; /* NULL: free */
	size_t group, sample;
	uint64_t key;   /* of its randomness */
	size_t pos;     /* tokens in the cache */
	size_t room;    /* most tokens of this sample */
	uint32_t token; /* drawn, not yet in the cache */
};

struct worker {
	struct slot *slot; /* (batch) */
	float *kv;         /* (batch + 1 slots): those of the slots, and prompt_kv */
	float *prompt_kv;  /* the current group's prompt */
	float *x, *xn, *qkv, *att, *gu, *scratch, *logits, *att_scratch, *prompt_logits;
	uint32_t *pos;
	struct draw_scratch draw;
	size_t busy;
	size_t group, next_sample; /* current group; its next sample to start */
	bool has_group;
};

/* Weights that stay in the processor's cache may be read for each few rows; keys and values of few
 * sequences then stay there too. Larger weights come from memory: once for as many as may be. */
enum {
	CACHED = 8 << 20, /* bytes of weights */
	FEW = 2 * GEMM_MR
};

enum { PREFILL = 24 }; /* rows that attend together in a prompt: a multiple of GEMM_MR */

struct sampler {
	const struct model *m;
	struct sample_opts o;
	struct worker *w;
	int n_w;
	size_t rows;      /* largest number of rows taken together */
	size_t cap_len;   /* tokens a slot can hold */
	size_t slot_size; /* floats of a slot's cache */
	size_t keys_size; /* floats of the keys of one layer and head */
	float *mem;
	size_t n_mem;
	struct lookup lookup;
	bool look_up;  /* in this call that saves work */
	void *results; /* tokens, logprobs, full logprobs, entropy of all samples */
	size_t n_results;
	/* of the call under way */
	const struct sample_group *groups;
	size_t n_groups, *first; /* index of each group's first sample */
	struct sample *out;
	atomic_size_t next_group, failed; /* failed: 1 + a group with logits that are not finite */
};

struct sampler *sampler_new(const struct model *m, const struct sample_opts *o)
{
	struct sampler *s = xcalloc(1, sizeof *s);

	s->m = m;
	s->o = *o;
	if (s->o.batch < 1)
		s->o.batch = 1;
	if (m->n_packed * sizeof(float) <= CACHED && s->o.batch > FEW)
		s->o.batch = FEW;
	s->rows = (size_t)s->o.batch;
	lookup_init(&s->lookup, m);
	s->n_w = par_threads();
	s->w = xcalloc((size_t)s->n_w, sizeof *s->w);
	for (int i = 0; i < s->n_w; i++) {
		struct worker *w = &s->w[i];
		size_t v = vec_round((size_t)m->cfg.vocab);

		w->slot = xcalloc((size_t)s->o.batch, sizeof *w->slot);
		w->draw.e = xarray(v, sizeof *w->draw.e);
		w->draw.heap = xarray(v, sizeof *w->draw.heap);
	}
	return s;
}

void sampler_free(struct sampler *s)
{
	if (!s)
		return;
	for (int i = 0; i < s->n_w; i++) {
		free(s->w[i].slot);
		free(s->w[i].draw.e);
		free(s->w[i].draw.heap);
		free(s->w[i].pos);
	}
	big_free(s->mem, s->n_mem * sizeof *s->mem);
	lookup_free(&s->lookup);
	big_free(s->results, s->n_results);
	free(s->w);
	free(s->first);
	free(s);
}

/* ---- memory ---- */

static float *cut(float *base, size_t *at, size_t n)
{
	float *p = base ? base + *at : NULL;

	*at += vec_round(n) + PANEL; /* whole vectors may be read past a row's end */
	return p;
}

static size_t lay_out(struct sampler *s, float *base)
{
	const struct config *c = &s->m->cfg;
	size_t at = 0, d = (size_t)c->d;
	size_t most_rows = c->heads > PREFILL ? (size_t)c->heads : PREFILL;

	for (int i = 0; i < s->n_w; i++) {
		struct worker *w = &s->w[i];

		w->kv = cut(base, &at, ((size_t)s->o.batch + 1) * s->slot_size);
		w->x = cut(base, &at, s->rows * d);
		w->xn = cut(base, &at, s->rows * d);
		w->qkv = cut(base, &at, s->rows * block_qkv_dim(s->m));
		w->att = cut(base, &at, s->rows * block_att_dim(s->m));
		w->gu = cut(base, &at, s->rows * 2 * (size_t)c->ffn);
		w->scratch = cut(base, &at, block_scratch(s->m, s->rows));
		w->logits = cut(base, &at, (size_t)s->o.batch * (size_t)c->vocab);
		w->prompt_logits = cut(base, &at, (size_t)c->vocab);
		w->att_scratch = cut(base, &at, att_scratch(most_rows, s->cap_len));
	}
	return at;
}

/* Sizes for a prompt of n tokens and its response too. */
static void fit(struct sampler *s, size_t n)
{
	const struct config *c = &s->m->cfg;
	size_t hd = (size_t)c->head_dim, len = n + (size_t)s->o.max_new;

	len = len > (size_t)c->max_len ? (size_t)c->max_len : len;
	s->cap_len = len > s->cap_len ? len : s->cap_len;
	s->rows = n > s->rows ? n : s->rows;
	s->keys_size = att_keys_floats(s->cap_len, hd);
	s->slot_size = (size_t)(c->layers * c->kv_heads) *
		       (s->keys_size + att_values_floats(s->cap_len, hd));
}

/* The weights may have changed since the last call. */
static void prepare_lookup(struct sampler *s)
{
	size_t tokens = 0;

	for (size_t g = 0; g < s->n_groups; g++)
		tokens += s->groups[g].n_prompt + s->groups[g].n;
	s->look_up = s->lookup.n && tokens >= 2 * (size_t)s->m->cfg.vocab;
	if (s->look_up)
		lookup_make(&s->lookup, s->m);
}

/* Room for the longest prompt and response of these groups. */
static void prepare(struct sampler *s)
{
	size_t need;

	for (size_t g = 0; g < s->n_groups; g++)
		fit(s, s->groups[g].n_prompt);
	need = lay_out(s, NULL);
	if (need > s->n_mem) {
		big_free(s->mem, s->n_mem * sizeof *s->mem);
		s->mem = big_alloc(need * sizeof *s->mem);
		s->n_mem = need;
	}
	lay_out(s, s->mem);
	for (int i = 0; i < s->n_w; i++) {
		struct worker *w = &s->w[i];

		w->pos = xgrow(w->pos, s->rows, sizeof *w->pos);
		w->busy = 0;
		w->has_group = false;
		for (size_t j = 0; j < (size_t)s->o.batch; j++)
			w->slot[j] = (struct slot){.kv = w->kv + j * s->slot_size};
		w->prompt_kv = w->kv + (size_t)s->o.batch * s->slot_size;
	}
}

/* Places for the results of n samples of up to max_new tokens each. */
static void prepare_results(struct sampler *s, size_t n)
{
	size_t each = (size_t)s->o.max_new, bytes = n * each * 4 * sizeof(float);
	bool same = s->o.top_p >= 1 && s->o.top_k <= 0;

	if (bytes > s->n_results) {
		big_free(s->results, s->n_results);
		s->results = big_alloc(bytes);
		s->n_results = bytes;
	}
	for (size_t i = 0; i < n; i++) {
		float *f = (float *)s->results + i * 4 * each;

		s->out[i] = (struct sample){.tokens = (uint32_t *)s->results + i * 4 * each,
					    .logprobs = f + each,
					    .full_logprobs = same ? f + each : f + 2 * each,
					    .entropy = f + 3 * each};
	}
}

/* ---- the forward pass over a cache ---- */

/* Floats from one head's keys in the cache to the next one's */
static size_t head_step(const struct sampler *s)
{
	return s->keys_size + att_values_floats(s->cap_len, (size_t)s->m->cfg.head_dim);
}

/* Keys of a layer's first head */
static float *cache_keys(const struct sampler *s, float *kv, size_t layer)
{
	return kv + layer * (size_t)s->m->cfg.kv_heads * head_step(s);
}

static void qkv(const struct sampler *s, struct worker *w, size_t layer, const uint32_t *tokens,
		size_t rows)
{
	if (layer == 0 && s->look_up)
		lookup_qkv(&s->lookup, s->m, w->qkv, tokens, w->pos, rows);
	else
		block_qkv(s->m, layer, w->qkv, NULL, w->x, w->pos, rows, w->scratch);
}

/* Puts rows' keys and values into their caches and attends: row i belongs to cache kv[i], at
 * pos[i]. */
static void attend(const struct sampler *s, struct worker *w, size_t layer, float *const *kv,
		   size_t rows)
{
	const struct config *c = &s->m->cfg;
	size_t hd = (size_t)c->head_dim, kvh = (size_t)c->kv_heads, heads = (size_t)c->heads;
	size_t Q = block_qkv_dim(s->m), A = block_att_dim(s->m), step = head_step(s);

	for (size_t i = 0; i < rows; i++) {
		float *q = w->qkv + i * Q, *keys = cache_keys(s, kv[i], layer);

		for (size_t g = 0; g < kvh; g++) {
			float *k = q + (heads + g) * hd;

			att_put(keys + g * step, keys + g * step + s->keys_size, w->pos[i], 1, k,
				k + kvh * hd, Q, hd);
		}
		att_token(w->att + i * A, q, keys, keys + s->keys_size, step, heads, kvh,
			  w->pos[i] + 1, hd, w->att_scratch);
	}
}

/* One token of each cache kv[i]: logits of what follows it. */
static void forward(const struct sampler *s, struct worker *w, const uint32_t *tokens,
		    float *const *kv, size_t rows)
{
	block_embed(s->m, w->x, tokens, rows);
	for (size_t l = 0; l < (size_t)s->m->cfg.layers; l++) {
		qkv(s, w, l, tokens, rows);
		attend(s, w, l, kv, rows);
		block_mlp(s->m, l, w->x, w->x, w->gu, w->x, w->att, rows, w->scratch);
	}
	block_logits(s->m, w->logits, (size_t)s->m->cfg.vocab, w->xn, w->x, rows, w->scratch);
}

/* Puts the keys and values of a prompt's n tokens into the cache kv; tokens from..n attend. */
static void attend_prompt(const struct sampler *s, struct worker *w, size_t layer, float *kv,
			  size_t from, size_t n)
{
	const struct config *c = &s->m->cfg;
	size_t hd = (size_t)c->head_dim, kvh = (size_t)c->kv_heads, heads = (size_t)c->heads;
	size_t Q = block_qkv_dim(s->m), A = block_att_dim(s->m), step = head_step(s);
	float *first = cache_keys(s, kv, layer);

	for (size_t g = 0; g < kvh; g++) {
		float *k = w->qkv + (heads + g) * hd, *keys = first + g * step;

		att_put(keys, keys + s->keys_size, 0, n, k, k + kvh * hd, Q, hd);
	}
	for (size_t h = 0; h < heads; h++) {
		float *keys = first + h / (heads / kvh) * step;

		for (size_t t = from; t < n; t += PREFILL)
			att_rows(w->att + t * A + h * hd, A, w->qkv + t * Q + h * hd, Q, keys,
				 keys + s->keys_size, n - t < PREFILL ? n - t : PREFILL, t + 1, 1,
				 hd, w->att_scratch);
	}
}

/* A prompt of n tokens into the cache kv. Of the last layer only the last token's output counts. */
static void prefill(const struct sampler *s, struct worker *w, const uint32_t *tokens, float *kv,
		    size_t n)
{
	size_t L = (size_t)s->m->cfg.layers, d = (size_t)s->m->cfg.d, A = block_att_dim(s->m);

	for (size_t i = 0; i < n; i++)
		w->pos[i] = (uint32_t)i;
	block_embed(s->m, w->x, tokens, n);
	for (size_t l = 0; l < L; l++) {
		size_t from = l + 1 < L ? 0 : n - 1;
		float *x = w->x + from * d;

		qkv(s, w, l, tokens, n);
		attend_prompt(s, w, l, kv, from, n);
		block_mlp(s->m, l, x, x, w->gu, x, w->att + from * A, n - from, w->scratch);
	}
	block_logits(s->m, w->prompt_logits, (size_t)s->m->cfg.vocab, w->xn, w->x + (n - 1) * d, 1,
		     w->scratch);
}

/* ---- groups and slots ---- */

/* Takes the next group: its prompt goes into the worker's prompt cache, the logits after it are
 * kept. */
static bool take_group(struct sampler *s, struct worker *w)
{
	size_t g = atomic_fetch_add(&s->next_group, 1);

	if (g >= s->n_groups)
		return false;
	w->group = g;
	w->next_sample = 0;
	w->has_group = true;
	prefill(s, w, s->groups[g].prompt, w->prompt_kv, s->groups[g].n_prompt);
	return true;
}

static void copy_prompt(const struct sampler *s, const struct worker *w, float *to, size_t n)
{
	const struct config *c = &s->m->cfg;
	size_t hd = (size_t)c->head_dim, keys = att_keys_floats(n, hd);
	const float *from = w->prompt_kv;

	for (size_t i = 0; i < (size_t)(c->layers * c->kv_heads); i++) {
		size_t at = i * head_step(s);

		memcpy(to + at, from + at, keys * sizeof *to);
		memcpy(to + at + s->keys_size, from + at + s->keys_size,
		       att_values_floats(n, hd) * sizeof *to);
	}
}

/* Draws the slot's next token from logits; frees the slot when the sample is done. */
static void advance(struct sampler *s, struct worker *w, struct slot *t, const float *logits)
{
	struct sample *out = t->to;
	struct drawn d;
	size_t i = out->n;

	if (!draw_token(&d, logits, (size_t)s->m->cfg.vocab, s->o.temperature, s->o.top_p,
			s->o.top_k, rng_uniform(t->key, i), &w->draw)) {
		atomic_store(&s->failed, t->group + 1);
		d = (struct drawn){0};
	}
	((uint32_t *)out->tokens)[i] = d.token;
	((float *)out->logprobs)[i] = d.logp;
	((float *)out->full_logprobs)[i] = d.full;
	((float *)out->entropy)[i] = d.entropy;
	out->n++;
	out->stopped = config_is_eos(&s->m->cfg, d.token);
	t->token = d.token;
	if (out->stopped || out->n == t->room || atomic_load(&s->failed)) {
		t->to = NULL;
		w->busy--;
	}
}

/* Starts the current group's next sample in a free slot. */
static void start(struct sampler *s, struct worker *w, struct slot *t)
{
	const struct sample_group *g = &s->groups[w->group];
	size_t i = w->next_sample++, room = (size_t)s->m->cfg.max_len - g->n_prompt;

	t->to = &s->out[s->first[w->group] + i];
	t->group = w->group;
	t->sample = i;
	t->key = rng_key(g->seed, RNG_SAMPLE, g->step, g->task, i);
	t->pos = g->n_prompt;
	t->room = room < (size_t)s->o.max_new ? room : (size_t)s->o.max_new;
	w->busy++;
	w->has_group = w->next_sample < g->n;
	advance(s, w, t, w->prompt_logits);
	if (t->to && w->has_group) {
		copy_prompt(s, w, t->kv, g->n_prompt);
	} else if (t->to) { /* the last sample takes the prompt itself */
		float *kv = t->kv;

		t->kv = w->prompt_kv;
		w->prompt_kv = kv;
	}
}

/* Fills free slots until none is free or no sample is left to start. */
static void fill(struct sampler *s, struct worker *w)
{
	for (size_t j = 0; j < (size_t)s->o.batch; j++)
		while (!w->slot[j].to && !atomic_load(&s->failed)) {
			if (!w->has_group && !take_group(s, w))
				return;
			if (w->next_sample < s->groups[w->group].n)
				start(s, w, &w->slot[j]);
			else
				w->has_group = false;
		}
}

/* One token for each busy slot */
static void decode(struct sampler *s, struct worker *w)
{
	size_t B = (size_t)s->o.batch, v = (size_t)s->m->cfg.vocab, n = 0;
	uint32_t *tokens = xarray(B, sizeof *tokens);
	float **kv = xarray(B, sizeof *kv);
	struct slot **busy = xarray(B, sizeof *busy);

	for (size_t j = 0; j < B; j++)
		if (w->slot[j].to) {
			busy[n] = &w->slot[j];
			tokens[n] = w->slot[j].token;
			kv[n] = w->slot[j].kv;
			w->pos[n++] = (uint32_t)w->slot[j].pos++;
		}
	forward(s, w, tokens, kv, n);
	for (size_t i = 0; i < n; i++)
		advance(s, w, busy[i], w->logits + i * v);
	free(tokens);
	free(kv);
	free(busy);
}

static void job_worker(void *ctx, size_t i, int thread)
{
	struct sampler *s = ctx;
	struct worker *w = &s->w[i];

	(void)thread;
	for (;;) {
		fill(s, w);
		if (!w->busy)
			return;
		decode(s, w);
	}
}

static int check(const struct sampler *s, struct reason *why)
{
	const struct config *c = &s->m->cfg;

	for (size_t g = 0; g < s->n_groups; g++) {
		const struct sample_group *q = &s->groups[g];

		if (q->n_prompt == 0 || q->n_prompt >= (size_t)c->max_len)
			return fail(why, ST_INPUT, "a prompt of %zu tokens: from 1 to %lld fit",
				    q->n_prompt, (long long)c->max_len - 1);
		for (size_t i = 0; i < q->n_prompt; i++)
			if (q->prompt[i] >= (uint64_t)c->vocab)
				return fail(why, ST_INPUT, "token %u: the vocabulary ends at %lld",
					    q->prompt[i], (long long)c->vocab - 1);
	}
	return 0;
}

size_t sampler_bytes(const struct sampler *s, size_t n_prompt, size_t n)
{
	size_t v = vec_round((size_t)s->m->cfg.vocab), floats, draw;
	struct sampler t = *s;

	t.w = xcalloc((size_t)s->n_w, sizeof *t.w);
	fit(&t, n_prompt);
	floats = lay_out(&t, NULL);
	draw = (size_t)s->n_w * v * (sizeof *t.w->draw.e + sizeof *t.w->draw.heap);
	free(t.w);
	return (floats + s->lookup.n + n * (size_t)s->o.max_new * 4) * sizeof(float) + draw;
}

int sampler_run(struct sampler *s, const struct sample_group *groups, size_t n_groups,
		struct sample *out, struct reason *why)
{
	size_t n = 0;

	s->groups = groups;
	s->n_groups = n_groups;
	s->out = out;
	if (check(s, why))
		return why ? why->status : ST_INPUT;
	s->first = xgrow(s->first, n_groups, sizeof *s->first);
	for (size_t g = 0; g < n_groups; g++) {
		s->first[g] = n;
		n += groups[g].n;
	}
	prepare(s);
	prepare_lookup(s);
	prepare_results(s, n);
	atomic_store(&s->next_group, 0);
	atomic_store(&s->failed, 0);
	par_for((size_t)s->n_w, job_worker, s);
	if (atomic_load(&s->failed))
		return fail(why, ST_INPUT, "logits that are not finite: the policy is damaged");
	return 0;
}
