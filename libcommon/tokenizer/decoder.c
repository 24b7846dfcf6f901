/* decoder.c - names of tokens as text. See decoder.h. */
#include "tokenizer/decoder.h"
#include "base/mem.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct dec_step {
	enum { REPLACE, BYTES, FUSE, STRIP, META } kind;
	struct buf what, by; /* STRIP and META: what alone, one character */
	size_t start, stop;  /* STRIP: how many at most, at each end */
	bool drop_first;     /* META: the first string has no blanks */
};

/* ---- strings ---- */

/* What was appended to s->text since the last string is one more. */
static void strings_end(struct strings *s)
{
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 64;
		s->end = xgrow(s->end, s->cap, sizeof *s->end);
	}
	assert(!s->n || s->end[s->n - 1] <= s->text.n);
	s->end[s->n++] = s->text.n;
}

void decoder_strings_add(struct strings *s, struct span a)
{
	buf_add(&s->text, a.p, a.n);
	strings_end(s);
}

void decoder_strings_free(struct strings *s)
{
	buf_free(&s->text);
	free(s->end);
	*s = (struct strings){0};
}

static struct span strings_at(const struct strings *s, size_t i)
{
	size_t from = i ? s->end[i - 1] : 0;

	assert(i < s->n && from <= s->end[i] && s->end[i] <= s->text.n);
	return (struct span){s->text.p + from, s->end[i] - from};
}

/* ---- loading ---- */

static int get_string(const json_t *j, const char *type, const char *key, struct buf *out,
		      struct reason *why)
{
	const json_t *v = json_object_get(j, key);

	if (!json_is_string(v) || !json_string_length(v))
		return fail(why, ST_INPUT, "%s: %s is not a string, or empty", type, key);
	buf_add(out, json_string_value(v), json_string_length(v));
	return 0;
}

static int load_replace(struct dec_step *st, const json_t *j, struct reason *why)
{
	const json_t *pattern = json_object_get(j, "pattern"), *by = json_object_get(j, "content");

	st->kind = REPLACE;
	if (json_object_get(pattern, "Regex"))
		return fail(why, ST_INPUT, "Replace of a Regex is not supported, only of a String");
	if (!json_is_string(by))
		return fail(why, ST_INPUT, "Replace: content is not a string");
	buf_add(&st->by, json_string_value(by), json_string_length(by));
	return get_string(pattern, "Replace", "String", &st->what, why);
}

static int load_strip(struct dec_step *st, const json_t *j, struct reason *why)
{
	const json_t *start = json_object_get(j, "start"), *stop = json_object_get(j, "stop");

	st->kind = STRIP;
	if (!json_is_integer(start) || !json_is_integer(stop) || json_integer_value(start) < 0 ||
	    json_integer_value(stop) < 0)
		return fail(why, ST_INPUT, "Strip: start or stop is no count");
	st->start = (size_t)json_integer_value(start);
	st->stop = (size_t)json_integer_value(stop);
	return get_string(j, "Strip", "content", &st->what, why);
}

/* Both spellings: add_prefix_space, and prepend_scheme, which counts more */
static int load_meta(struct dec_step *st, const json_t *j, struct reason *why)
{
	const char *scheme = json_string_value(json_object_get(j, "prepend_scheme"));

	st->kind = META;
	st->drop_first = scheme ? strcmp(scheme, "never") != 0
				: !json_is_false(json_object_get(j, "add_prefix_space"));
	return get_string(j, "Metaspace", "replacement", &st->what, why);
}

static int load_step(struct dec_step *st, const char *type, const json_t *j, struct reason *why)
{
	if (strcmp(type, "Replace") == 0)
		return load_replace(st, j, why);
	if (strcmp(type, "Strip") == 0)
		return load_strip(st, j, why);
	if (strcmp(type, "Metaspace") == 0)
		return load_meta(st, j, why);
	if (strcmp(type, "ByteFallback") == 0)
		st->kind = BYTES;
	else if (strcmp(type, "Fuse") == 0)
		st->kind = FUSE;
	else
		return fail(why, ST_INPUT, "%.40s is not supported", type);
	return 0;
}

