/* normalizer.c - text before it is cut. See normalizer.h. */
#include "tokenizer/normalizer.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

struct norm_step {
	enum { NFC, PREPEND, REPLACE } kind;
	struct buf what, by; /* PREPEND: by alone */
};

/* ---- loading ---- */

static int get_string(const json_t *j, const char *type, const char *key, struct buf *out,
		      struct reason *why)
{
	const json_t *v = json_object_get(j, key);

	if (!json_is_string(v))
		return fail(why, ST_INPUT, "%s: %s is not a string", type, key);
	buf_add(out, json_string_value(v), json_string_length(v));
	return 0;
}

static int load_replace(struct norm_step *st, const json_t *j, struct reason *why)
{
	const json_t *pattern = json_object_get(j, "pattern");

	if (json_object_get(pattern, "Regex"))
		return fail(why, ST_INPUT, "Replace of a Regex is not supported, only of a String");
	if (get_string(pattern, "Replace", "String", &st->what, why))
		return ST_INPUT;
	if (!st->what.n)
		return fail(why, ST_INPUT, "Replace: the String is empty");
	return get_string(j, "Replace", "content", &st->by, why);
}

static int load_step(struct normalizer *z, const json_t *j, struct reason *why)
{
	const char *type = json_string_value(json_object_get(j, "type"));
	struct norm_step *st;
	const json_t *item;
	size_t i;

	if (type && strcmp(type, "Sequence") == 0) {
		json_array_foreach(json_object_get(j, "normalizers"), i,
				   item) if (load_step(z, item, why)) return ST_INPUT;
		return 0;
	}
	z->v = xgrow(z->v, z->n + 1, sizeof *z->v);
	st = &z->v[z->n++];
	*st = (struct norm_step){.kind = NFC};
	if (type && strcmp(type, "NFC") == 0)
		return 0;
	if (type && strcmp(type, "Prepend") == 0) {
		st->kind = PREPEND;
		return get_string(j, type, "prepend", &st->by, why);
	}
	if (type && strcmp(type, "Replace") == 0) {
		st->kind = REPLACE;
		return load_replace(st, j, why);
	}
	return fail(why, ST_INPUT, "%.40s is not supported, only NFC, Prepend and Replace",
		    type ? type : "an entry without a type");
}

int normalizer_load(struct normalizer *z, const json_t *j, struct reason *why)
{
	if (!j || json_is_null(j) || !load_step(z, j, why))
		return 0;
	fail_prefix(why, "normalizer");
	return ST_INPUT;
}

void normalizer_free(struct normalizer *z)
{
	for (size_t i = 0; i < z->n; i++) {
		buf_free(&z->v[i].what);
		buf_free(&z->v[i].by);
	}
	free(z->v);
}

void norm_work_free(struct norm_work *w)
{
	buf_free(&w->text);
	buf_free(&w->other);
}

/* ---- running: each step from *text to w->other, which then is w->text ---- */

/* NFC. Characters below U+0300, whose first byte is below FIRST_MARK, are in normal form and join
 * no character before them: only a stretch of higher ones, with the character before it, can
 * change. */
enum { FIRST_MARK = 0xcc };

static bool is_high(char c)
{
	return (unsigned char)c >= FIRST_MARK;
}

/* Bytes before such a stretch */
static size_t settled(struct span text)
{
	size_t i = 0, last = 0; /* where the last character begins */

	for (; i < text.n && !is_high(text.p[i]); i++)
		if (((unsigned char)text.p[i] & 0xc0) != 0x80)
			last = i;
	return i < text.n ? last : text.n;
}

/* Bytes of a character and the high ones behind it; 0: text begins with no UTF-8 */
static size_t stretch(struct span text)
{
	size_t i = 0, k;

	while (i < text.n && (i == 0 || is_high(text.p[i])) &&
	       (k = utf8_char(text.p + i, text.n - i)))
		i += k;
	return i;
}

/* Bytes that are not UTF-8 stay, what stands between them is composed. */
static int compose(struct span text, struct buf *out, struct reason *why)
{
	while (text.n) {
		utf8proc_uint8_t *made = NULL;
		utf8proc_ssize_t n = 0;
		size_t len = settled(text), high;

		buf_add(out, text.p, len);
		assert(len <= text.n);
		text = (struct span){text.p + len, text.n - len};
		high = stretch(text);
		if (high)
			n = utf8proc_map((const utf8proc_uint8_t *)text.p, (utf8proc_ssize_t)high,
					 &made, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
		else if (text.n)
			buf_char(out, *text.p);
		if (n < 0)
			return fail(why, ST_INPUT, "normalizer NFC: %s", utf8proc_errmsg(n));
		buf_add(out, made, (size_t)n);
		free(made);
		len = high ? high : text.n > 0;
		text = (struct span){text.p + len, text.n - len};
	}
	return 0;
}

static bool has_work(const struct norm_step *st, struct span text)
{
	if (st->kind == REPLACE)
		return memmem(text.p, text.n, st->what.p, st->what.n);
	if (st->kind == NFC)
		return settled(text) < text.n;
	return true;
}

int normalizer_run(const struct normalizer *z, struct span *text, struct norm_work *w,
		   struct reason *why)
{
	for (size_t i = 0; i < z->n && text->n; i++) {
		const struct norm_step *st = &z->v[i];
		struct buf made;

		if (!has_work(st, *text))
			continue;
		buf_reset(&w->other);
		if (st->kind == NFC) {
			if (compose(*text, &w->other, why))
				return ST_INPUT;
		} else if (st->kind == PREPEND) {
			buf_add(&w->other, st->by.p, st->by.n);
			buf_add(&w->other, text->p, text->n);
		} else {
			buf_replaced(&w->other, *text, (struct span){st->what.p, st->what.n},
				     (struct span){st->by.p, st->by.n});
		}
		assert(text->p != w->other.p || !text->n);
		made = w->other;
		w->other = w->text;
		w->text = made;
		*text = (struct span){made.p, made.n};
	}
	return 0;
}
