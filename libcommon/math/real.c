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

static number of(struct mreal x)
{
	return x.re + x.im * (number)_Complex_I;
}

static struct mreal bad(void)
{
	return (struct mreal){.bad = true};
}

static struct mreal value(number v, long double err)
{
	struct mreal r = {.re = creall(v), .im = cimagl(v), .err = err};

	if (!isfinite(r.re) || !isfinite(r.im) || !isfinite(err))
		return bad();
	if (fabsl(r.im) <= err)
		r.im = 0;
	return r;
}

/* A real number known but for rounding */
static struct mreal rounded(long double v)
{
	return value(v, fabsl(v) * EPS);
}

static struct mreal exactly(long double v)
{
	return value(v, 0);
}

static struct mreal add(struct mreal a, struct mreal b)
{
	number r = of(a) + of(b);

	if (a.bad || b.bad)
		return bad();
	return value(r, a.err + b.err + EPS * cabsl(r));
}

static struct mreal mul(struct mreal a, struct mreal b)
{
	number r = of(a) * of(b);
	long double x = cabsl(of(a)), y = cabsl(of(b));

	if (a.bad || b.bad)
		return bad();
	return value(r, x * b.err + y * a.err + a.err * b.err + 3 * EPS * x * y);
}

static struct mreal divide(struct mreal a, struct mreal b)
{
	long double y = cabsl(of(b));
	number r;

	if (a.bad || b.bad || y <= 4 * b.err)
		return bad();
	r = of(a) / of(b);
	return value(r, (a.err + cabsl(r) * b.err) / (y - b.err) + 4 * EPS * cabsl(r));
}

static struct mreal negative(struct mreal a)
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

static number apply(enum mfunc f, number x)
{
	switch (f) {
	case MF_SQRT:
		return csqrtl(x);
	case MF_EXP:
		return cexpl(x);
	case MF_LN:
		return clogl(x);
	case MF_LOG: /* the logarithm to a base that is anybody's guess */
		return clogl(x) * 0.7243617812L;
	case MF_SIN:
		return csinl(x);
	case MF_COS:
		return ccosl(x);
	case MF_TAN:
		return csinl(x) / ccosl(x);
	case MF_COT:
		return ccosl(x) / csinl(x);
	case MF_SEC:
		return 1 / ccosl(x);
	case MF_CSC:
		return 1 / csinl(x);
	case MF_ASIN:
		return casinl(x);
	case MF_ACOS:
		return cacosl(x);
	case MF_ATAN:
		return catanl(x);
	case MF_ACOT:
		return quarter(catanl(x));
	case MF_ASEC:
		return cacosl(1 / x);
	case MF_ACSC:
		return casinl(1 / x);
	case MF_SINH:
		return csinhl(x);
	case MF_COSH:
		return ccoshl(x);
	case MF_TANH:
		return ctanhl(x);
	default: /* MF_CIS */
		return cexpl((number)_Complex_I * x);
	}
}

static number gamma_of(long double x)
{
	return x < 0 && x == floorl(x) ? NAN : tgammal(x);
}

/* A real x, from the right side of branch cuts */
static number plain(struct mreal x)
{
	return x.im != 0 ? of(x) : (number)x.re;
}

/* How far f is from its value when x is off by its error, and by rounding besides */
static struct mreal through(number v, number beside)
{
	return value(v, 2 * cabsl(beside - v) + 8 * EPS * cabsl(v));
}

static struct mreal function(enum mfunc f, struct mreal x)
{
	number at = plain(x);

	if (x.bad)
		return bad();
	if (f == MF_FLOOR || f == MF_CEIL) {
		long double near = roundl(x.re);

		if (x.im != 0 || fabsl(x.re - near) <= x.err)
			return x.im != 0 || x.err > 1e-6L ? bad() : exactly(near);
		return exactly(f == MF_FLOOR ? floorl(x.re) : ceill(x.re));
	}
	return through(apply(f, at), apply(f, at + x.err));
}

