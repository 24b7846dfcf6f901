/* jinjafilter.c - filters. See jinjafilter.h. */
#include "chat/jinjafilter.h"
#include "chat/jinjaattr.h"
#include "chat/jinjacall.h"
#include "chat/jinjachar.h"
#include "chat/jinjaformat.h"
#include "chat/jinjaitem.h"
#include "chat/jinjamath.h"
#include "chat/jinjaprint.h"
#include "chat/jinjatext.h"

#include <math.h>
#include <string.h>

#define FILTER(name) JFUNCTION(filter_##name)

static bool given(struct jvalue v)
{
	return v.kind != J_MISSING && v.kind != J_NONE;
}

static struct jvalue of_str(const struct jstr *s)
{
	return (struct jvalue){.kind = J_STR, .s = s};
}

static struct jvalue of_list(struct jlist *l)
{
	return (struct jvalue){.kind = J_LIST, .l = l};
}

static int64_t int_or(struct jwork *w, struct jvalue v, int64_t otherwise)
{
	return v.kind == J_MISSING ? otherwise : jinja_as_int(w, v, "argument");
}

static const struct jstr *str_or(struct jwork *w, struct jvalue v, const char *otherwise)
{
	return v.kind == J_MISSING ? jinja_words(w, otherwise).s : jinja_print_str(w, v);
}

static const struct jargs no_args;

/* ---- of text ---- */

FILTER(string)
{
	JUNUSED;
	return of_str(jinja_print_str(w, self));
}

FILTER(upper)
{
	JUNUSED;
	return jinja_text_upper(w, jinja_print_str(w, self));
}

FILTER(lower)
{
	JUNUSED;
	return jinja_text_lower(w, jinja_print_str(w, self));
}

FILTER(capitalize)
{
	JUNUSED;
	return jinja_text_capital(w, jinja_print_str(w, self));
}

/* Where words of `title` are parted */
static bool is_part(char c)
{
	return c == '-' || c == '(' || c == '{' || c == '[' || c == '<';
}

FILTER(title)
{
	const struct jstr *s = jinja_print_str(w, self);
	size_t start = w->out.n, n;

	JUNUSED;
	for (size_t i = 0; i < s->n; i += n) {
		size_t blank = jinja_char_space(s->p + i, s->n - i);
		const struct jstr *part, *first;

		n = blank ? blank : 1;
		if (blank || is_part(s->p[i])) {
			jinja_put(w, s->p + i, n);
			continue;
		}
		for (n = 0; i + n < s->n && !is_part(s->p[i + n]) &&
			    !jinja_char_space(s->p + i + n, s->n - i - n);)
			n++;
		part = jinja_text(w, s->p + i, n).s;
		n = jinja_byte_of(w, part, 1);
		first = jinja_text_upper(w, jinja_text(w, part->p, n).s).s;
		jinja_put(w, first->p, first->n);
		part = jinja_text_lower(w, jinja_text(w, part->p + n, part->n - n).s).s;
		jinja_put(w, part->p, part->n);
		for (n = 0; i + n < s->n && !is_part(s->p[i + n]) &&
			    !jinja_char_space(s->p + i + n, s->n - i - n);)
			n++;
	}
	jinja_scan(w, s->n);
	return jinja_cut(w, start);
}

FILTER(trim)
{
	JUNUSED;
	return jinja_text_strip(w, jinja_print_str(w, self),
				given(arg[0]) ? jinja_as_str(w, arg[0], "trim") : NULL, true, true);
}

FILTER(replace)
{
	const struct jstr *s = jinja_print_str(w, self);

	JUNUSED;
	return jinja_text_replace(w, s, jinja_as_str(w, arg[0], "replace"),
				  jinja_as_str(w, arg[1], "replace"),
				  given(arg[2]) ? jinja_as_int(w, arg[2], "replace") : -1);
}

FILTER(center)
{
	JUNUSED;
	return jinja_text_center(w, jinja_print_str(w, self), int_or(w, arg[0], 80),
				 jinja_words(w, " ").s);
}

