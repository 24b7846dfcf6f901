/* mp.c - MessagePack in place. See mp.h; the format: msgpack's spec.md. */
#include "stream/mp.h"

#include <assert.h>
#include <string.h>

/*
 * Length in bytes of the object that begins with this byte, when the byte alone tells it: all
 * scalars and short strings. 0: a container, a length that follows, or nothing legal.
 */
#define X8(v) v, v, v, v, v, v, v, v
#define FIXSTR(n) n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7
static const uint8_t fixed_length[256] = {
	X8(1),     X8(1),     X8(1),      X8(1),
	X8(1),     X8(1),     X8(1),      X8(1), /* 00: small integers */
	X8(1),     X8(1),     X8(1),      X8(1),
	X8(1),     X8(1),     X8(1),      X8(1),      /* 40 */
	X8(0),     X8(0),     X8(0),      X8(0),      /* 80: maps, 90: arrays */
	FIXSTR(1), FIXSTR(9), FIXSTR(17), FIXSTR(25), /* a0: strings */
	1,         0,         1,          1,
	0,         0,         0,          0, /* c0: nil, -, false, true, bin */
	0,         0,         5,          9,
	2,         3,         5,          9, /* c8: ext, float, uint */
	2,         3,         5,          9,
	0,         0,         0,          0, /* d0: int, ext */
	0,         0,         0,          0,
	0,         0,         0,          0,     /* d8: ext, str, array, map */
	X8(1),     X8(1),     X8(1),      X8(1), /* e0: small negative integers */
};

/* Arrays of floats are runs of one type: to step over them waits for no look at a table. Returns
 * the bytes, at least one element's, of as many of the elements at p as are of the first one's
 * type, begin before p + n and are owed. */
static size_t float_run(const uint8_t *p, size_t n, uint64_t *owed)
{
	size_t len = fixed_length[*p], at = 0;
	uint8_t type = *p;

	assert(len && *owed);
	do {
		at += len;
		--*owed;
	} while (*owed && at < n && p[at] == type);
	return at;
}

static bool is_float(uint8_t c)
{
	return (c | 1) == 0xcb;
}

static uint64_t be(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | *p++;
	return v;
}

/* What a byte outside fixed_length announces. */
enum head_type { HEAD_BAD, HEAD_BYTES, HEAD_ARRAY, HEAD_MAP };
struct head {
	enum head_type type;
	size_t n;       /* bytes of the header itself, the first byte included */
	uint64_t count; /* bytes that follow, elements, or pairs */
};

/* False: the header itself is cut off; h->n then says how many bytes it needs. */
static bool read_head(const uint8_t *p, size_t n, struct head *h)
{
	static const struct {
		uint8_t type, width;
	} wide[32] = {
		[0xc4 - 0xc0] = {HEAD_BYTES, 1}, [0xc5 - 0xc0] = {HEAD_BYTES, 2},
		[0xc6 - 0xc0] = {HEAD_BYTES, 4}, [0xd9 - 0xc0] = {HEAD_BYTES, 1},
		[0xda - 0xc0] = {HEAD_BYTES, 2}, [0xdb - 0xc0] = {HEAD_BYTES, 4},
		[0xdc - 0xc0] = {HEAD_ARRAY, 2}, [0xdd - 0xc0] = {HEAD_ARRAY, 4},
		[0xde - 0xc0] = {HEAD_MAP, 2},   [0xdf - 0xc0] = {HEAD_MAP, 4},
	};
	uint8_t c = p[0];

	assert(n && !fixed_length[c]);
	if (c < 0xa0) {
		*h = (struct head){c < 0x90 ? HEAD_MAP : HEAD_ARRAY, 1, c & 0x0f};
		return true;
	}
	*h = (struct head){wide[c - 0xc0].type, 1u + wide[c - 0xc0].width, 0};
	if (n < h->n)
		return false;
	h->count = be(p + 1, h->n - 1);
	return true;
}

