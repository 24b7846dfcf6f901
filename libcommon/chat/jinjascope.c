/* jinjascope.c - names, and the functions that are always there. See jinjascope.h. */
#include "chat/jinjascope.h"
#include "chat/jinjaitem.h"
#include "chat/jinjaprint.h"

#include <string.h>

struct jscope *jinja_scope_new(struct jwork *w, struct jscope *up)
{
	struct jscope *s = jinja_alloc(w, 1, sizeof *s);

	s->up = up;
	return s;
}

struct jscope *jinja_scope_again(struct jwork *w, struct jscope *s)
{
	if (s->kept)
		return jinja_scope_new(w, s->up);
	s->n = 0;
	return s;
}

void jinja_scope_keep(struct jscope *s)
{
	for (; s && !s->kept; s = s->up)
		s->kept = true;
}

static struct jvalue *find_here(struct jwork *w, struct jscope *s, const struct jstr *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].name == name) {
			w->steps += i / 16;
			return &s->v[i].value;
		}
	jinja_scan(w, 2 * s->n);
	return NULL;
}

void jinja_scope_set(struct jwork *w, struct jscope *s, const struct jstr *name, struct jvalue v)
{
	struct jvalue *there = find_here(w, s, name);
	struct jnamed *old = s->v;

	if (there) {
		*there = v;
		return;
	}
	if (s->n == s->room) {
		s->room = s->room ? 2 * s->room : 4;
		s->v = jinja_alloc(w, s->room, sizeof *s->v);
		if (s->n)
			memcpy(s->v, old, s->n * sizeof *old);
	}
	s->v[s->n++] = (struct jnamed){name, v};
}

struct jvalue *jinja_scope_find(struct jwork *w, struct jscope *s, const struct jstr *name)
{
	struct jvalue *v = NULL;

	for (; s && !v; s = s->up)
		v = find_here(w, s, name);
	return v;
}

/* ---- what is always there ---- */

#define GLOBAL(name) JFUNCTION(global_##name)

/* A map of a map or pairs, and of named values */
GLOBAL(dict)
{
	struct jvalue v = jinja_dict(w), from, pair;

	JUNUSED;
	if (all->n > 1)
		jinja_fail(w, "dict expected at most 1 argument, got %zu", all->n);
	if (all->n && all->v[0].kind == J_DICT) {
		from = all->v[0];
		for (size_t i = 0; i < from.d->n; i++)
			jinja_dict_put(w, v.d, from.d->v[i].key, from.d->v[i].value);
	} else if (all->n) {
		const struct jlist *l = jinja_items(w, all->v[0]);

		for (size_t i = 0; i < l->n; i++) {
			pair.l = jinja_items(w, l->v[i]);
			if (pair.l->n != 2)
				jinja_fail(w,
					   "dictionary update sequence element #%zu has length "
					   "%zu; 2 is required",
					   i, pair.l->n);
			jinja_dict_put(w, v.d, pair.l->v[0], pair.l->v[1]);
		}
	}
	for (size_t i = 0; i < all->n_named; i++)
		jinja_dict_put(w, v.d, (struct jvalue){.kind = J_STR, .s = all->named[i].name},
			       all->named[i].value);
	return v;
}

GLOBAL(namespace)
{
	struct jvalue v = global_dict(w, self, arg, all);

	v.kind = J_NAMESPACE;
	return v;
}

static size_t range_length(int64_t start, int64_t stop, int64_t stride)
{
	if (stride > 0)
		return start < stop ? ((uint64_t)stop - (uint64_t)start - 1) / (uint64_t)stride + 1
				    : 0;
	return start > stop ? ((uint64_t)start - (uint64_t)stop - 1) / (0 - (uint64_t)stride) + 1
			    : 0;
}

GLOBAL(range)
{
	enum { MOST = 100000 }; /* as Jinja's sandbox */
	bool one = arg[1].kind == J_MISSING;
	int64_t start = one ? 0 : jinja_as_int(w, arg[0], "range");
	int64_t stop = jinja_as_int(w, arg[one ? 0 : 1], "range");
	int64_t stride = arg[2].kind == J_MISSING ? 1 : jinja_as_int(w, arg[2], "range");
	struct jvalue v;
	size_t n;

	JUNUSED;
	if (!stride)
		jinja_fail(w, "range() arg 3 must not be zero");
	n = range_length(start, stop, stride);
	if (n > MOST)
		jinja_fail(w,
			   "Range too big. The sandbox blocks ranges larger than MAX_RANGE "
			   "(%d).",
			   MOST);
	v = jinja_list(w, J_ROW_RANGE, n);
	v.l->start = start;
	v.l->stop = stop;
	v.l->stride = stride;
	for (size_t i = 0; i < n; i++)
		v.l->v[i] = jinja_int(start + (int64_t)i * stride);
	jinja_scan(w, n * sizeof *v.l->v);
	return v;
}

GLOBAL(raise_exception)
{
	const struct jstr *s = jinja_print_str(w, arg[0]);

	JUNUSED;
	jinja_fail(w, "the template refuses: %.*s", (int)(s->n < 500 ? s->n : 500), s->p);
}

GLOBAL(strftime_now)
{
	const struct jstr *s = jinja_as_str(w, arg[0], "strftime_now");
	char text[1000] = "", how[256];
	size_t n;

	JUNUSED;
	if (s->n + 2 > sizeof how || memchr(s->p, '\0', s->n))
		jinja_fail(w, "strftime_now: a format that is too long");
	memcpy(how, s->p, s->n);
	how[s->n] = '.'; /* so that no result is empty, which is how strftime fails */
	how[s->n + 1] = '\0';
	n = strftime(text, sizeof text, how, w->now);
	if (!n)
		jinja_fail(w, "strftime_now: a date that is too long");
	return jinja_copy(w, text, n - 1);
}

static const struct jfunction globals[] = {
	{"dict", "*", global_dict},
	{"namespace", "*", global_namespace},
	{"raise_exception", "message", global_raise_exception},
	{"range", "start stop? step?", global_range},
	{"strftime_now", "format", global_strftime_now},
};

const struct jfunction *jinja_scope_global(const struct jstr *name)
{
	return jinja_function_find(globals, sizeof globals / sizeof *globals, name);
}
