/* prose.h - formulas and numbers among words. */
#ifndef MATH_PROSE_H
#define MATH_PROSE_H

#include "base/buf.h"

#include <stdbool.h>

/* How much at the beginning of s is expression: up to the first word or sign that is none of
 * mathematics or a unit, the end of the sentence or of the line. */
size_t prose_prefix(struct span s);
/* The last formula ($...$, \(...\), \[...\]; with a power, a root and the like without those too)
 * or number in s */
bool prose_last_item(struct span s, struct span *item);
/* Up to the full stop that ends the sentence, or the end of the line */
struct span prose_sentence(struct span s);

#endif
