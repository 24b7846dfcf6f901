/* env.c - what evaluations share. See env.h. */
#include "math/env.h"
#include "base/rng.h"

#include <math.h>
#include <string.h>

bool me_step(struct menv *e)
{
	return --*e->steps > 0;
}

uint64_t me_hash(struct span name)
{
	uint64_t h = name.n;

	for (size_t i = 0; i < name.n; i += 7) {
		uint64_t part = 0;

		memcpy(&part, name.p + i, name.n - i < 7 ? name.n - i : 7);
		h = rng_key(h, RNG_VERIFY, part, 0, 0);
	}
	return h;
}

const struct mbound *me_bound(const struct menv *e, struct span name)
{
	for (int i = e->n_bound; i-- > 0;)
		if (span_eq(e->bound[i].name, name))
			return &e->bound[i];
	return NULL;
}

static bool lowest(__int128 n, __int128 d, int64_t *num, int64_t *den)
{
	__int128 a = n < 0 ? -n : n, b = d < 0 ? -d : d, t;

	if (!d)
		return false;
	for (t = b; a; a = t % a, t = b)
		b = a; /* b becomes the greatest common divisor */
	n = d < 0 ? -n / b : n / b;
	d = d < 0 ? -d / b : d / b;
	if (n > INT64_MAX || n < -INT64_MAX || d > INT64_MAX)
		return false;
	*num = (int64_t)n;
	*den = (int64_t)d;
	return true;
}

/* A number with a few decimals */
static bool decimal(const struct mnumber *x, int64_t *num, int64_t *den)
{
	long double v = x->real, scale = 1;

	for (int i = 0; i < 12; i++, scale *= 10)
		if (v * scale == floorl(v * scale) && v * scale < 1e15L &&
		    fabsl(v - floorl(v * scale) / scale) <= x->err)
			return lowest((__int128)(v * scale), (__int128)scale, num, den);
	return false;
}

static bool leaf_ratio(const struct menv *e, const struct mnode *n, int64_t *num, int64_t *den)
{
	const struct mbound *b;

	*den = 1;
	switch (n->kind) {
	case MK_NUM:
		*num = n->num.whole;
		return n->num.is_whole || (n->num.decimal && decimal(&n->num, num, den));
	case MK_SYM:
	case MK_CONST:
		b = me_bound(e, n->text);
		*num = b ? b->value : 0;
		return b && b->known;
	default:
		return false;
	}
}

static bool combine(enum mkind kind, int64_t a, int64_t b, int64_t *num, int64_t *den)
{
	__int128 n = *num, d = *den;

	if (kind == MK_ADD)
		return lowest(n * b + a * d, d * b, num, den);
	if (kind == MK_MUL)
		return lowest(n * a, d * b, num, den);
	return lowest(n * b, d * a, num, den);
}

/* A small power of num/den, which becomes it */
static bool to_power(const struct menv *e, int exponent, int64_t *num, int64_t *den)
{
	int64_t n, a = *num, b = *den;

	if (!me_whole(e, exponent, -62, 62, &n) || (n < 0 && !a))
		return false;
	if (n < 0 && !lowest(b, a, &a, &b))
		return false;
	*num = *den = 1;
	for (n = n < 0 ? -n : n; n > 0; n--)
		if (!combine(MK_MUL, a, b, num, den))
			return false;
	return true;
}

bool me_ratio(const struct menv *e, int node, int64_t *num, int64_t *den)
{
	const struct mnode *n = &e->a->v[node];
	int64_t a, b;

	if (--*e->steps < 0)
		return false;
	switch (n->kind) {
	case MK_NEG:
	case MK_UNIT:
	case MK_PERCENT:
	case MK_ADD:
	case MK_MUL:
	case MK_DIV:
	case MK_POW:
		break;
	default:
		return leaf_ratio(e, n, num, den);
	}
	if (!me_ratio(e, n->first, num, den))
		return false;
	if (n->kind == MK_NEG)
		*num = -*num;
	if (n->kind == MK_POW)
		return to_power(e, n->last, num, den);
	if (n->kind == MK_PERCENT)
		return lowest(*num, (__int128)*den * 100, num, den);
	if (n->kind == MK_NEG || n->kind == MK_UNIT)
		return true;
	for (int k = e->a->v[n->first].next; k; k = e->a->v[k].next)
		if (!me_ratio(e, k, &a, &b) || !combine((enum mkind)n->kind, a, b, num, den))
			return false;
	return true;
}

bool me_whole(const struct menv *e, int node, int64_t lo, int64_t hi, int64_t *v)
{
	int64_t den;

	return me_ratio(e, node, v, &den) && den == 1 && *v >= lo && *v <= hi;
}

static bool has_index(const struct marena *a, int from)
{
	const struct mnode *n = &a->v[from];

	return n->kind == MK_REL && n->n == 2 && a->v[n->last].rel == MR_EQ &&
	       (a->v[n->first].kind == MK_SYM || a->v[n->first].op == 'i');
}

struct span me_index(const struct marena *a, int big)
{
	int from = mn_kid(a, big, 0);

	return has_index(a, from) ? a->v[a->v[from].first].text : (struct span){NULL, 0};
}

int me_from(const struct marena *a, int big)
{
	int from = mn_kid(a, big, 0);

	return has_index(a, from) ? a->v[from].last : from;
}

bool me_range(const struct menv *e, int big, int64_t *from, int64_t *to)
{
	const struct mnode *n = &e->a->v[big];

	return (n->op == 's' || n->op == 'p') && me_index(e->a, big).n &&
	       me_whole(e, me_from(e->a, big), -ME_TERMS, 1000000, from) &&
	       me_whole(e, mn_kid(e->a, big, 1), -ME_TERMS, 1000000, to) && *to - *from < ME_TERMS;
}
