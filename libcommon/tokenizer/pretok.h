/*
 * pretok.h - the pre_tokenizer of tokenizer.json: text is cut into the pieces within which byte
 * pairs are merged.
 *
 * Supported: Split with any behavior, Digits, Metaspace and ByteLevel, alone or in a Sequence,
 * where ByteLevel is the last.
 */
#ifndef TOKENIZER_PRETOK_H
#define TOKENIZER_PRETOK_H

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>

struct pretok; /* read-only once made: threads may share it */

/* j absent or null: text is one piece. */
struct pretok *pretok_new(const json_t *j, struct reason *why);
void pretok_free(struct pretok *p);
bool pretok_bytes(const struct pretok *p); /* it has a ByteLevel */

/* Pieces of one text; zero-initialise, free with pretok_pieces_free. */
struct pieces {
	struct piece *v; /* in order */
	size_t n, cap;
	struct piece *next; /* the list under construction */
	size_t n_next, cap_next;
	struct buf text; /* what the pieces are made of */
};
struct piece {
	size_t at, n; /* bytes of text */
};
void pretok_pieces_free(struct pieces *s);
/* Cuts text anew: what s held is gone. start: what is encoded begins with text. Bytes that are not
 * UTF-8 match no pattern and are kept. */
int pretok_cut(const struct pretok *p, struct span text, bool start, struct pieces *s,
	       struct reason *why);

#endif
