/* jinjaitem.c - parts of strings, lists and maps. See jinjaitem.h. */
#include "chat/jinjaitem.h"
#include "chat/jinjachar.h"

#include <string.h>

static bool at_index(struct jvalue key, size_t n, size_t *at)
{
	int64_t i = key.kind == J_BOOL ? key.b : key.i;

	if (i < 0)
		i += (int64_t)n;
	*at = (size_t)i;
	return i >= 0 && (uint64_t)i < n;
}

static bool is_sequence(struct jvalue v)
{
	return v.kind == J_LIST && v.l->row <= J_ROW_RANGE;
}

bool jinja_item(struct jwork *w, struct jvalue v, struct jvalue key, struct jvalue *to)
{
	struct jvalue *found;
	size_t at, from, bytes;

	if (v.kind == J_DICT) {
		if (key.kind == J_DICT || (key.kind == J_LIST && key.l->row == J_ROW_LIST))
			return false;
		found = jinja_dict_find(w, v.d, key);
		if (found)
			*to = *found;
		return found != NULL;
	}
	if (!jinja_is_int(key))
		return false;
	if (is_sequence(v) && at_index(key, v.l->n, &at)) {
		*to = v.l->v[at];
		return true;
	}
	if (v.kind != J_STR || !at_index(key, v.s->chars, &at))
		return false;
	from = jinja_byte_of(w, v.s, at);
	jinja_char_decode(v.s->p + from, v.s->n - from, &bytes);
	*to = jinja_substr(w, v.s, from, from + bytes);
	return true;
}

/* ---- slices ---- */

static bool is_given(struct jvalue v)
{
	return v.kind != J_MISSING && v.kind != J_NONE;
}

static int64_t clamp(int64_t i, int64_t least, int64_t most)
{
	return i < least ? least : i > most ? most : i;
}

/* A bound of a slice of n, as Python cuts it; what: where it is not given */
static int64_t bound(struct jwork *w, struct jvalue v, int64_t n, int64_t stride, int64_t what)
{
	int64_t i;

	if (!is_given(v))
		return what;
	i = jinja_as_int(w, v, "a slice");
	if (i < 0)
		i = i < -n ? -1 - n : i; /* (no overflow below) */
	i = i < 0 ? i + n : i;
	return stride > 0 ? clamp(i, 0, n) : clamp(i, -1, n - 1);
}

struct cut {
	int64_t from, to, stride;
	size_t n;
};

static struct cut cut_of(struct jwork *w, size_t length, const struct jvalue at[3])
{
	int64_t n = (int64_t)length;
	struct cut c = {.stride = is_given(at[2]) ? jinja_as_int(w, at[2], "a slice") : 1};

	if (c.stride == 0)
		jinja_fail(w, "slice step cannot be zero");
	c.stride = clamp(c.stride, -n - 1, n + 1);
	c.from = bound(w, at[0], n, c.stride, c.stride > 0 ? 0 : n - 1);
	c.to = bound(w, at[1], n, c.stride, c.stride > 0 ? n : -1);
	if (c.stride > 0 && c.to > c.from)
		c.n = (size_t)((c.to - c.from - 1) / c.stride + 1);
	else if (c.stride < 0 && c.to < c.from)
		c.n = (size_t)((c.from - c.to - 1) / -c.stride + 1);
	return c;
}

static struct jvalue slice_string(struct jwork *w, const struct jstr *s, const struct jvalue at[3])
{
	struct cut c = cut_of(w, s->chars, at);
	size_t start = w->out.n, from, bytes;
	struct jlist *v;

	if (!c.n)
		return jinja_text(w, "", 0);
	from = jinja_byte_of(w, s, (size_t)c.from);
	if (c.stride == 1)
		return jinja_substr(w, s, from, jinja_byte_of(w, s, (size_t)c.to));
	if (s->n == s->chars) {
		for (size_t i = 0; i < c.n; i++)
			jinja_put(w, s->p + c.from + (int64_t)i * c.stride, 1);
		return jinja_cut(w, start);
	}
	v = jinja_items(w, (struct jvalue){.kind = J_STR, .s = s});
	for (size_t i = 0; i < c.n; i++) {
		const struct jstr *one = v->v[c.from + (int64_t)i * c.stride].s;

		bytes = one->n;
		jinja_put(w, one->p, bytes);
	}
	return jinja_cut(w, start);
}

static struct jvalue slice_list(struct jwork *w, const struct jlist *l, const struct jvalue at[3])
{
	struct cut c = cut_of(w, l->n, at);
	struct jvalue v = jinja_list(w, l->row, c.stride == 1 ? 0 : c.n);

	if (c.stride == 1 && c.n) { /* nothing in it changes: it is shown in place */
		v.l->v = l->v + c.from;
		v.l->n = c.n;
		v.l->base = l->base;
		v.l->tail = l->tail;
	}
	for (size_t i = 0; i < c.n && c.stride != 1; i++)
		v.l->v[i] = l->v[c.from + (int64_t)i * c.stride];
	jinja_scan(w, c.n * 16);
	if (l->row == J_ROW_RANGE) {
		v.l->start = l->start + c.from * l->stride;
		v.l->stop = l->start + c.to * l->stride;
		v.l->stride = l->stride * c.stride;
	}
	return v;
}

struct jvalue jinja_item_slice(struct jwork *w, struct jvalue v, const struct jvalue at[3])
{
	if (v.kind == J_UNDEFINED)
		jinja_use_undefined(w, v);
	if (v.kind == J_STR)
		return slice_string(w, v.s, at);
	if (!is_sequence(v))
		jinja_fail(w, "'%s' object is not subscriptable by a slice", jinja_type(v));
	return slice_list(w, v.l, at);
}

/* ---- in ---- */

static bool in_list(struct jwork *w, struct jvalue item, struct jlist *l)
{
	for (size_t i = l->row == J_ROW_ONCE ? l->at : 0; i < l->n; i++) {
		if (l->row == J_ROW_ONCE)
			l->at = i + 1;
		if (jinja_equal(w, l->v[i], item))
			return true;
	}
	return false;
}

bool jinja_item_in(struct jwork *w, struct jvalue item, struct jvalue v)
{
	if (v.kind == J_STR) {
		if (item.kind != J_STR)
			jinja_fail(w, "'in <string>' requires string as left operand, not %s",
				   jinja_type(item));
		jinja_scan(w, v.s->n);
		return !item.s->n || memmem(v.s->p, v.s->n, item.s->p, item.s->n);
	}
	if (v.kind == J_LIST)
		return in_list(w, item, v.l);
	if (v.kind == J_DICT)
		return jinja_dict_find(w, v.d, item) != NULL;
	if (v.kind != J_UNDEFINED)
		jinja_fail(w, "argument of type '%s' is not iterable", jinja_type(v));
	return false;
}

void jinja_item_push(struct jwork *w, struct jlist *l, struct jvalue v)
{
	struct jlist one = {.v = &v, .n = 1};

	*l = *jinja_list_concat(w, l, &one).l;
}
