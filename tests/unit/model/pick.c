/* pick.c - tokens drawn from the largest only, against a full sort. */
#include "model/pick.h"
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
	for (*n = 0; *n < most && (*n == 0 || sum < top_p * all); ++*n)
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

/* u from 0 to 1 meets the tokens from the largest down; log-probabilities tell of the share. */
static void check(double spread, double top_p, int64_t top_k)
{
	struct pick_scratch s = {xarray(V + 16, sizeof(float)), xarray(V, sizeof(uint32_t))};
	struct pick_opts o = {1, top_p, top_k};
	float logits[V];
	double mass;
	size_t n;

	make(logits, spread);
	mass = share(top_p, top_k ? (size_t)top_k : V, &n);
	for (int i = 0; i < 200; i++) {
		double u = (i + 0.5) / 200;
		struct picked d;

		assert_true(pick_token(&d, logits, V, &o, u, &s));
		assert_true(fabs(d.logp - (d.full - log(mass))) < 1e-4);
		assert_true(fabs(exp(d.full) / met(u * mass, n) - 1) < 1e-2);
	}
	free(s.e);
	free(s.heap);
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
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
