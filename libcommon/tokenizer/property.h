/* property.h - the sets of characters that patterns call by name, as what stands for them between
 * the brackets of a class of PCRE2's. */
#ifndef TOKENIZER_PROPERTY_H
#define TOKENIZER_PROPERTY_H

#include "base/buf.h"
#include "base/err.h"

/* Letters, marks, digits and connectors; Lowercase and Alphabetic as of Unicode 16. */
#define PROPERTY_WORD "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}"
#define PROPERTY_SPACE "\\p{White_Space}"
#define PROPERTY_HEX "0-9A-Fa-f"

/* Appends the set that stands as \p{name}: a category, a script, a binary property. */
int property_named(struct span name, struct buf *set, struct reason *why);
/* The one that stands as [:name:], or NULL. */
const char *property_posix(struct span name);
/* Has each letter of the set the same letters in it as without regard to case, one by one? */
bool property_is_caseless(const char *set);

#endif
