/* optimizer.c - one update of flat arrays. See optimizer.h. */
#include "learn/optimizer.h"
#include "base/elem.h"
#include "base/mem.h"
#include "base/par.h"
#include "base/rank.h"
#include "base/tool.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1 << 16 };

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

/* ---- parts of ranks: whole blocks, and of weights that are stepped as a whole all ---- */

struct cut { /* the table gone through in order */
	enum optimizer_kind kind;
	size_t n;                              /* parameters in all */
	size_t v, blocks;                      /* second moments and blocks so far */
	int rank;                              /* whose part is next to begin */
	size_t *bound, *v_bound, *block_bound; /* the latter two may be NULL */
};

static void note_bound(struct cut *c, size_t at)
{
	c->bound[c->rank] = at;
	if (c->v_bound)
		c->v_bound[c->rank] = c->v;
	if (c->block_bound)
		c->block_bound[c->rank] = c->blocks;
	c->rank++;
}

/* Parts begin with the first block at or behind where equal shares would. */
static void cut_weight(struct cut *c, const struct weight *w)
{
	for (size_t at = 0; at < w->count; at += BLOCK) {
		size_t n = w->count - at < BLOCK ? w->count - at : BLOCK;

		while (!(at && is_whole(c->kind, w)) && c->rank < rank_count() &&
		       rank_share(c->n, c->rank) <= w->offset + at)
			note_bound(c, w->offset + at);
		c->v += has_second(c->kind, w) ? n : 0;
		c->blocks++;
	}
}

static void cut_all(struct cut *c, const struct weight *w, size_t n_w)
{
	for (size_t i = 0; i < n_w; i++)
		c->n += w[i].count;
	for (size_t i = 0; i < n_w; i++)
		cut_weight(c, &w[i]);
	while (c->rank <= rank_count())
		note_bound(c, c->n);
}

static size_t part_of(const size_t *bound)
{
	return bound[rank_self() + 1] - bound[rank_self()];
}

static bool is_ours(const size_t *bound, size_t at)
{
	return at >= bound[rank_self()] && at < bound[rank_self() + 1];
}

size_t *optimizer_bounds(const struct optimizer_opts *o, const struct weights *w)
{
	struct cut c = {.kind = kind_of(o),
			.bound = xarray((size_t)rank_count() + 1, sizeof *c.bound)};

	cut_all(&c, w->w, w->n_w);
	return c.bound;
}

/* ---- beginning ---- */

static void add_blocks(struct optimizer *a, const struct weight *w)
{
	bool second = has_second(a->kind, w);

	for (size_t at = 0; at < w->count; at += BLOCK)
		a->block[a->n_block++] = (struct optimizer_block){
			w->offset + at, w->count - at < BLOCK ? w->count - at : BLOCK,
			a->n_v + (second ? at : 0), w->decay, is_whole(a->kind, w)};
	if (!second)
		return;
	a->second[a->n_second] = *w;
	a->second[a->n_second++].offset = a->n_v;
	a->n_v += w->count;
}

static void add_parts(struct optimizer *a, const struct weight *w)
{
	size_t n = muon_parts(w, a->part + a->n_part);

	for (size_t i = 0; i < n; i++) {
		a->part[a->n_part].at -= a->bound[rank_self()];
		muon_fit(&a->muon, &a->part[a->n_part++]);
	}
}

static void open_bounds(struct optimizer *a, const struct weight *w, size_t n_w)
{
	size_t n = (size_t)rank_count() + 1;
	struct cut c = {.kind = a->kind};

	c.bound = a->bound = xarray(n, sizeof *a->bound);
	c.v_bound = a->v_bound = xarray(n, sizeof *a->v_bound);
	c.block_bound = a->block_bound = xarray(n, sizeof *a->block_bound);
	cut_all(&c, w, n_w);
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
	open_bounds(a, w, n_w);
	a->block = xarray(blocks, sizeof *a->block);
	a->sum = xarray(blocks, sizeof *a->sum);
	a->second = xarray(n_w, sizeof *a->second);
	a->part = xarray(3 * n_w, sizeof *a->part);
	for (size_t i = 0; i < n_w; i++) {
		add_blocks(a, &w[i]);
		if (is_whole(a->kind, &w[i]) && is_ours(a->bound, w[i].offset))
			add_parts(a, &w[i]);
	}
	if (a->kind != OPTIMIZER_SGD)
		a->m = big_alloc(part_of(a->bound) * sizeof *a->m);
	a->v = big_alloc(part_of(a->v_bound) * sizeof *a->v);
	if (a->n_part)
		muon_open(&a->muon);
}

void optimizer_bytes(const struct optimizer_opts *o, const struct weights *all, size_t *moments,
		     size_t *work)
{
	size_t ranks = (size_t)rank_count() + 1;
	struct cut c = {.kind = kind_of(o),
			.bound = xarray(ranks, sizeof *c.bound),
			.v_bound = xarray(ranks, sizeof *c.v_bound)};
	struct muon_part part[3];
	struct muon room = {0};

	cut_all(&c, all->w, all->n_w);
	for (size_t i = 0; i < all->n_w; i++) {
		const struct weight *w = &all->w[i];
		bool whole = is_whole(c.kind, w) && is_ours(c.bound, w->offset);

		for (size_t k = whole ? muon_parts(w, part) : 0; k-- > 0;)
			muon_fit(&room, &part[k]);
	}
	*moments = part_of(c.v_bound) * sizeof(float);
	*moments += c.kind == OPTIMIZER_SGD ? 0 : part_of(c.bound) * sizeof(float);
	*work = muon_bytes(&room);
	free(c.bound);
	free(c.v_bound);
}

