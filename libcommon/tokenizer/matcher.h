/* matcher.h - added tokens, which are looked for in the text itself; of several that match at one
 * place, the longest wins. */
#ifndef TOKENIZER_MATCHER_H
#define TOKENIZER_MATCHER_H

#include "base/buf.h"

#include <stdint.h>

struct literal {
	struct buf text;
	uint32_t id;
};

struct matcher {
	struct literal *v; /* by first byte, then from long to short */
	size_t n;
	size_t start[257]; /* those that begin with byte c are v[start[c] .. start[c + 1]) */
};

/* Zero-initialise. */
void matcher_add(struct matcher *m, struct span text, uint32_t id); /* text is copied, not empty */
void matcher_sort(struct matcher *m); /* after the last matcher_add, before matcher_find */
/* The first token in text and its place, or NULL when there is none. */
const struct literal *matcher_find(const struct matcher *m, struct span text, size_t *at);
void matcher_free(struct matcher *m);

#endif
