/*
 * numbers.c - numbers of options and of outputs: text is refused or is what strtod and strtoll say,
 * and numbers as text are read back as the same.
 */
#include "common/fuzz.h"

#include "base/fmt.h"
#include "base/mem.h"
#include "base/num.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct fuzz_memory fuzz_memory = {1 << 16, 10, 0};

static bool only(const char *s, const char *chars)
{
	return *s && strspn(s, chars) == strlen(s);
}

static void from_text(const char *s)
{
	int64_t i = 5, k = 5;
	double d = 5, e;
	char *end;
	char again[32];

	if (num_i64(s, -1000, INT64_MAX, &i)) {
		MUST(only(s, "-0123456789") && i == strtoll(s, NULL, 10) && i >= -1000);
		MUST(num_i64(s, i, i, &k) && k == i &&
		     !num_i64(s, i + (i < INT64_MAX), INT64_MAX, &k) == (i < INT64_MAX));
	} else {
		MUST(i == 5);
	}
	if (num_f64(s, -1e300, 1e300, &d)) {
		MUST(isfinite(d) && fabs(d) <= 1e300);
		e = strtod(s, &end);
		MUST(!*end && e == d);
		MUST(num_f64(num_text(d, again), -1e300, 1e300, &e) && e == d);
	} else {
		MUST(d == 5);
	}
}

static void check_text(const char *text, size_t n, double want, bool as_float)
{
	char s[FMT_MAX + 1];
	char *end;

	MUST(n > 0 && n < FMT_MAX);
	memcpy(s, text, n);
	s[n] = '\0';
	MUST(only(s, "-+.e0123456789") && strpbrk(s, ".e"));
	if (as_float) {
		MUST(n <= FMT_ELEMENT);
		MUST(strtof(s, &end) == (float)want);
	} else {
		MUST(strtod(s, &end) == want);
	}
	MUST(!*end);
}

static void to_text(uint64_t bits)
{
	uint32_t half = (uint32_t)bits;
	char s[FMT_MAX + FMT_ELEMENT + 1];
	double d;
	float f;

	memcpy(&d, &bits, sizeof d);
	memcpy(&f, &half, sizeof f);
	if (isfinite(d))
		check_text(s, fmt_f64(s, d), d, false);
	if (isfinite(f))
		check_text(s, fmt_f32_list(s, &f, 1), (double)f, true);
	s[fmt_u32_list(s, &half, 1)] = '\0';
	MUST(strtoull(s, NULL, 10) == half);
	s[fmt_u64(s, bits)] = '\0';
	MUST(only(s, "0123456789") && strtoull(s, NULL, 10) == bits);
}

void fuzz_one(const uint8_t *p, size_t n)
{
	char *text = xstrndup((const char *)p, n);

	from_text(text);
	free(text);
	for (; n >= 8; p += 8, n -= 8) {
		uint64_t bits;

		memcpy(&bits, p, 8);
		to_text(bits);
	}
}
