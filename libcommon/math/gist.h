/*
 * gist.h - an answer without what only introduces, explains or qualifies it.
 *
 * "The area is $5$ (about 2.2 squared)" is 5, "No, because $3>2$" is No, "f(x)=cx for some constant
 * c" is f(x)=cx with c declared, "all real numbers" is \mathbb{R}.
 */
#ifndef MATH_GIST_H
#define MATH_GIST_H

#include "math/parts.h"

enum { GIST_LETTERS = 8, GIST_WORDS = 8 };

enum gist_kind { GIST_VALUE, GIST_YES, GIST_NO };

struct gist {
	enum gist_kind kind;
	struct buf text;     /* LaTeX, words in \text{} */
	struct buf equation; /* the same without a condition behind an equation; may be empty */
	struct span letter[GIST_LETTERS]; /* the constants that are declared, in parts */
	int letters;
	struct span domain[GIST_WORDS]; /* words that restrict them */
	int domains;
	struct parts parts; /* owns what spans point to */
};

/* The gist of s. False: it is s itself, with nothing to leave out; text is empty then. */
bool gist_get(struct span s, struct gist *g);
void gist_free(struct gist *g);

#endif
