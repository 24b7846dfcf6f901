/* jinjavalue.c - the values of a template. See jinjavalue.h. */
#include "chat/jinjavalue.h"
#include "chat/jinjachar.h"
#include "base/hash.h"

#include <math.h>
#include <string.h>
#include <xxhash.h>

enum { GROW_FROM = 256, SMALL = 8 }; /* bytes of text; pairs of a map without a table */

/* ---- making ---- */

struct jvalue jinja_none(void)
{
	return (struct jvalue){.kind = J_NONE};
}

struct jvalue jinja_bool(bool b)
{
	return (struct jvalue){.kind = J_BOOL, .b = b};
}

struct jvalue jinja_int(int64_t i)
{
	return (struct jvalue){.kind = J_INT, .i = i};
}

struct jvalue jinja_float(double f)
{
	return (struct jvalue){.kind = J_FLOAT, .f = f};
}

static struct jvalue undefined(struct jwork *w, struct jundefined from)
{
	struct jundefined *u = jinja_alloc(w, 1, sizeof *u);

	*u = from;
	return (struct jvalue){.kind = J_UNDEFINED, .u = u};
}

struct jvalue jinja_undefined(struct jwork *w, const char *owner, const struct jstr *name)
{
	return undefined(w, (struct jundefined){.owner = owner, .name = name});
}

struct jvalue jinja_hint(struct jwork *w, const char *hint)
{
	return undefined(w, (struct jundefined){.hint = hint});
}

struct jvalue jinja_text(struct jwork *w, const char *p, size_t n)
{
	struct jstr *s = jinja_alloc(w, 1, sizeof *s);

	*s = (struct jstr){.p = n ? p : "", .n = n, .chars = jinja_char_count(p, n)};
	jinja_scan(w, n);
	return (struct jvalue){.kind = J_STR, .s = s};
}

struct jvalue jinja_words(struct jwork *w, const char *s)
{
	return jinja_text(w, s, strlen(s));
}

struct jvalue jinja_copy(struct jwork *w, const char *p, size_t n)
{
	char *q = jinja_alloc(w, n, 1);

	if (n)
		memcpy(q, p, n);
	return jinja_text(w, q, n);
}

struct jvalue jinja_cut(struct jwork *w, size_t at)
{
	struct jvalue v = jinja_copy(w, w->out.p ? w->out.p + at : "", w->out.n - at);

	w->out.n = at;
	return v;
}

/* Room for twice of n things of this size; NULL tail: not worth it. */
static void *grown(struct jwork *w, const void *from, size_t used, size_t n, size_t size,
		   struct jtail **tail)
{
	bool large = n * size >= GROW_FROM;
	char *p = jinja_alloc(w, large ? 2 * n : n, size);

	if (used)
		memcpy(p, from, used * size);
	jinja_scan(w, used * size);
	*tail = NULL;
	if (large) {
		*tail = jinja_alloc(w, 1, sizeof **tail);
		(*tail)->used = n;
		(*tail)->room = 2 * n;
	}
	return p;
}

/* May what ends at end be followed by n more, where it stands? */
static bool has_room(const struct jtail *t, size_t end, size_t n)
{
	return t && t->used == end && t->room - end >= n;
}

struct jvalue jinja_concat(struct jwork *w, const struct jstr *a, const struct jstr *b)
{
	struct jstr *s = jinja_alloc(w, 1, sizeof *s);
	struct jvalue v = {.kind = J_STR, .s = s};
	char *p;

	*s = *a;
	s->safe = false;
	s->n += b->n;
	s->chars += b->chars;
	if (has_room(a->tail, a->tail ? (size_t)(a->p - a->base) + a->n : 0, b->n)) {
		p = (char *)(uintptr_t)a->base;
		memcpy(p + a->tail->used, b->p, b->n);
		a->tail->used += b->n;
		jinja_scan(w, b->n);
		return v;
	}
	p = grown(w, a->p, a->n, s->n, 1, &s->tail);
	if (b->n)
		memcpy(p + a->n, b->p, b->n);
	s->p = s->base = p;
	return v;
}

struct jvalue jinja_list(struct jwork *w, enum jrow row, size_t n)
{
	struct jlist *l = jinja_alloc(w, 1, sizeof *l);

	l->row = row;
	l->n = n;
	l->v = jinja_alloc(w, n, sizeof *l->v);
	return (struct jvalue){.kind = J_LIST, .l = l};
}

