/* jinjaattr.c - attributes, methods and items. See jinjaattr.h. */
#include "chat/jinjaattr.h"
#include "chat/jinjaitem.h"
#include "chat/jinjaprint.h"
#include "chat/jinjatext.h"

#include <stdio.h>
#include <string.h>

/* ---- of maps ---- */

JFUNCTION(dict_get)
{
	struct jvalue *v = jinja_dict_find(w, self.d, arg[0]);

	JUNUSED;
	return v ? *v : arg[1].kind == J_MISSING ? jinja_none() : arg[1];
}

JFUNCTION(dict_keys)
{
	struct jvalue l = jinja_list(w, J_ROW_KEYS, self.d->n);

	JUNUSED;
	for (size_t i = 0; i < l.l->n; i++)
		l.l->v[i] = self.d->v[i].key;
	jinja_scan(w, 16 * l.l->n);
	return l;
}

JFUNCTION(dict_values)
{
	struct jvalue l = jinja_list(w, J_ROW_VALUES, self.d->n);

	JUNUSED;
	for (size_t i = 0; i < l.l->n; i++)
		l.l->v[i] = self.d->v[i].value;
	jinja_scan(w, 16 * l.l->n);
	return l;
}

JFUNCTION(dict_items)
{
	struct jvalue l = jinja_list(w, J_ROW_ITEMS, self.d->n);

	JUNUSED;
	for (size_t i = 0; i < l.l->n; i++)
		l.l->v[i] = jinja_pair(w, self.d->v[i].key, self.d->v[i].value);
	jinja_scan(w, 64 * l.l->n);
	return l;
}

JFUNCTION(dict_copy)
{
	JUNUSED;
	return self;
}

static const struct jfunction of_dict[] = {
	{"copy", "", dict_copy}, {"get", "key default?", dict_get}, {"items", "", dict_items},
	{"keys", "", dict_keys}, {"values", "", dict_values},
};

/* ---- of lists ---- */

JFUNCTION(list_count)
{
	int64_t n = 0;

	JUNUSED;
	for (size_t i = 0; i < self.l->n; i++)
		n += jinja_equal(w, self.l->v[i], arg[0]);
	return jinja_int(n);
}

JFUNCTION(list_index)
{
	JUNUSED;
	for (size_t i = 0; i < self.l->n; i++)
		if (jinja_equal(w, self.l->v[i], arg[0]))
			return jinja_int((int64_t)i);
	jinja_fail(w, "the value is not in the %s", jinja_type(self));
}

JFUNCTION(list_copy)
{
	JUNUSED;
	return self;
}

static const struct jfunction of_list[] = {
	{"copy", "", list_copy},
	{"count", "value", list_count},
	{"index", "value", list_index},
};

/* ---- out of reach ---- */

static const char *const dict_changes[] = {"clear", "pop", "popitem", "setdefault", "update", NULL};
static const char *const list_changes[] = {"append", "clear",   "extend", "insert", "pop",
					   "remove", "reverse", "sort",   NULL};

static bool is_one_of(const char *const *words, const struct jstr *name)
{
	for (; *words; words++)
		if (name->n == strlen(*words) && memcmp(name->p, *words, name->n) == 0)
			return true;
	return false;
}

static bool is_unsafe(struct jvalue v, const struct jstr *name)
{
	if (name->n > 1 && name->p[0] == '_' && name->p[1] == '_')
		return true;
	return (v.kind == J_DICT && is_one_of(dict_changes, name)) ||
	       (v.kind == J_LIST && v.l->row == J_ROW_LIST && is_one_of(list_changes, name));
}

static struct jvalue unsafe(struct jwork *w, struct jvalue v, const struct jstr *name)
{
	char text[200];

	snprintf(text, sizeof text, "access to attribute '%.*s' of '%s' object is unsafe.",
		 (int)(name->n < 99 ? name->n : 99), name->p, jinja_type(v));
	return jinja_hint(w, jinja_copy(w, text, strlen(text) + 1).s->p);
}

/* ---- */

static struct jvalue bind(struct jwork *w, struct jvalue self, const struct jfunction *f)
{
	struct jbound *b = jinja_alloc(w, 1, sizeof *b);

	b->self = self;
	b->f = f;
	return (struct jvalue){.kind = J_METHOD, .bound = b};
}

static const struct jfunction *method_of(struct jvalue v, const struct jstr *name)
{
	if (v.kind == J_STR)
		return jinja_text_method(name);
	if (v.kind == J_DICT)
		return jinja_function_find(of_dict, sizeof of_dict / sizeof *of_dict, name);
	if (v.kind == J_LIST && v.l->row <= J_ROW_RANGE)
		return jinja_function_find(v.l->row == J_ROW_LIST ? of_list : of_list + 1,
					   v.l->row == J_ROW_LIST ? 3 : 2, name);
	return NULL;
}

bool jinja_attr_find(struct jwork *w, struct jvalue v, const struct jstr *name, struct jvalue *to)
{
	const struct jfunction *f = method_of(v, name);
	struct jvalue *found;

	if (f) {
		*to = bind(w, v, f);
		return true;
	}
	if (v.kind == J_LOOP)
		return v.loop->attribute(w, v.loop, name, to);
	if (v.kind == J_NAMESPACE) {
		found = jinja_dict_find(w, v.d, (struct jvalue){.kind = J_STR, .s = name});
		if (found)
			*to = *found;
		return found != NULL;
	}
	if (!is_unsafe(v, name))
		return false;
	*to = unsafe(w, v, name);
	return true;
}

/* The type's name as an undefined value's message has it */
static const char *owner_of(struct jwork *w, struct jvalue v)
{
	char text[64];

	if (v.kind == J_NONE)
		return "None";
	if (v.kind == J_NAMESPACE)
		return "jinja2.utils.Namespace object";
	snprintf(text, sizeof text, "%s object", jinja_type(v));
	return jinja_copy(w, text, strlen(text) + 1).s->p;
}

struct jvalue jinja_attr(struct jwork *w, struct jvalue v, const struct jstr *name)
{
	struct jvalue to;

	jinja_step(w);
	if (v.kind == J_UNDEFINED)
		jinja_use_undefined(w, v);
	if (jinja_attr_find(w, v, name, &to) ||
	    jinja_item(w, v, (struct jvalue){.kind = J_STR, .s = name}, &to))
		return to;
	return jinja_undefined(w, owner_of(w, v), name);
}

struct jvalue jinja_attr_item(struct jwork *w, struct jvalue v, struct jvalue key)
{
	struct jvalue to;

	jinja_step(w);
	if (v.kind == J_UNDEFINED)
		jinja_use_undefined(w, v);
	if (jinja_item(w, v, key, &to) || (key.kind == J_STR && jinja_attr_find(w, v, key.s, &to)))
		return to;
	return jinja_undefined(w, owner_of(w, v), jinja_print_str(w, key));
}

struct jvalue jinja_attr_path(struct jwork *w, struct jvalue v, struct jvalue path)
{
	const char *p, *end, *dot;

	if (path.kind != J_STR)
		return jinja_attr_item(w, v, path);
	p = path.s->p;
	end = p + path.s->n;
	for (; p <= end; p = dot + 1) {
		struct jvalue key;
		int64_t i;

		dot = memchr(p, '.', (size_t)(end - p));
		dot = dot ? dot : end;
		key = jinja_text(w, p, (size_t)(dot - p));
		if (jinja_digits((struct span){p, key.s->n}, &i))
			key = jinja_int(i);
		v = jinja_attr_item(w, v, key);
	}
	return v;
}
