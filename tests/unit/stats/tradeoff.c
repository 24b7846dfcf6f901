/* Tests of stats/tradeoff.h on evaluations made by hand: the choice of a temperature, worked
 * numbers of two curves, their intervals. */
#include "stats/tradeoff.h"
#include "base/mem.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "close.h"
#include "evals.h"

static const uint64_t ks[] = {1, 2};
static struct evalset set;
static struct contrast how;

static int begin(void **state)
{
	(void)state;
	set = (struct evalset){.by_temperature = true};
	how = (struct contrast){.all = &set, .ks = ks, .n_ks = 2, .bootstrap = 400};
	return 0;
}

static int end(void **state)
{
	(void)state;
	evals_end(&set, &how);
	return 0;
}

/* At t hundredths of temperature 1 */
static void add(const char *variant, const char *seed, int64_t t, const char *correct)
{
	evals_add(&set, variant, seed, t * EVALSET_DEGREES / 100, correct);
}

static struct tradeoff compare(void)
{
	struct reason why;

	assert_int_equal(evalset_sort(&set, &why), 0);
	return tradeoff_compare(&how, 0, 0, 1);
}

static void the_best(void **state)
{
	(void)state;
	add("x", "1", 25, "40"); /* .5 */
	add("x", "1", 50, "41"); /* .625 */
	add("x", "1", 70, "32"); /* the same */
	add("x", "1", 100, "11");
	add("x", "1", 10, "-0"); /* 0: what was not judged is not counted as wrong */
	assert_int_equal(tradeoff_best(&how, 0, 0, CONTRAST_AVG), 70 * EVALSET_DEGREES / 100);
	/* pass@2 of 1 of 4: .5, of 3: 1 */
	assert_int_equal(tradeoff_best(&how, 0, 0, CONTRAST_PASS + 1), 70 * EVALSET_DEGREES / 100);
	assert_int_equal(tradeoff_best(&how, 0, 1, CONTRAST_AVG), -1);
	add("x", "2", 100, "11"); /* the others lack this seed */
	assert_int_equal(evalset_sort(&set, &(struct reason){0}), 0);
	assert_int_equal(tradeoff_best(&how, 0, 0, CONTRAST_AVG), EVALSET_DEGREES);
}

/* pass@2 of c of 4 correct: 0, 1/2, 5/6, 1, 1 */
static void worked_numbers(void **state)
{
	struct tradeoff t;

	(void)state;
	add("x", "1", 100, "2200"); /* avg .25, pass .41667 */
	add("x", "1", 50, "4400");  /* .5, .5 */
	add("y", "1", 100, "1111"); /* .25, .5 */
	add("y", "1", 50, "3211");  /* .4375, .70833 */
	t = compare();
	assert_int_equal(t.k, 1);
	assert_int_equal(t.seeds, 1);
	assert_close(t.value[TRADEOFF_FROM].value, .25, 1e-15);
	assert_close(t.value[TRADEOFF_TO].value, .4375, 1e-15);
	assert_close(t.value[TRADEOFF_MEAN].value, .5, 1e-14); /* x rises: its best is its end */
	assert_close(t.value[TRADEOFF_AREA].value, .5 * .1875, 1e-14);
	assert_close(t.diff[TRADEOFF_MEAN].value, .5 - 17.0 / 24, 1e-14);
	assert_close(t.diff[TRADEOFF_AREA].value, (.5 - 17.0 / 24) * .1875, 1e-14);
	assert_close(t.value[TRADEOFF_EQUAL_AVG].value, .4375, 1e-15);
	assert_close(t.value[TRADEOFF_PASS].value, .5, 1e-15);
	assert_close(t.diff[TRADEOFF_PASS].value, .5 - 17.0 / 24, 1e-14);
	assert_close(t.value[TRADEOFF_EQUAL_PASS].value, .5, 1e-15);
	assert_close(t.value[TRADEOFF_AVG].value, .5, 1e-15);
	assert_close(t.diff[TRADEOFF_AVG].value, .0625, 1e-15);
	assert_true(isnan(t.diff[TRADEOFF_FROM].value) && isnan(t.diff[TRADEOFF_EQUAL_AVG].value));
}

