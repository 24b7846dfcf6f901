/* formats.h - all formats. */
#ifndef CONVERT_FORMATS_H
#define CONVERT_FORMATS_H

#include "convert/format.h"
#include "base/err.h"

const struct format *formats_find(const char *name); /* NULL: no such */
const struct format *formats_at(size_t i);           /* in the table's order; NULL behind it */
/* Which one a row is of, by what it looks like. ST_INPUT when it is none's, or several's. */
int formats_tell(const struct format **which, struct tape_val row, struct reason *why);

#endif