FILTER(format)
{
	struct jvalue tuple = jinja_list(w, J_ROW_TUPLE, all->n);

	JUNUSED;
	if (all->n && all->n_named)
		jinja_fail(w, "can't handle positional and keyword arguments at the same time");
	for (size_t i = 0; i < all->n; i++)
		tuple.l->v[i] = all->v[i];
	if (all->n_named) {
		tuple = jinja_dict(w);
		for (size_t i = 0; i < all->n_named; i++)
			jinja_dict_put(w, tuple.d, of_str(all->named[i].name), all->named[i].value);
	}
	return jinja_format_percent(w, jinja_print_str(w, self), tuple);
}

FILTER(indent)
{
	const struct jstr *s = jinja_as_str(w, self, "indent"), *pad;
	bool first = arg[1].kind != J_MISSING && jinja_true(arg[1]);
	bool blank = arg[2].kind != J_MISSING && jinja_true(arg[2]);
	struct jlist *lines;
	size_t start;

	JUNUSED;
	pad = arg[0].kind == J_STR
		      ? arg[0].s
		      : jinja_math(w, '*', jinja_words(w, " "), jinja_int(int_or(w, arg[0], 4))).s;
	/* the line behind the last newline is one, too */
	lines = jinja_text_lines(w, jinja_concat(w, s, jinja_words(w, "\n").s).s, false);
	start = w->out.n;
	for (size_t i = 0; i < lines->n; i++) {
		jinja_puts(w, i ? "\n" : "");
		if (i ? lines->v[i].s->n || blank : first)
			jinja_put(w, pad->p, pad->n);
		jinja_put(w, lines->v[i].s->p, lines->v[i].s->n);
	}
	return jinja_cut(w, start);
}

FILTER(truncate)
{
	const struct jstr *s = jinja_print_str(w, self), *end = str_or(w, arg[2], "...");
	int64_t length = int_or(w, arg[0], 255), leeway = given(arg[3]) ? int_or(w, arg[3], 5) : 5;
	struct jvalue cut[3] = {jinja_none(), jinja_none(), jinja_none()}, v;

	JUNUSED;
	if (length < (int64_t)end->chars || leeway < 0)
		jinja_fail(w, "truncate: length or leeway is too small");
	if ((int64_t)s->chars <= length + leeway)
		return of_str(s);
	cut[1] = jinja_int(length - (int64_t)end->chars);
	v = jinja_item_slice(w, of_str(s), cut);
	if (arg[1].kind == J_MISSING || !jinja_true(arg[1])) {
		const char *blank = memrchr(v.s->p, ' ', v.s->n);

		if (blank)
			v = jinja_text(w, v.s->p, (size_t)(blank - v.s->p));
	}
	return jinja_concat(w, v.s, end);
}

FILTER(wordcount)
{
	const struct jstr *s = jinja_print_str(w, self);
	bool inside = false;
	int64_t words = 0;
	size_t bytes;

	JUNUSED;
	for (size_t i = 0; i < s->n; i += bytes) {
		bool word = jinja_char_is(jinja_char_decode(s->p + i, s->n - i, &bytes), JC_WORD);

		words += word && !inside;
		inside = word;
	}
	jinja_scan(w, s->n);
	return jinja_int(words);
}

FILTER(escape)
{
	JUNUSED;
	return jinja_text_escape(w, jinja_print_str(w, self));
}

FILTER(forceescape)
{
	struct jstr plain = *jinja_print_str(w, self);

	JUNUSED;
	plain.safe = false;
	return jinja_text_escape(w, &plain);
}

FILTER(safe)
{
	JUNUSED;
	return jinja_text_safe(w, jinja_print_str(w, self));
}

FILTER(urlencode)
{
	static const char plain[] = "_.-~/", hex[] = "0123456789ABCDEF";
	const struct jstr *s = jinja_print_str(w, self);
	size_t start = w->out.n;

	JUNUSED;
	if (self.kind == J_DICT || self.kind == J_LIST)
		jinja_fail(w, "urlencode: only of text");
	for (size_t i = 0; i < s->n; i++) {
		unsigned char c = (unsigned char)s->p[i];
		char text[3] = {'%', hex[c >> 4], hex[c & 15]};
		bool as_is = c < 0x80 && c && (jinja_char_is(c, JC_WORD) || strchr(plain, c));

		jinja_put(w, as_is ? s->p + i : text, as_is ? 1 : 3);
	}
	jinja_scan(w, s->n);
	return jinja_cut(w, start);
}

