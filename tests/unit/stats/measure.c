/* Tests of stats/measure.h: worked numbers, and all subsets one by one. */
#include "base/json.h"
#include "base/mem.h"
#include "base/rng.h"
#include "stats/measure.h"
#include "stats/passk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "close.h"

static const double TIGHT = 1e-14;

static void test_hat(void **state)
{
	(void)state;
	assert_close(measure_hat(8, 3, 2), 3.0 / 28, TIGHT);
	assert_close(measure_hat(8, 3, 4), 0, 0);
	assert_close(measure_hat(8, 8, 8), 1, 0);
	assert_close(measure_hat(8, 3, 1), 0.375, 0);
	assert_true(isnan(measure_hat(8, 3, 9)));
	assert_true(isnan(measure_hat(8, 3, 0)));
}

static void test_gpass(void **state)
{
	static const double taus[] = {0, 0.25, 0.5, 0.75, 1},
			    want[] = {13.0 / 14, 13.0 / 14, 0.5, 1.0 / 14, 0};

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_close(measure_gpass(8, 3, 4, taus[i]), want[i], TIGHT);
	assert_close(measure_gpass(8, 8, 4, 1), 1, 0);
	assert_close(measure_gpass(8, 0, 4, 0), 0, 0);
	assert_close(measure_gpass(8, 6, 4, 0.5), 1, 0); /* two are wrong */
	assert_true(isnan(measure_gpass(3, 3, 4, 0.5)));
	assert_true(isnan(measure_gpass(3, 3, 0, 0.5)));
	/* 0.28 * 25 is a little above 7 in binary; 7 of 25 is meant */
	assert_close(measure_gpass(25, 7, 25, 0.28), 1, 0);
	assert_close(measure_gpass(25, 6, 25, 0.28), 0, 0);
	for (uint64_t c = 0; c <= 300; c += 20) { /* the ends are what has a name */
		assert_close(measure_gpass(300, c, 30, 0), passk(300, c, 30), 1e-13);
		assert_close(measure_gpass(300, c, 30, 1), measure_hat(300, c, 30), 1e-13);
	}
}

static void test_mgpass(void **state)
{
	(void)state;
	assert_close(measure_mgpass(8, 3, 4), 1.0 / 28, TIGHT);
	assert_close(measure_mgpass(8, 6, 4), 0.5, TIGHT);
	assert_close(measure_mgpass(8, 8, 4), 1, 0);
	assert_close(measure_mgpass(8, 8, 5), 0.8, TIGHT);
	assert_close(measure_mgpass(8, 8, 1), 0, 0);
	assert_true(isnan(measure_mgpass(8, 8, 9)));
}

static void test_ends(void **state)
{
	static const double g[] = {0, 0, 0.2, 0.5, 0.5, 0.7, 0.9, 1};

	(void)state;
	assert_close(measure_best(g, 8, 2), 0.707142857142857, TIGHT);
	assert_close(measure_worst(g, 8, 2), 0.242857142857143, TIGHT);
	assert_close(measure_best(g, 8, 4), 0.892857142857143, TIGHT);
	assert_close(measure_worst(g, 8, 4), 0.0642857142857143, TIGHT);
	assert_close(measure_best(g, 8, 1), 0.475, TIGHT);
	assert_close(measure_worst(g, 8, 1), 0.475, TIGHT);
	assert_close(measure_best(g, 8, 8), 1, 0);
	assert_close(measure_worst(g, 8, 8), 0, 0);
	assert_true(isnan(measure_best(g, 8, 9)));
	assert_true(isnan(measure_worst(g, 0, 1)));
}

/* Three right, wrong answers two, two and one times */
static void test_majority(void **state)
{
	static const uint64_t wrong[] = {2, 2, 1};
	static const double want[] = {0.375, 0.375, 3.0 / 7, 0.5},
			    silent[] = {0.375, 3.0 / 7, 13.0 / 28, 18.0 / 35};
	struct votes all = {3, 0, wrong, 3}, quiet = {3, 1, wrong, 2};

	(void)state;
	for (uint64_t k = 1; k <= 4; k++) {
		assert_close(measure_maj(&all, k), want[k - 1], TIGHT);
		assert_close(measure_maj(&quiet, k), silent[k - 1], TIGHT);
	}
	assert_close(measure_maj(&all, 8), 1, TIGHT);
	assert_true(isnan(measure_maj(&all, 9)));
	assert_true(isnan(measure_maj(&all, 0)));
}

static void test_majority_ends(void **state)
{
	static const uint64_t two[] = {2}, three[] = {3};

	(void)state;
	assert_close(measure_maj(&(struct votes){2, 0, two, 1}, 4), 0.5, TIGHT); /* a tie */
	assert_close(measure_maj(&(struct votes){2, 0, three, 1}, 5), 0, 0);
	assert_close(measure_maj(&(struct votes){0, 4, NULL, 0}, 2), 0, 0); /* nobody votes */
	assert_close(measure_maj(&(struct votes){4, 0, NULL, 0}, 2), 1, TIGHT);
	assert_close(measure_maj(&(struct votes){1, 3, NULL, 0}, 2), 0.5, TIGHT);
}

/* Of a subset of samples, each of class 0 (right), 1.. (wrong) or -1 (silent) */
static double vote(const int *class, unsigned subset, int n)
{
	int count[16] = {0}, most = 0, ties = 0;

	for (int i = 0; i < n; i++)
		if (subset >> i & 1 && class[i] >= 0)
			count[class[i]]++;
	for (int a = 0; a < 16; a++)
		most = count[a] > most ? count[a] : most;
	for (int a = 0; a < 16; a++)
		ties += count[a] == most;
	return most && count[0] == most ? 1.0 / ties : 0;
}

