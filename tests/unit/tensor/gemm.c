/* gemm.c - the products in f32 against plain loops in double, and what their contract promises of
 * bits: a row's result does not depend on what else is computed with it. */
#include "tensor/gemm.h"
#include "tensor/half.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plain.h"

/* Rows, columns, length: less than a tile, one, odd ends, several panels, more than a chunk of k;
 * several parts each way, with odd ends; parts where tiles are widest */
static const size_t sizes[][3] = {{1, 1, 1},     {1, 17, 3},      {6, 16, 64},   {7, 65, 33},
				  {13, 200, 51}, {48, 130, 96},   {5, 16, 0},    {100, 7, 300},
				  {2, 33, 600},  {200, 139, 515}, {20, 523, 259}};

enum { SIZES = sizeof sizes / sizeof *sizes, GAP = 3 };

/* B (k, n) in rows, as W' packed */
static float *transposed(const float *b, size_t k, size_t n)
{
	float *w = xarray(n * k + 1, sizeof *w);

	for (size_t x = 0; x < k; x++)
		for (size_t j = 0; j < n; j++)
			w[j * k + x] = b[x * n + j];
	return w;
}

/* A product of panels or of plain rows, with gaps between rows of A and of C that stay untouched */
static void check_product(size_t m, size_t n, size_t k, int how, bool rows)
{
	bool across = how & GEMM_TRANSPOSED;
	size_t lda = (across ? m : k) + GAP, ldc = n + GAP;
	float *a = plain_normal(1, (across ? k : m) * lda), *b = plain_normal(2, k * n);
	float *c = plain_normal(3, m * ldc), *was = plain_normal(3, m * ldc);
	float *w = transposed(b, k, n),
	      *packed = xcalloc(gemm_pack_floats(n, k) + LANES, sizeof *packed);
	struct cmatrix left = across ? matrix_in(a, k, m, lda) : matrix_in(a, m, k, lda);

	gemm_pack_rows(packed, w, n, k);
	if (rows)
		gemm_rows(how, left, matrix_in(b, k, n, n), matrix_of(c, m, n, ldc));
	else
		gemm(how, left, gemm_packed_view(packed, k), matrix_of(c, m, n, ldc));
	plain_product(left, across, matrix_in(b, k, n, n), matrix_in(c, m, n, ldc),
		      how & GEMM_ADD ? was : NULL);
	for (size_t i = 0; i < m; i++)
		assert_same_bits(c + i * ldc + n, was + i * ldc + n, GAP);
	free(a);
	free(b);
	free(c);
	free(was);
	free(w);
	free(packed);
}

static void products(void **state)
{
	(void)state;
	for (size_t i = 0; i < SIZES; i++)
		for (int how = 0; how < 4; how++)
			for (int rows = 0; rows < (sizes[i][2] ? 2 : 1); rows++)
				check_product(sizes[i][0], sizes[i][1], sizes[i][2], how, rows);
}

/* A row gives the same bits alone and among others, whatever part of A or C it is. */
static void rows_alone(void **state)
{
	enum { M = 200, N = 150, K = 270 };
	float *a = plain_normal(1, M * K), *w = plain_normal(2, N * K), all[M * N], one[N];
	float *packed = xcalloc(gemm_pack_floats(N, K), sizeof *packed);

	(void)state;
	gemm_pack_rows(packed, w, N, K);
	gemm(0, matrix_in(a, M, K, K), gemm_packed_view(packed, K), matrix_of(all, M, N, N));
	for (size_t i = 0; i < M; i++) {
		gemm(0, matrix_in(a + i * K, 1, K, K), gemm_packed_view(packed, K),
		     matrix_of(one, 1, N, N));
		assert_same_bits(one, all + i * N, N);
	}
	free(a);
	free(w);
	free(packed);
}

/* Columns of the last panel from n on are zero: a product may read them. */
static void zero_columns(void **state)
{
	enum { N = PANEL + 3, K = 5 };
	float *w = plain_normal(1, N * K), *packed = plain_normal(2, gemm_pack_floats(N, K));

	(void)state;
	gemm_pack_rows(packed, w, N, K);
	for (size_t x = 0; x < K; x++)
		for (size_t j = 0; j < 2 * PANEL; j++)
			assert_true(packed[j / PANEL * K * PANEL + x * PANEL + j % PANEL] ==
				    (j < N ? w[j * K + x] : 0));
	free(w);
	free(packed);
}

/* Panels, plain rows, the transpose of A and a chain that is cut in two: the same chain, the same
 * bits. */
