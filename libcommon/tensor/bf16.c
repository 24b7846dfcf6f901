/* bf16.c - the matrix product in bf16, by fused multiply-adds. See bf16.h. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-version-loops-for-strides") /* as in gemm.c */
#endif
#include "tensor/bf16.h"
#include "tensor/bf16tile.h"
#include "tensor/half.h"

#include <assert.h>
#include <float.h>

enum { PAIRS = BF16_BLOCK / 2 }; /* of a block */

/* ---- denormals are zero ---- */

#if defined(__SSE2__)

/* From here to flush_end the processor takes them so: MXCSR's FTZ and DAZ. What is in between is in
 * functions of its own, which are called by pointers: nothing is moved out. */
static unsigned flush_begin(void)
{
	unsigned before = _mm_getcsr();

	_mm_setcsr(before | 0x8040);
	return before;
}

static void flush_end(unsigned before)
{
	_mm_setcsr(before);
}

ALWAYS_INLINE vf flushed_fma(vf a, vf b, vf c)
{
	return vf_fma(a, b, c);
}

ALWAYS_INLINE vf flushed_add(vf a, vf b)
{
	return a + b;
}

#else

static unsigned flush_begin(void)
{
	return 0;
}

static void flush_end(unsigned before)
{
	(void)before;
}

static float flushed(float x)
{
	return fabsf(x) < FLT_MIN ? copysignf(0, x) : x;
}

/* A result is tiny if it is below FLT_MIN when rounded to 24 bits: what becomes FLT_MIN by rounding
 * to the coarser denormals alone is found by computing 2^64 times as much. */
static float fma_of_one(float a, float b, float c)
{
	float r, t;

	a = flushed(a), b = flushed(b), c = flushed(c);
	r = fmaf(a, b, c);
	if (!(fabsf(r) <= FLT_MIN))
		return r;
	t = fabsf(a) < fabsf(b) ? fmaf(a * 0x1p64F, b, c * 0x1p64F)
				: fmaf(b * 0x1p64F, a, c * 0x1p64F);
	return fabsf(t) < FLT_MIN * 0x1p64F ? copysignf(0, r) : r;
}

static inline vf flushed_fma(vf a, vf b, vf c)
{
	for (int i = 0; i < VL; i++)
		c[i] = fma_of_one(a[i], b[i], c[i]);
	return c;
}

static inline vf flushed_add(vf a, vf b)
{
	for (int i = 0; i < VL; i++)
		a[i] = flushed(flushed(a[i]) + flushed(b[i]));
	return a;
}

#endif

/* ---- A: rounded, still floats ---- */

static void round_row(float *dst, const float *x, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t u = half_bf16_bits(x[i]) & 0xffff0000;

		memcpy(dst + i, &u, sizeof u);
	}
}

static size_t even(size_t k)
{
	return k + (k & 1);
}

void bf16_rows(uint32_t *dst, struct cmatrix x)
{
	float *to = (float *)dst;

	assert(dst && x.p && x.ld >= x.cols);
	for (size_t i = 0; i < x.rows; i++, to += even(x.cols)) {
		to[even(x.cols) - 1] = 0;
		round_row(to, x.p + i * x.ld, x.cols);
	}
}

void bf16_columns(uint32_t *dst, struct cmatrix x)
{
	float *to = (float *)dst;

	assert(dst && x.p && x.ld >= x.cols);
	for (size_t i = 0; i < x.rows; i++, to += x.cols)
		round_row(to, x.p + i * x.ld, x.cols);
	if (x.rows & 1)
		memset(to, 0, x.cols * sizeof *to);
}

/* ---- the product ---- */

/* The sums over the even, or the odd, k of n pairs */
ALWAYS_INLINE void chain(int mr, int nv, vf acc[TILE_MR][GEMM_NV], const struct spot *t,
			 const float *a, const uint32_t *b, size_t n, bool odd)
{
	size_t rs = t->rs, cs = 2 * t->cs, stride = t->stride, ahead = t->ahead, ld = t->ld;
	const float *low = tile_low(mr, a, rs);

#pragma GCC unroll 8
	for (int i = 0; i < mr; i++)
#pragma GCC unroll 4
		for (int j = 0; j < nv; j++)
			acc[i][j] = vf_set(0.0f);
	for (size_t x = 0; x < n; x++, a += cs, low += cs, b += ld) {
		vf row[GEMM_NV];

		if (!odd)
			__builtin_prefetch(b + ahead, 0, 2);
		tile_row(nv, row, b, stride, odd);
#pragma GCC unroll 8
		for (int i = 0; i < mr; i++) {
			vf s = tile_left(a, low, i, rs);

#pragma GCC unroll 4
			for (int j = 0; j < nv; j++)
				acc[i][j] = flushed_fma(s, row[j], acc[i][j]);
		}
	}
}

/* A block's n pairs, mr x nv vectors of C; first: C is not read */
ALWAYS_INLINE void block(int mr, int nv, const struct spot *t, const float *a, const uint32_t *b,
			 size_t n, bool first)
{
	vf acc[TILE_MR][GEMM_NV], sum[TILE_MR][GEMM_NV];

	chain(mr, nv, sum, t, a, b, n, false);
	chain(mr, nv, acc, t, a + t->cs, b, n, true);
#pragma GCC unroll 8
	for (int i = 0; i < mr; i++)
#pragma GCC unroll 4
		for (int j = 0; j < nv; j++) {
			float *to = t->c + (size_t)i * t->ldc + (size_t)j * VL;
			vf c = first ? vf_set(0.0f) : vf_load(to);

			if (n < PAIRS) { /* the zeros that fill it up: -0 becomes 0 */
				sum[i][j] = flushed_add(sum[i][j], vf_set(0.0f));
				acc[i][j] = flushed_add(acc[i][j], vf_set(0.0f));
			}
			vf_store(to, flushed_add(c, flushed_add(sum[i][j], acc[i][j])));
		}
}

/* C(i, j) += its blocks, one after the other; see BF16_TILES. */
ALWAYS_INLINE void tile(int mr, int nv, const struct spot *t)
{
	const float *a = (const float *)t->a;
	const uint32_t *b = t->b;
	bool first = !t->add;

	for (size_t x = 0; x < t->pairs; x += PAIRS, a += BF16_BLOCK * t->cs, b += PAIRS * t->ld) {
		size_t n = t->pairs - x < PAIRS ? t->pairs - x : PAIRS;

		block(mr, nv, t, a, b, n, first);
		first = false;
	}
}

BF16_TILES

/* A panel of B stays in the first cache. */
size_t bf16_depth(void)
{
	return 256;
}

void bf16_gemm(int how, const uint32_t *a, size_t k, struct panels b, struct matrix c)
{
	bool across = how & GEMM_TRANSPOSED;
	struct spot t = {.pairs = (k + 1) / 2,
			 .a = a,
			 .rs = across ? 1 : even(k),
			 .cs = across ? c.rows : 1,
			 .add = how & GEMM_ADD};
	unsigned before = flush_begin();

	assert(k && !(how & ~(GEMM_ADD | GEMM_TRANSPOSED)));
	all_tiles(&tiles, &t, t.rs, b, c);
	flush_end(before);
}
