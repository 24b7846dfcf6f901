/* tally.h - how often each 128-bit key was seen. Zero-initialise; free with tally_free. */
#ifndef BASE_TALLY_H
#define BASE_TALLY_H

#include <stddef.h>
#include <stdint.h>

struct tally_item {
	uint64_t key[2]; /* a good hash: its low bits choose the slot */
	uint32_t count;  /* stays at UINT32_MAX once there; 0: a vacant slot */
	uint32_t tag;    /* of the first tally_add of this key */
};

struct tally {
	struct tally_item *v; /* open addressing */
	size_t n, slots;      /* slots: a power of two, or 0 */
};

/* Counts the key n times more (n > 0) and returns how often it was seen, these included. */
uint32_t tally_add(struct tally *t, const uint64_t key[2], uint32_t n, uint32_t tag);
uint32_t tally_count(const struct tally *t, const uint64_t key[2]); /* 0: never */
/* All items, each once: *i is 0 at the start. NULL at the end. The order is that of the slots: the
 * same for the same additions. */
const struct tally_item *tally_next(const struct tally *t, size_t *i);
/* Empty. Memory is kept, but not that of a large table which held few keys. */
void tally_clear(struct tally *t);
void tally_free(struct tally *t);

#endif
