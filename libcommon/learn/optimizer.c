/* optimizer.c - one update of flat arrays. See optimizer.h. */
#include "learn/optimizer.h"
#include "base/elem.h"
#include "base/mem.h"
#include "base/par.h"
#include "base/tool.h"
#include "tensor/moments.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1 << 16 };

struct pass { /* one optimizer_step as its threads see it */
	struct optimizer *a;
	struct moments u;
};

static enum optimizer_kind kind_of(const struct optimizer_opts *o)
{
	int kind = o->word ? tool_word(OPTIMIZER_WORDS, o->word) : OPTIMIZER_ADAMW;

	assert(kind >= 0);
	return (enum optimizer_kind)kind;
}

static bool is_whole(enum optimizer_kind kind, const struct weight *w)
{
	return kind == OPTIMIZER_MUON && muon_takes(w);
}

static bool has_second(enum optimizer_kind kind, const struct weight *w)
{
	return kind == OPTIMIZER_ADAMW || (kind == OPTIMIZER_MUON && !muon_takes(w));
}

static void add_blocks(struct optimizer *a, const struct weight *w)
{
	bool second = has_second(a->kind, w);

	for (size_t at = 0; at < w->count; at += BLOCK)
		a->block[a->n_block++] = (struct optimizer_block){
			w->offset + at, w->count - at < BLOCK ? w->count - at : BLOCK,
			second ? a->n_v + at : 0, w->decay, is_whole(a->kind, w)};
	if (!second)
		return;
	a->second[a->n_second] = *w;
	a->second[a->n_second++].offset = a->n_v;
	a->n_v += w->count;
}

static void add_parts(struct optimizer *a, const struct weight *w)
{
	size_t n = muon_parts(w, a->part + a->n_part);

	for (size_t i = 0; i < n; i++)
		muon_fit(&a->muon, &a->part[a->n_part++]);
}

void optimizer_init(struct optimizer *a, const struct optimizer_opts *o, const struct weight *w,
		    size_t n_w)
{
	size_t blocks = 0;

	assert(o->beta1 >= 0 && o->beta1 < 1 && o->beta2 >= 0 && o->beta2 < 1);
	assert(o->eps > 0 && o->decay >= 0 && o->clip >= 0);
	assert(w || !n_w);
	memset(a, 0, sizeof *a);
	a->o = *o;
	a->kind = kind_of(o);
	for (size_t i = 0; i < n_w; i++) {
		assert(w[i].offset == a->n); /* without a gap */
		a->n += w[i].count;
		blocks += (w[i].count + BLOCK - 1) / BLOCK;
	}
	a->block = xarray(blocks, sizeof *a->block);
	a->sum = xarray(blocks, sizeof *a->sum);
	a->second = xarray(n_w, sizeof *a->second);
	a->part = xarray(3 * n_w, sizeof *a->part);
	for (size_t i = 0; i < n_w; i++) {
		add_blocks(a, &w[i]);
		if (is_whole(a->kind, &w[i]))
			add_parts(a, &w[i]);
	}
	if (a->kind != OPTIMIZER_SGD)
		a->m = big_alloc(a->n * sizeof *a->m);
	a->v = big_alloc(a->n_v * sizeof *a->v);
	if (a->n_part)
		muon_open(&a->muon);
}

void optimizer_bytes(const struct optimizer_opts *o, const struct weights *all, size_t *moments,
		     size_t *work)
{
	const struct weight *w = all->w;
	enum optimizer_kind kind = kind_of(o);
	struct muon_part part[3];
	struct muon room = {0};
	size_t n = 0;

	for (size_t i = 0; i < all->n_w; i++) {
		n += kind == OPTIMIZER_SGD ? 0 : w[i].count;
		n += has_second(kind, &w[i]) ? w[i].count : 0;
		for (size_t k = is_whole(kind, &w[i]) ? muon_parts(&w[i], part) : 0; k-- > 0;)
			muon_fit(&room, &part[k]);
	}
	*moments = n * sizeof(float);
	*work = muon_bytes(&room);
}

