/*
 * mpjson.c - MessagePack as JSON and back loses nothing: the value is the same, the second JSON
 * text is the first, and so from then on.
 */
#include "base/json.h"
#include "common/fuzz.h"

#include "stream/mpjson.h"

#include <math.h>
#include <string.h>

/* jansson's objects begin with a table of 8 buckets */
const struct fuzz_memory fuzz_memory = {1 << 20, 1000, 0};

typedef void from_fn(struct buf *, struct mp);
typedef void to_fn(struct buf *, const json_t *);

static struct mp whole(const struct buf *b)
{
	return (struct mp){(const uint8_t *)b->p, b->n};
}

static void again(struct buf *packed, struct buf *text, struct mp v, from_fn *from, to_fn *to)
{
	struct reason why;
	size_t len;
	json_t *j;

	from(text, v);
	MUST(!memchr(text->p, '\n', text->n));
	j = json_parse(text->p, text->n, "text", &why);
	MUST(j);
	to(packed, j);
	json_decref(j);
	MUST(mp_skim(packed->p, packed->n, &len) == MP_OK && len == packed->n);
}

static bool same_number(struct mp a, struct mp b)
{
	bool minus_a, minus_b;
	uint64_t i, k;
	double x, y;

	if (mp_int(a, &i, &minus_a))
		return mp_int(b, &k, &minus_b) && i == k && minus_a == minus_b;
	return mp_f64(a, &x) && mp_f64(b, &y) &&
	       ((x == y && signbit(x) == signbit(y)) || (isnan(x) && isnan(y)));
}

static bool same(struct mp a, struct mp b)
{
	struct mp_iter i, k;
	struct mp x, y, v, w;
	struct span s, t;

	if (mp_type(a) != mp_type(b))
		return false;
	switch (mp_type(a)) {
	case MP_INT:
	case MP_FLOAT:
		return same_number(a, b);
	case MP_STR:
	case MP_BIN:
		return mp_bytes(a, &s) && mp_bytes(b, &t) && span_eq(s, t);
	case MP_ARRAY:
		MUST(mp_enter(a, &i) && mp_enter(b, &k));
		while (mp_next(&i, &x))
			if (!mp_next(&k, &y) || !same(x, y))
				return false;
		return !mp_next(&k, &y);
	case MP_MAP:
		MUST(mp_enter(a, &i) && mp_enter(b, &k));
		while (mp_next_pair(&i, &x, &v))
			if (!mp_next_pair(&k, &y, &w) || !same(x, y) || !same(v, w))
				return false;
		return !mp_next_pair(&k, &y, &w);
	default:
		return *a.p == *b.p;
	}
}

static void round_trip(struct mp v, from_fn *from, to_fn *to, bool exact)
{
	struct buf one = {0}, text = {0}, two = {0}, text2 = {0};

	again(&one, &text, v, from, to);
	MUST(!exact || same(v, whole(&one)));
	again(&two, &text2, whole(&one), from, to);
	MUST(one.n == two.n && !memcmp(one.p, two.p, one.n));
	MUST(!exact || (text.n == text2.n && !memcmp(text.p, text2.p, text.n)));
	buf_free(&one);
	buf_free(&two);
	buf_free(&text);
	buf_free(&text2);
}

void fuzz_one(const uint8_t *p, size_t n)
{
	struct mp v = {p, 0};

	if (mp_skim(p, n, &v.n) != MP_OK || (mp_type(v) != MP_MAP && mp_type(v) != MP_ARRAY))
		return; /* a scalar alone is no JSON document of jansson's */
	round_trip(v, mpjson_from, mpjson_to, true);
	/* Of a record, arrays of whole numbers become bin once */
	if (mp_type(v) == MP_MAP)
		round_trip(v, mpjson_from_record, mpjson_to_record, false);
}
