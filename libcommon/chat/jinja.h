/*
 * jinja.h - the language in which chat templates are written: Jinja, as transformers sets it up.
 *
 * trim_blocks, lstrip_blocks, break and continue, generation blocks, tojson without HTML's
 * escapes, raise_exception and strftime_now; lists and maps cannot be changed, only a namespace.
 * include, import, extends, block, autoescape and recursive loops are refused, and so is what would
 * not print the same twice (random). See jinjawork.h for what a template may take.
 */
#ifndef CHAT_JINJA_H
#define CHAT_JINJA_H

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>
#include <stdint.h>
#include <time.h>

struct jinja; /* opaque: a template that was read */

/* ST_INPUT leaves as NULL with the reason, which names the line. source is copied. */
struct jinja *jinja_open(struct span source, struct reason *why);
void jinja_free(struct jinja *t); /* NULL is fine */

/* Bytes from .. to of a text */
struct jinja_part {
	size_t from, to;
};

struct jinja_given {
	const json_t *variables; /* an object */
	const struct tm *now;    /* what strftime_now takes for the time */
	uint64_t steps;          /* most steps; 0: as many as jinjawork.h says */
};

/*
 * Appends the text. parts: what generation blocks wrote, as an array of struct jinja_part whose
 * places count from the text's begin; NULL: not wanted. On ST_INPUT nothing is appended. A template
 * may be rendered by several threads.
 */
int jinja_render(const struct jinja *t, const struct jinja_given *g, struct buf *out,
		 struct buf *parts, struct reason *why);

#endif
