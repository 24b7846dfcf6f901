/* layers.c - the element-wise layers against plain formulas in double; their backward passes
 * against difference quotients of those formulas. */
#include "model/angles.h"
#include "tensor/layers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plain.h"

static const size_t widths[] = {1, 2, 7, 8, 9, 16, 31, 64, 100};

enum { WIDTHS = sizeof widths / sizeof *widths };

/* Relative to what rounding a sum of n numbers in f32 can cost */
static void near(double got, double want, double size, size_t n)
{
	plain_near(got, want, size + 1e-30, 4 * n + 16, "number");
}

static double rms_factor(const float *x, size_t d, double eps)
{
	double sum = 0;

	for (size_t i = 0; i < d; i++)
		sum += (double)x[i] * (double)x[i];
	return 1 / sqrt(sum / (double)d + eps);
}

static void rmsnorm(void **state)
{
	(void)state;
	for (size_t s = 0; s < WIDTHS; s++) {
		size_t d = widths[s];
		float *x = plain_normal(1, d), *w = plain_normal(2, d), *y = plain_normal(3, d);
		double r = rms_factor(x, d, (double)1e-5F);

		near(rmsnorm_forward(y, x, w, d, 1e-5F), r, r, d);
		for (size_t i = 0; i < d; i++)
			near(y[i], x[i] * r * w[i], fabs(x[i] * r * w[i]), d);
		free(x);
		free(w);
		free(y);
	}
}

/* sum over j of dy_j y_j, whose derivative by x is what the backward pass adds */
static double rms_loss(const float *x, size_t at, double h, const float *w, const float *dy,
		       size_t d)
{
	double sum = 0, loss = 0;

	for (size_t i = 0; i < d; i++)
		sum += pow(x[i] + (i == at ? h : 0), 2);
	for (size_t i = 0; i < d; i++)
		loss += dy[i] * w[i] * (x[i] + (i == at ? h : 0)) / sqrt(sum / (double)d + 1e-5);
	return loss;
}

static void rmsnorm_gradient(void **state)
{
	const double h = 1e-5;

	(void)state;
	for (size_t s = 0; s < WIDTHS; s++) {
		size_t d = widths[s];
		float *x = plain_normal(1, d), *w = plain_normal(2, d), *dy = plain_normal(3, d);
		float *dx = plain_normal(4, d), *was = plain_normal(4, d);

		rmsnorm_backward(dx, dy, x, w, (float)rms_factor(x, d, 1e-5), d);
		for (size_t i = 0; i < d; i++) {
			double up = rms_loss(x, i, h, w, dy, d);
			double want = (up - rms_loss(x, i, -h, w, dy, d)) / (2 * h);

			/* h^2 of the quotient, 1e-7 a number of f32 */
			assert_true(fabs(dx[i] - was[i] - want) < 1e-4 * (1 + fabs(want)));
		}
		free(x);
		free(w);
		free(dy);
		free(dx);
		free(was);
	}
}

/* A rotation of pairs by pos * freq, and back */
static void rope(void **state)
{
	enum { N = 12, POS = 1000 };
	double freq[N / 2];
	float cs[N], *x = plain_normal(1, N), *y = plain_normal(1, N);

	(void)state;
	for (size_t i = 0; i < N / 2; i++)
		freq[i] = pow(10000, -2.0 * (double)i / N);
	angles_table(cs, freq, POS, 1, N);
	rope_forward(y, cs, N);
	for (size_t i = 0; i < N / 2; i++) {
		double c = cos(POS * freq[i]), s = sin(POS * freq[i]), a = x[i], b = x[i + N / 2];

		near(y[i], a * c - b * s, fabs(a) + fabs(b), 2);
		near(y[i + N / 2], b * c + a * s, fabs(a) + fabs(b), 2);
	}
	rope_backward(y, cs, N);
	for (size_t i = 0; i < N; i++)
		assert_true(fabsf(y[i] - x[i]) < 1e-5F);
	angles_table(cs, freq, 0, 2, N); /* the scale; at 0 nothing turns */
	for (size_t i = 0; i < N / 2; i++)
		assert_true(cs[i] == 2 && cs[i + N / 2] == 0);
	free(x);
	free(y);
}

