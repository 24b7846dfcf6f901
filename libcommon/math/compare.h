/* compare.h - is a response's answer the right one? */
#ifndef MATH_COMPARE_H
#define MATH_COMPARE_H

#include "base/buf.h"

#include <stdbool.h>

/*
 * Is got, an answer without prose around it, the right answer? Both LaTeX or plain text. places:
 * the decimal places that count, -1: as rloop-verify(7) says. *why: what decided, constant text.
 * No time or memory beyond a small bound.
 */
bool compare_answers(struct span right, struct span got, int places, const char **why);

#endif
