/* pick.c - tokens drawn from the largest only, against a full sort. */
#include "model/pick.h"
#include "base/kept.h"
#include "base/mem.h"
#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { V = 3000 };

static double p[V]; /* the distribution, sorted: the largest first */

static int larger_first(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x < y) - (x > y);
}

/* Logits whose spread makes the distribution flat (0) or peaked */
static void make(float *logits, double spread)
{
	double sum = 0;

	for (size_t i = 0; i < V; i++) {
		logits[i] = (float)(spread * rng_normal(1, i));
		sum += p[i] = exp(logits[i]);
	}
	for (size_t i = 0; i < V; i++)
		p[i] /= sum;
	qsort(p, V, sizeof *p, larger_first);
}

/* The share of the fewest of the largest `most` that reach top_p of these */
static double share(double top_p, size_t most, size_t *n)
{
	double all = 0, sum = 0;

	for (size_t i = 0; i < most; i++)
		all += p[i];
	for (*n = 0; *n < most && *n < KEPT_MOST && (*n == 0 || sum < top_p * all); ++*n)
		sum += p[*n];
	return sum;
}

/* Probability of the token at which the running sum, from the largest down, passes `at` */
static double met(double at, size_t n)
{
	double seen = 0;

	for (size_t i = 0; i < n; i++) {
		seen += p[i];
		if (seen > at)
			return p[i];
	}
	return p[n - 1];
}

static struct pick_scratch scratch(size_t v)
{
	return (struct pick_scratch){xarray(v + 16, sizeof(float)), xarray(v, sizeof(uint32_t))};
}

static void scratch_free(struct pick_scratch *s)
{
	free(s->e);
	free(s->heap);
}

/* What is kept ascends, holds the token, and is as likely as it is said to be. */
static void check_kept(const struct picked *d, const float *logits, double mass)
{
	bool found = d->n_kept == 0;
	double sum = 0, all = 0;

	for (size_t i = 0; i < V; i++)
		all += exp(logits[i]);
	for (size_t i = 0; i < d->n_kept; i++) {
		assert_true(i == 0 || d->kept[i] > d->kept[i - 1]);
		found |= d->kept[i] == d->token;
		sum += exp(logits[d->kept[i]]) / all;
	}
	assert_true(found && d->n_kept <= KEPT_MOST);
	assert_true(d->n_kept == 0 || fabs(sum - mass) < 1e-5);
}

/* u from 0 to 1 meets the tokens from the largest down; log-probabilities tell of the share. */
static void check(double spread, double top_p, int64_t top_k)
{
	struct pick_scratch s = scratch(V);
	struct pick_opts o = {.temperature = 1, .top_p = top_p, .top_k = top_k};
	float logits[V];
	double mass, all = 0;
	size_t n;

	make(logits, spread);
	for (size_t i = 0; i < V; i++)
		all += exp(logits[i]);
	mass = share(top_p, top_k ? (size_t)top_k : V, &n);
	for (int i = 0; i < 200; i++) {
		double u = (i + 0.5) / 200, whole;
		struct picked d;

		assert_true(pick_token(&d, logits, V, &o, u, &s));
		whole = exp(logits[d.token]) / all;
		assert_true(fabs(d.logp - log(whole / mass)) < 1e-4);
		assert_true(fabs(whole / met(u * mass, n) - 1) < 1e-2);
		check_kept(&d, logits, mass);
	}
	scratch_free(&s);
}

static void cuts(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		static const double spread[] = {0.01, 1, 3, 30};

		check(spread[i], 0.95, 0);
		check(spread[i], 0.5, 0);
		check(spread[i], 1 - 1e-9, 0);
		check(spread[i], 1e-9, 0);
		check(spread[i], 0.9, 100);
		check(spread[i], 1, 7);
		check(spread[i], 1, KEPT_MOST);
	}
}

/* The kept ids of five logits, as digits */
static void keeps(const char *want, int64_t top_k, double top_p, double temperature)
{
	static const float logits[] = {1, 2, 1, 3, 1};
	struct pick_opts o = {.temperature = temperature, .top_p = top_p, .top_k = top_k};
	struct pick_scratch s = scratch(5);
	char got[6] = "";
	struct picked d;

	assert_true(pick_token(&d, logits, 5, &o, 0.3, &s));
	for (size_t i = 0; i < d.n_kept; i++)
		got[i] = (char)('0' + d.kept[i]);
	assert_string_equal(got, want);
	assert_true(d.n_kept != 1 || d.logp == 0);
	scratch_free(&s);
}

/* By id where two are equal; top_k first, and top_p is a share of what it leaves; the temperature
 * before both. p is .076 .207 .076 .564 .076. */
static void order(void **state)
{
	(void)state;
	keeps("", 0, 1, 1);
	keeps("", 5, 1, 1);
	keeps("", 6, 1, 1);
	keeps("3", 1, 1, 1);
	keeps("013", 3, 1, 1);
	keeps("0123", 4, 1, 1);
	keeps("013", 0, 0.8, 1);
	keeps("13", 4, 0.8, 1);
	keeps("13", 3, 0.7, 1);
	keeps("3", 2, 0.7, 1);
	keeps("0123", 0, 0.8, 100);
	keeps("", 0, 0.81, 100);
	keeps("", 3, 0.1, 0);
	keeps("3", 0, 1e-6, 1);
	keeps("13", 4, 1, 0.02); /* the others have no share in float */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cuts),
		cmocka_unit_test(order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
