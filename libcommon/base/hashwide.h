/*
 * hashwide.h - the loop of XXH3 with the vectors of AVX2, twice as fast as any x86-64 can.
 */
#ifndef BASE_HASHWIDE_H
#define BASE_HASHWIDE_H

#include <stddef.h>
#include <stdint.h>

/* state: an XXH3_state_t. Where the sets of kernels (cpu.h) v3 and on can run. */
void hashwide_add(void *state, const void *p, size_t n);
uint64_t hashwide_once(const void *p, size_t n);

#endif
