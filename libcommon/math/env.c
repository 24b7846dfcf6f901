/* env.c - what evaluations share. See env.h. */
#include "math/env.h"
#include "base/rng.h"

#include <math.h>
#include <string.h>

bool env_step(struct env *e)
{
	return --*e->steps > 0;
}

uint64_t env_hash(struct span name)
{
	uint64_t h = name.n;

	for (size_t i = 0; i < name.n; i += 7) {
		uint64_t part = 0;

		memcpy(&part, name.p + i, name.n - i < 7 ? name.n - i : 7);
		h = rng_key(h, RNG_VERIFY, part, 0, 0);
	}
	return h;
}

const struct bound *env_bound(const struct env *e, struct span name)
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
static bool decimal(const struct numeral *x, int64_t *num, int64_t *den)
{
	long double v = x->real, scale = 1;

	for (int i = 0; i < 12; i++, scale *= 10)
		if (v * scale == floorl(v * scale) && v * scale < 1e15L &&
		    fabsl(v - floorl(v * scale) / scale) <= x->err)
			return lowest((__int128)(v * scale), (__int128)scale, num, den);
	return false;
}

static bool leaf_ratio(const struct env *e, const struct node *n, int64_t *num, int64_t *den)
{
	const struct bound *b;

	*den = 1;
	switch (n->kind) {
	case NODE_NUM:
		*num = n->num.whole;
		return n->num.is_whole || (n->num.decimal && decimal(&n->num, num, den));
	case NODE_SYM:
	case NODE_CONST:
		b = env_bound(e, n->text);
		*num = b ? b->value : 0;
		return b && b->known;
	default:
		return false;
	}
}

static bool combine(enum node_kind kind, int64_t a, int64_t b, int64_t *num, int64_t *den)
{
	__int128 n = *num, d = *den;

	if (kind == NODE_ADD)
		return lowest(n * b + a * d, d * b, num, den);
	if (kind == NODE_MUL)
		return lowest(n * a, d * b, num, den);
	return lowest(n * b, d * a, num, den);
}

/* A small power of num/den, which becomes it */
static bool to_power(const struct env *e, int exponent, int64_t *num, int64_t *den)
{
	int64_t n, a = *num, b = *den;

	if (!env_whole(e, exponent, -62, 62, &n) || (n < 0 && !a))
		return false;
	if (n < 0 && !lowest(b, a, &a, &b))
		return false;
	*num = *den = 1;
	for (n = n < 0 ? -n : n; n > 0; n--)
		if (!combine(NODE_MUL, a, b, num, den))
			return false;
	return true;
}

bool env_ratio(const struct env *e, int node, int64_t *num, int64_t *den)
{
	const struct node *n = &e->a->v[node];
	int64_t a, b;

	if (--*e->steps < 0)
		return false;
	switch (n->kind) {
	case NODE_NEG:
	case NODE_UNIT:
	case NODE_PERCENT:
	case NODE_ADD:
	case NODE_MUL:
	case NODE_DIV:
	case NODE_POW:
		break;
	default:
		return leaf_ratio(e, n, num, den);
	}
	if (!env_ratio(e, n->first, num, den))
		return false;
	if (n->kind == NODE_NEG)
		*num = -*num;
	if (n->kind == NODE_POW)
		return to_power(e, n->last, num, den);
	if (n->kind == NODE_PERCENT)
		return lowest(*num, (__int128)*den * 100, num, den);
	if (n->kind == NODE_NEG || n->kind == NODE_UNIT)
		return true;
	for (int k = e->a->v[n->first].next; k; k = e->a->v[k].next)
		if (!env_ratio(e, k, &a, &b) || !combine((enum node_kind)n->kind, a, b, num, den))
			return false;
	return true;
}

bool env_whole(const struct env *e, int node, int64_t lo, int64_t hi, int64_t *v)
{
	int64_t den;

	return env_ratio(e, node, v, &den) && den == 1 && *v >= lo && *v <= hi;
}

static bool has_index(const struct arena *a, int from)
{
	const struct node *n = &a->v[from];

	return n->kind == NODE_REL && n->n == 2 &&
	       (a->v[n->last].rel == REL_EQ || span_is(n->text, "to") ||
		span_is(n->text, "rightarrow")) &&
	       (a->v[n->first].kind == NODE_SYM || a->v[n->first].op == 'i');
}

struct span env_index(const struct arena *a, int big)
{
	int from = node_kid(a, big, 0);

	return has_index(a, from) ? a->v[a->v[from].first].text : (struct span){NULL, 0};
}

int env_from(const struct arena *a, int big)
{
	int from = node_kid(a, big, 0);

	return has_index(a, from) ? a->v[from].last : from;
}

bool env_range(const struct env *e, int big, int64_t *from, int64_t *to)
{
	const struct node *n = &e->a->v[big];

	return (n->op == 's' || n->op == 'p') && env_index(e->a, big).n &&
	       env_whole(e, env_from(e->a, big), -ENV_TERMS, 1000000, from) &&
	       env_whole(e, node_kid(e->a, big, 1), -ENV_TERMS, 1000000, to) &&
	       *to - *from < ENV_TERMS;
}
