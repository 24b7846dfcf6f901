/* half.c - bfloat16 and IEEE binary16 from and to float. See half.h. */
#include "tensor/half.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static uint32_t bits_of(float v)
{
	uint32_t u;

	memcpy(&u, &v, sizeof u);
	return u;
}

static float float_of(uint32_t u)
{
	float v;

	memcpy(&v, &u, sizeof v);
	return v;
}

float half_from_f16(uint16_t h)
{
	uint32_t u = (uint32_t)(h & 0x7fff) << 13, sign = (uint32_t)(h & 0x8000) << 16;
	uint32_t top = u >= 31U << 23 ? 0x7f800000 : 0; /* of infinities and NaN */

	/* the exponents' biases differ by 112; a subnormal becomes one of float's, then normal */
	return float_of(bits_of(float_of(u) * 0x1p112F) | top | sign);
}

void half_floats_bf16(float *to, const uint16_t *from, size_t n)
{
	assert(!n || (to && from));
	for (size_t i = 0; i < n; i++)
		to[i] = half_from_bf16(from[i]);
}

void half_floats_f16(float *to, const uint16_t *from, size_t n)
{
	assert(!n || (to && from));
	for (size_t i = 0; i < n; i++)
		to[i] = half_from_f16(from[i]);
}

uint16_t half_to_f16(float v)
{
	uint32_t sign = bits_of(v) >> 16 & 0x8000, u = bits_of(v) & 0x7fffffff;

	if (isnan(v))
		return (uint16_t)(sign | 0x7e00 | (u >> 13 & 1023));
	if (u >= 0x477ff000) /* 65520, halfway to 2^16, and above */
		return (uint16_t)(sign | 0x7c00);
	if (u < 0x38800000) /* below 2^-14: adding 0.5 leaves the multiple of 2^-24 in the low bits
			     */
		return (uint16_t)(sign | (bits_of(float_of(u) + 0.5F) - bits_of(0.5F)));
	u -= 112U << 23;
	return (uint16_t)(sign | (u + 0xfff + (u >> 13 & 1)) >> 13);
}
