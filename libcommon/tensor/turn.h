/*
 * turn.h - a matrix of floats transposed: blocks of VL by VL numbers at a time, in registers.
 * For libcommon/tensor alone.
 */
#ifndef TENSOR_TURN_H
#define TENSOR_TURN_H

#include "tensor/vec.h"

/* Numbers of a and b in turn: of their first halves, and of their second ones */
#if VEC_LANES == 16
#define TURN_LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define TURN_HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif VEC_LANES == 8
#define TURN_LOW 0, 8, 1, 9, 2, 10, 3, 11
#define TURN_HIGH 4, 12, 5, 13, 6, 14, 7, 15
#else
#define TURN_LOW 0, 4, 1, 5
#define TURN_HIGH 2, 6, 3, 7
#endif

/* Row i and row i + VL / 2 dealt in turn into rows 2 i and 2 i + 1: done log2(VL) times, that
 * transposes, as each time an index gives its highest bit to the other one as its lowest. */
static inline void turn_deal(vf to[VL], const vf from[VL])
{
	_Pragma("GCC unroll 8") for (int i = 0; i < VL / 2; i++)
	{
		to[2 * i] = __builtin_shufflevector(from[i], from[i + VL / 2], TURN_LOW);
		to[2 * i + 1] = __builtin_shufflevector(from[i], from[i + VL / 2], TURN_HIGH);
	}
}

static inline void turn_block(float *dst, size_t ld, const float *src, size_t ls)
{
	vf a[VL], b[VL];

	_Pragma("GCC unroll 16") for (int i = 0; i < VL; i++) a[i] = vf_load(src + (size_t)i * ls);
	turn_deal(b, a);
	turn_deal(a, b);
#if VEC_LANES > 4
	turn_deal(b, a);
#if VEC_LANES > 8
	turn_deal(a, b);
#else
	memcpy(a, b, sizeof a);
#endif
#endif
	_Pragma("GCC unroll 16") for (int i = 0; i < VL; i++) vf_store(dst + (size_t)i * ld, a[i]);
}

/* dst(i, j) = src(j, i): src (rows, cols) in rows of ls, dst in rows of ld */
static inline void turn(float *dst, size_t ld, const float *src, size_t ls, size_t rows,
			size_t cols)
{
	size_t whole_rows = rows / VL * VL, whole_cols = cols / VL * VL;

	for (size_t j = 0; j < whole_rows; j += VL)
		for (size_t i = 0; i < whole_cols; i += VL)
			turn_block(dst + i * ld + j, ld, src + j * ls + i, ls);
	for (size_t j = 0; j < rows; j++)
		for (size_t i = j < whole_rows ? whole_cols : 0; i < cols; i++)
			dst[i * ld + j] = src[j * ls + i];
}

#endif
