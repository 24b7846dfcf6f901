/* gen.c - the kinds' table, splits, and what was given already. See gen.h. */
#include "kinds/gen.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/set.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { MISSES = 200000 }; /* draws in a row without anything new: as good as none left */

const char *const split_name[N_SPLITS] = {"train", "valid", "test", "ood", "pretrain"};
/* Hundredths of all keys. They may never change: it would move problems between splits. */
static const unsigned split_share[N_SPLITS] = {30, 5, 15, 10, 40};

const char gen_ask[] = " Give the answer on the last line, after \"Answer:\".";

static const struct kind *const kinds[] = {&kind_countdown, &kind_subset, &kind_path,
					   &kind_arithmetic, NULL};

const struct kind *const *gen_kinds(void)
{
	return kinds;
}

const struct kind *gen_kind(struct span name)
{
	for (size_t i = 0; kinds[i]; i++)
		if (span_is(name, kinds[i]->name))
			return kinds[i];
	return NULL;
}

void gen_problem_reset(struct problem *p)
{
	buf_reset(&p->key);
	buf_reset(&p->prompt);
	buf_reset(&p->answer);
	buf_reset(&p->meta);
	buf_reset(&p->solution);
}

void gen_problem_free(struct problem *p)
{
	buf_free(&p->key);
	buf_free(&p->prompt);
	buf_free(&p->answer);
	buf_free(&p->meta);
	buf_free(&p->solution);
}

/* ---- draws ---- */
int64_t gen_below(struct gen_draw *d, int64_t n)
{
	return (int64_t)rng_below(d->key, d->pos++, (uint64_t)n);
}

int64_t gen_range(struct gen_draw *d, int64_t lo, int64_t hi)
{
	return lo >= hi ? lo : lo + gen_below(d, hi - lo + 1);
}

bool gen_numbers(struct gen_draw *d, const struct gen_part *part, int64_t *v, size_t *n)
{
	int64_t large = part->min_large;

	*n = (size_t)gen_range(d, part->min_numbers, part->max_numbers);
	if (large > (int64_t)*n || (large && part->max_value < 10))
		return false;
	for (size_t i = 0; i < *n; i++) {
		int64_t x = gen_range(d, (int64_t)i < large ? 10 : 1, part->max_value);
		size_t j = i;

		for (; j > 0 && v[j - 1] > x; j--)
			v[j] = v[j - 1];
		v[j] = x;
	}
	return true;
}

/* ---- for the kinds ---- */
void gen_put_int(struct buf *b, int64_t v)
{
	char text[24], *p = text + sizeof text;
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

	do
		*--p = (char)('0' + u % 10);
	while (u /= 10);
	if (v < 0)
		*--p = '-';
	buf_add(b, p, (size_t)(text + sizeof text - p));
}

void gen_put_numbers(struct buf *b, const int64_t *v, size_t n, const char *sep, const char *last)
{
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_str(b, last && i == n - 1 ? last : sep);
		gen_put_int(b, v[i]);
	}
}

/* ---- names ---- */
const struct kind *gen_named(struct span id, struct span *key)
{
	const char *colon = id.n ? memchr(id.p, ':', id.n) : NULL;
	size_t n = colon ? (size_t)(colon - id.p) : 0;

	if (!colon)
		return NULL;
	*key = (struct span){colon + 1, id.n - n - 1};
	return gen_kind((struct span){id.p, n});
}

static void begin_name(const struct kind *k, struct buf *id)
{
	buf_reset(id);
	buf_str(id, k->name);
	buf_char(id, ':');
}

bool gen_name(const struct kind *k, const struct verify_item *it, struct buf *id)
{
	begin_name(k, id);
	return k->key && k->key(it, id);
}

bool gen_solves(const struct kind *k, const struct verify_item *it, struct buf *id)
{
	begin_name(k, id);
	return k->solves && k->solves(it, id);
}

/* ---- the driver ---- */
struct gen {
	struct gen_opts o;
	struct gen_part part[GEN_PARTS]; /* with the overrides */
	uint64_t attempt, kind_hash;
	struct set seen;
};

static void override(int *v, int over)
{
	if (over)
		*v = over;
}

/* One bound that is given moves the other one of the split out of its way. */
static void override_numbers(struct gen_part *p, const struct gen_part *over)
{
	override(&p->min_numbers, over->min_numbers);
	override(&p->max_numbers, over->max_numbers);
	if (p->min_numbers > p->max_numbers && over->min_numbers)
		p->max_numbers = p->min_numbers;
	if (p->min_numbers > p->max_numbers)
		p->min_numbers = p->max_numbers;
}

struct gen *gen_open(const struct gen_opts *o)
{
	struct gen *g = xcalloc(1, sizeof *g);

	g->o = *o;
	g->kind_hash = XXH3_64bits(o->kind->name, strlen(o->kind->name));
	for (int i = 0; i < GEN_PARTS; i++) {
		struct gen_part *p = &g->part[i];

		*p = o->kind->part[o->split][i];
		override_numbers(p, &o->over);
		override(&p->max_value, o->over.max_value);
		override(&p->min_large, o->over.min_large);
		override(&p->min_target, o->over.min_target);
		override(&p->max_target, o->over.max_target);
	}
	return g;
}

void gen_close(struct gen *g)
{
	if (!g)
		return;
	set_free(&g->seen);
	free(g);
}

static enum split split_of(uint64_t key_hash)
{
	unsigned at = (unsigned)(((unsigned __int128)key_hash * 100) >> 64), upto = 0;
	int s = 0;

	while (at >= (upto += split_share[s]))
		s++;
	return (enum split)s;
}

static const struct gen_part *pick_part(const struct gen *g, struct gen_draw *d)
{
	int64_t at = gen_below(d, 100), upto = 0;
	int i = 0;

	while (at >= (upto += g->part[i].share))
		i++;
	return &g->part[i];
}

static bool try_draw(struct gen *g, struct problem *p)
{
	struct gen_draw d = {rng_key(g->o.seed, RNG_TASK, g->kind_hash, g->o.split, g->attempt++),
			     0};
	uint64_t h[2] = {0, 0};

	gen_problem_reset(p);
	if (!g->o.kind->draw(p, &d, pick_part(g, &d), g->o.words))
		return false;
	h[0] = XXH3_64bits_withSeed(p->key.p, p->key.n, g->kind_hash);
	if (split_of(h[0]) != g->o.split)
		return false;
	if (g->o.solutions)
		h[1] = XXH3_64bits(p->solution.p, p->solution.n);
	return set_add_hash(&g->seen, h);
}

bool gen_next(struct gen *g, struct problem *p)
{
	for (int i = 0; i < MISSES; i++)
		if (try_draw(g, p))
			return true;
	return false;
}
