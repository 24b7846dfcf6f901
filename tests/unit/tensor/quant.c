/* quant.h: each format against a block that is computed by hand, every scale and bit in its place;
 * Q8_0 both ways. */
#include "scratch.h"

#include "tensor/half.h"
#include "tensor/quant.h"

#include <math.h>

static void put_f16(uint8_t *p, float v)
{
	uint16_t h = half_to_f16(v);

	memcpy(p, &h, sizeof h);
}

static const struct quant *by_name(const char *name)
{
	for (uint32_t id = 0; id < 64; id++)
		if (quant_find(id) && strcmp(quant_find(id)->name, name) == 0)
			return quant_find(id);
	fail_msg("no type %s", name);
	return NULL;
}

/* One block, with number i at to[i]; what stands behind is left alone. */
static void widen(const char *name, const uint8_t *block, float *to)
{
	const struct quant *q = by_name(name);

	for (size_t i = 0; i < q->numbers + 1; i++)
		to[i] = -777;
	q->widen(block, 1, to);
	assert_true(to[q->numbers] == -777);
}

static void assert_all(const float *is, const float *should, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is[i] != should[i])
			fail_msg("number %zu is %g, not %g", i, (double)is[i], (double)should[i]);
}

static void sizes(void **state)
{
	static const struct {
		const char *name;
		uint32_t id;
		size_t numbers, bytes;
	} known[] = {{"F32", 0, 1, 4},       {"F16", 1, 1, 2},       {"Q4_0", 2, 32, 18},
		     {"Q4_1", 3, 32, 20},    {"Q5_0", 6, 32, 22},    {"Q5_1", 7, 32, 24},
		     {"Q8_0", 8, 32, 34},    {"Q2_K", 10, 256, 84},  {"Q3_K", 11, 256, 110},
		     {"Q4_K", 12, 256, 144}, {"Q5_K", 13, 256, 176}, {"Q6_K", 14, 256, 210},
		     {"IQ4_NL", 20, 32, 18}, {"BF16", 30, 1, 2}};

	(void)state;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		const struct quant *q = quant_find(known[i].id);

		assert_non_null(q);
		assert_string_equal(q->name, known[i].name);
		assert_string_equal(quant_name(known[i].id), known[i].name);
		assert_int_equal(q->numbers, known[i].numbers);
		assert_int_equal(q->bytes, known[i].bytes);
	}
	assert_null(quant_find(9));
	assert_null(quant_find(23));
	assert_null(quant_find(UINT32_MAX));
	assert_string_equal(quant_name(23), "IQ4_XS");
	assert_string_equal(quant_name(4), "an unknown type");
	assert_string_equal(quant_name(UINT32_MAX), "an unknown type");
}

/* The nibbles of 16 bytes: number i is i % 16 in the low half, 15 - i % 16 in the high one */
static void put_nibbles(uint8_t *q)
{
	for (int i = 0; i < 16; i++)
		q[i] = (uint8_t)(i | (15 - i) << 4);
}

static int nibble_of(int i)
{
	return i < 16 ? i : 31 - i;
}

static void blocks_of_32(void **state)
{
	static const int levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
				       1,    13,   25,  38,  53,  69,  89,  113};
	uint8_t b[34] = {0};
	float to[33], should[32];
	uint32_t high = 0xa5c30ff1;

	(void)state;
	put_f16(b, 0.5F);
	put_nibbles(b + 2);
	for (int i = 0; i < 32; i++)
		should[i] = 0.5F * (float)(nibble_of(i) - 8);
	widen("Q4_0", b, to);
	assert_all(to, should, 32);
	for (int i = 0; i < 32; i++)
		should[i] = 0.5F * (float)levels[nibble_of(i)];
	widen("IQ4_NL", b, to);
	assert_all(to, should, 32);

	put_f16(b + 2, -3);
	put_nibbles(b + 4);
	for (int i = 0; i < 32; i++)
		should[i] = 0.5F * (float)nibble_of(i) - 3;
	widen("Q4_1", b, to);
	assert_all(to, should, 32);

	memcpy(b + 4, &high, 4);
	put_nibbles(b + 8);
	for (int i = 0; i < 32; i++)
		should[i] = 0.5F * (float)(nibble_of(i) + (int)(high >> i & 1) * 16) - 3;
	widen("Q5_1", b, to);
	assert_all(to, should, 32);

	memcpy(b + 2, &high, 4);
	put_nibbles(b + 6);
	for (int i = 0; i < 32; i++)
		should[i] = 0.5F * (float)(nibble_of(i) + (int)(high >> i & 1) * 16 - 16);
	widen("Q5_0", b, to);
	assert_all(to, should, 32);

	for (int i = 0; i < 32; i++) {
		b[2 + i] = (uint8_t)(i * 8 - 128);
		should[i] = 0.5F * (float)(i * 8 - 128);
	}
	widen("Q8_0", b, to);
	assert_all(to, should, 32);
}

