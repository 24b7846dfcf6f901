/* real.c - values as complex numbers. See real.h. */
#include "math/real.h"
#include "base/rng.h"

#include <complex.h>
#include <float.h>
#include <math.h>

#define EPS LDBL_EPSILON
enum { COST = 6 }; /* steps that a complex function takes the time of */
static const long double pi = 3.14159265358979323846264338327950288L;

typedef long double complex number;

static number of(struct real x)
{
	return x.re + x.im * (number)_Complex_I;
}

static struct real real_bad(void)
{
	return (struct real){.bad = true};
}

static struct real value(number v, long double err)
{
	struct real r = {.re = creall(v), .im = cimagl(v), .err = err};

	if (!isfinite(r.re) || !isfinite(r.im) || !isfinite(err))
		return real_bad();
	if (fabsl(r.im) <= err)
		r.im = 0;
	return r;
}

/* A real number known but for rounding */
static struct real rounded(long double v)
{
	return value(v, fabsl(v) * EPS);
}

static struct real exactly(long double v)
{
	return value(v, 0);
}

static struct real real_add(struct real a, struct real b)
{
	number r = of(a) + of(b);

	if (a.bad || b.bad)
		return real_bad();
	return value(r, a.err + b.err + EPS * cabsl(r));
}

static struct real mul(struct real a, struct real b)
{
	number r = of(a) * of(b);
	long double x = cabsl(of(a)), y = cabsl(of(b));

	if (a.bad || b.bad)
		return real_bad();
	return value(r, x * b.err + y * a.err + a.err * b.err + 3 * EPS * x * y);
}

static struct real divide(struct real a, struct real b)
{
	long double y = cabsl(of(b));
	number r;

	if (a.bad || b.bad || y <= 4 * b.err)
		return real_bad();
	r = of(a) / of(b);
	return value(r, (a.err + cabsl(r) * b.err) / (y - b.err) + 4 * EPS * cabsl(r));
}

static struct real negative(struct real a)
{
	a.re = -a.re;
	a.im = a.im != 0 ? -a.im : 0;
	return a;
}

/* ---- functions of one argument ---- */

static number quarter(number x)
{
	return pi / 2 - x;
}

static number real_apply(enum function f, number x)
{
	switch (f) {
	case FUNC_SQRT:
		return csqrtl(x);
	case FUNC_EXP:
		return cexpl(x);
	case FUNC_LN:
		return clogl(x);
	case FUNC_LOG: /* the logarithm to a base that is anybody's guess */
		return clogl(x) * 0.7243617812L;
	case FUNC_SIN:
		return csinl(x);
	case FUNC_COS:
		return ccosl(x);
	case FUNC_TAN:
		return csinl(x) / ccosl(x);
	case FUNC_COT:
		return ccosl(x) / csinl(x);
	case FUNC_SEC:
		return 1 / ccosl(x);
	case FUNC_CSC:
		return 1 / csinl(x);
	case FUNC_ASIN:
		return casinl(x);
	case FUNC_ACOS:
		return cacosl(x);
	case FUNC_ATAN:
		return catanl(x);
	case FUNC_ACOT:
		return quarter(catanl(x));
	case FUNC_ASEC:
		return cacosl(1 / x);
	case FUNC_ACSC:
		return casinl(1 / x);
	case FUNC_SINH:
		return csinhl(x);
	case FUNC_COSH:
		return ccoshl(x);
	case FUNC_TANH:
		return ctanhl(x);
	default: /* FUNC_CIS */
		return cexpl((number)_Complex_I * x);
	}
}

static number gamma_of(long double x)
{
	return x < 0 && x == floorl(x) ? NAN : tgammal(x);
}

/* A real x, from the right side of branch cuts */
static number plain(struct real x)
{
	return x.im != 0 ? of(x) : (number)x.re;
}

/* How far f is from its value when x is off by its error, and by rounding besides */
static struct real through(number v, number beside)
{
	return value(v, 2 * cabsl(beside - v) + 8 * EPS * cabsl(v));
}

static struct real function(enum function f, struct real x)
{
	number at = plain(x);

	if (x.bad)
		return real_bad();
	if (f == FUNC_FLOOR || f == FUNC_CEIL) {
		long double near = roundl(x.re);

		if (x.im != 0 || fabsl(x.re - near) <= x.err)
			return x.im != 0 || x.err > 1e-6L ? real_bad() : exactly(near);
		return exactly(f == FUNC_FLOOR ? floorl(x.re) : ceill(x.re));
	}
	return through(real_apply(f, at), real_apply(f, at + x.err));
}

