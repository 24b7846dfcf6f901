/*
 * sampler.c - batched sampling with a key/value cache. See sampler.h.
 *
 * Every thread works alone: it prefills the prompt of a group, whose keys and values all its
 * samples read, starts these as slots fall free, and decodes all its busy slots together. Threads
 * for which no group is left help with the samples of one that others began.
 */
#include "model/sampler.h"
#include "base/kept.h"
#include "base/mem.h"
#include "base/par.h"
#include "base/rank.h"
#include "base/rng.h"
#include "model/decode.h"
#include "model/pick.h"
#include "tensor/bf16.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { AHEAD = 8 }; /* prompts that a thread takes together */

struct prompt { /* the cache of one */
	float *kv;
	size_t users; /* samples under way that read it, and the worker that starts them */
};

struct slot {
	float *own;        /* its part of the cache */
	struct sample *to; /* NULL: free */
	struct prompt *prompt;
	struct decode_kv kv;
	size_t group;
	uint64_t key;   /* of its randomness */
	size_t pos;     /* tokens in the cache */
	size_t room;    /* most tokens of this sample */
	uint32_t token; /* drawn, not yet in the cache */
};

struct worker {
	struct slot *slot;     /* (batch) */
	struct prompt *prompt; /* (batch + AHEAD) */
	float *kv;             /* caches of wide slots and of as many prompts as there can be */
	float *prompt_logits, *logits; /* of what is ready, and of slots */
	struct decode_room room;
	struct pick_scratch draw;
	size_t busy;
	size_t group; /* whose samples it starts; NONE */
	/* prompts that were computed together: n_ready of them, of which the one at `now` is that
	 * of the group, if that is one of them */
	size_t ready[AHEAD], n_ready, now;
	struct prompt *cache[AHEAD]; /* where they are; NULL: not any more */
};

/* Weights that stay in the processor's cache may be read for each few rows; keys and values of few
 * sequences then stay there too. Larger weights come from memory: once for as many as may be. */
enum {
	CACHED = 8 << 20, /* bytes of weights */
	FEW = 2 * GEMM_MR
};

/* Tokens of prompts that go through the layers together: enough that weights are not waited for,
 * few enough that a long prompt takes no more memory than its keys and values; of several prompts
 * in f32, where fewer are enough */
enum { PART = 8 * BF16_BLOCK, PART_F32 = 8 * GEMM_MR };

enum { RESULTS = 3 }; /* arrays of a sample: tokens, log-probabilities, entropies */

#define NONE SIZE_MAX

struct deal {                           /* samples that ranks share out, see sampler_run_dealt */
	const struct sample_group *all; /* (n_all) what is to be sampled, by all ranks */
	size_t n_all, *first;           /* (n_all + 1) index of each one's first sample */
	struct sample_group *ours;      /* parts of those, as they come */
	atomic_bool more;               /* there may be more to come */
	pthread_mutex_t lock;           /* whoever has it may ask */
};

struct sampler {
	struct sample_opts o;
	struct pick_opts pick;
	bool cuts; /* the vocabulary, by top-k or top-p */
	struct decode decode;
	struct worker *w;
	int n_w;
	int at_work;    /* threads that get a sample */
	size_t wide;    /* sequences that one of them decodes together */
	size_t prompts; /* caches of prompts that one of them may need */
	size_t ahead;   /* prompts that one of them takes together */
	float *mem;
	size_t n_mem;
	struct qkvtable table;
	void *results; /* tokens, logprobs, entropy of all samples */
	size_t n_results;
	struct buf *kept; /* of each sample; with a cut */
	size_t n_kept;
	/* of the call under way */
	const struct sample_group *groups;
	atomic_size_t n_groups; /* grows while more are dealt */
	size_t *first;          /* index of each group's first sample */
	atomic_size_t *started; /* of each group's samples, or more than it has */
	struct sample *out;
	atomic_size_t next_group, failed; /* failed: 1 + a group with logits that are not finite */
	struct deal deal;
};

struct sampler *sampler_new(const struct model *m, const struct sample_opts *o)
{
	struct sampler *s = xcalloc(1, sizeof *s);

