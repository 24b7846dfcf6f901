/*
 * fmtf32.c - the shortest decimals of floats. See fmt.h.
 *
 * The way is that of R. Giulietti, "The Schubfach way to render doubles" (2020): of the decimals
 * that read back as v = c 2^q, take the power 10^k <= 2^q < 10^(k+1). The interval of these
 * decimals is 2^q wide, so it holds at most one multiple of 10^(k+1), which is then the shortest,
 * and at least one of 10^k, of which the nearest to v is taken. v and the interval's ends are
 * scaled to quarters of 10^k in integers, with one bit that says whether anything is behind them.
 */
#include "base/digits.h"
#include "base/fmt.h"

#include <stdbool.h>
#include <stdio.h>

enum { POW_MIN = -31, POW_MAX = 45 };
enum { NEAR = 4 };
enum { BITS_1EM5 = 0x3727c5ac, BITS_1 = 0x3f800000, BITS_1E7 = 0x4b189680 }; /* of 1e-5f ... */

/* 10^n as g 2^(floor(log2(10^n)) - 63), rounded up; exact from 0 to 27 */
static const uint64_t pow10_64[POW_MAX - POW_MIN + 1] = {
	0x81ceb32c4b43fcf5, 0xa2425ff75e14fc32, 0xcad2f7f5359a3b3f, 0xfd87b5f28300ca0e,
	0x9e74d1b791e07e49, 0xc612062576589ddb, 0xf79687aed3eec552, 0x9abe14cd44753b53,
	0xc16d9a0095928a28, 0xf1c90080baf72cb2, 0x971da05074da7bef, 0xbce5086492111aeb,
	0xec1e4a7db69561a6, 0x9392ee8e921d5d08, 0xb877aa3236a4b44a, 0xe69594bec44de15c,
	0x901d7cf73ab0acda, 0xb424dc35095cd810, 0xe12e13424bb40e14, 0x8cbccc096f5088cc,
	0xafebff0bcb24aaff, 0xdbe6fecebdedd5bf, 0x89705f4136b4a598, 0xabcc77118461cefd,
	0xd6bf94d5e57a42bd, 0x8637bd05af6c69b6, 0xa7c5ac471b478424, 0xd1b71758e219652c,
	0x83126e978d4fdf3c, 0xa3d70a3d70a3d70b, 0xcccccccccccccccd, 0x8000000000000000,
	0xa000000000000000, 0xc800000000000000, 0xfa00000000000000, 0x9c40000000000000,
	0xc350000000000000, 0xf424000000000000, 0x9896800000000000, 0xbebc200000000000,
	0xee6b280000000000, 0x9502f90000000000, 0xba43b74000000000, 0xe8d4a51000000000,
	0x9184e72a00000000, 0xb5e620f480000000, 0xe35fa931a0000000, 0x8e1bc9bf04000000,
	0xb1a2bc2ec5000000, 0xde0b6b3a76400000, 0x8ac7230489e80000, 0xad78ebc5ac620000,
	0xd8d726b7177a8000, 0x878678326eac9000, 0xa968163f0a57b400, 0xd3c21bcecceda100,
	0x84595161401484a0, 0xa56fa5b99019a5c8, 0xcecb8f27f4200f3a, 0x813f3978f8940985,
	0xa18f07d736b90be6, 0xc9f2c9cd04674edf, 0xfc6f7c4045812297, 0x9dc5ada82b70b59e,
	0xc5371912364ce306, 0xf684df56c3e01bc7, 0x9a130b963a6c115d, 0xc097ce7bc90715b4,
	0xf0bdc21abb48db21, 0x96769950b50d88f5, 0xbc143fa4e250eb32, 0xeb194f8e1ae525fe,
	0x92efd1b8d0cf37bf, 0xb7abc627050305ae, 0xe596b7b0c643c71a, 0x8f7e32ce7bea5c70,
	0xb35dbf821ae4f38c,
};

/* m 10^k */
struct decimal {
	uint32_t m;
	int k;
};

#define ONE (UINT64_C(1) << 34) /* 10^k, scaled */

/* Of a positive finite float; m < 1.7e8. No branch in it: a loop of it becomes vectors. */
static inline struct decimal shortest(uint32_t bits)
{
	uint32_t fraction = bits & 0x7fffff, e = bits >> 23;
	uint32_t edge = fraction == 0 && e > 1; /* the neighbour below is only half as far away */
	uint32_t c = e ? fraction | 0x800000 : fraction;
	int q = (int)(e ? e : 1) - 150;
	/* floor(log10(2^q)), of 3/4 2^q on an edge; then floor(log2(10^-k)) */
	int k = (q * 1262611 - (edge ? 524031 : 0)) >> 22, log2 = -k * 1741647 >> 19;
	int shift = q + log2 + 1; /* 1 to 4 */
	uint64_t g = pow10_64[-k - POW_MIN];
	uint64_t c4 = 4 * c << shift; /* below 2^30: its product with g in two halves */
	uint64_t v = (g >> 32) * c4 + ((g & UINT32_MAX) * c4 >> 32);
	/* Half a unit of v. Its end reads back as v when c is even; no decimal but the end itself
	 * is nearer to it than NEAR, and rounding in here moves it by less. */
	uint64_t half = (g >> (31 - shift)) + NEAR - (c & 1) * 2 * NEAR;
	uint64_t half_below = half >> edge, rest = v % ONE;
	uint32_t s = (uint32_t)(v / ONE), t = s / 10;
	uint64_t over = (s - 10 * t) * ONE + rest;
	uint32_t tens_below = over <= half_below, tens_above = 10 * ONE - over <= half;
	uint32_t below = rest <= half_below, above = ONE - rest <= half;
	/* where both ends will do, the nearer; a half goes up */
	uint32_t unit = s + (above & ((below ^ 1) | (rest >= ONE / 2)));
	uint32_t ten = 10 * (t + tens_above);

	return (struct decimal){tens_below | tens_above ? ten : unit, k};
}