static double all_subsets(const int *class, int n, int k)
{
	double sum = 0, subsets = 0;

	for (unsigned s = 0; s < 1u << n; s++)
		if (__builtin_popcount(s) == k) {
			sum += vote(class, s, n);
			subsets++;
		}
	return sum / subsets;
}

static void test_majority_all_subsets(void **state)
{
	(void)state;
	for (uint64_t trial = 0; trial < 40; trial++) {
		uint64_t key = rng_key(5, RNG_TEST, trial, 0, 0), count[8] = {0}, wrong[8];
		struct votes v = {.wrong = wrong};
		int class[11], n = 5 + (int)(trial % 7);

		for (int i = 0; i < n; i++) {
			class[i] = (int)rng_below(key, (uint64_t)i, 6) - 1;
			if (class[i] < 0)
				v.silent++;
			else if (class[i] == 0)
				v.right++;
			else
				count[class[i]]++;
		}
		for (int a = 1; a < 8; a++)
			if (count[a])
				wrong[v.n_wrong++] = count[a];
		for (int k = 1; k <= n; k++)
			assert_close(measure_maj(&v, (uint64_t)k), all_subsets(class, n, k), 1e-13);
	}
}

/* No number gets too large where binomials do. */
static void test_large(void **state)
{
	static const uint64_t wrong[] = {300, 200};
	uint64_t *ones = xarray(900, sizeof *ones);
	double g[3000];

	(void)state;
	assert_close(measure_gpass(20000, 10000, 9999, 0.5), 0.5, 1e-9);
	assert_close(measure_maj(&(struct votes){500, 24, wrong, 2}, 256), 1, 1e-4);
	for (int i = 0; i < 900; i++)
		ones[i] = 1;
	/* the right one twice among 900 others: it wins when both are drawn, else it is one of k */
	assert_close(measure_maj(&(struct votes){2, 0, ones, 900}, 4),
		     4.0 * 3 / (902.0 * 901) + 2 * (4.0 / 902 * 898 / 901) / 4, 1e-12);
	for (int i = 0; i < 3000; i++)
		g[i] = i;
	assert_close(measure_best(g, 3000, 1500) + measure_worst(g, 3000, 1500), 2999, 1e-8);
	free(ones);
}

static void test_lists(void **state)
{
	double t[3];

	(void)state;
	assert_int_equal(measure_taus("0.5,1", t, 3), 2);
	assert_true(t[0] == 0.5 && t[1] == 1);
	assert_int_equal(measure_taus("0", t, 3), 1);
	assert_int_equal(measure_taus("0.5,0.50", t, 3), 0);
	assert_int_equal(measure_taus("1.1", t, 3), 0);
	assert_int_equal(measure_taus("", t, 3), 0);
	assert_int_equal(measure_taus("0.1,0.2,0.3,0.4", t, 3), 0);
	assert_int_equal(measure_list("maj"), 1u << MEASURE_MAJ);
	assert_int_equal(measure_list("worst,pass"), 1u << MEASURE_WORST | 1u << MEASURE_PASS);
	assert_int_equal(measure_list("pass,pass"), 0);
	assert_int_equal(measure_list("avg"), 0);
	assert_int_equal(measure_list("pass,"), 0);
	assert_int_equal(measure_list(""), 0);
}

/* With c right answers of n the values are those of the suite: {"..g-pass@k_tau": x, "m..@k": x} */
static bool fits(const json_t *want, uint64_t n, uint64_t c)
{
	const char *name;
	json_t *value;
	bool good = true;

	json_object_foreach((json_t *)want, name, value)
	{
		const char *at = strchr(name, '@'), *tau = strchr(at, '_');
		uint64_t k = strtoull(at + 1, NULL, 10);
		double got = tau ? measure_gpass(n, c, k, strtod(tau + 1, NULL))
				 : measure_mgpass(n, c, k);

		good = good && fabs(got - json_number_value(value)) < 1e-12;
	}
	return good;
}

/* Cases of an evaluation suite, {test_cases: [{model_response: {text}, expected_output}]}: its
 * judge is not ours, so which answers it takes as right must be found. */
static void test_suite(void **state)
{
	const char *root = getenv("SHARED_DATA");
	char *path = xasprintf("%s/passk/lighteval_g_pass_at_k_math.json",
			       root ? root : "../shared/data");
	struct reason why;
	json_t *j, *one;
	size_t i;

	(void)state;
	if (access(path, R_OK) != 0) {
		free(path);
		print_message("no shared data: passk\n");
		skip();
	}
	j = json_load(path, 1 << 20, &why);
	free(path);
	assert_non_null(j);
	assert_true(json_array_size(json_object_get(j, "test_cases")) > 0);
	json_array_foreach(json_object_get(j, "test_cases"), i, one)
	{
		uint64_t c = 0, n = json_array_size(json_object_get(
					json_object_get(one, "model_response"), "text"));

		while (c <= n && !fits(json_object_get(one, "expected_output"), n, c))
			c++;
		assert_true(c <= n);
	}
	json_decref(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hat),
		cmocka_unit_test(test_gpass),
		cmocka_unit_test(test_mgpass),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_majority),
		cmocka_unit_test(test_majority_ends),
		cmocka_unit_test(test_majority_all_subsets),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_suite),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
