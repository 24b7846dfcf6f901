/* moments.c - one step of AdamW against the formula in double. */
#include "tensor/moments.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "plain.h"

enum { N = 37 };

static void step(void **state)
{
	float *p = plain_normal(1, N), *g = plain_normal(2, N), *m = plain_normal(3, N);
	float *v = plain_normal(4, N), *was = plain_normal(1, N);
	struct moments u = {p, g, m, v, 0.5F, 0.1F, 1.5F, 0.01F, 0.9F, 0.99F, 1e-3F};

	(void)state;
	for (size_t i = 0; i < N; i++)
		v[i] = v[i] * v[i];
	for (size_t i = 0; i < N; i++) {
		double x = g[i] * 0.5, a = 0.9 * m[i] + 0.1 * x, b = 0.99 * v[i] + 0.01 * x * x;
		double decay = i >= 5 ? 0.01 * p[i] : 0;

		was[i] = (float)(p[i] - 0.1 * a / (sqrt(b) * 1.5 + 1e-3) - decay);
	}
	moments_step(&u, 0, 5, false);
	moments_step(&u, 5, N - 5, true);
	for (size_t i = 0; i < N; i++)
		plain_near(p[i], was[i], fabs(was[i]) + 1, 20, "weight");
	free(p);
	free(g);
	free(m);
	free(v);
	free(was);
}

static void squares(void **state)
{
	float *g = plain_normal(5, N);
	double sum = 0;

	(void)state;
	for (size_t i = 0; i < N; i++)
		sum += (double)g[i] * (double)g[i];
	assert_true(fabs(moments_square(g, N) - sum) <= 1e-13 * sum);
	assert_true(moments_square(g, 0) == 0);
	free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(step), cmocka_unit_test(squares)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
