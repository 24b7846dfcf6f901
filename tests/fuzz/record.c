/*
 * record.c - mp_skim says of any bytes what a plain recursive reading of the format says, msgpack-c
 * decodes what it accepts, every part of a whole object is cut off, and what mp_* hand out lies
 * within it.
 */
#include "common/fuzz.h"

#include "stream/mp.h"

#include <msgpack.h>

const struct fuzz_memory fuzz_memory = {1 << 20, 100, 0};

enum plain { WHOLE, CUT, DEEP, BAD };

struct plain_reader {
	const uint8_t *p;
	size_t n, at;
};

static bool take_number(struct plain_reader *r, size_t width, uint64_t *v)
{
	*v = 0;
	if (r->n - r->at < width)
		return false;
	while (width--)
		*v = *v << 8 | r->p[r->at++];
	return true;
}

static enum plain plain_object(struct plain_reader *r, int depth);

static enum plain plain_many(struct plain_reader *r, uint64_t count, int depth)
{
	if (depth == MP_MAX_DEPTH)
		return DEEP;
	for (; count; count--) {
		enum plain e = plain_object(r, depth + 1);

		if (e != WHOLE)
			return e;
	}
	return WHOLE;
}

static enum plain plain_bytes(struct plain_reader *r, uint64_t n)
{
	if (r->n - r->at < n)
		return CUT;
	r->at += (size_t)n;
	return WHOLE;
}

/* The format's table, first byte by first byte */
static enum plain plain_object(struct plain_reader *r, int depth)
{
	static const size_t width[] = {1, 2, 4, 8};
	uint64_t n;
	uint8_t c;

	if (r->at == r->n)
		return CUT;
	c = r->p[r->at++];
	if (c < 0x80 || c >= 0xe0 || c == 0xc0 || c == 0xc2 || c == 0xc3)
		return WHOLE;
	if (c < 0x90)
		return plain_many(r, 2 * (uint64_t)(c & 15), depth);
	if (c < 0xa0)
		return plain_many(r, c & 15, depth);
	if (c < 0xc0)
		return plain_bytes(r, c & 31);
	if (c == 0xca || c == 0xcb)
		return plain_bytes(r, c == 0xca ? 4 : 8);
	if (c >= 0xcc && c <= 0xd3)
		return plain_bytes(r, width[c & 3]);
	if ((c >= 0xc4 && c <= 0xc6) || (c >= 0xd9 && c <= 0xdb))
		return take_number(r, width[c < 0xd9 ? c - 0xc4 : c - 0xd9], &n) ? plain_bytes(r, n)
										 : CUT;
	if (c >= 0xdc)
		return take_number(r, c & 1 ? 4 : 2, &n)
			       ? plain_many(r, c < 0xde ? n : 2 * n, depth)
			       : CUT;
	return BAD;
}

static void agrees(enum mp_skim s, enum plain e)
{
	bool refused_early = s == MP_TOO_LARGE || s == MP_TOO_MANY;

	MUST((s == MP_OK) == (e == WHOLE));
	MUST(e != CUT || s == MP_MORE || refused_early);
	MUST(e != DEEP || s == MP_TOO_DEEP || refused_early);
	MUST(e != BAD || s == MP_BAD_TYPE || refused_early);
}

static void inside(struct mp outer, const void *p, size_t n)
{
	const uint8_t *q = p;

	MUST(q >= outer.p && n <= outer.n && (size_t)(q - outer.p) <= outer.n - n);
}

/* Everything that stands in v */
static void walk(struct mp v, int depth)
{
	struct mp_iter it;
	struct mp key, e;
	struct span s;
	uint64_t u;
	int64_t i;
	double d;
	bool b;
	size_t len;

	MUST(depth <= MP_MAX_DEPTH && mp_type(v) != MP_NONE);
	MUST(mp_skim(v.p, v.n, &len) == MP_OK && len == v.n);
	if (mp_bytes(v, &s))
		inside(v, s.p, s.n);
	if (mp_i64(v, &i))
		MUST(mp_int(v, &u, &b) && mp_f64(v, &d) && (i < 0) == b);
	if (mp_type(v) == MP_MAP) {
		MUST(mp_enter(v, &it));
		while (mp_next_pair(&it, &key, &e)) {
			inside(v, key.p, key.n);
			inside(v, e.p, e.n);
			MUST(e.p == key.p + key.n);
			walk(key, depth + 1);
			walk(e, depth + 1);
		}
	} else if (mp_enter(v, &it)) {
		while (mp_next(&it, &e)) {
			inside(v, e.p, e.n);
			walk(e, depth + 1);
		}
	}
}

/* The ends that the skim noted are where a walk comes by. */
static void ends_agree(struct mp v)
{
	struct mp_ends ends;
	struct mp_iter it;
	struct mp e;
	size_t len, i = 0;

	MUST(mp_skim_ends(v.p, v.n, &len, &ends) == MP_OK && len == v.n);
	if (!mp_enter(v, &it)) {
		MUST(ends.n == 0);
		return;
	}
	it.left *= mp_type(v) == MP_MAP ? 2 : 1; /* keys and values alike */
	for (; mp_next(&it, &e); i++)
		MUST(i >= MP_ENDS || (i < ends.n && e.p + e.n == v.p + ends.at[i]));
	MUST(ends.n == (i < MP_ENDS ? i : MP_ENDS));
}

static void decodes(const uint8_t *p, size_t n, size_t len)
{
	msgpack_unpacked u;
	size_t off = 0;

	msgpack_unpacked_init(&u);
	MUST(msgpack_unpack_next(&u, (const char *)p, n, &off) == MSGPACK_UNPACK_SUCCESS);
	MUST(off == len);
	msgpack_unpacked_destroy(&u);
}

void fuzz_one(const uint8_t *p, size_t n)
{
	struct plain_reader r = {p, n, 0};
	size_t len = 0, least;
	enum mp_skim s = mp_skim(p, n, &len);

	agrees(s, plain_object(&r, 0));
	if (s == MP_MORE)
		MUST(len > n && len <= MP_MAX_BYTES);
	if (s != MP_OK)
		return;
	MUST(len == r.at);
	decodes(p, n, len);
	walk((struct mp){p, len}, 0);
	ends_agree((struct mp){p, len});
	for (size_t k = 0; k < len; k += 1 + len / 64)
		MUST(mp_skim(p, k, &least) == MP_MORE && least > k && least <= len);
}
