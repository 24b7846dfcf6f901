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

size_t lanes_bytes(size_t n, size_t n_w, size_t part)
{
	return ((has_lane(n) ? n_w : 0) + (is_apart(n) ? part : 0)) * sizeof(float);
}

static size_t part_size(const struct lanes *l)
{
	return l->bound[rank_self() + 1] - l->bound[rank_self()];
}

void lanes_open(struct lanes *l, size_t n, size_t n_w, const size_t *bound)
{
	assert(n >= 1 && bound);
	*l = (struct lanes){.n = n, .n_w = n_w, .bound = bound, .apart = is_apart(n)};
	l->at = xarray(n + 1, sizeof *l->at);
	l->has = xarray((size_t)rank_count(), sizeof *l->has);
	if (has_lane(n))
		l->own = big_alloc(n_w * sizeof *l->own);
	l->total =
		l->apart ? big_alloc(part_size(l) * sizeof *l->total) : l->own + bound[rank_self()];
}

void lanes_free(struct lanes *l)
{
	if (!l->n)
		return;
	if (l->apart)
		big_free(l->total, part_size(l) * sizeof *l->total);
	big_free(l->own, l->n_w * sizeof *l->own);
	free(l->at);
	free(l->has);
	*l = (struct lanes){0};
}

void lanes_begin(struct lanes *l)
{
	l->next = 0;
}

void lanes_cut(struct lanes *l, size_t before, size_t all, size_t i)
{
	assert(before < all);
	while (l->next <= before * l->n / all)
		l->at[l->next++] = i;
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

static void pass_sums(const struct lanes *l, char *sums, size_t size)
{
	for (size_t k = 0; k < l->n; k++)
		if (!lanes_empty(l, k))
			rank_broadcast(sums + k * size, size, (int)(k % (size_t)rank_count()));
}

void lanes_run(struct lanes *l, lanes_fn *fn, void *ctx, void *sums, size_t size)
{
	size_t ranks = (size_t)rank_count();
	bool first = true;

	assert(l->at[l->n] >= 1);
	for (size_t k = 0; k < l->n; k += ranks) {
		if (!round_has(l, k))
			continue;
		if (l->has[rank_self()]) {
			memset(l->own, 0, l->n_w * sizeof *l->own);
			fn(ctx, k + (size_t)rank_self(), l->own);
		}
		if (l->n > 1 || ranks > 1)
			rank_fold(l->total, l->own, l->has, l->bound, first);
		first = false;
	}
	pass_sums(l, sums, size);
}
