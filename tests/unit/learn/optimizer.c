/* The optimizers: AdamW against ten steps of torch.optim.AdamW in double, and what it does with bad
 * gradients. */
#include "base/par.h"
#include "base/rng.h"
#include "learn/optimizer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "close.h"

static const struct optimizer_opts OPTS = {
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
	struct optimizer a;
	double norm;

	(void)state;
	optimizer_init(&a, &OPTS, TABLE, 2);
	for (int t = 0; t < 10; t++) {
		gradient(t, g);
		assert_true(optimizer_step(&a, p, g, 0.01, &norm));
		assert_close(norm, TEN[t][0], 1e-6);
		for (int i = 0; i < 3; i++)
			assert_close(p[i], TEN[t][i + 1], 1e-6);
	}
	assert_int_equal(a.steps, 10);
	optimizer_free(&a);
}

static void bad_gradient_changes_nothing(void **state)
{
	static const float bad[] = {NAN, INFINITY, -INFINITY};
	float p[] = {1, -0.5f, 2}, p0[3], m0[3], v0[3], g[3];
	struct optimizer a;
	double norm;

	(void)state;
	optimizer_init(&a, &OPTS, TABLE, 2);
	gradient(0, g);
	assert_true(optimizer_step(&a, p, g, 0.01, NULL));
	memcpy(p0, p, sizeof p);
	memcpy(m0, a.m, sizeof m0);
	memcpy(v0, a.v, sizeof v0);
	for (int i = 0; i < 3; i++) {
		gradient(1, g);
		g[i] = bad[i];
		assert_false(optimizer_step(&a, p, g, 0.01, &norm));
		assert_false(isfinite(norm));
	}
	assert_memory_equal(p, p0, sizeof p);
	assert_memory_equal(a.m, m0, sizeof m0);
	assert_memory_equal(a.v, v0, sizeof v0);
	assert_int_equal(a.steps, 1);
	assert_int_equal(a.skipped_in_row, 3);
	optimizer_free(&a);
}

/* Its square would be more than the second moment can hold, for ever. */
static void a_gradient_too_large_to_square_is_left_out(void **state)
{
	float p[] = {1, -0.5f, 2}, g[3] = {2e18f, 0, 0};
	struct optimizer_opts o = OPTS;
	struct optimizer a;

	(void)state;
	o.clip = 0;
	optimizer_init(&a, &o, TABLE, 2);
	assert_false(optimizer_step(&a, p, g, 0.01, NULL));
	assert_close(p[0], 1, 0);
	a.o.clip = 1; /* scaled down it is one like any other */
	assert_true(optimizer_step(&a, p, g, 0.01, NULL));
	assert_true(isfinite(a.v[0]) && p[0] < 1);
	optimizer_free(&a);
}

static void five_in_a_row_are_too_many(void **state)
{
	float p[] = {1, -0.5f, 2}, good[3], nan[3] = {NAN, 0, 0};
	struct optimizer a;

	(void)state;
	gradient(0, good);
	optimizer_init(&a, &OPTS, TABLE, 2);
	for (int i = 0; i < 4; i++)
		optimizer_step(&a, p, nan, 0.01, NULL);
	assert_false(optimizer_stuck(&a));
	optimizer_step(&a, p, good, 0.01, NULL);
	for (int i = 0; i < 4; i++)
		optimizer_step(&a, p, nan, 0.01, NULL);
	assert_false(optimizer_stuck(&a));
	optimizer_step(&a, p, nan, 0.01, NULL);
	assert_true(optimizer_stuck(&a));
	optimizer_free(&a);
}

/* three steps over weights larger than a block; returns the parameters */
static float *large_run(size_t n)
{
	const struct weight w[] = {{.offset = 0, .count = n - 7, .decay = true},
				   {.offset = n - 7, .count = 7}};
	float *p = malloc(n * sizeof *p), *g = malloc(n * sizeof *g);
	struct optimizer a;

	for (size_t i = 0; i < n; i++) {
		p[i] = (float)rng_normal(rng_key(1, RNG_TEST, 0, 0, 0), i);
		g[i] = (float)rng_normal(rng_key(1, RNG_TEST, 1, 0, 0), i);
	}
	optimizer_init(&a, &OPTS, w, 2);
	for (int t = 0; t < 3; t++)
		assert_true(optimizer_step(&a, p, g, 0.01, NULL));
	optimizer_free(&a);
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
	struct optimizer a;

	(void)state;
	optimizer_init(&a, &OPTS, &w, 1);
	for (int t = 0; t < 1000; t++)
		optimizer_step(&a, &p, &zero, 1e-6, NULL);
	assert_close(p, 0.9999, 2e-5); /* 1 - 1000 * 1e-7, within the rounding of float */
	assert_true(p < 1);
	optimizer_free(&a);
}