/*
 * left[] holds how many objects each open level still owes, outer their sum without the current
 * level's. Since an object has at least one byte, at + outer + left is a lower bound of the
 * record's length: nested headers cannot each claim the same remaining bytes.
 */
struct skim {
	uint64_t left[MP_MAX_DEPTH + 1];
	uint64_t outer;
	uint64_t objects; /* announced so far */
	int depth;        /* containers open */
	struct mp_ends *ends;
};

/* An object that lies directly in the outermost one ends at `at`. */
static void note_end(struct skim *s, size_t at)
{
	if (s->depth == 1 && s->ends->n < MP_ENDS)
		s->ends->at[s->ends->n++] = (uint32_t)at;
}

static enum mp_skim enter(struct skim *s, const struct head *h)
{
	uint64_t count = h->type == HEAD_MAP ? 2 * h->count : h->count;

	assert(h->type == HEAD_MAP || h->type == HEAD_ARRAY);
	assert(s->depth >= 0 && s->depth <= MP_MAX_DEPTH);
	if (s->depth == MP_MAX_DEPTH)
		return MP_TOO_DEEP;
	s->objects += count;
	if (s->objects > MP_MAX_OBJECTS)
		return MP_TOO_MANY;
	s->outer += s->left[s->depth];
	s->left[++s->depth] = count;
	return MP_OK;
}

static enum mp_skim cut(uint64_t least, size_t *len)
{
	*len = (size_t)least;
	return least > MP_MAX_BYTES ? MP_TOO_LARGE : MP_MORE;
}

/* Steps over scalars from *at on as long as the open level owes some. */
static void scalars(struct skim *s, const uint8_t *p, size_t n, size_t *at)
{
	uint64_t left = s->left[s->depth];
	size_t i = *at;

	if (s->depth > 1 && left && i < n && is_float(p[i]))
		i += float_run(p + i, n - i, &left);
	while (left && i < n && fixed_length[p[i]]) {
		i += fixed_length[p[i]];
		left--;
		if (s->depth == 1)
			note_end(s, i);
	}
	s->left[s->depth] = left;
	*at = i;
}

enum mp_skim mp_skim_ends(const void *bytes, size_t n, size_t *len, struct mp_ends *ends)
{
	const uint8_t *p = bytes;
	struct skim s = {.left = {1}, .objects = 1, .ends = ends};
	struct head h;
	size_t at = 0;

	ends->n = 0;
	for (;;) {
		uint64_t left;
		enum mp_skim r;

		scalars(&s, p, n, &at);
		left = s.left[s.depth];
		if (!left && s.depth) {
			s.depth--;
			s.outer -= s.left[s.depth];
			note_end(&s, at);
			continue;
		}
		if (at > n || (left && at == n))
			return cut(at + s.outer + left, len);
		if (!left)
			break;
		s.left[s.depth] = left - 1;
		if (!read_head(p + at, n - at, &h))
			return cut(at + h.n + s.outer + left - 1, len);
		at += h.n;
		if (h.type == HEAD_BAD)
			return MP_BAD_TYPE;
		if (h.type == HEAD_BYTES) {
			at += (size_t)h.count; /* at most 2^32 - 1, and at is below 2^25 */
			if (at > n)
				return cut(at + s.outer + left - 1, len);
			note_end(&s, at);
		} else if ((r = enter(&s, &h)) != MP_OK) {
			return r;
		}
	}
	assert(s.depth == 0 && s.outer == 0 && at <= n);
	*len = at;
	return at > MP_MAX_BYTES ? MP_TOO_LARGE : MP_OK;
}

enum mp_skim mp_skim(const void *p, size_t n, size_t *len)
{
	struct mp_ends ends;

	return mp_skim_ends(p, n, len, &ends);
}

