/*
 * jinjavalue.h - the values of a template: Python's, as far as chat templates know them.
 *
 * Strings, lists and maps never change once they are made; only a namespace does. All memory is the
 * work's. What fails leaves as jinjawork.h says.
 */
#ifndef CHAT_JINJAVALUE_H
#define CHAT_JINJAVALUE_H

#include "chat/jinjawork.h"

#include <jansson.h>

enum jkind {
	J_MISSING, /* no value at all: an argument that was not given; templates never see it */
	J_UNDEFINED,
	J_NONE,
	J_BOOL,
	J_INT,
	J_FLOAT,
	J_STR,
	J_LIST, /* and what else is a row of values: see enum jrow */
	J_DICT,
	J_NAMESPACE,
	J_LOOP,
	J_MACRO,
	J_FUNCTION, /* one of the globals */
	J_METHOD,   /* of a string, list or map, with its object */
};

/* A list's kind: it decides what is printed, compared and measured. */
enum jrow {
	J_ROW_LIST,
	J_ROW_TUPLE,
	J_ROW_RANGE,
	J_ROW_KEYS,
	J_ROW_VALUES,
	J_ROW_ITEMS,
	J_ROW_ONCE
};

struct jvalue {
	enum jkind kind;
	union {
		bool b;
		int64_t i;
		double f;
		const struct jstr *s;
		struct jlist *l;
		struct jdict *d; /* also of a namespace */
		struct jloop *loop;
		const struct jmacro *macro;
		const struct jbound *bound;
		const struct jfunction *function;
		const struct jundefined *u;
	};
};

/* How much of the memory behind a string or list is in use: who ends there may grow in place, so
 * that a template that adds to one in a loop takes linear time. */
struct jtail {
	size_t used, room;
};

struct jstr {
	const char *p; /* UTF-8 */
	size_t n, chars;
	const char *base; /* of tail; NULL: it cannot grow */
	struct jtail *tail;
	bool safe; /* of the filters safe and escape: what is added to it is escaped */
};

struct jlist {
	struct jvalue *v;
	size_t n;
	enum jrow row;
	size_t at;                   /* J_ROW_ONCE: how many were taken */
	int64_t start, stop, stride; /* J_ROW_RANGE */
	struct jvalue *base;
	struct jtail *tail;
};

struct jpair {
	struct jvalue key, value;
};

struct jdict {
	struct jpair *v; /* in the order of insertion */
	size_t n, room;
	uint32_t *slot; /* open addressing, pair + 1; NULL while it is small */
	size_t slots;
};

struct jundefined {
	const char *hint;        /* the message; NULL: made of owner and name */
	const char *owner;       /* type of the object without that attribute; NULL: a variable */
	const struct jstr *name; /* NULL: no name */
};

struct jnamed {
	const struct jstr *name;
	struct jvalue value;
};

struct jargs {
	struct jvalue *v;
	size_t n;
	struct jnamed *named;
	size_t n_named;
};

/* A function, filter, test or method. params: names of its parameters, parted by blanks, with "?"
 * behind those that may be left out; "*": it takes them as they come, and arg is NULL. arg: one
 * value for each, J_MISSING where it was not given. self: the object, or what is filtered. */
struct jfunction {
	const char *name, *params;
	struct jvalue (*run)(struct jwork *w, struct jvalue self, const struct jvalue *arg,
			     const struct jargs *all);
};

/* Begins the definition of such a function, of which few have a use for all parameters. */
#define JFUNCTION(name)                                                                          \
	static struct jvalue name(struct jwork *w, struct jvalue self, const struct jvalue *arg, \
				  const struct jargs *all)
#define JUNUSED     \
	(void)w;    \
	(void)self; \
	(void)arg;  \
	(void)all

struct jbound {
	struct jvalue self;
	const struct jfunction *f;
};

/* That of n functions, sorted by name; NULL: none */
const struct jfunction *jinja_function_find(const struct jfunction *f, size_t n,
					    const struct jstr *name);

/* ---- making ---- */
struct jvalue jinja_none(void);
struct jvalue jinja_bool(bool b);
struct jvalue jinja_int(int64_t i);
struct jvalue jinja_float(double f);
struct jvalue jinja_undefined(struct jwork *w, const char *owner, const struct jstr *name);
struct jvalue jinja_hint(struct jwork *w, const char *hint);
/* Bytes that stay: not copied */
struct jvalue jinja_text(struct jwork *w, const char *p, size_t n);
struct jvalue jinja_words(struct jwork *w, const char *s); /* of a constant of C's */
struct jvalue jinja_copy(struct jwork *w, const char *p, size_t n);
/* The text behind the first at bytes of w->out, which is cut off there. */
struct jvalue jinja_cut(struct jwork *w, size_t at);
struct jvalue jinja_concat(struct jwork *w, const struct jstr *a, const struct jstr *b);
/* Room for n values, all J_MISSING */
struct jvalue jinja_list(struct jwork *w, enum jrow row, size_t n);
struct jvalue jinja_list_concat(struct jwork *w, const struct jlist *a, const struct jlist *b);
struct jvalue jinja_pair(struct jwork *w, struct jvalue a, struct jvalue b); /* a tuple */
struct jvalue jinja_dict(struct jwork *w);
struct jvalue jinja_from_json(struct jwork *w, const json_t *j);

/* ---- maps; a key that cannot be one fails ---- */
struct jvalue *jinja_dict_find(struct jwork *w, const struct jdict *d, struct jvalue key);
void jinja_dict_put(struct jwork *w, struct jdict *d, struct jvalue key, struct jvalue value);

/* ---- asking ---- */
bool jinja_is_str(struct jvalue v, const char *s);
bool jinja_is_number(struct jvalue v); /* bool, too */
bool jinja_is_int(struct jvalue v);    /* bool, too */
int64_t jinja_as_int(struct jwork *w, struct jvalue v, const char *what);
double jinja_as_float(struct jvalue number);
const struct jstr *jinja_as_str(struct jwork *w, struct jvalue v, const char *what);
bool jinja_true(struct jvalue v);
const char *jinja_type(struct jvalue v); /* as Python's messages name it */
bool jinja_equal(struct jwork *w, struct jvalue a, struct jvalue b);
/* -1, 0, 1; 2: not ordered (NaN). op: for the message when they cannot be compared. */
int jinja_compare(struct jwork *w, struct jvalue a, struct jvalue b, const char *op);
bool jinja_has_length(struct jvalue v, size_t *n);
/* The values one after the other; what is taken once only is then used up. */
struct jlist *jinja_items(struct jwork *w, struct jvalue v);
/* Fails for a use of an undefined value. */
_Noreturn void jinja_use_undefined(struct jwork *w, struct jvalue v);

/* ---- characters of a string ---- */
/* Is s a number of one to 18 ASCII digits? */
bool jinja_digits(struct span s, int64_t *i);
size_t jinja_byte_of(struct jwork *w, const struct jstr *s,
		     size_t ch); /* where character ch begins */
struct jvalue jinja_substr(struct jwork *w, const struct jstr *s, size_t from,
			   size_t to); /* bytes */

#endif
