/* charset.c - characters and sets of them in patterns. See charset.h. */
#include "tokenizer/charset.h"
#include "tokenizer/property.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>
#include <utf8proc.h>

enum { MAX_DEPTH = 40, LAST_CODE = 0x10ffff };

/* ---- characters ---- */

uint32_t charset_next(struct pattern_text *t)
{
	utf8proc_int32_t code;
	utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)t->p, t->end - t->p, &code);

	assert(t->p < t->end);
	if (n <= 0) { /* no UTF-8: json.c lets none through */
		code = (unsigned char)*t->p;
		n = 1;
	}
	t->p += n;
	return (uint32_t)code;
}

static void put_code(struct buf *out, uint32_t code)
{
	if (code < 0x80 && isalnum((int)code))
		buf_char(out, (char)code);
	else
		buf_printf(out, "\\x{%x}", (unsigned)code);
}

static bool is_letter(uint32_t code)
{
	return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z');
}

/* Both spellings of an ASCII letter, and the one outside of ASCII that two of them have */
static void put_spellings(struct buf *out, uint32_t code)
{
	uint32_t small = code | 0x20;

	put_code(out, small);
	put_code(out, small - 0x20);
	if (small == 'k')
		put_code(out, 0x212a);
	if (small == 's')
		put_code(out, 0x17f);
}

/* Of a letter that is not ASCII: is each of its spellings one character, and PCRE2's? */
static bool folds_alone(uint32_t code)
{
	utf8proc_int32_t c = (utf8proc_int32_t)code, folded[8];
	utf8proc_category_t kind = utf8proc_category(c);
	int last = UTF8PROC_BOUNDCLASS_START;
	bool mark = kind == UTF8PROC_CATEGORY_MN || kind == UTF8PROC_CATEGORY_MC ||
		    kind == UTF8PROC_CATEGORY_ME;

	if (mark || utf8proc_decompose_char(c, folded, 8, UTF8PROC_CASEFOLD, &last) != 1 ||
	    code == 0x131 || code == 0x17f || (code >= 0x2bc && code <= 0x2be))
		return false;
	return (code >= 0xc0 && code < 0x180) || (code >= 0x400 && code < 0x530) ||
	       (folded[0] == c && utf8proc_toupper(c) == c);
}

static int check_fold(struct pattern_text *t, uint32_t code)
{
	return code < 0x80 || folds_alone(code)
		       ? 0
		       : fail(t->why, ST_INPUT, "U+%04X without regard to case is not supported",
			      (unsigned)code);
}

int charset_char(struct pattern_text *t, uint32_t code, struct buf *out)
{
	if (!t->fold) {
		put_code(out, code);
	} else if (is_letter(code)) {
		buf_char(out, '[');
		put_spellings(out, code);
		buf_char(out, ']');
	} else {
		buf_str(out, "(?i:");
		put_code(out, code);
		buf_char(out, ')');
		return check_fold(t, code);
	}
	return 0;
}

/* ---- escapes ---- */

/* Up to max digits */
static uint32_t digits(struct pattern_text *t, int base, int max, int *n)
{
	uint32_t v = 0;

	for (*n = 0; *n < max && t->p < t->end; ++*n, t->p++) {
		int c = tolower((unsigned char)*t->p), d = c <= '9' ? c - '0' : c - 'a' + 10;

		if (!isxdigit(c) || d >= base)
			break;
		v = v * (uint32_t)base + (uint32_t)d;
	}
	return v;
}

static int char_of(struct pattern_text *t, struct escape *e, uint32_t code)
{
	e->kind = ESC_CHAR;
	e->code = code;
	if (code > LAST_CODE || (code >= 0xd800 && code < 0xe000))
		return fail(t->why, ST_INPUT, "%x is no character", (unsigned)code);
	return 0;
}

