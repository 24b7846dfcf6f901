/* rng.c - Philox4x32-10. See rng.h. */
#include "base/rng.h"
#include "base/elem.h"

#include <math.h>
#include <xxhash.h>

uint64_t rng_key(uint64_t seed, enum rng_purpose purpose, uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t v[5] = {seed, (uint64_t)purpose, a, b, c};
	unsigned char bytes[40];

	for (int i = 0; i < 40; i++)
		bytes[i] = (unsigned char)(v[i / 8] >> (8 * (i % 8)));
	return XXH3_64bits(bytes, sizeof bytes);
}

void rng_block(uint64_t key, uint64_t counter, uint32_t out[4])
{
	uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
	uint32_t c0 = (uint32_t)counter, c1 = (uint32_t)(counter >> 32), c2 = 0, c3 = 0;

	for (int round = 0; round < 10; round++) {
		uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
		uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;

		c1 = (uint32_t)p1;
		c3 = (uint32_t)p0;
		c0 = n0;
		c2 = n2;
		k0 += 0x9E3779B9u;
		k1 += 0xBB67AE85u;
	}
	out[0] = c0;
	out[1] = c1;
	out[2] = c2;
	out[3] = c3;
}

uint64_t rng_u64(uint64_t key, uint64_t pos)
{
	uint32_t r[4];

	rng_block(key, pos, r);
	return (uint64_t)r[1] << 32 | r[0];
}

double rng_uniform(uint64_t key, uint64_t pos)
{
	return (double)(rng_u64(key, pos) >> 11) * 0x1p-53;
}

uint64_t rng_below(uint64_t key, uint64_t pos, uint64_t n)
{
	return (uint64_t)(((unsigned __int128)rng_u64(key, pos) * n) >> 64);
}

double rng_normal(uint64_t key, uint64_t pos)
{
	uint32_t r[4];
	double u, v;

	rng_block(key, pos, r);
	u = ((double)(((uint64_t)r[1] << 32 | r[0]) >> 11) + 0.5) * 0x1p-53; /* (0, 1) */
	v = (double)(((uint64_t)r[3] << 32 | r[2]) >> 11) * 0x1p-53;
	return sqrt(-2.0 * elem_log(u)) * elem_cos(6.283185307179586 * v);
}

void rng_shuffle(uint64_t key, uint64_t *v, uint64_t n)
{
	for (uint64_t i = n; i > 1; i--) {
		uint64_t j = rng_below(key, i - 1, i), t = v[i - 1];

		v[i - 1] = v[j];
		v[j] = t;
	}
}
