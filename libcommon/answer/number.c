/* number.c - numbers in a text, compared exactly. See number.h. */
#include "answer/number.h"
#include "answer/text.h"

#include <stdint.h>
#include <string.h>

static bool digit(const char *p, const char *end)
{
	return p < end && text_digit(*p);
}

/* A separator "," "\," "{,}" or a narrow space before exactly three digits: its length, else 0 */
static size_t separator(const char *p, const char *end)
{
	static const char *const sep[] = {",", "\\,", "{,}", "\xe2\x80\xaf", "\xc2\xa0", "_"};

	for (size_t i = 0; i < sizeof sep / sizeof *sep; i++) {
		size_t k = strlen(sep[i]);
		const char *q = p + k;

		if ((size_t)(end - p) > k && memcmp(p, sep[i], k) == 0 && digit(q, end) &&
		    digit(q + 1, end) && digit(q + 2, end) && !digit(q + 3, end))
			return k;
	}
	return 0;
}

static bool add_digit(struct decimal *d, char c)
{
	if (d->n == sizeof d->digit)
		return false;
	if (d->n || c != '0')
		d->digit[d->n++] = c;
	return true;
}

/* Digits of the fraction are all kept at first: 0.05 is "05" with two of them fraction. */
static bool add_fraction(struct decimal *d, const char *p, const char *end)
{
	for (; p < end; p++) {
		if (d->n == sizeof d->digit)
			return false;
		d->digit[d->n++] = *p;
		d->n_fraction++;
	}
	while (d->n_fraction && d->digit[d->n - 1] == '0') {
		d->n--;
		d->n_fraction--;
	}
	return true;
}

/* Reads a decimal at p, which is a digit or a point before one; *stop is behind it. False when it
 * is longer than any sensible one; *stop is behind that too. */
static bool read_decimal(const char *p, const char *end, struct decimal *d, const char **stop)
{
	const char *q;
	size_t group = 0, k;
	bool fits = true;

	*d = (struct decimal){0};
	for (; digit(p, end); p++, group++)
		fits = add_digit(d, *p) && fits;
	for (; group <= 3 && (k = separator(p, end)) > 0; p += k + 3)
		for (int i = 0; i < 3; i++)
			fits = add_digit(d, p[k + (size_t)i]) && fits;
	if (p < end && *p == '.' && digit(p + 1, end)) {
		for (q = p + 1; digit(q, end); q++)
			;
		fits = add_fraction(d, p + 1, q) && fits;
		p = q;
	}
	*stop = p;
	return fits;
}

static bool same_decimal(const struct decimal *a, const struct decimal *b)
{
	return a->n == b->n && a->n_fraction == b->n_fraction &&
	       memcmp(a->digit, b->digit, a->n) == 0 && (a->minus == b->minus || !a->n);
}

/* d as num / 10^k */
static bool to_ratio(const struct decimal *d, int64_t *num, int64_t *den)
{
	*num = 0;
	*den = 1;
	for (size_t i = 0; i < d->n; i++)
		if (__builtin_mul_overflow(*num, 10, num) ||
		    __builtin_add_overflow(*num, d->digit[i] - '0', num))
			return false;
	for (size_t i = 0; i < d->n_fraction; i++)
		if (__builtin_mul_overflow(*den, 10, den))
			return false;
	if (d->minus)
		*num = -*num;
	return true;
}

static bool number_ratio(const struct number *x, __int128 *num, __int128 *den)
{
	int64_t a, b, c = 1, d = 1;

	if (!to_ratio(&x->num, &a, &b) || (x->quotient && !to_ratio(&x->den, &c, &d)))
		return false;
	*num = (__int128)a * d;
	*den = (__int128)b * c;
	return *den != 0;
}

bool number_same(const struct number *a, const struct number *b)
{
	__int128 an, ad, bn, bd, x, y;

	if (!a->quotient && !b->quotient)
		return same_decimal(&a->num, &b->num);
	if (a->quotient && b->quotient && same_decimal(&a->num, &b->num) &&
	    same_decimal(&a->den, &b->den) && a->den.n) /* however long */
		return true;
	return number_ratio(a, &an, &ad) && number_ratio(b, &bn, &bd) &&
	       !__builtin_mul_overflow(an, bd, &x) && !__builtin_mul_overflow(bn, ad, &y) && x == y;
}

size_t number_sign(const char *first, const char *p)
{
	static const char *const signs[] = {"-", "+", "\u2212", "\u2013"};
	size_t dollar = p > first && p[-1] == '$'; /* -$5; more of them are no sign of money */

	p -= dollar;
	for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
		size_t n = strlen(signs[i]);
		char before = (size_t)(p - first) > n ? p[-(ptrdiff_t)n - 1] : ' ';

		if ((size_t)(p - first) >= n && memcmp(p - n, signs[i], n) == 0)
			return text_digit(before) || text_letter(before) ||
					       (before && strchr(").", before))
				       ? 0
				       : n + dollar;
	}
	return 0;
}

static bool number_at(const char *first, const char *p, const char *end, struct number *x,
		      const char **stop)
{
	size_t sign = number_sign(first, p);
	bool fits;
	const char *q;

	*x = (struct number){0};
	fits = read_decimal(p, end, &x->num, stop);
	x->num.minus = sign && p[-(ptrdiff_t)sign] != '+';
	q = *stop;
	x->quotient = q < end && *q == '/' && digit(q + 1, end);
	if (x->quotient)
		fits = read_decimal(q + 1, end, &x->den, stop) && fits;
	x->text = (struct span){p - sign, (size_t)(*stop - p) + sign};
	return fits;
}

bool number_first(struct span s, struct number *out)
{
	const char *end = s.p + s.n, *stop;

	for (const char *p = s.p; p < end; p++)
		if (digit(p, end) || (*p == '.' && digit(p + 1, end)))
			return number_at(s.p, p, end, out, &stop);
	return false;
}

bool number_last(struct span s, struct number *out)
{
	const char *p = s.p, *end = s.p + s.n;
	bool any = false;

	while (p < end) {
		if (digit(p, end) || (*p == '.' && digit(p + 1, end))) {
			struct number x;

			any = number_at(s.p, p, end, &x, &p);
			if (any)
				*out = x;
		} else {
			p++;
		}
	}
	return any;
}
