/* pattern.c - groups, repeats and anchors of patterns. See pattern.h. */
#include "tokenizer/pattern.h"
#include "tokenizer/charset.h"
#include "tokenizer/property.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

enum { MAX_DEPTH = 100, MAX_REPEAT = 65535 };

struct reader {
	struct pattern_text t;
	bool dot_all, blanks; /* within (?m), (?x) */
	int depth;
	unsigned groups, named;  /* that were begun */
	unsigned all, all_named; /* that there are; 0 in the first of two passes */
	uint32_t last;           /* letter before, in (?i); 0: something else */
};

/* A word character where one stands alone: Latin-1's numbers of other kinds are among them. */
#define WORD "[" PROPERTY_WORD "\\x{b2}\\x{b3}\\x{b9}\\x{bc}-\\x{be}]"

static bool at_end(const struct reader *r)
{
	return r->t.p == r->t.end;
}

static bool is_next(const struct reader *r, const char *s)
{
	size_t n = strlen(s);

	return (size_t)(r->t.end - r->t.p) >= n && memcmp(r->t.p, s, n) == 0;
}

static bool skip(struct reader *r, const char *s)
{
	bool there = is_next(r, s);

	if (there)
		r->t.p += strlen(s);
	return there;
}

static int unsupported(struct reader *r, const char *from)
{
	return fail(r->t.why, ST_INPUT, "%.*s is not supported", (int)(r->t.p - from), from);
}

static int read_branches(struct reader *r, struct buf *out);

/* ---- what is no part of the pattern: comments; in (?x) blanks ---- */

static int skip_comment(struct reader *r)
{
	while (!at_end(r) && *r->t.p != ')')
		r->t.p += 1 + (*r->t.p == '\\' && r->t.p + 1 < r->t.end);
	return skip(r, ")") ? 0 : fail(r->t.why, ST_INPUT, "(?# is not ended by )");
}

static int skip_nothing(struct reader *r)
{
	int st = 0;

	while (!st && !at_end(r)) {
		if (skip(r, "(?#"))
			st = skip_comment(r);
		else if (r->blanks && isspace((unsigned char)*r->t.p))
			r->t.p++;
		else if (r->blanks && *r->t.p == '#')
			while (!at_end(r) && *r->t.p++ != '\n')
				continue;
		else
			break;
	}
	return st;
}

/* ---- groups ---- */

static int end_group(struct reader *r, struct buf *out)
{
	int st = read_branches(r, out);

	if (!st && !skip(r, ")"))
		st = fail(r->t.why, ST_INPUT, "missing closing parenthesis");
	buf_char(out, ')');
	return st;
}

/* The letters behind (?, up to : or ): options for a group, or for the rest of this one */
static int read_options(struct reader *r, struct reader *with)
{
	const char *from = r->t.p;
	bool on = true;

	*with = *r;
	for (; !at_end(r) && *r->t.p != ':' && *r->t.p != ')'; r->t.p++) {
		char c = *r->t.p;

		if (c == '-')
			on = false;
		else if (c == 'i')
			with->t.fold = on;
		else if (c == 'm')
			with->dot_all = on;
		else if (c == 'x')
			with->blanks = on;
		else
			return fail(r->t.why, ST_INPUT,
				    "(?%.*s: this kind of group or option is "
				    "not supported",
				    (int)(r->t.p + 1 - from), from);
	}
	return at_end(r) ? fail(r->t.why, ST_INPUT, "missing closing parenthesis") : 0;
}

/* Reads on as `with` does; what it says of case and blanks ends with it. */
static int read_with(struct reader *r, const struct reader *with, struct buf *out,
		     int (*read)(struct reader *, struct buf *))
{
	bool fold = r->t.fold, dot_all = r->dot_all, blanks = r->blanks;
	int st;

	r->t.fold = with->t.fold;
	r->dot_all = with->dot_all;
	r->blanks = with->blanks;
	st = read(r, out);
	r->t.fold = fold;
	r->dot_all = dot_all;
	r->blanks = blanks;
	return st;
}