struct jvalue jinja_list_concat(struct jwork *w, const struct jlist *a, const struct jlist *b)
{
	struct jlist *l = jinja_alloc(w, 1, sizeof *l);
	size_t end = a->tail ? (size_t)(a->v - a->base) + a->n : 0;

	*l = *a;
	l->n += b->n;
	if (has_room(a->tail, end, b->n)) {
		a->tail->used += b->n;
	} else {
		l->v = grown(w, a->v, a->n, l->n, sizeof *l->v, &l->tail);
		l->base = l->v;
	}
	if (b->n)
		memcpy(l->v + a->n, b->v, b->n * sizeof *b->v);
	jinja_scan(w, b->n * sizeof *b->v);
	return (struct jvalue){.kind = J_LIST, .l = l};
}

struct jvalue jinja_pair(struct jwork *w, struct jvalue a, struct jvalue b)
{
	struct jvalue v = jinja_list(w, J_ROW_TUPLE, 2);

	v.l->v[0] = a;
	v.l->v[1] = b;
	return v;
}

struct jvalue jinja_dict(struct jwork *w)
{
	return (struct jvalue){.kind = J_DICT, .d = jinja_alloc(w, 1, sizeof(struct jdict))};
}

static struct jvalue from_object(struct jwork *w, const json_t *j)
{
	struct jvalue d = jinja_dict(w);
	const char *key;
	size_t n;
	json_t *v;

	json_object_keylen_foreach((json_t *)(uintptr_t)j, key, n, v)
		jinja_dict_put(w, d.d, jinja_copy(w, key, n), jinja_from_json(w, v));
	return d;
}

static struct jvalue from_array(struct jwork *w, const json_t *j)
{
	struct jvalue l = jinja_list(w, J_ROW_LIST, json_array_size(j));

	for (size_t i = 0; i < l.l->n; i++)
		l.l->v[i] = jinja_from_json(w, json_array_get(j, i));
	return l;
}

struct jvalue jinja_from_json(struct jwork *w, const json_t *j)
{
	struct jvalue v = jinja_none();

	jinja_nested(w);
	if (json_is_object(j))
		v = from_object(w, j);
	else if (json_is_array(j))
		v = from_array(w, j);
	else if (json_is_string(j))
		v = jinja_copy(w, json_string_value(j), json_string_length(j));
	else if (json_is_integer(j))
		v = jinja_int(json_integer_value(j));
	else if (json_is_real(j))
		v = jinja_float(json_real_value(j));
	else if (json_is_boolean(j))
		v = jinja_bool(json_is_true(j));
	w->nest--;
	return v;
}

const struct jfunction *jinja_function_find(const struct jfunction *f, size_t n,
					    const struct jstr *name)
{
	for (size_t from = 0, to = n; from < to;) {
		size_t mid = from + (to - from) / 2, len = strlen(f[mid].name);
		int c = memcmp(f[mid].name, name->p, len < name->n ? len : name->n);

		c = c ? c : len < name->n ? -1 : len > name->n;
		if (!c)
			return &f[mid];
		if (c < 0)
			from = mid + 1;
		else
			to = mid;
	}
	return NULL;
}

/* ---- maps ---- */

static uint64_t hash_of(struct jwork *w, struct jvalue v)
{
	double whole;

	if (v.kind == J_STR) {
		jinja_scan(w, v.s->n);
		return XXH3_64bits(v.s->p, v.s->n);
	}
	if (jinja_is_int(v))
		return (uint64_t)jinja_as_int(w, v, "") * 2 + 1;
	if (v.kind == J_FLOAT && modf(v.f, &whole) == 0 && fabs(v.f) < 9e18)
		return (uint64_t)(int64_t)v.f * 2 + 1;
	if (v.kind == J_FLOAT)
		return XXH3_64bits(&v.f, sizeof v.f);
	if (v.kind == J_LIST && v.l->row == J_ROW_TUPLE) {
		uint64_t h = 7;

		jinja_nested(w);
		for (size_t i = 0; i < v.l->n; i++)
			h = h * 1000003 + hash_of(w, v.l->v[i]);
		w->nest--;
		return h;
	}
	if (v.kind == J_DICT || (v.kind == J_LIST && v.l->row == J_ROW_LIST))
		jinja_fail(w, "unhashable type: '%s'", jinja_type(v));
	return 5;
}

/* The slot of key, or the empty one where it belongs */
static uint32_t *find_slot(struct jwork *w, const struct jdict *d, struct jvalue key, uint64_t hash)
{
	size_t i = hash_place(hash, hash_key(), d->slots);

	for (; d->slot[i]; i = (i + 1) & (d->slots - 1)) {
		jinja_step(w);
		if (jinja_equal(w, d->v[d->slot[i] - 1].key, key))
			break;
	}
	return &d->slot[i];
}

