/* blas.c - products of the backward pass: gemm_rows' until OpenBLAS is asked for, then OpenBLAS's,
 * which are the same but for rounding. */
#include "tensor/blas.h"
#include "base/mem.h"
#include "base/par.h"
#include "base/rng.h"
#include "tensor/gemm.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { M = 19, N = 37, K = 45 };

static float *normal(uint64_t key, size_t n)
{
	float *v = xcalloc(n + PANEL, sizeof *v);

	for (size_t i = 0; i < n; i++)
		v[i] = (float)rng_normal(key, i);
	return v;
}

/* The product in each way, all of it in c and by gemm_rows in want: M x N each */
static void both(int how, float *c, float *want)
{
	bool across = how & GEMM_TRANSPOSED;
	float *a = normal(1, M * K), *b = normal(2, K * N), *was = normal(3, M * N);
	struct cmatrix left = matrix_in(a, across ? K : M, across ? M : K, across ? M : K);

	memcpy(c, was, M * N * sizeof *c);
	memcpy(want, was, M * N * sizeof *want);
	blas_gemm(how, left, matrix_in(b, K, N, N), matrix_of(c, M, N, N));
	gemm_rows(how, left, matrix_in(b, K, N, N), matrix_of(want, M, N, N));
	free(a);
	free(b);
	free(was);
}

static void ours(void **state)
{
	float c[M * N], want[M * N];

	(void)state;
	assert_string_equal(blas_core(), "none");
	for (int how = 0; how <= (GEMM_ADD | GEMM_TRANSPOSED); how++) {
		both(how, c, want);
		assert_memory_equal(c, want, sizeof c);
	}
}

/* Numbers about 1, K of them: the sum is about 7. */
static void theirs(void **state)
{
	float c[M * N], want[M * N];
	struct reason why = {0};

	(void)state;
	assert_int_equal(blas_start(&why), 0);
	assert_string_not_equal(blas_core(), "none");
	for (int how = 0; how <= (GEMM_ADD | GEMM_TRANSPOSED); how++) {
		both(how, c, want);
		for (size_t i = 0; i < M * N; i++)
			assert_true(fabsf(c[i] - want[i]) < 1e-5F);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(ours), cmocka_unit_test(theirs)};
	int failed;

	par_start(1);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	par_stop();
	return failed;
}
