/* An update that packs each piece of the weights as it has stepped it is, to the bit, a step
 * followed by model_pack. */
#include "base/mem.h"
#include "base/rng.h"
#include "learn/update.h"

#include <setjmp.h>
#include <stdarg.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* An embedding of more numbers than the optimizer takes at a time, an odd ffn, rows that do not
 * fill a panel */
static struct config shape(bool tied)
{
	return (struct config){.qkv_bias = true,
			       .qk_norm = true,
			       .vocab = 2203,
			       .d = 60,
			       .layers = 2,
			       .heads = 4,
			       .kv_heads = 2,
			       .head_dim = 8,
			       .ffn = 601,
			       .max_len = 8,
			       .norm_eps = 1e-5,
			       .rope = {.theta = 10000},
			       .tied = tied,
			       .bos = -1};
}

struct side { /* a model and what updates it */
	struct model m;
	struct optimizer a;
};

static void open_side(struct side *s, bool tied, int how, const char *word)
{
	struct optimizer_opts o = OPTIMIZER_OPTS_DEFAULT(0.1);
	struct config c = shape(tied);

	o.word = word;
	model_init(&s->m, &c, how);
	model_random(&s->m, 7, 0.3);
	optimizer_init(&s->a, &o, s->m.w, s->m.n_w);
}

static void close_side(struct side *s)
{
	optimizer_free(&s->a);
	model_free(&s->m);
}

static void assert_same(const struct side *x, const struct side *y)
{
	const void *panels[2] = {x->m.packed ? (void *)x->m.packed : x->m.pairs,
				 y->m.packed ? (void *)y->m.packed : y->m.pairs};

	assert_memory_equal(x->m.params, y->m.params, x->m.n_params * sizeof *x->m.params);
	assert_memory_equal(panels[0], panels[1], x->m.n_packed * sizeof(float));
	assert_int_equal(x->a.steps, y->a.steps);
	assert_int_equal(x->a.skipped_in_row, y->a.skipped_in_row);
}

static void some_updates(bool tied, int how, const char *word)
{
	struct side x, y;
	double norm[2];
	float *g;

	open_side(&x, tied, how, word);
	open_side(&y, tied, how, word);
	g = xarray(x.m.n_params, sizeof *g);
	for (int step = 0; step < 4; step++) {
		bool bad = step == 2; /* it must leave all as it is */

		for (size_t i = 0; i < x.m.n_params; i++)
			g[i] = (float)rng_normal(rng_key(3, RNG_TEST, (uint64_t)step, 0, 0), i);
		g[x.m.n_params - 1] = bad ? NAN : 1;
		assert_int_equal(update_apply(&x.a, &x.m, g, 0, 0.01, &norm[0]), !bad);
		assert_int_equal(optimizer_step(&y.a, y.m.params, g, 0.01, &norm[1]), !bad);
		model_pack(&y.m);
		assert_memory_equal(&norm[0], &norm[1], sizeof *norm);
		assert_same(&x, &y);
	}
	assert_int_equal(x.a.steps, 3);
	free(g);
	close_side(&x);
	close_side(&y);
}

static void pieces_are_the_whole(void **state)
{
	static const char *const words[] = {"adamw", "sgd", "lion", "muon"};

	(void)state;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		some_updates(true, 0, words[i]);
		some_updates(false, 0, words[i]);
		some_updates(true, MODEL_BF16, words[i]);
		some_updates(false, MODEL_BF16, words[i]);
	}
}

static void count(void *ctx, size_t from, size_t n)
{
	uint8_t *times = ctx;

	for (size_t i = from; i < from + n; i++)
		times[i]++;
}

/* Of each family: short convolutions, linear layers, fused matrices, numbers of an activation */
static void each_number_is_met_once(void **state)
{
	(void)state;
	for (int f = 0; f < FAMILIES; f++)
		for (int tied = 0; tied < 2; tied++) {
			struct config c = shape(tied);
			struct model m;
			struct reason why = {0};
			uint8_t *times;

			c.family = (enum family)f;
			c.linear_k_heads = c.linear_v_heads = 2;
			c.linear_k_dim = c.linear_v_dim = 4;
			if (config_make(&c, &why))
				fail_msg("family %d: %s", f, why.text);
			if (family_row(c.family)->mixer != MIXER_ATTENTION)
				c.kinds.p[0] = 4; /* without attention; the second has it */
			model_init(&m, &c, 0);
			times = xcalloc(m.n_params, 1);
			model_change(&m, count, times);
			for (size_t i = 0; i < m.n_params; i++)
				assert_int_equal(times[i], 1);
			free(times);
			model_free(&m);
			config_free(&c);
		}
}

static void a_loss_that_is_not_finite_is_skipped(void **state)
{
	struct side x, y;
	float *g;

	(void)state;
	open_side(&x, true, 0, "adamw");
	open_side(&y, true, 0, "adamw");
	g = xcalloc(x.m.n_params, sizeof *g);
	g[0] = 1;
	assert_false(update_apply(&x.a, &x.m, g, INFINITY, 0.01, NULL));
	y.a.skipped_in_row = 1;
	assert_same(&x, &y);
	free(g);
	close_side(&x);
	close_side(&y);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_the_whole),
		cmocka_unit_test(each_number_is_met_once),
		cmocka_unit_test(a_loss_that_is_not_finite_is_skipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
