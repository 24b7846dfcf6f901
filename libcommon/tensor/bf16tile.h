/*
 * bf16tile.h - how a product in bf16 is cut into tiles that live in registers, for bf16.c and
 * bf16vdp.c: who includes it writes the tile.
 */
#ifndef TENSOR_BF16TILE_H
#define TENSOR_BF16TILE_H

#include "tensor/gemm.h"
#include "tensor/tile.h"

/* One tile, from its corner on: element (or pair) x of row i of A is a[i * rs + x * cs]. */
struct spot {
	size_t pairs;
	const uint32_t *a;
	size_t rs, cs;
	const uint32_t *b;
	size_t ld;            /* words from a pair of B's rows to the next, */
	size_t stride, ahead; /* from a panel to the next, and to what is asked for early */
	float *c;
	size_t ldc;
	bool add;
};

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
#if GEMM_NV > 2
#define ALL_TILES TILES_OF(1) TILES_OF(2) TILES_OF(3) TILES_OF(4)
#define ALL_ROWS ROW_OF(1), ROW_OF(2), ROW_OF(3), ROW_OF(4)
#else
#define ALL_TILES TILES_OF(1) TILES_OF(2)
#define ALL_ROWS ROW_OF(1), ROW_OF(2)
#endif

#if VEC_LANES == 16
#define TALL_TILES \
	TILE_OF(7, 1) TILE_OF(8, 1) TILE_OF(7, 2) TILE_OF(8, 2) TILE_OF(7, 3) TILE_OF(8, 3)
#define TALL_ROWS {tile7_1, tile8_1}, {tile7_2, tile8_2}, {tile7_3, tile8_3},
#else
#define TALL_TILES
#define TALL_ROWS {0},
#endif

typedef void tile_fn(const struct spot *t);

struct tiles {
	tile_fn *of[GEMM_NV][GEMM_MR]; /* [nv - 1][mr - 1] */
	tile_fn *tall[TILE_PANELS][2]; /* of more rows */
};

/* Columns that do not fill a vector go through a tile of our own. */
static void indirect_pairs(tile_fn *fn, size_t mr, size_t cols, const struct spot *s)
{
	float t[TILE_MR * GEMM_WIDE];
	struct spot own = *s;

	own.c = t;
	own.ldc = GEMM_WIDE;
	for (size_t i = 0; s->add && i < mr; i++)
		memcpy(t + i * GEMM_WIDE, s->c + i * s->ldc, cols * sizeof *t);
	fn(&own);
	for (size_t i = 0; i < mr; i++)
		memcpy(s->c + i * s->ldc, t + i * GEMM_WIDE, cols * sizeof *t);
}

/* Of an inline tile(mr, nv, t), mr rows of nv vectors of C, the functions in which both are
 * constants */
#define BF16_TILES ALL_TILES TALL_TILES static const struct tiles tiles = {{ALL_ROWS}, {TALL_ROWS}};

/* The whole of C; rows: how far a row of A is from the next. While a panel of B is used from the
 * cache the next ones are asked for. */
static void all_tiles(const struct tiles *tiles, struct spot *t, size_t rows, struct panels b,
		      struct matrix c)
{
	const uint32_t *a = t->a;

	assert(t->a && b.pairs && c.p && c.ld >= c.cols);
	t->b = b.pairs;
	t->ld = b.ld;
	t->stride = b.stride;
	t->ldc = c.ld;
	for (size_t j = 0, wide; j < c.cols; j += wide, t->b += t->stride * wide / PANEL) {
		size_t cols, nv, n = 0;

		wide = tile_width(c.rows, c.cols - j);
		cols = c.cols - j < wide ? c.cols - j : wide;
		nv = (cols + VL - 1) / VL;
		for (size_t i = 0, mr; i < c.rows; i += mr) {
			tile_fn *fn;

			mr = tile_height(c.rows - i, t->rs == rows);
			fn = mr > GEMM_MR ? tiles->tall[nv - 1][mr - GEMM_MR - 1]
					  : tiles->of[nv - 1][mr - 1];
			t->a = a + i * rows;
			t->ahead = tile_ahead(n++, t->stride, wide);
			t->c = c.p + i * c.ld + j;
			if (cols % VL)
				indirect_pairs(fn, mr, cols, t);
			else
				fn(t);
		}
	}
}

#endif
