/* rank.c - what base/rank does where there is one rank, and what it refuses. */
#include "base/rank.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void fold_adds_in_order(void **state)
{
	float total[2], lane[][2] = {{-0.0F, 1e8F}, {-0.0F, -1e8F}, {3, 1}};
	bool yes = true, no = false;

	(void)state;
	rank_fold(total, lane[0], &yes, 2, true);
	assert_true(signbit(total[0])); /* copied, not added to 0 */
	rank_fold(total, lane[1], &yes, 2, false);
	rank_fold(total, lane[1], &no, 2, false);
	rank_fold(total, lane[2], &yes, 2, false);
	rank_join_floats(total, 2);
	assert_true(total[0] == 3 && total[1] == 1);
	rank_fold(total, total, &yes, 2, true); /* as the first rank has it */
	assert_true(total[0] == 3 && total[1] == 1);
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
	assert_int_equal(rank_refuse(&why), 0);
	setenv("OMPI_COMM_WORLD_SIZE", "2", 1);
	assert_int_equal(rank_refuse(&why), ST_USAGE);
	unsetenv("OMPI_COMM_WORLD_SIZE");
	setenv("SLURM_STEP_NUM_TASKS", "2", 1);
	assert_int_equal(rank_start(&why), ST_USAGE);
	assert_non_null(strstr(why.text, "--mpi=pmix"));
	assert_int_equal(rank_refuse(&why), 0);
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
		cmocka_unit_test(fold_adds_in_order), cmocka_unit_test(alone_all_is_ones_own),
		cmocka_unit_test(launchers), cmocka_unit_test(the_module_is_missing)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
