/*
 * columns.h - chosen keys of a record as one line of tab-separated values.
 *
 * A column is a top-level key, or a path into maps: meta.level. Missing and nil are empty; text is
 * given as it is, with \t \n \r \\ and \xHH for what would break the line or a terminal; arrays and
 * maps as their JSON.
 */
#ifndef STREAM_COLUMNS_H
#define STREAM_COLUMNS_H

#include "base/err.h"
#include "stream/mp.h"

struct columns {
	struct column *v; /* owned */
	size_t n;
};

/* "task,step,meta.level"; ST_USAGE for an empty name. */
int columns_parse(struct columns *c, const char *list, struct reason *why);
void columns_title(struct buf *b, const struct columns *c); /* appends the names as a line */
void columns_row(struct buf *b, struct columns *c, struct mp map);
/* Name of the first column from *i on that no row had a value for; *i is then behind it. NULL: none
 * is left. */
const char *columns_unseen(const struct columns *c, size_t *i);
void columns_free(struct columns *c);
/* Appends bytes as text in a column is given. */
void columns_escape(struct buf *b, const char *p, size_t n);
/* Takes the next field off a line of tab-separated values; false: there is none, line->p is NULL.
 * A line has one field more than tabs. */
bool columns_field(struct span *line, struct span *field);

#endif
