/*
 * bf16.c - the product in bf16, bit for bit what the tiles of AMX compute; and a model
 * that computes in bf16: sampler and trainer agree to the last bit, its gradient is that of f32 but
 * for the rounding.
 */
#include "tensor/bf16.h"
#include "base/mem.h"
#include "base/par.h"
#include "base/rng.h"
#include "model/sampler.h"
#include "tensor/gemm.h"
#include "tensor/half.h"

#include <float.h>
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
	uint32_t *x = xcalloc(bf16_words(m, k), sizeof *x);
	uint32_t *y = xcalloc(gemm_pair_words(n, k), sizeof *y);

	if (transposed) {
		float *t = xarray(m * k, sizeof *t);

		for (size_t i = 0; i < m; i++)
			for (size_t j = 0; j < k; j++)
				t[j * m + i] = a[i * k + j];
		bf16_columns(x, matrix_in(t, k, m, m));
		free(t);
	} else {
		bf16_rows(x, matrix_in(a, m, k, k));
	}
	gemm_pair_columns(y, matrix_in(b, k, n, n));
	bf16_gemm((add ? GEMM_ADD : 0) | (transposed ? GEMM_TRANSPOSED : 0), x, k,
		  gemm_pair_view(y, k), matrix_of(c, m, n, n));
	free(x);
	free(y);
}

/* ---- what TDPBF16PS computes, from Intel's description of it ---- */

static float flushed(float x)
{
	return fabsf(x) < FLT_MIN ? copysignf(0, x) : x;
}

/* a b + c rounded once to 24 bits; what is then below FLT_MIN is 0. Exact in long double but for
 * its own last bits, which are made to say on which side of them the sum lies. */
static float step(float a, float b, float c)
{
	double p = (double)flushed(a) * flushed(b), q = flushed(c), s = p + q, t = s - p;
	double e = (p - (s - t)) + (q - t);
	uint64_t u;
	float f;

	if (!isfinite(s))
		return (float)s;
	memcpy(&u, &s, sizeof u);
	if (e != 0 && !(u & 1)) /* to odd: no tie is made or lost */
		u += (e > 0) == (s > 0) ? 1 : (uint64_t)-1;
	memcpy(&s, &u, sizeof u);
	if (fabs(s) >= 2.0 * FLT_MIN)
		return (float)s;
	f = (float)(s * 0x1p40); /* as if there were no denormals */
	return fabsf(f) < FLT_MIN * 0x1p40F ? copysignf(0, f) : f * 0x1p-40F;
}

static float element(float c, const float *a, const float *b, size_t n, size_t k)
{
	for (size_t x = 0; x < k; x += BF16_BLOCK) {
		float sum[2] = {0, 0};

		for (size_t i = x; i < x + BF16_BLOCK; i++)
			sum[i & 1] = i < k ? step(rounded(a[i]), rounded(b[i * n]), sum[i & 1])
					   : step(0, 0, sum[i & 1]);
		c = step(1, c, step(1, sum[0], sum[1]));
	}
	return c;
}

static bool same(float a, float b)
{
	return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0;
}

/* Numbers as they are in a model; about the root of the smallest, where products become 0; of any
 * size; with infinity and NaN */
static float number(int kind, uint64_t key, size_t i)
{
	static const float special[] = {0.0F, -0.0F, 1e-39F, -1e-45F, INFINITY, -INFINITY, NAN};
	float x = (float)rng_normal(key, i);
	uint64_t r = rng_u64(key + 100, i);

	switch (kind) {
	case 1:
		return ldexpf(x, -(int)(r % 10) - 58);
	case 2:
		return ldexpf(x, (int)(r % 250) - 140);
	case 3:
		return r % 9 == 0 ? special[r / 9 % 7] : x;
	default:
		return x;
	}
}

static float *some(int kind, uint64_t key, size_t n)
{
	float *v = xarray(n, sizeof *v);

	for (size_t i = 0; i < n; i++)
		v[i] = number(kind, key, i);
	return v;
}

