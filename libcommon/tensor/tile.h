/*
 * tile.h - the tile of C that a product keeps in registers: GEMM_MR rows of GEMM_NV vectors, which
 * are one panel of B or several side by side, as many as the machine has registers for.
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

enum { GEMM_WIDE = GEMM_NV * VL }; /* columns of a tile: whole panels */

/* Where vector j of a row of a tile is in B, whose panels are `stride` apart */
ALWAYS_INLINE size_t tile_column(int j, size_t stride)
{
	return (size_t)j * VL / PANEL * stride + (size_t)j * VL % PANEL;
}

/* From a tile's place in B to what its n-th block of rows asks for early: while panels are used
 * from the cache the next ones come from memory, another line of a row for each tile. */
static inline size_t tile_ahead(size_t n, size_t stride)
{
	return (GEMM_WIDE / PANEL + n % (GEMM_WIDE / PANEL)) * stride;
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
