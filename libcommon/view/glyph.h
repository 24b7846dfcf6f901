/*
 * glyph.h - text that nobody vouches for, made harmless for a page and for a terminal.
 *
 * A byte that begins no character becomes U+FFFD, a control character something that can be seen.
 */
#ifndef VIEW_GLYPH_H
#define VIEW_GLYPH_H

#include "base/buf.h"

/* Bytes of the first character of p[0..n), n > 0: those of a character, or 1. */
size_t glyph_size(const char *p, size_t n);
/* Appends text as HTML that stands for it, also in an attribute between double quotes. Marks that
 * turn the direction of writing become U+FFFD. Each character stays one, as a browser counts them:
 * see glyph_units. */
void glyph_html(struct buf *b, struct span text);
/* How many UTF-16 units a browser makes of a character of so many bytes. */
size_t glyph_units(size_t size);
/* Appends text for a terminal: control characters, and marks that turn the direction of writing,
 * are written out. A line break is followed by indent; indent NULL: it is written out, too. */
void glyph_terminal(struct buf *b, struct span text, const char *indent);

#endif
