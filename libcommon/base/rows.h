/*
 * rows.h - the JSON values of a file one after the other, each with the line that it begins on.
 *
 * Lines of JSON, one array of rows, pretty print over many lines, with a byte order mark or CR LF,
 * plain or packed by gzip or zstd: told by what the file begins with, never by its name. No more is
 * held than one value of max bytes and a piece of what follows. Packed data that unpacks to far
 * more than any text would is refused: a small file must not become the caller's memory.
 */
#ifndef BASE_ROWS_H
#define BASE_ROWS_H

#include "base/err.h"
#include "base/io.h"
#include "base/tape.h"

#include <jansson.h>

struct rows; /* opaque */

/* "-" is standard input. path is borrowed. max: bytes of one value. NULL with the reason. */
struct rows *rows_open(const char *path, size_t max, struct reason *why);
/* The same of an input that is open, what was read of it included: it is the reader's now, also
 * after a failure. */
struct rows *rows_take(struct in *in, size_t max, struct reason *why);
/* Can what was read of an input, a byte or more, be the beginning of rows? MessagePack maps do not
 * begin so. */
bool rows_likely(const struct in *in);
/* 1 and *row, which is the caller's, and its line; 0 at the end; -1 with a reason that names file
 * and line. */
int rows_next(struct rows *r, json_t **row, size_t *line, struct reason *why);
/* The same, read in place: many times as fast. The value is *t's, until the next call. */
int rows_tape(struct rows *r, struct tape *t, size_t *line, struct reason *why);
const char *rows_name(const struct rows *r);
void rows_tie(struct rows *r, struct out *o); /* flushed before a read that may wait */
void rows_close(struct rows *r);              /* NULL is fine */

#endif
