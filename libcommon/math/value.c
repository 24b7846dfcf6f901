/* value.c - equality of numbers and functions. See value.h. */
#include "math/value.h"
#include "math/env.h"
#include "math/field.h"
#include "math/real.h"

#include <math.h>

/* Greatest uncertainty at which two values may still be found the same */
#define MAX_RELATIVE 1e-9L
#define MAX_ABSOLUTE 1e-6L
/* The bounds of real.h are estimates: this many times as much is allowed. */
#define SLACK 16

enum { FIELD_POINTS = 2, DIGITS = 6 };

static struct env env(struct judgement *j, struct value x, int point)
{
	return (struct env){.a = j->a,
			    .sign = x.sign ? x.sign : 1,
			    .point = point,
			    .wide = j->wide,
			    .steps = &j->steps};
}

static struct field field(struct judgement *j, struct value x, int point)
{
	struct env e = env(j, x, point);

	return field_value(&e, x.node);
}

static struct real real(struct judgement *j, struct value x, int point)
{
	struct env e = env(j, x, point);

	return real_value(&e, x.node);
}

/* 1 and -1: plus and minus infinity; 0: something else */
static int infinite(const struct judgement *j, struct value x)
{
	int sign = 1;

	for (;; x.node = value_node(j, x.node)->first)
		if (value_node(j, x.node)->kind == NODE_NEG)
			sign = -sign;
		else if (value_node(j, x.node)->kind == NODE_PM)
			sign = x.sign < 0 ? -sign : sign;
		else
			break;
	return value_node(j, x.node)->kind == NODE_CONST && value_node(j, x.node)->op == 'o' ? sign
											     : 0;
}

static unsigned flags(const struct judgement *j, struct value a, struct value b)
{
	return value_node(j, a.node)->flags | value_node(j, b.node)->flags;
}

enum answer { NO, YES, UNKNOWN };

static enum answer same_field(struct judgement *j, struct value a, struct value b)
{
	int n = flags(j, a, b) & HAS_SYM ? FIELD_POINTS : 1;
	bool exact = true;

	for (int i = 0; i < n; i++) {
		struct field x = field(j, a, i), y = field(j, b, i);

		if (x.bad || y.bad)
			return UNKNOWN;
		exact &= x.exact && y.exact;
		if (!field_same(&x, &y))
			return exact ? NO : UNKNOWN;
	}
	return YES;
}

/* ---- as complex numbers ---- */

static enum answer same_point(const struct real *a, const struct real *b)
{
	long double d = hypotl(a->re - b->re, a->im - b->im), tol = SLACK * (a->err + b->err);
	long double size = fmaxl(hypotl(a->re, a->im), hypotl(b->re, b->im));

	if (d > tol)
		return NO;
	return tol <= MAX_RELATIVE * fmaxl(size, 1e-3L) && tol <= MAX_ABSOLUTE ? YES : UNKNOWN;
}

/*
 * Where a, the right answer, is real, b must be the same; places where it is not are left out, if
 * there are two where it is (\ln x for negative x) and nobody writes i.
 */
static bool same_real(struct judgement *j, struct value a, struct value b)
{
	bool all = flags(j, a, b) & HAS_I;
	int n = flags(j, a, b) & HAS_SYM ? ENV_POINTS : 1, on_line = 0, elsewhere = 0, wrong = 0;

	for (int i = 0; i < n; i++) {
		struct real x = real(j, a, i), y = real(j, b, i);
		bool is_real = x.im == 0 || all;
		enum answer same;

		if (x.bad)
			continue;
		same = y.bad ? NO : same_point(&x, &y);
		if (same != YES && is_real)
			return false;
		on_line += is_real;
		elsewhere += !is_real;
		wrong += same != YES;
	}
	return on_line >= (n > 1 ? 2 : 1) || (elsewhere >= (n > 1 ? 2 : 1) && !wrong);
}

/* ---- decimals ---- */

static bool terminates(int64_t den)
{
	while (den % 2 == 0)
		den /= 2;
	while (den % 5 == 0)
		den /= 5;
	return den == 1;
}

static bool finite_decimal(struct judgement *j, struct value x)
{
	struct env e = env(j, x, 0);
	int64_t num, den;

	return env_ratio(&e, x.node, &num, &den) && terminates(den);
}

static bool close_point(struct real x, struct real y, int places)
{
	long double size = fmaxl(fabsl(x.re), fabsl(y.re)), unit;

	if (x.bad || y.bad || x.im != 0 || y.im != 0)
		return false;
	if (places >= 0)
		unit = powl(10, -places);
	else if (size > 0)
		unit = powl(10, floorl(log10l(fabsl(x.re))) + 1 - DIGITS);
	else
		return true;
	return fabsl(x.re - y.re) <= unit / 2 * (1 + 1e-9L);
}