/* ---- of numbers ---- */

FILTER(abs)
{
	JUNUSED;
	if (self.kind == J_FLOAT)
		return jinja_float(fabs(self.f));
	if (!jinja_is_int(self) && self.kind != J_UNDEFINED)
		jinja_fail(w, "bad operand type for abs(): '%s'", jinja_type(self));
	return jinja_as_int(w, self, "abs") < 0 ? jinja_math_negative(w, self)
						: jinja_int(jinja_as_int(w, self, "abs"));
}

static bool whole_of(double f, int64_t *i)
{
	if (!(fabs(f) < 0x1p63))
		return false;
	*i = (int64_t)f;
	return true;
}

FILTER(int)
{
	struct jvalue otherwise = arg[0].kind == J_MISSING ? jinja_int(0) : arg[0];
	int64_t i;
	double f;

	JUNUSED;
	if (self.kind == J_UNDEFINED)
		jinja_use_undefined(w, self);
	if (jinja_is_int(self))
		return jinja_int(jinja_as_int(w, self, "int"));
	if (self.kind == J_STR) {
		if (jinja_math_read_int(w, self.s, (int)int_or(w, arg[1], 10), &i))
			return jinja_int(i);
		if (!jinja_math_read_float(w, self.s, &f))
			return otherwise;
	} else if (self.kind == J_FLOAT) {
		f = self.f;
	} else {
		return otherwise;
	}
	if (isfinite(f) && !whole_of(f, &i))
		jinja_fail(w, "a whole number beyond 64 bits");
	return isfinite(f) ? jinja_int(i) : otherwise;
}

FILTER(float)
{
	double f;

	JUNUSED;
	if (self.kind == J_UNDEFINED)
		jinja_use_undefined(w, self);
	if (jinja_is_number(self))
		return jinja_float(jinja_as_float(self));
	if (self.kind == J_STR && jinja_math_read_float(w, self.s, &f))
		return jinja_float(f);
	return arg[0].kind == J_MISSING ? jinja_float(0) : arg[0];
}

/* round(i, digits) of a whole number: half to even at a power of ten */
static struct jvalue round_int(struct jwork *w, int64_t i, int64_t digits)
{
	int64_t unit = 1, rest, twice;

	if (digits >= 0)
		return jinja_int(i);
	if (digits < -18)
		return jinja_int(0);
	for (; digits < 0; digits++)
		unit *= 10;
	rest = ((i % unit) + unit) % unit;
	i -= rest;
	twice = rest < unit - rest ? -1 : rest > unit - rest;
	if (twice > 0 || (!twice && (i / unit) % 2))
		return jinja_math(w, '+', jinja_int(i), jinja_int(unit));
	return jinja_int(i);
}

FILTER(round)
{
	const struct jstr *how = str_or(w, arg[1], "common");
	int64_t digits = int_or(w, arg[0], 0);
	double unit;

	JUNUSED;
	if (self.kind == J_UNDEFINED)
		jinja_use_undefined(w, self);
	if (!jinja_is_number(self))
		jinja_fail(w, "type %s doesn't define __round__ method", jinja_type(self));
	if (jinja_is_str(of_str(how), "common"))
		return jinja_is_int(self) ? round_int(w, jinja_as_int(w, self, "round"), digits)
					  : jinja_float(jinja_math_round(self.f, digits));
	if (!jinja_is_str(of_str(how), "ceil") && !jinja_is_str(of_str(how), "floor"))
		jinja_fail(w, "method must be common, ceil or floor");
	unit = pow(10, (double)digits);
	return jinja_float((how->p[0] == 'c' ? ceil : floor)(jinja_as_float(self) * unit) / unit);
}

/* ---- of lists ---- */

FILTER(length)
{
	size_t n;

	JUNUSED;
	if (!jinja_has_length(self, &n))
		jinja_fail(w, "object of type '%s' has no len()", jinja_type(self));
	return jinja_int((int64_t)n);
}

