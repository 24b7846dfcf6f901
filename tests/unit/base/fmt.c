/* Tests of base/fmt.h: every number reads back as what it was. */
#include "base/fmt.h"
#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *text_f64(double v)
{
	static char b[FMT_MAX + 1];

	b[fmt_f64(b, v)] = '\0';
	return b;
}

static void put_le32(unsigned char *p, uint32_t w)
{
	for (int i = 0; i < 4; i++)
		p[i] = (unsigned char)(w >> 8 * i);
}

static const char *text_f32(float v)
{
	static char b[FMT_ELEMENT + FMT_MAX + 1];
	unsigned char word[4];
	uint32_t bits;

	memcpy(&bits, &v, sizeof bits);
	put_le32(word, bits);
	b[fmt_f32_list(b, word, 1)] = '\0';
	return b;
}

static void known_texts(void **state)
{
	static const struct {
		double v;
		const char *f64, *f32;
	} cases[] = {
		{0, "0.0", "0.0"},
		{-0.0, "-0.0", "-0.0"},
		{1, "1.0", "1.0"},
		{-1, "-1.0", "-1.0"},
		{0.5, "0.5", "0.5"},
		{100, "100.0", "100.0"},
		{1234567, "1234567.0", "1234567.0"},
		{0.1, "0.1", "0.1"},
		{0.7, "0.7", "0.7"},
		{1e-4, "0.0001", "0.0001"},
		{1e-7, "1e-7", "1e-7"},
		{1.5e-9, "15e-10", "15e-10"},
		{0.30000000000000004, "0.30000000000000004", "0.3"},
		{1.0 / 3, "0.3333333333333333", "0.33333334"},
		{123456789012345, "123456789012345.0", NULL},
		{9007199254740993.0, "9007199254740992.0", NULL},
		{1e22, "1e+22", "1e+22"},
		{1e300, "1e+300", NULL},
		{5e-324, "5e-324", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_string_equal(text_f64(cases[i].v), cases[i].f64);
		if (cases[i].f32)
			assert_string_equal(text_f32((float)cases[i].v), cases[i].f32);
	}
	assert_string_equal(text_f32(1.17549435e-38f), "1.1754944e-38");
	assert_string_equal(text_f32(3.4028235e38f), "3.4028235e+38");
	assert_string_equal(text_f32(1e-45f), "1e-45");
	assert_string_equal(text_f32(-0.000010000001f), "-0.000010000001");
	assert_string_equal(text_f32(9.999999e-6f), "9999999e-12");
	assert_string_equal(text_f32(9999999), "9999999.0");
	assert_string_equal(text_f32(33573968), "33573968.0");      /* not 3357397e1 */
	assert_string_equal(text_f32(0.000981881f), "0.000981881"); /* 0.0009818811 is nearer */
}

/* Significant digits of a number's text. */
static int significant(const char *s)
{
	int n = 0, last = 0;

	for (; *s && *s != 'e'; s++)
		if (*s >= '0' && *s <= '9' && (*s != '0' || n)) {
			n++;
			last = *s == '0' ? last : n;
		}
	return last;
}

static void check_f64(double v)
{
	const char *s = text_f64(v);
	char want[40];

	if (strtod(s, NULL) != v)
		fail_msg("%.17g as %s", v, s);
	assert_non_null(strpbrk(s, ".e"));
	if (fabs(v) >= 1e15)
		return; /* whole numbers have all their digits there */
	for (int n = 1; n <= 17; n++) {
		snprintf(want, sizeof want, "%.*g", n, v);
		if (strtod(want, NULL) == v)
			break;
	}
	if (significant(s) > significant(want))
		fail_msg("%s is longer than %s", s, want);
}

static void check_f32(float v)
{
	const char *s = text_f32(v);
	int n = significant(s);
	char fewer[40];

	if (strtof(s, NULL) != v)
		fail_msg("%.9g as %s", (double)v, s);
	assert_non_null(strpbrk(s, ".e"));
	if (n < 2 || (fabsf(v) >= 1e7f && fabsf(v) < 1e9f))
		return; /* whole numbers have all their digits there */
	snprintf(fewer, sizeof fewer, "%.*e", n - 2, (double)v);
	if (strtof(fewer, NULL) == v)
		fail_msg("%s is longer than %s", s, fewer);
}

static void random_doubles(void **state)
{
	uint64_t key = rng_key(1, RNG_TEST, 0, 0, 0);

	(void)state;
	for (uint64_t i = 0; i < 10000; i++) {
		uint64_t bits = rng_u64(key, 2 * i);
		double any, u = rng_uniform(key, 2 * i + 1);

		memcpy(&any, &bits, sizeof any);
		if (isfinite(any) && i < 1000)
			check_f64(any);
		check_f64(u);
		check_f64(log(u));
		check_f64(-u * 1e-9);
		check_f64((double)(bits % 1000000) / 1000);
		check_f64((double)(float)u);
	}
	for (int e = -1074; e < 1024; e++) { /* where the unit changes */
		double p = ldexp(1, e);

		check_f64(p);
		check_f64(nextafter(p, 0));
		check_f64(nextafter(p, HUGE_VAL) < HUGE_VAL ? nextafter(p, HUGE_VAL) : p);
	}
}

static void random_floats(void **state)
{
	uint64_t key = rng_key(2, RNG_TEST, 0, 0, 0);

	(void)state;
	for (uint64_t i = 0; i < 100000; i++) {
		uint32_t bits = (uint32_t)rng_u64(key, i);
		float any;

		memcpy(&any, &bits, sizeof any);
		if (isfinite(any) && i < 20000)
			check_f32(any);
		check_f32((float)log(rng_uniform(key, i)));
		check_f32((float)(rng_uniform(key, i) * -1e-6));
	}
	for (int e = -149; e < 128; e++) {
		float p = ldexpf(1, e);

		check_f32(p);
		check_f32(nextafterf(p, 0));
		check_f32(e < 127 ? nextafterf(p, HUGE_VALF) : p);
	}
}

/* Floats from one end to the other, as far apart as makes some 150,000 */
static void all_sizes_of_floats(void **state)
{
	(void)state;
	for (uint32_t bits = 0; bits < 0x7f800000; bits += 14251) {
		float v;

		memcpy(&v, &bits, sizeof v);
		check_f32(v);
	}
}

static void lists(void **state)
{
	static const float floats[] = {-0.5f, 0, -1e-7f, 16777216, -12.25f};
	static const uint32_t ids[] = {0, 7, 99999999, 100000000, UINT32_MAX, 10};
	unsigned char words[4 * 6] = {0};
	char b[6 * FMT_ELEMENT + FMT_MAX];

	(void)state;
	assert_int_equal(fmt_u32_list(b, words, 0), 0);
	assert_int_equal(fmt_f32_list(b, words, 0), 0);
	for (size_t i = 0; i < 6; i++)
		put_le32(words + 4 * i, ids[i]);
	b[fmt_u32_list(b, words, 6)] = '\0';
	assert_string_equal(b, "0,7,99999999,100000000,4294967295,10");
	for (size_t i = 0; i < 5; i++) {
		uint32_t bits;

		memcpy(&bits, &floats[i], sizeof bits);
		put_le32(words + 4 * i, bits);
	}
	b[fmt_f32_list(b, words, 5)] = '\0';
	assert_string_equal(b, "-0.5,0.0,-1e-7,16777216.0,-12.25");
}

/* A list is its elements' texts with commas between them, whatever its length. */
static void long_lists(void **state)
{
	enum { MOST = 100 };
	uint64_t key = rng_key(4, RNG_TEST, 0, 0, 0);
	unsigned char ids[4 * MOST], floats[4 * MOST];
	char all[MOST * FMT_ELEMENT + FMT_MAX], want[2][MOST * FMT_ELEMENT + FMT_MAX];
	size_t at[2] = {0, 0};

	(void)state;
	for (size_t n = 0; n < MOST; n++) {
		uint32_t word = (uint32_t)rng_u64(key, n) >> n % 32;

		assert_int_equal(fmt_u32_list(all, ids, n), at[0] - (n > 0));
		assert_memory_equal(all, want[0], at[0] - (n > 0));
		assert_int_equal(fmt_f32_list(all, floats, n), at[1] - (n > 0));
		assert_memory_equal(all, want[1], at[1] - (n > 0));
		put_le32(ids + 4 * n, word);
		put_le32(floats + 4 * n, word % 0x7f800000 | word << 31);
		at[0] += fmt_u32_list(want[0] + at[0], ids + 4 * n, 1);
		at[1] += fmt_f32_list(want[1] + at[1], floats + 4 * n, 1);
		want[0][at[0]++] = ',';
		want[1][at[1]++] = ',';
	}
}

static void integers(void **state)
{
	uint64_t key = rng_key(3, RNG_TEST, 0, 0, 0), edge = 1;
	char b[FMT_MAX + 1], want[32];

	(void)state;
	for (uint64_t i = 0; i < 20000; i++) {
		uint64_t v = rng_u64(key, i) >> (i % 64);

		if (i < 60) { /* 9, 10, 11, 99, ... */
			v = edge + i % 3 - 1;
			edge *= i % 3 == 2 ? 10 : 1;
		}
		b[fmt_u64(b, v)] = '\0';
		snprintf(want, sizeof want, "%llu", (unsigned long long)v);
		assert_string_equal(b, want);
	}
	b[fmt_u64(b, UINT64_MAX)] = '\0';
	assert_string_equal(b, "18446744073709551615");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_texts),   cmocka_unit_test(random_doubles),
		cmocka_unit_test(random_floats), cmocka_unit_test(all_sizes_of_floats),
		cmocka_unit_test(lists),         cmocka_unit_test(long_lists),
		cmocka_unit_test(integers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
