/* pieces.h - which stretch of a response each of its tokens wrote. */
#ifndef VIEW_PIECES_H
#define VIEW_PIECES_H

#include "tokenizer/tokenizer.h"

/* Zero-initialise; free with pieces_free. */
struct pieces {
	size_t *end; /* of each token's stretch, in bytes of the response; owned */
	size_t n;    /* 0: not known */
	size_t room;
	struct buf one, two; /* what a token and its neighbour decode to */
};

/* Lays the tokens along the text, which they must make up to the last byte; tokens that are no text
 * (an end token) get an empty stretch. False, and n = 0: they make another text. */
bool pieces_lay(struct pieces *p, const struct tokenizer *tok, struct span text,
		const uint32_t *ids, size_t n);
void pieces_free(struct pieces *p);

#endif