static void check_product(int kind, const size_t size[3], bool transposed, bool add)
{
	size_t m = size[0], n = size[1], k = size[2];
	float *a = some(kind, 1, m * k), *b = some(kind, 2, k * n), *c = some(kind, 3, m * n);
	float *was = some(kind, 3, m * n);

	product(c, a, b, m, n, k, transposed, add);
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < n; j++) {
			float want = element(add ? was[i * n + j] : 0, a + i * k, b + j, n, k);

			if (!same(c[i * n + j], want))
				fail_msg("kind %d, %zu x %zu x %zu: (%zu, %zu) is %a, not %a", kind,
					 m, n, k, i, j, c[i * n + j], want);
		}
	free(a);
	free(b);
	free(c);
	free(was);
}

static void products(void **state)
{
	static const size_t sizes[][3] = {{1, 1, 1},     {1, 64, 2},    {6, 64, 64},  {7, 65, 33},
					  {13, 200, 51}, {48, 130, 96}, {5, 16, 7},   {150, 70, 9},
					  {33, 40, 64},  {17, 32, 31},  {16, 48, 65}, {31, 33, 96},
					  {140, 16, 100}};

	(void)state;
	for (int kind = 0; kind < 4; kind++)
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
			for (int how = 0; how < 4; how++)
				check_product(kind, sizes[i], how & 1, how & 2);
}

/* Cut at a block, it is the same: the second part goes on with what the first left. */
static void cut(void **state)
{
	enum { M = 19, N = 50, K = 150, AT = 96 };
	float *a = normal(1, M * K), *b = normal(2, K * N), c[M * N], d[M * N];
	float *left = xarray(M * AT, sizeof *left), *right = xarray(M * (K - AT), sizeof *right);

	(void)state;
	for (size_t i = 0; i < M; i++) {
		memcpy(left + i * AT, a + i * K, AT * sizeof *a);
		memcpy(right + i * (K - AT), a + i * K + AT, (K - AT) * sizeof *a);
	}
	product(c, a, b, M, N, K, false, false);
	product(d, left, b, M, N, AT, false, false);
	product(d, right, b + AT * N, M, N, K - AT, true, true);
	assert_memory_equal(c, d, sizeof c);
	free(a);
	free(b);
	free(left);
	free(right);
}

/* Denormals count as zero; NaN and infinity stay what they are. */
static void extremes(void **state)
{
	float a[2] = {1e-39F, 0}, b[2] = {1, 1}, c = 7;

	(void)state;
	product(&c, a, b, 1, 1, 2, false, false);
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
	gemm_pair_columns(x, matrix_in(t, K, N, N));
	gemm_pair_rows(y, 0, matrix_in(w, 3, K, K)); /* in uneven parts */
	gemm_pair_rows(y, 3, matrix_in(w + 3 * K, 70, K, K));
	gemm_pair_rows(y, 73, matrix_in(w + 73 * K, N - 73, K, K));
	assert_memory_equal(x, y, gemm_pair_words(N, K) * sizeof *x);
	gemm_unpair_rows(back, y, 0, 50, K);
	gemm_unpair_rows(back + 50 * K, y, 50, N - 50, K);
	for (size_t i = 0; i < N * K; i++)
		assert_true(back[i] == rounded(w[i]));
	free(w);
	free(x);
	free(y);
}

/* A has room in the form of each set: rows of floats with an even end; rows of pairs in whole
 * blocks of k; whole blocks of rows of pairs. */
static void room(void **state)
{
	(void)state;
	for (size_t m = 1; m < 20; m++)
		for (size_t k = 1; k < 70; k++) {
			size_t pairs = (k + 1) / 2, words = bf16_words(m, k);

			assert_true(words >= m * 2 * pairs);
			assert_true(words >= m * ((k + 31) / 32 * 16));
			assert_true(words >= (m + GEMM_MR - 1) / GEMM_MR * GEMM_MR * pairs);
		}
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
		cmocka_unit_test(products),       cmocka_unit_test(cut),
		cmocka_unit_test(extremes),       cmocka_unit_test(rows_alone),
		cmocka_unit_test(one_layout),     cmocka_unit_test(sampler_equals_trainer),
		cmocka_unit_test(gradients_near), cmocka_unit_test(room),
	};
	int failed;

	par_start(2);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	par_stop();
	return failed;
}
