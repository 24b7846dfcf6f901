/* jinjalex.c - a template cut into tokens. See jinjalex.h. */
#include "chat/jinjalex.h"
#include "chat/jinjachar.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct lex {
	struct jwork *w;
	const char *p; /* the source, newlines as \n, the last one gone */
	size_t n, at;
	struct jtoken *v;
	size_t tokens, room;
	bool line_start; /* what was read last ended in a newline */
	struct buf *brackets;
};

static struct jtoken *new_token(struct lex *x, enum jtoken_kind kind)
{
	if (x->tokens == x->room) {
		struct jtoken *old = x->v;

		x->room = x->room ? 2 * x->room : 256;
		x->v = jinja_alloc(x->w, x->room, sizeof *x->v);
		if (x->tokens)
			memcpy(x->v, old, x->tokens * sizeof *old);
	}
	x->v[x->tokens] = (struct jtoken){.kind = kind, .line = x->w->line};
	return &x->v[x->tokens++];
}

static void count_lines(struct lex *x, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		x->w->line += x->p[i] == '\n';
}

static bool looking_at(const struct lex *x, size_t at, const char *s)
{
	size_t n = strlen(s);

	return x->n - at >= n && at <= x->n && memcmp(x->p + at, s, n) == 0;
}

static size_t skip_blanks(const struct lex *x, size_t at)
{
	size_t k;

	while ((k = jinja_char_space(x->p + at, x->n - at)))
		at += k;
	return at;
}

/* ---- text ---- */

/* Where the text from..to ends if blanks before the tag, which has this mark, go */
static size_t text_end(const struct lex *x, size_t from, size_t to, char mark, bool output)
{
	size_t end = to, line = to, k;

	if (mark == '-') {
		while (end > from && (k = jinja_char_space_back(x->p + from, end - from)))
			end -= k;
		return end;
	}
	if (mark == '+' || output)
		return end;
	while (line > from && x->p[line - 1] != '\n' &&
	       (k = jinja_char_space_back(x->p + from, line - from)))
		line -= k;
	return line > from ? (x->p[line - 1] == '\n' ? line : end) : x->line_start ? line : end;
}

static void add_text(struct lex *x, size_t from, size_t end, size_t to)
{
	if (end > from)
		new_token(x, JT_TEXT)->value = jinja_text(x->w, x->p + from, end - from);
	count_lines(x, from, to);
}

/* Bytes of a tag's end, with its mark and the blanks that go with it; 0: it is not here. */
static size_t tag_end(const struct lex *x, size_t at, const char *close)
{
	bool output = *close == '}';

	if (looking_at(x, at, "-") && looking_at(x, at + 1, close))
		return skip_blanks(x, at + 3) - at;
	if (!output && looking_at(x, at, "+") && looking_at(x, at + 1, close))
		return 3;
	if (!looking_at(x, at, close))
		return 0;
	return !output && looking_at(x, at + 2, "\n") ? 3 : 2;
}

static char mark_at(const struct lex *x, size_t at)
{
	return at < x->n && (x->p[at] == '-' || x->p[at] == '+') ? x->p[at] : '\0';
}

static void move_to(struct lex *x, size_t to)
{
	count_lines(x, x->at, to);
	x->line_start = to > 0 && x->p[to - 1] == '\n';
	x->at = to;
}

static void read_comment(struct lex *x)
{
	size_t end, i = x->at + 2 + (mark_at(x, x->at + 2) != '\0');

	for (; i < x->n; i++)
		if ((end = tag_end(x, i, "#}"))) {
			move_to(x, i + end);
			return;
		}
	jinja_fail(x->w, "Missing end of comment tag");
}

/* Bytes from at to behind `{% raw %}`, or 0 */
static size_t raw_begin(const struct lex *x, size_t at)
{
	size_t i = skip_blanks(x, at + 2 + (mark_at(x, at + 2) != '\0'));

	if (!looking_at(x, i, "raw"))
		return 0;
	i = skip_blanks(x, i + 3);
	if (looking_at(x, i, "-%}"))
		return skip_blanks(x, i + 3) - at;
	return looking_at(x, i, "%}") ? i + 2 - at : 0;
}

