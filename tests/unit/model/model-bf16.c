/*
 * model-bf16.c - a model whose matrices are in bf16 alone is, to the last bit, the f32 model that
 * holds the same numbers: its log-probabilities, its samples, the gradient that goes through it,
 * its hash. Also read from a folder. And one with panels of a layer at a time is the one with all.
 */
#include "base/mem.h"
#include "base/par.h"
#include "base/rng.h"
#include "model/workspace.h"
#include "model/sampler.h"
#include "tensor/half.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scratch.h"
#include "tiny.h"

/* An odd ffn, so that a pair of columns is half empty; more rows in the head than are widened at
 * a time. */
enum { D = 20, F = 13, V = 601, MAX_LEN = 64, TOKENS = 50, ROWS = 9 };

static struct config shape(bool tied, bool extras)
{
	return (struct config){.qkv_bias = extras,
			       .mlp_bias = extras,
			       .qk_norm = extras,
			       .vocab = V,
			       .d = D,
			       .layers = 2,
			       .heads = 4,
			       .kv_heads = 2,
			       .head_dim = 6,
			       .ffn = F,
			       .max_len = MAX_LEN,
			       .norm_eps = 1e-5,
			       .rope = {.theta = 10000},
			       .tied = tied,
			       .bos = -1,
			       .eos = {1},
			       .n_eos = 1};
}

/* a: in f32, its matrices rounded to bf16; b: frozen, the same numbers; both compute as `how` says.
 */
static void make(struct model *a, struct model *b, bool tied, bool extras, int how)
{
	struct config c = shape(tied, extras);

	model_init(a, &c, how);
	model_random(a, 7, 0.3);
	model_init(b, &c, how | MODEL_FROZEN);
	for (size_t i = 0; i < a->n_w; i++) {
		const struct weight *w = &a->w[i];
		float *v = a->params + w->offset;

		for (size_t j = 0; w->rank == 2 && j < w->count; j++)
			v[j] = half_from_bf16(half_to_bf16(v[j]));
		for (size_t j = 0; w->rank == 1 && j < w->count; j++)
			v[j] += (float)(0.2 * rng_normal(3, i * 1000 + j));
		if (w->rank == 2)
			model_put_rows(b, &b->w[i], 0, v, (size_t)w->shape[0]);
		else
			memcpy(b->params + b->w[i].offset, v, w->count * sizeof *v);
	}
	model_pack(a);
	model_pack(b);
}

static uint32_t tokens[TOKENS], target[ROWS];
static size_t start[] = {0, 11, TOKENS};
static uint32_t at[ROWS];
static float dlogp[ROWS], dent[ROWS];

static struct pack pack(void)
{
	for (size_t i = 0; i < TOKENS; i++)
		tokens[i] = (uint32_t)rng_below(1, i, V);
	for (size_t i = 0; i < ROWS; i++) {
		at[i] = (uint32_t)i * 5 + 2;
		target[i] = (uint32_t)rng_below(2, i, V);
		dlogp[i] = (float)rng_normal(4, i);
		dent[i] = (float)rng_normal(5, i);
	}
	return (struct pack){.n_seq = 2,
			     .n_tok = TOKENS,
			     .tokens = tokens,
			     .start = start,
			     .n_rows = ROWS,
			     .at = at,
			     .target = target,
			     .temperature = 0.8};
}

static void check_pass(bool tied, bool extras, bool recompute, int how)
{
	struct pack s = pack();
	struct model m[2];
	struct workspace *r[2];
	float logp[2][ROWS], entropy[2][ROWS], *grads;

	make(&m[0], &m[1], tied, extras, how);
	grads = xcalloc(m[0].n_params, sizeof *grads);
	for (int i = 0; i < 2; i++) {
		r[i] = workspace_new(&m[i]);
		workspace_recompute(r[i], recompute);
		model_forward(r[i], &m[i], &s, logp[i], entropy[i]);
		model_backward(r[i], &m[i], &s, dlogp, dent, i == 0 ? grads : NULL);
	}
	assert_memory_equal(logp[0], logp[1], sizeof logp[0]);
	assert_memory_equal(entropy[0], entropy[1], sizeof entropy[0]);
	/* the gradient by the embedded tokens, which went through every matrix */
	assert_memory_equal(r[0]->dx, r[1]->dx, TOKENS * D * sizeof(float));
	assert_true(r[1]->dx[0] != 0);
	assert_true(model_hash(&m[0]) == model_hash(&m[1]));
	workspace_free(r[0]);
	workspace_free(r[1]);
	free(grads);
	model_free(&m[0]);
	model_free(&m[1]);
}

static void passes(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++)
		for (int how = 0; how <= MODEL_BF16; how += MODEL_BF16)
			check_pass(i & 1, i & 2, i & 4, how);
}