static struct mreal factorial(struct mreal x)
{
	if (x.bad || x.im != 0 || x.re < -20 || x.re > 1500)
		return bad();
	return through(gamma_of(x.re + 1), gamma_of(x.re + 1 + x.err));
}

static struct mreal absolute(struct mreal x)
{
	return x.bad ? bad() : value(cabsl(of(x)), x.err + EPS * cabsl(of(x)));
}

/* ---- powers ---- */

static struct mreal whole_power(struct mreal x, int64_t n)
{
	struct mreal r = exactly(1);
	uint64_t left = n < 0 ? -(uint64_t)n : (uint64_t)n;

	for (; left && !r.bad; left >>= 1) {
		if (left & 1)
			r = mul(r, x);
		if (left > 1)
			x = mul(x, x);
	}
	return n < 0 ? divide(exactly(1), r) : r;
}

static struct mreal any_power(struct mreal x, struct mreal y)
{
	number log, w, v;
	long double size = cabsl(of(x)), err;

	if (x.bad || y.bad)
		return bad();
	if (x.re == 0 && x.im == 0 && x.err == 0)
		return y.re > 0 ? exactly(0) : bad();
	if (size <= 4 * x.err)
		return bad();
	log = clogl(plain(x));
	w = plain(y) * log;
	v = cexpl(w);
	err = cabsl(of(y)) * x.err / (size - x.err) + cabsl(log) * y.err + 4 * EPS * (cabsl(w) + 1);
	return err < 0.1L ? value(v, 2 * err * cabsl(v)) : bad();
}

static struct mreal power(struct menv *e, int node)
{
	int base = e->a->v[node].first, exponent = e->a->v[node].last;
	int64_t num, den;
	struct mreal x;

	*e->steps -= COST;
	if (!me_ratio(e, exponent, &num, &den))
		return any_power(math_real(e, base), math_real(e, exponent));
	x = math_real(e, base);
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
static struct mreal one_more(uint64_t key, int i, struct mreal x)
{
	long double a = made_up(key, 2 * (uint64_t)i, 0.4L, 1.3L),
		    b = made_up(key, 2 * (uint64_t)i + 1, 0, 6);
	number at = a * plain(x) + b;

	if (x.bad)
		return bad();
	return through(ccosl(at) + at / 3, ccosl(at + a * x.err) + (at + a * x.err) / 3);
}

static struct mreal opaque(struct menv *e, int node)
{
	uint64_t key = rng_key(me_hash(e->a->v[node].text), RNG_VERIFY, 2, 0, 0);
	struct mreal r = rounded(made_up(key, 99, 0.5L, 2));
	int i = 0;

	for (int k = e->a->v[node].first; k && me_step(e); k = e->a->v[k].next) {
		struct mreal x = e->a->v[k].kind == MK_TEXT
					 ? rounded(made_up(me_hash(e->a->v[k].text), 7, 1, 2))
					 : math_real(e, k);

		r = one_more(key, i, mul(r, one_more(key, i + 1, x)));
		i += 2;
		*e->steps -= 2 * COST;
	}
	return r;
}

/* The first points are positive, the others anywhere. */
static struct mreal random_place(uint64_t name, int point)
{
	uint64_t key = rng_key(name, RNG_VERIFY, 3, 0, 0);

	return exactly(made_up(key, (uint64_t)point, point < 2 ? 0.3L : -2.7L, 2.7L));
}

static struct mreal symbol(const struct menv *e, struct span name)
{
	const struct mbound *b = me_bound(e, name);

	if (!b)
		return random_place(me_hash(name), e->point);
	return b->known ? exactly(b->value) : random_place((uint64_t)(b - e->bound) + 1, e->point);
}

static struct mreal constant(int op)
{
	if (op == 'p')
		return rounded(pi);
	if (op == 'e')
		return rounded(expl(1));
	return op == 'i' ? value(_Complex_I, 0) : bad();
}

/* ---- sums, products, and those over an index ---- */

static struct mreal fold(struct menv *e, int node, struct mreal (*f)(struct mreal, struct mreal))
{
	int k = e->a->v[node].first;
	struct mreal r = math_real(e, k);

