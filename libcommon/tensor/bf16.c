/* bf16.c - the matrix product in bf16. See bf16.h. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-version-loops-for-strides") /* as in gemm.c */
#endif
#include "tensor/bf16.h"
#include "tensor/half.h"
#include "tensor/tile.h"

#include <assert.h>

const char *bf16_missing(void)
{
#if defined(__AVX512BF16__)
	return NULL;
#else
	return "these kernels have no AVX-512 BF16 (--version tells which they are)";
#endif
}

void bf16_row(uint32_t *dst, const float *x, size_t k)
{
	size_t i = 0;

	assert(dst && x);
#if defined(__AVX512BF16__)
	for (; i + 2 * VL <= k; i += 2 * VL)
		*(vi *)(dst + i / 2) = (vi)_mm512_cvtne2ps_pbh((__m512)vf_load(x + i + VL),
							       (__m512)vf_load(x + i));
#endif
	for (; i + 2 <= k; i += 2)
		dst[i / 2] = half_bf16_bits(x[i]) >> 16 | (half_bf16_bits(x[i + 1]) & 0xffff0000);
	if (i < k)
		dst[i / 2] = half_bf16_bits(x[i]) >> 16;
}

/* Each rounded to bf16, in the low half of its lane */
static inline vi low_halves(const float *x)
{
#if defined(__AVX512BF16__)
	return (vi)_mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh((__m512)vf_load(x)));
#else
	vi v;

	for (int j = 0; j < VL; j++)
		v[j] = (int32_t)(half_bf16_bits(x[j]) >> 16);
	return v;
#endif
}

/* Two rows of n floats as n pairs, one of each (b NULL: 0) */
static void two_rows(uint32_t *dst, const float *a, const float *b, size_t n)
{
	size_t i = 0;

	for (; i + VL <= n; i += VL) {
		vi w = low_halves(a + i);

		if (b)
			w |= low_halves(b + i) << 16;
		*(vi *)(dst + i) = w;
	}
	for (; i < n; i++)
		dst[i] = half_bf16_bits(a[i]) >> 16 | (b ? half_bf16_bits(b[i]) & 0xffff0000 : 0);
}

void bf16_panels(uint32_t *dst, struct cmatrix b)
{
	size_t stride = (b.rows + 1) / 2 * PANEL;

	assert(dst && b.p && b.ld >= b.cols);
	for (size_t x = 0; x < b.rows; x += 2, dst += PANEL)
		for (size_t j = 0; j < b.cols; j += PANEL)
			two_rows(dst + j / PANEL * stride, b.p + x * b.ld + j,
				 x + 1 < b.rows ? b.p + (x + 1) * b.ld + j : NULL,
				 b.cols - j < PANEL ? b.cols - j : PANEL);
}

/* Blocks of GEMM_MR rows of A; in each, pair after pair, the rows' words side by side */
void bf16_transpose(uint32_t *dst, struct cmatrix x)
{
	size_t k = x.rows, m = x.cols, pairs = (k + 1) / 2;

	assert(dst && x.p && x.ld >= x.cols);
	for (size_t i = 0; i < m; i += PANEL * GEMM_MR) {
		size_t n = m - i < PANEL * GEMM_MR ? m - i : PANEL * GEMM_MR;

		for (size_t p = 0; p < pairs; p++) {
			const float *a = x.p + 2 * p * x.ld + i;
			uint32_t t[PANEL * GEMM_MR], *to = dst + i * pairs + p * GEMM_MR;

			two_rows(t, a, 2 * p + 1 < k ? a + x.ld : NULL, n);
			for (size_t j = 0; j < n; j += GEMM_MR, to += pairs * GEMM_MR)
				for (size_t r = 0; r < GEMM_MR && j + r < n; r++)
					to[r] = t[j + r];
		}
	}
}

/* acc + the products of both halves */
ALWAYS_INLINE vf dot_two(vf acc, uint32_t a, vi b)
{
#if defined(__AVX512BF16__)
	return (vf)_mm512_dpbf16_ps((__m512)acc, (__m512bh)_mm512_set1_epi32((int)a), (__m512bh)b);
#else
	vf low = vf_set(half_from_bf16((uint16_t)a));
	vf high = vf_set(half_from_bf16((uint16_t)(a >> 16)));

	return vf_fma(low, (vf)(b << 16), vf_fma(high, (vf)(b & (int32_t)0xffff0000), acc));
#endif
}

/* One tile, from its corner on: pair x of row i of A is a[i * rs + x * cs]. */
struct spot {
	size_t pairs;
	const uint32_t *a;
	size_t rs, cs;
	const uint32_t *b;
	size_t stride, ahead; /* words from a panel to the next, and to what is asked for early */
	float *c;
	size_t ldc;
	bool add;
};

