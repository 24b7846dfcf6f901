/* Tests of stats/frontier.h: worked numbers, and the mean against a sum over many small steps. */
#include "stats/frontier.h"
#include "base/mem.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "close.h"

/* A lower temperature: more right, less variously */
static const struct frontier_point falls[] = {{.36, .46}, {.35, .56}, {.31, .64}};
/* The lowest one is less right again */
static const struct frontier_point turns[] = {{.355, .46}, {.36, .5}, {.31, .65}};

static void worked_values(void **state)
{
	(void)state;
	assert_close(frontier_at(falls, 3, .33), .60, 1e-15); /* half way from .64 to .56 */
	assert_close(frontier_at(falls, 3, .358), .48, 1e-14);
	assert_close(frontier_at(falls, 3, .36), .46, 0);
	assert_close(frontier_at(falls, 3, .30), .64, 0); /* T = 1 has even more x */
	assert_true(isnan(frontier_at(falls, 3, .3601)));
	assert_close(frontier_at(turns, 3, .355), .515, 1e-15); /* not .46 */
	assert_close(frontier_at(turns, 3, .36), .5, 0);
	assert_close(frontier_at(falls + 2, 1, .31), .64, 0);
	assert_true(isnan(frontier_at(falls, 0, 0)));
}

static void worked_means(void **state)
{
	(void)state;
	/* areas: .04 (.64 + .56) / 2 = .024 and .01 (.56 + .46) / 2 = .0051 */
	assert_close(frontier_mean(falls, 3, .31, .36), .0291 / .05, 1e-14);
	assert_close(frontier_mean(falls, 3, .29, .33), (.02 * .64 + .02 * .62) / .04, 1e-14);
	assert_close(frontier_mean(turns, 3, .31, .36), .575, 1e-14);
	assert_close(frontier_mean(falls + 2, 1, .1, .31), .64, 1e-15);
	assert_true(isnan(frontier_mean(falls, 3, .33, .33)));
	assert_true(isnan(frontier_mean(falls, 3, .33, .37)));
	assert_true(isnan(frontier_mean(falls, 0, 0, 1)));
}

/* Points anywhere, as no evaluation has them: lines that cross, the best y in the middle, equal x
 */
static void means_of_any_points(void **state)
{
	enum { N = 7, STEPS = 20000 };
	struct frontier_point v[N];

	(void)state;
	for (uint64_t trial = 0; trial < 40; trial++) {
		uint64_t key = rng_key(5, RNG_TEST, trial, 0, 0);
		double most = 0, from = .2 * rng_uniform(key, 99), sum = 0;

		for (size_t i = 0; i < N; i++) {
			v[i] = (struct frontier_point){rng_uniform(key, 2 * i),
						       rng_uniform(key, 2 * i + 1)};
			v[i].x = trial % 4 ? v[i].x : round(v[i].x * 4) / 4;
			most = fmax(most, v[i].x);
		}
		for (size_t i = 0; i < STEPS; i++)
			sum += frontier_at(v, N, from + (most - from) * ((double)i + .5) / STEPS);
		assert_close(frontier_mean(v, N, from, most), sum / STEPS, 1e-4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(worked_values),
		cmocka_unit_test(worked_means),
		cmocka_unit_test(means_of_any_points),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
