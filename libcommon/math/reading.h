/* reading.h - is a response's answer the right one, in some way to read the two? */
#ifndef MATH_READING_H
#define MATH_READING_H

#include "base/buf.h"

#include <stdbool.h>

/*
 * Is got, an answer without a solution around it, the right answer? Both LaTeX or plain text.
 * places: the decimal places that count, -1: as rloop-verify(7) says. *why: what decided, constant
 * text. No time or memory beyond a small bound.
 */
bool reading_same(struct span right, struct span got, int places, const char **why);

#endif
