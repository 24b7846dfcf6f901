/* lanes.c - the gradient of an update, lane by lane. See lanes.h. */
#include "learn/lanes.h"
#include "base/mem.h"
#include "base/rank.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static bool has_lane(size_t n)
{
	return (size_t)rank_self() < n;
}

/* The sum must stand while another lane is computed, or where none is. */
static bool is_apart(size_t n)
{
	return !has_lane(n) || n > (size_t)rank_count();
}

static size_t part_size(const struct lanes *l, int rank)
{
	return l->bound[rank + 1] - l->bound[rank];
}

/* Parts pay where the room for them is less than the array that a lane has otherwise. */
static bool can_part(const struct lanes *l)
{
	size_t longest = 0;
	int here;

	if (l->m->lora || l->m->how & MODEL_FROZEN || (l->n == 1 && rank_count() == 1))
		return false;
	rank_host_sum(0, &here);
	for (int r = 0; r < rank_count(); r++)
		longest = part_size(l, r) > longest ? part_size(l, r) : longest;
	return here == rank_count() &&
	       (l->n > (size_t)rank_count() || part_room(l->m) + longest <= l->n_w);
}

static struct lanes lanes_of(size_t n, const struct model *m, const size_t *bound)
{
	assert(n >= 1 && bound);
	return (struct lanes){.n = n, .m = m, .n_w = model_trained(m).n, .bound = bound};
}

size_t lanes_bytes(size_t n, const struct model *m, const size_t *bound, bool fit)
{
	const struct lanes l = lanes_of(n, m, bound);
	bool in_parts = can_part(&l) && fit; /* can_part: by all ranks */
	size_t lane = in_parts ? part_room(m) : l.n_w;

	return ((has_lane(n) ? lane : 0) +
		(in_parts || is_apart(n) ? part_size(&l, rank_self()) : 0)) *
	       sizeof(float);
}

static void open_total(struct lanes *l)
{
	l->total = big_alloc(part_size(l, rank_self()) * sizeof *l->total);
}

static void free_total(struct lanes *l)
{
	big_free(l->total, part_size(l, rank_self()) * sizeof *l->total);
}

/* No parts, from now on */
static void open_own(struct lanes *l)
{
	bool apart = is_apart(l->n);

	l->in_parts = false;
	free(l->room);
	l->room = NULL;
	if (l->total && !apart)
		free_total(l);
	if (has_lane(l->n))
		l->own = big_alloc(l->n_w * sizeof *l->own);
	if (!apart)
		l->total = l->own + l->bound[rank_self()];
	else if (!l->total)
		open_total(l);
}

void lanes_open(struct lanes *l, size_t n, const struct model *m, const size_t *bound)
{
	*l = lanes_of(n, m, bound);
	l->at = xarray(n + 1, sizeof *l->at);
	l->has = xarray((size_t)rank_count(), sizeof *l->has);
	l->in_parts = can_part(l);
	if (!l->in_parts) {
		open_own(l);
		return;
	}
	open_total(l);
	if (has_lane(n))
		l->room = xarray(part_room(m), sizeof *l->room);
}

void lanes_free(struct lanes *l)
{
	if (!l->n)
		return;
	if (l->in_parts || is_apart(l->n))
		free_total(l);
	big_free(l->own, l->n_w * sizeof *l->own);
	free(l->room);
	free(l->at);
	free(l->has);
	*l = (struct lanes){0};
}

void lanes_begin(struct lanes *l, size_t all)
{
	l->next = l->before = 0;
	l->all = all;
}

void lanes_cut(struct lanes *l, size_t i, size_t own)
{
	assert(own && l->before + own <= l->all);
	while (l->next <= (2 * l->before + own) * l->n / (2 * l->all))
		l->at[l->next++] = i;
	l->before += own;
}

void lanes_end(struct lanes *l, size_t n)
{
	while (l->next <= l->n)
		l->at[l->next++] = n;
}

bool lanes_empty(const struct lanes *l, size_t k)
{
	return l->at[k] == l->at[k + 1];
}

/* Which ranks have a lane in the round that begins with lane k; whether any has */
static bool round_has(struct lanes *l, size_t k)
{
	bool any = false;

	for (size_t r = 0; r < (size_t)rank_count(); r++) {
		l->has[r] = k + r < l->n && !lanes_empty(l, k + r);
		any |= l->has[r];
	}
	return any;
}

/* Adds part i of the lanes of a round; grads: of this rank's, NULL where it has none. */
static void fold_part(void *ctx, size_t i, const float *grads)
{
	struct lanes *l = ctx;
	size_t ranks = (size_t)rank_count(), from, n, at;
	size_t *cut = xarray(ranks + 1, sizeof *cut), before = l->bound[rank_self()];

	part_range(l->m, i, &from, &n);
	for (size_t r = 0; r <= ranks; r++) {
		at = l->bound[r] > from ? l->bound[r] - from : 0;
		cut[r] = at < n ? at : n;
	}
	at = from + cut[rank_self()] > before ? from + cut[rank_self()] - before : 0;
	if (at > part_size(l, rank_self()))
		at = part_size(l, rank_self()); /* it has none of these weights */
	rank_fold(l->total + at, grads, l->has, cut, l->first);
	free(cut);
}

static void run_round(struct lanes *l, const struct lane_work *work, size_t k)
{
	struct grads_to to = {.all = l->own, .room = l->room, .part = fold_part, .ctx = l};
	bool has = l->has[rank_self()];

	if (has && l->own)
		memset(l->own, 0, l->n_w * sizeof *l->own);
	if (has)
		work->run(work->ctx, k + (size_t)rank_self(), &to);
	for (size_t i = 0; l->in_parts && !has && i < part_count(l->m); i++)
		fold_part(l, i, NULL);
	if (!l->in_parts && (l->n > 1 || rank_count() > 1))
		rank_fold(l->total, l->own, l->has, l->bound, l->first);
	l->first = false;
}

static void pass_sums(const struct lanes *l, char *sums, size_t size)
{
	for (size_t k = 0; k < l->n; k++)
		if (!lanes_empty(l, k))
			rank_broadcast(sums + k * size, size, (int)(k % (size_t)rank_count()));
}

static bool fits(const struct lanes *l, const struct lane_work *work, size_t k)
{
	return batch_fits(work->all, work->order + l->at[k], l->at[k + 1] - l->at[k],
			  work->micro_tokens);
}

void lanes_run(struct lanes *l, const struct lane_work *work, void *sums, size_t size)
{
	assert(l->at[l->n] >= 1);
	for (size_t k = 0; k < l->n; k++)
		if (l->in_parts && !fits(l, work, k))
			open_own(l);
	l->first = true;
	for (size_t k = 0; k < l->n; k += (size_t)rank_count())
		if (round_has(l, k))
			run_round(l, work, k);
	pass_sums(l, sums, size);
}
