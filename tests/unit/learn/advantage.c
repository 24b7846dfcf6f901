/* Advantages worked by hand. */
#include "learn/advantage.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "close.h"

/* two groups: {1, 0, 0, 1} and a lone {0.5} */
static const double REWARD[] = {1, 0, 0, 1, 0.5};
static const size_t LEN[] = {1, 2, 3, 1, 1};
static const size_t START[] = {0, 4, 5};

static void check(enum advantage kind, const double *want)
{
	double got[5];

	advantage_all(kind, REWARD, LEN, START, 2, got);
	for (int i = 0; i < 5; i++)
		assert_close(got[i], want[i], 1e-12);
}

static void grpo_divides_by_the_unbiased_std(void **state)
{
	/* mean 1/2, sum of squares 1, std sqrt(1/3) */
	const double a = 0.5 / (sqrt(1.0 / 3) + 1e-6);
	const double want[] = {a, -a, -a, a, 0.5 / (1 + 1e-6)};

	(void)state;
	check(ADV_GRPO, want);
}

static void dr_grpo_only_centres(void **state)
{
	const double want[] = {0.5, -0.5, -0.5, 0.5, 0.5};

	(void)state;
	check(ADV_DR_GRPO, want);
}

static void rloo_leaves_itself_out(void **state)
{
	/* 1 - mean of {0, 0, 1} = 2/3 */
	const double want[] = {2.0 / 3, -2.0 / 3, -2.0 / 3, 2.0 / 3, 0.5};

	(void)state;
	check(ADV_RLOO, want);
}

static void reinforce_whitens_tokens_of_the_batch(void **state)
{
	/* 8 tokens: two of 1, five of 0, one of 0.5; mean 2.5/8; var (2.25 - 8 mean^2) / 7 */
	const double mean = 2.5 / 8, s = sqrt((2.25 - 8 * mean * mean) / 7 + 1e-8);
	const double want[] = {(1 - mean) / s, -mean / s, -mean / s, (1 - mean) / s,
			       (0.5 - mean) / s};

	(void)state;
	check(ADV_REINFORCE_PP, want);
}

static void equal_rewards_give_nothing(void **state)
{
	const double reward[] = {1, 1, 1};
	const size_t len[] = {4, 5, 6}, start[] = {0, 3};
	double got[3];

	(void)state;
	for (int kind = ADV_GRPO; kind <= ADV_REINFORCE_PP; kind++) {
		advantage_all(kind, reward, len, start, 1, got);
		for (int i = 0; i < 3; i++)
			assert_close(got[i], 0, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grpo_divides_by_the_unbiased_std),
		cmocka_unit_test(dr_grpo_only_centres),
		cmocka_unit_test(rloo_leaves_itself_out),
		cmocka_unit_test(reinforce_whitens_tokens_of_the_batch),
		cmocka_unit_test(equal_rewards_give_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