/* As 1.25e+22 */
static size_t put_scientific(char *p, struct decimal d)
{
	char digits[16];
	int n, point = snprintf(digits, sizeof digits, "%u", d.m) - 1;

	for (n = point + 1; n > 1 && digits[n - 1] == '0';)
		n--;
	return (size_t)snprintf(p, FMT_MAX, "%c%s%.*se%+03d", digits[0], n > 1 ? "." : "", n - 1,
				digits + 1, d.k + point);
}

static size_t put_rare(char *p, uint32_t bits, struct decimal d)
{
	float a;

	memcpy(&a, &bits, sizeof a);
	if (a == 0.0f)
		return digits_put_decimal(p, 0, 0);
	if (a >= 1e7f && a < 1e9f) /* a whole number: all of its digits */
		return digits_put_decimal(p, (uint64_t)a, 0);
	return a < 1e-27f || a >= 1e9f ? put_scientific(p, d) : digits_put_decimal(p, d.m, -d.k);
}

/* Numbers on their way to text, a step at a time */
struct block {
	uint32_t word[DIGITS_BLOCK]; /* the floats' bits */
	uint32_t m[DIGITS_BLOCK];    /* the shortest decimals */
	int32_t k[DIGITS_BLOCK];
	/* Their digits as characters, the first and eight: m itself below 1; from 1 on with zeros
	 * behind it that make it 9 digits. So many count without zeros at the end. */
	uint32_t first[DIGITS_BLOCK];
	uint64_t eight[DIGITS_BLOCK];
	uint32_t n[DIGITS_BLOCK];
};

static void find_shortest(struct block *b)
{
	for (int i = 0; i < DIGITS_BLOCK; i++) {
		struct decimal d = shortest(b->word[i] & INT32_MAX);

		b->m[i] = d.m;
		b->k[i] = d.k;
	}
}

static void find_digits(struct block *b)
{
	for (int i = 0; i < DIGITS_BLOCK; i++) {
		uint32_t m = b->m[i], large = (b->word[i] & INT32_MAX) >= BITS_1;
		uint32_t seven = large & (m < 10000000), eight_or_less = large & (m < 100000000);
		uint32_t nine = m * (1 + 9 * seven) * (1 + 9 * eight_or_less);
		uint32_t first = nine / 100000000;
		uint64_t eight = digits_eight(nine - 100000000 * first);

		b->first[i] = '0' + first;
		b->eight[i] = eight + DIGITS_ASCII;
		b->n[i] = 9 - (uint32_t)__builtin_clzll(eight | 1) / 8 - (eight == 0);
	}
}

/* From 1 to below 1e7: the point is behind the first digits. */
static inline size_t put_large(char *p, const struct block *b, size_t i)
{
	int whole = b->k[i] + 9 - (b->m[i] < 10000000) - (b->m[i] < 100000000), n = (int)b->n[i];

	*p = (char)b->first[i];
	digits_put(p + 1, b->eight[i]);
	p[whole] = '.';
	digits_put(p + whole + 1, b->eight[i] >> 8 * (whole - 1));
	return (size_t)(n > whole ? n + 1 : whole + 2);
}

/* From 1e-5 to below 1. The first digit may be a 0: it stands behind the point or before it. */
static inline size_t put_small(char *p, const struct block *b, size_t i)
{
	int at = -7 - b->k[i];

	digits_put(p, DIGITS_ASCII);
	p[at] = (char)b->first[i];
	digits_put(p + at + 1, b->eight[i]);
	p[1] = '.';
	return (size_t)at + b->n[i];
}

static inline size_t put_f32(char *p, const struct block *b, size_t i)
{
	uint32_t sign = b->word[i] >> 31, bits = b->word[i] & INT32_MAX;

	*p = '-'; /* to be overwritten where there is none */
	p += sign;
	if (bits >= BITS_1EM5 && bits < BITS_1)
		return sign + put_small(p, b, i);
	if (bits >= BITS_1 && bits < BITS_1E7)
		return sign + put_large(p, b, i);
	return sign + put_rare(p, bits, (struct decimal){b->m[i], b->k[i]});
}

size_t fmt_f32_list(char *p, const void *words, size_t n)
{
	struct block b = {0};
	char *to = p;

	for (size_t done = 0; done < n; done += DIGITS_BLOCK) {
		size_t count = digits_load(b.word, words, done, n);

		find_shortest(&b);
		find_digits(&b);
		for (size_t i = 0; i < count; i++) {
			to += put_f32(to, &b, i);
			*to++ = ',';
		}
	}
	return (size_t)(to - p) - (n > 0);
}
