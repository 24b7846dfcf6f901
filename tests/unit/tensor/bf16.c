/*
 * bf16.c - the product in bf16 against a plain loop in double over rounded numbers; and a model
 * that computes in bf16: sampler and trainer agree to the last bit, its gradient is that of f32 but
 * for the rounding.
 */
#include "tensor/bf16.h"
#include "base/mem.h"
#include "base/par.h"
#include "base/rng.h"
#include "model/sampler.h"
#include "tensor/blas.h"
#include "tensor/gemm.h"
#include "tensor/half.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static float *normal(uint64_t key, size_t n)
{
	float *v = xarray(n, sizeof *v);

	for (size_t i = 0; i < n; i++)
		v[i] = (float)rng_normal(key, i);
	return v;
}

static float rounded(float v)
{
	return half_from_bf16(half_to_bf16(v));
}

/* c = a(m, k) b(k, n) by the product under test; transposed: from a's transpose */
static void product(float *c, const float *a, const float *b, size_t m, size_t n, size_t k,
		    bool transposed, bool add)
{
	size_t words = (k + 1) / 2;
	uint32_t *x = xcalloc(bf16_transposed_words(m, k), sizeof *x);
	uint32_t *y = xcalloc(gemm_pair_words(n, k), sizeof *y);

	if (transposed) {
		float *t = xarray(m * k, sizeof *t);

		for (size_t i = 0; i < m; i++)
			for (size_t j = 0; j < k; j++)
				t[j * m + i] = a[i * k + j];
		bf16_transpose(x, matrix_in(t, k, m, m));
		free(t);
	} else {
		for (size_t i = 0; i < m; i++)
			bf16_row(x + i * words, a + i * k, k);
	}
	bf16_panels(y, matrix_in(b, k, n, n));
	bf16_gemm((add ? GEMM_ADD : 0) | (transposed ? GEMM_TRANSPOSED : 0), x, words, y,
		  matrix_of(c, m, n, n));
	free(x);
	free(y);
}

/*
 * A chain of k products in f32 is off by at most k half units of the sum of their sizes; a product
 * of two bf16 is exact in f32.
 */
static void check_product(size_t m, size_t n, size_t k, bool transposed, bool add)
{
	float *a = normal(1, m * k), *b = normal(2, k * n), *c = normal(3, m * n);
	float *was = normal(3, m * n);

	product(c, a, b, m, n, k, transposed, add);
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < n; j++) {
			double want = add ? was[i * n + j] : 0, size = fabs(want);

			for (size_t x = 0; x < k; x++) {
				double p = (double)rounded(a[i * k + x]) * rounded(b[x * n + j]);

				want += p;
				size += fabs(p);
			}
			if (!(fabs(c[i * n + j] - want) <= (double)(k + 2) * 0x1p-24 * size))
				fail_msg("%zu x %zu x %zu: (%zu, %zu) is %.9g, not %.9g", m, n, k,
					 i, j, c[i * n + j], want);
		}
	free(a);
	free(b);
	free(c);
	free(was);
}

static void products(void **state)
{
	static const size_t sizes[][3] = {{1, 1, 1},     {1, 64, 2},    {6, 64, 64}, {7, 65, 33},
					  {13, 200, 51}, {48, 130, 96}, {5, 16, 7},  {400, 70, 9}};

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		for (int how = 0; how < 4; how++)
			check_product(sizes[i][0], sizes[i][1], sizes[i][2], how & 1, how & 2);
}

/* Denormals count as zero where the instruction computes; NaN and infinity stay what they are. */
static void extremes(void **state)
{
	float a[2] = {1e-39F, 0}, b[2] = {1, 1}, c = 7;

	(void)state;
	product(&c, a, b, 1, 1, 2, false, false);
	assert_true(c == 0 || !bf16_missing() || c == rounded(1e-39F));
	if (!bf16_missing())
		assert_true(c == 0);
	a[1] = NAN;
	product(&c, a, b, 1, 1, 2, false, false);
	assert_true(isnan(c));
	a[1] = -INFINITY;
	product(&c, a, b, 1, 1, 2, false, false);
	assert_true(c == -INFINITY);
	a[1] = 3e38F;
	b[1] = 1e30F;
	product(&c, a, b, 1, 1, 2, false, false);
	assert_true(c == INFINITY);
}

