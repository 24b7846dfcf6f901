/* jinjatext.c - what Python's strings can do. See jinjatext.h. */
#include "chat/jinjatext.h"
#include "chat/jinjachar.h"
#include "chat/jinjaformat.h"
#include "chat/jinjaitem.h"
#include "chat/jinjaprint.h"

#include <string.h>

typedef size_t (*case_fn)(uint32_t c, uint32_t to[3]);

static bool given(struct jvalue v)
{
	return v.kind != J_MISSING && v.kind != J_NONE;
}

static struct jvalue piece(struct jwork *w, const struct jstr *s, size_t from, size_t to)
{
	return jinja_substr(w, s, from, to);
}

/* ---- case ---- */

static void put_cased(struct jwork *w, uint32_t c, case_fn change)
{
	uint32_t to[3];
	size_t n = change(c, to);
	char text[4];

	for (size_t i = 0; i < n; i++)
		jinja_put(w, text, jinja_char_encode(text, to[i]));
}

static bool is_cased(uint32_t c)
{
	return jinja_char_is(c, JC_UPPER) || jinja_char_is(c, JC_LOWER) ||
	       jinja_char_is(c, JC_TITLE);
}

/* Is the capital sigma at byte i the end of a word? */
static bool is_final_sigma(const struct jstr *s, size_t i)
{
	size_t bytes, k = i;

	if (i + 2 < s->n && is_cased(jinja_char_decode(s->p + i + 2, s->n - i - 2, &bytes)))
		return false;
	while (k > 0 && ((unsigned char)s->p[--k] & 0xc0) == 0x80)
		;
	return i > 0 && is_cased(jinja_char_decode(s->p + k, s->n - k, &bytes));
}

/* Puts the characters from byte at on: the first by one rule, the others by another. */
static void put_word(struct jwork *w, const struct jstr *s, size_t at, case_fn first, case_fn rest)
{
	size_t bytes;

	for (; at < s->n; at += bytes, first = rest) {
		uint32_t c = jinja_char_decode(s->p + at, s->n - at, &bytes);

		if (c == 0x3a3 && first == jinja_char_lower && is_final_sigma(s, at))
			jinja_puts(w, "\xcf\x82");
		else
			put_cased(w, c, first);
	}
	jinja_scan(w, s->n);
}

static struct jvalue in_case(struct jwork *w, const struct jstr *s, case_fn first, case_fn rest)
{
	size_t start = w->out.n;

	put_word(w, s, 0, first, rest);
	return jinja_cut(w, start);
}

struct jvalue jinja_text_upper(struct jwork *w, const struct jstr *s)
{
	return in_case(w, s, jinja_char_upper, jinja_char_upper);
}

struct jvalue jinja_text_lower(struct jwork *w, const struct jstr *s)
{
	return in_case(w, s, jinja_char_lower, jinja_char_lower);
}

struct jvalue jinja_text_capital(struct jwork *w, const struct jstr *s)
{
	return in_case(w, s, jinja_char_title, jinja_char_lower);
}

bool jinja_text_is_case(const struct jstr *s, bool upper)
{
	bool any = false;
	size_t bytes;

	for (size_t i = 0; i < s->n; i += bytes) {
		uint32_t c = jinja_char_decode(s->p + i, s->n - i, &bytes);

		if (jinja_char_is(c, upper ? JC_LOWER : JC_UPPER) || jinja_char_is(c, JC_TITLE))
			return false;
		any = any || jinja_char_is(c, upper ? JC_UPPER : JC_LOWER);
	}
	return any;
}

#define METHOD(name) JFUNCTION(text_##name)

METHOD(upper)
{
	JUNUSED;
	return jinja_text_upper(w, self.s);
}

METHOD(lower)
{
	JUNUSED;
	return jinja_text_lower(w, self.s);
}

METHOD(capitalize)
{
	JUNUSED;
	return jinja_text_capital(w, self.s);
}

METHOD(title)
{
	size_t start = w->out.n, bytes;
	bool inside = false;

	JUNUSED;
	for (size_t i = 0; i < self.s->n; i += bytes) {
		uint32_t c = jinja_char_decode(self.s->p + i, self.s->n - i, &bytes);

		if (c == 0x3a3 && inside && is_final_sigma(self.s, i))
			jinja_puts(w, "\xcf\x82");
		else
			put_cased(w, c, inside ? jinja_char_lower : jinja_char_title);
		inside = is_cased(c);
	}
	jinja_scan(w, self.s->n);
	return jinja_cut(w, start);
}

