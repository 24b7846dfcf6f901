/*
 * wgrad.c - gradients of weights in bf16: the sum of products of rounded numbers, and the same bits
 * whether tokens are added at once, more than a product takes, or in parts of whole blocks.
 */
#include "model/wgrad.h"
#include "base/mem.h"
#include "base/par.h"
#include "base/rng.h"
#include "tensor/bf16.h"
#include "tensor/half.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* More tokens than are packed at once, and an end that is no whole block; shapes that fill no
 * panel */
enum { T = 1024 + 300, N = 150, K = 83, FIRST = 1024 + 32 };

static float *normal(uint64_t key, size_t n)
{
	float *v = xarray(n + LANES, sizeof *v);

	for (size_t i = 0; i < n; i++)
		v[i] = half_from_bf16(half_to_bf16((float)rng_normal(key, i)));
	return v;
}

/* Both gradients of tokens from .. from + n, added to out and bias */
static void add(float *const out[2], float *bias, const float *dy, const float *x, size_t from,
		size_t n)
{
	struct model m = {.how = MODEL_BF16, .cfg.layers = 1};
	struct layer layer = {.gu.k = K, .down.k = K, .o.k = N};
	struct wgrad_room room = {.per_thread = wgrad_scratch(&m, n)};
	const struct cmatrix d = matrix_in(dy + from * N, n, N, N),
			     in = matrix_in(x + from * K, n, K, K);
	const struct wgrad w[2] = {{out[0], bias, d, in}, {out[1], NULL, in, d}};

	m.layer = &layer;
	room.scratch = xarray((size_t)par_threads() * room.per_thread, sizeof *room.scratch);
	room.shared = xarray(wgrad_shared(&m, n), sizeof *room.shared);
	wgrad_all(w, 2, &room);
	free(room.scratch);
	free(room.shared);
}

static void sums(void **state)
{
	float *dy = normal(1, (size_t)T * N), *x = normal(2, (size_t)T * K);
	float *once[2] = {xcalloc((size_t)N * K, sizeof *dy), xcalloc((size_t)N * K, sizeof *dy)};
	float *parts[2] = {xcalloc((size_t)N * K, sizeof *dy), xcalloc((size_t)N * K, sizeof *dy)};
	float *bias = xcalloc(2 * (size_t)N, sizeof *bias);

	(void)state;
	add(once, bias, dy, x, 0, T);
	add(parts, bias + N, dy, x, 0, FIRST);
	add(parts, bias + N, dy, x, FIRST, T - FIRST);
	for (int i = 0; i < 2; i++)
		assert_memory_equal(once[i], parts[i], (size_t)N * K * sizeof *dy);
	assert_memory_equal(bias, bias + N, N * sizeof *bias);
	for (size_t j = 0; j < N; j++)
		for (size_t k = 0; k < K; k++) {
			double want = 0, size = 0;

			for (size_t t = 0; t < T; t++) {
				double p = (double)dy[t * N + j] * x[t * K + k];

				want += p;
				size += fabs(p);
			}
			assert_true(fabs(once[0][j * K + k] - want) < 1e-5 * size);
			assert_true(fabs(once[1][k * N + j] - want) < 1e-5 * size);
		}
	for (int i = 0; i < 2; i++) {
		free(once[i]);
		free(parts[i]);
	}
	free(bias);
	free(dy);
	free(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(sums)};
	int failed;

	par_start(2);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	par_stop();
	return failed;
}
