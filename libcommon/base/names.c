/* names.c - byte strings numbered in order of first appearance. See names.h. */
#include "base/names.h"
#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

struct span names_get(const struct names *t, size_t id)
{
	size_t from = id ? t->end[id - 1] : 0;

	return (struct span){t->text.p + from, t->end[id] - from};
}

static uint64_t hash_of(struct span name)
{
	return XXH3_64bits_withSeed(name.p, name.n, hash_key());
}

/* Slot of the name, or the vacant one where it would go; slots is not 0. */
static size_t place(const struct names *t, struct span name, uint64_t hash)
{
	size_t i = hash & (t->slots - 1);

	while (t->slot[i]) {
		size_t id = t->slot[i] - 1;

		if (t->hash[id] == hash && span_eq(names_get(t, id), name))
			break;
		i = (i + 1) & (t->slots - 1);
	}
	return i;
}

static void more_slots(struct names *t)
{
	free(t->slot);
	t->slots = t->slots ? 2 * t->slots : 64;
	t->slot = xcalloc(t->slots, sizeof *t->slot);
	for (size_t id = 0; id < t->n; id++) {
		size_t i = t->hash[id] & (t->slots - 1);

		while (t->slot[i])
			i = (i + 1) & (t->slots - 1);
		t->slot[i] = id + 1;
	}
}

size_t names_id(struct names *t, struct span name)
{
	uint64_t hash = hash_of(name);
	size_t i;

	if (t->n >= t->slots / 2)
		more_slots(t);
	i = place(t, name, hash);
	if (t->slot[i])
		return t->slot[i] - 1;
	if (t->n == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 64;
		t->end = xgrow(t->end, t->cap, sizeof *t->end);
		t->hash = xgrow(t->hash, t->cap, sizeof *t->hash);
	}
	buf_reserve(&t->text, name.n + 1); /* it is somewhere, even where all names are empty */
	buf_add(&t->text, name.p, name.n);
	t->end[t->n] = t->text.n;
	t->hash[t->n] = hash;
	t->slot[i] = ++t->n;
	return t->n - 1;
}

size_t names_find(const struct names *t, struct span name)
{
	if (!t->slots)
		return (size_t)-1;
	return t->slot[place(t, name, hash_of(name))] - 1; /* vacant: 0 - 1 */
}

void names_free(struct names *t)
{
	buf_free(&t->text);
	free(t->end);
	free(t->hash);
	free(t->slot);
	memset(t, 0, sizeof *t);
}

void *names_room(void *v, size_t *room, size_t id, size_t size)
{
	size_t old = *room;

	if (id < old)
		return v;
	*room = 2 * id + 64;
	v = xgrow(v, *room, size);
	memset((char *)v + old * size, 0, (*room - old) * size);
	return v;
}
