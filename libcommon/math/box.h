/* box.h - the contents of the last boxes of a response. */
#ifndef MATH_BOX_H
#define MATH_BOX_H

#include "base/buf.h"

#include <stdbool.h>

struct box_place {
	size_t end;   /* behind the last box */
	bool percent; /* a percent sign or word stood behind one */
};

/*
 * Adds the contents of the last complete \boxed{}, \fbox{} or \framebox{} to *out, with those
 * before it that belong to it, commas between them. A box that holds nothing is only spoken of, one
 * that says about what the box before it says is a remark, and one that holds sentences and a box
 * is none. False when there is none.
 */
bool box_last(struct span s, struct buf *out, struct box_place *place);

#endif