/* alone: not within a Sequence */
static int load_entry(struct decoder *d, const json_t *j, bool alone, struct reason *why)
{
	const char *type = json_string_value(json_object_get(j, "type"));
	struct dec_step *st;
	const json_t *item;
	size_t i;

	type = type ? type : "an entry without a type";
	if (strcmp(type, "Sequence") == 0) {
		json_array_foreach(json_object_get(j, "decoders"), i, item)
		{
			if (load_entry(d, item,
				       json_array_size(json_object_get(j, "decoders")) == 1, why))
				return ST_INPUT;
		}
		return 0;
	}
	if (strcmp(type, "ByteLevel") == 0 && alone) {
		d->byte_level = true;
		return 0;
	}
	d->v = xgrow(d->v, d->n + 1, sizeof *d->v);
	st = &d->v[d->n++];
	*st = (struct dec_step){.kind = FUSE};
	if (load_step(st, type, j, why))
		return ST_INPUT;
	d->fallback |= st->kind == BYTES;
	return 0;
}

int decoder_load(struct decoder *d, const json_t *j, struct reason *why)
{
	int st = load_entry(d, j, true, why);

	if (!st && !d->byte_level && !d->n)
		st = fail(why, ST_INPUT, "an empty Sequence is not supported");
	if (st)
		fail_prefix(why, "decoder");
	return st;
}

void decoder_free(struct decoder *d)
{
	for (size_t i = 0; i < d->n; i++) {
		buf_free(&d->v[i].what);
		buf_free(&d->v[i].by);
	}
	free(d->v);
}

/* ---- running: each step from one list of strings to another ---- */

/* The byte of "<0xE4>", or -1 */
static int byte_of(struct span a)
{
	static const char digits[] = "0123456789abcdef";
	const char *hi, *lo;

	if (a.n != 6 || memcmp(a.p, "<0x", 3) != 0 || a.p[5] != '>')
		return -1;
	hi = memchr(digits, tolower((unsigned char)a.p[3]), 16);
	lo = memchr(digits, tolower((unsigned char)a.p[4]), 16);
	return hi && lo ? (int)(hi - digits) << 4 | (int)(lo - digits) : -1;
}

/* Bytes next to each other become one string. */
static void join_bytes(const struct strings *from, struct strings *to)
{
	for (size_t i = 0; i < from->n; i++) {
		int byte = byte_of(strings_at(from, i));

		if (byte < 0) {
			decoder_strings_add(to, strings_at(from, i));
			continue;
		}
		buf_char(&to->text, (char)byte);
		if (i + 1 == from->n || byte_of(strings_at(from, i + 1)) < 0)
			strings_end(to);
	}
}

static struct span strip(const struct dec_step *st, struct span a)
{
	const struct buf *c = &st->what;

	for (size_t i = 0; i < st->start && a.n >= c->n && memcmp(a.p, c->p, c->n) == 0; i++)
		a = (struct span){a.p + c->n, a.n - c->n};
	for (size_t i = 0; i < st->stop && a.n >= c->n; i++) {
		if (memcmp(a.p + a.n - c->n, c->p, c->n) != 0)
			break;
		a.n -= c->n;
	}
	return a;
}

static void run_step(const struct dec_step *st, const struct strings *from, struct strings *to)
{
	struct span what = {st->what.p, st->what.n}, by = {st->by.p, st->by.n};

	if (st->kind == BYTES) {
		join_bytes(from, to);
		return;
	}
	if (st->kind == FUSE) {
		decoder_strings_add(to, (struct span){from->text.p, from->text.n});
		return;
	}
	for (size_t i = 0; i < from->n; i++) {
		struct span a = strings_at(from, i);

		if (st->kind == STRIP) {
			decoder_strings_add(to, strip(st, a));
			continue;
		}
		if (st->kind == META)
			by = (struct span){" ", i == 0 && st->drop_first ? 0 : 1};
		buf_replaced(&to->text, a, what, by);
		strings_end(to);
	}
}

void decoder_run(const struct decoder *d, struct strings *s, struct buf *out)
{
	struct strings other = {0}, old;

	assert(!d->byte_level || (!d->n && !s->n));
	for (size_t i = 0; i < d->n; i++) {
		run_step(&d->v[i], s, &other);
		old = *s;
		*s = other;
		other = old;
		buf_reset(&other.text);
		other.n = 0;
	}
	buf_add(out, s->text.p, s->text.n);
	decoder_strings_free(&other);
}
