/* field.c - values modulo primes. See field.h. */
#include "math/field.h"
#include "base/rng.h"

#include <string.h>

static struct field whole(int64_t v)
{
	struct field r = {.exact = true};

	for (int k = 0; k < MODULAR_PRIMES; k++) {
		uint64_t m = modular_of(v < 0 ? -(uint64_t)v : (uint64_t)v, k);

		r.v[k] = v < 0 ? modular_neg(m, k) : m;
	}
	return r;
}

static struct field random_value(uint64_t name, uint64_t place)
{
	struct field r = {.exact = true};

	for (int k = 0; k < MODULAR_PRIMES; k++)
		r.v[k] =
			modular_of(rng_u64(rng_key(name, RNG_VERIFY, place, (uint64_t)k, 0), 0), k);
	return r;
}

static struct field field_bad(void)
{
	return (struct field){.bad = true};
}

enum { INVERSE = 12 }; /* steps that one takes the time of */

enum operation { ADD, MUL, DIV };

static struct field field_combine(struct field a, struct field b, enum operation op)
{
	a.exact &= b.exact;
	a.bad |= b.bad;
	for (int k = 0; k < MODULAR_PRIMES && !a.bad; k++)
		if (op == ADD)
			a.v[k] = modular_add(a.v[k], b.v[k], k);
		else if (op == MUL)
			a.v[k] = modular_mul(a.v[k], b.v[k], k);
		else if (modular_inv(b.v[k], k, &b.v[k]))
			a.v[k] = modular_mul(a.v[k], b.v[k], k);
		else
			a.bad = true;
	return a;
}

/* A value that depends on what and on a alone */
static struct field mixed(uint64_t what, struct field a)
{
	for (int k = 0; k < MODULAR_PRIMES; k++)
		a.v[k] = modular_of(rng_u64(rng_key(what, RNG_VERIFY, a.v[k], (uint64_t)k, 1), 0),
				    k);
	return a;
}

/* A function of all children; a word among them stands for itself */
static struct field field_opaque(struct env *e, int node, uint64_t what)
{
	struct field r = {.exact = true};

	for (int k = e->a->v[node].first; k; k = e->a->v[k].next) {
		struct field x = e->a->v[k].kind == NODE_TEXT
					 ? random_value(env_hash(e->a->v[k].text), 0)
					 : field_value(e, k);

		r = field_combine(mixed(what, r), x, ADD);
		env_step(e);
	}
	return mixed(what, r);
}

static struct field not_exact(struct field r)
{
	r.exact = false;
	return r;
}

static struct field unknown(struct env *e, int node)
{
	const struct node *n = &e->a->v[node];

	return not_exact(field_opaque(e, node, (uint64_t)n->kind << 8 | n->op));
}

static struct field field_symbol(const struct env *e, struct span name)
{
	const struct bound *b = env_bound(e, name);

	if (!b)
		return random_value(env_hash(name), (uint64_t)e->point);
	return b->known ? whole(b->value)
			: random_value(1, (uint64_t)(16 * (b - e->bound + 1) + e->point));
}

static struct field field_constant(int op)
{
	struct field r = {.exact = true};

	if (op == 'o')
		return field_bad();
	if (op != 'i')
		return random_value(2, (uint64_t)op);
	memcpy(r.v, modular_i, sizeof r.v);
	return r;
}

static struct field field_fold(struct env *e, int node, enum operation op)
{
	int k = e->a->v[node].first;
	struct field r = field_value(e, k);

	while ((k = e->a->v[k].next) != 0 && !r.bad) {
		r = field_combine(r, field_value(e, k), op);
		*e->steps -= op == DIV ? INVERSE : 0;
	}
	return r;
}

static struct field field_power(struct env *e, int node)
{
	int64_t x;
	struct field r;

	if (!env_whole(e, e->a->v[node].last, -((int64_t)1 << 40), (int64_t)1 << 40, &x))
		return unknown(e, node);
	r = field_value(e, e->a->v[node].first);
	*e->steps -= x < 0 ? INVERSE : 0;
	for (int k = 0; k < MODULAR_PRIMES && !r.bad; k++) {
		r.v[k] = modular_pow(r.v[k], (uint64_t)(x < 0 ? -x : x), k);
		if (x < 0 && !modular_inv(r.v[k], k, &r.v[k]))
			r.bad = true;
	}
	return r;
}

static struct field field_factorial(struct env *e, int node)
{
	struct field r = whole(1);
	int64_t n;

	if (!env_whole(e, e->a->v[node].first, 0, ENV_FACTORIAL, &n))
		return unknown(e, node);
	*e->steps -= (int)n / 4;
	for (; n > 1; n--)
		r = field_combine(r, whole(n), MUL);
	return r;
}

static struct field field_binomial(struct env *e, int node)
{
	struct field r = whole(1), below = whole(1), n;
	int64_t k, all;