/* x is more accurate at its worst than y at its best: no common range, but the better one is known
 */
static void no_overlap(void **state)
{
	struct tradeoff t;

	(void)state;
	add("x", "1", 100, "33");
	add("x", "1", 50, "44");
	add("y", "1", 100, "11");
	t = compare();
	assert_true(isnan(t.value[TRADEOFF_AREA].value) && isnan(t.value[TRADEOFF_FROM].value));
	assert_true(isnan(t.diff[TRADEOFF_MEAN].low));
	assert_close(t.value[TRADEOFF_EQUAL_AVG].value, .25, 0);
	assert_close(t.diff[TRADEOFF_PASS].value, .5, 1e-15);
	assert_close(t.diff[TRADEOFF_AVG].value, .75, 1e-15);
}

/* Half of the resamples draw one problem twice, and then the curves have no accuracy in common. */
static void too_few_resamples(void **state)
{
	struct tradeoff t;

	(void)state;
	add("x", "1", 100, "20");
	add("x", "1", 50, "40");
	add("y", "1", 100, "03");
	add("y", "1", 50, "04");
	t = compare();
	assert_close(t.value[TRADEOFF_FROM].value, .375, 0);
	assert_close(t.value[TRADEOFF_TO].value, .5, 0);
	assert_false(isnan(t.diff[TRADEOFF_AREA].value));
	assert_true(isnan(t.diff[TRADEOFF_AREA].low) && isnan(t.diff[TRADEOFF_AREA].high));
	assert_false(isnan(t.diff[TRADEOFF_PASS].low));
}

/* A point is missing for a seed, a problem in one evaluation: both are left out of all. */
static void what_all_have(void **state)
{
	struct tradeoff t;

	(void)state;
	add("x", "1", 100, "202");
	add("x", "2", 100, "444");
	add("y", "1", 100, "20-");
	t = compare();
	assert_int_equal(t.seeds, 1);
	assert_close(t.value[TRADEOFF_EQUAL_AVG].value, .25, 0);
	assert_close(t.diff[TRADEOFF_PASS].value, 0, 0);
	assert_close(t.diff[TRADEOFF_PASS].low, 0, 0);
	assert_close(t.diff[TRADEOFF_PASS].high, 0, 0);
	add("z", "1", 100, "222");
	assert_int_equal(tradeoff_compare(&how, 0, 0, 9).k, how.n_ks);
}

/* y solves of each problem one sample less: whatever is drawn, x is ahead; and no k above 1, no
 * curve */
static void intervals(void **state)
{
	struct tradeoff t;

	(void)state;
	for (int s = 0; s < 3; s++) {
		const char *seed = (const char *[]){"1", "2", "3"}[s];

		add("x", seed, 100, "12212322");
		add("x", seed, 50, "34434433");
		add("y", seed, 100, "01101211");
		add("y", seed, 50, "23323322");
	}
	t = compare();
	assert_int_equal(t.seeds, 3);
	for (size_t i = 0; i < TRADEOFFS; i++) {
		assert_true(t.value[i].low <= t.value[i].value &&
			    t.value[i].value <= t.value[i].high);
	}
	assert_true(t.value[TRADEOFF_AREA].low < t.value[TRADEOFF_AREA].high);
	assert_true(t.diff[TRADEOFF_AREA].low > 0 && t.diff[TRADEOFF_MEAN].low > 0);
	assert_true(t.diff[TRADEOFF_PASS].low >= 0 && t.diff[TRADEOFF_AVG].low > 0);
	how.n_ks = 1;
	assert_int_equal(tradeoff_compare(&how, 0, 0, 1).k, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_best, begin, end),
		cmocka_unit_test_setup_teardown(worked_numbers, begin, end),
		cmocka_unit_test_setup_teardown(no_overlap, begin, end),
		cmocka_unit_test_setup_teardown(too_few_resamples, begin, end),
		cmocka_unit_test_setup_teardown(what_all_have, begin, end),
		cmocka_unit_test_setup_teardown(intervals, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