static size_t raw_end(const struct lex *x, size_t at)
{
	size_t i = skip_blanks(x, at + 2 + (mark_at(x, at + 2) != '\0')), end;

	if (!looking_at(x, i, "endraw"))
		return 0;
	i = skip_blanks(x, i + 6);
	end = tag_end(x, i, "%}");
	return end ? i + end - at : 0;
}

static void read_raw(struct lex *x, size_t begin)
{
	size_t from, end;
	const char *p;

	move_to(x, x->at + begin);
	if (x->at == x->n) /* as Jinja: nothing is missing where nothing follows */
		return;
	for (from = x->at; (p = memmem(x->p + from, x->n - from, "{%", 2)); from++) {
		from = (size_t)(p - x->p);
		end = raw_end(x, from);
		if (!end)
			continue;
		add_text(x, x->at, text_end(x, x->at, from, mark_at(x, from + 2), false), from);
		x->at = from;
		move_to(x, from + end);
		return;
	}
	jinja_fail(x->w, "Missing end of raw directive");
}

/* ---- in tags ---- */

static bool is_word(const struct lex *x, size_t at, size_t *bytes)
{
	return at < x->n && jinja_char_is(jinja_char_decode(x->p + at, x->n - at, bytes), JC_WORD);
}

static bool digit_of(char c, int base)
{
	if (base == 16 && (c | 32) >= 'a' && (c | 32) <= 'f')
		return true;
	return c >= '0' && c < '0' + (base < 10 ? base : 10);
}

/* Behind digits with single _ between them; the same place: there are none */
static size_t digits_end(const struct lex *x, size_t at, int base, bool first)
{
	size_t i = at;

	while (i < x->n &&
	       (digit_of(x->p[i], base) || (x->p[i] == '_' && (i > at || !first) && i + 1 < x->n &&
					    digit_of(x->p[i + 1], base))))
		i++;
	return i;
}

/* The digits without _, and a NUL */
static char *number_text(struct lex *x, size_t from, size_t to)
{
	char *text = jinja_alloc(x->w, to - from + 1, 1);
	size_t n = 0;

	for (size_t i = from; i < to; i++)
		if (x->p[i] != '_')
			text[n++] = x->p[i];
	return text;
}

static size_t float_end(const struct lex *x, size_t at)
{
	size_t i = digits_end(x, at, 10, true), k, e;

	k = i;
	if (looking_at(x, i, ".") && digits_end(x, i + 1, 10, true) > i + 1)
		k = digits_end(x, i + 1, 10, true);
	if (k < x->n && (x->p[k] | 32) == 'e') {
		e = k + 1 + (mark_at(x, k + 1) != '\0');
		if (digits_end(x, e, 10, true) > e)
			return digits_end(x, e, 10, true);
	}
	return k > i ? k : 0;
}

static void read_number(struct lex *x)
{
	size_t end = x->at && x->p[x->at - 1] == '.' ? 0 : float_end(x, x->at), from = x->at;
	int base = 10;

	if (end) {
		new_token(x, JT_NUMBER)->value =
			jinja_float(strtod(number_text(x, from, end), NULL));
		x->at = end;
		return;
	}
	if (x->p[from] == '0' && from + 1 < x->n) {
		char c = (char)(x->p[from + 1] | 32);

		base = c == 'x' ? 16 : c == 'o' ? 8 : c == 'b' ? 2 : 10;
		if (base != 10 && digits_end(x, from + 2, base, false) > from + 2)
			from += 2;
		else
			base = 10;
	}
	end = digits_end(x, from, base, base == 10);
	if (base == 10 && x->p[from] == '0') /* 0 is no first digit but of 0 and 00 */
		for (end = from + 1; end < x->n && x->p[end] == '0';)
			end++;
	errno = 0;
	new_token(x, JT_NUMBER)->value = jinja_int(strtoll(number_text(x, from, end), NULL, base));
	if (errno)
		jinja_fail(x->w, "a whole number beyond 64 bits");
	x->at = end;
}

/* ---- strings ---- */

