/* gemm.c - the matrix product of the forward pass. See gemm.h. */
#if defined(__GNUC__) && !defined(__clang__)
/* At -O3 gcc makes a second version of the kernel for unit strides, spills both and halves the
 * speed. */
#pragma GCC optimize("no-version-loops-for-strides")
#endif
#include "tensor/gemm.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* mr x nv vectors of C; mr and nv are constants where it is inlined, so acc lives in registers. */
ALWAYS_INLINE void tile(int mr, int nv, size_t k, const float *a, size_t rs, size_t cs,
			const float *b, size_t ldb, float *c, size_t ldc)
{
	vf acc[GEMM_MR][GEMM_NV];

#pragma GCC unroll 6
	for (int i = 0; i < mr; i++)
#pragma GCC unroll 4
		for (int j = 0; j < nv; j++)
			acc[i][j] = vf_set(0.0f);
	for (size_t x = 0; x < k; x++, a += cs, b += ldb) {
		vf row[GEMM_NV];

#pragma GCC unroll 4
		for (int j = 0; j < nv; j++)
			row[j] = vf_load(b + (size_t)j * VL);
#pragma GCC unroll 6
		for (int i = 0; i < mr; i++) {
			vf s = vf_set(a[(size_t)i * rs]);

#pragma GCC unroll 4
			for (int j = 0; j < nv; j++)
				acc[i][j] = vf_fma(s, row[j], acc[i][j]);
		}
	}
#pragma GCC unroll 6
	for (int i = 0; i < mr; i++)
#pragma GCC unroll 4
		for (int j = 0; j < nv; j++)
			vf_store(c + (size_t)i * ldc + (size_t)j * VL, acc[i][j]);
}

#define TILE_OF(NAME, MR, NV)                                                            \
	static void NAME(size_t k, const float *a, size_t rs, size_t cs, const float *b, \
			 size_t ldb, float *c, size_t ldc)                               \
	{                                                                                \
		tile(MR, NV, k, a, rs, cs, b, ldb, c, ldc);                              \
	}
#define TILES_OF(NV)               \
	TILE_OF(tile1_##NV, 1, NV) \
	TILE_OF(tile2_##NV, 2, NV) \
	TILE_OF(tile3_##NV, 3, NV) \
	TILE_OF(tile4_##NV, 4, NV) \
	TILE_OF(tile5_##NV, 5, NV) \
	TILE_OF(tile6_##NV, 6, NV)
#define ROW_OF(NV)                                                                     \
	{                                                                              \
		tile1_##NV, tile2_##NV, tile3_##NV, tile4_##NV, tile5_##NV, tile6_##NV \
	}

TILES_OF(1)
TILES_OF(2)
#if defined(__AVX512F__)
TILES_OF(3)
TILES_OF(4)
#endif

typedef void tile_fn(size_t k, const float *a, size_t rs, size_t cs, const float *b, size_t ldb,
		     float *c, size_t ldc);

static tile_fn *const tiles[GEMM_NV][GEMM_MR] = {
	ROW_OF(1),
	ROW_OF(2),
#if defined(__AVX512F__)
	ROW_OF(3),
	ROW_OF(4),
#endif
};

size_t pack_floats(size_t n, size_t k)
{
	return (n + PANEL - 1) / PANEL * PANEL * k;
}

void pack_rows(float *dst, const float *w, size_t n, size_t k)
{
	for (size_t p = 0; p < n; p += PANEL)
		for (size_t x = 0; x < k; x++)
			for (size_t j = p; j < p + PANEL; j++)
				*dst++ = j < n ? w[j * k + x] : 0.0f;
}

struct panels packed_view(const float *packed, size_t k)
{
	return (struct panels){packed, PANEL, k * PANEL};
}

/* What cannot be written to C directly, a part of a vector or a sum, goes through a tile of our
 * own. */
static void indirect(tile_fn *fn, size_t mr, size_t cols, size_t k, const float *a, size_t rs,
		     size_t cs, const float *b, size_t ldb, float *c, size_t ldc, bool add)
{
	float t[GEMM_MR * PANEL];

	fn(k, a, rs, cs, b, ldb, t, PANEL);
	for (size_t i = 0; i < mr; i++)
		if (add)
			for (size_t j = 0; j < cols; j++)
				c[i * ldc + j] += t[i * PANEL + j];
		else
			memcpy(c + i * ldc, t + i * PANEL, cols * sizeof *c);
}

void gemm(size_t m, size_t n, size_t k, const float *a, size_t rs, size_t cs, struct panels b,
	  float *c, size_t ldc, bool add)
{
	for (size_t j = 0; j < n; j += PANEL) {
		const float *bp = b.p + j / PANEL * b.stride;
		size_t cols = n - j < PANEL ? n - j : PANEL, nv = (cols + VL - 1) / VL;

		for (size_t i = 0; i < m; i += GEMM_MR) {
			size_t mr = m - i < GEMM_MR ? m - i : GEMM_MR;
			tile_fn *fn = tiles[nv - 1][mr - 1];

			if (add || cols % VL)
				indirect(fn, mr, cols, k, a + i * rs, rs, cs, bp, b.ld,
					 c + i * ldc + j, ldc, add);
			else
				fn(k, a + i * rs, rs, cs, bp, b.ld, c + i * ldc + j, ldc);
		}
	}
}
