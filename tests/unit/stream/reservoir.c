/* Tests of stream/reservoir.h: order, caps, and that the sample is uniform. */
#include "stream/reservoir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct span text(const char *s)
{
	return (struct span){s, strlen(s)};
}

/* Adds records "0" .. "n-1" of one task. */
static void fill(struct reservoir *k, size_t task, const char *id, int n)
{
	char s[20];

	for (int i = 0; i < n; i++) {
		snprintf(s, sizeof s, "%d", i);
		reservoir_add(k, task, text(id), text(s));
	}
}

static int number(const struct kept *v)
{
	char s[20];

	assert_true(v->n < sizeof s);
	memcpy(s, v->p, v->n);
	s[v->n] = '\0';
	return atoi(s);
}

static void test_all(void **state)
{
	struct reservoir k = {0};

	(void)state;
	fill(&k, 0, "a", 500);
	reservoir_add(&k, RESERVOIR_ALWAYS, text(""), text(""));
	reservoir_sort(&k);
	assert_int_equal(k.n, 501);
	for (int i = 0; i < 500; i++)
		assert_int_equal(number(&k.v[i]), i);
	assert_int_equal(k.v[500].n, 0);
	assert_true(k.v[500].task == RESERVOIR_ALWAYS);
	reservoir_free(&k);
}

static void test_cap(void **state)
{
	struct reservoir k = {.cap = 3, .seed = 4};

	(void)state;
	fill(&k, 1, "many", 100);
	fill(&k, 0, "few", 2);
	reservoir_add(&k, RESERVOIR_ALWAYS, text(""), text("7"));
	assert_int_equal(k.n, 6); /* never more than the cap of each are held */
	reservoir_sort(&k);
	for (int i = 1; i < 6; i++)
		assert_true(k.v[i - 1].seq < k.v[i].seq);
	for (int i = 0; i < 3; i++)
		assert_int_equal(k.v[i].task, 1);
	assert_int_equal(k.v[3].task, 0);
	assert_int_equal(number(&k.v[5]), 7);
	reservoir_free(&k);
}

/* What one task's sample is does not depend on the other tasks nor on its number. */
static void test_interleaved(void **state)
{
	struct reservoir alone = {.cap = 5, .seed = 1}, mixed = {.cap = 5, .seed = 1};
	int j = 0;

	(void)state;
	fill(&alone, 0, "a", 50);
	for (int i = 0; i < 50; i++) {
		char s[20];

		snprintf(s, sizeof s, "%d", i);
		reservoir_add(&mixed, 0, text("b"), text(s));
		reservoir_add(&mixed, 1, text("a"), text(s));
	}
	reservoir_sort(&alone);
	reservoir_sort(&mixed);
	for (size_t i = 0; i < mixed.n; i++)
		if (mixed.v[i].task == 1)
			assert_int_equal(number(&mixed.v[i]), number(&alone.v[j++]));
	assert_int_equal(j, 5);
	reservoir_free(&alone);
	reservoir_free(&mixed);
}

/* 4 of 20 records over 5,000 seeds: each stays 1,000 times; chi-square with 19 degrees of freedom,
 * 99.9 % below 43.8. Pairs: both of (0, 19) stay with chance 4*3 / (20*19). */
static void test_uniform(void **state)
{
	enum { N = 20, CAP = 4, SEEDS = 5000 };
	int seen[N] = {0}, pair = 0;
	double chi2 = 0, want = (double)SEEDS * CAP / N;

	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct reservoir k = {.cap = CAP, .seed = seed};
		int ends = 0;

		fill(&k, 0, "task", N);
		assert_int_equal(k.n, CAP);
		for (int i = 0; i < CAP; i++) {
			int r = number(&k.v[i]);

			seen[r]++;
			ends += r == 0 || r == N - 1;
		}
		pair += ends == 2;
		reservoir_free(&k);
	}
	for (int i = 0; i < N; i++)
		chi2 += (seen[i] - want) * (seen[i] - want) / want;
	assert_true(chi2 < 43.8);
	assert_true(chi2 > 2); /* nor too good: a rota would give 0 */
	assert_true(abs(pair - 158) < 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_cap),
		cmocka_unit_test(test_interleaved),
		cmocka_unit_test(test_uniform),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
