/*
 * hashwide.h - the loop of XXH3 with the vectors of AVX2, twice as fast as any x86-64 can, and with
 * those of AVX-512.
 */
#ifndef BASE_HASHWIDE_H
#define BASE_HASHWIDE_H

#include <stddef.h>
#include <stdint.h>
#include <xxhash.h>

/* state: an XXH3_state_t. Where cpu_bytes (cpu.h) are 32. */
void hashwide_add(void *state, const void *p, size_t n);
uint64_t hashwide_once(const void *p, size_t n);
XXH128_hash_t hashwide_once_128(const void *p, size_t n);
/* Where they are 64 */
void hashwidest_add(void *state, const void *p, size_t n);
uint64_t hashwidest_once(const void *p, size_t n);
XXH128_hash_t hashwidest_once_128(const void *p, size_t n);

#endif
