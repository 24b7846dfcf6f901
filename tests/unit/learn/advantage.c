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
	const struct advantage_batch b = {
		.reward = REWARD, .len = LEN, .start = START, .groups = 2};
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
	const struct advantage_batch b = {
		.reward = EIGHT, .len = EIGHT_LEN, .start = EIGHT_START, .groups = groups};
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
		   {ADV_MAXRL, 1.666667, -1},
		   {ADV_OPO, .75, -.25}};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct advantage_opts o = {.kind = row[i].kind};

		check_eight(&o, 2, row[i].right, row[i].wrong, 0);
	}
}

/* Whitened over tokens: 160 of two groups, mean -.0625; 80 of one, mean -.125 */
static void reinforce_with_a_baseline(void **state)
{
	const struct advantage_opts o = {.kind = ADV_REINFORCE_PP_BASELINE};

	(void)state;
	check_eight(&o, 2, 2.193114, -.996870, .199374);
	check_eight(&o, 1, 1.721191, -.573730, 0);
}

static void maxrl_of_one_and_of_none(void **state)
{
	const double want[] = {1, -1, -1, 1, 0.5}; /* mean 1/2; a group of one: its reward */
	const double bad[] = {1, -0.5};
	const size_t start[] = {0, 2};
	const struct advantage_opts o = {.kind = ADV_MAXRL}, other = {.kind = ADV_GRPO};
	const struct advantage_batch b = {.reward = bad, .len = LEN, .start = start, .groups = 1};
	struct reason why;

	(void)state;
	check(ADV_MAXRL, want);
	assert_int_equal(advantage_check(&o, &b, &why), ST_INPUT);
	assert_non_null(strstr(why.text, "reward -0.5: --advantage maxrl"));
	assert_int_equal(advantage_check(&other, &b, &why), 0);
}

/* By c right ones of eight, k = 4; but for the 1e-6 beside the std */
static void pass_at_k_of_right_and_wrong(void **state)
{
	static const double right[] = {1, .522233, .277350, .120386, 0},
			    wrong[] = {-.142857, -.174078, -.166410, -.120386, 0};
	const size_t start[] = {0, 8};
	const struct advantage_opts o = {ADV_PASS_AT_K, 4}, all = {ADV_PASS_AT_K, 8};

	(void)state;
	for (size_t c = 1; c <= 5; c++) {
		double r[8], got[8];
		const struct advantage_batch b = {
			.reward = r, .len = EIGHT_LEN, .start = start, .groups = 1};

		for (size_t i = 0; i < 8; i++) /* in any order */
			r[i] = i * 3 % 8 < c;
		advantage_all(&o, &b, got);
		for (size_t i = 0; i < 8; i++)
			assert_close(got[i], r[i] > 0 ? right[c - 1] : wrong[c - 1],
				     c < 5 ? 5e-6 : 0);
		advantage_all(&all, &b, got);
		for (size_t i = 0; i < 8; i++)
			assert_close(got[i], 0, 0);
	}
}

/* A of response i, over all subsets of k, each a bit mask */
static double of_subsets(const double *r, unsigned n, int k, unsigned i)
{
	double sum = 0, square = 0, with = 0, n_all = 0, n_with = 0;

	for (unsigned s = 0; s < 1U << n; s++) {
		double best = -INFINITY;

		if (__builtin_popcount(s) != k)
			continue;
		for (unsigned j = 0; j < n; j++)
			if (s >> j & 1)
				best = fmax(best, r[j]);
		sum += best;
		square += best * best;
		n_all++;
		with += s >> i & 1 ? best : 0;
		n_with += s >> i & 1;
	}
	sum /= n_all;
	return (with / n_with - sum) / (sqrt(fmax(square / n_all - sum * sum, 0)) + 1e-6);
}

static void pass_at_k_of_grades(void **state)
{
	static const double r[] = {.5, 0, 1, .2, .5, .9, 0, .7},
			    four[] = {-.201839, -.201839, .720854,  -.201839,
				      -.201839, .336399,  -.201839, -.048057};
	double got[8];

	(void)state;
	for (size_t n = 1; n <= 8; n++)
		for (size_t k = 1; k < n; k++) {
			const size_t start[] = {0, n};
			const struct advantage_opts o = {ADV_PASS_AT_K, (int64_t)k};
			const struct advantage_batch b = {
				.reward = r, .len = EIGHT_LEN, .start = start, .groups = 1};

			advantage_all(&o, &b, got);
			for (unsigned i = 0; i < n; i++)
				assert_close(got[i], of_subsets(r, (unsigned)n, (int)k, i), 1e-6);
			for (size_t i = 0; i < 8 && n == 8 && k == 4; i++)
				assert_close(got[i], four[i], 6e-6);
			assert_true(n < 8 ||
				    got[1] == got[6]); /* equal rewards, equal advantages */
		}
}

static void pass_at_k_of_too_few_is_nothing(void **state)
{
	const double want[] = {0, 0, 0, 0, 0};
	const struct advantage_opts o = {ADV_PASS_AT_K, 5};
	const struct advantage_batch b = {
		.reward = REWARD, .len = LEN, .start = START, .groups = 2};
	double got[5];

	(void)state;
	advantage_all(&o, &b, got);
	assert_memory_equal(got, want, sizeof got);
}

/* Three of eight are right, and all but the last have the right form. */
static void gdpo_of_two_rewards(void **state)
{
	static const double want[] = {.970899,  .970899,  .970899,  -.230737,
				      -.230737, -.230737, -.230737, -1.989749};
	const double weight[] = {1, 1}, alone[] = {3, 3};
	const struct advantage_opts o = {.kind = ADV_GDPO};
	double part[16], got[8];
	struct advantage_batch b = {.reward = EIGHT,
				    .len = EIGHT_LEN,
				    .start = EIGHT_START,
				    .groups = 1,
				    .part = part,
				    .weight = weight,
				    .parts = 2};

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		part[2 * i] = i < 3;
		part[2 * i + 1] = i < 7;
	}
	advantage_all(&o, &b, got);
	for (size_t i = 0; i < 8; i++)
		assert_close(got[i], want[i], 2e-6);
	/* a weight for all is no weight */
	b.weight = alone;
	advantage_all(&o, &b, got);
	for (size_t i = 0; i < 8; i++)
		assert_close(got[i], want[i], 4e-6);
	/* of one reward it is grpo's, but for the batch's scale */
	b.part = EIGHT;
	b.parts = 1;
	advantage_all(&o, &b, got);
	assert_close(got[0] / got[7], -5.0 / 3, 1e-9);
}

static void equal_rewards_give_nothing(void **state)
{
	const double reward[] = {1, 1, 1};
	const size_t len[] = {4, 5, 6}, start[] = {0, 3};
	const double weight[] = {2};
	const struct advantage_batch b = {.reward = reward,
					  .len = len,
					  .start = start,
					  .groups = 1,
					  .part = reward,
					  .weight = weight,
					  .parts = 1};
	double got[3];

	(void)state;
	for (int kind = ADV_GRPO; kind <= ADV_GDPO; kind++) {
		const struct advantage_opts o = {(enum advantage)kind, 2};

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
		cmocka_unit_test(reinforce_with_a_baseline),
		cmocka_unit_test(maxrl_of_one_and_of_none),
		cmocka_unit_test(pass_at_k_of_right_and_wrong),
		cmocka_unit_test(pass_at_k_of_grades),
		cmocka_unit_test(pass_at_k_of_too_few_is_nothing),
		cmocka_unit_test(gdpo_of_two_rewards),
		cmocka_unit_test(equal_rewards_give_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