	assert(m && o->max_new >= 1 && o->temperature >= 0);
	assert(!(m->how & MODEL_LAYERWISE)); /* all layers' panels are needed at once */
	s->decode.m = m;
	s->o = *o;
	s->pick = (struct pick_opts){o->temperature, o->top_k, o->top_p};
	s->cuts = pick_cuts(&s->pick, (size_t)m->cfg.vocab);
	if (s->o.batch < 1)
		s->o.batch = 1;
	if (m->n_packed * sizeof(float) <= CACHED && s->o.batch > FEW)
		s->o.batch = FEW;
	qkvtable_init(&s->table, m);
	pthread_mutex_init(&s->deal.lock, NULL);
	s->n_w = par_threads();
	s->w = xcalloc((size_t)s->n_w, sizeof *s->w);
	for (int i = 0; i < s->n_w; i++) {
		struct worker *w = &s->w[i];
		size_t v = vec_round((size_t)m->cfg.vocab);

		w->slot = xcalloc((size_t)s->o.batch, sizeof *w->slot);
		w->prompt = xcalloc((size_t)s->o.batch + AHEAD, sizeof *w->prompt);
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
		free(s->w[i].prompt);
		free(s->w[i].draw.e);
		free(s->w[i].draw.heap);
	}
	big_free(s->mem, s->n_mem * sizeof *s->mem);
	qkvtable_free(&s->table);
	big_free(s->results, s->n_results);
	for (size_t i = 0; i < s->n_kept; i++)
		buf_free(&s->kept[i]);
	free(s->kept);
	free(s->w);
	free(s->first);
	free(s->started);
	pthread_mutex_destroy(&s->deal.lock);
	free(s->deal.ours);
	free(s->deal.first);
	free(s);
}

/* ---- memory ---- */

static size_t lay_out(struct sampler *s, float *base)
{
	size_t at = 0, v = (size_t)s->decode.m->cfg.vocab;

	for (int i = 0; i < s->at_work; i++) {
		struct worker *w = &s->w[i];

		w->kv = decode_cut(base, &at,
				   s->wide * decode_own(&s->decode) +
					   s->prompts * decode_first(&s->decode));
		w->logits = decode_cut(base, &at, s->wide * v);
		w->prompt_logits = decode_cut(base, &at, s->ahead * v);
		at += decode_lay_out(&w->room, &s->decode, base ? base + at : NULL);
	}
	return at;
}

static size_t max2(size_t a, size_t b)
{
	return a > b ? a : b;
}

