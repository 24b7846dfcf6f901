/* softmax.c - softmax of a row, log-probabilities, entropy and their gradient against plain
 * formulas in double. */
#include "tensor/softmax.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plain.h"

static const size_t lengths[] = {1, 2, 7, 8, 9, 16, 17, 64, 333};

enum { LENGTHS = sizeof lengths / sizeof *lengths };

/* p of v logits at 1 / temperature; returns the entropy. */
static double plain_softmax(double *p, const float *z, size_t v, double inv_t)
{
	double max = -INFINITY, sum = 0, entropy = 0;

	for (size_t i = 0; i < v; i++)
		max = fmax(max, z[i] * inv_t);
	for (size_t i = 0; i < v; i++)
		sum += p[i] = exp(z[i] * inv_t - max);
	for (size_t i = 0; i < v; i++) {
		p[i] /= sum;
		entropy -= p[i] > 0 ? p[i] * log(p[i]) : 0;
	}
	return entropy;
}

/* exp is good to about 1 ulp, its argument to one of the largest: 2^-23 * 10 here */
static void rows(void **state)
{
	(void)state;
	for (size_t s = 0; s < LENGTHS; s++) {
		size_t n = lengths[s], end = (n + LANES - 1) / LANES * LANES;
		float *x = plain_normal(1, end), *was = plain_normal(1, end);
		double p[333], sum = 0;

		plain_softmax(p, x, n, (double)0.25F);
		softmax_row(x, n, 0.25F);
		for (size_t i = 0; i < n; i++) {
			assert_true(fabs(x[i] - p[i]) < 2e-6 * p[i]);
			sum += x[i];
		}
		assert_true(fabs(sum - 1) < 1e-5);
		for (size_t i = n; i < end; i++)
			assert_true(x[i] == 0);
		assert_same_bits(x + end, was + end, LANES);
		free(x);
		free(was);
	}
}

/* What lies behind the row in its last vector does not count, NaN neither. */
static void padding(void **state)
{
	float *x = plain_normal(1, LANES), *y = plain_normal(1, LANES);

	(void)state;
	for (int i = 3; i < LANES; i++)
		y[i] = i % 2 ? NAN : 1e30F;
	softmax_row(x, 3, 1);
	softmax_row(y, 3, 1);
	assert_same_bits(x, y, LANES);
	free(x);
	free(y);
}

static void far_apart(void **state)
{
	float x[LANES] = {1000, -1000, 999};

	(void)state;
	softmax_row(x, 3, 1);
	assert_true(x[1] == 0 && fabsf(x[0] - 0.7310586F) < 1e-5F &&
		    fabsf(x[0] + x[2] - 1) < 1e-6F);
}

static void stats(void **state)
{
	(void)state;
	for (size_t s = 0; s < LENGTHS; s++)
		for (int t = 1; t <= 3; t++) {
			size_t v = lengths[s];
			float *z = plain_normal(2, v), inv_t = 1.0F / (float)t;
			struct softmax_stat st = softmax_stat(z, v, inv_t);
			double p[333], entropy = plain_softmax(p, z, v, inv_t);

			assert_true(fabs(st.entropy - entropy) < 1e-5);
			for (size_t i = 0; i < v; i++)
				assert_true(fabs(softmax_logp(&st, z[i], inv_t) - log(p[i])) <
					    1e-5);
			free(z);
		}
}

/* The only token that can be drawn: never above 0, however its logit was rounded */
static void certain(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++) {
		float z[] = {(float)(0.1 * i), -1000};
		struct softmax_stat st = softmax_stat(z, 2, 2.7F);
		float logp = softmax_logp(&st, z[0], 2.7F);

		assert_true(logp <= 0 && logp > -1e-6F);
	}
}

/* A token that cannot be drawn has no share in the entropy. */
static void impossible(void **state)
{
	float z[] = {1, -INFINITY, 1};
	struct softmax_stat st = softmax_stat(z, 3, 1);

	(void)state;
	assert_true(fabsf(st.entropy - (float)log(2)) < 1e-6F);
	assert_true(softmax_logp(&st, z[1], 1) == -INFINITY);
}

static void gradient(void **state)
{
	(void)state;
	for (size_t s = 0; s < LENGTHS; s++) {
		size_t v = lengths[s];
		float *z = plain_normal(2, v), *pad = plain_normal(2, v);
		struct softmax_grad g = {v / 2, 0.7F, -0.3F, 0.8F, 0};
		double p[333], entropy = plain_softmax(p, z, v, (double)0.8F);
		struct softmax_stat st = softmax_stat(z, v, 0.8F);

		softmax_backward(z, v, &st, &g);
		for (size_t i = 0; i < v; i++) {
			double want = (double)g.dlogp * ((i == g.target) - p[i]);

			want -= (double)g.dent * p[i] * (log(p[i]) + entropy);
			assert_true(fabs(z[i] - want * (double)0.8F) < 3e-6);
		}
		assert_same_bits(z + v, pad + v, LANES);
		free(z);
		free(pad);
	}
}

/* Logits that are scaled and capped, and the gradient by what they were before */
static void capped(void **state)
{
	(void)state;
	for (size_t s = 0; s < LENGTHS; s++) {
		size_t v = lengths[s];
		float *z = plain_normal(2, v), *y = plain_normal(2, v), *pad = plain_normal(2, v);
		struct softmax_grad plain = {v / 2, 0.7F, -0.3F, 0.8F, 0},
				    g = {v / 2, 0.7F, -0.3F, 0.8F, 1.5F};
		struct softmax_stat st;

		softmax_scores(z, v, 2.5F, 0);
		for (size_t i = 0; i < v; i++)
			assert_true(z[i] == y[i] * 2.5F);
		softmax_scores(y, v, 2.5F, 1.5F);
		for (size_t i = 0; i < v; i++)
			assert_true(fabs(y[i] - 1.5 * tanh((double)z[i] / 1.5)) <
				    5e-7 * fabs(y[i]));
		assert_same_bits(y + v, pad + v, LANES);
		st = softmax_stat(y, v, 0.8F);
		memcpy(z, y, v * sizeof *z);
		memcpy(pad, y, v * sizeof *z);
		softmax_backward(z, v, &st, &g);
		softmax_backward(y, v, &st, &plain);
		for (size_t i = 0; i < v; i++)
			assert_true(fabs(z[i] - y[i] * (1 - pow((double)pad[i] / 1.5, 2))) < 1e-6);
		free(z);
		free(y);
		free(pad);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows),       cmocka_unit_test(padding),
		cmocka_unit_test(far_apart),  cmocka_unit_test(stats),
		cmocka_unit_test(impossible), cmocka_unit_test(certain),
		cmocka_unit_test(gradient),   cmocka_unit_test(capped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