FILTER(first)
{
	struct jlist *l;

	JUNUSED;
	if (self.kind == J_LIST && self.l->row == J_ROW_ONCE) {
		l = self.l;
		if (l->at < l->n)
			return l->v[l->at++];
	} else {
		l = jinja_items(w, self);
		if (l->n)
			return l->v[0];
	}
	return jinja_hint(w, "No first item, sequence was empty.");
}

FILTER(last)
{
	struct jlist *l;

	JUNUSED;
	if (self.kind == J_LIST && self.l->row == J_ROW_ONCE)
		jinja_fail(w, "'generator' object is not reversible");
	l = jinja_items(w, self);
	return l->n ? l->v[l->n - 1] : jinja_hint(w, "No last item, sequence was empty.");
}

/* The same values as a row of another kind */
static struct jvalue row_of(struct jwork *w, const struct jlist *l, enum jrow row)
{
	struct jvalue v = jinja_list(w, row, 0);

	v.l->v = l->v;
	v.l->n = l->n;
	return v;
}

FILTER(list)
{
	JUNUSED;
	return row_of(w, jinja_items(w, self), J_ROW_LIST);
}

FILTER(items)
{
	struct jvalue v = jinja_list(w, J_ROW_ONCE, self.kind == J_DICT ? self.d->n : 0);

	JUNUSED;
	if (self.kind != J_DICT && self.kind != J_UNDEFINED)
		jinja_fail(w, "Can only get item pairs from a mapping.");
	for (size_t i = 0; i < v.l->n; i++)
		v.l->v[i] = jinja_pair(w, self.d->v[i].key, self.d->v[i].value);
	return v;
}

static struct jlist *reversed(struct jwork *w, const struct jlist *l)
{
	struct jlist *r = jinja_list(w, J_ROW_ONCE, l->n).l;

	for (size_t i = 0; i < l->n; i++)
		r->v[i] = l->v[l->n - 1 - i];
	jinja_scan(w, 16 * l->n);
	return r;
}

FILTER(reverse)
{
	struct jlist *l = reversed(w, jinja_items(w, self));
	size_t start = w->out.n;

	JUNUSED;
	if (self.kind == J_UNDEFINED)
		return row_of(w, l, J_ROW_LIST);
	if (self.kind != J_STR)
		return of_list(l);
	for (size_t i = 0; i < l->n; i++)
		jinja_put(w, l->v[i].s->p, l->v[i].s->n);
	return jinja_cut(w, start);
}

FILTER(join)
{
	const struct jstr *sep = str_or(w, arg[0], "");
	const struct jlist *l = jinja_items(w, self);
	size_t start = w->out.n;

	JUNUSED;
	for (size_t i = 0; i < l->n; i++) {
		jinja_put(w, sep->p, i ? sep->n : 0);
		jinja_print(w, given(arg[1]) ? jinja_attr_path(w, l->v[i], arg[1]) : l->v[i]);
		jinja_step(w);
	}
	return jinja_cut(w, start);
}

FILTER(sum)
{
	const struct jlist *l = jinja_items(w, self);
	struct jvalue v = arg[1].kind == J_MISSING ? jinja_int(0) : arg[1];

	JUNUSED;
	if (v.kind == J_STR)
		jinja_fail(w, "sum() can't sum strings [use ''.join(seq) instead]");
	for (size_t i = 0; i < l->n; i++)
		v = jinja_math(w, '+', v,
			       given(arg[0]) ? jinja_attr_path(w, l->v[i], arg[0]) : l->v[i]);
	return v;
}

/* ---- orders ---- */

/* What a value is ordered by: its attribute, small letters */
static struct jvalue key_of(struct jwork *w, struct jvalue v, struct jvalue attribute, bool exact)
{
	if (given(attribute))
		v = jinja_attr_path(w, v, attribute);
	return v.kind == J_STR && !exact ? jinja_text_lower(w, v.s) : v;
}

/* The same of several attributes, parted by commas: a list */
static struct jvalue keys_of(struct jwork *w, struct jvalue v, struct jvalue attribute, bool exact)
{
	const char *p, *end, *comma;
	struct jvalue keys;

