/* box.h - the contents of the last boxes of a response. */
#ifndef MATH_BOX_H
#define MATH_BOX_H

#include "base/buf.h"

#include <stdbool.h>

/* Adds the contents of the last complete \boxed{}, \fbox{} or \framebox{} to *out, with those
 * before it that belong to it, commas between them. False when there is none. */
bool box_last(struct span s, struct buf *out);

#endif
