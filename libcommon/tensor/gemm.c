/* gemm.c - the matrix product in f32. See gemm.h. */
#if defined(__GNUC__) && !defined(__clang__)
/* At -O3 gcc makes a second version of the kernel for unit strides, spills both and halves the
 * speed. */
#pragma GCC optimize("no-version-loops-for-strides")
#endif
#include "tensor/gemm.h"
#include "tensor/half.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* Adds one row of B, nv vectors wide, times the column of A at a. */
ALWAYS_INLINE void rank_one(int mr, int nv, vf acc[GEMM_MR][GEMM_NV], const vf row[GEMM_NV],
			    const float *a, size_t rs)
{
#pragma GCC unroll 6
	for (int i = 0; i < mr; i++) {
		vf s = vf_set(a[(size_t)i * rs]);

#pragma GCC unroll 4
		for (int j = 0; j < nv; j++)
			acc[i][j] = vf_fma(s, row[j], acc[i][j]);
	}
}

/* A row of B in f32 */
ALWAYS_INLINE void load_row(int nv, vf row[GEMM_NV], const float *b)
{
#pragma GCC unroll 4
	for (int j = 0; j < nv; j++)
		row[j] = vf_load(b + (size_t)j * VL);
}

/* Row 2 i (odd: 2 i + 1) of B in bf16: a bf16 is the upper half of a float. */
ALWAYS_INLINE void load_half(int nv, vf row[GEMM_NV], const uint32_t *b, bool odd)
{
#pragma GCC unroll 4
	for (int j = 0; j < nv; j++) {
		vi two = *(const vi *)(b + (size_t)j * VL);

		row[j] = odd ? (vf)(two & (int32_t)0xffff0000) : (vf)(two << 16);
	}
}

/* mr x nv vectors of C; mr, nv and half are constants where it is inlined, so acc lives in
 * registers. half: B is in bf16 at h, else in f32 at b. add: the chain goes on from what is in C.
 */
ALWAYS_INLINE void tile(int mr, int nv, bool half, size_t k, const float *a, size_t rs, size_t cs,
			const struct panels *b, float *c, size_t ldc, bool add)
{
	vf acc[GEMM_MR][GEMM_NV], row[GEMM_NV];
	const float *p = b->p;
	const uint32_t *h = b->pairs;
	size_t x = 0;

#pragma GCC unroll 6
	for (int i = 0; i < mr; i++)
#pragma GCC unroll 4
		for (int j = 0; j < nv; j++)
			acc[i][j] =
				add ? vf_load(c + (size_t)i * ldc + (size_t)j * VL) : vf_set(0.0f);
	for (; half && x + 2 <= k; x += 2, a += 2 * cs, h += PANEL) {
		load_half(nv, row, h, false);
		rank_one(mr, nv, acc, row, a, rs);
		load_half(nv, row, h, true);
		rank_one(mr, nv, acc, row, a + cs, rs);
	}
	for (; x < k; x++, a += cs, p += b->ld) {
		if (half)
			load_half(nv, row, h, false);
		else
			load_row(nv, row, p);
		rank_one(mr, nv, acc, row, a, rs);
	}
#pragma GCC unroll 6
	for (int i = 0; i < mr; i++)
#pragma GCC unroll 4
		for (int j = 0; j < nv; j++)
			vf_store(c + (size_t)i * ldc + (size_t)j * VL, acc[i][j]);
}

#define TILE_OF(NAME, MR, NV, HALF)                                                              \
	static void NAME(size_t k, const float *a, size_t rs, size_t cs, const struct panels *b, \
			 float *c, size_t ldc, bool add)                                         \
	{                                                                                        \
		tile(MR, NV, HALF, k, a, rs, cs, b, c, ldc, add);                                \
	}