	if (attribute.kind != J_STR || !memchr(attribute.s->p, ',', attribute.s->n))
		return key_of(w, v, attribute, exact);
	keys = jinja_list(w, J_ROW_LIST, 0);
	p = attribute.s->p;
	for (end = p + attribute.s->n; p <= end; p = comma + 1) {
		comma = memchr(p, ',', (size_t)(end - p));
		comma = comma ? comma : end;
		jinja_item_push(w, keys.l,
				key_of(w, v, jinja_text(w, p, (size_t)(comma - p)), exact));
	}
	return keys;
}

/* Sorts n pairs of key and value: stable, also when it is turned around. */
static struct jpair *sort_pairs(struct jwork *w, struct jpair *v, size_t n, bool down)
{
	struct jpair *to = jinja_alloc(w, n, sizeof *to);

	for (size_t run = 1; run < n; run *= 2) {
		struct jpair *swap = v;

		for (size_t from = 0; from < n; from += 2 * run) {
			size_t mid = from + run < n ? from + run : n;
			size_t end = mid + run < n ? mid + run : n, a = from, b = mid;

			for (size_t i = from; i < end; i++) {
				bool second =
					a == mid ||
					(b < end &&
					 (down ? jinja_compare(w, v[a].key, v[b].key, "<")
					       : jinja_compare(w, v[b].key, v[a].key, "<")) == -1);

				to[i] = second ? v[b++] : v[a++];
			}
		}
		v = to;
		to = swap;
	}
	return v;
}

static bool flag(struct jvalue v)
{
	return v.kind != J_MISSING && jinja_true(v);
}

FILTER(sort)
{
	const struct jlist *l = jinja_items(w, self);
	struct jpair *v = jinja_alloc(w, l->n, sizeof *v);
	struct jvalue sorted = jinja_list(w, J_ROW_LIST, l->n);

	JUNUSED;
	for (size_t i = 0; i < l->n; i++)
		v[i] = (struct jpair){keys_of(w, l->v[i], arg[2], flag(arg[1])), l->v[i]};
	v = sort_pairs(w, v, l->n, flag(arg[0]));
	for (size_t i = 0; i < l->n; i++)
		sorted.l->v[i] = v[i].value;
	return sorted;
}

FILTER(dictsort)
{
	const struct jstr *by = str_or(w, arg[1], "key");
	bool key = jinja_is_str(of_str(by), "key");
	struct jvalue sorted;
	struct jpair *v;

	JUNUSED;
	if (!key && !jinja_is_str(of_str(by), "value"))
		jinja_fail(w, "You can only sort by either \"key\" or \"value\"");
	if (self.kind == J_UNDEFINED)
		jinja_use_undefined(w, self);
	if (self.kind != J_DICT)
		jinja_fail(w, "'%s' object has no attribute 'items'", jinja_type(self));
	v = jinja_alloc(w, self.d->n, sizeof *v);
	sorted = jinja_list(w, J_ROW_LIST, self.d->n);
	for (size_t i = 0; i < self.d->n; i++) {
		const struct jpair *p = &self.d->v[i];

		v[i].key = key_of(w, key ? p->key : p->value, jinja_none(), flag(arg[0]));
		v[i].value = jinja_pair(w, p->key, p->value);
	}
	v = sort_pairs(w, v, self.d->n, flag(arg[2]));
	for (size_t i = 0; i < self.d->n; i++)
		sorted.l->v[i] = v[i].value;
	return sorted;
}

static struct jvalue extreme(struct jwork *w, struct jvalue self, const struct jvalue *arg,
			     const char *op, int wanted)
{
	const struct jlist *l = jinja_items(w, self);
	struct jvalue best, key;

	if (!l->n)
		return jinja_hint(w, "No aggregated item, sequence was empty.");
	best = l->v[0];
	key = key_of(w, best, arg[1], flag(arg[0]));
	for (size_t i = 1; i < l->n; i++) {
		struct jvalue k = key_of(w, l->v[i], arg[1], flag(arg[0]));

		if (jinja_compare(w, k, key, op) == wanted) {
			best = l->v[i];
			key = k;
		}
	}
	return best;
}

