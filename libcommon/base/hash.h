/* hash.h - XXH3 over bytes that come in pieces. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash; /* opaque; free with hash_free */

struct hash *hash_new(void); /* ready for hash_add */
void hash_reset(struct hash *h);
void hash_add(struct hash *h, const void *p, size_t n);
/* Of all bytes since hash_new or hash_reset; more may be added afterwards. */
uint64_t hash_64(const struct hash *h);
void hash_128(const struct hash *h, uint64_t out[2]); /* low half, high half */
/* The same of bytes that lie together. */
uint64_t hash_once(const void *p, size_t n);
void hash_once_128(const void *p, size_t n, uint64_t out[2]);
/* 16 lower-case hex digits and a NUL; XXH3-64 of the bytes as all our files write it. */
void hash_hex(uint64_t sum, char hex[17]);
void hash_free(struct hash *h); /* NULL is fine */

/* The place in a table of what has this hash: odd, and another number in each process, so that
 * nobody can prepare keys that meet in one place. Nothing that is written may depend on it. */
uint64_t hash_key(void);
/* The place of hash among cap, a power of two. */
static inline size_t hash_place(uint64_t hash, uint64_t key, size_t cap)
{
	/* the high bits of the product depend on all of hash: as many of them as cap has */
	return (size_t)((unsigned __int128)(hash * key) * cap >> 64);
}

#endif
