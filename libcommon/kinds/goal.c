/* goal.c - problems of numbers and a target. See goal.h. */
#include "kinds/goal.h"
#include "answer/text.h"
#include "stream/pack.h"

#include <stdlib.h>

void goal_put_key(struct buf *key, const struct goal *g)
{
	gen_put_numbers(key, g->v, g->n, ",", NULL);
	buf_char(key, '=');
	gen_put_int(key, g->target);
}

static void put_meta(struct buf *meta, const struct goal *g)
{
	msgpack_packer pk;

	pack_init(&pk, meta);
	msgpack_pack_map(&pk, 2);
	pack_str(&pk, "numbers");
	msgpack_pack_array(&pk, g->n);
	for (size_t i = 0; i < g->n; i++)
		msgpack_pack_int64(&pk, g->v[i]);
	pack_str(&pk, "target");
	msgpack_pack_int64(&pk, g->target);
}

void goal_put(struct problem *p, const struct goal *g)
{
	goal_put_key(&p->key, g);
	gen_put_int(&p->answer, g->target);
	put_meta(&p->meta, g);
}

static bool in_range(int64_t v)
{
	return v >= 1 && v <= GOAL_MOST;
}

/* A number at the front of *s, taken off. */
static bool take_number(struct span *s, int64_t *v)
{
	const char *from = s->p;

	*v = 0;
	for (; s->n && text_digit(*s->p) && *v <= GOAL_MOST; s->p++, s->n--)
		*v = 10 * *v + (*s->p - '0');
	return s->p > from && *from != '0' && in_range(*v);
}

static bool take_sign(struct span *s, char c)
{
	if (!s->n || *s->p != c)
		return false;
	s->p++;
	s->n--;
	return true;
}

bool goal_read(struct goal *g, struct span key)
{
	g->n = 0;
	do {
		if (g->n == GEN_NUMBERS || !take_number(&key, &g->v[g->n]) ||
		    (g->n && g->v[g->n] < g->v[g->n - 1]))
			return false;
		g->n++;
	} while (take_sign(&key, ','));
	return take_sign(&key, '=') && take_number(&key, &g->target) && !key.n;
}

static int ascending(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static bool read_numbers(const struct verify_item *it, struct goal *g)
{
	if (judge_item_numbers(it, g->v, GEN_NUMBERS, &g->n, NULL))
		return false;
	for (size_t i = 0; i < g->n; i++)
		if (!in_range(g->v[i]))
			return false;
	qsort(g->v, g->n, sizeof *g->v, ascending);
	return true;
}

bool goal_key(const struct verify_item *it, struct buf *key)
{
	struct goal g;

	if (!read_numbers(it, &g) || judge_item_target(it, &g.target, NULL) || !in_range(g.target))
		return false;
	goal_put_key(key, &g);
	return true;
}

bool goal_solved(const struct verify_item *it, bool all, struct goal *g, struct expr *e)
{
	if (!read_numbers(it, g) || !expr_eval(text_final(it->response), e))
		return false;
	g->target = e->value.num;
	return e->value.den == 1 && in_range(g->target) && expr_uses(e, g->v, g->n, all);
}
