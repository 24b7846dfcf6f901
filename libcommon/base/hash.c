/* hash.c - XXH3 over bytes that come in pieces. See hash.h. */
#include "base/hash.h"
#include "base/cpu.h"
#include "base/hashwide.h"
#include "base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>
#include <xxhash.h>

uint64_t hash_key(void)
{
	static _Atomic uint64_t key; /* 0: not yet drawn */
	uint64_t k = key, none = 0;

	if (k)
		return k;
	if (getrandom(&k, sizeof k, GRND_NONBLOCK) != (ssize_t)sizeof k)
		k = (uint64_t)(uintptr_t)&key ^ (uint64_t)getpid()
							<< 32; /* where the system put it */
	k |= 1;
	return atomic_compare_exchange_strong(&key, &none, k) ? k : none;
}

struct hash {
	/* xxHash gathers the input in the same way for both widths: reset and update are shared,
	 * only the digests differ */
	XXH3_state_t *state;
	bool wide; /* by hashwide_add */
};

struct hash *hash_new(void)
{
	struct hash *h = xmalloc(sizeof *h);

	h->state = XXH3_createState();
	if (!h->state)
		no_memory(sizeof *h);
	h->wide = cpu_wide();
	hash_reset(h);
	return h;
}

void hash_reset(struct hash *h)
{
	XXH3_128bits_reset(h->state);
}

void hash_add(struct hash *h, const void *p, size_t n)
{
	if (h->wide)
		hashwide_add(h->state, p, n);
	else
		XXH3_128bits_update(h->state, p, n);
}

uint64_t hash_64(const struct hash *h)
{
	return XXH3_64bits_digest(h->state);
}

void hash_128(const struct hash *h, uint64_t out[2])
{
	XXH128_hash_t sum = XXH3_128bits_digest(h->state);

	out[0] = sum.low64;
	out[1] = sum.high64;
}

void hash_hex(uint64_t sum, char hex[17])
{
	for (int i = 0; i < 16; i++)
		hex[i] = "0123456789abcdef"[sum >> (60 - 4 * i) & 15];
	hex[16] = '\0';
}

void hash_free(struct hash *h)
{
	if (!h)
		return;
	XXH3_freeState(h->state);
	free(h);
}