METHOD(swapcase)
{
	size_t start = w->out.n, bytes;

	JUNUSED;
	for (size_t i = 0; i < self.s->n; i += bytes) {
		uint32_t c = jinja_char_decode(self.s->p + i, self.s->n - i, &bytes);

		put_cased(w, c, jinja_char_is(c, JC_UPPER) ? jinja_char_lower : jinja_char_upper);
	}
	jinja_scan(w, self.s->n);
	return jinja_cut(w, start);
}

/* ---- HTML ---- */

struct jvalue jinja_text_safe(struct jwork *w, const struct jstr *s)
{
	struct jstr *same = jinja_alloc(w, 1, sizeof *same);

	*same = *s;
	same->safe = true;
	return (struct jvalue){.kind = J_STR, .s = same};
}

struct jvalue jinja_text_escape(struct jwork *w, const struct jstr *s)
{
	static const char from[] = "&<>'\"";
	static const char *const to[] = {"&amp;", "&lt;", "&gt;", "&#39;", "&#34;"};
	size_t start = w->out.n;

	if (s->safe)
		return (struct jvalue){.kind = J_STR, .s = s};
	for (size_t i = 0; i < s->n; i++) {
		const char *at = s->p[i] ? strchr(from, s->p[i]) : NULL;

		if (at)
			jinja_puts(w, to[at - from]);
		else
			jinja_put(w, s->p + i, 1);
	}
	jinja_scan(w, s->n);
	return jinja_text_safe(w, jinja_cut(w, start).s);
}

/* ---- classes ---- */

/* Is it not empty, and are all characters of one of the classes? */
static struct jvalue all_are(const struct jstr *s, const enum jclass *any, size_t n, bool empty)
{
	size_t bytes;

	for (size_t i = 0; i < s->n; i += bytes) {
		uint32_t c = jinja_char_decode(s->p + i, s->n - i, &bytes);
		size_t k = 0;

		while (k < n && !jinja_char_is(c, any[k]))
			k++;
		if (k == n)
			return jinja_bool(false);
	}
	return jinja_bool(empty || s->n);
}

#define CLASS(name, empty, ...)                                               \
	METHOD(name)                                                          \
	{                                                                     \
		static const enum jclass any[] = {__VA_ARGS__};               \
                                                                              \
		JUNUSED;                                                      \
		jinja_scan(w, self.s->n);                                     \
		return all_are(self.s, any, sizeof any / sizeof *any, empty); \
	}

CLASS(isalpha, false, JC_ALPHA)
CLASS(isdigit, false, JC_DIGIT)
CLASS(isdecimal, false, JC_DECIMAL)
CLASS(isnumeric, false, JC_NUMERIC)
CLASS(isalnum, false, JC_ALPHA, JC_NUMERIC)
CLASS(isspace, false, JC_SPACE)
CLASS(isprintable, true, JC_PRINTABLE)

METHOD(isidentifier)
{
	static const enum jclass any[] = {JC_WORD};
	bool digit = self.s->n && self.s->p[0] >= '0' && self.s->p[0] <= '9';

	JUNUSED;
	jinja_scan(w, self.s->n);
	return jinja_bool(!digit && all_are(self.s, any, 1, false).b);
}

METHOD(isascii)
{
	JUNUSED;
	jinja_scan(w, self.s->n);
	for (size_t i = 0; i < self.s->n; i++)
		if ((unsigned char)self.s->p[i] >= 0x80)
			return jinja_bool(false);
	return jinja_bool(true);
}

METHOD(isupper)
{
	JUNUSED;
	jinja_scan(w, self.s->n);
	return jinja_bool(jinja_text_is_case(self.s, true));
}

METHOD(islower)
{
	JUNUSED;
	jinja_scan(w, self.s->n);
	return jinja_bool(jinja_text_is_case(self.s, false));
}

METHOD(istitle)
{
	bool inside = false, any = false;
	size_t bytes;

	JUNUSED;
	jinja_scan(w, self.s->n);
	for (size_t i = 0; i < self.s->n; i += bytes) {
		uint32_t c = jinja_char_decode(self.s->p + i, self.s->n - i, &bytes);
		bool capital = jinja_char_is(c, JC_UPPER) || jinja_char_is(c, JC_TITLE);

		if ((capital && inside) || (jinja_char_is(c, JC_LOWER) && !inside))
			return jinja_bool(false);
		inside = is_cased(c);
		any = any || inside;
	}
	return jinja_bool(any);
}

