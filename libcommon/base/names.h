/*
 * names.h - byte strings numbered in order of first appearance: problems, groups.
 *
 * What belongs to a name is kept by the caller in an array of its own, indexed by the number.
 * Zero-initialise; free with names_free.
 */
#ifndef BASE_NAMES_H
#define BASE_NAMES_H

#include "base/buf.h"

#include <stdint.h>

struct names {
	struct buf text; /* all names, one after the other */
	size_t *end;     /* end of name i in text; it begins where i - 1 ends */
	uint64_t *hash;
	size_t n, cap;
	size_t *slot; /* open addressing: number + 1, 0 is vacant */
	size_t slots; /* a power of two, or 0 */
};

/* Number of the name, 0..n-1; a new one is copied and gets the next. */
size_t names_id(struct names *t, struct span name);
/* The same without adding: (size_t)-1 when it is not there. */
size_t names_find(const struct names *t, struct span name);
struct span names_get(const struct names *t, size_t id); /* valid until the next names_id */
void names_free(struct names *t);
/* An array beside the names, with *room entries of that size: grown, the new ones zero, so that
 * entry id exists. Returns the array, which may have moved; free(3) frees it. */
void *names_room(void *v, size_t *room, size_t id, size_t size);

#endif