FILTER(min)
{
	JUNUSED;
	return extreme(w, self, arg, "<", -1);
}

FILTER(max)
{
	JUNUSED;
	return extreme(w, self, arg, ">", 1);
}

FILTER(unique)
{
	const struct jlist *l = jinja_items(w, self);
	struct jvalue kept = jinja_list(w, J_ROW_ONCE, l->n), seen = jinja_dict(w);

	JUNUSED;
	kept.l->n = 0;
	for (size_t i = 0; i < l->n; i++) {
		struct jvalue key = key_of(w, l->v[i], arg[1], flag(arg[0]));

		if (jinja_dict_find(w, seen.d, key))
			continue;
		jinja_dict_put(w, seen.d, key, jinja_none());
		kept.l->v[kept.l->n++] = l->v[i];
	}
	return kept;
}

FILTER(groupby)
{
	const struct jlist *l = jinja_items(w, self);
	struct jpair *v = jinja_alloc(w, l->n, sizeof *v);
	struct jvalue groups = jinja_list(w, J_ROW_LIST, l->n), *group = NULL;
	bool exact = flag(arg[2]);

	JUNUSED;
	for (size_t i = 0; i < l->n; i++) {
		struct jvalue key = jinja_attr_path(w, l->v[i], arg[0]);

		if (key.kind == J_UNDEFINED && arg[1].kind != J_MISSING)
			key = arg[1];
		v[i] = (struct jpair){key_of(w, key, jinja_none(), exact), l->v[i]};
	}
	v = sort_pairs(w, v, l->n, false);
	groups.l->n = 0;
	for (size_t i = 0; i < l->n; i++) {
		if (!i || !jinja_equal(w, v[i].key, v[i - 1].key)) {
			struct jvalue key = jinja_attr_path(w, v[i].value, arg[0]);

			if (key.kind == J_UNDEFINED && arg[1].kind != J_MISSING)
				key = arg[1];
			group = &groups.l->v[groups.l->n++];
			*group = jinja_pair(w, key, jinja_list(w, J_ROW_LIST, 0));
		}
		jinja_item_push(w, group->l->v[1].l, v[i].value);
	}
	return groups;
}

/* ---- parts ---- */

FILTER(batch)
{
	const struct jlist *l = jinja_items(w, self);
	int64_t size = jinja_as_int(w, arg[0], "batch");
	struct jvalue rows = jinja_list(w, J_ROW_LIST, 0);

	JUNUSED;
	rows.l->row = J_ROW_ONCE;
	if (size < 1 || size > JINJA_STEPS)
		jinja_fail(w, "batch: a size of 1 or more");
	for (size_t i = 0; i < l->n; i += (size_t)size) {
		size_t n = l->n - i < (size_t)size ? l->n - i : (size_t)size;
		struct jvalue row = jinja_list(w, J_ROW_LIST, given(arg[1]) ? (size_t)size : n);

		for (size_t k = 0; k < row.l->n; k++)
			row.l->v[k] = k < n ? l->v[i + k] : arg[1];
		jinja_item_push(w, rows.l, row);
	}
	return rows;
}

FILTER(slice)
{
	const struct jlist *l = jinja_items(w, self);
	int64_t parts = jinja_as_int(w, arg[0], "slice");
	struct jvalue rows;
	size_t n, more, at = 0;

	JUNUSED;
	if (parts < 1 || parts > JINJA_STEPS)
		jinja_fail(w, "slice: 1 part or more");
	rows = jinja_list(w, J_ROW_ONCE, (size_t)parts);
	n = l->n / (size_t)parts;
	more = l->n % (size_t)parts;
	for (size_t i = 0; i < rows.l->n; i++) {
		size_t len = n + (i < more);
		bool fill = given(arg[1]) && i >= more;

		rows.l->v[i] = jinja_list(w, J_ROW_LIST, len + fill);
		for (size_t k = 0; k < len; k++)
			rows.l->v[i].l->v[k] = l->v[at++];
		if (fill)
			rows.l->v[i].l->v[len] = arg[1];
	}
	return rows;
}

