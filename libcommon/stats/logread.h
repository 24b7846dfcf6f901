/*
 * logread.h - rows of training logs: JSON lines, or tab-separated values under a header.
 *
 * A line that begins with '{' at the start of a file says which. Empty lines are passed over.
 *
 *     struct logread l;
 *     st = logread_open(&l, path, &keys, why);
 *     while (!st && (got = logread_next(&l, why)) > 0)
 *             l.cell[i] is the text of key i
 *     logread_close(&l);
 */
#ifndef STATS_LOGREAD_H
#define STATS_LOGREAD_H

#include "base/err.h"
#include "base/io.h"
#include "base/names.h"

#include <stdbool.h>

struct logread {
	struct in in;
	const struct names *keys; /* borrowed, of one number from open to close */
	struct buf *cell;         /* of each key; empty: not there, null, or n/a or - in a table */
	struct names header;      /* of a table */
	size_t line;              /* counted from 1 */
	bool cut; /* the last line has no end and is no row: a run goes on, or was killed there */
};

/* "-" is standard input. To be closed in either case. */
int logread_open(struct logread *l, const char *path, const struct names *keys, struct reason *why);
/* 1: a row; 0: the end; -1 with a reason that names file and line. */
int logread_next(struct logread *l, struct reason *why);
void logread_close(struct logread *l);

#endif