/* ---- ends ---- */

/* Bytes of the character at one end of p[0..n) if it may go, else 0 */
static size_t goes(const char *p, size_t n, const struct jstr *chars, bool back)
{
	size_t k = 1, bytes;

	if (!n)
		return 0;
	if (!chars)
		return back ? jinja_char_space_back(p, n) : jinja_char_space(p, n);
	if (back) {
		while (k < n && ((unsigned char)p[n - k] & 0xc0) == 0x80)
			k++;
		p += n - k;
	} else {
		jinja_char_decode(p, n, &k);
	}
	for (size_t i = 0; i < chars->n; i += bytes) {
		jinja_char_decode(chars->p + i, chars->n - i, &bytes);
		if (bytes == k && memcmp(chars->p + i, p, k) == 0)
			return k;
	}
	return 0;
}

struct jvalue jinja_text_strip(struct jwork *w, const struct jstr *s, const struct jstr *chars,
			       bool left, bool right)
{
	size_t from = 0, to = s->n, k;

	while (left && (k = goes(s->p + from, to - from, chars, false))) {
		from += k;
		jinja_scan(w, chars ? 32 + chars->n : k);
	}
	while (right && (k = goes(s->p + from, to - from, chars, true))) {
		to -= k;
		jinja_scan(w, chars ? 32 + chars->n : k);
	}
	return piece(w, s, from, to);
}

static const struct jstr *chars_of(struct jwork *w, struct jvalue v)
{
	return given(v) ? jinja_as_str(w, v, "strip") : NULL;
}

METHOD(strip)
{
	JUNUSED;
	return jinja_text_strip(w, self.s, chars_of(w, arg[0]), true, true);
}

METHOD(lstrip)
{
	JUNUSED;
	return jinja_text_strip(w, self.s, chars_of(w, arg[0]), true, false);
}

METHOD(rstrip)
{
	JUNUSED;
	return jinja_text_strip(w, self.s, chars_of(w, arg[0]), false, true);
}

static bool begins(const struct jstr *s, const struct jstr *with)
{
	return s->n >= with->n && memcmp(s->p, with->p, with->n) == 0;
}

static bool ends(const struct jstr *s, const struct jstr *with)
{
	return s->n >= with->n && memcmp(s->p + s->n - with->n, with->p, with->n) == 0;
}

METHOD(removeprefix)
{
	const struct jstr *with = jinja_as_str(w, arg[0], "removeprefix");

	JUNUSED;
	return begins(self.s, with) ? piece(w, self.s, with->n, self.s->n) : self;
}

METHOD(removesuffix)
{
	const struct jstr *with = jinja_as_str(w, arg[0], "removesuffix");

	JUNUSED;
	return with->n && ends(self.s, with) ? piece(w, self.s, 0, self.s->n - with->n) : self;
}

/* self[arg[1]:arg[2]]; false: no part of it, since it would begin behind the end */
static bool part_of(struct jwork *w, struct jvalue self, const struct jvalue *arg,
		    const struct jstr **part)
{
	struct jvalue at[3] = {arg[1], arg[2], jinja_none()};

	*part = jinja_item_slice(w, self, at).s;
	return !given(arg[1]) || jinja_as_int(w, arg[1], "start") <= (int64_t)self.s->chars;
}

static struct jvalue any_end(struct jwork *w, struct jvalue self, const struct jvalue *arg,
			     bool (*test)(const struct jstr *, const struct jstr *),
			     const char *name)
{
	bool tuple = arg[0].kind == J_LIST && arg[0].l->row == J_ROW_TUPLE;
	const struct jstr *s;

	if (!part_of(w, self, arg, &s))
		return jinja_bool(false);
	for (size_t i = 0; tuple && i < arg[0].l->n; i++) {
		jinja_step(w);
		if (test(s, jinja_as_str(w, arg[0].l->v[i], name)))
			return jinja_bool(true);
	}
	return jinja_bool(!tuple && test(s, jinja_as_str(w, arg[0], name)));
}

METHOD(startswith)
{
	JUNUSED;
	return any_end(w, self, arg, begins, "startswith");
}