/* Behind \x, \o or \u */
static int numbered(struct pattern_text *t, struct escape *e, char letter)
{
	int base = letter == 'o' ? 8 : 16, n;
	bool braces = letter != 'u' && t->p < t->end && *t->p == '{';
	uint32_t code;

	t->p += braces;
	code = digits(t, base, braces ? 8 : letter == 'u' ? 4 : 2, &n);
	if (braces && (!n || t->p == t->end || *t->p++ != '}'))
		return fail(t->why, ST_INPUT, "\\%c{ is not ended by }", letter);
	if ((letter == 'o' && !braces) || (letter == 'u' && n < 4) || (!braces && !n))
		return fail(t->why, ST_INPUT, "\\%c without its digits", letter);
	if (letter == 'x' && !braces && code >= 0x80)
		return fail(t->why, ST_INPUT, "\\x%02x is a byte, not a character", (unsigned)code);
	return char_of(t, e, code);
}

/* Behind \c or \C- */
static int control(struct pattern_text *t, struct escape *e, char letter)
{
	if (letter == 'C' && (t->p == t->end || *t->p++ != '-'))
		return fail(t->why, ST_INPUT, "\\C without -");
	if (t->p == t->end || *t->p == '\\' || (unsigned char)*t->p >= 0x80)
		return fail(t->why, ST_INPUT, "\\%c without its letter", letter);
	return char_of(t, e, *t->p++ == '?' ? 0x7f : (uint32_t)t->p[-1] & 0x1f);
}

static int named_set(struct pattern_text *t, struct escape *e)
{
	struct span name;
	const char *end;

	if (t->p == t->end || *t->p != '{')
		return fail(t->why, ST_INPUT, "\\p without {");
	t->p++;
	if (t->p < t->end && *t->p == '^') {
		e->negated = !e->negated;
		t->p++;
	}
	end = memchr(t->p, '}', (size_t)(t->end - t->p));
	if (!end)
		return fail(t->why, ST_INPUT, "\\p{ is not ended by }");
	name = (struct span){t->p, (size_t)(end - t->p)};
	t->p = end + 1;
	return property_named(name, &e->set, t->why);
}

static bool is_set(char c, const char **set)
{
	static const char *const sets[] = {['d'] = "\\p{Nd}",
					   ['h'] = PROPERTY_HEX,
					   ['s'] = PROPERTY_SPACE,
					   ['w'] = PROPERTY_WORD};
	unsigned char small = (unsigned char)tolower((unsigned char)c);

	*set = small < sizeof sets / sizeof *sets ? sets[small] : NULL;
	return *set;
}

int charset_escape(struct pattern_text *t, struct escape *e)
{
	static const char from[] = "ntrfvae", to[] = "\n\t\r\f\v\a\033";
	const char *at, *set;
	char c;
	int n;

	*e = (struct escape){.kind = ESC_SET};
	if (t->p == t->end)
		return fail(t->why, ST_INPUT, "a backslash at the end");
	c = *t->p;
	if ((unsigned char)c >= 0x80)
		return char_of(t, e, charset_next(t));
	t->p++;
	e->negated = isupper((unsigned char)c);
	if (c == 'p' || c == 'P')
		return named_set(t, e);
	if (is_set(c, &set)) {
		buf_str(&e->set, set);
		return 0;
	}
	if (c && (at = strchr(from, c)))
		return char_of(t, e, (uint32_t)to[at - from]);
	if (c == 'x' || c == 'u' || c == 'o')
		return numbered(t, e, c);
	if (c == 'c' || c == 'C')
		return control(t, e, c);
	if (c == '0')
		return char_of(t, e, digits(t, 8, 2, &n));
	if (isdigit((unsigned char)c) || (c && strchr("ABGKMNORXYZbgkyz", c))) {
		*e = (struct escape){.kind = ESC_OTHER, .letter = c};
		return 0;
	}
	return char_of(t, e, (unsigned char)c);
}

/* ---- sets ---- */

/* One side of &&: what may stand between brackets, and expressions of one character each, each
 * behind a | */
struct side {
	struct buf flat, more;
	bool there;
};

void charset_put(struct buf *out, const struct buf *set, bool negated)
{
	assert(set->n);
	buf_str(out, negated ? "[^" : "[");
	buf_add(out, set->p, set->n);
	buf_char(out, ']');
}