static bool close_enough(struct judgement *j, struct value a, struct value b)
{
	bool dec_a = value_node(j, a.node)->flags & HAS_DECIMAL,
	     dec_b = value_node(j, b.node)->flags & HAS_DECIMAL;

	if (!dec_a && !dec_b)
		return false;
	if (j->places < 0 && ((dec_a && dec_b) || finite_decimal(j, dec_a ? b : a)))
		return false;
	for (int i = 0; i < (flags(j, a, b) & HAS_SYM ? ENV_POINTS : 1); i++)
		if (!close_point(real(j, a, i), real(j, b, i), j->places))
			return false;
	return true;
}

static bool same_once(struct judgement *j, struct value a, struct value b)
{
	int inf_a = infinite(j, a), inf_b = infinite(j, b);
	enum answer same;

	if (inf_a || inf_b)
		return value_because(j, inf_a == inf_b, "infinity");
	same = same_field(j, a, b);
	if (same == YES)
		return value_because(j, true, "the same value, exactly");
	if (same == UNKNOWN && same_real(j, a, b))
		return value_because(j, true, "the same value");
	if (close_enough(j, a, b))
		return value_because(j, true,
				     j->places < 0
					     ? "the same value to six digits"
					     : "the same value to the decimal places asked for");
	return value_because(j, false, j->steps > 0 ? "another value" : "too much to evaluate");
}

/* Is there a \pm of which nobody has said what it is? Then two are the same when they are so with
 * either sign. */
static bool unsaid(const struct judgement *j, struct value a, struct value b)
{
	return (!a.sign && value_node(j, a.node)->flags & HAS_PM) ||
	       (!b.sign && value_node(j, b.node)->flags & HAS_PM);
}

static struct value say(struct value x, int sign)
{
	return (struct value){x.node, x.sign ? x.sign : sign};
}

bool value_same(struct judgement *j, struct value a, struct value b)
{
	return unsaid(j, a, b)
		       ? same_once(j, say(a, 1), say(b, 1)) && same_once(j, say(a, -1), say(b, -1))
		       : same_once(j, a, b);
}

/* ---- proportionality ---- */

static enum answer proportional_field(struct judgement *j, struct value a, struct value b)
{
	struct field x = field(j, a, 0), y = field(j, b, 0), z = field(j, a, 1), w = field(j, b, 1);

	if (x.bad || y.bad || z.bad || w.bad)
		return UNKNOWN;
	for (int k = 0; k < MODULAR_PRIMES; k++) {
		if (!x.v[k] || !y.v[k] || !z.v[k] || !w.v[k])
			return NO;
		if (modular_mul(x.v[k], w.v[k], k) != modular_mul(y.v[k], z.v[k], k))
			return x.exact && y.exact && z.exact && w.exact ? NO : UNKNOWN;
	}
	return YES;
}

/* The quotient at a place, with its error; bad where b may be 0 */
static struct real value_quotient(struct real x, struct real y)
{
	long double size = y.re * y.re + y.im * y.im, abs_y = sqrtl(size), abs_x;
	struct real r = {.bad = x.bad || y.bad || abs_y <= 8 * y.err};

	if (r.bad)
		return r;
	abs_x = hypotl(x.re, x.im);
	r.re = (x.re * y.re + x.im * y.im) / size;
	r.im = (x.im * y.re - x.re * y.im) / size;
	r.err = 2 * (x.err + abs_x / abs_y * y.err) / abs_y + 1e-18L * abs_x / abs_y;
	if (fabsl(r.im) <= SLACK * r.err)
		r.im = 0;
	return r;
}

static bool proportional_real(struct judgement *j, struct value a, struct value b, bool check,
			      bool positive)
{
	struct real first = {.bad = true};
	int n = 0;

	for (int i = 0; i < ENV_POINTS; i++) {
		struct real q = value_quotient(real(j, a, i), real(j, b, i));

		if (q.bad || (q.im != 0 && !check))
			continue;
		if (q.im != 0 || (positive && q.re <= 0) || fabsl(q.re) <= SLACK * q.err)
			return false;
		if (first.bad)
			first = q;
		else if (check && same_point(&first, &q) != YES)
			return false;
		n++;
	}
	return n >= (check ? 3 : 1);
}

bool value_proportional(struct judgement *j, struct value a, struct value b, bool positive)
{
	enum answer same;

	if (unsaid(j, a, b))
		return value_proportional(j, say(a, 1), say(b, 1), positive) &&
		       value_proportional(j, say(a, -1), say(b, -1), positive);
	same = proportional_field(j, a, b);
	if (same == NO || !(value_node(j, a.node)->flags & value_node(j, b.node)->flags & HAS_SYM))
		return false;
	return (same == YES && !positive) || proportional_real(j, a, b, same != YES, positive);
}

bool value_real(struct judgement *j, struct value x, long double *v)
{
	int inf = infinite(j, x);

	*v = inf * (long double)INFINITY;
	for (int i = 0; i < ENV_POINTS && !inf; i++) {
		struct real r = real(j, x, i);

		*v = r.re;
		if (!r.bad && r.im == 0)
			return true;
	}
	return inf != 0;
}
