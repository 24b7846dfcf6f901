/*
 * edit.h - a record with some of its keys changed, and the others byte for byte as they are.
 */
#ifndef STREAM_EDIT_H
#define STREAM_EDIT_H

#include "base/buf.h"
#include "stream/mp.h"

struct edit {
	const char *key;
	struct span value; /* MessagePack; n = 0: the key goes */
};

/* Appends the map with each edit's value where its key stands, or behind all others, in order. */
void edit_put(struct buf *b, struct mp map, const struct edit *e, size_t n);

#endif
