/* quant.c - blocks of quantised numbers. See quant.h. */
#include "tensor/quant.h"
#include "tensor/half.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { SMALL = 32, SUPER = 256 }; /* numbers of a block, and of one of the K types */

static float f16_at(const uint8_t *p)
{
	return half_from_f16((uint16_t)(p[0] | p[1] << 8));
}

static uint32_t u32_at(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* ---- plain floats ---- */

static void widen_f32(const uint8_t *from, size_t n, float *to)
{
	memcpy(to, from, n * sizeof *to);
}

static void widen_f16(const uint8_t *from, size_t n, float *to)
{
	for (size_t i = 0; i < n; i++)
		to[i] = f16_at(from + 2 * i);
}

static void widen_bf16(const uint8_t *from, size_t n, float *to)
{
	for (size_t i = 0; i < n; i++)
		to[i] = half_from_bf16((uint16_t)(from[2 * i] | from[2 * i + 1] << 8));
}

/* ---- blocks of 32 ---- */

/* The 32 numbers of 16 bytes: low halves first, then the high ones */
static int nibble(const uint8_t *q, int i)
{
	return i < 16 ? q[i] & 15 : q[i - 16] >> 4;
}

/* d (2), q (16): y = d (q - 8) */
static void widen_q4_0(const uint8_t *b, size_t n, float *to)
{
	for (; n; n--, b += 18, to += SMALL)
		for (int i = 0; i < SMALL; i++)
			to[i] = f16_at(b) * (float)(nibble(b + 2, i) - 8);
}

/* d (2), m (2), q (16): y = d q + m */
static void widen_q4_1(const uint8_t *b, size_t n, float *to)
{
	for (; n; n--, b += 20, to += SMALL)
		for (int i = 0; i < SMALL; i++)
			to[i] = f16_at(b) * (float)nibble(b + 4, i) + f16_at(b + 2);
}

/* d (2), h (4), q (16): y = d (q + 16 (bit i of h) - 16) */
static void widen_q5_0(const uint8_t *b, size_t n, float *to)
{
	for (; n; n--, b += 22, to += SMALL)
		for (int i = 0; i < SMALL; i++) {
			int high = (int)(u32_at(b + 2) >> i & 1);

			to[i] = f16_at(b) * (float)(nibble(b + 6, i) + 16 * high - 16);
		}
}

/* d (2), m (2), h (4), q (16): y = d (q + 16 (bit i of h)) + m */
static void widen_q5_1(const uint8_t *b, size_t n, float *to)
{
	for (; n; n--, b += 24, to += SMALL)
		for (int i = 0; i < SMALL; i++) {
			int high = (int)(u32_at(b + 4) >> i & 1);

			to[i] = f16_at(b) * (float)(nibble(b + 8, i) + 16 * high) + f16_at(b + 2);
		}
}

/* d (2), q (32, signed): y = d q */
static void widen_q8_0(const uint8_t *b, size_t n, float *to)
{
	for (; n; n--, b += 34, to += SMALL)
		for (int i = 0; i < SMALL; i++)
			to[i] = f16_at(b) * (float)(int8_t)b[2 + i];
}

/* d (2), q (16): y = d k[q], levels closer to each other around 0 */
static void widen_iq4_nl(const uint8_t *b, size_t n, float *to)
{
	static const int8_t k[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
				     1,    13,   25,  38,  53,  69,  89,  113};

	for (; n; n--, b += 18, to += SMALL)
		for (int i = 0; i < SMALL; i++)
			to[i] = f16_at(b) * (float)k[nibble(b + 2, i)];
}

/* ---- blocks of 256, in groups of 16 or 32 whose scales are quantised too ---- */

/* Two bits of number i: those of 128 numbers lie in 32 bytes, by quarters */
static int pair_of_bits(const uint8_t *q, int i)
{
	return q[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
}

/* s (16), q (64), d (2), m (2): y = d (s & 15) q - m (s >> 4), s that of the group of 16 */
static void widen_q2_k(const uint8_t *b, size_t n, float *to)
{
	for (; n; n--, b += 84, to += SUPER)
		for (int i = 0; i < SUPER; i++) {
			int s = b[i / 16];
			float scale = f16_at(b + 80) * (float)(s & 15);

			to[i] = scale * (float)pair_of_bits(b + 16, i) -
				f16_at(b + 82) * (float)(s >> 4);
		}
}

/* Six bits of scale k of 16: four in the halves of p[0..8), two in p[8..12) */
static int q3_scale(const uint8_t *p, int k)
{
	int low = k < 8 ? p[k] & 15 : p[k - 8] >> 4;

	return low | (p[8 + k % 4] >> (k / 4 * 2) & 3) << 4;
}

/* h (32), q (64), p (12), d (2): y = d (s - 32) (q - 4, or q where bit i / 32 of h[i % 32] is set)
 */
static void widen_q3_k(const uint8_t *b, size_t n, float *to)
{
	for (; n; n--, b += 110, to += SUPER)
		for (int i = 0; i < SUPER; i++) {
			int q = pair_of_bits(b + 32, i) - (b[i % 32] >> (i / 32) & 1 ? 0 : 4);
			int s = q3_scale(b + 96, i / 16) - 32;

			to[i] = f16_at(b + 108) * (float)s * (float)q;
		}
}

/* Of group k of 8 the scale and the minimum, six bits each: of the last four, the upper two bits
 * stand above those of the first four. */
static void q4_scale(const uint8_t *p, int k, int *scale, int *min)
{
	if (k < 4) {
		*scale = p[k] & 63;
		*min = p[k + 4] & 63;
	} else {
		*scale = (p[k + 4] & 15) | p[k - 4] >> 6 << 4;
		*min = p[k + 4] >> 4 | p[k] >> 6 << 4;
	}
}

/* Four bits of number i: those of 64 numbers lie in 32 bytes, by halves */
static int half_byte(const uint8_t *q, int i)
{
	return q[i / 64 * 32 + i % 32] >> (i % 64 / 32 * 4) & 15;
}

/* d (2), m (2), p (12), then at h the fifth bits (NULL: none), at q the numbers: y = d s q - m t */
static void widen_groups(const uint8_t *b, const uint8_t *h, const uint8_t *q, float *to)
{
	for (int k = 0; k < SUPER / 32; k++) {
		float d, m;
		int scale, min;

		q4_scale(b + 4, k, &scale, &min);
		d = f16_at(b) * (float)scale;
		m = f16_at(b + 2) * (float)min;
		for (int i = 32 * k; i < 32 * k + 32; i++)
			to[i] = d * (float)(half_byte(q, i) + (h ? (h[i % 32] >> k & 1) * 16 : 0)) -
				m;
	}
}

static void widen_q4_k(const uint8_t *b, size_t n, float *to)
{
	for (; n; n--, b += 144, to += SUPER)
		widen_groups(b, NULL, b + 16, to);
}

static void widen_q5_k(const uint8_t *b, size_t n, float *to)
{
	for (; n; n--, b += 176, to += SUPER)
		widen_groups(b, b + 16, b + 48, to);
}

/* l (128), h (64), s (16, signed), d (2): y = d s (q - 32), q of four low bits and two high ones */
static void widen_q6_k(const uint8_t *b, size_t n, float *to)
{
	for (; n; n--, b += 210, to += SUPER)
		for (int i = 0; i < SUPER; i++) {
			int part = i / 128, g = i % 128 / 32, x = i % 32;
			int low = b[64 * part + 32 * (g % 2) + x] >> (g / 2 * 4) & 15;
			int high = b[128 + 32 * part + x] >> (2 * g) & 3;
			float scale = f16_at(b + 208) * (float)(int8_t)b[192 + i / 16];

			to[i] = scale * (float)((low | high << 4) - 32);
		}
}

static const struct quant types[] = {
	{QUANT_F32, "F32", 1, 4, widen_f32},         {QUANT_F16, "F16", 1, 2, widen_f16},
	{2, "Q4_0", SMALL, 18, widen_q4_0},          {3, "Q4_1", SMALL, 20, widen_q4_1},
	{6, "Q5_0", SMALL, 22, widen_q5_0},          {7, "Q5_1", SMALL, 24, widen_q5_1},
	{QUANT_Q8_0, "Q8_0", SMALL, 34, widen_q8_0}, {10, "Q2_K", SUPER, 84, widen_q2_k},
	{11, "Q3_K", SUPER, 110, widen_q3_k},        {12, "Q4_K", SUPER, 144, widen_q4_k},
	{13, "Q5_K", SUPER, 176, widen_q5_k},        {14, "Q6_K", SUPER, 210, widen_q6_k},
	{20, "IQ4_NL", SMALL, 18, widen_iq4_nl},     {QUANT_BF16, "BF16", 1, 2, widen_bf16},
};

const struct quant *quant_find(uint32_t id)
{
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (types[i].id == id)
			return &types[i];
	return NULL;
}

const char *quant_name(uint32_t id)
{
	/* those that are not read */
	static const char *const other[] = {
		[9] = "Q8_1",   [15] = "Q8_K",  [16] = "IQ2_XXS", [17] = "IQ2_XS", [18] = "IQ3_XXS",
		[19] = "IQ1_S", [21] = "IQ3_S", [22] = "IQ2_S",   [23] = "IQ4_XS", [24] = "I8",
		[25] = "I16",   [26] = "I32",   [27] = "I64",     [28] = "F64",    [29] = "IQ1_M",
		[34] = "TQ1_0", [35] = "TQ2_0", [39] = "MXFP4"};
	const struct quant *t = quant_find(id);

	if (t)
		return t->name;
	return id < sizeof other / sizeof *other && other[id] ? other[id] : "an unknown type";
}

void quant_to_q8_0(const float *v, size_t n, uint8_t *to)
{
	assert(v && to);
	for (; n; n--, v += SMALL, to += 34) {
		float most = 0, d, up;
		uint16_t half;

		for (int i = 0; i < SMALL; i++)
			most = fmaxf(most, fabsf(v[i]));
		d = most / 127;
		up = d > 0 ? 1 / d : 0;
		half = half_to_f16(d);
		to[0] = (uint8_t)half;
		to[1] = (uint8_t)(half >> 8);
		for (int i = 0; i < SMALL; i++)
			to[2 + i] = (uint8_t)(int8_t)fmaxf(fminf(roundf(v[i] * up), 127), -128);
	}
}