/* |g|^2 of a block */
static void block_square(void *ctx, size_t i, int thread)
{
	const struct pass *s = ctx;
	const struct optimizer_block *b = &s->a->block[i];

	(void)thread;
	s->a->sum[i] = moments_square(s->u.grads + b->offset, b->count);
}

/* See moments.h. */
static void block_update(void *ctx, size_t i, int thread)
{
	const struct pass *s = ctx;
	const struct optimizer_block *b = &s->a->block[i];
	struct moments u = s->u;

	(void)thread;
	u.p += b->offset;
	u.grads += b->offset;
	u.m = u.m ? u.m + b->offset : NULL;
	u.v = s->a->v ? s->a->v + b->second : NULL;
	if (b->whole)
		return;
	if (s->a->kind == OPTIMIZER_SGD)
		moments_sgd(&u, 0, b->count, b->decay);
	else if (s->a->kind == OPTIMIZER_LION)
		moments_lion(&u, 0, b->count, b->decay);
	else
		moments_step(&u, 0, b->count, b->decay);
}

/* What the loops of the kind are given. AdamW: algorithm 2 of arXiv 1711.05101 */
static void set_rates(struct pass *s, double lr)
{
	const struct optimizer_opts *o = &s->a->o;
	double t = (double)s->a->steps + 1;
	bool lion = s->a->kind == OPTIMIZER_LION;

	s->u.lr_decay = (float)(lr * o->decay);
	s->u.b1 = (float)o->beta1;
	s->u.b2 = (float)(lion ? o->lion_beta2 : o->beta2);
	s->u.eps = (float)o->eps;
	s->u.step = (float)lr;
	if (lion || s->a->kind == OPTIMIZER_SGD)
		return;
	s->u.step = (float)(lr / (1 - elem_pow(o->beta1, t)));
	s->u.inv_root = (float)(1 / sqrt(1 - elem_pow(o->beta2, t)));
}

static void step_wholes(const struct pass *s, double lr)
{
	struct moments u = s->u;

	u.b1 = (float)s->a->o.momentum;
	u.step = (float)lr;
	for (size_t i = 0; i < s->a->n_part; i++)
		muon_step(&s->a->muon, &s->a->part[i], &u);
}

/* scale = min(1, clip / (|g| + 1e-6)), |g| the norm of all gradients */
bool optimizer_step(struct optimizer *a, float *params, const float *grads, double lr, double *norm)
{
	struct pass s = {a, {.p = params, .grads = grads, .m = a->m}};
	double sum = 0;

	assert(params && grads && params != grads);
	assert(lr >= 0 && isfinite(lr));
	par_for(a->n_block, block_square, &s);
	for (size_t i = 0; i < a->n_block; i++)
		sum += a->sum[i];
	sum = sqrt(sum);
	if (norm)
		*norm = sum;
	s.u.scale = a->o.clip > 0 && sum > a->o.clip ? (float)(a->o.clip / (sum + 1e-6)) : 1;
	/* the square of what is applied must fit the second moment, which would never recover */
	if (!isfinite(sum) || sum * (double)s.u.scale > 1e18) {
		a->skipped_in_row++;
		return false;
	}
	set_rates(&s, lr);
	par_for(a->n_block, block_update, &s);
	step_wholes(&s, lr);
	a->steps++;
	a->skipped_in_row = 0;
	return true;
}

bool optimizer_stuck(const struct optimizer *a)
{
	return a->skipped_in_row >= OPTIMIZER_PATIENCE;
}

double optimizer_reach(const struct optimizer_opts *o, double lr)
{
	switch (kind_of(o)) {
	case OPTIMIZER_SGD:
		return o->clip > 0 ? lr * o->clip : INFINITY;
	case OPTIMIZER_MUON:
		return INFINITY;
	default:
		return lr;
	}
}

void optimizer_free(struct optimizer *a)
{
	big_free(a->m, a->n * sizeof *a->m);
	big_free(a->v, a->n_v * sizeof *a->v);
	muon_free(&a->muon);
	free(a->block);
	free(a->sum);
	free(a->second);
	free(a->part);
	memset(a, 0, sizeof *a);
}