static void layerwise(void **state)
{
	static const int hows[] = {0, MODEL_BF16};

	(void)state;
	for (int i = 0; i < 8; i++) {
		struct config c = shape(i & 1, true);
		struct pack s = pack();
		float logp[2][ROWS], *grads[2];
		size_t n = 0;

		for (int k = 0; k < 2; k++) {
			struct model m;
			struct workspace *r;

			model_init(&m, &c, hows[i >> 2] | (k ? MODEL_LAYERWISE : 0));
			model_random(&m, 7, 0.3);
			grads[k] = xcalloc(m.n_params, sizeof **grads);
			r = workspace_new(&m);
			workspace_recompute(r, i & 2);
			model_forward(r, &m, &s, logp[k], NULL);
			model_backward(r, &m, &s, dlogp, NULL, grads[k]);
			assert_true(k == 0 || m.n_packed < n);
			n = k ? m.n_params : m.n_packed;
			workspace_free(r);
			model_free(&m);
		}
		assert_memory_equal(logp[0], logp[1], sizeof *logp);
		assert_memory_equal(grads[0], grads[1], n * sizeof **grads);
		free(grads[0]);
		free(grads[1]);
	}
}

static void samples(void **state)
{
	enum { N = 5, NEW = 12 };
	struct sample_opts o = {.temperature = 1, .top_p = 0.9, .max_new = NEW, .batch = 3};
	struct sample_group g = {.prompt = tokens, .n_prompt = 7, .n = N, .seed = 3};
	struct sample out[2][N];
	struct sampler *s[2];
	struct model m[2];

	(void)state;
	pack();
	make(&m[0], &m[1], false, false, 0);
	for (int i = 0; i < 2; i++) {
		s[i] = sampler_new(&m[i], &o);
		assert_int_equal(sampler_run(s[i], &g, 1, out[i], NULL), 0);
	}
	for (int i = 0; i < N; i++) {
		size_t n = out[0][i].n;

		assert_int_equal(n, out[1][i].n);
		assert_memory_equal(out[0][i].tokens, out[1][i].tokens, n * sizeof(uint32_t));
		assert_memory_equal(out[0][i].logprobs, out[1][i].logprobs, n * sizeof(float));
	}
	for (int i = 0; i < 2; i++) {
		sampler_free(s[i]);
		model_free(&m[i]);
	}
}

static void same_matrices(const struct model *a, const struct model *b)
{
	for (size_t i = 0; i < a->n_w; i++) {
		size_t n = (size_t)a->w[i].shape[0], k = (size_t)a->w[i].shape[1];
		float *x, *y;

		if (a->w[i].rank == 1)
			continue;
		x = xarray(n * k, sizeof *x);
		y = xarray(n * k, sizeof *y);
		model_get_rows(a, &a->w[i], 0, x, n);
		model_get_rows(b, &b->w[i], 0, y, n);
		assert_memory_equal(x, y, n * k * sizeof *x);
		free(x);
		free(y);
	}
}

/* A folder in bf16 is read as it is, one in f32 is rounded as saving in bf16 rounds. */
static void folders(void **state)
{
	struct policy p = tiny_policy("abcdefg", 3), f32, bf16, cold;
	struct reason why = {0};
	char *dir = xstrdup(scratch_new());
	char *full = xasprintf("%s/full", dir), *half = xasprintf("%s/half", dir);

	(void)state;
	assert_int_equal(policy_save(&p, full, &(struct weights_form){.as = WEIGHTS_F32}, &why), 0);
	assert_int_equal(policy_save(&p, half, &(struct weights_form){.as = WEIGHTS_BF16}, &why),
			 0);
	assert_int_equal(policy_load(&f32, half, 0, &why), 0);
	assert_int_equal(policy_load_as(&bf16, half, MODEL_FROZEN, &why), 0);
	assert_int_equal(policy_load_as(&cold, full, MODEL_FROZEN, &why), 0);
	assert_null(bf16.model.packed);
	assert_true(bf16.model.n_params < 100);
	assert_true(model_hash(&bf16.model) == model_hash(&f32.model));
	same_matrices(&f32.model, &bf16.model);
	same_matrices(&f32.model, &cold.model);
	policy_free(&p);
	policy_free(&f32);
	policy_free(&bf16);
	policy_free(&cold);
	scratch_free(full);
	scratch_free(half);
	scratch_free(dir);
	free(full);
	free(half);
	free(dir);
}

/* A copy has the same weights, whatever becomes of those that it was made of. */
static void copies(void **state)
{
	static const int hows[] = {0, MODEL_BF16};

	(void)state;
	for (int h = 0; h < 2; h++) {
		struct model m[2], copy[2];

		make(&m[0], &m[1], false, true, hows[h]);
		for (int i = 0; i < 2; i++) {
			uint64_t hash = model_hash(&m[i]);

			model_copy(&copy[i], &m[i]);
			model_random(&m[i], 8, 0.3);
			assert_int_not_equal(model_hash(&m[i]), hash);
			assert_int_equal(model_hash(&copy[i]), hash);
			model_free(&m[i]);
			assert_int_equal(model_hash(&copy[i]), hash);
			model_free(&copy[i]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passes),  cmocka_unit_test(copies),  cmocka_unit_test(layerwise),
		cmocka_unit_test(samples), cmocka_unit_test(folders),
	};
	int failed;

	par_start(2);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	par_stop();
	return failed;
}
