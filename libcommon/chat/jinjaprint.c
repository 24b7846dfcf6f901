/* jinjaprint.c - values as text. See jinjaprint.h. */
#include "chat/jinjaprint.h"
#include "chat/jinjachar.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers ---- */

/* The shortest digits, without a point, that read back as f > 0; 10^*e is the first one's place. */
static int shortest(double f, char digits[24], int *e)
{
	char text[40];
	int n = f < DBL_MIN ? 1 : 15; /* less precise ones have less digits */

	for (; n < 17; n++) {
		snprintf(text, sizeof text, "%.*e", n - 1, f);
		if (strtod(text, NULL) == f)
			break;
	}
	snprintf(text, sizeof text, "%.*e", n - 1, f);
	*e = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
	digits[0] = text[0];
	memcpy(digits + 1, text + 2, (size_t)n - 1);
	while (n > 1 && digits[n - 1] == '0')
		n--;
	return n;
}

static void put_zeros(struct jwork *w, int n)
{
	for (; n > 0; n--)
		jinja_puts(w, "0");
}

static void put_exponential(struct jwork *w, const char *digits, int n, int e)
{
	char text[16];

	jinja_put(w, digits, 1);
	if (n > 1) {
		jinja_puts(w, ".");
		jinja_put(w, digits + 1, (size_t)n - 1);
	}
	snprintf(text, sizeof text, "e%c%02d", e < 0 ? '-' : '+', abs(e));
	jinja_puts(w, text);
}

static void put_plain(struct jwork *w, const char *digits, int n, int e)
{
	if (e < 0) {
		jinja_puts(w, "0.");
		put_zeros(w, -e - 1);
		jinja_put(w, digits, (size_t)n);
		return;
	}
	if (n <= e + 1) {
		jinja_put(w, digits, (size_t)n);
		put_zeros(w, e + 1 - n);
		jinja_puts(w, ".0");
		return;
	}
	jinja_put(w, digits, (size_t)e + 1);
	jinja_puts(w, ".");
	jinja_put(w, digits + e + 1, (size_t)(n - e - 1));
}

void jinja_print_float(struct jwork *w, double f)
{
	char digits[24];
	int e, n;

	if (isnan(f)) {
		jinja_puts(w, "nan");
		return;
	}
	if (signbit(f))
		jinja_puts(w, "-");
	if (isinf(f)) {
		jinja_puts(w, "inf");
	} else if (f == 0) {
		jinja_puts(w, "0.0");
	} else {
		n = shortest(fabs(f), digits, &e);
		(e < -4 || e >= 16 ? put_exponential : put_plain)(w, digits, n, e);
	}
}

void jinja_print_int(struct jwork *w, int64_t i)
{
	char text[24];

	jinja_put(w, text, (size_t)snprintf(text, sizeof text, "%" PRId64, i));
}

/* ---- repr ---- */

static void put_escaped(struct jwork *w, uint32_t c)
{
	char text[12];

	snprintf(text, sizeof text,
		 c < 0x100     ? "\\x%02x"
		 : c < 0x10000 ? "\\u%04x"
			       : "\\U%08x",
		 (unsigned)c);
	jinja_puts(w, text);
}

/* What stands behind the backslash for c; NULL: c has no such letter. of: pairs of c and its letter
 */
static const char *letter_of(uint32_t c, const char *of)
{
	for (; *of; of += 2)
		if ((unsigned char)*of == c)
			return of + 1;
	return NULL;
}

static void put_quoted(struct jwork *w, const struct jstr *s)
{
	bool twice = s->n && memchr(s->p, '\'', s->n) && !memchr(s->p, '"', s->n);
	char quote = twice ? '"' : '\'';
	size_t bytes;

	jinja_put(w, &quote, 1);
	for (size_t i = 0; i < s->n; i += bytes) {
		uint32_t c = jinja_char_decode(s->p + i, s->n - i, &bytes);
		const char *letter = letter_of(c, "\nn\rr\tt\\\\");

		if (letter || c == (unsigned char)quote) {
			jinja_puts(w, "\\");
			jinja_put(w, letter ? letter : &quote, 1);
		} else if (jinja_char_is(c, JC_PRINTABLE)) {
			jinja_put(w, s->p + i, bytes);
		} else {
			put_escaped(w, c);
		}
	}
	jinja_put(w, &quote, 1);
	jinja_scan(w, s->n);
}

static void put_values(struct jwork *w, const struct jlist *l)
{
	for (size_t i = 0; i < l->n; i++) {
		jinja_puts(w, i ? ", " : "");
		jinja_print_repr(w, l->v[i]);
	}
}

