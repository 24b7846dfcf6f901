/*
 * keep.h - what a foreign row cannot say of a record, beside it under one key: nothing is lost on
 * the way there and back.
 */
#ifndef CONVERT_KEEP_H
#define CONVERT_KEEP_H

#include "convert/from.h"

/* Appends the trajectory as a JSON object, those keys left out that a row of the format gives back
 * by itself; false: none is left. */
bool keep_write(struct buf *b, const struct traj *r, const struct format *in);
/* Takes them back out of a row that has them; a row without is as it is. */
int keep_read(struct from *f, struct sample *s, struct tape_val row);

#endif