METHOD(endswith)
{
	JUNUSED;
	return any_end(w, self, arg, ends, "endswith");
}

/* ---- finding ---- */

static const char *find_first(const struct jstr *s, size_t from, const struct jstr *what)
{
	return what->n ? memmem(s->p + from, s->n - from, what->p, what->n) : s->p + from;
}

/* The table of borders of what, backwards: so that the last place is found in linear time */
static const char *find_last(struct jwork *w, const struct jstr *s, size_t to,
			     const struct jstr *what)
{
	size_t n = what->n, k = 0, *border;

	if (!n)
		return s->p + to;
	if (n > to)
		return NULL;
	border = jinja_alloc(w, n + 1, sizeof *border);
	for (size_t i = 1; i < n; i++) {
		while (k && what->p[n - 1 - i] != what->p[n - 1 - k])
			k = border[k];
		k += what->p[n - 1 - i] == what->p[n - 1 - k];
		border[i + 1] = k;
	}
	k = 0;
	for (size_t i = to; i-- > 0;) {
		while (k && s->p[i] != what->p[n - 1 - k])
			k = border[k];
		k += s->p[i] == what->p[n - 1 - k];
		if (k == n)
			return s->p + i;
	}
	return NULL;
}

/* The character at which arg[0] stands in self, or -1 */
static int64_t place(struct jwork *w, struct jvalue self, const struct jvalue *arg, bool last,
		     const char *name)
{
	const struct jstr *what = jinja_as_str(w, arg[0], name), *s;
	struct jvalue before[3] = {jinja_none(), arg[1], jinja_none()};
	const char *at;

	if (!part_of(w, self, arg, &s))
		return -1;
	jinja_scan(w, s->n + what->n);
	at = last ? find_last(w, s, s->n, what) : find_first(s, 0, what);
	if (!at)
		return -1;
	return (int64_t)jinja_char_count(s->p, (size_t)(at - s->p)) +
	       (given(arg[1]) ? (int64_t)jinja_item_slice(w, self, before).s->chars : 0);
}

METHOD(find)
{
	JUNUSED;
	return jinja_int(place(w, self, arg, false, "find"));
}

METHOD(rfind)
{
	JUNUSED;
	return jinja_int(place(w, self, arg, true, "rfind"));
}

METHOD(index)
{
	int64_t at = place(w, self, arg, false, "index");

	JUNUSED;
	if (at < 0)
		jinja_fail(w, "substring not found");
	return jinja_int(at);
}

METHOD(rindex)
{
	int64_t at = place(w, self, arg, true, "rindex");

	JUNUSED;
	if (at < 0)
		jinja_fail(w, "substring not found");
	return jinja_int(at);
}

METHOD(count)
{
	const struct jstr *what = jinja_as_str(w, arg[0], "count"), *s;
	int64_t n = 0;
	const char *at;

	JUNUSED;
	if (!part_of(w, self, arg, &s))
		return jinja_int(0);
	jinja_scan(w, s->n);
	if (!what->n)
		return jinja_int((int64_t)s->chars + 1);
	for (size_t from = 0; (at = find_first(s, from, what)); n++)
		from = (size_t)(at - s->p) + what->n;
	return jinja_int(n);
}

/* ---- taking apart ---- */

struct pieces {
	struct jwork *w;
	const struct jstr *s;
	struct jlist *l;
	size_t room;
};

static void add_piece(struct pieces *p, size_t from, size_t to)
{
	struct jlist *l = p->l;

	if (l->n == p->room) {
		struct jvalue *old = l->v;

		p->room = p->room ? 2 * p->room : 4;
		l->v = jinja_alloc(p->w, p->room, sizeof *l->v);
		if (l->n)
			memcpy(l->v, old, l->n * sizeof *old);
	}
	l->v[l->n++] = jinja_text(p->w, p->s->p + from, to - from);
	jinja_step(p->w);
}

static struct pieces begin_pieces(struct jwork *w, const struct jstr *s)
{
	jinja_scan(w, s->n);
	return (struct pieces){.w = w, .s = s, .l = jinja_list(w, J_ROW_LIST, 0).l};
}

static void turn_around(struct jlist *l)
{
	for (size_t i = 0; i < l->n / 2; i++) {
		struct jvalue v = l->v[i];

		l->v[i] = l->v[l->n - 1 - i];
		l->v[l->n - 1 - i] = v;
	}
}