static int read_option_group(struct reader *r, struct buf *out)
{
	struct reader with;
	int st = read_options(r, &with);

	if (st)
		return st;
	buf_str(out, "(?:");
	if (*r->t.p++ == ':')
		return read_with(r, &with, out, end_group);
	st = read_with(r, &with, out, read_branches); /* the group's end stays */
	buf_char(out, ')');
	return st;
}

static int read_named_group(struct reader *r, char end, struct buf *out)
{
	const char *name = r->t.p;
	int n = 0;

	while (!at_end(r) && (isalnum((unsigned char)*r->t.p) || *r->t.p == '_')) {
		r->t.p++;
		n++;
	}
	if (n == 0 || n > 32 || isdigit((unsigned char)*name) || at_end(r) || *r->t.p++ != end)
		return fail(r->t.why, ST_INPUT, "(?<%.*s: not a name of a group", n % 40, name);
	r->named++;
	buf_printf(out, "(?<%.*s>", n, name);
	return end_group(r, out);
}

/* Behind its ( */
static int read_group(struct reader *r, struct buf *out, bool *repeats)
{
	static const char *const plain[] = {"?:", "?>", "?=", "?!", "?<=", "?<!"};

	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
		if (skip(r, plain[i])) {
			*repeats = i < 2;
			buf_printf(out, "(%s", plain[i]);
			return end_group(r, out);
		}
	if (skip(r, "?<"))
		return read_named_group(r, '>', out);
	if (skip(r, "?'"))
		return read_named_group(r, '\'', out);
	if (skip(r, "?"))
		return read_option_group(r, out);
	if (is_next(r, "*"))
		return fail(r->t.why, ST_INPUT, "(* is not supported");
	r->groups++;
	buf_str(out, r->all_named ? "(?:" : "("); /* beside named ones they are not counted */
	return end_group(r, out);
}

/* ---- one thing that may be repeated ---- */

static int check_reference(struct reader *r, const char *from)
{
	if (r->t.fold)
		return fail(r->t.why, ST_INPUT, "%.*s without regard to case is not supported",
			    (int)(r->t.p - from), from);
	return 0;
}

/* Behind \1 to \9 or \k */
static int read_reference(struct reader *r, const char *from, struct buf *out)
{
	char letter = r->t.p[-1];
	const char *name = r->t.p + 1;
	int n = 0;

	if (letter != 'k') {
		if (!at_end(r) && isdigit((unsigned char)*r->t.p))
			return unsupported(r, from);
		if (r->all && (r->all_named || (unsigned)(letter - '0') > r->all - 1))
			return fail(r->t.why, ST_INPUT, "\\%c: there is no such group", letter);
		buf_printf(out, "\\g{%c}", letter);
		return check_reference(r, from);
	}
	if (!skip(r, "<"))
		return unsupported(r, from);
	while (!at_end(r) && (isalnum((unsigned char)*r->t.p) || *r->t.p == '_')) {
		r->t.p++;
		n++;
	}
	if (!n || isdigit((unsigned char)*name) || !skip(r, ">"))
		return unsupported(r, from);
	buf_printf(out, "\\k<%.*s>", n, name);
	return check_reference(r, from);
}

/* An escape that is no character and no set */
static int read_other(struct reader *r, char letter, const char *from, struct buf *out,
		      bool *repeats)
{
	if (letter == 'k' || isdigit((unsigned char)letter))
		return read_reference(r, from, out);
	if (letter == 'R')
		buf_str(out, "(?>\\r\\n|[\\n-\\r\\x{85}\\x{2028}\\x{2029}])");
	else if (letter == 'N')
		buf_str(out, "[^\\n]");
	else if (letter == 'O')
		buf_str(out, "(?s:.)");
	else
		*repeats = false;
	if (letter == 'b')
		buf_str(out, "(?:(?<=" WORD ")(?!" WORD ")|(?<!" WORD ")(?=" WORD "))");
	else if (letter == 'B')
		buf_str(out, "(?:(?<=" WORD ")(?=" WORD ")|(?<!" WORD ")(?!" WORD "))");
	else if (strchr("AZzGK", letter))
		buf_printf(out, "\\%c", letter);
	else if (!*repeats)
		return unsupported(r, from);
	return 0;
}

