/* tape.c - JSON in place. See tape.h. */
#include "base/tape.h"
#include "base/cpu.h"
#include "base/jsonescape.h"
#include "base/jsonplain.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/set.h"
#include "base/utf8.h"

#include <assert.h>
#include <endian.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	DEPTH = 2048,
	FEW_KEYS = 24,
	MOST_DIGITS = 19, /* that 64 bits hold, whatever they are */
	FAR = 1000000,    /* a power of ten whose number is never made of digits here */
};

struct scan {
	struct tape *t;
	const char *begin, *p, *end;
	uint32_t open; /* node of the innermost container, whose next is the one around it */
	size_t depth;
	bool line;                          /* what is behind a newline is not part of it */
	void (*plain)(struct jsonplain *s); /* the one for this processor */
};

/* ---- texts ---- */

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

static inline uint64_t eight_bytes(const char *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof w);
	return le64toh(w);
}

/* Passes an escape, and writes what it stands for, which is shorter. */
static enum tape_end scan_escape(struct scan *s, char **to)
{
	int n = 2;

	if (s->end - s->p < n)
		return TAPE_CUT;
	if (s->p[1] == 'u')
		n = jsonescape_unicode(s->p, s->end, to);
	else if ((**to = jsonescape_meaning[(unsigned char)s->p[1]]))
		++*to;
	else
		n = -1;
	s->p += n > 0 ? n : 0;
	return n > 0 ? TAPE_WHOLE : n ? TAPE_BAD : TAPE_CUT;
}

static __attribute__((noinline)) void more_nodes(struct tape *t)
{
	t->cap = t->cap ? 2 * t->cap : 256;
	t->v = xgrow(t->v, t->cap, sizeof *t->v);
	t->num = xgrow(t->num, t->cap, sizeof *t->num);
}

static inline struct tape_node *new_node(struct scan *s, enum tape_type type)
{
	struct tape *t = s->t;
	struct tape_node *node;
	uint32_t n = t->n;

	if (n == t->cap)
		more_nodes(t);
	node = t->v + n++;
	t->n = n;
	*node = (struct tape_node){
		.at = (uint32_t)(s->p - s->begin), .next = n, .type = (uint8_t)type};
	return node;
}

/* As far as jsonplain goes */
static void plain_bytes(struct scan *s, char **to)
{
	struct jsonplain run = {s->p, s->end, *to};

	s->plain(&run);
	s->p = run.p;
	*to = run.to;
}

/* Passes bytes that are not ASCII. False: they are not UTF-8. */
static bool wide_bytes(struct scan *s, char **to)
{
	bool valid = true;

	while (s->p < s->end && *s->p & 0x80) {
		size_t n = utf8_char(s->p, (size_t)(s->end - s->p));

		valid &= n > 0;
		n += !n;
		memcpy(*to, s->p, n);
		*to += n;
		s->p += n;
	}
	return valid;
}

/* To the quote that ends the text: it has no control bytes, and is UTF-8. to: where it goes on */
static __attribute__((noinline)) enum tape_end scan_more_text(struct scan *s,
							      struct tape_node *node, char *to)
{
	char *plain = s->t->plain + node->at;
	bool valid = true;
	enum tape_end e;

	while (plain_bytes(s, &to), s->p < s->end && *s->p != '"') {
		if (*s->p & 0x80) {
			valid &= wide_bytes(s, &to);
			if (!valid)
				s->plain = jsonplain; /* the others look far ahead in vain */
		} else if (*s->p != '\\')
			return TAPE_BAD;
		else if ((e = scan_escape(s, &to)) != TAPE_WHOLE)
			return e;
	}
	if (s->p == s->end)
		return TAPE_CUT;
	node->n = (uint32_t)(to - plain);
	s->p++;
	return valid ? TAPE_WHOLE : TAPE_BAD;
}

/* The same from the quote before it on: most keys and many texts are short. */
static inline enum tape_end scan_text(struct scan *s)
{
	struct tape_node *node = (s->p++, new_node(s, TAPE_TEXT));
	char *plain = s->t->plain + node->at;
	struct jsonplain few = {s->p, s->end, plain};
	bool whole = jsonplain_short(&few);

	s->p = few.p + whole;
	if (!whole)
		return scan_more_text(s, node, few.to);
	node->n = (uint32_t)(few.to - plain);
	return TAPE_WHOLE;
}

/* ---- numbers ---- */

