/* numeral.c - numerals. See numeral.h. */
#include "math/numeral.h"

#include <float.h>
#include <string.h>

enum { MAX_DIGITS = 2000, MAX_EXPONENT = 400 };

struct reader {
	struct numeral *x;
	int digits; /* rounded away at most so often */
};

static bool digit(const char *p, const char *end)
{
	return p < end && *p >= '0' && *p <= '9';
}

static void append(struct reader *r, char c)
{
	struct numeral *x = r->x;
	int d = c - '0';

	for (int k = 0; k < MODULAR_PRIMES; k++)
		x->mod[k] = modular_add(modular_mul(x->mod[k], 10, k), (uint64_t)d, k);
	x->real = x->real * 10 + d;
	if (__builtin_mul_overflow(x->whole, 10, &x->whole) ||
	    __builtin_add_overflow(x->whole, d, &x->whole)) {
		x->whole = 0;
		x->is_whole = false;
	}
	r->digits++;
}

/* *x times 10^e */
static void scale(struct reader *r, int e)
{
	struct numeral *x = r->x;
	int n = e < 0 ? -e : e;
	long double power = 1;

	for (int i = 0; i < n; i++)
		power *= 10;
	x->real = e < 0 ? x->real / power : x->real * power;
	for (int k = 0; k < MODULAR_PRIMES; k++) {
		uint64_t p = modular_pow(10, (uint64_t)n, k);

		if (e < 0)
			modular_inv(p, k, &p);
		x->mod[k] = modular_mul(x->mod[k], p, k);
	}
	for (int i = 0; i < n && x->is_whole; i++)
		if (e < 0 || __builtin_mul_overflow(x->whole, 10, &x->whole))
			x->is_whole = false;
	r->digits += n;
}

/* The length of s at p, else 0 */
static size_t at(const char *p, const char *end, const char *s)
{
	size_t n = strlen(s);

	return (size_t)(end - p) >= n && memcmp(p, s, n) == 0 ? n : 0;
}

static const char *skip_blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n'))
		p++;
	return p;
}

/* What may stand between groups of three digits: its length, else 0. */
static size_t separator(const char *p, const char *end, enum numeral_comma comma)
{
	static const char *const spaces[] = {"\\,",   "\\;",      "\\:",          "\\!",
					     "\\ ",   "~",        "{,}",          "{, }",
					     "{ , }", "\xc2\xa0", "\xe2\x80\xaf", "\xe2\x80\x89"};
	static const char *const kerns[] = {",\\!", ",\\\\!", "\\!,\\!", "\\!,"};
	const char *q = p;
	size_t k;

	for (size_t i = 0; i < sizeof kerns / sizeof *kerns; i++)
		if ((k = at(p, end, kerns[i])) > 0)
			return (size_t)(skip_blanks(p + k, end) - p);
	if (p < end && ((comma == NUMERAL_GROUPS && *p == ',') ||
			(comma == NUMERAL_DECIMALS && *p == '.'))) /* 1,000.5 and 1.000,5 */
		return 1;
	if (p < end && *p == ' ')
		q++;
	for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++)
		if ((k = at(q, end, spaces[i])) > 0) {
			q += k;
			return (size_t)(q - p);
		}
	return (size_t)(q - p);
}

/* A separator and three digits, no more: the length of both, else 0 */
static size_t group(const char *p, const char *end, enum numeral_comma comma)
{
	size_t k = separator(p, end, comma);
	const char *q = p + k;

	if (!k || !digit(q, end) || !digit(q + 1, end) || !digit(q + 2, end) || digit(q + 3, end))
		return 0;
	if (*p == ' ' && at(q + 3, end, "/")) /* 1 100/200 */
		return 0;
	return k + 3;
}

/* The digits of {d...} behind an \overline or \bar at p: where they begin, how many; the whole's
 * length, else 0. */
static size_t repeating(const char *p, const char *end, const char **first, size_t *n)
{
	size_t k = at(p, end, "\\overline{");

	if (!k)
		k = at(p, end, "\\bar{");
	if (!k)
		return 0;
	*first = p + k;
	for (*n = 0; digit(*first + *n, end);)
		++*n;
	return *n && *n < 20 && at(*first + *n, end, "}") ? k + *n + 1 : 0;
}

/* x, scaled by 10^places so far, and the digits that repeat behind those: they are worth their
 * number over 99...9. */
static void repeat(struct reader *r, const char *first, size_t n)
{
	struct numeral *x = r->x, part = {.is_whole = true}, nines = {.is_whole = true};
	struct reader rp = {.x = &part}, rn = {.x = &nines};

	for (size_t i = 0; i < n; i++) {
		append(&rp, first[i]);
		append(&rn, '9');
	}
	x->real += part.real / nines.real;
	for (int k = 0; k < MODULAR_PRIMES; k++) {
		uint64_t inverse;

		modular_inv(nines.mod[k], k, &inverse);
		x->mod[k] = modular_add(x->mod[k], modular_mul(part.mod[k], inverse, k), k);
	}
	x->is_whole = false;
	r->digits += 4;
}

static const char *fraction(struct reader *r, const char *p, const char *end)
{
	const char *first;
	size_t n, k;
	int places = 0;

	for (; digit(p, end) && r->digits < MAX_DIGITS; p++, places++)
		append(r, *p);
	k = repeating(p, end, &first, &n);
	if (k) {
		repeat(r, first, n);
		r->x->decimal = false;
	} else {
		r->x->decimal = places > 0;
	}
	scale(r, -places);
	return p + k;
}

/* An exponent at p as in 1.5e-3 */
static const char *exponent(struct reader *r, const char *p, const char *end)
{
	const char *q = p + 1;
	bool minus = false;
	int e = 0;

	if (p >= end || (*p != 'e' && *p != 'E'))
		return p;
	if (q < end && (*q == '-' || *q == '+'))
		minus = *q++ == '-';
	if (!digit(q, end))
		return p;
	for (; digit(q, end) && e < MAX_EXPONENT; q++)
		e = 10 * e + (*q - '0');
	scale(r, minus ? -e : e);
	return q;
}

static bool begins_fraction(const char *p, const char *end, enum numeral_comma comma)
{
	const char *first;
	size_t n;

	if (p >= end || (*p != '.' && !(comma == NUMERAL_DECIMALS && *p == ',')))
		return false;
	return digit(p + 1, end) || (*p == '.' && repeating(p + 1, end, &first, &n));
}

size_t numeral_read(const char *p, const char *end, enum numeral_comma comma, struct numeral *x)
{
	struct reader r = {.x = x};
	const char *q = p;
	size_t k, n;

	*x = (struct numeral){.is_whole = true};
	for (; digit(q, end) && r.digits < MAX_DIGITS; q++)
		append(&r, *q);
	n = (size_t)(q - p);
	while (n && n <= 3 && *p != '0' && (k = group(q, end, comma)) > 0)
		for (q += k, k = 3; k > 0; k--)
			append(&r, q[-(ptrdiff_t)k]);
	if (begins_fraction(q, end, comma))
		q = fraction(&r, q + 1, end);
	if (q == p)
		return 0;
	q = exponent(&r, q, end);
	x->err = x->is_whole && r.digits <= 18 ? 0 : x->real * LDBL_EPSILON * (r.digits + 2);
	return (size_t)(q - p);
}
