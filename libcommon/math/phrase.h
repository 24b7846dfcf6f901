/* phrase.h - answers as text: the same words, the same tokens, what their commas may be. */
#ifndef MATH_PHRASE_H
#define MATH_PHRASE_H

#include "base/buf.h"

#include <stdbool.h>

/* The same but for spacing and the like; for words also upper and lower case, \text{} and what
 * stands around them; for a choice, (B), what follows it in got. */
bool phrase_same(struct span right, struct span got);
/* One or some words of a language, no list, which only words can be the same as? */
bool phrase_is(struct span s);
/* How many of enum comma make a difference to s: 1 where no comma stands between digits */
int phrase_comma_readings(struct span s);

#endif