static double silu(double g)
{
	return g / (1 + exp(-g));
}

/* Extreme gates too: exp overflows nowhere. */
static float *gates(size_t n)
{
	float *gu = plain_normal(1, 2 * n);

	gu[0] = 200;
	gu[n / 2] = n > 1 ? -200 : gu[0];
	return gu;
}

static void swiglu(void **state)
{
	(void)state;
	for (size_t s = 0; s < WIDTHS; s++) {
		size_t n = widths[s];
		float *gu = gates(n), *h = plain_normal(2, n), *pad = plain_normal(2, n);

		swiglu_forward(h, gu, n);
		for (size_t i = 0; i < n; i++)
			near(h[i], silu(gu[i]) * gu[n + i], fabs(gu[i] * gu[n + i]), 4);
		assert_same_bits(h + n, pad + n, LANES);
		free(gu);
		free(h);
		free(pad);
	}
}

/* One arithmetic for whole vectors and for the end of a row: the same bits wherever a number is */
static void swiglu_ends(void **state)
{
	enum { N = 3 * LANES + 1 };
	float *gu = plain_normal(1, 2 * N), all[N], one, pair[2];

	(void)state;
	swiglu_forward(all, gu, N);
	for (size_t i = 0; i < N; i++) {
		pair[0] = gu[i];
		pair[1] = gu[N + i];
		swiglu_forward(&one, pair, 1);
		assert_same_bits(&one, all + i, 1);
	}
	free(gu);
}

static void swiglu_gradient(void **state)
{
	(void)state;
	for (size_t s = 0; s < WIDTHS; s++) {
		size_t n = widths[s];
		float *gu = gates(n), *dh = plain_normal(2, n), *d = plain_normal(3, 2 * n);

		swiglu_backward(d, dh, gu, n);
		for (size_t i = 0; i < n; i++) {
			double g = gu[i], u = gu[n + i], sig = 1 / (1 + exp(-g));
			double dg = dh[i] * u * sig * (1 + g * (1 - sig));

			near(d[i], dg, fabs(dh[i] * u) * (1 + fabs(g)), 8);
			near(d[n + i], dh[i] * silu(g), fabs(dh[i] * g), 8);
		}
		swiglu_backward(gu, dh, gu, n); /* in place */
		assert_same_bits(gu, d, 2 * n);
		free(gu);
		free(dh);
		free(d);
	}
}

static void sums(void **state)
{
	float y[] = {1, 2, 3}, x[] = {0.5F, -2, 1e8F};

	(void)state;
	layers_add_row(y, x, 2);
	assert_true(y[0] == 1.5F && y[1] == 0 && y[2] == 3);
	layers_add_row(y, x, 0);
	assert_true(y[0] == 1.5F);
}

/* Pairs (2i, 2i + 1) are turned as pairs (i, i + n/2) are, in another order. */
static void rope_pairs(void **state)
{
	static const size_t sizes[] = {2, 6, 16, 30};

	(void)state;
	for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
		size_t n = sizes[s], h = n / 2;
		float *x = plain_normal(1, n), *y = plain_normal(2, n), *cs = plain_normal(3, n);
		float *pad = plain_normal(1, n);

		for (int way = 0; way < 2; way++) {
			for (size_t i = 0; i < n; i++)
				y[i < h ? 2 * i : 2 * (i - h) + 1] = x[i];
			(way ? rope_backward : rope_forward)(x, cs, n);
			(way ? rope_pairs_backward : rope_pairs_forward)(y, cs, n);
			for (size_t i = 0; i < n; i++)
				assert_true(fabsf(y[i < h ? 2 * i : 2 * (i - h) + 1] - x[i]) <
					    2e-6F);
		}
		assert_same_bits(x + n, pad + n, LANES);
		free(x);
		free(y);
		free(cs);
		free(pad);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rope_pairs),       cmocka_unit_test(rmsnorm),
		cmocka_unit_test(rmsnorm_gradient), cmocka_unit_test(rope),
		cmocka_unit_test(swiglu),           cmocka_unit_test(swiglu_ends),
		cmocka_unit_test(swiglu_gradient),  cmocka_unit_test(sums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