static int add_code(struct pattern_text *t, struct side *s, uint32_t code)
{
	struct buf one = {0};
	int st = 0;

	s->there = true;
	if (t->fold && is_letter(code)) {
		put_spellings(&s->flat, code);
	} else if (t->fold && code >= 0x80) {
		st = charset_char(t, code, &one);
		buf_char(&s->more, '|');
		buf_add(&s->more, one.p, one.n);
	} else {
		put_code(&s->flat, code);
	}
	buf_free(&one);
	return st;
}

static int add_range(struct pattern_text *t, struct side *s, uint32_t from, uint32_t to)
{
	int st = 0;

	s->there = true;
	if (from > to)
		return fail(t->why, ST_INPUT, "a range from U+%04X to U+%04X", (unsigned)from,
			    (unsigned)to);
	if (t->fold && to >= 0x80)
		return fail(t->why, ST_INPUT,
			    "a range to U+%04X without regard to case is not supported",
			    (unsigned)to);
	if (!t->fold) {
		put_code(&s->flat, from);
		buf_char(&s->flat, '-');
		put_code(&s->flat, to);
	}
	for (uint32_t c = from; t->fold && c <= to && !st; c++)
		st = add_code(t, s, c);
	return st;
}

static int add_set(struct pattern_text *t, struct side *s, struct buf *set, bool negated)
{
	s->there = true;
	if (t->fold && (negated || !property_is_caseless(buf_cstr(set))))
		return fail(t->why, ST_INPUT, "[%s%s] without regard to case is not supported",
			    negated ? "^" : "", buf_cstr(set));
	if (!negated) {
		buf_add(&s->flat, set->p, set->n);
		return 0;
	}
	buf_char(&s->more, '|');
	charset_put(&s->more, set, true);
	return 0;
}

/* [:alpha:], when that stands there: 0; a status; -1: it does not */
static int posix(struct pattern_text *t, struct side *s)
{
	struct span name = {t->p + 1, 0};
	const char *end;
	struct buf set = {0};
	bool negated;
	int st;

	if (t->p == t->end || *t->p != ':')
		return -1;
	negated = name.p < t->end && *name.p == '^';
	name.p += negated;
	end = memmem(name.p, (size_t)(t->end - name.p), ":]", 2);
	for (name.n = 0; end && name.p + name.n < end; name.n++)
		if (!isalpha((unsigned char)name.p[name.n]))
			end = NULL;
	if (!end)
		return fail(t->why, ST_INPUT, "[: is not ended by :]");
	if (!property_posix(name))
		return fail(t->why, ST_INPUT, "[:%.*s:] is no class", (int)(name.n % 40), name.p);
	t->p = end + 2;
	buf_str(&set, property_posix(name));
	st = add_set(t, s, &set, negated);
	buf_free(&set);
	return st;
}

/* The character or set that is next, a [ aside; *code: LAST_CODE + 1 for a set, which is added */
static int next_item(struct pattern_text *t, struct side *s, uint32_t *code)
{
	struct escape e;
	int st;

	*code = charset_next(t);
	if (*code != '\\')
		return 0;
	st = charset_escape(t, &e);
	if (!st && e.kind == ESC_OTHER && e.letter != 'b')
		st = fail(t->why, ST_INPUT, "\\%c in a set is not supported", e.letter);
	*code = e.kind == ESC_CHAR ? e.code : e.kind == ESC_OTHER ? '\b' : LAST_CODE + 1;
	if (!st && e.kind == ESC_SET)
		st = add_set(t, s, &e.set, e.negated);
	buf_free(&e.set);
	return st;
}

/* A character, and what a hyphen behind it makes of it */
static int add_item(struct pattern_text *t, struct side *s)
{
	uint32_t from, to;
	const char *hyphen;
	int st = next_item(t, s, &from);

	if (st || from > LAST_CODE)
		return st;
	hyphen = t->p;
	if (t->end - t->p < 2 || *t->p != '-' || t->p[1] == ']' ||
	    (t->end - t->p > 2 && memcmp(t->p + 1, "&&", 2) == 0))
		return add_code(t, s, from);
	t->p++;
	if (*t->p == '[')
		return fail(t->why, ST_INPUT, "a range to a set");
	st = next_item(t, s, &to);
	if (!st && to > LAST_CODE)
		st = fail(t->why, ST_INPUT, "a range to a set: %.*s", (int)(t->p - hyphen), hyphen);
	return st ? st : add_range(t, s, from, to);
}

