/* half.c - the two 16-bit formats: all 65,536 numbers of each there and back, and rounding to
 * nearest, ties to even, against a search for the nearest. */
#include "tensor/half.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "plain.h"

/* What the bits of a format with so many of mantissa and exponent say */
static double plain_value(unsigned h, int mantissa, int exponent)
{
	int bias = (1 << (exponent - 1)) - 1, e = (int)(h >> mantissa) & ((1 << exponent) - 1);
	double m = h & ((1U << mantissa) - 1), sign = h >> 15 ? -1 : 1;

	if (e == (1 << exponent) - 1)
		return m != 0 ? (double)NAN : sign * INFINITY;
	return sign *
	       (e ? ldexp(1 + ldexp(m, -mantissa), e - bias) : ldexp(m, 1 - bias - mantissa));
}

static bool same(double a, double b)
{
	return isnan(a) ? isnan(b) : a == b && signbit(a) == signbit(b);
}

static void all_numbers(void **state)
{
	(void)state;
	for (unsigned h = 0; h < 65536; h++) {
		double f = plain_value(h, 10, 5), b = plain_value(h, 7, 8);

		assert_true(same(half_from_f16((uint16_t)h), f));
		assert_true(same(half_from_bf16((uint16_t)h), b));
		if (!isnan(f))
			assert_int_equal(half_to_f16((float)f), h);
		else
			assert_true(isnan(half_from_f16(half_to_f16((float)f))));
		if (!isnan(b))
			assert_int_equal(half_to_bf16((float)b), h);
		else
			assert_true(isnan(half_from_bf16(half_to_bf16((float)b))));
	}
}

/* Between two neighbours: the nearer, halfway the one whose last bit is 0 */
static void check_between(unsigned h, int mantissa, int exponent, uint16_t (*to)(float))
{
	double a = plain_value(h, mantissa, exponent), b = plain_value(h + 1, mantissa, exponent);
	double mid = a + (b - a) / 2;

	assert_int_equal(to((float)mid), h + (h & 1));
	assert_int_equal(to(nextafterf((float)mid, 0)), h);
	assert_int_equal(to(nextafterf((float)mid, INFINITY)), h + 1);
}

static void ties(void **state)
{
	(void)state;
	for (unsigned h = 0; h + 1 < 31U << 10; h++)
		check_between(h, 10, 5, half_to_f16);
	for (unsigned h = 128; h + 1 < 255U << 7; h++)
		check_between(h, 7, 8, half_to_bf16);
}

/* What is beyond the largest number by half a step and more is infinite; negative ones mirror. */
static void ends(void **state)
{
	(void)state;
	assert_int_equal(half_to_f16(65519.996F), 0x7bff);
	assert_int_equal(half_to_f16(65520), 0x7c00);
	assert_int_equal(half_to_f16(-1e38F), 0xfc00);
	assert_int_equal(half_to_f16(-0.0F), 0x8000);
	assert_int_equal(half_to_f16(0x1p-26F), 0);
	assert_int_equal(half_to_bf16(3.4e38F), 0x7f80);
	assert_int_equal(half_to_bf16(-INFINITY), 0xff80);
}

/* A NaN whose bits are all cut off does not become infinite, nor one that rounding would carry. */
static void nans(void **state)
{
	static const uint32_t bits[] = {0x7f800001, 0xff800001, 0x7fffffff, 0xffffffff};
	float v;

	(void)state;
	for (int i = 0; i < 4; i++) {
		memcpy(&v, &bits[i], sizeof v);
		assert_true(isnan(half_from_bf16(half_to_bf16(v))));
		assert_true(isnan(half_from_f16(half_to_f16(v))));
	}
}

static void many(void **state)
{
	uint16_t from[100];
	float b[101], f[101];

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		from[i] = (uint16_t)(i * 300);
	b[100] = f[100] = 7;
	half_floats_bf16(b, from, 100);
	half_floats_f16(f, from, 100);
	for (int i = 0; i < 100; i++) {
		assert_true(b[i] == half_from_bf16(from[i]));
		assert_true(f[i] == half_from_f16(from[i]));
	}
	assert_true(b[100] == 7 && f[100] == 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_numbers), cmocka_unit_test(ties), cmocka_unit_test(ends),
		cmocka_unit_test(nans),        cmocka_unit_test(many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
