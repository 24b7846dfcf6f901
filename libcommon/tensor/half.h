/* half.h - the two 16-bit float formats of weights on disk, exact both ways but for rounding. */
#ifndef TENSOR_HALF_H
#define TENSOR_HALF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* v rounded to bf16, to nearest, ties to even, in the upper 16 bits (the lower: anything); without
 * branches, for loops. */
static inline uint32_t half_bf16_bits(float v)
{
	uint32_t u, quiet;

	memcpy(&u, &v, sizeof u);
	quiet = u | 0x400000; /* a NaN whose low bits are cut must stay one */
	return v != v ? quiet : u + 0x7fff + (u >> 16 & 1);
}

/* Two numbers so rounded, in one word */
static inline uint32_t half_bf16_pair(float low, float high)
{
	return half_bf16_bits(low) >> 16 | (half_bf16_bits(high) & 0xffff0000);
}

static inline uint16_t half_to_bf16(float v)
{
	return (uint16_t)(half_bf16_bits(v) >> 16);
}

static inline float half_from_bf16(uint16_t h)
{
	uint32_t u = (uint32_t)h << 16;
	float v;

	memcpy(&v, &u, sizeof v);
	return v;
}

float half_from_f16(uint16_t h); /* subnormals, infinities and NaN included */
void half_floats_bf16(float *to, const uint16_t *from, size_t n); /* many */
void half_floats_f16(float *to, const uint16_t *from, size_t n);
/* As half_to_bf16: to nearest, ties to even; what is too large becomes infinity, NaN stays NaN. */
uint16_t half_to_f16(float v);

#endif