#define TILES_OF(KIND, NV, HALF)           \
	TILE_OF(KIND##1_##NV, 1, NV, HALF) \
	TILE_OF(KIND##2_##NV, 2, NV, HALF) \
	TILE_OF(KIND##3_##NV, 3, NV, HALF) \
	TILE_OF(KIND##4_##NV, 4, NV, HALF) \
	TILE_OF(KIND##5_##NV, 5, NV, HALF) \
	TILE_OF(KIND##6_##NV, 6, NV, HALF)
#define ROW_OF(KIND, NV)                                                                           \
	{                                                                                          \
		KIND##1_##NV, KIND##2_##NV, KIND##3_##NV, KIND##4_##NV, KIND##5_##NV, KIND##6_##NV \
	}

TILES_OF(full, 1, false)
TILES_OF(full, 2, false)
TILES_OF(half, 1, true)
TILES_OF(half, 2, true)
#if defined(__AVX512F__)
TILES_OF(full, 3, false)
TILES_OF(full, 4, false)
TILES_OF(half, 3, true)
TILES_OF(half, 4, true)
#endif

typedef void tile_fn(size_t k, const float *a, size_t rs, size_t cs, const struct panels *b,
		     float *c, size_t ldc, bool add);

static tile_fn *const tiles[2][GEMM_NV][GEMM_MR] = {
	{
		ROW_OF(full, 1),
		ROW_OF(full, 2),
#if defined(__AVX512F__)
		ROW_OF(full, 3),
		ROW_OF(full, 4),
#endif
	},
	{
		ROW_OF(half, 1),
		ROW_OF(half, 2),
#if defined(__AVX512F__)
		ROW_OF(half, 3),
		ROW_OF(half, 4),
#endif
	},
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
	return (struct panels){packed, PANEL, k * PANEL, NULL};
}

size_t pair_words(size_t n, size_t k)
{
	return (n + PANEL - 1) / PANEL * PANEL * ((k + 1) / 2);
}

/* The words of row `row`, one pair of columns after the other: stride PANEL */
static size_t pair_at(size_t row, size_t k)
{
	return row / PANEL * PANEL * ((k + 1) / 2) + row % PANEL;
}

/* Rows and words that are turned round at a time: whole lines of the cache on both sides */
enum { TURN_ROWS = 16, TURN_WORDS = 8 };

/* Words x..x + n of a row of k floats */
static void row_words(uint32_t *dst, const float *w, size_t x, size_t n, size_t k)
{
	size_t full = 2 * (x + n) > k ? n - 1 : n;

	for (size_t i = 0; i < full; i++)
		dst[i] = half_bf16_bits(w[2 * (x + i)]) >> 16 |
			 (half_bf16_bits(w[2 * (x + i) + 1]) & 0xffff0000);
	if (full < n)
		dst[full] = half_bf16_bits(w[k - 1]) >> 16;
}

void pair_rows(uint32_t *dst, size_t first, const float *w, size_t rows, size_t k)
{
	size_t words = (k + 1) / 2;

	for (size_t i = 0; i < rows; i += TURN_ROWS)
		for (size_t x = 0; x < words; x += TURN_WORDS) {
			size_t n = words - x < TURN_WORDS ? words - x : TURN_WORDS;
			size_t some = rows - i < TURN_ROWS ? rows - i : TURN_ROWS;
			uint32_t t[TURN_ROWS][TURN_WORDS];

			for (size_t r = 0; r < some; r++)
				row_words(t[r], w + (i + r) * k, x, n, k);
			for (size_t r = 0; r < some; r++) {
				uint32_t *to = dst + pair_at(first + i + r, k) + x * PANEL;

				for (size_t j = 0; j < n; j++)
					to[j * PANEL] = t[r][j];
			}
		}
}

void unpair_rows(float *w, const uint32_t *src, size_t first, size_t rows, size_t k)
{
	size_t words = (k + 1) / 2;

	for (size_t i = 0; i < rows; i += TURN_ROWS)
		for (size_t x = 0; x < words; x += TURN_WORDS) {
			size_t n = words - x < TURN_WORDS ? words - x : TURN_WORDS;
			size_t some = rows - i < TURN_ROWS ? rows - i : TURN_ROWS;

			for (size_t r = 0; r < some; r++) {
				const uint32_t *from = src + pair_at(first + i + r, k) + x * PANEL;
				float *to = w + (i + r) * k + 2 * x;

				for (size_t j = 0; j < n; j++, from += PANEL) {
					to[2 * j] = half_from_bf16((uint16_t)*from);
					if (2 * (x + j) + 1 < k)
						to[2 * j + 1] =
							half_from_bf16((uint16_t)(*from >> 16));
				}
			}
		}
}

struct panels pair_view(const uint32_t *pairs, size_t k)
{
	return (struct panels){NULL, 0, (k + 1) / 2 * PANEL, pairs};
}

/* Columns that do not fill a vector go through a tile of our own. */
static void indirect(tile_fn *fn, size_t mr, size_t cols, size_t k, const float *a, size_t rs,
		     size_t cs, const struct panels *b, float *c, size_t ldc, bool add)
{
	float t[GEMM_MR * PANEL];

	for (size_t i = 0; add && i < mr; i++)
		memcpy(t + i * PANEL, c + i * ldc, cols * sizeof *c);
	fn(k, a, rs, cs, b, t, PANEL, add);
	for (size_t i = 0; i < mr; i++)
		memcpy(c + i * ldc, t + i * PANEL, cols * sizeof *c);
}

void gemm(size_t m, size_t n, size_t k, const float *a, size_t rs, size_t cs, struct panels b,
	  float *c, size_t ldc, bool add)
{
	for (size_t j = 0; j < n; j += PANEL) {
		size_t cols = n - j < PANEL ? n - j : PANEL, nv = (cols + VL - 1) / VL;

		for (size_t i = 0; i < m; i += GEMM_MR) {
			size_t mr = m - i < GEMM_MR ? m - i : GEMM_MR;
			tile_fn *fn = tiles[b.pairs != NULL][nv - 1][mr - 1];

			if (cols % VL)
				indirect(fn, mr, cols, k, a + i * rs, rs, cs, &b, c + i * ldc + j,
					 ldc, add);
			else
				fn(k, a + i * rs, rs, cs, &b, c + i * ldc + j, ldc, add);
		}
		if (b.pairs)
			b.pairs += b.stride;
		else
			b.p += b.stride;
	}
}

/* A panel of so many rows of B stays in the cache while all rows of A pass. */
enum { CHUNK = 256 };

void gemm_rows(size_t m, size_t n, size_t k, const float *a, size_t rs, size_t cs, const float *b,
	       size_t ldb, float *c, size_t ldc, bool add)
{
	for (size_t x = 0; x < k; x += CHUNK) {
		struct panels part = {.p = b + x * ldb, .ld = ldb, .stride = PANEL};

		gemm(m, n, k - x < CHUNK ? k - x : CHUNK, a + x * cs, rs, cs, part, c, ldc,
		     add || x > 0);
	}
}
