/*
 * tile.h - the tile of C that a product keeps in registers: TILE_MR rows of one panel.
 *
 * With AVX-512 a panel is a vector: eight rows are as many chains as two units keep busy whose
 * results take four cycles, and what they read of B stays in the first cache. TILE_FEW rows and
 * less would wait for their own chains: they take GEMM_NV vectors, several panels side by side.
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

#if VEC_LANES == 16
enum { TILE_MR = 8, TILE_FEW = 5 };
#else
enum { TILE_MR = GEMM_MR, TILE_FEW = 0 };
#endif

enum { GEMM_WIDE = GEMM_NV * VL }; /* columns of the widest tile: whole panels */

_Static_assert(VEC_LANES == 16 || (int)GEMM_WIDE == (int)PANEL, "a tile is one panel");

/* Columns of the tiles of so many rows */
static inline size_t tile_width(size_t rows)
{
	return rows <= TILE_FEW ? (size_t)GEMM_WIDE : (size_t)PANEL;
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
