/*
 * tiles.h - what tensor/bf16amx.c asks of a processor with AMX, in plain C, so that its loops can
 * be tested where there is none: registers of 16 rows of 64 bytes and what their configuration
 * allows, as Intel's manual describes it (Software Developer's Manual, volume 2: LDTILECFG,
 * TILELOADD, TDPBF16PS). What the manual forbids ends the program.
 */
#ifndef TESTS_TILES_H
#define TESTS_TILES_H

#include <assert.h>
#include <float.h>
#include <immintrin.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct tile_config {
	uint8_t palette, start, zero[14];
	uint16_t bytes[16];
	uint8_t rows[16];
};

static _Thread_local struct {
	struct tile_config c;
	uint8_t t[8][16][64];
} tiles_here;

#define TILE_CONFIG(p) tiles_config(p)
#define TILE_LOAD(t, p, row) tiles_load(t, p, row)
#define TILE_STORE(t, p, row) tiles_store(t, p, row)
#define TILE_ZERO(n) memset(tiles_of(n), 0, sizeof tiles_here.t[0])
#define TILE_DOT(c, a, b) tiles_dot(c, a, b)
#define TILE_RELEASE() (tiles_here.c.palette = 0)

static void tiles_config(const void *p)
{
	memcpy(&tiles_here.c, p, sizeof tiles_here.c);
	if (tiles_here.c.palette != 1 || tiles_here.c.start)
		abort();
	for (int i = 0; i < 16; i++)
		if (tiles_here.c.rows[i] > (i < 8 ? 16 : 0) ||
		    tiles_here.c.bytes[i] > (i < 8 ? 64 : 0))
			abort();
	memset(tiles_here.t, 0, sizeof tiles_here.t);
}

static uint8_t (*tiles_of(int t))[64]
{
	if (tiles_here.c.palette != 1 || !tiles_here.c.rows[t] || !tiles_here.c.bytes[t])
		abort();
	return tiles_here.t[t];
}

static void tiles_load(int t, const void *p, size_t row)
{
	uint8_t(*to)[64] = tiles_of(t);

	memset(to, 0, sizeof tiles_here.t[t]);
	for (size_t i = 0; i < tiles_here.c.rows[t]; i++)
		memcpy(to[i], (const char *)p + i * row, tiles_here.c.bytes[t]);
}

static void tiles_store(int t, void *p, size_t row)
{
	uint8_t(*from)[64] = tiles_of(t);

	for (size_t i = 0; i < tiles_here.c.rows[t]; i++)
		memcpy((char *)p + i * row, from[i], tiles_here.c.bytes[t]);
}

static float tiles_half(const uint8_t *word, int odd)
{
	uint32_t u;
	float f;

	memcpy(&u, word, sizeof u);
	u = odd ? u & 0xffff0000 : u << 16;
	memcpy(&f, &u, sizeof f);
	return f;
}

/* C += A B: of each element the even and the odd numbers of its pairs apart, from 0; with denormals
 * as zero, which the processor's SSE can do as well */
static void tiles_dot(int c, int a, int b)
{
	uint8_t(*C)[64] = tiles_of(c), (*A)[64] = tiles_of(a), (*B)[64] = tiles_of(b);
	unsigned before = _mm_getcsr();
	size_t pairs = tiles_here.c.bytes[a] / 4;

	if (tiles_here.c.rows[c] != tiles_here.c.rows[a] ||
	    tiles_here.c.bytes[c] != tiles_here.c.bytes[b] || pairs != tiles_here.c.rows[b])
		abort();
	_mm_setcsr(before | 0x8040);
	for (size_t i = 0; i < tiles_here.c.rows[c]; i++)
		for (size_t j = 0; j < tiles_here.c.bytes[c] / 4; j++) {
			__m128 sum[2] = {_mm_setzero_ps(), _mm_setzero_ps()}, s;
			float x;

			for (size_t k = 0; k < 2 * pairs; k++)
				sum[k & 1] = _mm_fmadd_ss(
					_mm_set_ss(tiles_half(A[i] + k / 2 * 4, k & 1)),
					_mm_set_ss(tiles_half(B[k / 2] + 4 * j, k & 1)),
					sum[k & 1]);
			memcpy(&x, C[i] + 4 * j, sizeof x);
			s = _mm_add_ss(_mm_set_ss(x), _mm_add_ss(sum[0], sum[1]));
			x = _mm_cvtss_f32(s);
			memcpy(C[i] + 4 * j, &x, sizeof x);
		}
	_mm_setcsr(before);
}

#endif
