/* tally.c - how often each 128-bit key was seen. See tally.h. */
#include "base/tally.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* The item of the key, or the vacant one where it would go; slots is not 0. */
static struct tally_item *place(const struct tally *t, const uint64_t key[2])
{
	size_t i = key[0] & (t->slots - 1);

	while (t->v[i].count && (t->v[i].key[0] != key[0] || t->v[i].key[1] != key[1]))
		i = (i + 1) & (t->slots - 1);
	return &t->v[i];
}

static void more_slots(struct tally *t)
{
	struct tally old = *t;

	t->slots = old.slots ? 2 * old.slots : 64;
	t->v = xcalloc(t->slots, sizeof *t->v);
	for (size_t i = 0; i < old.slots; i++)
		if (old.v[i].count)
			*place(t, old.v[i].key) = old.v[i];
	free(old.v);
}

uint32_t tally_add(struct tally *t, const uint64_t key[2], uint32_t n, uint32_t tag)
{
	struct tally_item *item;

	if (t->n >= t->slots / 2)
		more_slots(t);
	item = place(t, key);
	if (!item->count) {
		*item = (struct tally_item){{key[0], key[1]}, 0, tag};
		t->n++;
	}
	item->count = n < UINT32_MAX - item->count ? item->count + n : UINT32_MAX;
	return item->count;
}

uint32_t tally_count(const struct tally *t, const uint64_t key[2])
{
	return t->slots ? place(t, key)->count : 0;
}

const struct tally_item *tally_next(const struct tally *t, size_t *i)
{
	while (*i < t->slots) {
		const struct tally_item *item = &t->v[(*i)++];

		if (item->count)
			return item;
	}
	return NULL;
}

void tally_clear(struct tally *t)
{
	if (t->n <= t->slots / 64) { /* every later clear and walk would cost what it once held */
		tally_free(t);
		return;
	}
	memset(t->v, 0, t->slots * sizeof *t->v);
	t->n = 0;
}

void tally_free(struct tally *t)
{
	free(t->v);
	memset(t, 0, sizeof *t);
}
