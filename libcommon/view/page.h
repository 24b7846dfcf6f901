/*
 * page.h - trajectories as one HTML page that needs nothing else: page_begin, page_put for each
 * record, page_end. Without a script it is a list; page.js makes filters and colours of it.
 */
#ifndef VIEW_PAGE_H
#define VIEW_PAGE_H

#include "view/entry.h"

/* What the page says of itself */
struct page {
	const char *const *files; /* n of them */
	size_t n;
	uint64_t total, shown; /* trajectories in the inputs, on the page */
	uint64_t graded, failed, others;
	double reward; /* sum over the graded */
	uint64_t seed; /* of the sample */
	bool cut;      /* an input was cut off */
	double threshold;
};

/* Each appends to b. */
void page_begin(struct buf *b, const struct page *p);
void page_put(struct buf *b, const struct page *p, const struct entry *e);
void page_end(struct buf *b);

#endif
