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
/* 16 lower-case hex digits and a NUL; XXH3-64 of the bytes as all our files write it. */
void hash_hex(uint64_t sum, char hex[17]);
void hash_free(struct hash *h); /* NULL is fine */

#endif