static void put_range(struct jwork *w, const struct jlist *l)
{
	jinja_puts(w, "range(");
	jinja_print_int(w, l->start);
	jinja_puts(w, ", ");
	jinja_print_int(w, l->stop);
	if (l->stride != 1) {
		jinja_puts(w, ", ");
		jinja_print_int(w, l->stride);
	}
	jinja_puts(w, ")");
}

static void put_list(struct jwork *w, const struct jlist *l)
{
	static const char *const begin[] = {[J_ROW_LIST] = "[",
					    [J_ROW_TUPLE] = "(",
					    [J_ROW_KEYS] = "dict_keys([",
					    [J_ROW_VALUES] = "dict_values([",
					    [J_ROW_ITEMS] = "dict_items(["},
				 *const end[] = {[J_ROW_LIST] = "]",
						 [J_ROW_TUPLE] = ")",
						 [J_ROW_KEYS] = "])",
						 [J_ROW_VALUES] = "])",
						 [J_ROW_ITEMS] = "])"};

	if (l->row == J_ROW_ONCE)
		jinja_fail(w, "a generator has no text: put |list behind it");
	if (l->row == J_ROW_RANGE) {
		put_range(w, l);
		return;
	}
	jinja_puts(w, begin[l->row]);
	put_values(w, l);
	jinja_puts(w, l->row == J_ROW_TUPLE && l->n == 1 ? ",)" : end[l->row]);
}

static void put_dict(struct jwork *w, const struct jdict *d)
{
	jinja_puts(w, "{");
	for (size_t i = 0; i < d->n; i++) {
		jinja_puts(w, i ? ", " : "");
		jinja_print_repr(w, d->v[i].key);
		jinja_puts(w, ": ");
		jinja_print_repr(w, d->v[i].value);
	}
	jinja_puts(w, "}");
}

void jinja_print_repr(struct jwork *w, struct jvalue v)
{
	jinja_step(w);
	jinja_nested(w);
	if (v.kind == J_STR)
		put_quoted(w, v.s);
	else if (v.kind == J_LIST)
		put_list(w, v.l);
	else if (v.kind == J_DICT)
		put_dict(w, v.d);
	else if (v.kind == J_UNDEFINED)
		jinja_puts(w, "Undefined");
	else
		jinja_print(w, v);
	w->nest--;
}

void jinja_print(struct jwork *w, struct jvalue v)
{
	switch (v.kind) {
	case J_UNDEFINED:
	case J_MISSING:
		return;
	case J_NONE:
		jinja_puts(w, "None");
		return;
	case J_BOOL:
		jinja_puts(w, v.b ? "True" : "False");
		return;
	case J_INT:
		jinja_print_int(w, v.i);
		return;
	case J_FLOAT:
		jinja_print_float(w, v.f);
		return;
	case J_STR:
		jinja_put(w, v.s->p, v.s->n);
		return;
	case J_LIST:
	case J_DICT:
		jinja_print_repr(w, v);
		return;
	case J_NAMESPACE:
		jinja_puts(w, "<Namespace ");
		put_dict(w, v.d);
		jinja_puts(w, ">");
		return;
	default:
		jinja_fail(w, "a '%s' has no text", jinja_type(v));
	}
}

const struct jstr *jinja_print_str(struct jwork *w, struct jvalue v)
{
	size_t at = w->out.n;

	if (v.kind == J_STR)
		return v.s;
	jinja_print(w, v);
	return jinja_cut(w, at).s;
}

/* ---- JSON ---- */

static void put_unit(struct jwork *w, uint32_t c)
{
	char text[16];

	snprintf(text, sizeof text, "\\u%04x", (unsigned)c);
	jinja_puts(w, text);
}

/* A character that JSON, or ASCII, cannot have as it is */
static void put_json_escape(struct jwork *w, uint32_t c)
{
	const char *letter = letter_of(c, "\nn\rr\tt\ff\bb\"\"\\\\");

	if (letter) {
		jinja_puts(w, "\\");
		jinja_put(w, letter, 1);
	} else if (c < 0x10000) {
		put_unit(w, c);
	} else {
		put_unit(w, 0xd7c0 + (c >> 10));
		put_unit(w, 0xdc00 + (c & 0x3ff));
	}
}

static void put_json_string(struct jwork *w, const struct jstr *s, bool ascii)
{
	size_t run = 0, bytes;

	jinja_puts(w, "\"");
	for (size_t i = 0; i < s->n; i += bytes) {
		uint32_t c = jinja_char_decode(s->p + i, s->n - i, &bytes);

		if (c >= ' ' && c != '"' && c != '\\' && !(ascii && c > 0x7e))
			continue;
		if (c == 0x7f)
			continue;
		jinja_put(w, s->p + run, i - run);
		put_json_escape(w, c);
		run = i + bytes;
	}
	jinja_put(w, s->p + run, s->n - run);
	jinja_puts(w, "\"");
	jinja_scan(w, s->n);
}

