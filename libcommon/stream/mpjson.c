/* mpjson.c - MessagePack values as JSON text and back. See mpjson.h. */
#include "stream/mpjson.h"
#include "base/fmt.h"
#include "base/json.h"
#include "base/kept.h"
#include "base/mem.h"
#include "base/set.h"
#include "base/utf8.h"
#include "stream/pack.h"

#include <assert.h>
#include <endian.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- MessagePack to JSON ---- */

/* {"name": "base64 of the bytes"} */
static void put_base64(struct buf *b, const char *name, struct span s)
{
	static const char code[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				   "+/";

	buf_printf(b, "{\"%s\":\"", name);
	buf_reserve(b, (s.n + 2) / 3 * 4);
	for (size_t i = 0; i < s.n; i += 3) {
		const unsigned char *p = (const unsigned char *)s.p + i;
		size_t k = s.n - i;
		uint32_t w = (uint32_t)p[0] << 16 | (k > 1 ? (uint32_t)p[1] << 8 : 0) |
			     (k > 2 ? p[2] : 0);
		char out[4] = {code[w >> 18], code[w >> 12 & 63], k > 1 ? code[w >> 6 & 63] : '=',
			       k > 2 ? code[w & 63] : '='};

		buf_add(b, out, 4);
	}
	buf_str(b, "\"}");
}

static void put_float(struct buf *b, double v)
{
	if (isfinite(v)) {
		buf_reserve(b, FMT_MAX);
		b->n += fmt_f64(b->p + b->n, v);
	} else {
		buf_printf(b, "{\"$float\":\"%s\"}", isnan(v) ? "nan" : v > 0 ? "inf" : "-inf");
	}
}

static void put_int(struct buf *b, struct mp v)
{
	uint64_t u = 0;
	bool negative = false;

	assert(mp_type(v) == MP_INT);
	mp_int(v, &u, &negative);
	buf_reserve(b, FMT_MAX);
	if (negative)
		b->p[b->n++] = '-';
	else if (u > INT64_MAX) /* JSON readers, jansson among them, stop at int64 */
		buf_str(b, "{\"$u64\":\"");
	buf_reserve(b, FMT_MAX);
	b->n += fmt_u64(b->p + b->n, u);
	if (!negative && u > INT64_MAX)
		buf_str(b, "\"}");
}

static const char *const marks[] = {"$bin", "$str", "$float", "$u64", "$map"};

/* Of the index-th key: none of the pairs before it has the same. */
static bool is_new_key(struct mp map, size_t index, struct span key)
{
	struct mp_iter it;
	struct mp k, v;
	struct span s;

	mp_enter(map, &it);
	assert(index < it.left);
	while (index--) {
		mp_next_pair(&it, &k, &v);
		mp_bytes(k, &s);
		if (span_eq(s, key))
			return false;
	}
	return true;
}

/* Can the map be a JSON object that comes back as this map? Its keys must be text without NUL (what
 * jansson takes), each once, and it must not look like one of the marks above. */
static bool is_object(struct mp map)
{
	enum { FEW = 12 }; /* up to there comparing each with each is faster than a set */
	struct set set = {0};
	struct mp_iter it;
	struct mp key, v;
	struct span s;
	size_t i = 0;
	bool ok = true, many;

	mp_enter(map, &it);
	many = it.left > FEW;
	for (size_t m = 0; it.left == 1 && m < sizeof marks / sizeof *marks; m++)
		if (mp_get(map, marks[m]).p)
			return false;
	while (ok && mp_next_pair(&it, &key, &v)) {
		ok = mp_str(key, &s) && utf8_valid(s.p, s.n) && !memchr(s.p, 0, s.n) &&
		     (many ? set_add(&set, s.p, s.n) : is_new_key(map, i, s));
		i++;
	}
	set_free(&set);
	return ok;
}

enum mpjson_words mpjson_words(struct span key)
{
	if (span_is(key, "tokens") || span_is(key, "prompt_tokens"))
		return MPJSON_IDS;
	return span_is(key, "logprobs") || span_is(key, "ref_logprobs") ? MPJSON_FLOATS
									: MPJSON_NONE;
}

/* The arrays of a trajectory that travel as bin: shown as numbers where that loses nothing. */
static bool put_words(struct buf *b, struct span key, struct mp v)
{
	enum mpjson_words words = mpjson_words(key);
	bool floats = words == MPJSON_FLOATS;
	struct span s;

	if (words == MPJSON_NONE || !mp_bin(v, &s) || s.n % 4)
		return false;
	for (size_t i = 0; floats && i < s.n; i += 4)
		if (((uint8_t)s.p[i + 3] & 0x7f) == 0x7f && (uint8_t)s.p[i + 2] >> 7)
			return false; /* a NaN or an infinity: its bits are kept in a $bin */
	buf_reserve(b, s.n / 4 * FMT_ELEMENT + FMT_MAX + 2);
	b->p[b->n++] = '[';
	b->n += (floats ? fmt_f32_list : fmt_u32_list)(b->p + b->n, s.p, s.n / 4);
	b->p[b->n++] = ']';
	return true;
}

bool mpjson_kept(struct buf *b, struct span s)
{
	uint32_t ids[KEPT_MOST];
	size_t n = 0, before = b->n;

	buf_char(b, '[');
	while (s.n) {
		if (kept_take(&s, ids, &n)) {
			b->n = before;
			return false;
		}
		buf_reserve(b, n * FMT_ELEMENT + FMT_MAX + 1);
		b->p[b->n++] = '[';
		for (size_t i = 0; i < n; i++)
			ids[i] = htole32(ids[i]);
		b->n += fmt_u32_list(b->p + b->n, (const char *)ids, n);
		buf_str(b, s.n ? "]," : "]");
	}
	buf_char(b, ']');
	return true;
}

static bool put_kept(struct buf *b, struct span key, struct mp v)
{
	struct span s;

	return span_is(key, "kept") && mp_bin(v, &s) && mpjson_kept(b, s);
}

static void put_map(struct buf *b, struct mp map, bool record)
{
	bool object = is_object(map);
	struct mp_iter it;
	struct mp key, v;
	struct span s;

	assert(mp_type(map) == MP_MAP);
	buf_str(b, object ? "{" : "{\"$map\":[");
	mp_enter(map, &it);
	for (bool first = true; mp_next_pair(&it, &key, &v); first = false) {
		if (!first)
			buf_char(b, ',');
		if (object) {
			mp_bytes(key, &s);
			json_string_to(b, s.p, s.n);
			buf_char(b, ':');
			if (!record || !(put_words(b, s, v) || put_kept(b, s, v)))
				mpjson_from(b, v);
		} else {
			buf_char(b, '[');
			mpjson_from(b, key);
			buf_char(b, ',');
			mpjson_from(b, v);
			buf_char(b, ']');
		}
	}
	buf_str(b, object ? "}" : "]}");
}

static void put_array(struct buf *b, struct mp array)
{
	struct mp_iter it;
	struct mp v;

	assert(mp_type(array) == MP_ARRAY);
	buf_char(b, '[');
	mp_enter(array, &it);
	for (bool first = true; mp_next(&it, &v); first = false) {
		if (!first)
			buf_char(b, ',');
		mpjson_from(b, v);
	}
	buf_char(b, ']');
}

/* Recursion is bounded: what passed mp_skim is at most MP_MAX_DEPTH deep. */
void mpjson_from(struct buf *b, struct mp v)
{
	bool flag = false;
	double d = 0;
	struct span s = {0};

	switch (mp_type(v)) {
	case MP_NONE:
	case MP_NIL:
		buf_str(b, "null");
		break;
	case MP_BOOL:
		mp_bool(v, &flag);
		buf_str(b, flag ? "true" : "false");
		break;
	case MP_INT:
		put_int(b, v);
		break;
	case MP_FLOAT:
		mp_f64(v, &d);
		put_float(b, d);
		break;
	case MP_STR:
		mp_bytes(v, &s);
		if (utf8_valid(s.p, s.n))
			json_string_to(b, s.p, s.n);
		else
			put_base64(b, "$str", s);
		break;
	case MP_BIN:
		mp_bytes(v, &s);
		put_base64(b, "$bin", s);
		break;
	case MP_ARRAY:
		put_array(b, v);
		break;
	default: /* MP_MAP */
		put_map(b, v, false);
		break;
	}
}

void mpjson_from_record(struct buf *b, struct mp rec)
{
	put_map(b, rec, true);
}

void mpjson_from_key(struct buf *b, const char *key, struct mp v)
{
	struct span s = {key, strlen(key)};

	if (!put_words(b, s, v) && !put_kept(b, s, v))
		mpjson_from(b, v);
}

/* ---- JSON to MessagePack ---- */

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* False when s is no padded base64; what was added to out is then of no use. */
static bool unbase64(struct buf *out, const char *s, size_t n)
{
	if (n % 4)
		return false;
	for (size_t i = 0; i < n; i += 4) {
		int pad = i + 4 < n ? 0 : (s[i + 3] == '=') + (s[i + 2] == '=' && s[i + 3] == '=');
		uint32_t w = 0;
		char bytes[3];

		for (int k = 0; k < 4; k++) {
			int v = k >= 4 - pad ? 0 : base64_value(s[i + (size_t)k]);

			if (v < 0)
				return false;
			w = w << 6 | (uint32_t)v;
		}
		bytes[0] = (char)(w >> 16);
		bytes[1] = (char)(w >> 8);
		bytes[2] = (char)w;
		buf_add(out, bytes, (size_t)(3 - pad));
	}
	return true;
}

static void pack_value(msgpack_packer *pk, const json_t *j);

static bool pack_base64(msgpack_packer *pk, const json_t *text, bool as_str)
{
	struct buf raw = {0};
	bool ok = json_is_string(text) &&
		  unbase64(&raw, json_string_value(text), json_string_length(text));

	if (ok && as_str) {
		msgpack_pack_str(pk, raw.n);
		msgpack_pack_str_body(pk, raw.p, raw.n);
	} else if (ok) {
		pack_bin(pk, raw.p, raw.n);
	}
	buf_free(&raw);
	return ok;
}

static bool pack_odd_float(msgpack_packer *pk, const char *s)
{
	if (s && strcmp(s, "nan") == 0)
		pack_float(pk, (double)NAN);
	else if (s && strcmp(s, "inf") == 0)
		pack_float(pk, HUGE_VAL);
	else if (s && strcmp(s, "-inf") == 0)
		pack_float(pk, -HUGE_VAL);
	else
		return false;
	return true;
}

/* Only what put_int writes so: else an array of logprobs with it would become all numbers, bin that
 * is, the second time. */
static bool pack_u64(msgpack_packer *pk, const char *s)
{
	uint64_t u = 0;

	if (!s || !*s)
		return false;
	for (; *s >= '0' && *s <= '9'; s++) {
		uint64_t d = (uint64_t)(*s - '0');

		if (u > (UINT64_MAX - d) / 10)
			return false;
		u = 10 * u + d;
	}
	if (*s || u <= INT64_MAX)
		return false;
	msgpack_pack_uint64(pk, u);
	return true;
}

static bool pack_pairs(msgpack_packer *pk, const json_t *pairs)
{
	size_t i;
	json_t *pair;

	if (!json_is_array(pairs))
		return false;
	json_array_foreach(pairs, i, pair)
	{
		if (!json_is_array(pair) || json_array_size(pair) != 2)
			return false;
	}
	msgpack_pack_map(pk, json_array_size(pairs));
	json_array_foreach(pairs, i, pair)
	{
		pack_value(pk, json_array_get(pair, 0));
		pack_value(pk, json_array_get(pair, 1));
	}
	return true;
}

/* One of the marks with a well-formed value; anything else is an object like any other. */
static bool pack_marked(msgpack_packer *pk, const char *key, const json_t *v)
{
	if (strcmp(key, "$bin") == 0 || strcmp(key, "$str") == 0)
		return pack_base64(pk, v, key[1] == 's');
	if (strcmp(key, "$float") == 0)
		return pack_odd_float(pk, json_string_value(v));
	if (strcmp(key, "$u64") == 0)
		return pack_u64(pk, json_string_value(v));
	return strcmp(key, "$map") == 0 && pack_pairs(pk, v);
}

/* tokens and the like as bin, if every element fits */
static bool pack_words(msgpack_packer *pk, const char *key, const json_t *v)
{
	enum mpjson_words words = mpjson_words((struct span){key, strlen(key)});
	bool floats = words == MPJSON_FLOATS, ok = json_is_array(v);
	struct buf b = {0};
	size_t i;
	json_t *e;

	if (!ok || words == MPJSON_NONE)
		return false;
	json_array_foreach(v, i, e)
	{
		float f = (float)json_number_value(e);
		json_int_t id = json_integer_value(e);
		uint32_t w = (uint32_t)id;

		ok = floats ? json_is_number(e) && isfinite(f)
			    : json_is_integer(e) && id >= 0 && id <= UINT32_MAX;
		if (!ok)
			break;
		if (floats)
			memcpy(&w, &f, sizeof w);
		w = htole32(w);
		buf_add(&b, &w, sizeof w);
	}
	if (ok)
		pack_bin(pk, b.p, b.n);
	buf_free(&b);
	return ok;
}

static bool add_set(struct buf *b, const json_t *set)
{
	uint32_t ids[KEPT_MOST];
	size_t i;
	json_t *e;

	if (!json_is_array(set) || json_array_size(set) > KEPT_MOST)
		return false;
	json_array_foreach(set, i, e)
	{
		json_int_t id = json_integer_value(e);

		if (!json_is_integer(e) || id < 0 || id > UINT32_MAX ||
		    (i && (uint32_t)id <= ids[i - 1]))
			return false;
		ids[i] = (uint32_t)id;
	}
	kept_put(b, ids, json_array_size(set));
	return true;
}

/* The way back from put_kept */
static bool pack_kept(msgpack_packer *pk, const char *key, const json_t *v)
{
	struct buf b = {0};
	bool ok = strcmp(key, "kept") == 0 && json_is_array(v);
	size_t i;
	json_t *set;

	if (!ok)
		return false;
	json_array_foreach(v, i, set)
	{
		ok = add_set(&b, set);
		if (!ok)
			break;
	}
	if (ok)
		pack_bin(pk, b.p, b.n);
	buf_free(&b);
	return ok;
}

static void pack_object(msgpack_packer *pk, const json_t *j, bool record)
{
	json_t *object = (json_t *)(uintptr_t)j; /* jansson's iterators want it, and only read */
	const char *key;
	json_t *v;

	if (json_object_size(j) == 1) {
		void *only = json_object_iter(object);

		if (pack_marked(pk, json_object_iter_key(only), json_object_iter_value(only)))
			return;
	}
	msgpack_pack_map(pk, json_object_size(j));
	json_object_foreach(object, key, v)
	{
		pack_str(pk, key);
		if (!record || !(pack_words(pk, key, v) || pack_kept(pk, key, v)))
			pack_value(pk, v);
	}
}

static void pack_value(msgpack_packer *pk, const json_t *j)
{
	size_t i;
	json_t *e;

	switch (json_typeof(j)) {
	case JSON_OBJECT:
		pack_object(pk, j, false);
		break;
	case JSON_ARRAY:
		msgpack_pack_array(pk, json_array_size(j));
		json_array_foreach(j, i, e) pack_value(pk, e);
		break;
	case JSON_STRING:
		pack_text(pk, (struct span){json_string_value(j), json_string_length(j)});
		break;
	case JSON_INTEGER:
		msgpack_pack_int64(pk, json_integer_value(j));
		break;
	case JSON_REAL:
		pack_float(pk, json_real_value(j));
		break;
	case JSON_TRUE:
		msgpack_pack_true(pk);
		break;
	case JSON_FALSE:
		msgpack_pack_false(pk);
		break;
	default: /* JSON_NULL */
		msgpack_pack_nil(pk);
		break;
	}
}

void mpjson_to(struct buf *b, const json_t *j)
{
	msgpack_packer pk;

	pack_init(&pk, b);
	pack_value(&pk, j);
}

void mpjson_to_record(struct buf *b, const json_t *j)
{
	msgpack_packer pk;

	assert(json_is_object(j));
	pack_init(&pk, b);
	pack_object(&pk, j, true);
}