const char *mp_skim_text(enum mp_skim r)
{
	static const char *const text[] = {
		[MP_OK] = "whole",
		[MP_MORE] = "cut off",
		[MP_TOO_DEEP] = "nested too deep (limit 16)",
		[MP_TOO_LARGE] = "too large (limit 16 MiB)",
		[MP_TOO_MANY] = "too many objects (limit 1 Mi)",
		[MP_BAD_TYPE] = "a byte that is no MessagePack type, or an extension type",
	};

	assert((unsigned)r < sizeof text / sizeof *text);
	return text[r];
}

/* Start of the object behind the one at p; the record is known to be whole. */
static const uint8_t *skip(const uint8_t *p)
{
	for (uint64_t owed = 1; owed; owed--) {
		struct head h;

		if (is_float(*p))
			p += float_run(p, SIZE_MAX, &owed);
		while (owed && fixed_length[*p]) {
			p += fixed_length[*p];
			owed--;
		}
		if (!owed)
			break;
		read_head(p, 5, &h);
		p += h.n;
		if (h.type == HEAD_BYTES)
			p += h.count;
		else
			owed += h.type == HEAD_MAP ? 2 * h.count : h.count;
	}
	return p;
}

enum mp_type mp_type(struct mp v)
{
	static const uint8_t wide[32] = {
		[0x00] = MP_NIL,   [0x02] = MP_BOOL, [0x03] = MP_BOOL,  [0x04] = MP_BIN,
		[0x05] = MP_BIN,   [0x06] = MP_BIN,  [0x0a] = MP_FLOAT, [0x0b] = MP_FLOAT,
		[0x0c] = MP_INT,   [0x0d] = MP_INT,  [0x0e] = MP_INT,   [0x0f] = MP_INT,
		[0x10] = MP_INT,   [0x11] = MP_INT,  [0x12] = MP_INT,   [0x13] = MP_INT,
		[0x19] = MP_STR,   [0x1a] = MP_STR,  [0x1b] = MP_STR,   [0x1c] = MP_ARRAY,
		[0x1d] = MP_ARRAY, [0x1e] = MP_MAP,  [0x1f] = MP_MAP,
	};
	uint8_t c;

	if (!v.p)
		return MP_NONE;
	assert(v.n);
	c = *v.p;
	if (c < 0x80 || c >= 0xe0)
		return MP_INT;
	if (c < 0xc0)
		return c < 0x90 ? MP_MAP : c < 0xa0 ? MP_ARRAY : MP_STR;
	return wide[c - 0xc0];
}

bool mp_bool(struct mp v, bool *out)
{
	if (mp_type(v) != MP_BOOL)
		return false;
	*out = *v.p == 0xc3;
	return true;
}

bool mp_int(struct mp v, uint64_t *magnitude, bool *negative)
{
	uint8_t c;
	size_t width;
	uint64_t u;

	if (mp_type(v) != MP_INT)
		return false;
	c = *v.p;
	if (c < 0x80 || c >= 0xe0) {
		*negative = c >= 0xe0;
		*magnitude = *negative ? 256u - c : c;
		return true;
	}
	width = (size_t)1 << (c & 3); /* cc..cf and d0..d3 */
	u = be(v.p + 1, width);
	*negative = c >= 0xd0 && u >> (8 * width - 1);
	if (*negative) /* sign-extend, then negate */
		u = 0 - (width < 8 ? u | UINT64_MAX << (8 * width) : u);
	*magnitude = u;
	return true;
}

bool mp_i64(struct mp v, int64_t *out)
{
	uint64_t u;
	bool negative;

	if (!mp_int(v, &u, &negative) || (!negative && u > INT64_MAX))
		return false;
	*out = negative ? -(int64_t)(u - 1) - 1 : (int64_t)u;
	return true;
}