/* A matrix of a layer, the embedding, a norm */
static const struct weight MIXED[] = {
	{.name = "model.embed_tokens.weight",
	 .rank = 2,
	 .shape = {3, 2},
	 .offset = 0,
	 .count = 6,
	 .decay = true},
	{.name = "q",
	 .rank = 2,
	 .shape = {4, 2},
	 .offset = 6,
	 .count = 8,
	 .decay = true,
	 .cut = {2}},
	{.name = "n", .rank = 1, .shape = {2, 1}, .offset = 14, .count = 2},
};
static const struct weights ALL = {.w = MIXED, .n_w = 3, .n = 16};

static struct optimizer_opts of_kind(const char *word)
{
	struct optimizer_opts o = OPTIMIZER_OPTS_DEFAULT(0.1);

	o.word = word;
	o.clip = 0;
	return o;
}

static void memory_is_what_each_needs(void **state)
{
	static const struct {
		const char *word;
		size_t moments;
	} rows[] = {{"adamw", 32}, {"sgd", 0}, {"lion", 16}, {"muon", 24}};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct optimizer_opts o = of_kind(rows[i].word);
		size_t moments, work;
		struct optimizer a;

		optimizer_bytes(&o, &ALL, &moments, &work);
		assert_int_equal(moments, rows[i].moments * sizeof(float));
		optimizer_init(&a, &o, MIXED, 3);
		assert_int_equal((a.m ? 16 : 0) + a.n_v, rows[i].moments);
		assert_int_equal(work, muon_bytes(&a.muon));
		assert_true((work > 0) == (i == 3));
		optimizer_free(&a);
	}
}

/* One step from 1: which kind moved what, by how much */
static void one_step(const char *word, const float *g, float *p)
{
	struct optimizer_opts o = of_kind(word);
	struct optimizer a;

	for (int i = 0; i < 16; i++)
		p[i] = 1;
	optimizer_init(&a, &o, MIXED, 3);
	assert_true(optimizer_step(&a, p, g, 0.01, NULL));
	optimizer_free(&a);
}

static void each_kind_moves_its_own_way(void **state)
{
	float g[16], sgd[16], lion[16], adamw[16], muon[16];

	(void)state;
	for (int i = 0; i < 16; i++)
		g[i] = 0.1f * (float)(i + 1) * (i % 3 ? 1 : -1);
	one_step("sgd", g, sgd);
	one_step("lion", g, lion);
	one_step("adamw", g, adamw);
	one_step("muon", g, muon);
	for (int i = 0; i < 16; i++) {
		double decay = i < 14 ? 0.001 : 0, sign = g[i] > 0 ? 1 : -1;

		assert_close(sgd[i], 1 - 0.01 * g[i] - decay, 1e-6);
		assert_close(lion[i], 1 - 0.01 * sign - decay, 1e-6);
		assert_close(adamw[i], lion[i], 1e-6); /* the first step of both */
		assert_true((muon[i] == adamw[i]) == (i < 6 || i >= 14));
	}
}

/* The halves of a fused matrix do not know of each other. */
static void fused_parts_are_stepped_apart(void **state)
{
	float g[16], a[16], b[16];

	(void)state;
	for (int i = 0; i < 16; i++)
		g[i] = 0.1f * (float)(i % 5 + 1);
	one_step("muon", g, a);
	for (int i = 10; i < 14; i++)
		g[i] *= -3 + i;
	one_step("muon", g, b);
	for (int i = 6; i < 10; i++)
		assert_true(a[i] == b[i]);
	assert_true(a[10] != b[10]);
}

static void reach_of_an_update(void **state)
{
	struct optimizer_opts o = of_kind("sgd");

	(void)state;
	assert_true(isinf(optimizer_reach(&o, 0.1)));
	o.clip = 2;
	assert_close(optimizer_reach(&o, 0.1), 0.2, 1e-15);
	o.word = "lion";
	assert_close(optimizer_reach(&o, 0.1), 0.1, 0);
	o.word = "muon";
	assert_true(isinf(optimizer_reach(&o, 0.1)));
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
		cmocka_unit_test(memory_is_what_each_needs),
		cmocka_unit_test(each_kind_moves_its_own_way),
		cmocka_unit_test(fused_parts_are_stepped_apart),
		cmocka_unit_test(reach_of_an_update),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
