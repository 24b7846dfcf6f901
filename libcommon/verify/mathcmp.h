/* mathcmp.h - is a response's answer the right one? */
#ifndef VERIFY_MATHCMP_H
#define VERIFY_MATHCMP_H

#include "base/buf.h"

#include <stdbool.h>

/*
 * Is got, an answer without prose around it, the right answer? Both LaTeX or plain text. places:
 * the decimal places that count, -1: as rloop-verify(7) says. *why: what decided, constant text.
 * No time or memory beyond a small bound.
 */
bool math_same(struct span right, struct span got, int places, const char **why);

#endif
