/*
 * set.h - have these bytes been seen before? In constant time each.
 *
 * Only the XXH3-128 of a member is kept (16 bytes): two different members would have to
 * share it to be taken for one. Zero-initialise it; free with set_free.
 */
#ifndef BASE_SET_H
#define BASE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct set {
	uint64_t (*slot)[2]; /* open addressing; {0, 0}: free; owned */
	size_t cap, n;
};

bool set_add(struct set *s, const void *p, size_t n); /* true: it was not there */
bool set_add_hash(struct set *s, const uint64_t hash[2]);
void set_free(struct set *s);

#endif
