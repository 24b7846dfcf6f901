/* jinjaformat.c - text made by a pattern. See jinjaformat.h. */
#include "chat/jinjaformat.h"
#include "chat/jinjachar.h"
#include "chat/jinjaitem.h"
#include "chat/jinjaprint.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 10000 }; /* of a width or a precision */

struct pattern {
	const char *p, *end;
};

/* How a value is written; what both languages of patterns know */
struct spec {
	struct span fill;
	char align, sign, type, group; /* 0: not given */
	bool alternate, zero;
	int width, precision; /* precision -1: not given */
};

static bool starts(const struct pattern *t, const char *any)
{
	return t->p < t->end && *t->p && strchr(any, *t->p);
}

static int read_number(struct jwork *w, struct pattern *t, int otherwise)
{
	int n = 0;

	if (!starts(t, "0123456789"))
		return otherwise;
	for (; starts(t, "0123456789"); t->p++) {
		n = 10 * n + (*t->p - '0');
		if (n > MOST)
			jinja_fail(w, "a width of more than %d", MOST);
	}
	return n;
}

/* ---- one value ---- */

static void put_fill(struct jwork *w, const struct spec *s, size_t n)
{
	for (; n; n--)
		jinja_put(w, s->fill.p, s->fill.n);
}

/* The text behind at, whose first `sign` bytes are a sign, in its width */
static void pad(struct jwork *w, const struct spec *s, size_t at, size_t sign, char align)
{
	size_t chars = jinja_char_count(w->out.p + at, w->out.n - at), left;
	size_t more = (size_t)s->width > chars ? (size_t)s->width - chars : 0;
	struct jvalue text;

	if (!more)
		return;
	text = jinja_cut(w, at);
	left = align == '<' ? 0 : align == '^' ? more / 2 : more;
	jinja_put(w, text.s->p, align == '=' ? sign : 0);
	put_fill(w, s, left);
	sign = align == '=' ? sign : 0;
	jinja_put(w, text.s->p + sign, text.s->n - sign);
	put_fill(w, s, more - left);
}

static void put_sign(struct jwork *w, const struct spec *s, bool minus)
{
	if (minus)
		jinja_puts(w, "-");
	else if (s->sign == '+' || s->sign == ' ')
		jinja_put(w, &s->sign, 1);
}

/* Digits with a mark between each three of those before the point */
static void put_grouped(struct jwork *w, const char *digits, char group)
{
	size_t whole = strspn(digits, "0123456789");

	for (size_t i = 0; i < whole; i++) {
		if (i && (whole - i) % 3 == 0 && group)
			jinja_put(w, &group, 1);
		jinja_put(w, digits + i, 1);
	}
	jinja_puts(w, digits + whole);
}

static void put_base(char text[72], uint64_t u, char type)
{
	char *p = text + 71;
	unsigned base = type == 'b' ? 2 : type == 'o' ? 8 : type == 'x' || type == 'X' ? 16 : 10;

	*p = '\0';
	do
		*--p = (type == 'X' ? "0123456789ABCDEF" : "0123456789abcdef")[u % base];
	while (u /= base);
	memmove(text, p, strlen(p) + 1);
}

static void format_int(struct jwork *w, const struct spec *s, int64_t i)
{
	size_t at = w->out.n, sign;
	char text[72];

	put_sign(w, s, i < 0);
	if (s->alternate && s->type && strchr("box", s->type | 32)) {
		char prefix[] = {'0', s->type, '\0'};

		jinja_puts(w, prefix);
	}
	sign = w->out.n - at;
	put_base(text, i < 0 ? 0 - (uint64_t)i : (uint64_t)i, s->type);
	for (int n = (int)strlen(text); n < s->precision; n++)
		jinja_puts(w, "0");
	put_grouped(w, text, s->group);
	pad(w, s, at, sign, s->align ? s->align : '>');
}

