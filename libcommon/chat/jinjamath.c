/* jinjamath.c - operators. See jinjamath.h. */
#include "chat/jinjamath.h"
#include "chat/jinjaformat.h"
#include "chat/jinjatext.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *name_of(int op)
{
	static char one[2];

	if (op == JINJA_FLOORDIV)
		return "//";
	if (op == JINJA_POWER)
		return "** or pow()";
	one[0] = (char)op;
	return one;
}

static _Noreturn void fail_types(struct jwork *w, int op, struct jvalue a, struct jvalue b)
{
	if (a.kind == J_UNDEFINED)
		jinja_use_undefined(w, a);
	if (b.kind == J_UNDEFINED)
		jinja_use_undefined(w, b);
	if (op == '+' && a.kind == J_STR)
		jinja_fail(w, "can only concatenate str (not \"%s\") to str", jinja_type(b));
	jinja_fail(w, "unsupported operand type(s) for %s: '%s' and '%s'", name_of(op),
		   jinja_type(a), jinja_type(b));
}

static _Noreturn void fail_size(struct jwork *w)
{
	jinja_fail(w, "a whole number beyond 64 bits");
}

/* ---- whole numbers ---- */

static struct jvalue power_int(struct jwork *w, int64_t a, int64_t b)
{
	int64_t r = 1;

	if (b < 0 && !a)
		jinja_fail(w, "0.0 cannot be raised to a negative power");
	if (b < 0)
		return jinja_float(pow((double)a, (double)b));
	while (b) {
		if ((b & 1) && __builtin_mul_overflow(r, a, &r))
			fail_size(w);
		b >>= 1;
		if (b && __builtin_mul_overflow(a, a, &a))
			fail_size(w);
	}
	return jinja_int(r);
}

/* a // b and a % b, b not 0, towards minus infinity */
static struct jvalue divide_int(struct jwork *w, int op, int64_t a, int64_t b)
{
	int64_t q, r;

	if (!b)
		jinja_fail(w, "integer division or modulo by zero");
	if (b == -1) {
		if (op == '%')
			return jinja_int(0);
		if (a == INT64_MIN)
			fail_size(w);
	}
	q = a / b;
	r = a % b;
	if (r && (r < 0) != (b < 0)) {
		q--;
		r += b;
	}
	return jinja_int(op == '%' ? r : q);
}

static struct jvalue math_int(struct jwork *w, int op, int64_t a, int64_t b)
{
	int64_t r = 0;
	bool over = false;

	switch (op) {
	case '+':
		over = __builtin_add_overflow(a, b, &r);
		break;
	case '-':
		over = __builtin_sub_overflow(a, b, &r);
		break;
	case '*':
		over = __builtin_mul_overflow(a, b, &r);
		break;
	case '/':
		if (!b)
			jinja_fail(w, "division by zero");
		return jinja_float((double)((long double)a / (long double)b));
	case JINJA_POWER:
		return power_int(w, a, b);
	default:
		return divide_int(w, op, a, b);
	}
	if (over)
		fail_size(w);
	return jinja_int(r);
}

/* ---- floats ---- */

/* The remainder with b's sign, and the whole quotient that belongs to it */
static double modulo(double a, double b, double *quotient)
{
	double r = fmod(a, b);

	*quotient = (a - r) / b;
	if (r && (b < 0) != (r < 0)) {
		r += b;
		*quotient -= 1;
	} else if (!r) {
		r = copysign(0, b);
	}
	if (*quotient) {
		double whole = floor(*quotient);

		*quotient = *quotient - whole > 0.5 ? whole + 1 : whole;
	} else {
		*quotient = copysign(0, a / b);
	}
	return r;
}

static struct jvalue math_float(struct jwork *w, int op, double a, double b)
{
	double q, r;

	if (!b && (op == '/' || op == '%' || op == JINJA_FLOORDIV))
		jinja_fail(w, "float division by zero");
	switch (op) {
	case '+':
		return jinja_float(a + b);
	case '-':
		return jinja_float(a - b);
	case '*':
		return jinja_float(a * b);
	case '/':
		return jinja_float(a / b);
	case JINJA_POWER:
		if (!a && b < 0)
			jinja_fail(w, "0.0 cannot be raised to a negative power");
		if (a < 0 && isfinite(a) && isfinite(b) && b != floor(b))
			jinja_fail(w, "the power of a negative number is complex");
		r = pow(a, b);
		if (isinf(r) && isfinite(a) && isfinite(b))
			jinja_fail(w, "Numerical result out of range");
		return jinja_float(r);
	default:
		r = modulo(a, b, &q);
		return jinja_float(op == '%' ? r : q);
	}
}

/* ---- texts and lists ---- */

static struct jvalue repeat_text(struct jwork *w, const struct jstr *s, int64_t n)
{
	size_t start = w->out.n;

	for (; n > 0 && s->n; n--) {
		jinja_put(w, s->p, s->n);
		jinja_step(w);
	}
	return jinja_cut(w, start);
}

static struct jvalue repeat_list(struct jwork *w, const struct jlist *l, int64_t n)
{
	struct jvalue v;
	size_t times = n > 0 ? (size_t)n : 0, all;

	if (__builtin_mul_overflow(times, l->n, &all) || all > JINJA_MEMORY)
		jinja_fail(w, "a list that is too long");
	v = jinja_list(w, l->row, all);
	for (size_t i = 0; i < all; i++)
		v.l->v[i] = l->v[i % l->n];
	jinja_scan(w, all * sizeof *v.l->v);
	return v;
}

