/* json.c - JSON text. See json.h. */
#include "base/json.h"
#include "base/file.h"
#include "base/lane16.h"
#include "base/mem.h"
#include "base/num.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* jansson reports its want of memory as a syntax error, an absent key or a NULL that its own
 * functions accept: it must never come to that. Before main, for whoever uses jansson first. */
__attribute__((constructor)) static void without_memory(void)
{
	json_set_alloc_funcs(xmalloc, free);
}

/* Appends what stands for itself in a string of JSON, up to end or to what does not, which is
 * returned. */
static const char *copy_plain(struct buf *b, const char *p, const char *end)
{
	const char *from = p;
	char *to;

	buf_reserve(b, (size_t)(end - p) + 16);
	to = b->p + b->n;
	for (; end - p >= 16; p += 16) {
		lane16 v = lane16_at(p);
		unsigned stop = lane16_json(v);

		memcpy(to + (p - from), &v, sizeof v);
		if (stop) {
			p += __builtin_ctz(stop);
			b->n += (size_t)(p - from);
			return p;
		}
	}
	for (; p < end && (unsigned char)*p >= ' ' && *p != '"' && *p != '\\'; p++)
		to[p - from] = *p;
	b->n += (size_t)(p - from);
	return p;
}

static void put_escape(struct buf *b, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	static const char letter[32] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
	char esc[6] = {'\\', (char)c, '0', '0', 0, 0};
	size_t len = 2;

	if (c < ' ' && letter[c]) {
		esc[1] = letter[c];
	} else if (c < ' ') {
		esc[1] = 'u';
		esc[4] = hex[c >> 4];
		esc[5] = hex[c & 15];
		len = 6;
	}
	buf_add(b, esc, len);
}

void json_string_to(struct buf *b, const char *p, size_t n)
{
	const char *end = p + n;

	buf_char(b, '"');
	while ((p = copy_plain(b, p, end)) < end)
		put_escape(b, (unsigned char)*p++);
	buf_char(b, '"');
}

static json_t *parse(const char *p, size_t n, json_error_t *e)
{
	return json_loadb(p ? p : "", n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, e);
}

static json_t *checked(json_t *j, const json_error_t *e, const char *where, struct reason *why)
{
	if (!j)
		fail(why, ST_INPUT, "%s: line %d, column %d: %s", where, e->line, e->column,
		     e->text);
	return j;
}

json_t *json_parse(const char *p, size_t n, const char *where, struct reason *why)
{
	json_error_t e;
	json_t *j = parse(p, n, &e);

	return checked(j, &e, where, why);
}

/* Bytes that are one number, or one that is of none */
static size_t number_at(const char *p, size_t n)
{
	size_t len = 0;

	while (len < n && (isdigit((unsigned char)p[len]) || (p[len] && strchr("+-.eE", p[len]))))
		len++;
	return len ? len : 1;
}

/* An integer that does not fit into 64 bits */
static bool is_wide(const char *p, size_t n)
{
	char text[21] = ""; /* "-9223372036854775808" */
	int64_t v;

	for (size_t i = n && *p == '-'; i < n; i++)
		if (!isdigit((unsigned char)p[i]))
			return false;
	if (n < sizeof text)
		memcpy(text, p, n);
	return n >= sizeof text || (n > 18 && !num_i64(text, INT64_MIN, INT64_MAX, &v));
}

/* Appends the text, such integers as reals */
static void narrow(struct buf *b, const char *p, size_t n)
{
	bool quoted = false;
	size_t len;

	for (size_t i = 0; i < n; i += len) {
		len = quoted ? 1 : number_at(p + i, n - i);
		if (quoted && p[i] == '\\' && i + 1 < n)
			len = 2;
		quoted = quoted != (p[i] == '"');
		buf_add(b, p + i, len);
		if (is_wide(p + i, len))
			buf_str(b, ".0");
	}
}

json_t *json_parse_wide(const char *p, size_t n, const char *where, struct reason *why)
{
	struct buf b = {0};
	json_error_t e;
	json_t *j = parse(p, n, &e);

	if (!j && json_error_code(&e) == json_error_numeric_overflow) {
		narrow(&b, p, n);
		j = parse(b.p, b.n, &e);
		buf_free(&b);
	}
	return checked(j, &e, where, why);
}

json_t *json_load(const char *path, size_t max, struct reason *why)
{
	struct buf b = {0};
	json_t *j = NULL;

	if (file_read(path, max, &b, why) == 0)
		j = json_parse(b.p, b.n, path, why);
	buf_free(&b);
	return j;
}