/* Two bits of number i as it is put: i and i / 16 mixed, so that each place shows */
static int two_bits(int i)
{
	return (i + i / 16 + i / 128) & 3;
}

static void put_two_bits(uint8_t *q)
{
	memset(q, 0, 64);
	for (int half = 0; half < 2; half++)
		for (int quarter = 0; quarter < 4; quarter++)
			for (int x = 0; x < 32; x++)
				q[32 * half + x] |=
					(uint8_t)(two_bits(128 * half + 32 * quarter + x)
						  << 2 * quarter);
}

static void two_and_three_bits(void **state)
{
	uint8_t b[110] = {0};
	float to[257], should[256];

	(void)state;
	for (int k = 0; k < 16; k++)
		b[k] = (uint8_t)(k | (15 - k) << 4);
	put_two_bits(b + 16);
	put_f16(b + 80, 0.25F);
	put_f16(b + 82, 2);
	for (int i = 0; i < 256; i++)
		should[i] = 0.25F * (float)(i / 16 * two_bits(i)) - 2 * (float)(15 - i / 16);
	widen("Q2_K", b, to);
	assert_all(to, should, 256);

	/* the third bit of number i is i / 32 % 2 ^ i % 2; scale k is 4 k + 1 */
	memset(b, 0, sizeof b);
	for (int x = 0; x < 32; x++)
		b[x] = x % 2 ? 0x55 : 0xaa;
	put_two_bits(b + 32);
	for (int k = 0; k < 16; k++) {
		int s = 4 * k + 1 - (k == 15);

		b[96 + k % 8] |= (uint8_t)((s & 15) << (k < 8 ? 0 : 4));
		b[104 + k % 4] |= (uint8_t)(s >> 4 << k / 4 * 2);
	}
	put_f16(b + 108, 0.5F);
	for (int i = 0; i < 256; i++) {
		int s = 4 * (i / 16) + 1 - (i / 16 == 15) - 32;
		int set = (i / 32 % 2) ^ (i % 2);

		should[i] = 0.5F * (float)(s * (two_bits(i) - (set ? 0 : 4)));
	}
	widen("Q3_K", b, to);
	assert_all(to, should, 256);
}

/* Scales 7 k + 3 and minima 63 - 5 k of 8 groups, six bits each, in 12 bytes */
static void put_groups(uint8_t *p)
{
	for (int k = 0; k < 4; k++) {
		int high = 7 * (k + 4) + 3, high_min = 63 - 5 * (k + 4);

		p[k] = (uint8_t)((7 * k + 3) | high >> 4 << 6);
		p[k + 4] = (uint8_t)((63 - 5 * k) | high_min >> 4 << 6);
		p[k + 8] = (uint8_t)((high & 15) | (high_min & 15) << 4);
	}
}

static int four_bits(int i)
{
	return (i + i / 32 * 3) & 15;
}

