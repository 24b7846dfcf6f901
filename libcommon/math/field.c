/* field.c - values modulo primes. See field.h. */
#include "math/field.h"
#include "base/rng.h"

#include <string.h>

static struct mfield whole(int64_t v)
{
	struct mfield r = {.exact = true};

	for (int k = 0; k < MOD_PRIMES; k++) {
		uint64_t m = mod_of(v < 0 ? -(uint64_t)v : (uint64_t)v, k);

		r.v[k] = v < 0 ? mod_neg(m, k) : m;
	}
	return r;
}

static struct mfield random_value(uint64_t name, uint64_t place)
{
	struct mfield r = {.exact = true};

	for (int k = 0; k < MOD_PRIMES; k++)
		r.v[k] = mod_of(rng_u64(rng_key(name, RNG_VERIFY, place, (uint64_t)k, 0), 0), k);
	return r;
}

static struct mfield bad(void)
{
	return (struct mfield){.bad = true};
}

enum { INVERSE = 12 }; /* steps that one takes the time of */

enum operation { ADD, MUL, DIV };

static struct mfield combine(struct mfield a, struct mfield b, enum operation op)
{
	a.exact &= b.exact;
	a.bad |= b.bad;
	for (int k = 0; k < MOD_PRIMES && !a.bad; k++)
		if (op == ADD)
			a.v[k] = mod_add(a.v[k], b.v[k], k);
		else if (op == MUL)
			a.v[k] = mod_mul(a.v[k], b.v[k], k);
		else if (mod_inv(b.v[k], k, &b.v[k]))
			a.v[k] = mod_mul(a.v[k], b.v[k], k);
		else
			a.bad = true;
	return a;
}

/* A value that depends on what and on a alone */
static struct mfield mixed(uint64_t what, struct mfield a)
{
	for (int k = 0; k < MOD_PRIMES; k++)
		a.v[k] = mod_of(rng_u64(rng_key(what, RNG_VERIFY, a.v[k], (uint64_t)k, 1), 0), k);
	return a;
}

/* A function of all children; a word among them stands for itself */
static struct mfield opaque(struct menv *e, int node, uint64_t what)
{
	struct mfield r = {.exact = true};

	for (int k = e->a->v[node].first; k; k = e->a->v[k].next) {
		struct mfield x = e->a->v[k].kind == MK_TEXT
					  ? random_value(me_hash(e->a->v[k].text), 0)
					  : math_field(e, k);

		r = combine(mixed(what, r), x, ADD);
		me_step(e);
	}
	return mixed(what, r);
}

static struct mfield not_exact(struct mfield r)
{
	r.exact = false;
	return r;
}

static struct mfield unknown(struct menv *e, int node)
{
	const struct mnode *n = &e->a->v[node];

	return not_exact(opaque(e, node, (uint64_t)n->kind << 8 | n->op));
}

static struct mfield symbol(const struct menv *e, struct span name)
{
	const struct mbound *b = me_bound(e, name);

	if (!b)
		return random_value(me_hash(name), (uint64_t)e->point);
	return b->known ? whole(b->value)
			: random_value(1, (uint64_t)(16 * (b - e->bound + 1) + e->point));
}

static struct mfield constant(int op)
{
	struct mfield r = {.exact = true};

	if (op == 'o')
		return bad();
	if (op != 'i')
		return random_value(2, (uint64_t)op);
	memcpy(r.v, mod_i, sizeof r.v);
	return r;
}

static struct mfield fold(struct menv *e, int node, enum operation op)
{
	int k = e->a->v[node].first;
	struct mfield r = math_field(e, k);

	while ((k = e->a->v[k].next) != 0 && !r.bad) {
		r = combine(r, math_field(e, k), op);
		*e->steps -= op == DIV ? INVERSE : 0;
	}
	return r;
}

static struct mfield power(struct menv *e, int node)
{
	int64_t x;
	struct mfield r;

	if (!me_whole(e, e->a->v[node].last, -((int64_t)1 << 40), (int64_t)1 << 40, &x))
		return unknown(e, node);
	r = math_field(e, e->a->v[node].first);
	*e->steps -= x < 0 ? INVERSE : 0;
	for (int k = 0; k < MOD_PRIMES && !r.bad; k++) {
		r.v[k] = mod_pow(r.v[k], (uint64_t)(x < 0 ? -x : x), k);
		if (x < 0 && !mod_inv(r.v[k], k, &r.v[k]))
			r.bad = true;
	}
	return r;
}

static struct mfield factorial(struct menv *e, int node)
{
	struct mfield r = whole(1);
	int64_t n;

