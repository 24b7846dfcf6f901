/* The learning rate's end points and middle, by hand. */
#include "learn/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "close.h"

static void warmup_reaches_the_peak(void **state)
{
	(void)state;
	for (int d = DECAY_LINEAR; d <= DECAY_CONSTANT; d++) {
		assert_close(schedule(d, 0, 4, 100), 0.25, 1e-15);
		assert_close(schedule(d, 2, 4, 100), 0.75, 1e-15);
		assert_close(schedule(d, 3, 4, 100), 1, 1e-15);
		assert_close(schedule(d, 4, 4, 100), 1, 1e-15);
	}
}

static void linear_falls_to_zero(void **state)
{
	(void)state;
	assert_close(schedule(DECAY_LINEAR, 0, 0, 10), 1, 1e-15);
	assert_close(schedule(DECAY_LINEAR, 5, 0, 10), 0.5, 1e-15);
	assert_close(schedule(DECAY_LINEAR, 9, 0, 10), 0.1, 1e-15);
	assert_close(schedule(DECAY_LINEAR, 10, 0, 10), 0, 1e-15);
	assert_close(schedule(DECAY_LINEAR, 99, 0, 10), 0, 1e-15);
	assert_close(schedule(DECAY_LINEAR, 6, 2, 10), 0.5, 1e-15);
}

static void cosine_halves_in_the_middle(void **state)
{
	(void)state;
	assert_close(schedule(DECAY_COSINE, 2, 0, 8), 0.8535533905932737, 1e-15);
	assert_close(schedule(DECAY_COSINE, 4, 0, 8), 0.5, 1e-15);
	assert_close(schedule(DECAY_COSINE, 8, 0, 8), 0, 1e-15);
}

static void constant_and_short_runs_stay_at_one(void **state)
{
	(void)state;
	assert_close(schedule(DECAY_CONSTANT, 1000, 3, 10), 1, 0);
	assert_close(schedule(DECAY_LINEAR, 5, 5, 5), 1, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(warmup_reaches_the_peak),
		cmocka_unit_test(linear_falls_to_zero),
		cmocka_unit_test(cosine_halves_in_the_middle),
		cmocka_unit_test(constant_and_short_runs_stay_at_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
