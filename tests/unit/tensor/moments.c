/* moments.c - steps of the optimizers against their formulas in double, and worked numbers. */
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

static void step_of_sgd(void **state)
{
	float p[] = {1, -2, 0.5F}, g[] = {0.5F, -1, 4};
	struct moments u = {.p = p, .grads = g, .scale = 0.5F, .step = 0.1F, .lr_decay = 0.01F};

	(void)state;
	moments_sgd(&u, 0, 2, true);
	moments_sgd(&u, 2, 1, false);
	plain_near(p[0], 1 - 0.1 * 0.25 - 0.01, 1, 4, "weight");
	plain_near(p[1], -2 + 0.1 * 0.5 + 0.02, 2, 4, "weight");
	plain_near(p[2], 0.5 - 0.1 * 2, 1, 4, "weight");
}

/* The raw updates are .04 and .012; a third is 0, and moves by decay alone. */
static void step_of_lion(void **state)
{
	float p[] = {1, -2, 3}, g[] = {-0.5F, 0.3F, 0}, m[] = {0.1F, -0.02F, 0};
	struct moments u = {.p = p,
			    .grads = g,
			    .m = m,
			    .scale = 1,
			    .step = 0.1F,
			    .lr_decay = 0.01F,
			    .b1 = 0.9F,
			    .b2 = 0.99F};

	(void)state;
	moments_lion(&u, 0, 3, true);
	plain_near(m[0], 0.094, 1, 1, "moment");
	plain_near(m[1], -0.0168, 1, 1, "moment");
	plain_near(p[0], 1 - 0.1 - 0.01, 1, 4, "weight");
	plain_near(p[1], -2 - 0.1 + 0.02, 2, 4, "weight");
	plain_near(p[2], 3 - 0.03, 3, 4, "weight");
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
	const struct CMUnitTest tests[] = {cmocka_unit_test(step), cmocka_unit_test(step_of_sgd),
					   cmocka_unit_test(step_of_lion),
					   cmocka_unit_test(squares)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
