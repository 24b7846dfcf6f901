/* edit.c - a record with some of its keys changed. See edit.h. */
#include "stream/edit.h"
#include "stream/pack.h"

#include <assert.h>

enum { MOST = 32 };

/* Which of the edits is about this key; n: none */
static size_t find_edit(struct mp key, const struct edit *e, size_t n)
{
	struct span s;
	size_t i = 0;

	if (!mp_str(key, &s))
		return n;
	while (i < n && !span_is(s, e[i].key))
		i++;
	return i;
}

static size_t count_pairs(struct mp map, const struct edit *e, size_t n)
{
	struct mp_iter it;
	struct mp key, value;
	size_t pairs = 0;

	for (mp_enter(map, &it); mp_next_pair(&it, &key, &value);)
		pairs += find_edit(key, e, n) == n;
	for (size_t i = 0; i < n; i++)
		pairs += e[i].value.n > 0;
	return pairs;
}

static void put_edit(struct buf *b, msgpack_packer *pk, const struct edit *e, bool *done)
{
	if (e->value.n && !*done) {
		pack_str(pk, e->key);
		buf_add(b, e->value.p, e->value.n);
	}
	*done = true;
}

void edit_put(struct buf *b, struct mp map, const struct edit *e, size_t n)
{
	bool done[MOST] = {false};
	struct mp_iter it;
	struct mp key, value;
	msgpack_packer pk;

	assert(n <= MOST);
	pack_init(&pk, b);
	msgpack_pack_map(&pk, count_pairs(map, e, n));
	for (mp_enter(map, &it); mp_next_pair(&it, &key, &value);) {
		size_t i = find_edit(key, e, n);

		if (i < n) {
			put_edit(b, &pk, &e[i], &done[i]);
		} else {
			buf_add(b, key.p, key.n);
			buf_add(b, value.p, value.n);
		}
	}
	for (size_t i = 0; i < n; i++)
		put_edit(b, &pk, &e[i], &done[i]);
}