/* Letters that are one together: in some text another character stands for both. */
static bool is_ligature(uint32_t a, uint32_t b)
{
	static const char pairs[][3] = {"ss", "ff", "fi", "fl", "st"};

	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		if ((uint32_t)pairs[i][0] == a && (uint32_t)pairs[i][1] == b)
			return true;
	return false;
}

static int put_char(struct reader *r, uint32_t code, struct buf *out)
{
	uint32_t small = code < 0x80 ? (uint32_t)tolower((int)code) : code;

	if (r->t.fold && is_ligature(r->last, small))
		return fail(r->t.why, ST_INPUT, "%c%c without regard to case is not supported",
			    (char)r->last, (char)small);
	if (r->t.fold)
		r->last = small;
	return charset_char(&r->t, code, out);
}

static int read_escape(struct reader *r, struct buf *out, bool *repeats)
{
	const char *from = r->t.p - 1;
	struct escape e;
	int st = charset_escape(&r->t, &e);

	if (!st && e.kind == ESC_CHAR)
		st = put_char(r, e.code, out);
	else if (!st && e.kind == ESC_OTHER)
		st = read_other(r, e.letter, from, out, repeats);
	else if (!st && (from[1] == 'w' || from[1] == 'W'))
		buf_printf(out, e.negated ? "(?:(?!%s)(?s:.))" : "%s", WORD);
	else if (!st)
		charset_put(out, &e.set, e.negated);
	buf_free(&e.set);
	return st;
}

/* *repeats: a repeat may follow */
static int read_atom(struct reader *r, struct buf *out, bool *repeats)
{
	uint32_t before = r->last, code = charset_next(&r->t);

	*repeats = true;
	r->last = 0;
	if (code == '(')
		return read_group(r, out, repeats);
	if (code == '[')
		return charset_brackets(&r->t, out);
	if (code == '.') {
		buf_str(out, r->dot_all ? "(?s:.)" : "[^\\n]");
		return 0;
	}
	if (code == '^' || code == '$') {
		buf_printf(out, "(?m:%c)", (char)code);
		*repeats = false;
		return 0;
	}
	r->last = before;
	if (code != '\\')
		return put_char(r, code, out);
	return read_escape(r, out, repeats);
}

/* ---- repeats ---- */

/* {2,3}: false, and nothing is read, when it is not one */
static bool read_interval(struct reader *r, long *least, long *most, bool *fixed)
{
	const char *p = r->t.p, *from;
	long v[2] = {-1, -1};
	int n = 0;

	if (p == r->t.end || *p++ != '{')
		return false;
	for (; n < 2; n++) {
		for (from = p; p < r->t.end && isdigit((unsigned char)*p) && p - from < 7; p++)
			v[n] = (v[n] < 0 ? 0 : v[n]) * 10 + (*p - '0');
		if (n || p == r->t.end || *p != ',')
			break;
		p++;
	}
	if (p == r->t.end || *p != '}' || (v[0] < 0 && v[1] < 0))
		return false;
	*fixed = n == 0;
	*least = v[0] < 0 ? 0 : v[0];
	*most = n ? v[1] : v[0];
	r->t.p = p + 1;
	return true;
}

