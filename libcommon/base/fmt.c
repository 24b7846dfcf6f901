/*
 * fmt.c - numbers as text, fast. See fmt.h.
 *
 * A float a > 0 is scaled to s = a * 10^k with as many digits before the point as may be needed (9
 * for a float, 17 for a double). Every decimal closer to s than half a unit of a's last bit, scaled
 * too, reads back as a; of s rounded to fewer and fewer digits the shortest such one is taken. What
 * is too large or too small for the scaling goes the slow way.
 */
#include "base/fmt.h"

#include <endian.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- digits ---- */

static const uint64_t pow10_u64[20] = {
	1ULL,
	10ULL,
	100ULL,
	1000ULL,
	10000ULL,
	100000ULL,
	1000000ULL,
	10000000ULL,
	100000000ULL,
	1000000000ULL,
	10000000000ULL,
	100000000000ULL,
	1000000000000ULL,
	10000000000000ULL,
	100000000000000ULL,
	1000000000000000ULL,
	10000000000000000ULL,
	100000000000000000ULL,
	1000000000000000000ULL,
	10000000000000000000ULL,
};

/* How many digits v has; 1 for 0. */
static int count_digits(uint64_t v)
{
	/* 1233/4096 is log10(2), from below close enough for 64 bits */
	int n = (64 - __builtin_clzll(v | 1)) * 1233 >> 12;

	return n + (v >= pow10_u64[n] || v == 0);
}

/* The 8 digits of v < 10^8, the first in the lowest byte: halves of 4, 2 and 1 digits are divided
 * side by side in one word. */
static uint64_t eight_digits(uint32_t v)
{
	uint64_t four = v / 10000 | (uint64_t)(v % 10000) << 32;
	uint64_t hundreds = (four * 10486 >> 20) & UINT64_C(0x7f0000007f);
	uint64_t two = hundreds | (four - 100 * hundreds) << 16;
	uint64_t tens = (two * 103 >> 10) & UINT64_C(0x0f000f000f000f);

	return (tens | (two - 10 * tens) << 8) + UINT64_C(0x3030303030303030);
}

static void put_eight(char *p, uint64_t digits)
{
	digits = htole64(digits);
	memcpy(p, &digits, 8);
}

size_t fmt_u64(char *p, uint64_t v)
{
	int n = count_digits(v);
	char all[24 + 24];

	if (n <= 8) {
		put_eight(p, eight_digits((uint32_t)v) >> 8 * (8 - n));
		return (size_t)n;
	}
	put_eight(all, eight_digits((uint32_t)(v / pow10_u64[16])));
	put_eight(all + 8, eight_digits((uint32_t)(v / pow10_u64[8] % pow10_u64[8])));
	put_eight(all + 16, eight_digits((uint32_t)(v % pow10_u64[8])));
	memcpy(p, all + 24 - n, (size_t)n);
	return (size_t)n;
}

/* Up to 16 characters in a register, the first in the lowest byte. */
static void put_sixteen(char *p, unsigned __int128 text)
{
	put_eight(p, (uint64_t)text);
	put_eight(p + 8, (uint64_t)(text >> 64));
}

/* m / 10^k with 1 <= k < 16 digits behind the point and m < 10^16. The text is shifted into place
 * in registers: reading back bytes just stored would wait for the stores. */
static size_t put_short_point(char *p, uint64_t m, int k, int whole)
{
	uint64_t high = eight_digits((uint32_t)(m / pow10_u64[8]));
	uint64_t low = eight_digits((uint32_t)(m % pow10_u64[8]));
	unsigned __int128 text = (unsigned __int128)low << 64 | high;

	put_sixteen(p, text >> 8 * (16 - k - whole));
	p[whole] = '.';
	put_sixteen(p + whole + 1, text >> 8 * (16 - k));
	return (size_t)(whole + 1 + k);
}

/* The same for m < 10^19 and k <= 22. */
static size_t put_point(char *p, uint64_t m, int k)
{
	char all[24 + 24] = {0}; /* 24 digits with zeros in front; the copies read on behind them */
	int n = count_digits(m), whole = n > k ? n - k : 1;
	uint64_t top = m / pow10_u64[8];

	if (k + whole <= 16)
		return put_short_point(p, m, k, whole);
	put_eight(all, eight_digits((uint32_t)(top / pow10_u64[8])));
	put_eight(all + 8, eight_digits((uint32_t)(top % pow10_u64[8])));
	put_eight(all + 16, eight_digits((uint32_t)(m % pow10_u64[8])));
	memcpy(p, all + 24 - k - whole, 24);
	p[whole] = '.';
	memcpy(p + whole + 1, all + 24 - k, 24);
	return (size_t)(whole + 1 + k);
}

/* Takes trailing zeros off m / 10^k, in steps of 8, 4, 2 and 1 of them. */
static uint64_t strip(uint64_t m, int *k)
{
	if (*k >= 8 && m % 100000000 == 0) {
		m /= 100000000;
		*k -= 8;
	}
	if (*k >= 4 && m % 10000 == 0) {
		m /= 10000;
		*k -= 4;
	}
	if (*k >= 2 && m % 100 == 0) {
		m /= 100;
		*k -= 2;
	}
	if (*k >= 1 && m % 10 == 0) {
		m /= 10;
		*k -= 1;
	}
	return m;
}