static void split_at(struct pieces *p, const struct jstr *sep, int64_t most)
{
	size_t from = 0;
	const char *at;

	while (most-- != 0 && (at = find_first(p->s, from, sep))) {
		add_piece(p, from, (size_t)(at - p->s->p));
		from = (size_t)(at - p->s->p) + sep->n;
	}
	add_piece(p, from, p->s->n);
}

static void rsplit_at(struct pieces *p, const struct jstr *sep, int64_t most)
{
	struct pieces all = begin_pieces(p->w, p->s);
	size_t to = p->s->n;
	const char *at;

	while (most-- != 0 && (at = find_last(p->w, p->s, to, sep))) {
		add_piece(&all, (size_t)(at - p->s->p) + sep->n, to);
		to = (size_t)(at - p->s->p);
	}
	add_piece(&all, 0, to);
	turn_around(all.l);
	*p = all;
}

static void split_blank(struct pieces *p, int64_t most)
{
	const struct jstr *s = p->s;
	size_t i = 0, k;

	for (;; most--) {
		size_t from;

		while ((k = jinja_char_space(s->p + i, s->n - i)))
			i += k;
		if (i == s->n)
			return;
		from = i;
		if (most == 0) {
			add_piece(p, from, s->n);
			return;
		}
		while (i < s->n && !jinja_char_space(s->p + i, s->n - i))
			i++;
		add_piece(p, from, i);
	}
}

static void rsplit_blank(struct pieces *p, int64_t most)
{
	const struct jstr *s = p->s;
	size_t i = s->n, k;

	for (;; most--) {
		size_t to;

		while ((k = jinja_char_space_back(s->p, i)))
			i -= k;
		if (!i)
			break;
		to = i;
		if (most == 0) {
			add_piece(p, 0, to);
			break;
		}
		while (i && !jinja_char_space_back(s->p, i))
			i--;
		add_piece(p, i, to);
	}
	turn_around(p->l);
}

static struct jvalue split_any(struct jwork *w, struct jvalue self, const struct jvalue *arg,
			       bool right)
{
	struct pieces p = begin_pieces(w, self.s);
	const struct jstr *sep = given(arg[0]) ? jinja_as_str(w, arg[0], "split") : NULL;
	int64_t most = arg[1].kind == J_MISSING ? -1 : jinja_as_int(w, arg[1], "split");

	most = most < 0 ? -1 : most;
	if (sep && !sep->n)
		jinja_fail(w, "empty separator");
	if (sep)
		(right ? rsplit_at : split_at)(&p, sep, most);
	else
		(right ? rsplit_blank : split_blank)(&p, most);
	return (struct jvalue){.kind = J_LIST, .l = p.l};
}

METHOD(split)
{
	JUNUSED;
	return split_any(w, self, arg, false);
}

METHOD(rsplit)
{
	JUNUSED;
	return split_any(w, self, arg, true);
}

/* Bytes of the line's end at p, or 0 */
static size_t line_end(const char *p, size_t n)
{
	size_t bytes;
	uint32_t c = jinja_char_decode(p, n, &bytes);

	if (c == '\r' && n > 1 && p[1] == '\n')
		return 2;
	return (c >= '\n' && c <= '\r') || (c >= 0x1c && c <= 0x1e) || c == 0x85 || c == 0x2028 ||
			       c == 0x2029
		       ? bytes
		       : 0;
}

struct jlist *jinja_text_lines(struct jwork *w, const struct jstr *s, bool keep)
{
	struct pieces p = begin_pieces(w, s);
	size_t from = 0, k;

	for (size_t i = 0; i < s->n;) {
		k = line_end(s->p + i, s->n - i);
		if (k)
			add_piece(&p, from, i + (keep ? k : 0));
		i += k ? k : 1;
		from = k ? i : from;
	}
	if (from < s->n)
		add_piece(&p, from, s->n);
	return p.l;
}

METHOD(splitlines)
{
	JUNUSED;
	return (struct jvalue){.kind = J_LIST,
			       .l = jinja_text_lines(w, self.s, jinja_true(arg[0]))};
}