/* digits * 10^power */
struct decimal {
	uint64_t digits;
	int power;
};

/* Of 8 bytes: a bit in each that is no digit */
static inline uint64_t no_digits(uint64_t w)
{
	uint64_t x = w ^ EACH('0');

	return (((x & EACH(0x7f)) + EACH(0x76)) | x) & EACH(0x80);
}

/* The number that 8 digits are, as 8 bytes of 0 to 9: pairs of them, then both halves at once, each
 * of which a product moves to where they add up. */
static inline uint64_t eight_digits(uint64_t w)
{
	const uint64_t pair = UINT64_C(0x000000ff000000ff);
	const uint64_t upper = 100 + (UINT64_C(1000000) << 32), lower = 1 + (UINT64_C(10000) << 32);

	w = w * 10 + (w >> 8);
	return ((w & pair) * upper + (w >> 16 & pair) * lower) >> 32;
}

/* Digits from p on behind those that d has: where they end */
static inline const char *add_digits(struct decimal *d, const char *p, const char *end)
{
	static const uint64_t ten[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};

	for (; end - p >= 8; p += 8) {
		uint64_t w = eight_bytes(p), stop = no_digits(w);
		int n;

		w ^= EACH('0');
		if (stop) {
			n = __builtin_ctzll(stop) / 8;
			w = w << 8 << (56 - 8 * n); /* zeros before fewer than 8 */
			d->digits = d->digits * ten[n] + eight_digits(w);
			return p + n;
		}
		d->digits = d->digits * 100000000 + eight_digits(w);
	}
	for (; p < end && *p >= '0' && *p <= '9'; p++)
		d->digits = d->digits * 10 + (uint64_t)(*p - '0');
	return p;
}

/* The same of an exponent, as far as it matters */
static const char *add_exponent(struct decimal *d, const char *p, const char *end)
{
	bool minus = p < end && *p == '-';
	int e = 0;

	p += p < end && (*p == '+' || *p == '-');
	for (; p < end && *p >= '0' && *p <= '9'; p++)
		e = e < 1000 ? e * 10 + (*p - '0') : e;
	d->power += minus ? -e : e;
	return p;
}

/* The text as a C string: in room, or in memory that the caller frees. */
static char *number_text(const char *p, size_t n, char room[64])
{
	char *s = n < 64 ? room : xmalloc(n + 1);

	memcpy(s, p, n);
	s[n] = '\0';
	return s;
}

static bool slow_f64(const char *p, size_t n, double *x)
{
	char room[64], *s = number_text(p, n, room);
	bool ok = num_f64(s, -INFINITY, INFINITY, x);

	if (s != room)
		free(s);
	return ok;
}

static bool slow_i64(const char *p, size_t n, int64_t *x)
{
	char room[64], *s = number_text(p, n, room);
	bool ok = num_i64(s, INT64_MIN, INT64_MAX, x);

	if (s != room)
		free(s);
	return ok;
}

/* The first 64 bits of 10^-1, 10^-2 ... */
static const uint64_t tenths[] = {
	UINT64_C(0xcccccccccccccccc), UINT64_C(0xa3d70a3d70a3d70a), UINT64_C(0x83126e978d4fdf3b),
	UINT64_C(0xd1b71758e219652b), UINT64_C(0xa7c5ac471b478423), UINT64_C(0x8637bd05af6c69b5),
	UINT64_C(0xd6bf94d5e57a42bc), UINT64_C(0xabcc77118461cefc), UINT64_C(0x89705f4136b4a597),
	UINT64_C(0xdbe6fecebdedd5be), UINT64_C(0xafebff0bcb24aafe), UINT64_C(0x8cbccc096f5088cb),
	UINT64_C(0xe12e13424bb40e13), UINT64_C(0xb424dc35095cd80f), UINT64_C(0x901d7cf73ab0acd9),
	UINT64_C(0xe69594bec44de15b), UINT64_C(0xb877aa3236a4b449), UINT64_C(0x9392ee8e921d5d07),
	UINT64_C(0xec1e4a7db69561a5), UINT64_C(0xbce5086492111aea), UINT64_C(0x971da05074da7bee),
	UINT64_C(0xf1c90080baf72cb1), UINT64_C(0xc16d9a0095928a27), UINT64_C(0x9abe14cd44753b52),
	UINT64_C(0xf79687aed3eec551), UINT64_C(0xc612062576589dda), UINT64_C(0x9e74d1b791e07e48),
	UINT64_C(0xfd87b5f28300ca0d), UINT64_C(0xcad2f7f5359a3b3e), UINT64_C(0xa2425ff75e14fc31),
	UINT64_C(0x81ceb32c4b43fcf4), UINT64_C(0xcfb11ead453994ba)};