static int read_set(struct pattern_text *t, struct buf *out, struct buf *flat, int depth);

static int nested(struct pattern_text *t, struct side *s, int depth)
{
	struct buf whole = {0}, flat = {0};
	int st = posix(t, s);

	if (st >= 0)
		return st;
	st = read_set(t, &whole, &flat, depth + 1);
	s->there = true;
	if (flat.n) {
		buf_add(&s->flat, flat.p, flat.n);
	} else if (!st && t->fold) {
		st = fail(t->why, ST_INPUT,
			  "sets of sets without regard to case are not supported");
	} else {
		buf_char(&s->more, '|');
		buf_add(&s->more, whole.p, whole.n);
	}
	buf_free(&whole);
	buf_free(&flat);
	return st;
}

/* Appends a side as an expression of one character. */
static void put_side(struct buf *out, const struct side *s)
{
	buf_str(out, "(?:");
	if (s->flat.n)
		charset_put(out, &s->flat, false);
	for (size_t i = s->flat.n ? 0 : 1; i < s->more.n; i++)
		buf_char(out, s->more.p[i]);
	buf_char(out, ')');
}

static int read_side(struct pattern_text *t, struct side *s, int depth)
{
	bool first = true;
	int st = 0;

	while (!st && t->p < t->end && (*t->p != ']' || first)) {
		if (t->end - t->p > 1 && memcmp(t->p, "&&", 2) == 0)
			break;
		first = false;
		if (*t->p == '[') {
			t->p++;
			st = nested(t, s, depth);
		} else {
			st = add_item(t, s);
		}
	}
	if (!st && t->p == t->end)
		st = fail(t->why, ST_INPUT, "missing terminating ] of a set");
	if (!st && !s->there)
		st = fail(t->why, ST_INPUT, "an empty side of && is not supported");
	return st;
}

static void side_free(struct side *s)
{
	buf_free(&s->flat);
	buf_free(&s->more);
}

/* The sides behind the first, each a condition on the character that it takes */
static int read_sides(struct pattern_text *t, struct buf *sides, int depth)
{
	int st = 0;

	while (!st && *t->p == '&') {
		struct side s = {0};

		t->p += 2;
		if (t->p < t->end && *t->p == ']')
			st = fail(t->why, ST_INPUT, "an empty side of && is not supported");
		else
			st = read_side(t, &s, depth);
		if (!st) {
			buf_str(sides, "(?=");
			put_side(sides, &s);
			buf_char(sides, ')');
		}
		side_free(&s);
	}
	return st;
}

/* The set behind its [. flat: when it is no more than what stands between brackets, that. */
static int read_set(struct pattern_text *t, struct buf *out, struct buf *flat, int depth)
{
	bool negated = t->p < t->end && *t->p == '^';
	struct buf sides = {0};
	struct side s = {0};
	int st;

	if (depth > MAX_DEPTH)
		return fail(t->why, ST_INPUT, "sets more than %d deep", MAX_DEPTH);
	t->p += negated;
	st = read_side(t, &s, depth);
	if (!st)
		st = read_sides(t, &sides, depth);
	if (!st && sides.n && t->fold)
		st = fail(t->why, ST_INPUT, "&& without regard to case is not supported");
	t->p += !st; /* ] */
	if (!st && !s.more.n && !sides.n) {
		charset_put(out, &s.flat, negated);
		if (!negated)
			buf_add(flat, s.flat.p, s.flat.n);
	} else if (!st) {
		buf_str(out, negated ? "(?:(?!" : "(?:");
		buf_add(out, sides.p, sides.n);
		put_side(out, &s);
		buf_str(out, negated ? ")(?s:.))" : ")");
	}
	side_free(&s);
	buf_free(&sides);
	return st;
}

int charset_brackets(struct pattern_text *t, struct buf *out)
{
	struct buf flat = {0};
	int st = read_set(t, out, &flat, 0);

	buf_free(&flat);
	return st;
}
