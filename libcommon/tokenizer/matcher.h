/* matcher.h - added tokens, which are looked for in the text itself; of several that match at one
 * place, the longest wins. */
#ifndef TOKENIZER_MATCHER_H
#define TOKENIZER_MATCHER_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

struct literal {
	struct buf text;
	uint32_t id;
	bool lstrip, rstrip; /* white space before it, behind it, goes with it */
	bool single_word;    /* not beside a letter, a digit or a connector */
};

struct matcher {
	struct literal *v; /* by first byte, then from long to short */
	size_t n;
	size_t start[257]; /* those that begin with byte c are v[start[c] .. start[c + 1]) */
};

/* Zero-initialise. The literal's text is not empty; it is the matcher's from now on. */
void matcher_add(struct matcher *m, const struct literal *l);
void matcher_sort(struct matcher *m); /* after the last matcher_add, before matcher_find */

/* Where a token was found, with the white space that goes with it; zero: nowhere yet. */
struct found {
	size_t begin, end;
	size_t from; /* where to search on */
};
/* The next token in text, or NULL when there is none. begin may lie before the end of the last one:
 * white space that went with that one is a token of its own then, too. */
const struct literal *matcher_find(const struct matcher *m, struct span text, struct found *at);
void matcher_free(struct matcher *m);

#endif