enum { TENTHS = sizeof tenths / sizeof *tenths };

/*
 * The double nearest to digits * 10^-n, n from 1 to TENTHS, digits not 0. The first 64 bits of the
 * product are those of the true one, or up to three less: which double is nearest depends on that
 * only where the bits that it has no room for are about half of its last one. False: so they are.
 */
static inline bool parts_f64(uint64_t digits, int n, double *x)
{
	int zeros = __builtin_clzll(digits), low, exponent;
	unsigned __int128 product = (unsigned __int128)(digits << zeros) * tenths[n - 1];
	uint64_t top, rest, bits;

	low = !(product >> 127);
	top = (uint64_t)(product << low >> 64);
	rest = top & 0x7ff;
	exponent = 1085 - (n * 217706 >> 16) - zeros - low; /* 217706 / 2^16: log2 of 10 */
	bits = ((uint64_t)exponent << 52) + (top >> 11) + (rest > 0x400);
	memcpy(x, &bits, sizeof *x);
	return rest < 0x3fd || rest > 0x400;
}

/* The nearest double where one operation makes it */
static inline bool fast_f64(struct decimal d, double *x)
{
	static const double ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
				     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
				     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

	if (d.power < 0 && d.power >= -TENTHS && d.digits && parts_f64(d.digits, -d.power, x))
		return true;
	if (d.digits > UINT64_C(1) << 53 || abs(d.power) > 22)
		return false;
	*x = d.power < 0 ? (double)d.digits / ten[-d.power] : (double)d.digits * ten[d.power];
	return true;
}

/* More digits than 64 bits hold, from the first on that is not 0? n: with those before */
static inline bool too_many(const char *p, const char *end, size_t n)
{
	if (n <= MOST_DIGITS)
		return false;
	for (n = 0; p < end; p++)
		n += *p >= '0' && *p <= '9' && (n || *p != '0');
	return n > MOST_DIGITS;
}

static enum tape_end set_whole(struct scan *s, struct tape_node *node, const char *p,
			       uint64_t digits)
{
	union tape_number *to = s->t->num + (node - s->t->v);

	to->i = (int64_t)(*p == '-' ? 0 - digits : digits);
	if (node->n < 19 || slow_i64(p, node->n, &to->i))
		return TAPE_WHOLE;
	node->type = TAPE_REAL;
	return slow_f64(p, node->n, &to->x) ? TAPE_WHOLE : TAPE_BAD;
}

/* many: d does not have all digits */
static enum tape_end set_real(struct scan *s, struct tape_node *node, const char *p,
			      struct decimal d, bool many)
{
	double *x = &s->t->num[node - s->t->v].x;

	node->type = TAPE_REAL;
	if (many || !fast_f64(d, x))
		return slow_f64(p, node->n, x) ? TAPE_WHOLE : TAPE_BAD;
	*x = *p == '-' ? -*x : *x;
	return TAPE_WHOLE;
}

static enum tape_end scan_number(struct scan *s)
{
	const char *from = s->p, *part = from + (*from == '-'), *p, *end = s->end;
	struct tape_node *node = new_node(s, TAPE_INT);
	struct decimal d = {0, 0};
	bool many, real = false;
	size_t n;

	if (end - part > 1 && part[1] == '.' && *part >= '0' && *part <= '9') {
		d.digits = (uint64_t)(*part - '0'); /* as most numbers with a point begin */
		p = part + 1;
	} else {
		p = part < end && *part == '0' ? part + 1 : add_digits(&d, part, end);
	}
	if (p == part)
		return p == end ? TAPE_CUT : TAPE_BAD;
	n = *part == '0' ? 0 : (size_t)(p - part);
	if (p < end && *p == '.') {
		real = true;
		part = p + 1;
		p = add_digits(&d, part, end);
		if (p == part)
			return p == end ? TAPE_CUT : TAPE_BAD;
		d.power = part - p < -FAR ? -FAR : (int)(part - p);
		n += (size_t)(p - part);
	}
	many = too_many(from, p, n);
	if (p < end && (*p | 32) == 'e') {
		real = true;
		part = ++p;
		p = add_exponent(&d, p, end);
		if (p == part || p[-1] < '0')
			return p == end ? TAPE_CUT : TAPE_BAD;
	}
	s->p = p;
	node->n = (uint32_t)(p - from);
	return real ? set_real(s, node, from, d, many) : set_whole(s, node, from, d.digits);
}