static void fill_slots(struct jwork *w, struct jdict *d)
{
	d->slots = 4 * d->room;
	d->slot = jinja_alloc(w, d->slots, sizeof *d->slot);
	for (size_t i = 0; i < d->n; i++)
		*find_slot(w, d, d->v[i].key, hash_of(w, d->v[i].key)) = (uint32_t)i + 1;
}

struct jvalue *jinja_dict_find(struct jwork *w, const struct jdict *d, struct jvalue key)
{
	uint64_t hash = key.kind == J_STR && !d->slot ? 0 : hash_of(w, key);

	if (d->slot) {
		uint32_t at = *find_slot(w, d, key, hash);

		return at ? &d->v[at - 1].value : NULL;
	}
	for (size_t i = 0; i < d->n; i++)
		if (jinja_equal(w, d->v[i].key, key))
			return &d->v[i].value;
	return NULL;
}

void jinja_dict_put(struct jwork *w, struct jdict *d, struct jvalue key, struct jvalue value)
{
	struct jvalue *v = jinja_dict_find(w, d, key);

	if (v) {
		*v = value;
		return;
	}
	if (d->n == d->room) {
		struct jpair *old = d->v;

		d->room = d->room ? 2 * d->room : SMALL / 2;
		d->v = jinja_alloc(w, d->room, sizeof *d->v);
		if (d->n)
			memcpy(d->v, old, d->n * sizeof *old);
		jinja_scan(w, d->n * sizeof *old);
		if (d->room > SMALL)
			fill_slots(w, d);
	}
	if (d->slot)
		*find_slot(w, d, key, hash_of(w, key)) = (uint32_t)d->n + 1;
	d->v[d->n++] = (struct jpair){key, value};
}

/* ---- asking ---- */

bool jinja_is_str(struct jvalue v, const char *s)
{
	return v.kind == J_STR && v.s->n == strlen(s) && memcmp(v.s->p, s, v.s->n) == 0;
}

bool jinja_is_number(struct jvalue v)
{
	return v.kind == J_INT || v.kind == J_FLOAT || v.kind == J_BOOL;
}

bool jinja_is_int(struct jvalue v)
{
	return v.kind == J_INT || v.kind == J_BOOL;
}

int64_t jinja_as_int(struct jwork *w, struct jvalue v, const char *what)
{
	if (v.kind == J_UNDEFINED)
		jinja_use_undefined(w, v);
	if (!jinja_is_int(v))
		jinja_fail(w, "%s: '%s' object cannot be interpreted as an integer", what,
			   jinja_type(v));
	return v.kind == J_BOOL ? v.b : v.i;
}

double jinja_as_float(struct jvalue v)
{
	return v.kind == J_FLOAT ? v.f : v.kind == J_BOOL ? v.b : (double)v.i;
}

const struct jstr *jinja_as_str(struct jwork *w, struct jvalue v, const char *what)
{
	if (v.kind == J_UNDEFINED)
		jinja_use_undefined(w, v);
	if (v.kind != J_STR)
		jinja_fail(w, "%s: a string is wanted, not '%s'", what, jinja_type(v));
	return v.s;
}

bool jinja_true(struct jvalue v)
{
	switch (v.kind) {
	case J_MISSING:
	case J_UNDEFINED:
	case J_NONE:
		return false;
	case J_BOOL:
		return v.b;
	case J_INT:
		return v.i != 0;
	case J_FLOAT:
		return v.f != 0;
	case J_STR:
		return v.s->n != 0;
	case J_LIST:
		return v.l->row == J_ROW_ONCE || v.l->n != 0;
	case J_DICT:
		return v.d->n != 0;
	default:
		return true;
	}
}

const char *jinja_type(struct jvalue v)
{
	static const char *const names[] = {[J_MISSING] = "missing",
					    [J_UNDEFINED] = "Undefined",
					    [J_NONE] = "NoneType",
					    [J_BOOL] = "bool",
					    [J_INT] = "int",
					    [J_FLOAT] = "float",
					    [J_STR] = "str",
					    [J_DICT] = "dict",
					    [J_NAMESPACE] = "Namespace",
					    [J_LOOP] = "LoopContext",
					    [J_MACRO] = "Macro",
					    [J_FUNCTION] = "function",
					    [J_METHOD] = "builtin_function_or_method"};
	static const char *const rows[] = {
		[J_ROW_LIST] = "list",          [J_ROW_TUPLE] = "tuple",
		[J_ROW_RANGE] = "range",        [J_ROW_KEYS] = "dict_keys",
		[J_ROW_VALUES] = "dict_values", [J_ROW_ITEMS] = "dict_items",
		[J_ROW_ONCE] = "generator"};

	return v.kind == J_LIST ? rows[v.l->row] : names[v.kind];
}

