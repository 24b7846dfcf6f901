/* set.c - have these bytes been seen before? See set.h. */
#include "base/set.h"
#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>
#include <xxhash.h>

static bool put_hash(struct set *s, uint64_t lo, uint64_t hi)
{
	size_t i = hash_place(lo ^ hi, hash_key(), s->cap);

	while (s->slot[i][0] | s->slot[i][1]) {
		if (s->slot[i][0] == lo && s->slot[i][1] == hi)
			return false;
		i = (i + 1) & (s->cap - 1);
	}
	s->slot[i][0] = lo;
	s->slot[i][1] = hi;
	s->n++;
	return true;
}

/* Kept at most half full: runs stay short. */
static void grow(struct set *s)
{
	struct set bigger = {.cap = s->cap ? 2 * s->cap : 64};

	bigger.slot = xcalloc(bigger.cap, sizeof *bigger.slot);
	for (size_t i = 0; i < s->cap; i++)
		if (s->slot[i][0] | s->slot[i][1])
			put_hash(&bigger, s->slot[i][0], s->slot[i][1]);
	free(s->slot);
	*s = bigger;
}

bool set_add_hash(struct set *s, const uint64_t hash[2])
{
	if (2 * s->n >= s->cap)
		grow(s);
	/* {0, 0} marks a free slot; that one hash in 2^128 is moved aside */
	return put_hash(s, hash[0] | (hash[0] == 0 && hash[1] == 0), hash[1]);
}

bool set_add(struct set *s, const void *p, size_t n)
{
	XXH128_hash_t h = XXH3_128bits(p, n);

	return set_add_hash(s, (uint64_t[2]){h.low64, h.high64});
}

void set_free(struct set *s)
{
	free(s->slot);
	*s = (struct set){0};
}