/* One repeat, *q; false: there is none */
static bool read_repeat(struct reader *r, struct buf *q, int *st)
{
	const char *from = r->t.p;
	long least, most;
	bool fixed = false, interval = read_interval(r, &least, &most, &fixed);

	if (!interval && (at_end(r) || !strchr("*+?", *r->t.p) || !*r->t.p))
		return false;
	if (interval && (least > MAX_REPEAT || most > MAX_REPEAT || (most >= 0 && most < least)))
		*st = unsupported(r, from);
	else if (!interval)
		buf_char(q, *r->t.p++);
	else if (fixed)
		buf_printf(q, "{%ld}", least);
	else if (most < 0)
		buf_printf(q, "{%ld,}", least);
	else
		buf_printf(q, "{%ld,%ld}", least, most);
	if (!fixed && skip(r, "?"))
		buf_char(q, '?');
	else if (!interval && skip(r, "+"))
		buf_char(q, '+');
	return true;
}

/* The repeats behind an atom, each of all before it */
static int read_repeats(struct reader *r, struct buf *atom, bool repeats)
{
	struct buf q = {0}, whole = {0};
	const char *from = r->t.p;
	int st = skip_nothing(r), n = 0;

	while (!st && read_repeat(r, &q, &st)) {
		if (!st && !repeats)
			st = fail(r->t.why, ST_INPUT, "a repeat (%.*s) of what has no width",
				  (int)(r->t.p - from), from);
		buf_reset(&whole);
		buf_str(&whole, n ? "(?:" : "");
		buf_add(&whole, atom->p, atom->n);
		buf_str(&whole, n++ ? ")" : "");
		buf_add(&whole, q.p, q.n);
		buf_reset(atom);
		buf_add(atom, whole.p, whole.n);
		buf_reset(&q);
		if (!st)
			st = skip_nothing(r);
		if (n > MAX_DEPTH)
			st = fail(r->t.why, ST_INPUT, "more than %d repeats", MAX_DEPTH);
	}
	buf_free(&q);
	buf_free(&whole);
	return st;
}

static int read_piece(struct reader *r, struct buf *out)
{
	struct buf atom = {0};
	struct reader look = *r;
	long least, most;
	bool repeats, fixed;
	int st = 0;

	if (strchr("*+?", *r->t.p) || read_interval(&look, &least, &most, &fixed))
		return fail(r->t.why, ST_INPUT, "a repeat of nothing");
	st = read_atom(r, &atom, &repeats);
	if (!st)
		st = read_repeats(r, &atom, repeats);
	buf_add(out, atom.p, atom.n);
	buf_free(&atom);
	return st;
}

/* Up to a ) or the end */
static int read_branches(struct reader *r, struct buf *out)
{
	int st = skip_nothing(r);

	if (++r->depth > MAX_DEPTH)
		return fail(r->t.why, ST_INPUT, "groups more than %d deep", MAX_DEPTH);
	r->last = 0;
	while (!st && !at_end(r) && *r->t.p != ')') {
		if (skip(r, "|")) {
			buf_char(out, '|');
			r->last = 0;
		} else {
			st = read_piece(r, out);
		}
		if (!st)
			st = skip_nothing(r);
	}
	r->last = 0;
	r->depth--;
	return st;
}

/* From the beginning, with what an earlier pass found */
static int read_pattern(struct span pattern, const struct reader *found, struct reader *r,
			struct buf *out, struct reason *why)
{
	int st;

	*r = (struct reader){
		.t = {.p = pattern.p, .end = pattern.p + pattern.n, .why = why},
		.all = found ? found->groups + 1 : 0,
		.all_named = found ? found->named : 0,
	};
	st = read_branches(r, out);
	if (!st && !at_end(r))
		st = fail(why, ST_INPUT, "unmatched closing parenthesis");
	return st;
}

int pattern_translate(struct span pattern, struct buf *out, struct reason *why)
{
	struct buf first = {0};
	struct reader r, again;
	int st = read_pattern(pattern, NULL, &r, &first, why);

	if (!st)
		st = read_pattern(pattern, &r, &again, out, why);
	buf_free(&first);
	return st;
}
