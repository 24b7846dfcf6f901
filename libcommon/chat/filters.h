/* filters.h - what the filters and methods do that chat templates use: Python's on text, and
 * transformers' tojson. Results point into their arguments. */
#ifndef CHAT_FILTERS_H
#define CHAT_FILTERS_H

#include "base/buf.h"

#include <jansson.h>
#include <stdbool.h>

struct span filter_trim(struct span s); /* white space at both ends */
struct span filter_lstrip_newlines(struct span s);
struct span filter_rstrip_newlines(struct span s);
const char *filter_find(struct span s, const char *what);        /* NULL: not there */
struct span filter_before(struct span s, const char *what);      /* s.split(what)[0] */
struct span filter_behind_last(struct span s, const char *what); /* s.split(what)[-1] */
/* Appends j: on one line, or with an indentation of four blanks. */
void filter_tojson(struct buf *b, const json_t *j, bool indent);

#endif
