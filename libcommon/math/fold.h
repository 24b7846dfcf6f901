/* fold.h - signs beyond ASCII, as in 2√3·10⁻¹² or １２，½, as the LaTeX that means the same. */
#ifndef MATH_FOLD_H
#define MATH_FOLD_H

#include "base/buf.h"

/* The sign of mathematics that s begins with, in bytes; 0: it begins with none beyond ASCII. */
size_t fold_sign(struct span s);
/* Adds s to *out, a backslash and a letter for each control character that stands for them before
 * what makes a command with it: \f in front of rac. */
void fold_controls(struct span s, struct buf *out);
/* Adds s to *out, signs replaced; all else stays as it is. */
void fold_signs(struct span s, struct buf *out);

#endif
