/*
 * tape.h - one JSON value read in place: a row of nodes instead of a tree.
 *
 * For whoever reads many rows and looks at few of their values: nothing is allocated a value, texts
 * are decoded and numbers converted on the way into memory that is used again. It accepts what
 * jansson accepts with JSON_REJECT_DUPLICATES and JSON_ALLOW_NUL: UTF-8, finite numbers, 2048
 * levels; and integers of more than 64 bits, which are real numbers then.
 *
 *     struct tape t = {0};
 *     if (tape_parse(&t, text, n) == TAPE_WHOLE) {
 *             struct span s;
 *             if (tape_text(tape_get(tape_root(&t), "prompt"), &s)) ...
 *     }
 *     tape_free(&t);
 */
#ifndef BASE_TAPE_H
#define BASE_TAPE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum tape_type {
	TAPE_NONE, /* there is no such value */
	TAPE_NULL,
	TAPE_FALSE,
	TAPE_TRUE,
	TAPE_INT,
	TAPE_REAL,
	TAPE_TEXT,
	TAPE_ARRAY,
	TAPE_OBJECT, /* its nodes: key, value, key, value ... */
};

struct tape_node {
	uint32_t at; /* in text: the first byte; of a text the one behind the quote */
	uint32_t n;  /* bytes of a number, or of a text in plain; elements of an array, pairs of an
			object */
	uint32_t next; /* the node behind this value */
	uint8_t type;
	uint16_t tag; /* of a key: the same where keys are; seldom where they differ */
};

union tape_number {
	int64_t i;
	double x;
};

struct tape {             /* zero-initialise; may be used again and again */
	const char *text; /* borrowed */
	char *plain;      /* at the place of a text: that text without escapes, UTF-8 */
	size_t room;      /* of plain */
	struct tape_node *v;
	union tape_number *num; /* at the place of a number's node: what it is */
	uint32_t n, cap;
	uint64_t keys; /* a bit for each tape_place of a key of the value itself; an array has none
			*/
	uint64_t shared;    /* a bit for each such place that several keys have */
	uint32_t where[64]; /* of each such place a key's node; 0: not known */
};

/* A value of a tape; t NULL: absent. Valid until the tape's next tape_parse. */
struct tape_val {
	struct tape *t;
	uint32_t i;
};

enum tape_end {
	TAPE_WHOLE,
	TAPE_CUT, /* the beginning of a value */
	TAPE_BAD, /* no JSON, or more than one value */
};

/* The value is an object or an array; blanks around it are fine. text: less than 4 GiB. */
enum tape_end tape_parse(struct tape *t, const char *text, size_t n);
/* The same of a text's first line; *len: where it ended, at the newline or at n, if it is whole. */
enum tape_end tape_line(struct tape *t, const char *text, size_t n, size_t *len);
void tape_free(struct tape *t);

struct tape_val tape_root(struct tape *t);
static inline enum tape_type tape_type(struct tape_val v)
{
	return v.t ? (enum tape_type)v.t->v[v.i].type : TAPE_NONE;
}
static inline bool tape_none(struct tape_val v) /* absent or null */
{
	return tape_type(v) <= TAPE_NULL;
}
/* Of a key: keys of one object often have a beginning in common. */
static inline uint16_t tape_tag(const char *key, size_t n)
{
	return n ? (uint16_t)((uint8_t)key[n / 2] << 8 | (uint8_t)key[n - 1]) : 0;
}
/* One of 64 places, the same where keys are */
static inline unsigned tape_place(uint16_t tag, size_t n)
{
	return ((uint32_t)tag ^ (uint32_t)n << 8) * UINT32_C(0x9e3779b1) >> 26;
}
/* The value of this key, which has this tag; absent when v is no object or has none. Of the value
 * itself a key with this place was seen. */
struct tape_val tape_find(struct tape_val v, const char *key, size_t n, uint16_t tag);
/* The same. Most keys that are asked for are names in the program, of which the compiler makes
 * length, tag and place; and most that a row lacks need no search. */
static inline struct tape_val tape_get_n(struct tape_val v, const char *key, size_t n)
{
	uint16_t tag = tape_tag(key, n);

	if (v.t && !v.i && !(v.t->keys >> tape_place(tag, n) & 1))
		return (struct tape_val){0};
	return tape_find(v, key, n, tag);
}
static inline struct tape_val tape_get(struct tape_val v, const char *key)
{
	return tape_get_n(v, key, strlen(key));
}
uint32_t tape_count(struct tape_val v); /* elements or pairs; 0 of anything else */
struct tape_val tape_at(struct tape_val array, uint32_t i);

/* False when the type is another; the result is then untouched. The text is valid as v is. */
static inline bool tape_text(struct tape_val v, struct span *s)
{
	if (tape_type(v) != TAPE_TEXT)
		return false;
	*s = (struct span){v.t->plain + v.t->v[v.i].at, v.t->v[v.i].n};
	return true;
}
static inline bool tape_is(struct tape_val v, const char *text) /* this very text */
{
	struct span s;

	return tape_text(v, &s) && span_is(s, text);
}
static inline bool tape_i64(struct tape_val v, int64_t *x) /* integers only */
{
	if (tape_type(v) != TAPE_INT)
		return false;
	*x = v.t->num[v.i].i;
	return true;
}
bool tape_whole_f64(struct tape_val v, double *x);        /* tape_f64 of what is no TAPE_REAL */
static inline bool tape_f64(struct tape_val v, double *x) /* integers too; the nearest double */
{
	if (tape_type(v) != TAPE_REAL)
		return tape_whole_f64(v, x);
	*x = v.t->num[v.i].x;
	return true;
}

/* Walks an array, or the pairs of an object:
 *     for (struct tape_iter it = tape_walk(v); tape_next(&it, &key, &value);)
 * key is absent in an array. */
struct tape_iter {
	struct tape_val at;
	uint32_t left;
	bool pairs;
};
static inline struct tape_iter tape_walk(struct tape_val v) /* anything else has no elements */
{
	enum tape_type type = tape_type(v);

	if (type != TAPE_ARRAY && type != TAPE_OBJECT)
		return (struct tape_iter){0};
	return (struct tape_iter){{v.t, v.i + 1}, v.t->v[v.i].n, type == TAPE_OBJECT};
}
static inline bool tape_next(struct tape_iter *it, struct tape_val *key, struct tape_val *value)
{
	if (!it->left)
		return false;
	it->left--;
	*key = (struct tape_val){it->pairs ? it->at.t : NULL, it->at.i};
	it->at.i += it->pairs;
	*value = it->at;
	it->at.i = it->at.t->v[it->at.i].next;
	return true;
}

#endif
