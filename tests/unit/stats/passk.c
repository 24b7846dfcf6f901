/* Tests of stats/passk.h: the estimator against exact values, intervals against known ones. */
#include "base/json.h"
#include "stats/passk.h"
#include "base/mem.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "close.h"

/* By hand: C(n-c,k) / C(n,k) */
static void test_small(void **state)
{
	(void)state;
	assert_close(passk(1, 1, 1), 1, 0);
	assert_close(passk(1, 0, 1), 0, 0);
	assert_close(passk(4, 1, 2), 0.5, 1e-16);       /* 1 - 3/6 */
	assert_close(passk(5, 2, 2), 0.7, 2e-16);       /* 1 - 3/10 */
	assert_close(passk(10, 3, 4), 5.0 / 6, 2e-16);  /* 1 - 35/210 */
	assert_close(passk(6, 3, 4), 1, 0);             /* only 3 are wrong */
	assert_close(passk(6, 2, 4), 14.0 / 15, 2e-16); /* 1 - 1/15: all 4 wrong ones */
	assert_close(passk(32, 0, 32), 0, 0);
	assert_close(passk(32, 1, 32), 1, 0);
	assert_close(passk(200, 5, 100), 0.9703083947657067, 2e-16);
	assert_true(isnan(passk(4, 2, 5)));
	assert_true(isnan(passk(4, 2, 0)));
	assert_true(isnan(passk(0, 0, 1)));
}

/* 1 - product with 113 bits, from the definition: the error left is far below a double's. */
static double exact(uint64_t n, uint64_t c, uint64_t k)
{
	__float128 p = 1;

	if (c > n - k)
		return 1;
	for (uint64_t i = 0; i < k; i++)
		p = p * (__float128)(n - c - i) / (__float128)(n - i);
	return (double)(1 - p);
}

static void test_precision(void **state)
{
	static const uint64_t ns[] = {1, 2, 3, 7, 16, 64, 200, 1000, 4096, 10000};
	double worst = 0;

	(void)state;
	for (size_t i = 0; i < sizeof ns / sizeof ns[0]; i++)
		for (uint64_t j = 0; j < 300; j++) {
			uint64_t key = rng_key(1, RNG_TEST, i, 0, 0), n = ns[i];
			uint64_t c = j < 3 ? j % (n + 1) : rng_below(key, 2 * j, n + 1);
			uint64_t k = 1 + (j % 2 ? rng_below(key, 2 * j + 1, n) : j % n);
			double want = exact(n, c, k), got = passk(n, c, k);

			if (want == 0)
				assert_true(got == 0);
			else if (fabs(got / want - 1) > worst)
				worst = fabs(got / want - 1);
		}
	assert_true(worst < 3e-13);
}

static void test_avg_is_pass_at_1(void **state)
{
	(void)state;
	for (uint64_t c = 0; c <= 100; c++)
		assert_close(passk(100, c, 1), (double)c / 100, 1e-15);
}

static void test_interval_known(void **state)
{
	double two[] = {0, 1}, same[] = {0.25, 0.25, 0.25}, half[100], low, high;

	(void)state;
	/* means 0, 1/2, 1 with chances 1/4, 1/2, 1/4 */
	passk_bootstrap(two, 1, 2, 1000, 3, &low, &high);
	assert_close(low, 0, 0);
	assert_close(high, 1, 0);
	passk_bootstrap(same, 1, 3, 1000, 3, &low, &high);
	assert_close(low, 0.25, 1e-15);
	assert_close(high, 0.25, 1e-15);
	/* binomial: 0.5 +- 1.96 * 0.05 */
	for (int i = 0; i < 100; i++)
		half[i] = i % 2;
	passk_bootstrap(half, 1, 100, 4000, 3, &low, &high);
	assert_close(low, 0.402, 0.011);
	assert_close(high, 0.598, 0.011);
}

/* The quantiles of one resample and of two: interpolation between order statistics */
static void test_interval_quantile(void **state)
{
	double v[] = {0, 1, 2, 5}, mean[2] = {0, 0}, low, high;

	(void)state;
	for (size_t r = 0; r < 2; r++)
		for (size_t i = 0; i < 4; i++)
			mean[r] += v[rng_below(rng_key(8, RNG_BOOTSTRAP, r, 0, 0), i, 4)] / 4;
	passk_bootstrap(v, 1, 4, 1, 8, &low, &high);
	assert_close(low, mean[0], 1e-15);
	assert_close(high, mean[0], 1e-15);
	passk_bootstrap(v, 1, 4, 2, 8, &low, &high);
	assert_true(mean[0] != mean[1]);
	assert_close(low, fmin(mean[0], mean[1]) + 0.025 * fabs(mean[1] - mean[0]), 1e-15);
	assert_close(high, fmax(mean[0], mean[1]) - 0.025 * fabs(mean[1] - mean[0]), 1e-15);
}