static bool is_row(struct jvalue v)
{
	return v.kind == J_LIST && (v.l->row == J_ROW_LIST || v.l->row == J_ROW_TUPLE);
}

/* What is added to a safe text is escaped, on either side. */
static struct jvalue add_texts(struct jwork *w, const struct jstr *a, const struct jstr *b)
{
	if (!a->safe && !b->safe)
		return jinja_concat(w, a, b);
	a = jinja_text_escape(w, a).s;
	return jinja_text_safe(w, jinja_concat(w, a, jinja_text_escape(w, b).s).s);
}

static bool multiply(struct jwork *w, struct jvalue a, struct jvalue n, struct jvalue *to)
{
	if (!jinja_is_int(n) || (a.kind != J_STR && !is_row(a)))
		return false;
	*to = a.kind == J_STR ? repeat_text(w, a.s, jinja_as_int(w, n, "*"))
			      : repeat_list(w, a.l, jinja_as_int(w, n, "*"));
	return true;
}

struct jvalue jinja_math(struct jwork *w, int op, struct jvalue a, struct jvalue b)
{
	struct jvalue v;

	jinja_step(w);
	if (jinja_is_int(a) && jinja_is_int(b))
		return math_int(w, op, jinja_as_int(w, a, ""), jinja_as_int(w, b, ""));
	if (jinja_is_number(a) && jinja_is_number(b))
		return math_float(w, op, jinja_as_float(a), jinja_as_float(b));
	if (op == '+' && a.kind == J_STR && b.kind == J_STR)
		return add_texts(w, a.s, b.s);
	if (op == '+' && is_row(a) && is_row(b) && a.l->row == b.l->row)
		return jinja_list_concat(w, a.l, b.l);
	if (op == '%' && a.kind == J_STR)
		return jinja_format_percent(w, a.s, b);
	if (op == '*' && (multiply(w, a, b, &v) || multiply(w, b, a, &v)))
		return v;
	fail_types(w, op, a, b);
}

struct jvalue jinja_math_negative(struct jwork *w, struct jvalue v)
{
	if (v.kind == J_UNDEFINED)
		jinja_use_undefined(w, v);
	if (v.kind == J_FLOAT)
		return jinja_float(-v.f);
	if (!jinja_is_int(v))
		jinja_fail(w, "bad operand type for unary -: '%s'", jinja_type(v));
	return math_int(w, '-', 0, jinja_as_int(w, v, ""));
}

/* ---- rounding and reading ---- */

double jinja_math_round(double f, int64_t digits)
{
	char text[400];
	double unit;

	if (!isfinite(f) || digits > 300)
		return f;
	if (digits >= 0) {
		snprintf(text, sizeof text, "%.*f", (int)digits, f);
		return digits > 20 && fabs(f) > 1e20 ? f : strtod(text, NULL);
	}
	if (digits < -308)
		return copysign(0, f);
	unit = pow(10, (double)-digits);
	return nearbyint(f / unit) * unit;
}

/* s without blanks at its ends and without single _ between digits; NULL: it has others, or is long
 */
static const char *digits_of(struct jwork *w, const struct jstr *s, char text[400])
{
	size_t n = 0;

	s = jinja_text_strip(w, s, NULL, true, true).s;
	if (!s->n || s->n >= 400)
		return NULL;
	for (size_t i = 0; i < s->n; i++) {
		if (s->p[i] == '_' && (!i || i + 1 == s->n || s->p[i - 1] == '_'))
			return NULL;
		if (s->p[i] != '_')
			text[n++] = s->p[i];
		if ((unsigned char)s->p[i] <= ' ' || (unsigned char)s->p[i] > '~')
			return NULL;
	}
	text[n] = '\0';
	return text;
}

bool jinja_math_read_int(struct jwork *w, const struct jstr *s, int base, int64_t *i)
{
	char text[400], *end;
	const char *p = digits_of(w, s, text), *digits;
	int prefix;

	if (!p)
		return false;
	digits = p + (*p == '+' || *p == '-');
	prefix = *digits != '0'            ? 0
		 : (digits[1] | 32) == 'x' ? 16
		 : (digits[1] | 32) == 'o' ? 8
		 : (digits[1] | 32) == 'b' ? 2
					   : 0;
	if (base == 0 && !prefix && digits[0] == '0' && strspn(digits, "0") != strlen(digits))
		return false;
	base = base ? base : prefix ? prefix : 10;
	if (prefix == base) { /* strtoll knows no 0b and 0o */
		memmove((char *)(uintptr_t)digits, digits + 2, strlen(digits + 2) + 1);
		if (*digits == '+' || *digits == '-' ||
		    (digits[0] == '0' && (digits[1] | 32) == 'x'))
			return false;
	}
	if (!*digits || *digits == '+' || *digits == '-' || (base == 16 && (digits[1] | 32) == 'x'))
		return false;
	errno = 0;
	*i = strtoll(p, &end, base);
	if (*end)
		return false;
	if (errno)
		fail_size(w);
	return true;
}

bool jinja_math_read_float(struct jwork *w, const struct jstr *s, double *f)
{
	char text[400], *end;
	const char *p = digits_of(w, s, text);

	if (!p || strpbrk(p, "xXpP("))
		return false;
	*f = strtod(p, &end);
	return end != p && !*end;
}