static void one_chain(void **state)
{
	enum { M = 19, N = 150, K = 601, CUT = 100 };
	float *a = plain_normal(1, M * K), *b = plain_normal(2, K * N), *at = transposed(a, M, K);
	float *w = transposed(b, K, N), *packed = xcalloc(gemm_pack_floats(N, K), sizeof *packed);
	float c[M * N], d[M * N];
	struct panels panels;

	(void)state;
	gemm_pack_rows(packed, w, N, K);
	panels = gemm_packed_view(packed, K);
	gemm(0, matrix_in(a, M, K, K), panels, matrix_of(c, M, N, N));
	gemm(GEMM_TRANSPOSED, matrix_in(at, K, M, M), panels, matrix_of(d, M, N, N));
	assert_same_bits(c, d, M * N);
	gemm_rows(0, matrix_in(a, M, K, K), matrix_in(b, K, N, N), matrix_of(d, M, N, N));
	assert_same_bits(c, d, M * N);
	gemm(0, matrix_in(a, M, CUT, K), panels, matrix_of(d, M, N, N));
	panels.p += CUT * panels.ld;
	gemm(GEMM_ADD, matrix_in(a + CUT, M, K - CUT, K), panels, matrix_of(d, M, N, N));
	assert_same_bits(c, d, M * N);
	free(a);
	free(b);
	free(at);
	free(w);
	free(packed);
}

/* Panels in bf16 give the bits of f32 panels that hold the same numbers; widening gives them back.
 */
static void pairs(void **state)
{
	(void)state;
	for (size_t s = 0; s < SIZES; s++) {
		size_t m = sizes[s][0], n = sizes[s][1], k = sizes[s][2];
		float *a = plain_normal(1, m * k), *w = plain_normal(2, n * k);
		float *packed = xcalloc(gemm_pack_floats(n, k) + LANES, sizeof *packed);
		uint32_t *half = xcalloc(gemm_pair_words(n, k) + LANES, sizeof *half);
		float *c = plain_normal(3, m * n), *d = plain_normal(4, m * n);
		float *back = plain_normal(5, n * k);

		for (size_t i = 0; i < n * k; i++)
			w[i] = half_from_bf16(half_to_bf16(w[i]));
		gemm_pack_rows(packed, w, n, k);
		for (size_t i = 0; i < n; i++) /* row by row, from the last one */
			gemm_pair_rows(half, n - 1 - i, matrix_in(w + (n - 1 - i) * k, 1, k, k));
		gemm(0, matrix_in(a, m, k, k), gemm_packed_view(packed, k), matrix_of(c, m, n, n));
		gemm(0, matrix_in(a, m, k, k), gemm_pair_view(half, k), matrix_of(d, m, n, n));
		assert_same_bits(c, d, m * n);
		gemm_unpair_rows(back, half, 0, n, k);
		assert_same_bits(back, w, n * k);
		free(a);
		free(w);
		free(packed);
		free(half);
		free(c);
		free(d);
		free(back);
	}
}

static void check_each(int how, const float *a, size_t m, size_t n, size_t k)
{
	size_t step = gemm_pack_floats(n, k) + 8, ldc = vec_round(n);
	float *b = plain_normal(2, m * step), *c = plain_normal(3, m * ldc);
	float *one = plain_normal(3, m * ldc);

	gemm_each(how, matrix_in(a, m, k, k), gemm_packed_view(b, k), step,
		  matrix_of(c, m, n, ldc));
	for (size_t i = 0; i < m; i++) {
		gemm(how, matrix_in(a + i * k, 1, k, k), gemm_packed_view(b + i * step, k),
		     matrix_of(one + i * ldc, 1, n, ldc));
		assert_same_bits(one + i * ldc, c + i * ldc, n);
	}
	free(b);
	free(c);
	free(one);
}

/* Each row with a B of its own: the bits of gemm, row by row. */
static void each_row(void **state)
{
	enum { K = 40, MOST = 9 };
	float *a = plain_normal(1, MOST * K);

	(void)state;
	for (size_t m = 1; m <= MOST; m++)
		for (size_t n = 1; n <= 3 * PANEL; n += 5) {
			check_each(0, a, m, n, K);
			check_each(GEMM_ADD, a, m, n, K);
		}
	free(a);
}

/* NaN and infinity come through where their row and column meet, and nowhere else. */
static void extremes(void **state)
{
	enum { M = 7, N = 20, K = 5 };
	float *a = plain_normal(1, M * K), *w = plain_normal(2, N * K), c[M * N];
	float *packed = xcalloc(gemm_pack_floats(N, K), sizeof *packed);

	(void)state;
	a[3 * K + 2] = NAN;
	w[4 * K] = INFINITY;
	gemm_pack_rows(packed, w, N, K);
	gemm(0, matrix_in(a, M, K, K), gemm_packed_view(packed, K), matrix_of(c, M, N, N));
	for (size_t i = 0; i < M; i++)
		for (size_t j = 0; j < N; j++) {
			assert_true(i == 3 ? isnan(c[i * N + j]) : !isnan(c[i * N + j]));
			assert_true(i == 3 || (j == 4) == !!isinf(c[i * N + j]));
		}
	free(a);
	free(w);
	free(packed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(products),     cmocka_unit_test(rows_alone),
		cmocka_unit_test(zero_columns), cmocka_unit_test(one_chain),
		cmocka_unit_test(pairs),        cmocka_unit_test(each_row),
		cmocka_unit_test(extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
