/* act.c - activations against plain formulas in double, their backward passes against difference
 * quotients of those formulas. */
#include "tensor/act.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plain.h"

static const size_t widths[] = {1, 2, 7, 8, 9, 16, 31, 64, 100};

enum { WIDTHS = sizeof widths / sizeof *widths };

static const struct act kinds[] = {
	{.kind = ACT_SWIGLU},
	{.kind = ACT_GEGLU},
	{.kind = ACT_GELU},
	{.kind = ACT_XIELU, .alpha_p = 0.6F, .alpha_n = -0.9F, .beta = 0.5F, .eps = -1e-6F},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

static double softplus(double x)
{
	return log1p(exp(x));
}

/* Of one number */
static double plain_one(const struct act *a, double z)
{
	double an = (double)a->beta + softplus((double)a->alpha_n);

	switch (a->kind) {
	case ACT_SWIGLU:
		return z / (1 + exp(-z));
	case ACT_XIELU:
		return (double)a->beta * z + (z > 0 ? softplus((double)a->alpha_p) * z * z
						    : an * (expm1(fmin(z, (double)a->eps)) - z));
	default:
		return z / 2 * (1 + tanh(sqrt(2 / acos(-1.0)) * (z + 0.044715 * z * z * z)));
	}
}

static double plain(const struct act *a, const double *u, size_t i, size_t n)
{
	return plain_one(a, u[i]) * (act_inputs(a->kind) == 2 ? u[n + i] : 1);
}

/* Numbers from -9 to 9, where tanh and exp saturate too */
static float *wide(uint64_t key, size_t n)
{
	float *x = plain_normal(key, n);

	for (size_t i = 0; i < n; i++)
		x[i] *= i % 3 ? 1 : 3;
	return x;
}

static double *as_double(const float *x, size_t n)
{
	double *d = xarray(n, sizeof *d);

	for (size_t i = 0; i < n; i++)
		d[i] = (double)x[i];
	return d;
}

static void check_forward(const struct act *a, size_t n)
{
	size_t in = act_inputs(a->kind) * n;
	float *u = wide(1, in), *h = plain_normal(2, n), *pad = plain_normal(2, n);
	double *d = as_double(u, in);

	act_forward(a, h, u, n);
	for (size_t i = 0; i < n; i++) {
		double want = plain(a, d, i, n);

		assert_true(fabs(h[i] - want) < 1e-6 * (0.3 + fabs(want)));
	}
	assert_same_bits(h + n, pad + n, LANES);
	free(u);
	free(h);
	free(pad);
	free(d);
}

static void forward(void **state)
{
	(void)state;
	for (size_t i = 0; i < WIDTHS * KINDS; i++)
		check_forward(&kinds[i / WIDTHS], widths[i % WIDTHS]);
}

/* A number's activation does not depend on where in a row it stands. */
static void place(void **state)
{
	float u[100], h[100];

	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		for (size_t i = 0; i < 100; i++)
			u[i] = -1.7F;
		act_forward(&kinds[k], h, u, 49);
		for (size_t i = 1; i < 49; i++)
			assert_same_bits(&h[i], &h[0], 1);
	}
}

static double loss(const struct act *a, const double *u, const float *dh, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)dh[i] * plain(a, u, i, n);
	return sum;
}

static void check_backward(const struct act *a, size_t n)
{
	size_t in = act_inputs(a->kind) * n;
	float *u = wide(1, in), *dh = plain_normal(2, n), *du = wide(1, in), *pad = wide(1, in);
	float dalpha[2] = {1, 2};
	double *d = as_double(u, in);

	act_backward(a, du, dh, du, n, dalpha); /* in place */
	for (size_t i = 0; i < in; i++) {
		double was = d[i], want;

		d[i] = was + 1e-5;
		want = loss(a, d, dh, n);
		d[i] = was - 1e-5;
		want = (want - loss(a, d, dh, n)) / 2e-5;
		d[i] = was;
		assert_true(fabs(du[i] - want) < 3e-6 * (1 + fabs(want)));
	}
	assert_same_bits(du + in, pad + in, LANES);
	if (a->kind == ACT_XIELU)
		for (int i = 0; i < 2; i++) {
			struct act up = *a, down = *a;
			double want, h = 0x1p-10;

			*(i ? &up.alpha_n : &up.alpha_p) += (float)h;
			*(i ? &down.alpha_n : &down.alpha_p) -= (float)h;
			want = (loss(&up, d, dh, n) - loss(&down, d, dh, n)) / (2 * h);
			assert_true(fabs(dalpha[i] - (i + 1) - want) < 2e-5 * (1 + fabs(want)));
		}
	free(u);
	free(dh);
	free(du);
	free(pad);
	free(d);
}

static void backward(void **state)
{
	(void)state;
	for (size_t i = 0; i < WIDTHS * KINDS; i++)
		check_backward(&kinds[i / WIDTHS], widths[i % WIDTHS]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forward),
		cmocka_unit_test(place),
		cmocka_unit_test(backward),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