static void test_interval_metrics(void **state)
{
	double v[3][5] = {{0, 1, 0, 1, 1}, {NAN, NAN, NAN, NAN, NAN}, {0, 2, 0, 2, 2}};
	double low[3], high[3], again_low[3], again_high[3];

	(void)state;
	passk_bootstrap(v[0], 3, 5, 500, 11, low, high);
	assert_true(isnan(low[1]) && isnan(high[1]));
	/* every metric sees the same resamples */
	assert_close(low[2], 2 * low[0], 1e-15);
	assert_close(high[2], 2 * high[0], 1e-15);
	passk_bootstrap(v[0], 3, 5, 500, 11, again_low, again_high);
	assert_true(low[0] == again_low[0] && high[0] == again_high[0]);
	passk_bootstrap(v[0], 3, 0, 500, 11, low, high);
	assert_true(isnan(low[0]) && isnan(high[2]));
	passk_bootstrap(v[0], 3, 5, 0, 11, low, high);
	assert_true(isnan(low[0]));
	passk_bootstrap(v[0], 3, 5, SIZE_MAX / 2, 11, low, high); /* more than there is memory */
	assert_true(isnan(low[0]));
}

static void test_list(void **state)
{
	uint64_t ks[3];

	(void)state;
	assert_int_equal(passk_list("1,32,8", ks, 3), 3);
	assert_true(ks[0] == 1 && ks[1] == 32 && ks[2] == 8);
	assert_int_equal(passk_list("1,2,3,4", ks, 3), 0);
	assert_int_equal(passk_list("1,2,1", ks, 3), 0);
	assert_int_equal(passk_list("1,,2", ks, 3), 0);
	assert_int_equal(passk_list("1,", ks, 3), 0);
	assert_int_equal(passk_list("0", ks, 3), 0);
	assert_int_equal(passk_list("", ks, 3), 0);
}

static void test_interval_seed(void **state)
{
	double v[40], low[2], high[2];

	(void)state;
	for (int i = 0; i < 40; i++)
		v[i] = (double)i * i;
	passk_bootstrap(v, 1, 40, 100, 1, &low[0], &high[0]);
	passk_bootstrap(v, 1, 40, 100, 2, &low[1], &high[1]);
	assert_true(low[0] != low[1] && high[0] != high[1]);
}

/* Cases of an evaluation suite: {test_cases: [{metric_params: {k[, n]}, doc: {choices, gold_index},
 * model_response: {text}, expected_output: {name: value}, tolerance}]} */
static void suite(const char *file, double (*of)(uint64_t n, uint64_t c, uint64_t k))
{
	const char *root = getenv("SHARED_DATA");
	char *path = xasprintf("%s/passk/%s", root ? root : "../shared/data", file);
	struct reason why;
	json_t *j, *cases, *one, *value;
	const char *name;
	size_t i;

	if (access(path, R_OK) != 0) {
		free(path);
		print_message("no shared data: passk\n");
		skip();
	}
	j = json_load(path, 1 << 20, &why);
	free(path);
	assert_non_null(j);
	cases = json_object_get(j, "test_cases");
	assert_true(json_array_size(cases) > 0);
	json_array_foreach(cases, i, one)
	{
		json_t *doc = json_object_get(one, "doc"), *text;
		const char *gold = json_string_value(json_array_get(
			json_object_get(doc, "choices"),
			(size_t)json_integer_value(json_object_get(doc, "gold_index"))));
		uint64_t c = 0, n,
			 k = (uint64_t)json_integer_value(
				 json_object_get(json_object_get(one, "metric_params"), "k"));

		text = json_object_get(json_object_get(one, "model_response"), "text");
		n = json_array_size(text);
		for (size_t m = 0; m < n; m++)
			c += strcmp(json_string_value(json_array_get(text, m)), gold) == 0;
		json_object_foreach(json_object_get(one, "expected_output"), name, value)
			assert_close(of(n, c, k), json_number_value(value),
				     json_number_value(json_object_get(one, "tolerance")));
	}
	json_decref(j);
}

static double avg(uint64_t n, uint64_t c, uint64_t k)
{
	assert_int_equal(n, k);
	return passk(n, c, 1);
}

static void test_suite_pass(void **state)
{
	(void)state;
	suite("lighteval_pass_at_k_math.json", passk);
}

static void test_suite_avg(void **state)
{
	(void)state;
	suite("lighteval_avg_at_k_math.json", avg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_precision),
		cmocka_unit_test(test_avg_is_pass_at_1),
		cmocka_unit_test(test_interval_known),
		cmocka_unit_test(test_interval_quantile),
		cmocka_unit_test(test_interval_metrics),
		cmocka_unit_test(test_interval_seed),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_suite_pass),
		cmocka_unit_test(test_suite_avg),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
