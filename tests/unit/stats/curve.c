/* Tests of stats/curve.h: two runs of two iterations worked out by hand. */
#include "stats/curve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "close.h"

static struct span text(const char *s)
{
	return (struct span){s, strlen(s)};
}

static void row(struct curves *c, const char *group, const char *run, int64_t step, double v)
{
	struct curve_row r = {.step = step, .iter = -1, .v = &v};

	curve_add(c, text(group), text(run), &r);
}

/* A step that does not grow begins an iteration, behind the steps so far; the mean begins anew. */
static void test_clock(void **state)
{
	static const int64_t want[] = {1, 2, 4, 5, 6, 6 + 2};
	static const double mean[] = {1, 1.5, 2.5, 4, 5, 6};
	struct curves c = {.columns = 1, .smooth = 2};

	(void)state;
	row(&c, "g", "a", 1, 1);
	row(&c, "g", "a", 2, 2);
	row(&c, "g", "a", 4, 3);
	row(&c, "g", "a", 1, 4);
	row(&c, "g", "a", 2, 6);
	row(&c, "g", "a", 2, 6);
	assert_int_equal(c.pairs.n, 1);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(c.run[0].at[i].step, want[i]);
		assert_int_equal(c.run[0].at[i].iter, i < 3 ? 1 : i < 5 ? 2 : 3);
		assert_close(c.run[0].v[i], mean[i], 0);
	}
	curve_free(&c);
}

/* What begins an iteration beside the step: its number, another file; not an update's second row */
static void test_iterations(void **state)
{
	static const struct curve_row rows[] = {
		{.step = 1, .iter = 1},           {.step = 1, .iter = 1, .repeats = true},
		{.step = 2, .iter = 2},           {.step = 3, .iter = 2, .log = 1},
		{.step = 4, .iter = 2, .log = 1},
	};
	static const uint64_t iter[] = {1, 1, 2, 3, 3};
	static const int64_t step[] = {1, 1, 2, 3, 4};
	struct curves c = {.columns = 1, .smooth = 1};

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		double v = (double)i;
		struct curve_row r = rows[i];

		r.v = &v;
		curve_add(&c, text("g"), text("a"), &r);
		assert_int_equal(c.run[0].at[i].iter, iter[i]);
		assert_int_equal(c.run[0].at[i].step, step[i]);
	}
	curve_free(&c);
}

static void test_means(void **state)
{
	struct curves c = {.columns = 1, .smooth = 1};
	struct curve_mean *m;
	size_t n;

	(void)state;
	row(&c, "g", "a", 1, 1);
	row(&c, "h", "a", 1, 100);
	row(&c, "g", "b", 1, 2);
	row(&c, "g", "b", 3, 4);
	row(&c, "g", "a", 2, NAN);
	row(&c, "g", "a", 1, 7); /* at 3 */
	m = curve_means(&c, 0, 0, &n);
	assert_int_equal(n, 2);
	assert_int_equal(m[0].step, 1);
	assert_int_equal(m[0].runs, 2);
	assert_close(m[0].value, 1.5, 0);
	assert_close(m[0].low, 1, 0);
	assert_close(m[0].high, 2, 0);
	assert_false(m[0].begins);
	assert_int_equal(m[1].step, 3);
	assert_close(m[1].value, 5.5, 0);
	assert_true(m[1].begins);
	free(m);
	m = curve_means(&c, 1, 0, &n);
	assert_int_equal(n, 1);
	assert_close(m[0].value, 100, 0);
	free(m);
	curve_free(&c);
}

/* Steps from 0: an iteration's first is where the one before ended, and the run is still one. */
static void test_from_zero(void **state)
{
	struct curves c = {.columns = 1, .smooth = 1};
	struct curve_mean *m;
	size_t n;

	(void)state;
	row(&c, "g", "a", 0, 1);
	row(&c, "g", "a", 1, 2);
	row(&c, "g", "a", 0, 4);
	m = curve_means(&c, 0, 0, &n);
	assert_int_equal(n, 2);
	assert_int_equal(m[1].step, 1);
	assert_int_equal(m[1].runs, 1);
	assert_close(m[1].value, 3, 0);
	free(m);
	curve_free(&c);
}

/* A NaN takes no place among the numbers that are averaged, each column has its own. */
static void test_absent(void **state)
{
	static const double v[][2] = {{1, 8}, {NAN, 4}, {3, NAN}, {5, 6}};
	struct curves c = {.columns = 2, .smooth = 2};

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct curve_row r = {.step = i, .iter = -1, .v = v[i]};

		curve_add(&c, text("g"), text("a"), &r);
	}
	assert_close(c.run[0].v[0], 1, 0);
	assert_true(isnan(c.run[0].v[2]));
	assert_close(c.run[0].v[3], 6, 0);
	assert_close(c.run[0].v[4], 2, 0);
	assert_true(isnan(c.run[0].v[5]));
	assert_close(c.run[0].v[6], 4, 0);
	assert_close(c.run[0].v[7], 5, 0);
	curve_free(&c);
}

static void test_totals(void **state)
{
	struct curves c = {.columns = 1, .smooth = 1};
	struct curve_mean m;

	(void)state;
	for (int i = 1; i <= 4; i++)
		row(&c, "g", "a", i, i);
	row(&c, "g", "b", 1, 10);
	row(&c, "g", "none", 1, NAN);
	m = curve_total(&c, 0, 0, 0, false); /* 2.5 and 10 */
	assert_int_equal(m.step, 4);
	assert_int_equal(m.runs, 2);
	assert_close(m.value, 6.25, 0);
	assert_close(m.low, 2.5, 0);
	assert_close(m.high, 10, 0);
	m = curve_total(&c, 0, 0, 2, false); /* 3.5 and 10 */
	assert_close(m.value, 6.75, 0);
	m = curve_total(&c, 0, 0, 0, true); /* 10 and 10 */
	assert_close(m.low, 10, 0);
	curve_free(&c);
}

static void test_bootstrap(void **state)
{
	struct curves c = {.columns = 1, .smooth = 1, .bootstrap = 400};
	struct curve_mean m;

	(void)state;
	row(&c, "g", "a", 1, 0);
	row(&c, "g", "b", 1, 0);
	row(&c, "g", "c", 1, 0);
	row(&c, "g", "d", 1, 1);
	m = curve_total(&c, 0, 0, 0, false);
	assert_close(m.value, 0.25, 0);
	assert_close(m.low, 0, 0);
	assert_close(m.high, 0.75, 0); /* 4 of 4 draws: 1 in 256 */
	curve_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clock),     cmocka_unit_test(test_iterations),
		cmocka_unit_test(test_means),     cmocka_unit_test(test_from_zero),
		cmocka_unit_test(test_absent),    cmocka_unit_test(test_totals),
		cmocka_unit_test(test_bootstrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