static void format_float(struct jwork *w, const struct spec *s, double f)
{
	size_t at = w->out.n, sign;
	char how[16], text[MOST + 400], type = s->type ? s->type : 'r';
	int precision = s->precision < 0 ? 6 : s->precision;

	put_sign(w, s, signbit(f) && !isnan(f));
	sign = w->out.n - at;
	f = fabs(f);
	if (type == 'r' && s->precision < 0) {
		jinja_print_float(w, f);
	} else {
		bool percent = type == '%';

		type = percent ? 'f' : type == 'n' || type == 'r' ? 'g' : type;
		snprintf(how, sizeof how, "%%%s.*%c", s->alternate ? "#" : "", type);
		snprintf(text, sizeof text, how, precision, percent ? 100 * f : f);
		put_grouped(w, text, s->group);
		jinja_puts(w, percent ? "%" : "");
	}
	pad(w, s, at, sign, s->align ? s->align : '>');
}

static void format_text(struct jwork *w, const struct spec *s, const struct jstr *text)
{
	size_t at = w->out.n, n = text->n;

	if (s->precision >= 0)
		n = jinja_byte_of(w, text, (size_t)s->precision);
	jinja_put(w, text->p, n);
	pad(w, s, at, 0, s->align ? s->align : '<');
}

static void format_char(struct jwork *w, const struct spec *s, struct jvalue v)
{
	size_t at = w->out.n;
	int64_t c = v.kind == J_STR ? 0 : jinja_as_int(w, v, "%c");
	char text[4];

	if (v.kind == J_STR && v.s->chars != 1)
		jinja_fail(w, "%%c requires int or char");
	if (c < 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		jinja_fail(w, "%%c: no character");
	if (v.kind == J_STR)
		jinja_put(w, v.s->p, v.s->n);
	else
		jinja_put(w, text, jinja_char_encode(text, (uint32_t)c));
	pad(w, s, at, 0, s->align ? s->align : '<');
}

static void check_number(struct jwork *w, struct jvalue v, char type)
{
	if (v.kind == J_UNDEFINED)
		jinja_use_undefined(w, v);
	if (!jinja_is_number(v))
		jinja_fail(w, "format '%c': a number is wanted, not '%s'", type, jinja_type(v));
}

/* ---- "%s" % x ---- */

struct percent {
	struct jwork *w;
	struct pattern t;
	struct jvalue args;
	size_t at; /* of a tuple: how many are used */
};

static struct jvalue next_value(struct percent *f)
{
	bool tuple = f->args.kind == J_LIST && f->args.l->row == J_ROW_TUPLE;

	if (tuple ? f->at >= f->args.l->n : f->at > 0)
		jinja_fail(f->w, "not enough arguments for format string");
	f->at++;
	return tuple ? f->args.l->v[f->at - 1] : f->args;
}

/* %(name)s */
static struct jvalue named_value(struct percent *f)
{
	const char *end = memchr(f->t.p, ')', (size_t)(f->t.end - f->t.p));
	struct jvalue v, key;

	if (!end)
		jinja_fail(f->w, "incomplete format key");
	key = jinja_text(f->w, f->t.p, (size_t)(end - f->t.p));
	f->t.p = end + 1;
	if (f->args.kind != J_DICT)
		jinja_fail(f->w, "format requires a mapping");
	if (!jinja_item(f->w, f->args, key, &v))
		jinja_fail(f->w, "KeyError: '%.*s'", (int)(key.s->n < 99 ? key.s->n : 99),
			   key.s->p);
	return v;
}

static int number_or_star(struct percent *f, int otherwise)
{
	int64_t n;

	if (!starts(&f->t, "*"))
		return read_number(f->w, &f->t, otherwise);
	f->t.p++;
	n = jinja_as_int(f->w, next_value(f), "*");
	if (n < -MOST || n > MOST)
		jinja_fail(f->w, "a width of more than %d", MOST);
	return (int)n;
}

static struct spec read_percent(struct percent *f)
{
	struct spec s = {.fill = {" ", 1}, .precision = -1};

	for (; starts(&f->t, "-+ #0"); f->t.p++) {
		s.align = *f->t.p == '-' ? '<' : s.align;
		s.sign = *f->t.p == '+' || (*f->t.p == ' ' && !s.sign) ? *f->t.p : s.sign;
		s.alternate |= *f->t.p == '#';
		s.zero |= *f->t.p == '0';
	}
	s.width = number_or_star(f, 0);
	if (s.width < 0) {
		s.align = '<';
		s.width = -s.width;
	}
	if (starts(&f->t, ".")) {
		f->t.p++;
		s.precision = number_or_star(f, 0);
		s.precision = s.precision < 0 ? 0 : s.precision;
	}
	while (starts(&f->t, "hlL"))
		f->t.p++;
	if (f->t.p == f->t.end)
		jinja_fail(f->w, "incomplete format");
	s.type = *f->t.p++;
	return s;
}

static void percent_number(struct jwork *w, struct spec s, struct jvalue v)
{
	check_number(w, v, s.type);
	if (s.zero && s.align != '<') {
		s.align = '=';
		s.fill.p = "0";
	}
	if (strchr("eEfFgG", s.type)) {
		format_float(w, &s, jinja_as_float(v));
		return;
	}
	if (v.kind == J_FLOAT && (s.type == 'x' || s.type == 'X' || s.type == 'o'))
		jinja_fail(w, "%%%c format: an integer is required, not float", s.type);
	if (v.kind == J_FLOAT && !(fabs(v.f) < 9.2e18))
		jinja_fail(w, "a whole number beyond 64 bits");
	format_int(w, &s, v.kind == J_FLOAT ? (int64_t)v.f : jinja_as_int(w, v, "%d"));
}

static void percent_one(struct percent *f)
{
	bool named = starts(&f->t, "(");
	struct jvalue v = jinja_none();
	struct spec s;
	size_t at;

	f->t.p += named;
	if (named) {
		v = named_value(f);
		f->at = 1;
	}
	s = read_percent(f);
	if (s.type == '%') {
		jinja_puts(f->w, "%");
		return;
	}
	if (!strchr("srdiuxXoeEfFgGc", s.type) || !s.type)
		jinja_fail(f->w, "unsupported format character '%c'", s.type);
	v = named ? v : next_value(f);
	s.align = s.align ? s.align : '>';
	if (s.type == 'c') {
		format_char(f->w, &s, v);
	} else if (s.type == 's') {
		format_text(f->w, &s, jinja_print_str(f->w, v));
	} else if (s.type == 'r') {
		at = f->w->out.n;
		jinja_print_repr(f->w, v);
		format_text(f->w, &s, jinja_cut(f->w, at).s);
	} else {
		percent_number(f->w, s, v);
	}
}

struct jvalue jinja_format_percent(struct jwork *w, const struct jstr *s, struct jvalue args)
{
	struct percent f = {.w = w, .t = {s->p, s->p + s->n}, .args = args};
	size_t start = w->out.n,
	       all = args.kind == J_LIST && args.l->row == J_ROW_TUPLE ? args.l->n : 1;
	const char *at;

	while ((at = memchr(f.t.p, '%', (size_t)(f.t.end - f.t.p)))) {
		jinja_put(w, f.t.p, (size_t)(at - f.t.p));
		f.t.p = at + 1;
		if (f.t.p == f.t.end)
			jinja_fail(w, "incomplete format");
		percent_one(&f);
		jinja_step(w);
	}
	jinja_put(w, f.t.p, (size_t)(f.t.end - f.t.p));
	if (f.at < all && args.kind != J_DICT &&
	    !(args.kind == J_LIST && args.l->row == J_ROW_LIST))
		jinja_fail(w, "not all arguments converted during string formatting");
	return jinja_cut(w, start);
}

/* ---- "{}".format(x) ---- */

struct braces {
	struct jwork *w;
	const struct jargs *args;
	int64_t next; /* of {}; -1: {0} was used */
	int depth;
};

static void read_align(struct pattern *t, struct spec *s)
{
	size_t bytes;

	if (t->p == t->end)
		return;
	jinja_char_decode(t->p, (size_t)(t->end - t->p), &bytes);
	if (t->p + bytes < t->end && strchr("<>^=", t->p[bytes]) && t->p[bytes]) {
		s->fill = (struct span){t->p, bytes};
		s->align = t->p[bytes];
		t->p += bytes + 1;
	} else if (starts(t, "<>^=")) {
		s->align = *t->p++;
	}
}

static char read_one(struct pattern *t, const char *any)
{
	return starts(t, any) ? *t->p++ : '\0';
}

static struct spec read_spec(struct jwork *w, struct pattern t)
{
	struct spec s = {.fill = {" ", 1}, .precision = -1};

	read_align(&t, &s);
	s.sign = read_one(&t, "+- ");
	s.alternate = read_one(&t, "#");
	s.zero = read_one(&t, "0");
	s.width = read_number(w, &t, 0);
	s.group = read_one(&t, ",_");
	if (read_one(&t, ".")) {
		s.precision = read_number(w, &t, -1);
		if (s.precision < 0)
			jinja_fail(w, "Format specifier missing precision");
	}
	s.type = read_one(&t, "bcdeEfFgGnosxX%");
	if (t.p < t.end)
		jinja_fail(w, "Invalid format specifier");
	if (s.zero && !s.align) {
		s.align = '=';
		s.fill = (struct span){"0", 1};
	}
	return s;
}

static void format_value(struct jwork *w, const struct spec *s, struct jvalue v, bool plain)
{
	struct spec how = *s;

	if (v.kind == J_STR || (v.kind == J_UNDEFINED && plain)) {
		if (s->type && s->type != 's')
			jinja_fail(w, "Unknown format code '%c' for object of type 'str'", s->type);
		how.align = s->align == '=' ? '<' : s->align;
		format_text(w, &how, jinja_print_str(w, v));
	} else if (v.kind == J_FLOAT ||
		   (jinja_is_int(v) && s->type && strchr("eEfFgG%", s->type))) {
		format_float(w, s, jinja_as_float(v));
	} else if (v.kind == J_INT || (v.kind == J_BOOL && !plain)) {
		if (s->precision >= 0)
			jinja_fail(w, "Precision not allowed in integer format specifier");
		if (s->type == 'c')
			format_char(w, s, v);
		else
			format_int(w, s, jinja_as_int(w, v, "format"));
	} else {
		if (!plain)
			jinja_fail(w, "unsupported format string passed to %s.__format__",
				   jinja_type(v));
		jinja_print(w, v);
	}
}

static struct jvalue argument(struct braces *f, struct span name)
{
	int64_t i = 0;

	if (!name.n) {
		if (f->next < 0)
			jinja_fail(f->w, "cannot switch from manual field specification to "
					 "automatic field numbering");
		i = f->next++;
	} else if (jinja_digits(name, &i)) {
		if (f->next > 0)
			jinja_fail(f->w, "cannot switch from automatic field numbering to manual "
					 "field specification");
		f->next = -1;
	} else {
		for (size_t k = 0; k < f->args->n_named; k++)
			if (span_eq((struct span){f->args->named[k].name->p,
						  f->args->named[k].name->n},
				    name))
				return f->args->named[k].value;
		jinja_fail(f->w, "KeyError: '%.*s'", (int)(name.n < 99 ? name.n : 99), name.p);
	}
	if ((uint64_t)i >= f->args->n)
		jinja_fail(f->w, "Replacement index %lld out of range for positional args tuple",
			   (long long)i);
	return f->args->v[i];
}

/* The value of name[key][0] */
static struct jvalue field_value(struct braces *f, struct span name)
{
	size_t n = 0;
	struct jvalue v, key;
	int64_t i;

	while (n < name.n && name.p[n] != '[' && name.p[n] != '.')
		n++;
	v = argument(f, (struct span){name.p, n});
	while (n < name.n) {
		const char *end = memchr(name.p + n, ']', name.n - n);
		size_t from = n + 1;

		if (name.p[n] != '[' || !end)
			jinja_fail(f->w, "an attribute in a format string is not supported");
		n = (size_t)(end - name.p);
		key = jinja_text(f->w, name.p + from, n++ - from);
		if (jinja_digits((struct span){key.s->p, key.s->n}, &i))
			key = jinja_int(i);
		if (!jinja_item(f->w, v, key, &v))
			jinja_fail(f->w, "a format string asks for what is not there");
	}
	return v;
}

static void put_pattern(struct braces *f, struct pattern t);

/* The field between braces: name ! conversion : spec */
static void put_field(struct braces *f, struct pattern t)
{
	size_t n = 0, all = (size_t)(t.end - t.p), at = f->w->out.n;
	struct jvalue v, text;
	struct spec s;
	char conversion = '\0';

	while (n < all && t.p[n] != '!' && t.p[n] != ':')
		n += t.p[n] == '[' && memchr(t.p + n, ']', all - n)
			     ? (size_t)((const char *)memchr(t.p + n, ']', all - n) - (t.p + n))
			     : 1;
	v = field_value(f, (struct span){t.p, n});
	if (n < all && t.p[n] == '!') {
		conversion = n + 1 < all ? t.p[n + 1] : '\0';
		if ((conversion != 's' && conversion != 'r') || (n + 2 < all && t.p[n + 2] != ':'))
			jinja_fail(f->w, "a conversion that is not supported");
		n += 2;
	}
	put_pattern(f, (struct pattern){t.p + n + (n < all), t.end});
	text = jinja_cut(f->w, at);
	s = read_spec(f->w, (struct pattern){text.s->p, text.s->p + text.s->n});
	if (conversion == 'r') {
		jinja_print_repr(f->w, v);
		v = jinja_cut(f->w, at);
	} else if (conversion == 's') {
		v = (struct jvalue){.kind = J_STR, .s = jinja_print_str(f->w, v)};
	}
	format_value(f->w, &s, v, !text.s->n);
}

/* The end of the field that begins at p; fields may stand in each other */
static const char *field_end(struct jwork *w, struct pattern t)
{
	int depth = 1;

	for (; t.p < t.end; t.p++) {
		depth += *t.p == '{' ? 1 : *t.p == '}' ? -1 : 0;
		if (!depth)
			return t.p;
	}
	jinja_fail(w, "expected '}' before end of string");
}

static void put_pattern(struct braces *f, struct pattern t)
{
	if (++f->depth > 3)
		jinja_fail(f->w, "Max string recursion exceeded");
	while (t.p < t.end) {
		char c = *t.p++;

		jinja_step(f->w);
		if (c != '{' && c != '}') {
			jinja_put(f->w, &c, 1);
		} else if (t.p < t.end && *t.p == c && f->depth == 1) {
			jinja_put(f->w, t.p++, 1);
		} else if (c == '}') {
			jinja_fail(f->w, "Single '}' encountered in format string");
		} else {
			const char *end = field_end(f->w, t);

			put_field(f, (struct pattern){t.p, end});
			t.p = end + 1;
		}
	}
	f->depth--;
}

struct jvalue jinja_format_braces(struct jwork *w, const struct jstr *s, const struct jargs *args)
{
	struct braces f = {.w = w, .args = args};
	size_t start = w->out.n;

	put_pattern(&f, (struct pattern){s->p, s->p + s->n});
	return jinja_cut(w, start);
}