static bool equal_lists(struct jwork *w, const struct jlist *a, const struct jlist *b)
{
	if (a == b)
		return true;
	if (a->row != b->row || a->n != b->n || a->row == J_ROW_ONCE || a->row == J_ROW_VALUES)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!jinja_equal(w, a->v[i], b->v[i]))
			return false;
	return true;
}

static bool equal_dicts(struct jwork *w, const struct jdict *a, const struct jdict *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		struct jvalue *v = jinja_dict_find(w, b, a->v[i].key);

		if (!v || !jinja_equal(w, a->v[i].value, *v))
			return false;
	}
	return true;
}

/* Of an integer and a float, exactly: -1, 0, 1; 2: the float is no number */
static int compare_mixed(int64_t i, double f)
{
	double whole;

	if (isnan(f))
		return 2;
	if (f >= 0x1p63)
		return -1;
	if (f < -0x1p63)
		return 1;
	whole = trunc(f);
	if (i != (int64_t)whole)
		return i < (int64_t)whole ? -1 : 1;
	return whole < f ? -1 : whole > f ? 1 : 0;
}

static int compare_numbers(struct jwork *w, struct jvalue a, struct jvalue b)
{
	int order;

	if (a.kind == J_FLOAT && b.kind == J_FLOAT)
		return isnan(a.f) || isnan(b.f) ? 2 : a.f < b.f ? -1 : a.f > b.f;
	if (b.kind == J_FLOAT)
		return compare_mixed(jinja_as_int(w, a, ""), b.f);
	if (a.kind == J_FLOAT) {
		order = compare_mixed(jinja_as_int(w, b, ""), a.f);
		return order == 2 ? 2 : -order;
	}
	{
		int64_t x = jinja_as_int(w, a, ""), y = jinja_as_int(w, b, "");

		return x < y ? -1 : x > y;
	}
}

static bool equal_same(struct jwork *w, struct jvalue a, struct jvalue b)
{
	switch (a.kind) {
	case J_STR:
		if (a.s->n != b.s->n)
			return false;
		jinja_scan(w, a.s->n);
		return memcmp(a.s->p, b.s->p, a.s->n) == 0;
	case J_LIST:
		return equal_lists(w, a.l, b.l);
	case J_DICT:
		return equal_dicts(w, a.d, b.d);
	case J_UNDEFINED:
	case J_NONE:
		return true;
	case J_METHOD:
		return a.bound->f == b.bound->f && jinja_equal(w, a.bound->self, b.bound->self);
	default: /* all others are the same thing or not equal */
		return a.s == b.s;
	}
}

bool jinja_equal(struct jwork *w, struct jvalue a, struct jvalue b)
{
	bool equal;

	jinja_step(w);
	if (jinja_is_number(a) && jinja_is_number(b))
		return compare_numbers(w, a, b) == 0;
	if (a.kind != b.kind)
		return false;
	jinja_nested(w);
	equal = equal_same(w, a, b);
	w->nest--;
	return equal;
}

static int compare_strings(struct jwork *w, const struct jstr *a, const struct jstr *b)
{
	size_t n = a->n < b->n ? a->n : b->n;
	int c = n ? memcmp(a->p, b->p, n) : 0;

	jinja_scan(w, n);
	return c ? (c < 0 ? -1 : 1) : a->n < b->n ? -1 : a->n > b->n;
}

static int compare_lists(struct jwork *w, const struct jlist *a, const struct jlist *b,
			 const char *op)
{
	int order = 0;

	jinja_nested(w);
	for (size_t i = 0; i < a->n && i < b->n && !order; i++)
		if (!jinja_equal(w, a->v[i], b->v[i]))
			order = jinja_compare(w, a->v[i], b->v[i], op);
	w->nest--;
	return order ? order : a->n < b->n ? -1 : a->n > b->n;
}

