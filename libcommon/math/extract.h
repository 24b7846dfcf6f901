/*
 * extract.h - the answer in a worked solution.
 *
 * Thoughts, up to the last </think>, are left out. Then the first of these that there is: the last
 * complete \boxed{} or \fbox{}, with those before it that only "and", "or" or a comma part from it;
 * what follows the last "answer is" or "Answer:"; a response that is nothing but an expression; the
 * last formula or number.
 */
#ifndef MATH_EXTRACT_H
#define MATH_EXTRACT_H

#include "base/buf.h"

#include <stdbool.h>

/* Into *out, which is emptied first; false when there is nothing. Linear in the response. */
bool extract_answer(struct span response, struct buf *out);
/* The same for a right answer, which is taken whole unless it has a box or a formula in prose. */
void extract_right(struct span answer, struct buf *out);

#endif
