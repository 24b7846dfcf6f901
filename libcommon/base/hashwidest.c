/* hashwidest.c - XXH3, compiled for AVX-512 where there is a set of kernels for that. See
 * hashwide.h.
 */
#include "base/hashwide.h"

void hashwidest_add(void *state, const void *p, size_t n)
{
	XXH3_128bits_update(state, p, n);
}

uint64_t hashwidest_once(const void *p, size_t n)
{
	return XXH3_64bits(p, n);
}

XXH128_hash_t hashwidest_once_128(const void *p, size_t n)
{
	return XXH3_128bits(p, n);
}
