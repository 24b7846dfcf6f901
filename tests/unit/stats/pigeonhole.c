/* Tests of stats/pigeonhole.h: means of resamples, what widens an interval, cells that are missing.
 */
#include "stats/pigeonhole.h"
#include "base/mem.h"
#include "base/rng.h"
#include "stats/passk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "close.h"

enum { REPLICATES = 2000 };

static void interval(const double *v, size_t rows, size_t cols, double *low, double *high)
{
	static double mean[REPLICATES];
	struct pigeonhole c = {0};

	pigeonhole_draw(&c, rows, cols, REPLICATES, 3);
	pigeonhole_means(&c, v, mean);
	pigeonhole_interval(mean, REPLICATES, low, high);
	pigeonhole_free(&c);
}

/* One row: the bootstrap over problems of passk.h */
static void test_one_row(void **state)
{
	double v[50], low[2], high[2];

	(void)state;
	for (size_t i = 0; i < 50; i++)
		v[i] = rng_uniform(rng_key(1, RNG_TEST, 0, 0, 0), i);
	interval(v, 1, 50, &low[0], &high[0]);
	passk_bootstrap(v, 1, 50, REPLICATES, 3, &low[1], &high[1]);
	assert_close(low[0], low[1], 1e-14);
	assert_close(high[0], high[1], 1e-14);
}

/*
 * v = row effect + column effect, both of variance 1: the mean's variance is 1/R + 1/C, where a
 * bootstrap of cells would give 2/(R C).
 */
static void test_crossed(void **state)
{
	enum { ROWS = 40, COLS = 30 };
	static double v[ROWS * COLS];
	uint64_t key = rng_key(2, RNG_TEST, 0, 0, 0);
	double low, high, want;

	(void)state;
	for (size_t i = 0; i < ROWS; i++)
		for (size_t j = 0; j < COLS; j++)
			v[i * COLS + j] = rng_normal(key, i) + rng_normal(key, ROWS + j);
	interval(v, ROWS, COLS, &low, &high);
	want = 2 * 1.96 * 0.24; /* sqrt(1/40 + 1/30) */
	assert_true(high - low > 0.75 * want && high - low < 1.25 * want);
}

/* The mean of a square's diagonal is 1/N; it would be near 2/N if rows and columns were drawn
 * alike.
 */
static void test_independent(void **state)
{
	enum { N = 20 };
	static double v[N * N], mean[REPLICATES];
	struct pigeonhole c = {0};

	(void)state;
	for (size_t i = 0; i < N; i++)
		v[i * N + i] = 1;
	pigeonhole_draw(&c, N, N, REPLICATES, 3);
	pigeonhole_means(&c, v, mean);
	assert_close(pigeonhole_mean(mean, REPLICATES), 1.0 / N, 0.1 / N);
	pigeonhole_free(&c);
}

/* Rows that are all the same tell nothing new: the interval is that of one of them. */
static void test_same_rows(void **state)
{
	double v[4 * 20], low[2], high[2];

	(void)state;
	for (size_t i = 0; i < 4 * 20; i++)
		v[i] = i % 20 < 7;
	interval(v, 4, 20, &low[0], &high[0]);
	interval(v, 1, 20, &low[1], &high[1]);
	assert_close(low[0], low[1], 1e-12);
	assert_close(high[0], high[1], 1e-12);
}

static void test_missing(void **state)
{
	const double some[] = {NAN, 1, NAN, 3, NAN, NAN}, none[] = {NAN, NAN};
	double low, high, mean[REPLICATES];
	struct pigeonhole c = {0};
	size_t empty = 0;

	(void)state;
	assert_close(pigeonhole_mean(some, 6), 2, 0);
	assert_true(isnan(pigeonhole_mean(none, 2)));
	interval(none, 1, 2, &low, &high);
	assert_true(isnan(low) && isnan(high));
	pigeonhole_draw(&c, 2, 3, REPLICATES, 3);
	pigeonhole_means(&c, some, mean);
	for (size_t r = 0; r < REPLICATES; r++) {
		empty += isnan(mean[r]);
		assert_true(isnan(mean[r]) || (mean[r] >= 1 && mean[r] <= 3));
	}
	assert_true(empty > 0 && empty < REPLICATES);
	pigeonhole_interval(mean, REPLICATES, &low, &high);
	assert_close(low, 1, 0);
	assert_close(high, 3, 0);
	pigeonhole_draw(&c, 2, 3, REPLICATES / 2, 3); /* fewer: they are other draws */
	assert_int_equal(c.replicates, REPLICATES / 2);
	pigeonhole_means(&c, some, mean);
	pigeonhole_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_row),     cmocka_unit_test(test_crossed),
		cmocka_unit_test(test_independent), cmocka_unit_test(test_same_rows),
		cmocka_unit_test(test_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
