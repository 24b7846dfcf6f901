/*
 * cells.h - a table that is written once and read in three ways: as tab-separated columns under a
 * header, as lines of a name and a value, or as JSON objects, one a row, with numbers in full.
 *
 * A row is its cells in order, each with its name, and an end. The header is a row, too, of which
 * the names alone count.
 */
#ifndef STATS_CELLS_H
#define STATS_CELLS_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

enum cells_form {
	CELLS_HEADER, /* the names of a table's columns */
	CELLS_TABLE,
	CELLS_LINES, /* a line for each cell: name, tab, value */
	CELLS_JSON,
};

struct cells {
	struct buf *to;
	enum cells_form form;
	bool open; /* the module's own: in a row */
};

/* Columns show text as columns_escape has it; of JSON that are the bytes that are not UTF-8. */
void cells_text(struct cells *c, const char *name, struct span text);
void cells_count(struct cells *c, const char *name, uint64_t n);
void cells_place(struct cells *c, const char *name, int64_t n); /* below 0: - or null */
void cells_number(struct cells *c, const char *name, double v); /* NaN: n/a or null */
void cells_flag(struct cells *c, const char *name, bool is);    /* yes, no; true, false */
void cells_ids(struct cells *c, const char *name, const uint32_t *v, size_t n);
void cells_end(struct cells *c);

/* A text of JSON: bytes of a span that is not UTF-8 are shown as \xHH. */
void cells_json_text(struct buf *b, struct span s);

#endif