static size_t min2(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* All threads take part in n samples of so many groups, but none gains by fewer rows than a product
 * takes at once. Short prompts are copied, longer ones stay while a sample reads them; parts of a
 * group that ranks are dealt have each its own. To be called when sizes are known. */
static void spread(struct sampler *s, size_t n_groups, size_t n)
{
	size_t part = s->decode.m->how & MODEL_BF16 ? PART : PART_F32;
	size_t pieces = rank_count() > 1 ? n : n_groups;
	size_t share = (n + (size_t)s->n_w - 1) / (size_t)s->n_w;

	share = share < GEMM_MR ? GEMM_MR : share;
	s->at_work = n < (size_t)s->n_w ? (int)n : s->n_w;
	s->wide = share < (size_t)s->o.batch ? share : (size_t)s->o.batch;
	s->ahead = min2(max2(part / s->decode.first, 1), min2(AHEAD, max2(pieces, 1)));
	s->prompts = min2(pieces, (decode_shared(s->decode.first) ? s->wide : 0) + s->ahead);
	s->decode.rows =
		max2(s->decode.rows, max2(s->wide, s->ahead > 1 ? s->ahead * s->decode.first : 0));
}

/* Sizes for a prompt of n tokens and its response too. */
static void fit(struct sampler *s, size_t n)
{
	size_t room = (size_t)s->decode.m->cfg.max_len - n, most = (size_t)s->o.max_new;
	size_t rest = n - decode_shared(n);

	s->decode.first = max2(s->decode.first, n);
	s->decode.own = max2(s->decode.own, rest + (most < room ? most : room));
	s->decode.rows = max2(s->decode.rows, n < PART ? n : PART);
}

/* For these groups. The weights may have changed since the last call. */
static void prepare_table(struct sampler *s, const struct sample_group *groups, size_t n_groups)
{
	size_t tokens = 0;

	for (size_t g = 0; g < n_groups; g++)
		tokens += groups[g].n_prompt + groups[g].n;
	s->decode.table = NULL;
	if (s->table.n && tokens >= 2 * (size_t)s->decode.m->cfg.vocab) {
		s->decode.table = &s->table;
		qkvtable_make(&s->table, s->decode.m);
	}
}

/* Room for the longest prompt and response of these groups, n samples at least. */
static void prepare(struct sampler *s, const struct sample_group *groups, size_t n_groups, size_t n)
{
	size_t need, own, first;

	for (size_t g = 0; g < n_groups; g++)
		fit(s, groups[g].n_prompt);
	spread(s, n_groups, n);
	need = lay_out(s, NULL);
	if (need > s->n_mem) {
		big_free(s->mem, s->n_mem * sizeof *s->mem);
		s->mem = big_alloc(need * sizeof *s->mem);
		s->n_mem = need;
	}
	lay_out(s, s->mem);
	own = decode_own(&s->decode);
	first = decode_first(&s->decode);
	for (int i = 0; i < s->at_work; i++) {
		struct worker *w = &s->w[i];

		w->busy = 0;
		w->group = NONE;
		w->n_ready = w->now = 0;
		for (size_t j = 0; j < s->wide; j++)
			w->slot[j] = (struct slot){.own = w->kv + j * own};
		for (size_t j = 0; j < s->prompts; j++)
			w->prompt[j] = (struct prompt){w->kv + s->wide * own + j * first, 0};
	}
}

static void prepare_kept(struct sampler *s, size_t n)
{
	if (!s->cuts)
		return;
	if (n > s->n_kept) {
		s->kept = xgrow(s->kept, n, sizeof *s->kept);
		memset(s->kept + s->n_kept, 0, (n - s->n_kept) * sizeof *s->kept);
		s->n_kept = n;
	}
	for (size_t i = 0; i < n; i++)
		buf_reset(&s->kept[i]);
}

/* Places for the results of n samples of up to max_new tokens each. */
static void prepare_results(struct sampler *s, size_t n)
{
	size_t each = (size_t)s->o.max_new, bytes = n * each * RESULTS * sizeof(float);

	if (bytes > s->n_results) {
		big_free(s->results, s->n_results);
		s->results = big_alloc(bytes);
		s->n_results = bytes;
	}
	for (size_t i = 0; i < n; i++) {
		float *f = (float *)s->results + i * RESULTS * each;

		s->out[i] = (struct sample){.tokens = (uint32_t *)s->results + i * RESULTS * each,
					    .logprobs = f + each,
					    .entropy = f + 2 * each};
	}
	prepare_kept(s, n);
}

/* ---- groups and slots ---- */

/* The next group that nobody has begun; NONE */
static size_t new_group(struct sampler *s)
{
	size_t g = atomic_load(&s->next_group), n = atomic_load(&s->n_groups);

	while (g < n)
		if (atomic_compare_exchange_weak(&s->next_group, &g, g + 1))
			return g;
	return NONE;
}

/* The worker has no more to do with the prompt that it starts samples of. */
static void leave_prompt(struct worker *w)
{
	if (w->now < w->n_ready && w->cache[w->now])
		w->cache[w->now]->users--;
	w->cache[w->now] = NULL;
}

/* The next group whose prompt is there, else one that nobody has begun, else one with samples that
 * nobody has; NONE. */
static size_t next_group(struct sampler *s, struct worker *w)
{
	size_t g, n;

	if (w->now + 1 < w->n_ready) {
		leave_prompt(w);
		return w->ready[++w->now];
	}
	g = new_group(s);
	n = atomic_load(&s->n_groups);
	for (size_t i = 0; g == NONE && i < n; i++)
		if (atomic_load(&s->started[i]) < s->groups[i].n)
			g = i;
	return g;
}

static struct prompt *free_prompt(struct sampler *s, struct worker *w)
{
	size_t i = 0;

	while (w->prompt[i].users)
		i++;
	assert(i < s->prompts);
	(void)s;
	w->prompt[i].users = 1;
	return &w->prompt[i];
}

/* Prompts go into caches that nobody reads: that of the worker's group, n samples of which it may
 * start, and of new groups, as many as its free slots have place for; the logits after them are
 * kept. */
static void fill_prompts(struct sampler *s, struct worker *w, size_t n)
{
	struct decode_prompt p[AHEAD];
	size_t tokens = 0, g = w->group;

	leave_prompt(w);
	w->now = w->n_ready = 0;
	do {
		const struct sample_group *q = &s->groups[g];
		size_t i = w->n_ready++;

		w->ready[i] = g;
		w->cache[i] = free_prompt(s, w);
		p[i] = (struct decode_prompt){q->prompt, q->n_prompt, w->cache[i]->kv};
		tokens += q->n_prompt;
		n += i ? q->n : 0;
	} while (w->n_ready < s->ahead && tokens < s->decode.rows && n < s->wide - w->busy &&
		 (g = new_group(s)) != NONE);
	decode_prompts(&s->decode, &w->room, p, w->n_ready, w->prompt_logits);
}

/* Takes one sample more, *i of w->group, whose prompt is then there. */
static bool take_sample(struct sampler *s, struct worker *w, size_t *i)
{
	const struct sample_group *g;

	do {
		if (w->group == NONE && (w->group = next_group(s, w)) == NONE)
			return false;
		g = &s->groups[w->group];
		*i = atomic_fetch_add(&s->started[w->group], 1);
		w->group = *i < g->n ? w->group : NONE;
	} while (w->group == NONE);
	if (w->now >= w->n_ready || w->ready[w->now] != w->group)
		fill_prompts(s, w, g->n - *i);
	return true;
}

static void note_kept(struct sampler *s, struct sample *out, const struct picked *d)
{
	struct buf *b = &s->kept[out - s->out];

	kept_put(b, d->kept, d->n_kept);
	out->kept = (struct span){b->p, b->n};
}

/* Draws the slot's next token from logits; frees the slot when the sample is done. */
static void advance(struct sampler *s, struct worker *w, struct slot *t, const float *logits)
{
	struct sample *out = t->to;
	struct picked d;
	size_t i = out->n;

	assert(i < t->room);
	if (!pick_token(&d, logits, (size_t)s->decode.m->cfg.vocab, &s->pick,
			rng_uniform(t->key, i), &w->draw)) {
		atomic_store(&s->failed, t->group + 1);
		d = (struct picked){0};
	}
	((uint32_t *)out->tokens)[i] = d.token;
	((float *)out->logprobs)[i] = d.logp;
	((float *)out->entropy)[i] = d.entropy;
	if (s->cuts)
		note_kept(s, out, &d);
	out->n++;
	out->stopped = config_is_eos(&s->decode.m->cfg, d.token);
	t->token = d.token;
	if (out->stopped || out->n == t->room || atomic_load(&s->failed)) {
		t->to = NULL;
		w->busy--;
		if (t->prompt)
			t->prompt->users--;
		t->prompt = NULL;
	}
}

/* Starts sample i of the worker's group in a free slot. */
static void start(struct sampler *s, struct worker *w, struct slot *t, size_t i)
{
	const struct sample_group *g = &s->groups[w->group];
	size_t room = (size_t)s->decode.m->cfg.max_len - g->n_prompt;
	struct prompt *from = w->cache[w->now];

	assert(!t->to && i < g->n);
	assert(g->n_prompt < (size_t)s->decode.m->cfg.max_len);
	t->to = &s->out[s->first[w->group] + i];
	t->group = w->group;
	t->key = rng_key(g->seed, RNG_SAMPLE, g->step, g->task, g->first + i);
	t->pos = g->n_prompt;
	t->room = room < (size_t)s->o.max_new ? room : (size_t)s->o.max_new;
	w->busy++;
	advance(s, w, t, w->prompt_logits + w->now * (size_t)s->decode.m->cfg.vocab);
	if (!t->to)
		return;
	t->kv = decode_begin(&s->decode, t->own, from->kv, g->n_prompt);
	t->prompt = t->kv.shared ? from : NULL;
	if (t->prompt)
		t->prompt->users++;
}

/* Fills free slots until none is free or no sample is left to start. */
static void fill(struct sampler *s, struct worker *w)
{
	size_t i;

	for (size_t j = 0; j < s->wide; j++)
		while (!w->slot[j].to && !atomic_load(&s->failed)) {
			if (!take_sample(s, w, &i))
				return;
			start(s, w, &w->slot[j], i);
		}
}

/* By prompt, so that those who share one stand together */
static int by_prompt(const void *a, const void *b)
{
	const struct slot *x = *(struct slot *const *)a, *y = *(struct slot *const *)b;

	if (x->kv.first != y->kv.first)
		return x->kv.first < y->kv.first ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* One token for each busy slot */
static void decode(struct sampler *s, struct worker *w)
{
	size_t B = s->wide, v = (size_t)s->decode.m->cfg.vocab, n = 0;
	uint32_t *tokens = xarray(B, sizeof *tokens), *pos = xarray(B, sizeof *pos);
	struct decode_kv *kv = xarray(B, sizeof *kv);
	struct slot **busy = xarray(B, sizeof *busy);
	struct decode_batch b;

	assert(w->busy >= 1 && w->busy <= B);
	for (size_t j = 0; j < B; j++)
		if (w->slot[j].to)
			busy[n++] = &w->slot[j];
	assert(n == w->busy);
	qsort(busy, n, sizeof *busy, by_prompt);
	for (size_t i = 0; i < n; i++) {
		tokens[i] = busy[i]->token;
		kv[i] = busy[i]->kv;
		pos[i] = (uint32_t)busy[i]->pos++;
	}
	b = (struct decode_batch){kv, tokens, pos, n};
	decode_tokens(&s->decode, &w->room, &b, w->logits);
	for (size_t i = 0; i < n; i++)
		advance(s, w, busy[i], w->logits + i * v);
	free(tokens);
	free(pos);
	free(kv);
	free(busy);
}

/* ---- what ranks share out ---- */

static void add_group(struct sampler *s, const struct sample_group *g, size_t first)
{
	size_t i = atomic_load(&s->n_groups);

	s->deal.ours[i] = *g;
	s->first[i] = first;
	atomic_init(&s->started[i], 0);
	atomic_store(&s->n_groups, i + 1);
}

/* Samples from .. from + n of all become this rank's: parts of groups, or some. */
static void add_dealt(struct sampler *s, size_t from, size_t n)
{
	const struct deal *d = &s->deal;
	size_t lo = 0, hi = d->n_all;

	while (hi - lo > 1) { /* the group that has the first of them */
		size_t mid = lo + (hi - lo) / 2;

		lo = d->first[mid] <= from ? mid : lo;
		hi = d->first[mid] <= from ? hi : mid;
	}
	for (size_t at = from; at < from + n; lo++) {
		struct sample_group g = d->all[lo];
		size_t end = d->first[lo + 1] < from + n ? d->first[lo + 1] : from + n;

		g.first += at - d->first[lo];
		g.n = end - at;
		if (g.n)
			add_group(s, &g, at);
		at = end;
	}
}

/* In one thread at a time: asks for more where there is room for a sample and none waits; else rank
 * 0 answers others. */
static void ask(struct sampler *s, bool room)
{
	size_t from, n;
	int got = 0;

	room &= atomic_load(&s->deal.more);
	if ((!room && rank_self()) || pthread_mutex_trylock(&s->deal.lock) != 0)
		return;
	if (room && atomic_load(&s->deal.more))
		got = rank_dealt(&from, &n);
	else
		rank_deal_answer();
	if (got > 0)
		add_dealt(s, from, n);
	if (got < 0)
		atomic_store(&s->deal.more, false);
	pthread_mutex_unlock(&s->deal.lock);
}

static void job_worker(void *ctx, size_t i, int thread)
{
	struct sampler *s = ctx;
	struct worker *w = &s->w[i];

	(void)thread;
	for (;;) {
		bool more = atomic_load(&s->deal.more); /* before it is looked for */

		fill(s, w);
		if (s->deal.all)
			ask(s, w->busy < s->wide);
		if (w->busy)
			decode(s, w);
		else if (more && !atomic_load(&s->failed))
			sched_yield();
		else
			return;
	}
}

static int check(const struct sampler *s, const struct sample_group *groups, size_t n_groups,
		 struct reason *why)
{
	const struct config *c = &s->decode.m->cfg;

	for (size_t g = 0; g < n_groups; g++) {
		const struct sample_group *q = &groups[g];

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

size_t sampler_bytes(const struct sampler *s, size_t n_prompt, size_t n_groups, size_t n)
{
	size_t v = vec_round((size_t)s->decode.m->cfg.vocab), floats, draw;
	struct sampler t = *s;

	assert(n_prompt >= 1);
	t.w = xcalloc((size_t)s->n_w, sizeof *t.w);
	fit(&t, n_prompt);
	spread(&t, n_groups, n);
	floats = lay_out(&t, NULL);
	draw = (size_t)s->n_w * v * (sizeof *t.w->draw.e + sizeof *t.w->draw.heap);
	free(t.w);
	return (floats + s->table.n) * sizeof(float) + draw +
	       n * (size_t)s->o.max_new *
		       (RESULTS * sizeof(float) +
			pick_bytes(&s->pick, (size_t)s->decode.m->cfg.vocab));
}

/* The groups are there, or will come: n samples of this rank or more, and results of all of out. */
static int run(struct sampler *s, size_t n_out, struct sample *out, struct reason *why)
{
	s->out = out;
	prepare_results(s, n_out);
	atomic_store(&s->next_group, 0);
	atomic_store(&s->failed, 0);
	par_for((size_t)s->at_work, job_worker, s);
	if (s->deal.all)
		rank_deal_end(atomic_load(&s->failed));
	if (atomic_load(&s->failed))
		return fail(why, ST_INPUT,
			    "logits that are not finite: the policy is damaged, or training made "
			    "it diverge");
	return 0;
}

int sampler_run(struct sampler *s, const struct sample_group *groups, size_t n_groups,
		struct sample *out, struct reason *why)
{
	size_t n = 0;

	assert(groups && out);
	if (check(s, groups, n_groups, why))
		return why ? why->status : ST_INPUT;
	s->groups = groups;
	s->deal.all = NULL;
	atomic_store(&s->deal.more, false);
	s->first = xgrow(s->first, n_groups, sizeof *s->first);
	s->started = xgrow(s->started, n_groups, sizeof *s->started);
	for (size_t g = 0; g < n_groups; g++) {
		s->first[g] = n;
		atomic_init(&s->started[g], 0);
		n += groups[g].n;
	}
	atomic_store(&s->n_groups, n_groups);
	prepare(s, groups, n_groups, n);
	prepare_table(s, groups, n_groups);
	return run(s, n, out, why);
}

/* What is sampled by all ranks; how many samples */
static size_t begin_deal(struct sampler *s, const struct sample_group *groups, size_t n_groups)
{
	struct deal *d = &s->deal;
	size_t n = 0;

	d->all = groups;
	d->n_all = n_groups;
	d->first = xgrow(d->first, n_groups + 1, sizeof *d->first);
	for (size_t g = 0; g < n_groups; g++) {
		d->first[g] = n;
		n += groups[g].n;
	}
	d->first[n_groups] = n;
	d->ours = xgrow(d->ours, n, sizeof *d->ours);
	s->first = xgrow(s->first, n, sizeof *s->first);
	s->started = xgrow(s->started, n, sizeof *s->started);
	s->groups = d->ours;
	atomic_store(&s->n_groups, 0);
	return n;
}

/* Each rank has as many as it can begin at once, but no more than its share; the rest is dealt. */
static void deal_first(struct sampler *s, size_t n)
{
	size_t slots = (size_t)s->n_w * (size_t)s->o.batch, ranks = (size_t)rank_count();
	size_t from = rank_share(n, rank_self()), to = rank_share(n, rank_self() + 1), dealt = n;

	rank_broadcast(&slots, sizeof slots, 0); /* threads may differ */
	if (ranks > 1 && slots < n / ranks) {
		from = slots * (size_t)rank_self();
		to = from + slots;
		dealt = slots * ranks;
	}
	add_dealt(s, from, to - from);
	atomic_store(&s->deal.more, dealt < n);
	rank_deal(dealt, n, s->deal.all[0].n);
}

int sampler_run_dealt(struct sampler *s, const struct sample_group *groups, size_t n_groups,
		      struct sample *out, struct reason *why)
{
	size_t n, ranks = (size_t)rank_count();

	assert(groups && n_groups >= 1 && out);
	if (check(s, groups, n_groups, why))
		return why ? why->status : ST_INPUT;
	n = begin_deal(s, groups, n_groups);
	prepare(s, groups, n_groups, (n + ranks - 1) / ranks);
	prepare_table(s, groups, n_groups);
	deal_first(s, n);
	return run(s, n, out, why);
}
