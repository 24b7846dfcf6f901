/*
 * fmt.c - integers and doubles as text, fast. See fmt.h.
 *
 * A double a > 0 is scaled to s = a * 10^k with the 17 digits before the point that may be needed.
 * Every decimal closer to s than half a unit of a's last bit, scaled too, reads back as a; of s
 * rounded to fewer and fewer digits the shortest such one is taken. What is too large or too small
 * for the scaling goes the slow way.
 */
#include "base/fmt.h"
#include "base/digits.h"

#include <endian.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t fmt_u64(char *p, uint64_t v)
{
	return digits_put_u64(p, v);
}

/* The 8 last digits of each word as characters, and how many of them stand before it as zeros. */
static void find_digits(const uint32_t *word, uint64_t *eight, uint32_t *zeros)
{
	for (int i = 0; i < DIGITS_BLOCK; i++) {
		uint64_t d = digits_eight(word[i]), some = d | UINT64_C(1) << 56;

		zeros[i] = (63 - (uint32_t)__builtin_clzll(some & -some)) / 8;
		eight[i] = d + DIGITS_ASCII;
	}
}

size_t fmt_u32_list(char *p, const void *words, size_t n)
{
	uint32_t word[DIGITS_BLOCK] = {0}, zeros[DIGITS_BLOCK];
	uint64_t eight[DIGITS_BLOCK];
	char *to = p;

	for (size_t done = 0; done < n; done += DIGITS_BLOCK) {
		size_t count = digits_load(word, words, done, n);

		find_digits(word, eight, zeros);
		for (size_t i = 0; i < count; i++) {
			digits_put(to, eight[i] >> 8 * zeros[i]);
			to += word[i] < 100000000 ? 8 - zeros[i] : digits_put_u64(to, word[i]);
			*to++ = ',';
		}
	}
	return (size_t)(to - p) - (n > 0);
}

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
static size_t put_slow(char *p, double v)
{
	for (int digits = 1; digits <= 17; digits++) {
		double back;

		snprintf(p, FMT_MAX, "%.*g", digits, v);
		back = strtod(p, NULL);
		if (back == v)
			break;
	}
	return strlen(p); /* of 1e-27 and less, 1e9 and more: with an exponent */
}

/* How far a decimal may be from a, scaled like it, to read back as a: half a unit in its last bit,
 * less a hair for rounding in here; half of that below a power of two.
 */
struct reach {
	double above, below;
};

static struct reach reach(double a, double one, double scale)
{
	double half = one * 0x1p-53 * scale * (1 - 1e-6);

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
		return put_slow(p, a);
	scale_by(a, k, &hi, &lo, &scale);
	if (hi >= 1e17)
		scale_by(a, --k, &hi, &lo, &scale);
	/* hi is above 2^53, so a whole number; off is what m has too much */
	m = (int64_t)hi + llrint(lo);
	off = (double)(m - (int64_t)hi) - lo;
	r = reach(a, one, scale);
	m15 = (m + 50 - (off > 0)) / 100; /* what only rounding made a half goes down */
	m16 = (m + 5 - (off > 0)) / 10;
	if (k >= 2 && within(r, (double)(100 * m15 - m) + off))
		return digits_put_decimal(p, (uint64_t)m15, k - 2);
	if (k >= 1 && within(r, (double)(10 * m16 - m) + off))
		return digits_put_decimal(p, (uint64_t)m16, k - 1);
	return within(r, off) ? digits_put_decimal(p, (uint64_t)m, k) : put_slow(p, a);
}

static size_t sign(char *p, double v)
{
	*p = '-';
	return signbit(v) ? 1 : 0;
}

size_t fmt_f64(char *p, double v)
{
	size_t n = sign(p, v);

	return n + (v == 0 ? digits_put_decimal(p + n, 0, 0) : put_f64(p + n, fabs(v)));
}
