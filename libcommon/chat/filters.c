/* filters.c - what chat templates do to text. See filters.h. */
#include "chat/filters.h"
#include "base/fmt.h"
#include "base/json.h"

#include <stdio.h>
#include <string.h>

/* ---- text ---- */

/* The white space beyond ASCII that Python's strip cuts; U+2000 to U+200A besides */
static const char *const wide[] = {"\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\xa8",
				   "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"};

static bool is_blank(const char *p, size_t n)
{
	if (n == 1)
		return (*p >= '\t' && *p <= '\r') || (*p >= '\x1c' && *p <= ' ');
	for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
		if (strlen(wide[i]) == n && memcmp(p, wide[i], n) == 0)
			return true;
	return n == 3 && memcmp(p, "\xe2\x80", 2) == 0 && (unsigned char)p[2] >= 0x80 &&
	       (unsigned char)p[2] <= 0x8a;
}

/* Bytes of white space at the front of s, or at its back: 1 to 3; 0: none */
static size_t blank(struct span s, bool back)
{
	for (size_t n = 1; n <= 3 && n <= s.n; n++)
		if (is_blank(back ? s.p + s.n - n : s.p, n))
			return n;
	return 0;
}

struct span filter_trim(struct span s)
{
	size_t n;

	while ((n = blank(s, false)))
		s = (struct span){s.p + n, s.n - n};
	while ((n = blank(s, true)))
		s.n -= n;
	return s;
}

struct span filter_lstrip_newlines(struct span s)
{
	while (s.n && *s.p == '\n')
		s = (struct span){s.p + 1, s.n - 1};
	return s;
}

struct span filter_rstrip_newlines(struct span s)
{
	while (s.n && s.p[s.n - 1] == '\n')
		s.n--;
	return s;
}

const char *filter_find(struct span s, const char *what)
{
	return s.n ? memmem(s.p, s.n, what, strlen(what)) : NULL;
}

struct span filter_before(struct span s, const char *what)
{
	const char *p = filter_find(s, what);

	return p ? (struct span){s.p, (size_t)(p - s.p)} : s;
}

struct span filter_behind_last(struct span s, const char *what)
{
	for (const char *p; (p = filter_find(s, what));) {
		p += strlen(what);
		s = (struct span){p, s.n - (size_t)(p - s.p)};
	}
	return s;
}

/* ---- JSON ---- */

enum { FLAT = -1 }; /* depth of what stands on one line */

static void new_line(struct buf *b, int depth)
{
	buf_printf(b, "\n%*s", 4 * depth, "");
}

/* What stands before a member of an array or object whose own depth is depth */
static void begin_member(struct buf *b, int depth, bool first)
{
	buf_str(b, first ? "" : depth == FLAT ? ", " : ",");
	if (depth != FLAT)
		new_line(b, depth + 1);
}

static void put_json(struct buf *b, const json_t *j, int depth);

static void put_array(struct buf *b, const json_t *j, int depth)
{
	const json_t *v;
	size_t i;

	buf_char(b, '[');
	json_array_foreach(j, i, v)
	{
		begin_member(b, depth, i == 0);
		put_json(b, v, depth == FLAT ? FLAT : depth + 1);
	}
	if (json_array_size(j) && depth != FLAT)
		new_line(b, depth);
	buf_char(b, ']');
}

static void put_object(struct buf *b, const json_t *j, int depth)
{
	bool first = true;
	const char *key;
	json_t *v;

	buf_char(b, '{');
	json_object_foreach((json_t *)j, key, v)
	{
		begin_member(b, depth, first);
		json_string_to(b, key, strlen(key));
		buf_str(b, ": ");
		put_json(b, v, depth == FLAT ? FLAT : depth + 1);
		first = false;
	}
	if (!first && depth != FLAT)
		new_line(b, depth);
	buf_char(b, '}');
}

static void put_json(struct buf *b, const json_t *j, int depth)
{
	char number[FMT_MAX];

	if (json_is_array(j))
		put_array(b, j, depth);
	else if (json_is_object(j))
		put_object(b, j, depth);
	else if (json_is_string(j))
		json_string_to(b, json_string_value(j), json_string_length(j));
	else if (json_is_integer(j))
		buf_printf(b, "%lld", (long long)json_integer_value(j));
	else if (json_is_real(j))
		buf_add(b, number, fmt_f64(number, json_real_value(j)));
	else
		buf_str(b, json_is_true(j) ? "true" : json_is_false(j) ? "false" : "null");
}

void filter_tojson(struct buf *b, const json_t *j, bool indent)
{
	put_json(b, j, indent ? 0 : FLAT);
}