/* m / 10^k, trailing zeros left out, as 0.0125 or 125e-10 */
static size_t put(char *p, uint64_t m, int k)
{
	size_t n;

	if (m % 10 == 0)
		m = strip(m, &k);
	if (k == 0) {
		m *= 10;
		k = 1;
	}
	if (k - count_digits(m) < 5)
		return put_point(p, m, k);
	n = fmt_u64(p, m);
	memcpy(p + n, "e-", 2);
	return n + 2 + fmt_u64(p + n + 2, (uint64_t)k);
}

/* ---- scaling ---- */

/* exact up to 10^22, nearest above */
static const double pow10_f64[45] = {
	1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14,
	1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22, 1e23, 1e24, 1e25, 1e26, 1e27, 1e28, 1e29,
	1e30, 1e31, 1e32, 1e33, 1e34, 1e35, 1e36, 1e37, 1e38, 1e39, 1e40, 1e41, 1e42, 1e43, 1e44,
};

/* The floor of log10(2^e), |e| < 1024. */
static int log10_of(int e)
{
	return (e * 1233 - (e < 0 ? 4095 : 0)) / 4096;
}

/* A normal double is 2^e * 1.something; the power alone is *one. */
static int exponent(double a, double *one)
{
	uint64_t bits;

	memcpy(&bits, &a, sizeof bits);
	bits &= ~UINT64_C(0xfffffffffffff);
	memcpy(one, &bits, sizeof bits);
	return (int)(bits >> 52) - 1023;
}

/* Slow but right: the least number of digits with which it reads back. */
static size_t put_slow(char *p, double v, bool single)
{
	for (int digits = 1; digits <= 17; digits++) {
		double back;

		snprintf(p, FMT_MAX, "%.*g", digits, v);
		back = strtod(p, NULL);
		if (single ? (float)back == (float)v : back == v)
			break;
	}
	return strlen(p); /* of 1e-27 and less, 1e9 and more: with an exponent */
}

/* How far a decimal may be from a, scaled like it, to read back as a: half a unit in the last of
 * the bits that a's type has, less a hair for rounding in here; half of that below a power of two.
 */
struct reach {
	double above, below;
};

static struct reach reach(double a, double one, double bits, double scale)
{
	double half = one * bits * scale * (1 - 1e-6);

	return (struct reach){half, a == one ? half / 2 : half};
}

static bool within(struct reach r, double off)
{
	return off < r.above && -off < r.below;
}

/* a * 10^k as hi + lo, k <= 44: the product of two exact powers, each step's error kept */
static void scale_by(double a, int k, double *hi, double *lo, double *scale)
{
	double p = pow10_f64[k < 22 ? k : 22], q = pow10_f64[k < 22 ? 0 : k - 22];
	double pq = p * q, rest = fma(p, q, -pq);

	*scale = pq;
	*hi = a * pq;
	*lo = fma(a, pq, -*hi) + a * rest;
}

static size_t put_f64(char *p, double a)
{
	double hi, lo, scale, off, one;
	struct reach r;
	int k = 16 - log10_of(exponent(a, &one));
	int64_t m, m15, m16;

	if (a < 1e-27 || a >= 1e17) /* subnormal ones too */
		return put_slow(p, a, false);
	scale_by(a, k, &hi, &lo, &scale);
	if (hi >= 1e17)
		scale_by(a, --k, &hi, &lo, &scale);
	/* hi is above 2^53, so a whole number; off is what m has too much */
	m = (int64_t)hi + llrint(lo);
	off = (double)(m - (int64_t)hi) - lo;
	r = reach(a, one, 0x1p-53, scale);
	m15 = (m + 50 - (off > 0)) / 100; /* what only rounding made a half goes down */
	m16 = (m + 5 - (off > 0)) / 10;
	if (k >= 2 && within(r, (double)(100 * m15 - m) + off))
		return put(p, (uint64_t)m15, k - 2);
	if (k >= 1 && within(r, (double)(10 * m16 - m) + off))
		return put(p, (uint64_t)m16, k - 1);
	return within(r, off) ? put(p, (uint64_t)m, k) : put_slow(p, a, false);
}

static size_t put_f32(char *p, double a)
{
	double s, one;
	struct reach r;
	int k = 8 - log10_of(exponent(a, &one)), drop;
	int64_t m, m7, m8;

	if (a < 1e-27 || a >= 1e9)
		return put_slow(p, a, true);
	k -= a * pow10_f64[k] >= 1e9;
	s = a * pow10_f64[k];
	m = (int64_t)(s + 0.5);
	r = reach(a, one, 0x1p-24, pow10_f64[k]);
	m7 = (m + 50 - ((double)m > s)) / 100;
	m8 = (m + 5 - ((double)m > s)) / 10;
	drop = k >= 2 && within(r, 100 * (double)m7 - s)  ? 2
	       : k >= 1 && within(r, 10 * (double)m8 - s) ? 1
							  : 0;
	m = drop == 2 ? m7 : drop == 1 ? m8 : m;
	return put(p, (uint64_t)m, k - drop);
}

static size_t sign(char *p, double v)
{
	*p = '-';
	return signbit(v) ? 1 : 0;
}

size_t fmt_f64(char *p, double v)
{
	size_t n = sign(p, v);

	return n + (v == 0 ? put(p + n, 0, 0) : put_f64(p + n, fabs(v)));
}

size_t fmt_f32(char *p, float v)
{
	size_t n = sign(p, (double)v);

	return n + (v == 0 ? put(p + n, 0, 0) : put_f32(p + n, fabs((double)v)));
}
