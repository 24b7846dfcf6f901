/* Advantages worked by hand. */
#include "learn/advantage.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "close.h"

/* two groups: {1, 0, 0, 1} and a lone {0.5} */
static const double REWARD[] = {1, 0, 0, 1, 0.5};
static const size_t LEN[] = {1, 2, 3, 1, 1};
static const size_t START[] = {0, 4, 5};

static void check(enum advantage kind, const double *want)
{
	const struct advantage_opts o = {.kind = kind};
	const struct advantage_batch b = {REWARD, LEN, START, 2};
	double got[5];

	advantage_all(&o, &b, got);
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

/* Three right responses of eight, of 20 and of 60 tokens; then as many groups of eight wrong ones
 * of ten tokens as one likes. */
static const double EIGHT[] = {1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
static const size_t EIGHT_LEN[] = {4, 6, 10, 8, 8, 12, 20, 12, 10, 10, 10, 10, 10, 10, 10, 10};
static const size_t EIGHT_START[] = {0, 8, 16};

/* What the right ones and the wrong ones get */
static void check_eight(const struct advantage_opts *o, size_t groups, double right, double wrong,
			double rest)
{
	const struct advantage_batch b = {EIGHT, EIGHT_LEN, EIGHT_START, groups};
	double got[16];

	assert_int_equal(advantage_check(o, &b, NULL), 0);
	advantage_all(o, &b, got);
	for (size_t i = 0; i < 8 * groups; i++)
		assert_close(got[i], i < 3 ? right : i < 8 ? wrong : rest, 2e-6);
}

static void three_of_eight(void **state)
{
	static const struct {
		enum advantage kind;
		double right, wrong;
	} row[] = {{ADV_GRPO, 1.207612, -.724567},
		   {ADV_DR_GRPO, .625, -.375},
		   {ADV_RLOO, .714286, -.428571},
		   {ADV_MAXRL, 1.666667, -1}};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct advantage_opts o = {.kind = row[i].kind};

		check_eight(&o, 2, row[i].right, row[i].wrong, 0);
	}
}

static void maxrl_of_one_and_of_none(void **state)
{
	const double want[] = {1, -1, -1, 1, 0.5}; /* mean 1/2; a group of one: its reward */
	const double bad[] = {1, -0.5};
	const size_t start[] = {0, 2};
	const struct advantage_opts o = {.kind = ADV_MAXRL}, other = {.kind = ADV_GRPO};
	const struct advantage_batch b = {bad, LEN, start, 1};
	struct reason why;

	(void)state;
	check(ADV_MAXRL, want);
	assert_int_equal(advantage_check(&o, &b, &why), ST_INPUT);
	assert_non_null(strstr(why.text, "reward -0.5: --advantage maxrl"));
	assert_int_equal(advantage_check(&other, &b, &why), 0);
}

static void equal_rewards_give_nothing(void **state)
{
	const double reward[] = {1, 1, 1};
	const size_t len[] = {4, 5, 6}, start[] = {0, 3};
	const struct advantage_batch b = {reward, len, start, 1};
	double got[3];

	(void)state;
	for (int kind = ADV_GRPO; kind <= ADV_MAXRL; kind++) {
		const struct advantage_opts o = {.kind = (enum advantage)kind};

		advantage_all(&o, &b, got);
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
		cmocka_unit_test(three_of_eight),
		cmocka_unit_test(maxrl_of_one_and_of_none),
		cmocka_unit_test(equal_rewards_give_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
