/*
 * hold.h - a filter that works on several records at once: it holds some back, and passes them on
 * in their order when it has enough, when the input pauses, and before another segment begins.
 */
#ifndef STREAM_HOLD_H
#define STREAM_HOLD_H

#include "stream/rec.h"

struct hold {
	void *ctx;
	/* Keeps a copy of the record. */
	int (*take)(void *ctx, const struct rec *r, const char *name, struct reason *why);
	bool (*full)(void *ctx); /* no more should be held back */
	/* Writes all that is held to out; it may be nothing. */
	int (*settle)(void *ctx, struct reason *why);
	struct rec_out *out;
	unsigned flags; /* of rec_open */
	bool patient;   /* a pause of the input is no reason to pass them on */
};

/* The record, its bytes copied to *bytes in place of what is there. */
struct rec hold_copy(struct buf *bytes, const struct rec *r);
/* Filters all files (NULL is behind the last, "-" is standard input), or standard input when there
 * are none. The last segment stays open. */
int hold_files(const struct hold *h, char *const *files, struct reason *why);

#endif
