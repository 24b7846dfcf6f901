/* modular.c - arithmetic modulo two primes. See modular.h. */
#include "math/modular.h"

#include <assert.h>

/* the two largest primes below 2^61 that are 1 modulo 4: 2^61 less a little */
enum { BITS = 61 };
static const uint64_t little[MODULAR_PRIMES] = {31, 259};
const uint64_t modular_prime[MODULAR_PRIMES] = {2305843009213693921u, 2305843009213693693u};
const uint64_t modular_i[MODULAR_PRIMES] = {583529827753931384u, 966685122347009555u};

uint64_t modular_of(uint64_t v, int k)
{
	return v % modular_prime[k];
}

uint64_t modular_add(uint64_t a, uint64_t b, int k)
{
	uint64_t s = a + b;

	assert(a < modular_prime[k] && b < modular_prime[k]);
	return s >= modular_prime[k] ? s - modular_prime[k] : s;
}

uint64_t modular_neg(uint64_t a, int k)
{
	return a ? modular_prime[k] - a : 0;
}

uint64_t modular_mul(uint64_t a, uint64_t b, int k)
{
	const uint64_t low = ((uint64_t)1 << BITS) - 1;
	unsigned __int128 x = (unsigned __int128)a * b;
	uint64_t r;

	assert(a < modular_prime[k] && b < modular_prime[k]);
	x = (x & low) + (x >> BITS) * little[k]; /* below 2^71 */
	r = (uint64_t)(x & low) + (uint64_t)(x >> BITS) * little[k];
	return r >= modular_prime[k] ? r - modular_prime[k] : r;
}

uint64_t modular_pow(uint64_t a, uint64_t e, int k)
{
	uint64_t r = 1;

	for (; e; e >>= 1, a = modular_mul(a, a, k))
		if (e & 1)
			r = modular_mul(r, a, k);
	return r;
}

bool modular_inv(uint64_t a, int k, uint64_t *r)
{
	*r = modular_pow(a, modular_prime[k] - 2, k);
	return a != 0;
}
