/*
 * fmt.c - numbers as text, fast. See fmt.h.
 *
 * A candidate is an integer m < 2^53 and k <= 22 decimals. Both m and 10^k are exact doubles, so
 * m / 10^k, one rounded division, IS the double that a correct strtod makes of the text (Clinger,
 * "How to read floating point numbers accurately", PLDI 1990). Every candidate is checked by that
 * division before it is written; what no candidate fits goes the slow way.
 */
#include "base/fmt.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_K = 22 };
static const double pow10_f64[MAX_K + 1] = {1e0,  1e1,	1e2,  1e3,  1e4,  1e5,	1e6,  1e7,
					    1e8,  1e9,	1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
					    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* The digits of v, at least width of them, ending before end; returns where they begin. */
static char *digits(char *end, uint64_t v, int width)
{
	static const char pairs[201] = "00010203040506070809101112131415161718192021222324"
				       "25262728293031323334353637383940414243444546474849"
				       "50515253545556575859606162636465666768697071727374"
				       "75767778798081828384858687888990919293949596979899";
	char *p = end;

	for (; v >= 100; v /= 100)
		memcpy(p -= 2, pairs + 2 * (v % 100), 2);
	if (v >= 10)
		memcpy(p -= 2, pairs + 2 * v, 2);
	else if (v || p == end)
		*--p = (char)('0' + v);
	while (end - p < width)
		*--p = '0';
	return p;
}

size_t fmt_u64(char *p, uint64_t v)
{
	char tmp[20], *s = digits(tmp + sizeof tmp, v, 1);
	size_t n = (size_t)(tmp + sizeof tmp - s);

	memcpy(p, s, n);
	return n;
}

/* m / 10^k: as 12.5 where that is short, else as 125e-10 */
static size_t put(char *p, uint64_t m, int k)
{
	char tmp[48], *end = tmp + sizeof tmp, *s = end;
	uint64_t scale;
	size_t n;

	while (k > 0 && m % 10 == 0) {
		m /= 10;
		k--;
	}
	if (k > 15 || (k > 6 && pow10_f64[k] > 1e5 * (double)m)) {
		s = digits(end, (uint64_t)k, 1);
		memcpy(s -= 2, "e-", 2);
		s = digits(s, m, 1);
	} else {
		scale = (uint64_t)pow10_f64[k];
		s = digits(s, m % scale, k ? k : 1);
		*--s = '.';
		s = digits(s, m / scale, 1);
	}
	n = (size_t)(end - s);
	memcpy(p, s, n);
	return n;
}

/* Decimals with which a > 0 has about 7 significant digits; negative when a is too large. */
static int decimals(double a)
{
	int e2;

	frexp(a, &e2);
	return 6 - (int)floor((e2 - 1) * 0.30102999566398120);
}

/* Slow but right: the least number of digits from lo on, marked as a float. */
static size_t put_slow(char *p, double v, bool single, int lo, int hi)
{
	for (int prec = lo; prec <= hi; prec++) {
		double back;

		snprintf(p, FMT_MAX, "%.*g", prec, v);
		back = strtod(p, NULL);
		if (single ? (float)back == (float)v : back == v)
			break;
	}
	if (!strpbrk(p, ".e"))
		strcat(p, ".0");
	return strlen(p);
}

static size_t sign(char *p, double v)
{
	*p = '-';
	return signbit(v) ? 1 : 0;
}

size_t fmt_f64(char *p, double v)
{
	size_t n = sign(p, v);
	double a = fabs(v);
	int k;

	if (a == 0)
		return n + put(p + n, 0, 0);
	k = decimals(a) < 0 ? 0 : decimals(a);
	/* upwards from 7 digits to the 15 that m can hold */
	for (; k <= MAX_K && a * pow10_f64[k] < 1e15; k++) {
		double m = rint(a * pow10_f64[k]);

		if (m / pow10_f64[k] == a)
			return n + put(p + n, (uint64_t)m, k);
	}
	return put_slow(p, v, false, 15, 17);
}

size_t fmt_f32(char *p, float v)
{
	size_t n = sign(p, (double)v);
	double a = fabs((double)v);
	int k;

	if (a == 0)
		return n + put(p + n, 0, 0);
	k = decimals(a) < 0 ? 0 : decimals(a);
	for (; k <= MAX_K && a * pow10_f64[k] < 1e11; k++) {
		double m = rint(a * pow10_f64[k]);

		if ((float)(m / pow10_f64[k]) == (float)a)
			return n + put(p + n, (uint64_t)m, k);
	}
	return put_slow(p, (double)v, true, 6, 9);
}