bool mp_f64(struct mp v, double *out)
{
	uint64_t u;
	bool negative;

	if (mp_int(v, &u, &negative)) {
		*out = negative ? -(double)u : (double)u;
		return true;
	}
	if (mp_type(v) != MP_FLOAT)
		return false;
	if (*v.p == 0xca) {
		uint32_t w = (uint32_t)be(v.p + 1, 4);
		float f;

		memcpy(&f, &w, sizeof f);
		*out = (double)f;
	} else {
		u = be(v.p + 1, 8);
		memcpy(out, &u, sizeof *out);
	}
	return true;
}

/* Of a str or a bin */
static struct span payload(struct mp v)
{
	struct head h = {HEAD_BYTES, 1, 0};

	assert(mp_type(v) == MP_STR || mp_type(v) == MP_BIN);
	if (fixed_length[*v.p])
		h.count = *v.p & 0x1f;
	else
		read_head(v.p, 5, &h);
	assert(h.n + h.count == v.n);
	return (struct span){(const char *)v.p + h.n, (size_t)h.count};
}

bool mp_str_any(struct mp v, struct span *out)
{
	if (mp_type(v) != MP_STR)
		return false;
	*out = payload(v);
	return true;
}

bool mp_bin(struct mp v, struct span *out)
{
	if (mp_type(v) != MP_BIN)
		return false;
	*out = payload(v);
	return true;
}

bool mp_bytes(struct mp v, struct span *out)
{
	return mp_str(v, out) || mp_bin(v, out);
}

/* Of a map or an array */
static struct mp_iter begin(struct mp v)
{
	struct head h;

	assert(mp_type(v) == MP_MAP || mp_type(v) == MP_ARRAY);
	read_head(v.p, 5, &h);
	assert(h.n <= v.n && h.count <= v.n);
	return (struct mp_iter){.p = v.p + h.n, .end = v.p + v.n, .left = (size_t)h.count};
}

bool mp_array(struct mp v, struct mp_iter *it)
{
	if (mp_type(v) != MP_ARRAY)
		return false;
	*it = begin(v);
	return true;
}

bool mp_enter(struct mp v, struct mp_iter *it)
{
	if (mp_type(v) != MP_MAP && mp_type(v) != MP_ARRAY)
		return false;
	*it = begin(v);
	return true;
}

bool mp_enter_ends(struct mp v, const struct mp_ends *ends, struct mp_iter *it)
{
	if (!mp_enter(v, it))
		return false;
	if (!ends)
		return true;
	assert(ends->n <= MP_ENDS && (!ends->n || ends->at[ends->n - 1] <= v.n));
	it->begin = v.p;
	it->known = ends->at;
	it->n_known = ends->n;
	return true;
}

/* The value at it->p; the last one of a container ends where the container ends. */
static struct mp take_value(struct mp_iter *it, bool last)
{
	const uint8_t *p = it->p;

	assert(p < it->end);
	if (it->n_known) {
		it->n_known--;
		it->p = it->begin + *it->known++;
	} else {
		it->p = last ? it->end : skip(p);
	}
	assert(it->p > p && it->p <= it->end);
	return (struct mp){p, (size_t)(it->p - p)};
}

bool mp_next(struct mp_iter *it, struct mp *v)
{
	if (!it->left)
		return false;
	it->left--;
	*v = take_value(it, it->left == 0);
	return true;
}

bool mp_next_pair(struct mp_iter *it, struct mp *key, struct mp *v)
{
	if (!it->left)
		return false;
	it->left--;
	*key = take_value(it, false);
	*v = take_value(it, it->left == 0);
	return true;
}

struct mp mp_get_n(struct mp map, const char *name, size_t n)
{
	struct mp_iter it;
	struct mp key, v;
	struct span s;

	if (mp_type(map) != MP_MAP)
		return (struct mp){0};
	it = begin(map);
	while (mp_next_pair(&it, &key, &v))
		if (mp_str(key, &s) && s.n == n && memcmp(s.p, name, n) == 0)
			return v;
	return (struct mp){0};
}

struct mp mp_get(struct mp map, const char *name)
{
	return mp_get_n(map, name, strlen(name));
}
