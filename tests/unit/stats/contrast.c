/* Tests of stats/contrast.h: what blocks have in common, worked means and differences. */
#include "stats/contrast.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "close.h"
#include "evals.h"

static const uint64_t ks[] = {1, 2, 5};
static struct evalset set;
static struct contrast how;

static int begin(void **state)
{
	(void)state;
	set = (struct evalset){0};
	how = (struct contrast){.all = &set, .ks = ks, .n_ks = 3, .bootstrap = 50};
	return 0;
}

static int end(void **state)
{
	(void)state;
	evals_end(&set, &how);
	return 0;
}

static void add(const char *variant, const char *seed, const char *correct)
{
	evals_add(&set, variant, seed, 0, correct);
}

/* Three seeds of x, three of y, of which two are the same; one problem that y does not know */
static void begin_both(struct block *b)
{
	add("x", "1", "444");
	add("x", "2", "123");
	add("x", "3", "1-1");
	add("y", "3", "22");
	add("y", "2", "01");
	add("y", "4", "44");
	assert_int_equal(evalset_sort(&set, &(struct reason){0}), 0);
	b[0] = contrast_block(&set, 0);
	b[1] = contrast_find(&set, 0, 1, 0);
	assert_true(b[0].n == 3 && b[1].from == 3 && b[1].n == 3);
	assert_int_equal(contrast_find(&set, 0, 1, 1).n, 0);
}

static void what_both_have(void **state)
{
	const double want[] = {.25, .5, NAN, .25, NAN, NAN, 0, .25, NAN, .5, NAN, NAN};
	struct block b[2];
	double v[2 * 3 * 3];

	(void)state;
	begin_both(b);
	assert_int_equal(contrast_gather(&how, b, 2, CONTRAST_AVG, v), 2);
	for (size_t i = 0; i < 12; i++) /* x and y, seeds 2 and 3, problems a, b, c */
		assert_true(isnan(want[i]) ? isnan(v[i]) : v[i] == want[i]);
	assert_int_equal(contrast_gather(&how, b, 1, CONTRAST_ENTROPY, v), 3);
	assert_true(v[0] == .5 && isnan(v[1]) && v[3] == .5);
	assert_true(contrast_exists(&how, b[0], CONTRAST_PASS + 1));
	assert_false(contrast_exists(&how, b[0], CONTRAST_PASS + 2)); /* pass@5 of 4 samples */
	contrast_gather(&how, b, 2, CONTRAST_PASS + 2, v);
	for (size_t i = 0; i < 12; i++)
		assert_true(isnan(v[i]));
}

static void means_and_differences(void **state)
{
	struct block b[2];
	struct result r;

	(void)state;
	begin_both(b);
	r = contrast_mean(&how, b[0], CONTRAST_AVG);
	assert_close(r.value, (3 + 1.5 + .5) / 8, 1e-15);
	assert_true(r.low < r.value && r.value < r.high);
	/* (.25 + .5 + .25) / 3 - (0 + .25 + .5) / 3 */
	assert_close(contrast_difference(&how, b[0], b[1], CONTRAST_AVG).value, .25 / 3, 1e-15);
	assert_close(contrast_difference(&how, b[1], b[0], CONTRAST_AVG).value, -.25 / 3, 1e-15);
	how.bootstrap = 0;
	r = contrast_difference(&how, b[0], b[1], CONTRAST_AVG);
	assert_true(isnan(r.low) && isnan(r.high) && !isnan(r.value));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_both_have, begin, end),
		cmocka_unit_test_setup_teardown(means_and_differences, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