/* |g|^2 of a block */
static void block_square(void *ctx, size_t i, int thread)
{
	const struct optimizer_pass *s = ctx;
	const struct optimizer_block *b;

	(void)thread;
	i += s->a->block_bound[rank_self()];
	b = &s->a->block[i];
	s->a->sum[i] = moments_square(s->u.grads + (b->offset - s->from), b->count);
}

/* Numbers at..end of a block; see moments.h. */
static void step_some(const struct optimizer_pass *s, const struct optimizer_block *b, size_t at,
		      size_t end)
{
	struct moments u = s->u;

	u.p += b->offset;
	u.grads += b->offset - s->from;
	u.m = u.m ? u.m + (b->offset - s->from) : NULL;
	u.v = s->a->v + (b->second - s->a->v_bound[rank_self()]);
	if (s->a->kind == OPTIMIZER_SGD)
		moments_sgd(&u, at, end - at, b->decay);
	else if (s->a->kind == OPTIMIZER_LION)
		moments_lion(&u, at, end - at, b->decay);
	else
		moments_step(&u, at, end - at, b->decay);
}

static void block_update(void *ctx, size_t i, int thread)
{
	const struct optimizer_pass *s = ctx;
	const struct optimizer_block *b = &s->a->block[s->a->block_bound[rank_self()] + i];

	(void)thread;
	if (!b->whole)
		step_some(s, b, 0, b->count);
}

/* The last block that begins at or before a number */
static size_t block_of(const struct optimizer *a, size_t at)
{
	size_t low = 0, high = a->n_block;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (a->block[mid].offset <= at)
			low = mid;
		else
			high = mid;
	}
	return low;
}

bool optimizer_in_pieces(const struct optimizer *a)
{
	return a->kind != OPTIMIZER_MUON && rank_count() == 1;
}

void optimizer_piece(const struct optimizer_pass *s, size_t from, size_t n)
{
	assert(optimizer_in_pieces(s->a) && from + n <= s->a->n);
	for (size_t i = block_of(s->a, from), end; n; i++, from = end) {
		const struct optimizer_block *b = &s->a->block[i];

		end = b->offset + b->count < from + n ? b->offset + b->count : from + n;
		n -= end - from;
		step_some(s, b, from - b->offset, end - b->offset);
	}
}

/* What the loops of the kind are given. AdamW: algorithm 2 of arXiv 1711.05101 */
static void set_rates(struct optimizer_pass *s, double lr)
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

static void step_wholes(struct optimizer *a, const struct optimizer_pass *s, double lr)
{
	struct moments u = s->u;

	u.b1 = (float)a->o.momentum;
	u.step = (float)lr;
	for (size_t i = 0; i < a->n_part; i++)
		muon_step(&a->muon, &a->part[i], &u);
}

/* The norm of all gradients, of which each rank has its part */
static double norm_of(struct optimizer *a, struct optimizer_pass *s)
{
	size_t *bytes = xarray((size_t)rank_count() + 1, sizeof *bytes);
	double sum = 0;

	par_for(part_of(a->block_bound), block_square, s);
	for (int r = 0; r <= rank_count(); r++)
		bytes[r] = a->block_bound[r] * sizeof *a->sum;
	rank_join(a->sum, bytes);
	free(bytes);
	for (size_t i = 0; i < a->n_block; i++)
		sum += a->sum[i];
	return sqrt(sum);
}

/* scale = min(1, clip / (|g| + 1e-6)), |g| the norm of all gradients */
bool optimizer_begin(struct optimizer *a, struct optimizer_pass *s, float *params,
		     const float *grads, double lr, double *norm)
{
	double sum;

	assert(params && grads && params != grads);
	assert(lr >= 0 && isfinite(lr));
	*s = (struct optimizer_pass){.a = a,
				     .u = {.p = params, .grads = grads, .m = a->m},
				     .from = a->bound[rank_self()]};
	sum = norm_of(a, s);
	if (norm)
		*norm = sum;
	s->u.scale = a->o.clip > 0 && sum > a->o.clip ? (float)(a->o.clip / (sum + 1e-6)) : 1;
	/* the square of what is applied must fit the second moment, which would never recover */
	if (!isfinite(sum) || sum * (double)s->u.scale > 1e18) {
		a->skipped_in_row++;
		return false;
	}
	set_rates(s, lr);
	return true;
}

void optimizer_end(struct optimizer *a)
{
	a->steps++;
	a->skipped_in_row = 0;
}

bool optimizer_step(struct optimizer *a, float *params, const float *grads, double lr, double *norm)
{
	struct optimizer_pass s;

	if (!optimizer_begin(a, &s, params, grads, lr, norm))
		return false;
	par_for(part_of(a->block_bound), block_update, &s);
	step_wholes(a, &s, lr);
	rank_join_floats(params, a->bound);
	optimizer_end(a);
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
	big_free(a->m, a->m ? part_of(a->bound) * sizeof *a->m : 0);
	big_free(a->v, a->v ? part_of(a->v_bound) * sizeof *a->v : 0);
	muon_free(&a->muon);
	free(a->bound);
	free(a->v_bound);
	free(a->block_bound);
	free(a->block);
	free(a->sum);
	free(a->second);
	free(a->part);
	memset(a, 0, sizeof *a);
}