static void put_json(struct jwork *w, struct jvalue v, const struct jjson *how, int depth);

static void new_line(struct jwork *w, const struct jjson *how, int depth)
{
	if (how->indent == JINJA_FLAT)
		return;
	jinja_puts(w, "\n");
	for (int64_t i = (int64_t)how->indent * depth; i > 0; i--)
		jinja_put(w, how->pad.p, how->pad.n);
}

static void put_json_list(struct jwork *w, const struct jlist *l, const struct jjson *how,
			  int depth)
{
	jinja_puts(w, "[");
	for (size_t i = 0; i < l->n; i++) {
		if (i)
			jinja_put(w, how->comma.p, how->comma.n);
		new_line(w, how, depth + 1);
		put_json(w, l->v[i], how, depth + 1);
	}
	if (l->n)
		new_line(w, how, depth);
	jinja_puts(w, "]");
}

static void put_json_key(struct jwork *w, struct jvalue key, const struct jjson *how)
{
	if (key.kind == J_STR) {
		put_json_string(w, key.s, how->ascii);
		return;
	}
	if (!jinja_is_number(key) && key.kind != J_NONE)
		jinja_fail(w, "keys must be str, int, float, bool or None, not %s",
			   jinja_type(key));
	jinja_puts(w, "\"");
	put_json(w, key, how, 0);
	jinja_puts(w, "\"");
}

/* The pairs in the order of their keys; a stable merge would do no more for keys that differ */
static const struct jpair *sorted_pairs(struct jwork *w, const struct jdict *d)
{
	struct jpair *v = jinja_alloc(w, 2 * d->n, sizeof *v), *to = v + d->n;

	memcpy(v, d->v, d->n * sizeof *v);
	for (size_t run = 1; run < d->n; run *= 2) {
		struct jpair *swap = v;

		for (size_t from = 0; from < d->n; from += 2 * run) {
			size_t mid = from + run < d->n ? from + run : d->n;
			size_t end = mid + run < d->n ? mid + run : d->n, a = from, b = mid;

			for (size_t i = from; i < end; i++)
				to[i] = b == end || (a < mid &&
						     jinja_compare(w, v[b].key, v[a].key, "<") >= 0)
						? v[a++]
						: v[b++];
		}
		v = to;
		to = swap;
	}
	return v;
}

static void put_json_dict(struct jwork *w, const struct jdict *d, const struct jjson *how,
			  int depth)
{
	const struct jpair *v = how->sorted && d->n ? sorted_pairs(w, d) : d->v;

	jinja_puts(w, "{");
	for (size_t i = 0; i < d->n; i++) {
		if (i)
			jinja_put(w, how->comma.p, how->comma.n);
		new_line(w, how, depth + 1);
		put_json_key(w, v[i].key, how);
		jinja_put(w, how->colon.p, how->colon.n);
		put_json(w, v[i].value, how, depth + 1);
	}
	if (d->n)
		new_line(w, how, depth);
	jinja_puts(w, "}");
}

static void put_json_float(struct jwork *w, double f)
{
	if (isfinite(f))
		jinja_print_float(w, f);
	else
		jinja_puts(w, isnan(f) ? "NaN" : f < 0 ? "-Infinity" : "Infinity");
}

static void put_json(struct jwork *w, struct jvalue v, const struct jjson *how, int depth)
{
	bool list = v.kind == J_LIST && (v.l->row == J_ROW_LIST || v.l->row == J_ROW_TUPLE);

	jinja_step(w);
	jinja_nested(w);
	if (v.kind == J_STR)
		put_json_string(w, v.s, how->ascii);
	else if (list)
		put_json_list(w, v.l, how, depth);
	else if (v.kind == J_DICT)
		put_json_dict(w, v.d, how, depth);
	else if (v.kind == J_NONE || v.kind == J_BOOL)
		jinja_puts(w, v.kind == J_NONE ? "null" : v.b ? "true" : "false");
	else if (v.kind == J_INT)
		jinja_print_int(w, v.i);
	else if (v.kind == J_FLOAT)
		put_json_float(w, v.f);
	else
		jinja_fail(w, "Object of type %s is not JSON serializable", jinja_type(v));
	w->nest--;
}

void jinja_print_json(struct jwork *w, struct jvalue v, const struct jjson *how)
{
	put_json(w, v, how, 0);
}