static struct real real_factorial(struct real x)
{
	if (x.bad || x.im != 0 || x.re < -20 || x.re > 1500)
		return real_bad();
	return through(gamma_of(x.re + 1), gamma_of(x.re + 1 + x.err));
}

static struct real real_absolute(struct real x)
{
	return x.bad ? real_bad() : value(cabsl(of(x)), x.err + EPS * cabsl(of(x)));
}

/* ---- powers ---- */

static struct real whole_power(struct real x, int64_t n)
{
	struct real r = exactly(1);
	uint64_t left = n < 0 ? -(uint64_t)n : (uint64_t)n;

	for (; left && !r.bad; left >>= 1) {
		if (left & 1)
			r = mul(r, x);
		if (left > 1)
			x = mul(x, x);
	}
	return n < 0 ? divide(exactly(1), r) : r;
}

static struct real any_power(struct real x, struct real y)
{
	number log, w, v;
	long double size = cabsl(of(x)), err;

	if (x.bad || y.bad)
		return real_bad();
	if (x.re == 0 && x.im == 0 && x.err == 0)
		return y.re > 0 ? exactly(0) : real_bad();
	if (size <= 4 * x.err)
		return real_bad();
	log = clogl(plain(x));
	w = plain(y) * log;
	v = cexpl(w);
	err = cabsl(of(y)) * x.err / (size - x.err) + cabsl(log) * y.err + 4 * EPS * (cabsl(w) + 1);
	return err < 0.1L ? value(v, 2 * err * cabsl(v)) : real_bad();
}

static struct real real_power(struct env *e, int node)
{
	int base = e->a->v[node].first, exponent = e->a->v[node].last;
	int64_t num, den;
	struct real x;

	*e->steps -= COST;
	if (!env_ratio(e, exponent, &num, &den))
		return any_power(real_value(e, base), real_value(e, exponent));
	x = real_value(e, base);
	if (den == 1)
		return whole_power(x, num);
	if (den % 2 && x.im == 0 && x.re < 0) {
		x = any_power(negative(x), divide(exactly(num), exactly(den)));
		return num % 2 ? negative(x) : x;
	}
	return any_power(x, divide(exactly(num), exactly(den)));
}

/* ---- what is made up ---- */

static long double made_up(uint64_t key, uint64_t pos, long double lo, long double hi)
{
	return lo + (hi - lo) * rng_uniform(key, pos);
}

/* One more argument of a function of which nothing is known */
static struct real one_more(uint64_t key, int i, struct real x)
{
	long double a = made_up(key, 2 * (uint64_t)i, 0.4L, 1.3L),
		    b = made_up(key, 2 * (uint64_t)i + 1, 0, 6);
	number at = a * plain(x) + b;

	if (x.bad)
		return real_bad();
	return through(ccosl(at) + at / 3, ccosl(at + a * x.err) + (at + a * x.err) / 3);
}

static struct real real_opaque(struct env *e, int node)
{
	uint64_t key = rng_key(env_hash(e->a->v[node].text), RNG_VERIFY, 2, 0, 0);
	struct real r = rounded(made_up(key, 99, 0.5L, 2));
	int i = 0;

	for (int k = e->a->v[node].first; k && env_step(e); k = e->a->v[k].next) {
		struct real x = e->a->v[k].kind == NODE_TEXT
					? rounded(made_up(env_hash(e->a->v[k].text), 7, 1, 2))
					: real_value(e, k);

		r = one_more(key, i, mul(r, one_more(key, i + 1, x)));
		i += 2;
		*e->steps -= 2 * COST;
	}
	return r;
}

/* The first points are positive, the others anywhere. */
static struct real random_place(const struct env *e, uint64_t name)
{
	static const long double wide[ENV_POINTS][2] = {
		{0.3L, 2.7L}, {2.7L, 30}, {-30, -2.7L}, {30, 3000}, {-3000, -30}};
	uint64_t key = rng_key(name, RNG_VERIFY, 3, 0, 0);

	if (e->wide)
		return exactly(
			made_up(key, (uint64_t)e->point, wide[e->point][0], wide[e->point][1]));
	return exactly(made_up(key, (uint64_t)e->point, e->point < 2 ? 0.3L : -2.7L, 2.7L));
}

static struct real real_symbol(const struct env *e, struct span name)
{
	const struct bound *b = env_bound(e, name);