/* A row gives the same bits alone and among others. */
static void rows_alone(void **state)
{
	enum { M = 17, N = 150, K = 70 };
	float *a = normal(1, M * K), *b = normal(2, K * N), all[M * N], one[N];

	(void)state;
	product(all, a, b, M, N, K, false, false);
	for (size_t i = 0; i < M; i++) {
		product(one, a + i * K, b, 1, N, K, false, false);
		assert_memory_equal(one, all + i * N, sizeof one);
	}
	free(a);
	free(b);
}

/* Panels of rows of W and panels made from W' are the same. */
static void one_layout(void **state)
{
	enum { N = 100, K = 37 };
	float *w = normal(1, N * K), t[K * N], back[N * K];
	uint32_t *x = xcalloc(gemm_pair_words(N, K), sizeof *x);
	uint32_t *y = xcalloc(gemm_pair_words(N, K), sizeof *y);

	(void)state;
	for (size_t i = 0; i < N; i++)
		for (size_t j = 0; j < K; j++)
			t[j * N + i] = w[i * K + j];
	bf16_panels(x, matrix_in(t, K, N, N));
	gemm_pair_rows(y, 0, w, 3, K); /* in uneven parts */
	gemm_pair_rows(y, 3, w + 3 * K, 70, K);
	gemm_pair_rows(y, 73, w + 73 * K, N - 73, K);
	assert_memory_equal(x, y, gemm_pair_words(N, K) * sizeof *x);
	gemm_unpair_rows(back, y, 0, 50, K);
	gemm_unpair_rows(back + 50 * K, y, 50, N - 50, K);
	for (size_t i = 0; i < N * K; i++)
		assert_true(back[i] == rounded(w[i]));
	free(w);
	free(x);
	free(y);
}

/* ---- models ---- */

enum { D = 36, F = 77, V = 333, TOKENS = 300, PROMPT = 9, NEW = 30, SAMPLES = 5 };

static void make(struct model *m, int how, int64_t head_dim, int64_t kv)
{
	struct config c = {.vocab = V,
			   .d = D,
			   .layers = 2,
			   .heads = 6,
			   .kv_heads = kv,
			   .head_dim = head_dim,
			   .ffn = F,
			   .max_len = TOKENS,
			   .norm_eps = 1e-5,
			   .rope = {.theta = 10000},
			   .tied = true,
			   .bos = -1};

	model_init(m, &c, how);
	model_random(m, 7, 0.1);
}

/* The sampler attends to a token's heads together where each has keys of its own. */
static void same_bits(int how, int64_t head_dim, int64_t kv)
{
	struct sample_opts o = {.temperature = 1, .top_p = 1, .max_new = NEW, .batch = 3};
	uint32_t tokens[PROMPT + NEW];
	struct sample_group g = {.prompt = tokens, .n_prompt = PROMPT, .n = SAMPLES, .seed = 3};
	struct sample out[SAMPLES];
	size_t start[] = {0, PROMPT + NEW};
	uint32_t at[NEW];
	struct sampler *s;
	struct model m;
	struct workspace *r;

	make(&m, how, head_dim, kv);
	for (size_t i = 0; i < PROMPT; i++)
		tokens[i] = (uint32_t)rng_below(1, i, V);
	for (size_t i = 0; i < NEW; i++)
		at[i] = (uint32_t)(PROMPT - 1 + i);
	s = sampler_new(&m, &o);
	r = workspace_new(&m);
	assert_int_equal(sampler_run(s, &g, 1, out, NULL), 0);
	for (size_t i = 0; i < SAMPLES; i++) {
		struct pack p = {.n_seq = 1,
				 .n_tok = PROMPT + NEW,
				 .tokens = tokens,
				 .start = start,
				 .n_rows = NEW,
				 .at = at,
				 .target = out[i].tokens,
				 .temperature = 1};
		float logp[NEW], entropy[NEW];

		memcpy(tokens + PROMPT, out[i].tokens, NEW * sizeof *tokens);
		model_forward(r, &m, &p, logp, entropy);
		assert_memory_equal(logp, out[i].logprobs, sizeof logp);
		assert_memory_equal(entropy, out[i].entropy, sizeof entropy);
	}
	workspace_free(r);
	sampler_free(s);
	model_free(&m);
}

