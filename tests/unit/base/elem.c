/*
 * elem.c - our elementary functions against those of the C library in long double, and their bits
 * against a hash that holds on every machine.
 */
#include "base/elem.h"
#include "base/hash.h"
#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { N = 20000 };

/* Within `units` of the last place of the right result, or `least` of 1 */
static void near(const char *what, double x, double got, long double want, double units,
		 double least)
{
	double size = fabs((double)want), unit = nextafter(size, INFINITY) - size;

	if (!(fabsl((long double)got - want) <= (long double)fmax(units * unit, least)))
		fail_msg("%s(%.17g): %.17g, not %.17Lg", what, x, got, want);
}

static double from_to(uint64_t key, size_t i, double lo, double hi)
{
	return lo + (hi - lo) * rng_uniform(key, i);
}

static void exponentials(void **state)
{
	(void)state;
	for (size_t i = 0; i < N; i++) {
		double x = from_to(1, i, -708, 709), y = from_to(2, i, -1, 1);

		near("exp", x, elem_exp(x), expl(x), 2, 0);
		near("exp", y, elem_exp(y), expl(y), 2, 0);
		near("expm1", y, elem_expm1(y), expm1l(y), 4, 0);
		near("expm1", y * 1e-9, elem_expm1(y * 1e-9), expm1l(y * 1e-9), 2, 0);
	}
	assert_true(elem_exp(0) == 1 && elem_expm1(0) == 0);
	assert_true(elem_exp(-1e9) == 0 && isinf(elem_exp(1e9)) && isinf(elem_exp(INFINITY)));
	assert_true(elem_exp(-INFINITY) == 0 && elem_expm1(-INFINITY) == -1);
	assert_true(isnan(elem_exp(NAN)) && isnan(elem_expm1(NAN)));
	near("exp", 709.7, elem_exp(709.7), expl(709.7L), 1e6, 0);
}

static void logarithms(void **state)
{
	(void)state;
	for (size_t i = 0; i < N; i++) {
		double x = elem_exp(from_to(3, i, -700, 700)), y = from_to(4, i, 0.5, 2);
		double z = from_to(5, i, -0.9, 3);

		near("log", x, elem_log(x), logl(x), 2, 0);
		near("log", y, elem_log(y), logl(y), 3, 0);
		near("log1p", z, elem_log1p(z), log1pl(z), 4, 0);
		near("log1p", z * 1e-12, elem_log1p(z * 1e-12), log1pl(z * 1e-12), 2, 0);
		near("pow", x, elem_pow(y, z * 10), powl(y, z * 10), 40, 0);
	}
	assert_true(elem_log(1) == 0 && elem_log1p(0) == 0);
	assert_true(isinf(elem_log(0)) && elem_log(0) < 0 && isnan(elem_log(-1)));
	assert_true(isinf(elem_log(INFINITY)) && isnan(elem_log(NAN)) && isnan(elem_log1p(NAN)));
	near("log", 0x1p-1060, elem_log(0x1p-1060), logl(0x1p-1060), 2, 0);
}

static void circles(void **state)
{
	(void)state;
	for (size_t i = 0; i < N; i++) {
		double x = from_to(6, i, -4, 4), y = from_to(7, i, 0, 5e8);

		near("sin", x, elem_sin(x), sinl(x), 0, 4e-16);
		near("cos", x, elem_cos(x), cosl(x), 0, 4e-16);
		near("sin", y, elem_sin(y), sinl(y), 0, 1e-15);
		near("cos", y, elem_cos(y), cosl(y), 0, 1e-15);
	}
	assert_true(elem_sin(0) == 0 && elem_cos(0) == 1);
	assert_true(isnan(elem_sin(NAN)) && isnan(elem_cos(INFINITY)));
}

/* The same on every processor, by every compiler */
static void bits(void **state)
{
	struct hash *h = hash_new();

	(void)state;
	for (size_t i = 0; i < N; i++) {
		double x = from_to(8, i, -600, 600), y = from_to(9, i, 1e-3, 1e3);
		const double all[] = {elem_exp(x),          elem_expm1(x / 600), elem_log(y),
				      elem_log1p(y),        elem_sin(x * 1000),  elem_cos(x * 1000),
				      elem_pow(y, x / 100), rng_normal(10, i)};

		hash_add(h, all, sizeof all);
	}
	assert_true(hash_64(h) == 0xe0831225fd5a4dd5);
	hash_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exponentials),
		cmocka_unit_test(logarithms),
		cmocka_unit_test(circles),
		cmocka_unit_test(bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