	if (!me_whole(e, e->a->v[node].first, 0, ME_FACTORIAL, &n))
		return unknown(e, node);
	*e->steps -= (int)n / 4;
	for (; n > 1; n--)
		r = combine(r, whole(n), MUL);
	return r;
}

static struct mfield binomial(struct menv *e, int node)
{
	struct mfield r = whole(1), below = whole(1), n;
	int64_t k;

	if (!me_whole(e, e->a->v[node].last, 0, ME_FACTORIAL, &k))
		return unknown(e, node);
	n = math_field(e, e->a->v[node].first);
	*e->steps -= (int)k;
	for (int64_t i = 0; i < k; i++) {
		r = combine(r, combine(n, whole(-i), ADD), MUL);
		below = combine(below, whole(i + 1), MUL);
	}
	return combine(r, below, DIV);
}

static struct mfield absolute(struct menv *e, int node)
{
	int64_t num, den;

	if (!me_ratio(e, e->a->v[node].first, &num, &den))
		return unknown(e, node);
	return combine(whole(num < 0 ? -num : num), whole(den), DIV);
}

static struct mfield carried_out(struct menv *e, int node, int64_t from, int64_t to)
{
	bool sum = e->a->v[node].op == 's';
	struct mfield r = whole(sum ? 0 : 1);
	struct mbound *b = &e->bound[e->n_bound++];

	*b = (struct mbound){.name = me_index(e->a, node), .known = true};
	for (b->value = from; b->value <= to && !r.bad; b->value++)
		r = combine(r, math_field(e, e->a->v[node].last), sum ? ADD : MUL);
	e->n_bound--;
	return r;
}

/* The body at a random index, times a function of the bounds: a sum is linear in its body. */
static struct mfield big(struct menv *e, int node)
{
	struct mfield bounds = {.exact = true}, body;
	int64_t from, to;
	int end = mn_kid(e->a, node, 1);

	if (e->n_bound == (int)(sizeof e->bound / sizeof *e->bound))
		return bad();
	if (me_range(e, node, &from, &to))
		return carried_out(e, node, from, to);
	*e->steps -= 2 * INVERSE;
	if (e->a->v[mn_kid(e->a, node, 0)].kind != MK_DOTS)
		bounds = math_field(e, me_from(e->a, node));
	bounds = mixed(e->a->v[node].op, bounds);
	if (e->a->v[end].kind != MK_DOTS)
		bounds = combine(bounds, math_field(e, end), ADD);
	bounds = mixed(e->a->v[node].op, bounds);
	e->bound[e->n_bound++] = (struct mbound){.name = me_index(e->a, node)};
	body = math_field(e, e->a->v[node].last);
	e->n_bound--;
	if (e->a->v[node].op != 's')
		body = mixed(3, body);
	return not_exact(combine(bounds, body, MUL));
}

static struct mfield degrees(struct menv *e, int node)
{
	struct mfield r = math_field(e, e->a->v[node].first);

	return combine(combine(r, constant('p'), MUL), whole(180), DIV);
}

struct mfield math_field(struct menv *e, int node)
{
	const struct mnode *n = &e->a->v[node];
	struct mfield r = {.exact = true};

	if (!me_step(e))
		return bad();
	switch (n->kind) {
	case MK_NUM:
		memcpy(r.v, n->num.mod, sizeof r.v);
		return r;
	case MK_SYM:
		return symbol(e, n->text);
	case MK_CONST:
		return me_bound(e, n->text) ? symbol(e, n->text) : constant(n->op);
	case MK_ADD:
		return fold(e, node, ADD);
	case MK_MUL:
		return fold(e, node, MUL);
	case MK_DIV:
		return fold(e, node, DIV);
	case MK_NEG:
		return combine(whole(-1), math_field(e, n->first), MUL);
	case MK_PM:
		return combine(whole(n->op ? -e->sign : e->sign), math_field(e, n->first), MUL);
	case MK_PERCENT:
		return combine(math_field(e, n->first), whole(100), DIV);
	case MK_UNIT:
		return math_field(e, n->first);
	case MK_DEG:
		return degrees(e, node);
	case MK_POW:
		return power(e, node);
	case MK_CALL:
		return opaque(e, node, me_hash(n->text));
	case MK_FUNC:
		return unknown(e, node);
	case MK_FACT:
		return factorial(e, node);
	case MK_BINOM:
		return binomial(e, node);
	case MK_ABS:
		return absolute(e, node);
	case MK_BIG:
		return big(e, node);
	default:
		return bad();
	}
}

bool math_field_same(const struct mfield *a, const struct mfield *b)
{
	return !a->bad && !b->bad && memcmp(a->v, b->v, sizeof a->v) == 0;
}