int jinja_compare(struct jwork *w, struct jvalue a, struct jvalue b, const char *op)
{
	jinja_step(w);
	if (a.kind == J_UNDEFINED)
		jinja_use_undefined(w, a);
	if (b.kind == J_UNDEFINED)
		jinja_use_undefined(w, b);
	if (jinja_is_number(a) && jinja_is_number(b))
		return compare_numbers(w, a, b);
	if (a.kind == J_STR && b.kind == J_STR)
		return compare_strings(w, a.s, b.s);
	if (a.kind == J_LIST && b.kind == J_LIST && a.l->row == b.l->row &&
	    (a.l->row == J_ROW_LIST || a.l->row == J_ROW_TUPLE))
		return compare_lists(w, a.l, b.l, op);
	jinja_fail(w, "'%s' not supported between instances of '%s' and '%s'", op, jinja_type(a),
		   jinja_type(b));
}

bool jinja_has_length(struct jvalue v, size_t *n)
{
	*n = 0;
	if (v.kind == J_STR)
		*n = v.s->chars;
	else if (v.kind == J_LIST && v.l->row != J_ROW_ONCE)
		*n = v.l->n;
	else if (v.kind == J_DICT)
		*n = v.d->n;
	else
		return v.kind == J_UNDEFINED;
	return true;
}

static struct jlist *characters(struct jwork *w, const struct jstr *s)
{
	struct jlist *l = jinja_list(w, J_ROW_LIST, s->chars).l;
	size_t at = 0, bytes;

	for (size_t i = 0; i < l->n; i++, at += bytes) {
		jinja_char_decode(s->p + at, s->n - at, &bytes);
		l->v[i] = jinja_text(w, s->p + at, bytes);
		jinja_step(w);
	}
	return l;
}

static struct jlist *rest_of(struct jwork *w, struct jlist *l)
{
	struct jlist *rest = jinja_list(w, J_ROW_LIST, 0).l;

	rest->v = l->v + l->at;
	rest->n = l->n - l->at;
	l->at = l->n;
	return rest;
}

struct jlist *jinja_items(struct jwork *w, struct jvalue v)
{
	struct jlist *l;

	if (v.kind == J_LIST)
		return v.l->row == J_ROW_ONCE ? rest_of(w, v.l) : v.l;
	if (v.kind == J_STR)
		return characters(w, v.s);
	if (v.kind == J_UNDEFINED)
		return jinja_list(w, J_ROW_LIST, 0).l;
	if (v.kind != J_DICT)
		jinja_fail(w, "'%s' object is not iterable", jinja_type(v));
	l = jinja_list(w, J_ROW_LIST, v.d->n).l;
	for (size_t i = 0; i < l->n; i++)
		l->v[i] = v.d->v[i].key;
	jinja_scan(w, l->n * sizeof *l->v);
	return l;
}

void jinja_use_undefined(struct jwork *w, struct jvalue v)
{
	const struct jundefined *u = v.u;
	int n = u->name ? (int)(u->name->n < 200 ? u->name->n : 200) : 0;

	if (u->hint)
		jinja_fail(w, "%s", u->hint);
	if (!u->name)
		jinja_fail(w, "a value is undefined");
	if (!u->owner)
		jinja_fail(w, "'%.*s' is undefined", n, u->name->p);
	jinja_fail(w, "'%s' has no attribute '%.*s'", u->owner, n, u->name->p);
}

/* ---- characters of a string ---- */

bool jinja_digits(struct span s, int64_t *i)
{
	*i = 0;
	for (size_t k = 0; k < s.n; k++) {
		if (s.p[k] < '0' || s.p[k] > '9')
			return false;
		*i = k < 18 ? 10 * *i + (s.p[k] - '0') : *i;
	}
	return s.n > 0 && s.n <= 18;
}

size_t jinja_byte_of(struct jwork *w, const struct jstr *s, size_t ch)
{
	size_t at = 0;

	if (s->chars == s->n)
		return ch < s->n ? ch : s->n;
	for (; at < s->n && (ch || ((unsigned char)s->p[at] & 0xc0) == 0x80); at++)
		if (((unsigned char)s->p[at] & 0xc0) != 0x80)
			ch--;
	jinja_scan(w, at);
	return at;
}

struct jvalue jinja_substr(struct jwork *w, const struct jstr *s, size_t from, size_t to)
{
	struct jstr *part;
	struct jvalue v;

	if (from == 0 && to == s->n)
		return (struct jvalue){.kind = J_STR, .s = s};
	v = jinja_text(w, s->p + from, to > from ? to - from : 0);
	if (to <= from || !s->base)
		return v;
	part = (struct jstr *)(uintptr_t)v.s;
	part->base = s->base;
	part->tail = s->tail;
	return v;
}