static uint32_t read_code(struct lex *x, size_t at, size_t end, int digits, int base)
{
	char text[12] = "";

	for (int i = 0; i < digits; i++) {
		if (at + (size_t)i >= end || !digit_of(x->p[at + (size_t)i], base))
			jinja_fail(x->w, "an escape without its %d digits", digits);
		text[i] = x->p[at + (size_t)i];
	}
	return (uint32_t)strtoul(text, NULL, base);
}

static void put_code(struct lex *x, uint32_t c)
{
	char text[4];

	if (c > 0x10ffff)
		jinja_fail(x->w, "illegal Unicode character");
	if (c >= 0xd800 && c < 0xe000)
		jinja_fail(x->w, "the escape \\u%04x is half a character", (unsigned)c);
	jinja_put(x->w, text, jinja_char_encode(text, c));
}

static size_t octal(const struct lex *x, size_t at, size_t end)
{
	size_t n = 0;

	while (n < 3 && at + n < end && digit_of(x->p[at + n], 8))
		n++;
	return n;
}

/* A backslash before what is not ASCII: Python turns that into an escape first, whose own backslash
 * it then takes for this one's. */
static size_t put_odd_escape(struct lex *x, size_t at)
{
	char text[16];
	size_t bytes;
	uint32_t c = jinja_char_decode(x->p + at, x->n - at, &bytes);

	snprintf(text, sizeof text,
		 c < 0x100     ? "\\x%02x"
		 : c < 0x10000 ? "\\u%04x"
			       : "\\U%08x",
		 (unsigned)c);
	jinja_puts(x->w, text);
	return bytes;
}

/* The escape behind the backslash before at; returns its bytes. */
static size_t read_escape(struct lex *x, size_t at, size_t end)
{
	static const char letters[] = "\\'\"abfnrtv", means[] = "\\'\"\a\b\f\n\r\t\v";
	char c = x->p[at];
	const char *known = c ? strchr(letters, c) : NULL;
	size_t n;

	if (c == '\n')
		return 1;
	if (known) {
		jinja_put(x->w, means + (known - letters), 1);
		return 1;
	}
	n = octal(x, at, end);
	if (n) {
		put_code(x, read_code(x, at, end, (int)n, 8));
		return n;
	}
	n = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
	if (n) {
		put_code(x, read_code(x, at + 1, end, (int)n, 16));
		return n + 1;
	}
	if (c == 'N')
		jinja_fail(x->w, "the escape \\N{...} is not supported");
	if ((unsigned char)c >= 0x80)
		return put_odd_escape(x, at);
	jinja_puts(x->w, "\\");
	jinja_put(x->w, &c, 1);
	return 1;
}

static void read_string(struct lex *x)
{
	char quote = x->p[x->at];
	size_t end = x->at + 1, start = x->w->out.n, i;

	while (end < x->n && x->p[end] != quote)
		end += x->p[end] == '\\' ? 2 : 1;
	if (end >= x->n)
		jinja_fail(x->w, "a string without an end");
	for (i = x->at + 1; i < end;) {
		const char *back = memchr(x->p + i, '\\', end - i);
		size_t plain = back ? (size_t)(back - x->p) : end;

		jinja_put(x->w, x->p + i, plain - i);
		i = back ? plain + 1 + read_escape(x, plain + 1, end) : end;
	}
	new_token(x, JT_STRING)->value = jinja_cut(x->w, start);
	count_lines(x, x->at, end);
	x->at = end + 1;
}

/* ---- signs ---- */

static void check_brackets(struct lex *x, char c)
{
	static const char open[] = "([{", close[] = ")]}";
	struct buf *b = x->brackets;
	const char *at = strchr(open, c);

	if (at) {
		buf_char(b, close[at - open]);
		return;
	}
	if (!strchr(close, c))
		return;
	if (!b->n)
		jinja_fail(x->w, "unexpected '%c'", c);
	if (b->p[b->n - 1] != c)
		jinja_fail(x->w, "unexpected '%c', expected '%c'", c, b->p[b->n - 1]);
	b->n--;
}