/* Is this how a number begins? */
static inline bool begins_number(char c)
{
	return (c >= '0' && c <= '9') || c == '-';
}

/* In a list of numbers, the next one comes behind a comma and a blank at most. */
static bool to_next_number(struct scan *s)
{
	const char *p = s->p;

	if (p == s->end || *p++ != ',')
		return false;
	p += p < s->end && *p == ' ';
	if (p == s->end || !begins_number(*p))
		return false;
	s->p = p;
	return true;
}

/* The digits at the begin of w: how many if a comma is behind them in it, else 0, as for zeros in
 * front. One digit, as in masks, is a guess that nothing waits for. Else all waits for where the
 * digits end: a bit is looked for that of what may follow them brackets alone have; what else ends
 * there, and what stands before, is looked at by the way. */
static inline int short_number(uint64_t w, int64_t *x)
{
	uint64_t stop = ~w & EACH(0x10), digits;
	int n;

	if ((w & 0xffff) - (',' << 8 | '0') <= 9) {
		*x = w & 0xf;
		return 1;
	}
	n = stop ? __builtin_ctzll(stop) / 8 : 0;
	if (!n)
		return 0;
	digits = (w ^ EACH('0')) << (64 - 8 * n);
	if (no_digits(digits ^ EACH('0')) || (w >> 8 * n & 0xff) != ',' || (w & 0xff) == '0')
		return 0;
	*x = (int64_t)eight_digits(digits);
	return n;
}

/*
 * In an array, numbers of few digits that others follow, as token ids are: those that a word holds
 * with the comma behind them. s->p: the one behind them, which is for scan_number. Returns how
 * many.
 */
static uint32_t scan_short_numbers(struct scan *s)
{
	uint32_t first = s->t->n;
	const char *p = s->p;
	int64_t x;
	int n;

	while (s->end - p > 16) {
		if (!(n = short_number(eight_bytes(p), &x)))
			break;
		p += n + 1;
		if (__builtin_expect(*p == ' ', 1))
			p++;
		if (!begins_number(*p))
			break;
		new_node(s, TAPE_INT)->n = (uint32_t)n;
		s->t->num[s->t->n - 1].i = x;
		s->p = p;
	}
	return s->t->n - first;
}

/* A number, and those that follow it in an array */
static enum tape_end scan_numbers(struct scan *s)
{
	bool array = s->depth && s->t->v[s->open].type == TAPE_ARRAY, whole = true;
	enum tape_end e;
	uint32_t n = 0;

	do {
		if (array && whole)
			n += scan_short_numbers(s);
		e = scan_number(s);
		whole = s->t->v[s->t->n - 1].type == TAPE_INT;
	} while (array && e == TAPE_WHOLE && to_next_number(s) && ++n);
	if (array)
		s->t->v[s->open].n += n;
	return e;
}

/* ---- objects ---- */

static const char *text_of(const struct tape *t, const struct tape_node *node)
{
	return t->plain + node->at;
}

static bool same_key(const struct tape *t, uint32_t a, uint32_t b)
{
	const char *p = text_of(t, &t->v[a]), *q = text_of(t, &t->v[b]);
	uint32_t n = t->v[a].n;

	if (n != t->v[b].n || t->v[a].tag != t->v[b].tag)
		return false;
	return !n || (*p == *q && memcmp(p, q, n) == 0);
}

static bool few_differ(struct tape *t, uint32_t open)
{
	const struct tape_node *v = t->v;
	uint32_t end = t->n;
	uint64_t seen = 0, shared = 0;

	for (uint32_t a = open + 1; a < end; a = v[a + 1].next) {
		unsigned place = tape_place(v[a].tag, v[a].n);
		uint64_t bit = UINT64_C(1) << place;

		for (uint32_t b = seen & bit ? open + 1 : a; b < a; b = v[b + 1].next)
			if (same_key(t, a, b))
				return false;
		shared |= seen & bit;
		seen |= bit;
		t->where[place] = a;
	}
	t->shared = shared;
	t->keys = seen;
	return true;
}

