/* digits.c - decimal digits of whole numbers and of decimals. See digits.h. */
#include "base/digits.h"

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

/* Its 8 characters */
static uint64_t eight(uint64_t v)
{
	return digits_eight((uint32_t)v) + DIGITS_ASCII;
}

/* v < 10^8 without leading zeros; writes 8 bytes, returns how many count. */
static size_t put_short(char *p, uint32_t v)
{
	uint64_t d = digits_eight(v);
	unsigned zeros = (unsigned)__builtin_ctzll(d | UINT64_C(1) << 56) / 8;

	digits_put(p, (d + DIGITS_ASCII) >> 8 * zeros);
	return 8 - zeros;
}

size_t digits_put_u64(char *p, uint64_t v)
{
	char all[24 + 24];
	int n;

	if (v < pow10_u64[8])
		return put_short(p, (uint32_t)v);
	n = count_digits(v);
	digits_put(all, eight(v / pow10_u64[16]));
	digits_put(all + 8, eight(v / pow10_u64[8] % pow10_u64[8]));
	digits_put(all + 16, eight(v % pow10_u64[8]));
	memcpy(p, all + 24 - n, (size_t)n);
	return (size_t)n;
}

/* Up to 16 characters in a register, the first in the lowest byte. */
static void put_sixteen(char *p, unsigned __int128 text)
{
	digits_put(p, (uint64_t)text);
	digits_put(p + 8, (uint64_t)(text >> 64));
}

/* m / 10^k with 1 <= k < 16 digits behind the point and m < 10^16. The text is shifted into place
 * in registers: reading back bytes just stored would wait for the stores. */
static size_t put_short_point(char *p, uint64_t m, int k, int whole)
{
	uint64_t high = eight(m / pow10_u64[8]);
	uint64_t low = eight(m % pow10_u64[8]);
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
	digits_put(all, eight(top / pow10_u64[8]));
	digits_put(all + 8, eight(top % pow10_u64[8]));
	digits_put(all + 16, eight(m % pow10_u64[8]));
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

size_t digits_put_decimal(char *p, uint64_t m, int k)
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
	n = digits_put_u64(p, m);
	memcpy(p + n, "e-", 2);
	return n + 2 + digits_put_u64(p + n + 2, (uint64_t)k);
}
