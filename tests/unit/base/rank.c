/* rank.c - what base/rank does where there is one rank, and what it refuses. */
#include "base/rank.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const size_t two[] = {0, 2};

static void fold_adds_in_order(void **state)
{
	float total[2], lane[][2] = {{-0.0F, 1e8F}, {-0.0F, -1e8F}, {3, 1}};
	bool yes = true, no = false;

	(void)state;
	rank_fold(total, lane[0], &yes, two, true);
	assert_true(signbit(total[0])); /* copied, not added to 0 */
	rank_fold(total, lane[1], &yes, two, false);
	rank_fold(total, NULL, &no, two, false);
	rank_fold(total, lane[2], &yes, two, false);
	rank_join_floats(total, two);
	assert_true(total[0] == 3 && total[1] == 1);
	rank_fold(total, total, &yes, two, true); /* where there is one lane */
	assert_true(total[0] == 3 && total[1] == 1);
}

static void parts_are_collected(void **state)
{
	static const size_t five[] = {0, 5};
	const float part[] = {1, 2, 3, 4, 5};
	float to[3] = {0};
	int ranks = 7;

	(void)state;
	rank_collect(to, part, five, 1, 3);
	assert_memory_equal(to, part + 1, sizeof to);
	rank_collect(to, part, five, 5, 0);
	assert_int_equal(rank_host_sum(12, &ranks), 12);
	assert_int_equal(ranks, 1);
}

static void alone_all_is_ones_own(void **state)
{
	struct reason why = {ST_NO, "as it was"};

	(void)state;
	assert_int_equal(rank_count(), 1);
	assert_int_equal(rank_self(), 0);
	assert_int_equal(rank_share(7, 0), 0);
	assert_int_equal(rank_share(7, 1), 7);
	assert_int_equal(rank_agree(ST_INPUT, &why), ST_INPUT);
	assert_string_equal(why.text, "as it was");
	assert_int_equal(rank_same(1, "a thing", &why), 0);
	assert_int_equal(rank_caught(), 0);
	rank_deal(0, 9, 2);
	assert_int_equal(rank_dealt(NULL, NULL), -1);
	rank_deal_answer();
	rank_deal_end(false);
	assert_int_equal(rank_end(ST_NO), ST_NO);
}

static void launchers(void **state)
{
	struct reason why;

	(void)state;
	assert_int_equal(rank_start(&why), 0);
	setenv("SLURM_NTASKS", "4", 1); /* of a batch script */
	setenv("OMPI_COMM_WORLD_SIZE", "1", 1);
	assert_int_equal(rank_start(&why), 0);
	unsetenv("OMPI_COMM_WORLD_SIZE");
	setenv("SLURM_STEP_NUM_TASKS", "2", 1);
	assert_int_equal(rank_start(&why), ST_USAGE);
	assert_non_null(strstr(why.text, "--mpi=pmix"));
}

static void the_module_is_missing(void **state)
{
	struct reason why;

	(void)state;
	setenv("PMI_SIZE", "2", 1);
	assert_int_equal(rank_start(&why), ST_SYSTEM);
	assert_non_null(strstr(why.text, "make mpi"));
	assert_int_equal(rank_count(), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fold_adds_in_order), cmocka_unit_test(parts_are_collected),
		cmocka_unit_test(alone_all_is_ones_own), cmocka_unit_test(launchers),
		cmocka_unit_test(the_module_is_missing)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
