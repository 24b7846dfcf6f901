/*
 * unpack.h - the bytes of a file, those of gzip and zstd unpacked on the way.
 *
 * Several members or frames in a row are one text. Memory is bounded by the packer's window (zstd's
 * is refused above 128 MiB), whatever the file says of its size.
 */
#ifndef BASE_UNPACK_H
#define BASE_UNPACK_H

#include "base/buf.h"
#include "base/io.h"

#include <stdbool.h>

struct unpack; /* opaque */

/* in is borrowed and read from where it stands. */
struct unpack *unpack_new(struct in *in, struct reason *why);
/* Adds some bytes to *b; *eof when there are no more. Packed data that is damaged, cut off, or
 * unpacks to far more than any text does: ST_INPUT. */
int unpack_more(struct unpack *u, struct buf *b, bool *eof, struct reason *why);
void unpack_free(struct unpack *u); /* NULL is fine */

#endif