/* ---- filters of filters ---- */

/* What they go through: nothing, where it counts as false, whatever it is */
static const struct jlist *items_if_any(struct jwork *w, struct jvalue v)
{
	return jinja_true(v) ? jinja_items(w, v) : jinja_list(w, J_ROW_LIST, 0).l;
}

static struct jargs behind(const struct jargs *all, size_t n)
{
	struct jargs rest = *all;

	rest.v += n;
	rest.n -= n;
	return rest;
}

static const struct jvalue *named(const struct jargs *all, const char *name)
{
	for (size_t i = 0; i < all->n_named; i++)
		if (jinja_is_str(of_str(all->named[i].name), name))
			return &all->named[i].value;
	return NULL;
}

FILTER(map)
{
	const struct jlist *l = items_if_any(w, self);
	struct jvalue v = jinja_list(w, J_ROW_ONCE, l->n);
	const struct jvalue *attribute = all->n ? NULL : named(all, "attribute");
	const struct jvalue *otherwise = named(all, "default");
	struct jargs rest;

	JUNUSED;
	if (!all->n && !attribute)
		jinja_fail(w, "map requires a filter argument");
	for (size_t i = 0; i < l->n; i++) {
		if (attribute) {
			v.l->v[i] = jinja_attr_path(w, l->v[i], *attribute);
			if (v.l->v[i].kind == J_UNDEFINED && otherwise)
				v.l->v[i] = *otherwise;
			continue;
		}
		rest = behind(all, 1);
		v.l->v[i] = jinja_filter(w, jinja_as_str(w, all->v[0], "map"), l->v[i], &rest);
	}
	return v;
}

/* The values for which a test holds, or does not; by_attribute: of their attribute all->v[0] */
static struct jvalue choose(struct jwork *w, struct jvalue self, const struct jargs *all,
			    bool by_attribute, bool wanted)
{
	const struct jlist *l = items_if_any(w, self);
	struct jvalue v = jinja_list(w, J_ROW_ONCE, l->n);
	size_t used = by_attribute;
	struct jargs rest;

	if (all->n < used)
		jinja_fail(w, "Missing parameter for attribute name");
	v.l->n = 0;
	for (size_t i = 0; i < l->n; i++) {
		struct jvalue x = by_attribute ? jinja_attr_path(w, l->v[i], all->v[0]) : l->v[i];
		bool holds = jinja_true(x);

		jinja_step(w);
		if (all->n > used) {
			rest = behind(all, used + 1);
			holds = jinja_call_test(w, jinja_as_str(w, all->v[used], "select"), x,
						&rest);
		}
		if (holds == wanted)
			v.l->v[v.l->n++] = l->v[i];
	}
	return v;
}

FILTER(select)
{
	JUNUSED;
	return choose(w, self, all, false, true);
}

FILTER(reject)
{
	JUNUSED;
	return choose(w, self, all, false, false);
}

FILTER(selectattr)
{
	JUNUSED;
	return choose(w, self, all, true, true);
}

FILTER(rejectattr)
{
	JUNUSED;
	return choose(w, self, all, true, false);
}

/* ---- of anything ---- */

FILTER(default)
{
	JUNUSED;
	if (self.kind == J_UNDEFINED || (flag(arg[1]) && !jinja_true(self)))
		return arg[0].kind == J_MISSING ? jinja_words(w, "") : arg[0];
	return self;
}

FILTER(attr)
{
	const struct jstr *name = jinja_as_str(w, arg[0], "attr");
	struct jvalue to;

	JUNUSED;
	if (self.kind == J_UNDEFINED)
		jinja_use_undefined(w, self);
	return jinja_attr_find(w, self, name, &to) ? to
						   : jinja_undefined(w, jinja_type(self), name);
}

static struct span span_of(const struct jstr *s)
{
	return (struct span){s->p, s->n};
}

