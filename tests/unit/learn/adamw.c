/* AdamW against ten steps of torch.optim.AdamW in double, and what it does with bad gradients. */
#include "base/par.h"
#include "base/rng.h"
#include "learn/adamw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "close.h"

static const struct adamw_opts OPTS = {
	.beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .decay = 0.1, .clip = 0.8};
/* a matrix of two that decays, a norm of one that does not */
static const struct weight TABLE[] = {
	{.name = "w", .rank = 2, .shape = {1, 2}, .offset = 0, .count = 2, .decay = true},
	{.name = "b", .rank = 1, .shape = {1, 1}, .offset = 2, .count = 1},
};

static void gradient(int t, float *g)
{
	g[0] = 0.1f * (float)(t + 1) * (t % 2 ? -1 : 1);
	g[1] = 0.3f - 0.05f * (float)t;
	g[2] = 0.02f * (float)(t * t) - 0.5f;
}

/* norm before clipping, then the three parameters, after each step with lr 0.01: computed with
 * torch 1.13 in float64 (clip_grad_norm_, then AdamW) */
static const double TEN[10][4] = {
	{0.591607978, 0.989000001, -0.5095, 2.01},
	{0.576974869, 0.99164474, -0.518924775, 2.01999241},
	{0.5535341, 0.987269023, -0.528202128, 2.02993423},
	{0.533760246, 0.988559791, -0.537224376, 2.03970368},
	{0.540740233, 0.985401876, -0.545830617, 2.04899644},
	{0.602079729, 0.986151788, -0.553784046, 2.0571118},
	{0.733757453, 0.983496225, -0.560751959, 2.06276564},
	{0.934291175, 0.983628321, -0.566403252, 2.06517212},
	{1.19515689, 0.981655396, -0.570622992, 2.06475776},
	{1.50894003, 0.981404302, -0.573446071, 2.06220443},
};

static void ten_steps(void **state)
{
	float p[] = {1, -0.5f, 2}, g[3];
	struct adamw a;
	double norm;

	(void)state;
	adamw_init(&a, &OPTS, TABLE, 2);
	for (int t = 0; t < 10; t++) {
		gradient(t, g);
		assert_true(adamw_step(&a, p, g, 0.01, &norm));
		assert_close(norm, TEN[t][0], 1e-6);
		for (int i = 0; i < 3; i++)
			assert_close(p[i], TEN[t][i + 1], 1e-6);
	}
	assert_int_equal(a.steps, 10);
	adamw_free(&a);
}

static void bad_gradient_changes_nothing(void **state)
{
	static const float bad[] = {NAN, INFINITY, -INFINITY};
	float p[] = {1, -0.5f, 2}, p0[3], m0[3], v0[3], g[3];
	struct adamw a;
	double norm;

	(void)state;
	adamw_init(&a, &OPTS, TABLE, 2);
	gradient(0, g);
	assert_true(adamw_step(&a, p, g, 0.01, NULL));
	memcpy(p0, p, sizeof p);
	memcpy(m0, a.m, sizeof m0);
	memcpy(v0, a.v, sizeof v0);
	for (int i = 0; i < 3; i++) {
		gradient(1, g);
		g[i] = bad[i];
		assert_false(adamw_step(&a, p, g, 0.01, &norm));
		assert_false(isfinite(norm));
	}
	assert_memory_equal(p, p0, sizeof p);
	assert_memory_equal(a.m, m0, sizeof m0);
	assert_memory_equal(a.v, v0, sizeof v0);
	assert_int_equal(a.steps, 1);
	assert_int_equal(a.skipped_in_row, 3);
	adamw_free(&a);
}

/* Its square would be more than the second moment can hold, for ever. */
static void a_gradient_too_large_to_square_is_left_out(void **state)
{
	float p[] = {1, -0.5f, 2}, g[3] = {2e18f, 0, 0};
	struct adamw_opts o = OPTS;
	struct adamw a;

	(void)state;
	o.clip = 0;
	adamw_init(&a, &o, TABLE, 2);
	assert_false(adamw_step(&a, p, g, 0.01, NULL));
	assert_close(p[0], 1, 0);
	a.o.clip = 1; /* scaled down it is one like any other */
	assert_true(adamw_step(&a, p, g, 0.01, NULL));
	assert_true(isfinite(a.v[0]) && p[0] < 1);
	adamw_free(&a);
}

static void five_in_a_row_are_too_many(void **state)
{
	float p[] = {1, -0.5f, 2}, good[3], nan[3] = {NAN, 0, 0};
	struct adamw a;

	(void)state;
	gradient(0, good);
	adamw_init(&a, &OPTS, TABLE, 2);
	for (int i = 0; i < 4; i++)
		adamw_step(&a, p, nan, 0.01, NULL);
	assert_false(adamw_stuck(&a));
	adamw_step(&a, p, good, 0.01, NULL);
	for (int i = 0; i < 4; i++)
		adamw_step(&a, p, nan, 0.01, NULL);
	assert_false(adamw_stuck(&a));
	adamw_step(&a, p, nan, 0.01, NULL);
	assert_true(adamw_stuck(&a));
	adamw_free(&a);
}

/* three steps over weights larger than a block; returns the parameters */
static float *large_run(size_t n)
{
	const struct weight w[] = {{.offset = 0, .count = n - 7, .decay = true},
				   {.offset = n - 7, .count = 7}};
	float *p = malloc(n * sizeof *p), *g = malloc(n * sizeof *g);
	struct adamw a;

	for (size_t i = 0; i < n; i++) {
		p[i] = (float)rng_normal(rng_key(1, RNG_TEST, 0, 0, 0), i);
		g[i] = (float)rng_normal(rng_key(1, RNG_TEST, 1, 0, 0), i);
	}
	adamw_init(&a, &OPTS, w, 2);
	for (int t = 0; t < 3; t++)
		assert_true(adamw_step(&a, p, g, 0.01, NULL));
	adamw_free(&a);
	free(g);
	return p;
}

static void threads_change_no_bit(void **state)
{
	const size_t n = 300001;
	float *one = large_run(n), *three;

	(void)state;
	par_start(3);
	three = large_run(n);
	par_stop();
	assert_memory_equal(one, three, n * sizeof *one);
	free(one);
	free(three);
}

static void tiny_decay_is_not_rounded_away(void **state)
{
	const struct weight w = {.offset = 0, .count = 1, .decay = true};
	float p = 1, zero = 0;
	struct adamw a;

	(void)state;
	adamw_init(&a, &OPTS, &w, 1);
	for (int t = 0; t < 1000; t++)
		adamw_step(&a, &p, &zero, 1e-6, NULL);
	assert_close(p, 0.9999, 2e-5); /* 1 - 1000 * 1e-7, within the rounding of float */
	assert_true(p < 1);
	adamw_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ten_steps),
		cmocka_unit_test(bad_gradient_changes_nothing),
		cmocka_unit_test(a_gradient_too_large_to_square_is_left_out),
		cmocka_unit_test(five_in_a_row_are_too_many),
		cmocka_unit_test(threads_change_no_bit),
		cmocka_unit_test(tiny_decay_is_not_rounded_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
