/*
 * kept.h - what top-k and top-p left of the vocabulary to draw each token of a response from: a set
 * of ids for each, as the bytes of traj-stream(5)'s key `kept`.
 *
 * A set is how many ids it has and then these, ascending: the first as it is, each other as the
 * difference to the one before. All are unsigned LEB128 in their shortest form: 7 bits a byte, the
 * low ones first, with the high bit set where more follow. A set of none stands for the whole
 * vocabulary.
 */
#ifndef BASE_KEPT_H
#define BASE_KEPT_H

#include "base/buf.h"

#include <stdint.h>

enum {
	KEPT_MOST = 1024,             /* ids of a set */
	KEPT_BYTES = 8 * 1024 * 1024, /* of a response's sets in a record */
};

/* Appends a set; ids ascend. */
void kept_put(struct buf *b, const uint32_t *ids, size_t n);

/* Takes the first set off *sets, which may be anybody's bytes: its ids, *n of them. NULL, or what
 * is wrong with it. */
const char *kept_take(struct span *sets, uint32_t ids[KEPT_MOST], size_t *n);
/* The bytes of the first set of *sets, which is sound, and its number of ids; it is taken off. */
struct span kept_cut(struct span *sets, size_t *n);

/* One set for each of n tokens, with the token in it? NULL, or what is wrong with set *at. */
const char *kept_check(struct span sets, const uint32_t *tokens, size_t n, size_t *at);
/* The greatest id of sets that are sound; 0: there is none. */
uint32_t kept_top(struct span sets);

#endif