static bool many_differ(struct tape *t, uint32_t open)
{
	struct set seen = {0};
	bool differ = true;

	t->keys = UINT64_MAX;
	memset(t->where, 0, sizeof t->where);
	for (uint32_t k = open + 1; differ && k < t->n; k = t->v[k + 1].next)
		differ = set_add(&seen, text_of(t, &t->v[k]), t->v[k].n);
	set_free(&seen);
	return differ;
}

/* The object that ends here has no key twice; the value's own ends last. */
static bool keys_differ(struct tape *t, uint32_t open)
{
	return t->v[open].n <= FEW_KEYS ? few_differ(t, open) : many_differ(t, open);
}

/* ---- values ---- */

static void skip_blanks(struct scan *s)
{
	while (s->p < s->end &&
	       (*s->p == ' ' || (*s->p == '\n' && !s->line) || *s->p == '\r' || *s->p == '\t'))
		s->p++;
}

static bool at_end(const struct scan *s)
{
	return s->p == s->end || (s->line && *s->p == '\n');
}

/* To what is no blank. False: there is nothing more. */
static inline bool to_more(struct scan *s)
{
	if (s->p < s->end && (unsigned char)*s->p > ' ')
		return true;
	skip_blanks(s);
	return !at_end(s);
}

static inline enum tape_end scan_word(struct scan *s, const char *word, enum tape_type type)
{
	size_t n = strlen(word), left = (size_t)(s->end - s->p);

	if (left < n)
		return memcmp(s->p, word, left) != 0 ? TAPE_BAD : TAPE_CUT;
	if (memcmp(s->p, word, n) != 0)
		return TAPE_BAD;
	new_node(s, type);
	s->p += n;
	return TAPE_WHOLE;
}

static enum tape_end open_container(struct scan *s)
{
	struct tape_node *node = new_node(s, *s->p == '{' ? TAPE_OBJECT : TAPE_ARRAY);

	node->next = s->open;
	s->open = s->t->n - 1;
	s->p++;
	return ++s->depth > DEPTH ? TAPE_BAD : TAPE_WHOLE;
}

static enum tape_end close_container(struct scan *s)
{
	struct tape_node *node = &s->t->v[s->open];
	uint32_t around = node->next;

	if (*s->p != (node->type == TAPE_OBJECT ? '}' : ']'))
		return TAPE_BAD;
	if (node->type == TAPE_OBJECT && !keys_differ(s->t, s->open))
		return TAPE_BAD;
	node->next = s->t->n;
	s->open = around;
	s->p++;
	s->depth--;
	return TAPE_WHOLE;
}

static enum tape_end scan_value(struct scan *s)
{
	switch (*s->p) {
	case '"':
		return scan_text(s);
	case '{':
	case '[':
		return open_container(s);
	case 't':
		return scan_word(s, "true", TAPE_TRUE);
	case 'f':
		return scan_word(s, "false", TAPE_FALSE);
	case 'n':
		return scan_word(s, "null", TAPE_NULL);
	default:
		return scan_numbers(s);
	}
}

static enum tape_end scan_key(struct scan *s)
{
	const char *text = s->p + 1;
	uint32_t i = s->t->n;
	enum tape_end e = *s->p == '"' ? scan_text(s) : TAPE_BAD;
	struct tape_node *key = &s->t->v[i];

	if (e != TAPE_WHOLE)
		return e;
	/* without escapes it is what was read, which need not wait for what has just been stored */
	if (key->n != (size_t)(s->p - 1 - text))
		text = text_of(s->t, key);
	key->tag = tape_tag(text, key->n);
	if (s->end - s->p > 2 && *s->p == ':' && s->p[1] == ' ' && (unsigned char)s->p[2] > ' ') {
		s->p += 2; /* as Python writes it */
		return TAPE_WHOLE;
	}
	if (!to_more(s))
		return TAPE_CUT;
	if (*s->p++ != ':')
		return TAPE_BAD;
	return to_more(s) ? TAPE_WHOLE : TAPE_CUT;
}

/* One element: in an object its key and its value */
static enum tape_end scan_element(struct scan *s)
{
	enum tape_end e = TAPE_WHOLE;

	if (s->depth) {
		s->t->v[s->open].n++;
		if (s->t->v[s->open].type == TAPE_OBJECT)
			e = scan_key(s);
	}
	return e == TAPE_WHOLE ? scan_value(s) : e;
}

