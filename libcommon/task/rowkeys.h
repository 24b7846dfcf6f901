/* rowkeys.h - the keys of one row of a problem set, and which of them have been understood. */
#ifndef TASK_ROWKEYS_H
#define TASK_ROWKEYS_H

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>

/* A row being read; the keys that nobody used are the user's. */
struct row {
	json_t *j;
	const char *used[64];
	size_t n_used;
	const char *where; /* "file:line" */
	struct reason *why;
	const json_t *numbers; /* of a game of numbers, for meta; NULL: none */
	bool code;             /* what is asked for is a program, and the row has its tests */
	bool published;        /* a form that data sets have, and no verifier of the row's own */
};

json_t *row_use(struct row *r, const char *key); /* NULL: absent or null */
/* The first of names[0..n) that the row has, and which it is; used */
json_t *row_first(struct row *r, const char *const *names, size_t n, const char **which);
bool row_used(const struct row *r, const char *key);
int row_bad(const struct row *r, const char *key, const char *what);
/* Text as a C string; a NUL in it would hide what follows. */
int row_text(const struct row *r, const char *key, const json_t *v, char **out);
/* Text, or anything else as its JSON text (12, true, ["a","b"]) */
int row_value(const struct row *r, const char *key, const json_t *v, char **out);
const char *row_str(const struct row *r, const char *key); /* NULL: not there, or no text */
bool row_has_nul(const json_t *string);
void row_list(const struct row *r, struct buf *b); /* all keys, ", " between them */

#endif
