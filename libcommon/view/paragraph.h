/* paragraph.h - a trajectory as a paragraph of text, for a pager. */
#ifndef VIEW_PARAGRAPH_H
#define VIEW_PARAGRAPH_H

#include "view/entry.h"

/* Appends it with an empty line behind; no other line of it is empty. color: for a terminal that
 * knows colours; tokens that were laid along the response are coloured by their log-prob. */
void paragraph_put(struct buf *b, const struct entry *e, bool color);

#endif
