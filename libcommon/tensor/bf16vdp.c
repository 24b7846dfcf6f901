/*
 * bf16vdp.c - the matrix product in bf16 by VDPBF16PS, for the set v4bf16 alone: another arithmetic
 * than that of all others, see bf16.h.
 */
#include "tensor/bf16.h"
#include "tensor/bf16tile.h"
#include "tensor/half.h"

#include <assert.h>

/* Rows of pairs, an odd end filled up with 0 */
void bf16_rows(uint32_t *dst, struct cmatrix x)
{
	assert(dst && x.p && x.ld >= x.cols);
	for (size_t r = 0; r < x.rows; r++, dst += (x.cols + 1) / 2) {
		const float *from = x.p + r * x.ld;
		size_t i = 0;

		for (; i + 2 * VL <= x.cols; i += 2 * VL)
			*(vi *)(dst + i / 2) = (vi)_mm512_cvtne2ps_pbh(
				(__m512)vf_load(from + i + VL), (__m512)vf_load(from + i));
		for (; i < x.cols; i += 2)
			dst[i / 2] = half_bf16_pair(from[i], i + 1 < x.cols ? from[i + 1] : 0);
	}
}

/* Blocks of TILE_MR rows of A; in each, pair after pair, the rows' words side by side */
void bf16_columns(uint32_t *dst, struct cmatrix x)
{
	size_t k = x.rows, m = x.cols, pairs = (k + 1) / 2;

	assert(dst && x.p && x.ld >= x.cols);
	for (size_t i = 0; i < m; i += PANEL * TILE_MR) {
		size_t n = m - i < PANEL * TILE_MR ? m - i : PANEL * TILE_MR;

		for (size_t p = 0; p < pairs; p++) {
			const float *a = x.p + 2 * p * x.ld + i;
			uint32_t t[PANEL * TILE_MR], *to = dst + i * pairs + p * TILE_MR;

			vec_pair_rows(t, a, 2 * p + 1 < k ? a + x.ld : NULL, n);
			for (size_t j = 0; j < n; j += TILE_MR, to += pairs * TILE_MR)
				for (size_t r = 0; r < TILE_MR && j + r < n; r++)
					to[r] = t[j + r];
		}
	}
}

/* mr x nv vectors of C; see BF16_TILES. */
ALWAYS_INLINE void tile(int mr, int nv, const struct spot *t)
{
	__m512 acc[TILE_MR][GEMM_NV];
	const uint32_t *a = t->a, *b = t->b;
	size_t pairs = t->pairs, rs = t->rs, cs = t->cs, ahead = t->ahead, ld = t->ld;

#pragma GCC unroll 8
	for (int i = 0; i < mr; i++)
#pragma GCC unroll 4
		for (int j = 0; j < nv; j++)
			acc[i][j] = (__m512)(t->add ? vf_load(t->c + (size_t)i * t->ldc +
							      (size_t)j * VL)
						    : vf_set(0.0f));
	for (size_t x = 0; x < pairs; x++, a += cs, b += ld) {
		vi row[GEMM_NV];

		__builtin_prefetch(b + ahead, 0, 2);
#pragma GCC unroll 4
		for (int j = 0; j < nv; j++)
			row[j] = *(const vi *)(b + tile_column(j, t->stride));
#pragma GCC unroll 8
		for (int i = 0; i < mr; i++) {
			__m512bh two = (__m512bh)_mm512_set1_epi32((int)a[(size_t)i * rs]);

#pragma GCC unroll 4
			for (int j = 0; j < nv; j++)
				acc[i][j] = _mm512_dpbf16_ps(acc[i][j], two, (__m512bh)row[j]);
		}
	}
#pragma GCC unroll 8
	for (int i = 0; i < mr; i++)
#pragma GCC unroll 4
		for (int j = 0; j < nv; j++)
			vf_store(t->c + (size_t)i * t->ldc + (size_t)j * VL, (vf)acc[i][j]);
}

BF16_TILES

/* A panel of B stays in the first cache. */
size_t bf16_depth(void)
{
	return 256;
}

/* C(i, j) = 0 or what it holds, + sum over pairs x = 0, 1, ... of a(i, 2x + 1) b(2x + 1, j), a(i,
 * 2x) b(2x, j). */
void bf16_gemm(int how, const uint32_t *a, size_t k, struct panels b, struct matrix c)
{
	bool across = how & GEMM_TRANSPOSED;
	size_t pairs = (k + 1) / 2;
	struct spot t = {.pairs = pairs,
			 .a = a,
			 .rs = across ? 1 : pairs,
			 .cs = across ? TILE_MR : 1,
			 .add = how & GEMM_ADD};

	assert(k && !(how & ~(GEMM_ADD | GEMM_TRANSPOSED)));
	all_tiles(&tiles, &t, pairs, b, c);
}