	if (!env_whole(e, e->a->v[node].last, 0, INT32_MAX, &k))
		return unknown(e, node);
	if (env_whole(e, e->a->v[node].first, k, INT32_MAX, &all) && all - k < k)
		k = all - k;
	if (k > ENV_FACTORIAL)
		return not_exact(
			mixed(5, field_combine(mixed(6, field_value(e, e->a->v[node].first)),
					       whole(k), ADD)));
	n = field_value(e, e->a->v[node].first);
	*e->steps -= (int)k;
	for (int64_t i = 0; i < k; i++) {
		r = field_combine(r, field_combine(n, whole(-i), ADD), MUL);
		below = field_combine(below, whole(i + 1), MUL);
	}
	return field_combine(r, below, DIV);
}

static struct field field_absolute(struct env *e, int node)
{
	int64_t num, den;

	if (!env_ratio(e, e->a->v[node].first, &num, &den))
		return unknown(e, node);
	return field_combine(whole(num < 0 ? -num : num), whole(den), DIV);
}

static struct field field_carried_out(struct env *e, int node, int64_t from, int64_t to)
{
	bool sum = e->a->v[node].op == 's';
	struct field r = whole(sum ? 0 : 1);
	struct bound *b = &e->bound[e->n_bound++];

	*b = (struct bound){.name = env_index(e->a, node), .known = true};
	for (b->value = from; b->value <= to && !r.bad; b->value++)
		r = field_combine(r, field_value(e, e->a->v[node].last), sum ? ADD : MUL);
	e->n_bound--;
	return r;
}

/* An end of a sum, which may be infinite */
static struct field field_end(struct env *e, int node)
{
	const struct node *n = &e->a->v[node];
	bool minus = n->kind == NODE_NEG;

	if (minus)
		n = &e->a->v[n->first];
	if (n->kind != NODE_CONST || n->op != 'o')
		return field_value(e, node);
	return random_value(2, minus ? 'O' : 'o');
}

/* The body at a random index, times a function of the bounds: a sum is linear in its body. */
static struct field field_big(struct env *e, int node)
{
	struct field bounds = {.exact = true}, body;
	int64_t from, to;
	int end = node_kid(e->a, node, 1);

	if (e->n_bound == (int)(sizeof e->bound / sizeof *e->bound))
		return field_bad();
	if (env_range(e, node, &from, &to))
		return field_carried_out(e, node, from, to);
	*e->steps -= 2 * INVERSE;
	if (e->a->v[node_kid(e->a, node, 0)].kind != NODE_DOTS)
		bounds = field_end(e, env_from(e->a, node));
	bounds = mixed(e->a->v[node].op, bounds);
	if (e->a->v[end].kind != NODE_DOTS)
		bounds = field_combine(bounds, field_end(e, end), ADD);
	bounds = mixed(e->a->v[node].op, bounds);
	e->bound[e->n_bound++] = (struct bound){.name = env_index(e->a, node)};
	body = field_value(e, e->a->v[node].last);
	e->n_bound--;
	if (e->a->v[node].op != 's')
		body = mixed(3, body);
	return not_exact(field_combine(bounds, body, MUL));
}

static struct field field_degrees(struct env *e, int node)
{
	struct field r = field_value(e, e->a->v[node].first);

	return field_combine(field_combine(r, field_constant('p'), MUL), whole(180), DIV);
}

struct field field_value(struct env *e, int node)
{
	const struct node *n = &e->a->v[node];
	struct field r = {.exact = true};

	if (!env_step(e))
		return field_bad();
	switch (n->kind) {
	case NODE_NUM:
		memcpy(r.v, n->num.mod, sizeof r.v);
		return r;
	case NODE_SYM:
		return field_symbol(e, n->text);
	case NODE_CONST:
		return env_bound(e, n->text) ? field_symbol(e, n->text) : field_constant(n->op);
	case NODE_ADD:
		return field_fold(e, node, ADD);
	case NODE_MUL:
		return field_fold(e, node, MUL);
	case NODE_DIV:
		return field_fold(e, node, DIV);
	case NODE_NEG:
		return field_combine(whole(-1), field_value(e, n->first), MUL);
	case NODE_PM:
		return field_combine(whole(n->op ? -e->sign : e->sign), field_value(e, n->first),
				     MUL);
	case NODE_PERCENT:
		return field_combine(field_value(e, n->first), whole(100), DIV);
	case NODE_UNIT:
		return field_value(e, n->first);
	case NODE_DEG:
		return field_degrees(e, node);
	case NODE_POW:
		return field_power(e, node);
	case NODE_CALL:
		return field_opaque(e, node, env_hash(n->text));
	case NODE_FUNC:
		return unknown(e, node);
	case NODE_FACT:
		return field_factorial(e, node);
	case NODE_BINOM:
		return field_binomial(e, node);
	case NODE_ABS:
		return field_absolute(e, node);
	case NODE_BIG:
		return field_big(e, node);
	default:
		return field_bad();
	}
}

bool field_same(const struct field *a, const struct field *b)
{
	return !a->bad && !b->bad && memcmp(a->v, b->v, sizeof a->v) == 0;
}