static void read_sign(struct lex *x)
{
	static const char *const two[] = {"==", "!=", "<=", ">=", "//", "**"};
	char c = x->p[x->at];

	for (size_t i = 0; i < sizeof two / sizeof *two; i++)
		if (looking_at(x, x->at, two[i])) {
			new_token(x, JT_SIGN)->sign = JINJA_SIGN2(two[i][0], two[i][1]);
			x->at += 2;
			return;
		}
	if (!c || !strchr("+-/*%~[](){}<>=.:|,;", c)) {
		if ((unsigned char)c < 0x80)
			jinja_fail(x->w, "unexpected char '%c'", c);
		jinja_fail(x->w, "a character that is no sign");
	}
	check_brackets(x, c);
	new_token(x, JT_SIGN)->sign = c;
	x->at++;
}

static void read_name(struct lex *x)
{
	size_t end = x->at, bytes;

	while (is_word(x, end, &bytes))
		end += bytes;
	new_token(x, JT_NAME)->value = jinja_text(x->w, x->p + x->at, end - x->at);
	x->at = end;
}

static void read_in_tag(struct lex *x)
{
	char c = x->p[x->at];
	size_t bytes = jinja_char_space(x->p + x->at, x->n - x->at);

	if (bytes) {
		count_lines(x, x->at, x->at + bytes);
		x->at += bytes;
	} else if (c >= '0' && c <= '9') {
		read_number(x);
	} else if (is_word(x, x->at, &bytes)) {
		read_name(x);
	} else if (c == '\'' || c == '"') {
		read_string(x);
	} else {
		read_sign(x);
	}
}

static void read_tag(struct lex *x, bool output)
{
	const char *close = output ? "}}" : "%}";
	size_t end;

	x->at += 2 + (mark_at(x, x->at + 2) != '\0');
	new_token(x, output ? JT_OUTPUT : JT_BLOCK);
	x->brackets->n = 0;
	while (x->at < x->n) {
		end = x->brackets->n ? 0 : tag_end(x, x->at, close);
		if (end) {
			new_token(x, output ? JT_OUTPUT_END : JT_BLOCK_END);
			move_to(x, x->at + end);
			return;
		}
		read_in_tag(x);
		jinja_step(x->w);
	}
	jinja_fail(x->w, "a tag without an end");
}

/* Where the next tag begins, or the end */
static size_t next_tag(const struct lex *x)
{
	const char *p = x->p + x->at, *end = x->p + x->n;

	for (; (p = memchr(p, '{', (size_t)(end - p))); p++)
		if (p + 1 < end && memchr("{%#", p[1], 3))
			return (size_t)(p - x->p);
	return x->n;
}

static void read_all(struct lex *x)
{
	while (x->at < x->n) {
		size_t tag = next_tag(x), raw;
		char kind = tag < x->n ? x->p[tag + 1] : '\0';

		if (!kind) {
			add_text(x, x->at, x->n, x->n);
			return;
		}
		add_text(x, x->at, text_end(x, x->at, tag, mark_at(x, tag + 2), kind == '{'), tag);
		x->at = tag;
		raw = kind == '%' ? raw_begin(x, tag) : 0;
		if (raw)
			read_raw(x, raw);
		else if (kind == '#')
			read_comment(x);
		else
			read_tag(x, kind == '{');
	}
}

/* The source with newlines as \n, without the last one */
static void take_source(struct lex *x, struct span source)
{
	char *p = jinja_alloc(x->w, source.n + 1, 1);

	for (size_t i = 0; i < source.n; i++) {
		bool cr = source.p[i] == '\r';

		p[x->n++] = cr ? '\n' : source.p[i];
		if (cr && i + 1 < source.n && source.p[i + 1] == '\n')
			i++;
	}
	if (x->n && p[x->n - 1] == '\n')
		x->n--;
	x->p = p;
}

struct jtoken *jinja_lex(struct jwork *w, struct span source)
{
	struct lex x = {.w = w, .line_start = true, .brackets = &w->scratch};

	take_source(&x, source);
	read_all(&x);
	new_token(&x, JT_END);
	return x.v;
}
