/* norm.c - norms against plain formulas in double, their backward passes against difference
 * quotients of those formulas. */
#include "tensor/norm.h"
#include "tensor/layers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plain.h"

static const size_t widths[] = {1, 2, 7, 8, 9, 16, 31, 64, 100};

enum { WIDTHS = sizeof widths / sizeof *widths, KINDS = 4 };

/* RMSNorm, with 1 + w, LayerNorm with and without a bias */
static struct norm kind(int i, const float *w, const float *b, size_t n)
{
	return (struct norm){.w = w,
			     .b = i == 2 ? b : NULL,
			     .n = n,
			     .one = i == 1 ? 1 : 0,
			     .eps = 0.01F,
			     .centred = i >= 2};
}

/* y (n) in double, of x with h added to its number `at` */
static void plain(double *y, const struct norm *k, const float *x, size_t at, double h)
{
	size_t n = k->n;
	double mean = 0, squares = 0;

	for (size_t i = 0; i < n; i++)
		mean += (x[i] + (i == at ? h : 0)) / (double)n;
	mean = k->centred ? mean : 0;
	for (size_t i = 0; i < n; i++)
		squares += pow(x[i] + (i == at ? h : 0) - mean, 2);
	for (size_t i = 0; i < n; i++)
		y[i] = (x[i] + (i == at ? h : 0) - mean) /
			       sqrt(squares / (double)n + (double)k->eps) *
			       ((double)k->w[i] + (double)k->one) +
		       (k->b ? (double)k->b[i] : 0);
}

static void forward(void **state)
{
	double want[100];

	(void)state;
	for (size_t s = 0; s < WIDTHS * KINDS; s++) {
		size_t n = widths[s % WIDTHS];
		float *x = plain_normal(1, n), *w = plain_normal(2, n), *b = plain_normal(3, n);
		float *y = plain_normal(4, n), *pad = plain_normal(4, n);
		struct norm k = kind((int)(s / WIDTHS), w, b, n);
		struct norm_stat stat = norm_forward(&k, y, x), again;

		plain(want, &k, x, n, 0);
		for (size_t i = 0; i < n; i++) {
			double xh = (x[i] - stat.mean) * stat.r;

			assert_true(fabs(y[i] - want[i]) < 2e-6 * (1 + fabs(want[i])));
			assert_true(fabs(xh * (w[i] + k.one) + (k.b ? b[i] : 0) - want[i]) < 1e-5);
		}
		assert_same_bits(y + n, pad + n, LANES);
		again = norm_forward(&k, x, x); /* in place */
		assert_memory_equal(&again, &stat, sizeof stat);
		assert_same_bits(x, y, n);
		free(x);
		free(w);
		free(b);
		free(y);
		free(pad);
	}
}

/* The plain kind is RMSNorm's kernel, to the bit. */
static void same_as_rmsnorm(void **state)
{
	float *x = plain_normal(1, 33), *w = plain_normal(2, 33), *y = plain_normal(3, 33);
	float *z = plain_normal(4, 33);
	struct norm k = kind(0, w, NULL, 33);
	struct norm_stat s = norm_forward(&k, y, x);

	(void)state;
	assert_true(s.r == rmsnorm_forward(z, x, w, 33, k.eps) && s.mean == 0);
	assert_same_bits(y, z, 33);
	free(x);
	free(w);
	free(y);
	free(z);
}

static double loss(const struct norm *k, const float *x, const float *dy, size_t at, double h)
{
	double y[100], sum = 0;

	plain(y, k, x, at, h);
	for (size_t i = 0; i < k->n; i++)
		sum += (double)dy[i] * y[i];
	return sum;
}

static void backward(void **state)
{
	(void)state;
	for (size_t s = 0; s < WIDTHS * KINDS; s++) {
		size_t n = widths[s % WIDTHS];
		float *x = plain_normal(1, n), *w = plain_normal(2, n), *b = plain_normal(3, n);
		float *dx = plain_normal(4, n), *was = plain_normal(4, n), *dy = plain_normal(5, n);
		float *y = plain_normal(6, n);
		struct norm k = kind((int)(s / WIDTHS), w, b, n);

		norm_backward(&k, dx, dy, x, norm_forward(&k, y, x));
		for (size_t i = 0; i < n; i++) {
			double want = (loss(&k, x, dy, i, 1e-5) - loss(&k, x, dy, i, -1e-5)) / 2e-5;

			assert_true(fabs(dx[i] - was[i] - want) < 1e-5 * (1 + fabs(want)));
		}
		assert_same_bits(dx + n, was + n, LANES);
		free(x);
		free(w);
		free(b);
		free(y);
		free(dx);
		free(dy);
		free(was);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forward),
		cmocka_unit_test(same_as_rmsnorm),
		cmocka_unit_test(backward),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
