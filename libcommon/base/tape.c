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
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH = 2048, FEW_KEYS = 24 };

struct scan {
	struct tape *t;
	const char *begin, *p, *end;
	uint32_t open; /* node of the innermost container, whose next is the one around it */
	size_t depth;
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

static struct tape_node *new_node(struct scan *s, enum tape_type type)
{
	struct tape *t = s->t;

	if (t->n == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 256;
		t->v = xgrow(t->v, t->cap, sizeof *t->v);
	}
	t->v[t->n] = (struct tape_node){
		.at = (uint32_t)(s->p - s->begin), .next = t->n + 1, .type = (uint8_t)type};
	return &t->v[t->n++];
}

/* As far as jsonplain goes, which for most keys is not far. */
static void plain_bytes(struct scan *s, char **to)
{
	struct jsonplain few = {s->p, s->end, *to}, run;

	if (!jsonplain_short(&few)) {
		run = few; /* whose address is given away, so that few stays in registers */
		s->plain(&run);
		few = run;
	}
	s->p = few.p;
	*to = few.to;
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

/* Keys of one object often have a beginning in common. */
static uint16_t tag_of(const char *text, size_t n)
{
	return n ? (uint16_t)((uint8_t)text[n / 2] << 8 | (uint8_t)text[n - 1]) : 0;
}

/* To the quote that ends the text: it has no control bytes, and is UTF-8. */
static enum tape_end scan_text(struct scan *s)
{
	struct tape_node *node = (s->p++, new_node(s, TAPE_TEXT));
	char *plain = s->t->plain + node->at, *to = plain;
	bool valid = true;
	enum tape_end e;

	while (plain_bytes(s, &to), s->p < s->end && *s->p != '"') {
		if (*s->p & 0x80)
			valid &= wide_bytes(s, &to);
		else if (*s->p != '\\')
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

/* ---- numbers ---- */

/* Of 8 bytes: a bit in each that is no digit */
static inline uint64_t no_digits(uint64_t w)
{
	uint64_t x = w ^ EACH('0');

	return (((x & EACH(0x7f)) + EACH(0x76)) | x) & EACH(0x80);
}

static const char *digits(const char *p, const char *end)
{
	for (; end - p >= 8; p += 8) {
		uint64_t stop = no_digits(eight_bytes(p));

		if (stop)
			return p + __builtin_ctzll(stop) / 8;
	}
	while (p < end && *p >= '0' && *p <= '9')
		p++;
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

static bool big_i64(const char *p, size_t n, int64_t *x)
{
	char room[64], *s = number_text(p, n, room);
	bool ok = num_i64(s, INT64_MIN, INT64_MAX, x);

	if (s != room)
		free(s);
	return ok;
}

/* A number with many digits, or an exponent: is it within its type's range? An integer above all
 * of 64 bits is a real number. */
static bool in_range(const struct scan *s, const char *from, uint8_t *type, bool exponent)
{
	size_t n = (size_t)(s->p - from);
	int64_t i;
	double d;

	if (*type == TAPE_INT && (n < 19 || big_i64(from, n, &i)))
		return true;
	*type = TAPE_REAL;
	return (n < 300 && !exponent) || slow_f64(from, n, &d);
}

static enum tape_end scan_number(struct scan *s)
{
	const char *from = s->p, *p = from + (*from == '-'), *more;
	enum tape_type type = TAPE_INT;
	bool exponent = false;
	struct tape_node *node = new_node(s, TAPE_INT);

	more = p < s->end && *p == '0' ? p + 1 : digits(p, s->end);
	if (more == p)
		return p == s->end ? TAPE_CUT : TAPE_BAD;
	p = more;
	if (p < s->end && *p == '.') {
		type = TAPE_REAL;
		more = digits(++p, s->end);
		if (more == p)
			return p == s->end ? TAPE_CUT : TAPE_BAD;
		p = more;
	}
	if (p < s->end && (*p | 32) == 'e') {
		type = TAPE_REAL;
		exponent = true;
		p++;
		p += p < s->end && (*p == '+' || *p == '-');
		more = digits(p, s->end);
		if (more == p)
			return p == s->end ? TAPE_CUT : TAPE_BAD;
		p = more;
	}
	s->p = p;
	node->type = (uint8_t)type;
	node->n = (uint32_t)(p - from);
	return in_range(s, from, &node->type, exponent) ? TAPE_WHOLE : TAPE_BAD;
}

/* In a list of numbers, the next one comes behind a comma and a blank at most. */
static bool to_next_number(struct scan *s)
{
	const char *p = s->p;

	if (p == s->end || *p++ != ',')
		return false;
	p += p < s->end && *p == ' ';
	if (p == s->end || ((*p < '0' || *p > '9') && *p != '-'))
		return false;
	s->p = p;
	return true;
}

/* A number, and those that follow it in an array */
static enum tape_end scan_numbers(struct scan *s)
{
	bool array = s->depth && s->t->v[s->open].type == TAPE_ARRAY;
	enum tape_end e = scan_number(s);

	while (array && e == TAPE_WHOLE && to_next_number(s)) {
		s->t->v[s->open].n++;
		e = scan_number(s);
	}
	return e;
}

/* ---- objects ---- */

static const char *text_of(const struct tape *t, const struct tape_node *node)
{
	return t->plain + node->at;
}

static bool same_key(const struct tape *t, uint32_t a, uint32_t b)
{
	return t->v[a].n == t->v[b].n && t->v[a].tag == t->v[b].tag &&
	       memcmp(text_of(t, &t->v[a]), text_of(t, &t->v[b]), t->v[a].n) == 0;
}

/* One of 64 bits, the same where keys are */
static uint64_t key_bit(const struct tape_node *key)
{
	uint32_t mixed = ((uint32_t)key->tag ^ key->n << 8) * UINT32_C(0x9e3779b1);

	return UINT64_C(1) << (mixed >> 26);
}

static bool few_differ(const struct tape *t, uint32_t open)
{
	uint32_t end = t->n;
	uint64_t seen = 0;

	for (uint32_t a = open + 1; a < end; a = t->v[a + 1].next) {
		uint64_t bit = key_bit(&t->v[a]);

		for (uint32_t b = seen & bit ? open + 1 : a; b < a; b = t->v[b + 1].next)
			if (same_key(t, a, b))
				return false;
		seen |= bit;
	}
	return true;
}

static bool many_differ(const struct tape *t, uint32_t open)
{
	struct set seen = {0};
	bool differ = true;

	for (uint32_t k = open + 1; differ && k < t->n; k = t->v[k + 1].next)
		differ = set_add(&seen, text_of(t, &t->v[k]), t->v[k].n);
	set_free(&seen);
	return differ;
}

/* The object that ends here has no key twice. */
static bool keys_differ(const struct tape *t, uint32_t open)
{
	return t->v[open].n <= FEW_KEYS ? few_differ(t, open) : many_differ(t, open);
}

/* ---- values ---- */

static void skip_blanks(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\r' || *s->p == '\t'))
		s->p++;
}

static enum tape_end scan_word(struct scan *s, const char *word, enum tape_type type)
{
	size_t n = strlen(word), left = (size_t)(s->end - s->p);

	if (memcmp(s->p, word, left < n ? left : n) != 0)
		return TAPE_BAD;
	if (left < n)
		return TAPE_CUT;
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
	if (node->type == TAPE_OBJECT && node->n > 1 && !keys_differ(s->t, s->open))
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
	key->tag = tag_of(text, key->n);
	skip_blanks(s);
	if (s->p == s->end)
		return TAPE_CUT;
	if (*s->p++ != ':')
		return TAPE_BAD;
	skip_blanks(s);
	return s->p == s->end ? TAPE_CUT : TAPE_WHOLE;
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
		skip_blanks(s);
		if (s->p == s->end)
			return TAPE_CUT;
		if (*s->p == ',') {
			s->p++;
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

		skip_blanks(s);
		if (s->p == s->end)
			return TAPE_CUT;
		if ((e = scan_element(s)) != TAPE_WHOLE)
			return e;
		skip_blanks(s);
		/* one that was just opened has elements, or its end comes at once */
		if (s->depth > depth && (s->p == s->end || (*s->p != '}' && *s->p != ']')))
			continue;
		if ((e = scan_ends(s)) != TAPE_WHOLE)
			return e;
	} while (s->depth);
	skip_blanks(s);
	return s->p == s->end ? TAPE_WHOLE : TAPE_BAD;
}

static void make_room(struct tape *t, size_t n)
{
	if (n <= t->room)
		return;
	free(t->plain);
	t->room = n + n / 2;
	t->plain = xmalloc(t->room);
}

enum tape_end tape_parse(struct tape *t, const char *text, size_t n)
{
	int bytes = cpu_bytes();
	struct scan s = {.t = t,
			 .begin = text,
			 .p = text,
			 .end = text + n,
			 .plain = bytes == 64   ? jsonplainwidest
				  : bytes == 32 ? jsonplainwide
						: jsonplain};

	assert(n <= UINT32_MAX);
	make_room(t, n + JSONPLAIN_ROOM);
	t->text = text;
	t->end = text + n;
	t->n = 0;
	skip_blanks(&s);
	if (s.p < s.end && *s.p != '{' && *s.p != '[')
		return TAPE_BAD;
	return scan(&s);
}

void tape_free(struct tape *t)
{
	free(t->v);
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

bool tape_is(struct tape_val v, const char *text)
{
	struct span s;

	return tape_text(v, &s) && span_is(s, text);
}

struct tape_iter tape_walk(struct tape_val v)
{
	enum tape_type type = tape_type(v);

	if (type != TAPE_ARRAY && type != TAPE_OBJECT)
		return (struct tape_iter){0};
	return (struct tape_iter){{v.t, v.i + 1}, node_of(v)->n, type == TAPE_OBJECT};
}

struct tape_val tape_get_n(struct tape_val v, const char *key, size_t n)
{
	const struct tape_node *all = v.t ? v.t->v : NULL;
	uint32_t i = v.i + 1, left = tape_type(v) == TAPE_OBJECT ? all[v.i].n : 0;
	uint16_t tag = tag_of(key, n);

	for (; left; left--, i = all[i + 1].next)
		if (all[i].n == n && all[i].tag == tag &&
		    memcmp(text_of(v.t, &all[i]), key, n) == 0)
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

/* ---- decimal to binary ---- */

#ifdef __x86_64__ /* long double: 64 bits of digits, in its first 8 bytes */
enum { WIDE = LDBL_MANT_DIG == 64 };
#else
enum { WIDE = 0 };
#endif

/* digits * 10^power */
struct decimal {
	uint64_t digits;
	int power;
	bool whole; /* no digit is missing */
};

/* What stands behind an 'e', as far as it matters */
static int exponent_of(const char *p, const char *end)
{
	bool minus = *p == '-';
	int e = 0;

	for (p += minus || *p == '+'; p < end; p++)
		e = e < 1000 ? e * 10 + (*p - '0') : e;
	return minus ? -e : e;
}

/* The number that 8 digits are, as 8 bytes of 0 to 9: pairs, then fours, then all are put together
 * side by side. */
static inline uint64_t eight_digits(uint64_t w)
{
	w = (w * 10 + (w >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
	w = (w * 100 + (w >> 16)) & UINT64_C(0x0000ffff0000ffff);
	return (w * 10000 + (w >> 32)) & UINT64_C(0xffffffff);
}

/* Digits from p on behind those that d has; what is not one of them, or the text's end, ends it. */
static inline const char *add_digits(struct decimal *d, const char *p, const char *end)
{
	static const uint64_t ten[] = {1,      10,      100,      1000,     10000,
				       100000, 1000000, 10000000, 100000000};

	while (end - p >= 8) {
		uint64_t w = eight_bytes(p), stop = no_digits(w);
		int n = stop ? __builtin_ctzll(stop) / 8 : 8;

		if (!n)
			return p;
		w = (w ^ EACH('0')) << (64 - 8 * n); /* zeros before fewer than 8 */
		d->digits = d->digits * ten[n] + eight_digits(w);
		p += n;
		if (n < 8)
			return p;
	}
	for (; p < end && *p >= '0' && *p <= '9'; p++)
		d->digits = d->digits * 10 + (uint64_t)(*p - '0');
	return p;
}

bool tape_i64(struct tape_val v, int64_t *x)
{
	const struct tape_node *node = v.t ? node_of(v) : NULL;
	struct decimal d = {0};
	const char *p;

	if (!node || node->type != TAPE_INT)
		return false;
	p = v.t->text + node->at;
	if (node->n >= 19)
		return big_i64(p, node->n, x);
	add_digits(&d, p + (*p == '-'), v.t->end);
	*x = *p == '-' ? -(int64_t)d.digits : (int64_t)d.digits;
	return true;
}

/* Of the number p[0..end), in a text that goes on to text_end */
static struct decimal decimal_of(const char *p, const char *end, const char *text_end)
{
	struct decimal d = {0};
	const char *point, *from = p += *p == '0';
	ptrdiff_t n;

	p = point = add_digits(&d, p, text_end);
	if (p < end && *p == '.')
		p = add_digits(&d, p + 1, text_end);
	n = p - from - (p > point);
	d.whole = n <= 19;
	d.power = p > point ? (int)(point + 1 - p) : 0;
	d.power += p < end ? exponent_of(p + 1, end) : 0;
	return d;
}

/* The low bits of the 64 that wide has: which double is nearest to a number that is within one of
 * them depends on the number alone, unless they are about half of a double's last bit. */
static bool near_middle(long double wide)
{
	uint64_t bits;

	memcpy(&bits, &wide, sizeof bits);
	bits &= 0x7ff;
	return bits >= 0x3ff && bits <= 0x401;
}

/* The nearest double where one operation makes it: exactly, or in a type of 64 bits whose own
 * rounding does not matter. */
static bool fast_f64(struct decimal d, double *x)
{
	static const double ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
				     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
				     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
	int power = abs(d.power);
	long double wide;

	if (!d.whole || power > 22)
		return false;
	if (d.digits <= UINT64_C(1) << 53) {
		*x = d.power < 0 ? (double)d.digits / ten[power] : (double)d.digits * ten[power];
		return true;
	}
	if (!WIDE)
		return false;
	wide = d.power < 0 ? (long double)d.digits / (long double)ten[power]
			   : (long double)d.digits * (long double)ten[power];
	*x = (double)wide;
	return !near_middle(wide);
}

bool tape_f64(struct tape_val v, double *x)
{
	const struct tape_node *node = v.t ? node_of(v) : NULL;
	const char *p;
	bool minus;

	if (!node || (node->type != TAPE_INT && node->type != TAPE_REAL))
		return false;
	p = v.t->text + node->at;
	minus = *p == '-';
	if (!fast_f64(decimal_of(p + minus, p + node->n, v.t->end), x))
		return slow_f64(p, node->n, x);
	*x = minus ? -*x : *x;
	return true;
}