static void sampler_equals_trainer(void **state)
{
	(void)state;
	for (int how = 0; how <= MODEL_BF16; how += MODEL_BF16) {
		same_bits(how, 6, 2);
		same_bits(how, 6, 6);
		same_bits(how, 32, 6); /* whole vectors */
	}
}

/* |a - b| / |a| */
static double distance(const float *a, const float *b, size_t n)
{
	double d = 0, s = 0;

	for (size_t i = 0; i < n; i++) {
		d += (a[i] - b[i]) * (a[i] - b[i]);
		s += a[i] * a[i];
	}
	return sqrt(d / s);
}

/* One pass over all tokens; grads is the caller's to free. */
static float *gradient(int how, struct model *m, float *logp)
{
	uint32_t *tokens = xarray(TOKENS + 1, sizeof *tokens);
	uint32_t *at = xarray(TOKENS, sizeof *at);
	size_t start[] = {0, 11, TOKENS};
	struct pack p = {.n_seq = 2,
			 .n_tok = TOKENS,
			 .tokens = tokens,
			 .start = start,
			 .n_rows = TOKENS,
			 .at = at,
			 .target = tokens + 1,
			 .temperature = 1};
	float *dlogp = normal(4, TOKENS), *grads;
	struct workspace *r;

	make(m, how, 6, 2);
	for (size_t i = 0; i <= TOKENS; i++)
		tokens[i] = (uint32_t)rng_below(1, i, V);
	for (size_t i = 0; i < TOKENS; i++)
		at[i] = (uint32_t)i;
	grads = xcalloc(m->n_params, sizeof *grads);
	r = workspace_new(m);
	model_forward(r, m, &p, logp, NULL);
	model_backward(r, m, &p, dlogp, NULL, grads);
	workspace_free(r);
	free(tokens);
	free(at);
	free(dlogp);
	return grads;
}

/* bf16 keeps 8 bits: each number of a product is off by up to 2^-9, so sums over many are by about
 * that; a few of them stand in a row here. */
static void gradients_near(void **state)
{
	float logp[2][TOKENS];
	struct model m[2];
	float *g[2] = {gradient(0, &m[0], logp[0]), gradient(MODEL_BF16, &m[1], logp[1])};

	(void)state;
	assert_true(distance(logp[0], logp[1], TOKENS) < 1e-3);
	assert_true(distance(logp[0], logp[1], TOKENS) > 1e-7);
	for (size_t i = 0; i < m[0].n_w; i++) {
		const struct weight *w = &m[0].w[i];
		double d = distance(g[0] + w->offset, g[1] + w->offset, w->count);

		if (!(d < 0.02 && d > 1e-5))
			fail_msg("%s: relative distance %g", w->name, d);
	}
	for (int i = 0; i < 2; i++) {
		free(g[i]);
		model_free(&m[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(products),
		cmocka_unit_test(extremes),
		cmocka_unit_test(rows_alone),
		cmocka_unit_test(one_layout),
		cmocka_unit_test(sampler_equals_trainer),
		cmocka_unit_test(gradients_near),
	};
	int failed;

	if (blas_start(NULL))
		return 1;
	par_start(2);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	par_stop();
	return failed;
}
