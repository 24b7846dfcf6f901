/*
 * extract.h - the answer in a worked solution.
 *
 * What stands between the last pair of answer tags (tag.h) is the solution, where there is one.
 * Then the first of these that there is: the last complete \boxed{} or \fbox{} with something in
 * it, with those before it that only "and", "or" or a comma part from it, unless a "final answer
 * is" with a value stands behind it; what follows the last "answer is" or "Answer:" or ####; a
 * response that is nothing but an expression; the last formula or number.
 */
#ifndef MATH_EXTRACT_H
#define MATH_EXTRACT_H

#include "base/buf.h"

#include <stdbool.h>

/* What the right answer is, which says how sentences without a box are read. */
enum extract_kind { EXTRACT_VALUE, EXTRACT_CHOICE, EXTRACT_YES_NO };

struct extract {
	struct buf text;
	bool percent; /* it ends in a percent sign that stood outside of its box */
};

enum extract_kind extract_kind_of(struct span right);
/* Into *out, whose text is emptied first; false when there is nothing. Linear in the response. */
bool extract_answer(struct span response, enum extract_kind kind, struct extract *out);
/* The same for a right answer, which is taken whole unless it has a box, or says "the answer is".
 */
void extract_right(struct span answer, struct buf *out);

#endif
