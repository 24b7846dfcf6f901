/* hash.c - XXH3 over bytes that come in pieces. See hash.h. */
#include "base/hash.h"
#include "base/cpu.h"
#include "base/hashwide.h"
#include "base/mem.h"

#include <endian.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
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
	int bytes; /* see cpu_bytes */
};

struct hash *hash_new(void)
{
	struct hash *h = xmalloc(sizeof *h);

	h->state = XXH3_createState();
	if (!h->state)
		no_memory(sizeof *h);
	h->bytes = cpu_bytes();
	hash_reset(h);
	return h;
}

void hash_reset(struct hash *h)
{
	XXH3_128bits_reset(h->state);
}

void hash_add(struct hash *h, const void *p, size_t n)
{
	if (h->bytes == 64)
		hashwidest_add(h->state, p, n);
	else if (h->bytes == 32)
		hashwide_add(h->state, p, n);
	else
		XXH3_128bits_update(h->state, p, n);
}

uint64_t hash_64(const struct hash *h)
{
	return XXH3_64bits_digest(h->state);
}

uint64_t hash_once(const void *p, size_t n)
{
	int bytes = n > 240 ? cpu_bytes() : 16; /* of up to 240 xxHash adds up without vectors */

	return bytes == 64   ? hashwidest_once(p, n)
	       : bytes == 32 ? hashwide_once(p, n)
			     : XXH3_64bits(p, n);
}

static void set_128(XXH128_hash_t sum, uint64_t out[2])
{
	out[0] = sum.low64;
	out[1] = sum.high64;
}

void hash_128(const struct hash *h, uint64_t out[2])
{
	set_128(XXH3_128bits_digest(h->state), out);
}

void hash_once_128(const void *p, size_t n, uint64_t out[2])
{
	int bytes = n > 240 ? cpu_bytes() : 16;

	set_128(bytes == 64   ? hashwidest_once_128(p, n)
		: bytes == 32 ? hashwide_once_128(p, n)
			      : XXH3_128bits(p, n),
		out);
}

/* Of 32 bits the 8 hex digits, the first in the lowest byte: halves move apart, then each digit
 * above 9 goes on from '9' to 'a'. */
static uint64_t eight_hex(uint32_t v)
{
	uint64_t w = v, letters;

	w = (w << 32 | w >> 16) & UINT64_C(0x0000ffff0000ffff);
	w = (w << 16 | w >> 8) & UINT64_C(0x00ff00ff00ff00ff);
	w = (w << 8 | w >> 4) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	letters = (w + UINT64_C(0x0606060606060606)) >> 4 & UINT64_C(0x0101010101010101);
	return w + UINT64_C(0x3030303030303030) + letters * ('a' - '9' - 1);
}

void hash_hex(uint64_t sum, char hex[17])
{
	uint64_t text[2] = {htole64(eight_hex((uint32_t)(sum >> 32))),
			    htole64(eight_hex((uint32_t)sum))};

	memcpy(hex, text, sizeof text);
	hex[16] = '\0';
}

void hash_free(struct hash *h)
{
	if (!h)
		return;
	XXH3_freeState(h->state);
	free(h);
}