static void four_and_five_bits(void **state)
{
	uint8_t b[176] = {0}, q[128];
	float to[257], should[256];

	(void)state;
	for (int pair = 0; pair < 4; pair++)
		for (int x = 0; x < 32; x++)
			q[32 * pair + x] = (uint8_t)(four_bits(64 * pair + x) |
						     four_bits(64 * pair + 32 + x) << 4);
	put_f16(b, 0.25F);
	put_f16(b + 2, 0.5F);
	put_groups(b + 4);
	memcpy(b + 16, q, sizeof q);
	for (int i = 0; i < 256; i++)
		should[i] = 0.25F * (float)((7 * (i / 32) + 3) * four_bits(i)) -
			    0.5F * (float)(63 - 5 * (i / 32));
	widen("Q4_K", b, to);
	assert_all(to, should, 256);

	for (int x = 0; x < 32; x++)
		b[16 + x] = (uint8_t)(x * 37 + 11);
	memcpy(b + 48, q, sizeof q);
	for (int i = 0; i < 256; i++) {
		int v = four_bits(i) + ((i % 32 * 37 + 11) >> (i / 32) & 1) * 16;

		should[i] =
			0.25F * (float)((7 * (i / 32) + 3) * v) - 0.5F * (float)(63 - 5 * (i / 32));
	}
	widen("Q5_K", b, to);
	assert_all(to, should, 256);
}

static void six_bits(void **state)
{
	uint8_t b[210] = {0};
	float to[257], should[256];

	(void)state;
	for (int i = 0; i < 256; i++) {
		int v = (i * 5 + i / 64) & 63, half = i / 128, g = i % 128 / 32, x = i % 32;

		b[64 * half + 32 * (g % 2) + x] |= (uint8_t)((v & 15) << g / 2 * 4);
		b[128 + 32 * half + x] |= (uint8_t)(v >> 4 << 2 * g);
		should[i] = 0.125F * (float)((i / 16 * 16 - 128) * (v - 32));
	}
	for (int k = 0; k < 16; k++)
		b[192 + k] = (uint8_t)(k * 16 - 128);
	put_f16(b + 208, 0.125F);
	widen("Q6_K", b, to);
	assert_all(to, should, 256);
}

static void plain_floats(void **state)
{
	const float v[3] = {1, -2.5F, 0x1p-20F};
	uint16_t half[3];
	float to[3];

	(void)state;
	quant_find(QUANT_F32)->widen((const uint8_t *)v, 3, to);
	assert_memory_equal(to, v, sizeof v);
	for (int i = 0; i < 3; i++)
		half[i] = half_to_f16(v[i]);
	quant_find(QUANT_F16)->widen((const uint8_t *)half, 3, to);
	assert_memory_equal(to, v, sizeof v);
	for (int i = 0; i < 3; i++)
		half[i] = half_to_bf16(v[i]);
	quant_find(QUANT_BF16)->widen((const uint8_t *)half, 3, to);
	assert_memory_equal(to, v, sizeof v);
}

static void q8_0_written(void **state)
{
	float v[64] = {0}, to[64];
	uint8_t b[68];

	(void)state;
	for (int i = 0; i < 32; i++)
		v[i] = (float)(i - 16);
	v[0] = -127; /* d = 1 */
	v[1] = 2.5F; /* halves go away from 0 */
	v[2] = -2.5F;
	v[3] = 0.49F;
	quant_to_q8_0(v, 2, b);
	quant_find(QUANT_Q8_0)->widen(b, 2, to);
	assert_true(to[0] == -127 && to[1] == 3 && to[2] == -3 && to[3] == 0 && to[31] == 15);
	for (int i = 32; i < 64; i++)
		assert_true(to[i] == 0);
	/* what came from Q8_0 with a whole 127 in it goes back as it was */
	for (int i = 0; i < 32; i++)
		v[i] = 0.0078125F * (float)(127 - 8 * i);
	quant_to_q8_0(v, 1, b);
	quant_find(QUANT_Q8_0)->widen(b, 1, to);
	assert_memory_equal(to, v, 32 * sizeof *v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(blocks_of_32),
		cmocka_unit_test(two_and_three_bits),
		cmocka_unit_test(four_and_five_bits),
		cmocka_unit_test(six_bits),
		cmocka_unit_test(plain_floats),
		cmocka_unit_test(q8_0_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