static struct jvalue part_at(struct jwork *w, struct jvalue self, const struct jvalue *arg,
			     bool last)
{
	const struct jstr *sep = jinja_as_str(w, arg[0], "partition"), *s = self.s;
	struct jvalue v = jinja_list(w, J_ROW_TUPLE, 3);
	const char *at;
	size_t i;

	if (!sep->n)
		jinja_fail(w, "empty separator");
	jinja_scan(w, s->n);
	at = last ? find_last(w, s, s->n, sep) : find_first(s, 0, sep);
	i = at ? (size_t)(at - s->p) : 0;
	v.l->v[0] = at ? piece(w, s, 0, i) : last ? jinja_words(w, "") : self;
	v.l->v[1] = at ? arg[0] : jinja_words(w, "");
	v.l->v[2] = at ? piece(w, s, i + sep->n, s->n) : last ? self : jinja_words(w, "");
	return v;
}

METHOD(partition)
{
	JUNUSED;
	return part_at(w, self, arg, false);
}

METHOD(rpartition)
{
	JUNUSED;
	return part_at(w, self, arg, true);
}

/* ---- putting together ---- */

/* An empty text stands before each character and at the end. */
static void replace_empty(struct jwork *w, const struct jstr *s, const struct jstr *to,
			  int64_t most)
{
	size_t bytes;

	for (size_t i = 0; i < s->n; i += bytes) {
		if (most-- != 0)
			jinja_put(w, to->p, to->n);
		else
			most = 0;
		jinja_char_decode(s->p + i, s->n - i, &bytes);
		jinja_put(w, s->p + i, bytes);
		jinja_step(w);
	}
	if (most != 0)
		jinja_put(w, to->p, to->n);
}

struct jvalue jinja_text_replace(struct jwork *w, const struct jstr *s, const struct jstr *from,
				 const struct jstr *to, int64_t most)
{
	size_t start = w->out.n, i = 0;
	const char *at;

	jinja_scan(w, s->n);
	most = most < 0 ? -1 : most;
	if (!from->n) {
		replace_empty(w, s, to, most);
		return jinja_cut(w, start);
	}
	while (most-- != 0 && (at = find_first(s, i, from))) {
		jinja_put(w, s->p + i, (size_t)(at - s->p) - i);
		jinja_put(w, to->p, to->n);
		i = (size_t)(at - s->p) + from->n;
		jinja_step(w);
	}
	if (!i)
		return (struct jvalue){.kind = J_STR, .s = s};
	jinja_put(w, s->p + i, s->n - i);
	return jinja_cut(w, start);
}

METHOD(replace)
{
	int64_t most = given(arg[2]) ? jinja_as_int(w, arg[2], "replace") : -1;

	JUNUSED;
	return jinja_text_replace(w, self.s, jinja_as_str(w, arg[0], "replace"),
				  jinja_as_str(w, arg[1], "replace"), most);
}

METHOD(join)
{
	const struct jlist *l = jinja_items(w, arg[0]);
	size_t start = w->out.n;

	JUNUSED;
	for (size_t i = 0; i < l->n; i++) {
		if (l->v[i].kind != J_STR)
			jinja_fail(w, "sequence item %zu: expected str instance, %s found", i,
				   jinja_type(l->v[i]));
		if (i)
			jinja_put(w, self.s->p, self.s->n);
		jinja_put(w, l->v[i].s->p, l->v[i].s->n);
		jinja_step(w);
	}
	return jinja_cut(w, start);
}

static void put_times(struct jwork *w, const struct jstr *s, int64_t n)
{
	for (; n > 0; n--) {
		jinja_put(w, s->p, s->n);
		jinja_step(w);
	}
}

static struct jvalue padded(struct jwork *w, const struct jstr *s, int64_t left, int64_t right,
			    const struct jstr *fill)
{
	size_t start = w->out.n;

	if (fill->chars != 1)
		jinja_fail(w, "The fill character must be exactly one character long");
	put_times(w, fill, left);
	jinja_put(w, s->p, s->n);
	put_times(w, fill, right);
	return jinja_cut(w, start);
}

static const struct jstr *fill_of(struct jwork *w, struct jvalue v)
{
	return given(v) ? jinja_as_str(w, v, "fill") : jinja_words(w, " ").s;
}

/* How many characters are missing to a width */
static int64_t missing(struct jwork *w, const struct jstr *s, struct jvalue width)
{
	int64_t n = jinja_as_int(w, width, "width");

	return n > (int64_t)s->chars ? n - (int64_t)s->chars : 0;
}