	if (!b)
		return random_place(e, env_hash(name));
	return b->known ? exactly(b->value) : random_place(e, (uint64_t)(b - e->bound) + 1);
}

static struct real real_constant(int op)
{
	if (op == 'p')
		return rounded(pi);
	if (op == 'e')
		return rounded(expl(1));
	return op == 'i' ? value(_Complex_I, 0) : real_bad();
}

/* ---- sums, products, and those over an index ---- */

static struct real real_fold(struct env *e, int node, struct real (*f)(struct real, struct real))
{
	int k = e->a->v[node].first;
	struct real r = real_value(e, k);

	while ((k = e->a->v[k].next) != 0 && !r.bad)
		r = f(r, real_value(e, k));
	return r;
}

static struct real real_carried_out(struct env *e, int node, int64_t from, int64_t to)
{
	bool sum = e->a->v[node].op == 's';
	struct real r = exactly(sum ? 0 : 1);
	struct bound *b = &e->bound[e->n_bound++];

	*b = (struct bound){.name = env_index(e->a, node), .known = true};
	for (b->value = from; b->value <= to && !r.bad; b->value++)
		r = (sum ? real_add : mul)(r, real_value(e, e->a->v[node].last));
	e->n_bound--;
	return r;
}

static struct real real_big(struct env *e, int node)
{
	uint64_t key = rng_key(e->a->v[node].op, RNG_VERIFY, 4, 0, 0);
	struct real bounds = exactly(1), body;
	int64_t from, to;
	int end = node_kid(e->a, node, 1);

	if (e->n_bound == (int)(sizeof e->bound / sizeof *e->bound))
		return real_bad();
	if (env_range(e, node, &from, &to))
		return real_carried_out(e, node, from, to);
	*e->steps -= 4 * COST;
	if (e->a->v[node_kid(e->a, node, 0)].kind != NODE_DOTS)
		bounds = one_more(key, 0, real_value(e, env_from(e->a, node)));
	if (e->a->v[end].kind != NODE_DOTS)
		bounds = one_more(key, 1, mul(bounds, one_more(key, 2, real_value(e, end))));
	e->bound[e->n_bound++] = (struct bound){.name = env_index(e->a, node)};
	body = real_value(e, e->a->v[node].last);
	e->n_bound--;
	return mul(bounds, e->a->v[node].op == 's' ? body : one_more(key, 3, body));
}

static struct real real_binomial(struct env *e, int node)
{
	struct real n = real_value(e, e->a->v[node].first), k = real_value(e, e->a->v[node].last);
	struct real below = mul(real_factorial(k), real_factorial(real_add(n, negative(k))));

	return divide(real_factorial(n), below);
}

static struct real real_degrees(struct real x)
{
	return mul(x, divide(rounded(pi), exactly(180)));
}

static struct real with_sign(struct real x, int sign)
{
	return sign < 0 ? negative(x) : x;
}

struct real real_value(struct env *e, int node)
{
	const struct node *n = &e->a->v[node];

	if (!env_step(e))
		return real_bad();
	switch (n->kind) {
	case NODE_NUM:
		return value(n->num.real, n->num.err);
	case NODE_SYM:
		return real_symbol(e, n->text);
	case NODE_CONST:
		return env_bound(e, n->text) ? real_symbol(e, n->text) : real_constant(n->op);
	case NODE_ADD:
		return real_fold(e, node, real_add);
	case NODE_MUL:
		return real_fold(e, node, mul);
	case NODE_DIV:
		return real_fold(e, node, divide);
	case NODE_NEG:
		return negative(real_value(e, n->first));
	case NODE_PM:
		return with_sign(real_value(e, n->first), n->op ? -e->sign : e->sign);
	case NODE_PERCENT:
		return divide(real_value(e, n->first), exactly(100));
	case NODE_UNIT:
		return real_value(e, n->first);
	case NODE_DEG:
		return real_degrees(real_value(e, n->first));
	case NODE_POW:
		return real_power(e, node);
	case NODE_CALL:
		return real_opaque(e, node);
	case NODE_FUNC:
		*e->steps -= COST;
		return function((enum function)n->op, real_value(e, n->first));
	case NODE_FACT:
		*e->steps -= 4 * COST;
		return real_factorial(real_value(e, n->first));
	case NODE_BINOM:
		*e->steps -= 12 * COST;
		return real_binomial(e, node);
	case NODE_ABS:
		return real_absolute(real_value(e, n->first));
	case NODE_BIG:
		return real_big(e, node);
	default:
		return real_bad();
	}
}