FILTER(tojson)
{
	struct jjson how = {.indent = JINJA_FLAT, .pad = {" ", 1}, .colon = {": ", 2}};
	size_t start = w->out.n;

	JUNUSED;
	how.ascii = flag(arg[0]);
	how.sorted = flag(arg[3]);
	how.comma = given(arg[1]) ? (struct span){",", 1} : (struct span){", ", 2};
	if (given(arg[1]) && arg[1].kind == J_STR) {
		how.indent = 1;
		how.pad = span_of(arg[1].s);
	} else if (given(arg[1])) {
		int64_t n = jinja_as_int(w, arg[1], "indent");

		how.indent = n < 0 ? 0 : n > 1000 ? 1000 : (int)n;
	}
	if (given(arg[2])) {
		const struct jlist *l = jinja_items(w, arg[2]);

		if (l->n != 2)
			jinja_fail(w, "tojson: separators are two");
		how.comma = span_of(jinja_as_str(w, l->v[0], "separators"));
		how.colon = span_of(jinja_as_str(w, l->v[1], "separators"));
	}
	jinja_print_json(w, self, &how);
	return jinja_cut(w, start);
}

FILTER(refused)
{
	JUNUSED;
	jinja_fail(w, "this filter is not supported");
}

static const struct jfunction filters[] = {
	{"abs", "", filter_abs},
	{"attr", "name", filter_attr},
	{"batch", "linecount fill_with?", filter_batch},
	{"capitalize", "", filter_capitalize},
	{"center", "width?", filter_center},
	{"count", "", filter_length},
	{"d", "default_value? boolean?", filter_default},
	{"default", "default_value? boolean?", filter_default},
	{"dictsort", "case_sensitive? by? reverse?", filter_dictsort},
	{"e", "", filter_escape},
	{"escape", "", filter_escape},
	{"filesizeformat", "*", filter_refused},
	{"first", "", filter_first},
	{"float", "default?", filter_float},
	{"forceescape", "", filter_forceescape},
	{"format", "*", filter_format},
	{"groupby", "attribute default? case_sensitive?", filter_groupby},
	{"indent", "width? first? blank?", filter_indent},
	{"int", "default? base?", filter_int},
	{"items", "", filter_items},
	{"join", "d? attribute?", filter_join},
	{"last", "", filter_last},
	{"length", "", filter_length},
	{"list", "", filter_list},
	{"lower", "", filter_lower},
	{"map", "*", filter_map},
	{"max", "case_sensitive? attribute?", filter_max},
	{"min", "case_sensitive? attribute?", filter_min},
	{"pprint", "*", filter_refused},
	{"random", "*", filter_refused},
	{"reject", "*", filter_reject},
	{"rejectattr", "*", filter_rejectattr},
	{"replace", "old new count?", filter_replace},
	{"reverse", "", filter_reverse},
	{"round", "precision? method?", filter_round},
	{"safe", "", filter_safe},
	{"select", "*", filter_select},
	{"selectattr", "*", filter_selectattr},
	{"slice", "slices fill_with?", filter_slice},
	{"sort", "reverse? case_sensitive? attribute?", filter_sort},
	{"string", "", filter_string},
	{"striptags", "*", filter_refused},
	{"sum", "attribute? start?", filter_sum},
	{"title", "", filter_title},
	{"tojson", "ensure_ascii? indent? separators? sort_keys?", filter_tojson},
	{"trim", "chars?", filter_trim},
	{"truncate", "length? killwords? end? leeway?", filter_truncate},
	{"unique", "case_sensitive? attribute?", filter_unique},
	{"upper", "", filter_upper},
	{"urlencode", "", filter_urlencode},
	{"urlize", "*", filter_refused},
	{"wordcount", "", filter_wordcount},
	{"wordwrap", "*", filter_refused},
	{"xmlattr", "*", filter_refused},
};

struct jvalue jinja_filter(struct jwork *w, const struct jstr *name, struct jvalue v,
			   const struct jargs *args)
{
	const struct jfunction *f =
		jinja_function_find(filters, sizeof filters / sizeof *filters, name);
	int n = (int)(name->n < 99 ? name->n : 99);

	if (!f)
		jinja_fail(w, "No filter named '%.*s'", n, name->p);
	if (f->run == filter_refused)
		jinja_fail(w, "the filter %.*s is not supported", n, name->p);
	return jinja_call(w, "filter", f, v, args ? args : &no_args);
}
