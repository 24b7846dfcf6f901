/*
 * fromrow.h - the rows of a file through their format's reader, and the rules that hold whatever
 * the format is.
 *
 * A reader fills a struct sample and calls from_put. There an absent task becomes a hash of the
 * prompt (taskrow.h), a verdict other than "ok" takes the reward away unless --reward names it,
 * and log-probs that do not fit the tokens go.
 */
#ifndef CONVERT_FROMROW_H
#define CONVERT_FROMROW_H

#include "convert/from.h"

/* All rows of a file. The format NULL: the first row tells. */
int from_file(struct from *f, const char *path, const struct format *format);
void from_free(struct from *f);
/* Task and prompt may be absent; so may the response where there are ids. */
int from_put(struct from *f, struct sample *s);

#endif
