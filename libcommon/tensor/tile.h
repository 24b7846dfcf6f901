/*
 * tile.h - the tile of C that a product keeps in registers: TILE_MR rows of one panel.
 *
 * With AVX-512 a panel is a vector: eight rows are as many chains as two units keep busy whose
 * results take four cycles, and what they read of B stays in the first cache. But they load nine
 * times for eight sums: two units that begin a sum each cycle, with two loads, would wait. There
 * products of more rows than one tile take tile_panels side by side (a single tile's B comes from
 * memory, one stream of it is the quickest). TILE_FEW rows and less would wait for their own
 * chains: they take GEMM_NV vectors, several panels too.
 */
#ifndef TENSOR_TILE_H
#define TENSOR_TILE_H

#include "tensor/matrix.h"
#include "tensor/vec.h"

#include <stdbool.h>

#define ALWAYS_INLINE static inline __attribute__((always_inline))

#if VEC_LANES == 8
#define GEMM_NV 2 /* 12 of 16 registers */
#else
#define GEMM_NV 4 /* 24 of 32 */
#endif

enum { TILE_MOST = 3 }; /* panels of a tile of AVX-512 that has all its rows */

#if VEC_LANES == 16
enum { TILE_MR = 8, TILE_FEW = 5, TILE_PANELS = TILE_MOST };
#else
enum { TILE_MR = GEMM_MR, TILE_FEW = 0, TILE_PANELS = 1 };
#endif

/* 1 or TILE_MOST: what this processor is quicker with (kernels.c). The bits are the same. */
extern int tile_panels;

enum { GEMM_WIDE = GEMM_NV * VL }; /* columns of the widest tile: whole panels */

_Static_assert(VEC_LANES == 16 || (int)GEMM_WIDE == (int)PANEL, "a tile is one panel");

/* Columns of the next tiles, of a product of so many rows, of which so many columns are left: all
 * about as wide */
static inline size_t tile_width(size_t rows, size_t left)
{
	size_t panels = (left + PANEL - 1) / PANEL, most = (size_t)tile_panels, n;

	if (rows <= TILE_FEW)
		return GEMM_WIDE;
	if (TILE_PANELS == 1 || rows <= TILE_MR)
		return PANEL;
	n = (panels + most - 1) / most;
	return (panels + n - 1) / n * PANEL;
}

/* Rows of the next tile, of so many that are left. even: all about as high, so that none waits for
 * itself; else the last has the rest */
static inline size_t tile_height(size_t left, bool even)
{
	size_t n = (left + TILE_MR - 1) / TILE_MR;

	if (TILE_FEW > 0 && even)
		return (left + n - 1) / n;
	return left < TILE_MR ? left : TILE_MR;
}

/* Where vector j of a row of a tile is in B, whose panels are `stride` apart */
ALWAYS_INLINE size_t tile_column(int j, size_t stride)
{
	return (size_t)j * VL / PANEL * stride + (size_t)j * VL % PANEL;
}

/* From a tile's place in B to what its n-th block of rows asks for early: while panels are used
 * from the cache the next ones come from memory, another line of a row for each tile. */
static inline size_t tile_ahead(size_t n, size_t stride, size_t wide)
{
	return (wide / PANEL + n % (wide / PANEL)) * stride;
}

/* A's rows are found from two places, a and from row TILE_LOW on tile_low, so that a few registers
 * do for them; tile_left is row i's. */
enum { TILE_LOW = 4 };

ALWAYS_INLINE const float *tile_low(int mr, const float *a, size_t rs)
{
	return mr > TILE_LOW ? a + TILE_LOW * rs : a;
}

ALWAYS_INLINE vf tile_left(const float *a, const float *low, int i, size_t rs)
{
	return vf_set((i < TILE_LOW ? a : low)[(size_t)(i % TILE_LOW) * rs]);
}

/* nv vectors of row 2 i (odd: 2 i + 1) of a B of pairs (gemm.h): a bf16 is the upper half of a
 * float. */
ALWAYS_INLINE void tile_row(int nv, vf row[GEMM_NV], const uint32_t *b, size_t stride, bool odd)
{
#pragma GCC unroll 4
	for (int j = 0; j < nv; j++) {
		vi two = *(const vi *)(b + tile_column(j, stride));

		row[j] = odd ? (vf)(two & (int32_t)0xffff0000) : (vf)(two << 16);
	}
}

#endif