/* mr x nv vectors of C; see tile in gemm.c. */
ALWAYS_INLINE void tile(int mr, int nv, const struct spot *t)
{
	vf acc[GEMM_MR][GEMM_NV];
	const uint32_t *a = t->a, *b = t->b;
	size_t pairs = t->pairs, rs = t->rs, cs = t->cs, ahead = t->ahead;

#pragma GCC unroll 6
	for (int i = 0; i < mr; i++)
#pragma GCC unroll 4
		for (int j = 0; j < nv; j++)
			acc[i][j] = vf_set(0.0f);
	for (size_t x = 0; x < pairs; x++, a += cs, b += PANEL) {
		vi row[GEMM_NV];

		__builtin_prefetch(b + ahead, 0, 2);
#pragma GCC unroll 4
		for (int j = 0; j < nv; j++)
			row[j] = *(const vi *)(b + tile_column(j, t->stride));
#pragma GCC unroll 6
		for (int i = 0; i < mr; i++)
#pragma GCC unroll 4
			for (int j = 0; j < nv; j++)
				acc[i][j] = dot_two(acc[i][j], a[(size_t)i * rs], row[j]);
	}
#pragma GCC unroll 6
	for (int i = 0; i < mr; i++)
#pragma GCC unroll 4
		for (int j = 0; j < nv; j++) {
			float *to = t->c + (size_t)i * t->ldc + (size_t)j * VL;

			if (t->add)
				acc[i][j] += vf_load(to);
			vf_store(to, acc[i][j]);
		}
}

#define TILE_OF(MR, NV)                                   \
	static void tile##MR##_##NV(const struct spot *t) \
	{                                                 \
		tile(MR, NV, t);                          \
	}
#define TILES_OF(NV) \
	TILE_OF(1, NV) TILE_OF(2, NV) TILE_OF(3, NV) TILE_OF(4, NV) TILE_OF(5, NV) TILE_OF(6, NV)
#define ROW_OF(NV)                                                                     \
	{                                                                              \
		tile1_##NV, tile2_##NV, tile3_##NV, tile4_##NV, tile5_##NV, tile6_##NV \
	}

TILES_OF(1)
TILES_OF(2)
#if GEMM_NV > 2
TILES_OF(3)
TILES_OF(4)
#endif

typedef void tile_fn(const struct spot *t);

static tile_fn *const tiles[GEMM_NV][GEMM_MR] = {
	ROW_OF(1),
	ROW_OF(2),
#if GEMM_NV > 2
	ROW_OF(3),
	ROW_OF(4),
#endif
};

/* What ends within a vector goes through a tile of our own. */
static void indirect(tile_fn *fn, size_t mr, size_t cols, const struct spot *s)
{
	float t[GEMM_MR * GEMM_WIDE], *c = s->c;
	struct spot own = *s;

	own.c = t;
	own.ldc = GEMM_WIDE;
	own.add = false;
	fn(&own);
	for (size_t i = 0; i < mr; i++)
		for (size_t j = 0; j < cols; j++)
			c[i * s->ldc + j] =
				(s->add ? c[i * s->ldc + j] : 0.0f) + t[i * GEMM_WIDE + j];
}

/*
 * C(i, j) = sum over pairs x = 0, 1, ... of a(i, 2x) b(2x, j) + a(i, 2x + 1) b(2x + 1, j), all of
 * bf16; with GEMM_ADD what C holds is added to the sum.
 */
void bf16_gemm(int how, const uint32_t *a, size_t pairs, const uint32_t *b, struct matrix c)
{
	bool across = how & GEMM_TRANSPOSED;
	struct spot t = {.pairs = pairs,
			 .rs = across ? 1 : pairs,
			 .cs = across ? GEMM_MR : 1,
			 .stride = pairs * PANEL,
			 .ldc = c.ld,
			 .add = how & GEMM_ADD};

	assert(!(how & ~(GEMM_ADD | GEMM_TRANSPOSED)));
	assert(a && b && c.p && c.ld >= c.cols);
	for (size_t j = 0; j < c.cols; j += GEMM_WIDE, b += pairs * GEMM_WIDE) {
		size_t cols = c.cols - j < GEMM_WIDE ? c.cols - j : GEMM_WIDE;
		size_t nv = (cols + VL - 1) / VL;

		for (size_t i = 0; i < c.rows; i += GEMM_MR) {
			size_t mr = c.rows - i < GEMM_MR ? c.rows - i : GEMM_MR;
			tile_fn *fn = tiles[nv - 1][mr - 1];

			t.a = a + i * pairs;
			t.b = b;
			t.ahead = tile_ahead(i / GEMM_MR, t.stride);
			t.c = c.p + i * c.ld + j;
			if (cols % VL)
				indirect(fn, mr, cols, &t);
			else
				fn(&t);
		}
	}
}