/* Behind a value: ends of containers, then a comma, if one is open. */
static enum tape_end scan_ends(struct scan *s)
{
	enum tape_end e = TAPE_WHOLE;

	while (e == TAPE_WHOLE && s->depth) {
		if (!to_more(s))
			return TAPE_CUT;
		if (*s->p == ',') {
			s->p++;
			s->p += s->p < s->end && *s->p == ' ';
			return TAPE_WHOLE;
		}
		e = close_container(s);
	}
	return e;
}

static enum tape_end scan(struct scan *s)
{
	enum tape_end e;

	do {
		size_t depth = s->depth;

		if (!to_more(s))
			return TAPE_CUT;
		if ((e = scan_element(s)) != TAPE_WHOLE)
			return e;
		/* one that was just opened has elements, or its end comes at once */
		if (s->depth > depth && (!to_more(s) || (*s->p != '}' && *s->p != ']')))
			continue;
		if ((e = scan_ends(s)) != TAPE_WHOLE)
			return e;
	} while (s->depth);
	skip_blanks(s);
	return at_end(s) ? TAPE_WHOLE : TAPE_BAD;
}

static void make_room(struct tape *t, size_t n)
{
	if (n <= t->room)
		return;
	free(t->plain);
	t->room = n + n / 2;
	t->plain = xmalloc(t->room);
}

static enum tape_end parse(struct tape *t, const char *text, size_t n, bool line, size_t *len)
{
	int bytes = cpu_bytes();
	struct scan s = {.t = t,
			 .begin = text,
			 .p = text,
			 .end = text + n,
			 .line = line,
			 .plain = bytes == 64   ? jsonplainwidest
				  : bytes == 32 ? jsonplainwide
						: jsonplain};
	enum tape_end e = TAPE_BAD;

	assert(n <= UINT32_MAX);
	make_room(t, n + JSONPLAIN_BEHIND);
	t->text = text;
	t->n = 0;
	t->keys = 0;
	skip_blanks(&s);
	if (at_end(&s) || *s.p == '{' || *s.p == '[')
		e = scan(&s);
	*len = (size_t)(s.p - text);
	return e;
}

enum tape_end tape_parse(struct tape *t, const char *text, size_t n)
{
	return parse(t, text, n, false, &n);
}

enum tape_end tape_line(struct tape *t, const char *text, size_t n, size_t *len)
{
	return parse(t, text, n, true, len);
}

void tape_free(struct tape *t)
{
	free(t->v);
	free(t->num);
	free(t->plain);
	*t = (struct tape){0};
}

/* ---- looking ---- */

static struct tape_node *node_of(struct tape_val v)
{
	return &v.t->v[v.i];
}

struct tape_val tape_root(struct tape *t)
{
	return (struct tape_val){t, 0};
}

static bool is_key(const struct tape *t, uint32_t i, const char *key, size_t n, uint16_t tag)
{
	const struct tape_node *node = &t->v[i];

	return node->n == n && node->tag == tag && memcmp(text_of(t, node), key, n) == 0;
}

struct tape_val tape_find(struct tape_val v, const char *key, size_t n, uint16_t tag)
{
	const struct tape_node *all = v.t ? v.t->v : NULL;
	unsigned place = tape_place(tag, n);
	uint32_t i, left;

	if (tape_type(v) != TAPE_OBJECT)
		return (struct tape_val){0};
	i = v.i ? 0 : v.t->where[place];
	if (i && is_key(v.t, i, key, n, tag))
		return (struct tape_val){v.t, i + 1};
	if (i && !(v.t->shared >> place & 1))
		return (struct tape_val){0};
	for (i = v.i + 1, left = all[v.i].n; left; left--, i = all[i + 1].next)
		if (is_key(v.t, i, key, n, tag))
			return (struct tape_val){v.t, i + 1};
	return (struct tape_val){0};
}

uint32_t tape_count(struct tape_val v)
{
	return tape_walk(v).left;
}

struct tape_val tape_at(struct tape_val array, uint32_t i)
{
	struct tape_iter it = tape_walk(array);
	struct tape_val k, found;

	while (!it.pairs && tape_next(&it, &k, &found))
		if (i-- == 0)
			return found;
	return (struct tape_val){0};
}

bool tape_whole_f64(struct tape_val v, double *x)
{
	int64_t i;

	if (!tape_i64(v, &i))
		return false;
	*x = i || v.t->text[node_of(v)->at] != '-' ? (double)i : -0.0;
	return true;
}