struct jvalue jinja_text_center(struct jwork *w, const struct jstr *s, int64_t width,
				const struct jstr *fill)
{
	int64_t more = missing(w, s, jinja_int(width)), left = more / 2 + (more & width & 1);

	return padded(w, s, left, more - left, fill);
}

METHOD(center)
{
	JUNUSED;
	return jinja_text_center(w, self.s, jinja_as_int(w, arg[0], "center"), fill_of(w, arg[1]));
}

METHOD(ljust)
{
	JUNUSED;
	return padded(w, self.s, 0, missing(w, self.s, arg[0]), fill_of(w, arg[1]));
}

METHOD(rjust)
{
	JUNUSED;
	return padded(w, self.s, missing(w, self.s, arg[0]), 0, fill_of(w, arg[1]));
}

METHOD(zfill)
{
	size_t start = w->out.n, sign = self.s->n && strchr("+-", self.s->p[0]) ? 1 : 0;

	JUNUSED;
	jinja_put(w, self.s->p, sign);
	put_times(w, jinja_words(w, "0").s, missing(w, self.s, arg[0]));
	jinja_put(w, self.s->p + sign, self.s->n - sign);
	return jinja_cut(w, start);
}

METHOD(expandtabs)
{
	int64_t size = arg[0].kind == J_MISSING ? 8 : jinja_as_int(w, arg[0], "expandtabs"), at = 0;
	size_t start = w->out.n;

	JUNUSED;
	for (size_t i = 0; i < self.s->n; i++) {
		char c = self.s->p[i];

		if (c == '\t') {
			int64_t n = size > 0 ? size - at % size : 0;

			put_times(w, jinja_words(w, " ").s, n);
			at += n;
			continue;
		}
		jinja_put(w, &c, 1);
		at = c == '\n' || c == '\r' ? 0 : at + (((unsigned char)c & 0xc0) != 0x80);
	}
	jinja_scan(w, self.s->n);
	return jinja_cut(w, start);
}

METHOD(format)
{
	JUNUSED;
	return jinja_format_braces(w, self.s, all);
}

/* ---- */

static const struct jfunction methods[] = {
	{"capitalize", "", text_capitalize},
	{"casefold", "", text_lower},
	{"center", "width fillchar?", text_center},
	{"count", "sub start? end?", text_count},
	{"endswith", "suffix start? end?", text_endswith},
	{"expandtabs", "tabsize?", text_expandtabs},
	{"find", "sub start? end?", text_find},
	{"format", "*", text_format},
	{"index", "sub start? end?", text_index},
	{"isalnum", "", text_isalnum},
	{"isalpha", "", text_isalpha},
	{"isascii", "", text_isascii},
	{"isdecimal", "", text_isdecimal},
	{"isdigit", "", text_isdigit},
	{"isidentifier", "", text_isidentifier},
	{"islower", "", text_islower},
	{"isnumeric", "", text_isnumeric},
	{"isprintable", "", text_isprintable},
	{"isspace", "", text_isspace},
	{"istitle", "", text_istitle},
	{"isupper", "", text_isupper},
	{"join", "iterable", text_join},
	{"ljust", "width fillchar?", text_ljust},
	{"lower", "", text_lower},
	{"lstrip", "chars?", text_lstrip},
	{"partition", "sep", text_partition},
	{"removeprefix", "prefix", text_removeprefix},
	{"removesuffix", "suffix", text_removesuffix},
	{"replace", "old new count?", text_replace},
	{"rfind", "sub start? end?", text_rfind},
	{"rindex", "sub start? end?", text_rindex},
	{"rjust", "width fillchar?", text_rjust},
	{"rpartition", "sep", text_rpartition},
	{"rsplit", "sep? maxsplit?", text_rsplit},
	{"rstrip", "chars?", text_rstrip},
	{"split", "sep? maxsplit?", text_split},
	{"splitlines", "keepends?", text_splitlines},
	{"startswith", "prefix start? end?", text_startswith},
	{"strip", "chars?", text_strip},
	{"swapcase", "", text_swapcase},
	{"title", "", text_title},
	{"upper", "", text_upper},
	{"zfill", "width", text_zfill},
};

const struct jfunction *jinja_text_method(const struct jstr *name)
{
	return jinja_function_find(methods, sizeof methods / sizeof *methods, name);
}