	while ((k = e->a->v[k].next) != 0 && !r.bad)
		r = f(r, math_real(e, k));
	return r;
}

static struct mreal carried_out(struct menv *e, int node, int64_t from, int64_t to)
{
	bool sum = e->a->v[node].op == 's';
	struct mreal r = exactly(sum ? 0 : 1);
	struct mbound *b = &e->bound[e->n_bound++];

	*b = (struct mbound){.name = me_index(e->a, node), .known = true};
	for (b->value = from; b->value <= to && !r.bad; b->value++)
		r = (sum ? add : mul)(r, math_real(e, e->a->v[node].last));
	e->n_bound--;
	return r;
}

static struct mreal big(struct menv *e, int node)
{
	uint64_t key = rng_key(e->a->v[node].op, RNG_VERIFY, 4, 0, 0);
	struct mreal bounds = exactly(1), body;
	int64_t from, to;
	int end = mn_kid(e->a, node, 1);

	if (e->n_bound == (int)(sizeof e->bound / sizeof *e->bound))
		return bad();
	if (me_range(e, node, &from, &to))
		return carried_out(e, node, from, to);
	*e->steps -= 4 * COST;
	if (e->a->v[mn_kid(e->a, node, 0)].kind != MK_DOTS)
		bounds = one_more(key, 0, math_real(e, me_from(e->a, node)));
	if (e->a->v[end].kind != MK_DOTS)
		bounds = one_more(key, 1, mul(bounds, one_more(key, 2, math_real(e, end))));
	e->bound[e->n_bound++] = (struct mbound){.name = me_index(e->a, node)};
	body = math_real(e, e->a->v[node].last);
	e->n_bound--;
	return mul(bounds, e->a->v[node].op == 's' ? body : one_more(key, 3, body));
}

static struct mreal binomial(struct menv *e, int node)
{
	struct mreal n = math_real(e, e->a->v[node].first), k = math_real(e, e->a->v[node].last);
	struct mreal below = mul(factorial(k), factorial(add(n, negative(k))));

	return divide(factorial(n), below);
}

static struct mreal degrees(struct mreal x)
{
	return mul(x, divide(rounded(pi), exactly(180)));
}

static struct mreal with_sign(struct mreal x, int sign)
{
	return sign < 0 ? negative(x) : x;
}

struct mreal math_real(struct menv *e, int node)
{
	const struct mnode *n = &e->a->v[node];

	if (!me_step(e))
		return bad();
	switch (n->kind) {
	case MK_NUM:
		return value(n->num.real, n->num.err);
	case MK_SYM:
		return symbol(e, n->text);
	case MK_CONST:
		return me_bound(e, n->text) ? symbol(e, n->text) : constant(n->op);
	case MK_ADD:
		return fold(e, node, add);
	case MK_MUL:
		return fold(e, node, mul);
	case MK_DIV:
		return fold(e, node, divide);
	case MK_NEG:
		return negative(math_real(e, n->first));
	case MK_PM:
		return with_sign(math_real(e, n->first), n->op ? -e->sign : e->sign);
	case MK_PERCENT:
		return divide(math_real(e, n->first), exactly(100));
	case MK_UNIT:
		return math_real(e, n->first);
	case MK_DEG:
		return degrees(math_real(e, n->first));
	case MK_POW:
		return power(e, node);
	case MK_CALL:
		return opaque(e, node);
	case MK_FUNC:
		*e->steps -= COST;
		return function((enum mfunc)n->op, math_real(e, n->first));
	case MK_FACT:
		*e->steps -= 4 * COST;
		return factorial(math_real(e, n->first));
	case MK_BINOM:
		*e->steps -= 12 * COST;
		return binomial(e, node);
	case MK_ABS:
		return absolute(math_real(e, n->first));
	case MK_BIG:
		return big(e, node);
	default:
		return bad();
	}
}
