/*
 * pool.h - verifiers of the user's own: several copies of one program, one item at a time each.
 *
 * A line {"task", "prompt", "response", "answer", "meta"} goes in, a line {"reward": x} with an
 * optional "extracted" (text) comes out; where the answer has a "task" it must be the item's.
 * A program that failed, or that may be out of step (it wrote more than one line, or answered
 * before it had read its line), is ended and the next item gets a fresh one. A program that ends
 * without a word on an item, after it has answered others, gets a second trial of that item by
 * a fresh one: so a program that answers once and exits works, and no verdict depends on when
 * its death is seen or on the number of workers.
 */
#ifndef VERIFY_POOL_H
#define VERIFY_POOL_H

#include "base/err.h"
#include "answer/verdict.h"

struct pool; /* opaque: holds children */
/* deadline: seconds for an item, the program's start included; max_output: bytes of an answer. */
struct pool *pool_open(const char *command, double deadline, size_t max_output, int workers,
		       struct reason *why);
/* Judges items[which[i]] into out[which[i]]. As verify_run. */
int pool_run(struct pool *p, const struct verify_item *items, const size_t *which, size_t n,
	     struct verdict *out, struct reason *why);
const char *pool_command(const struct pool *p);
void pool_close(struct pool *p);

/* Appends any bytes as a JSON string: what is not UTF-8 becomes U+FFFD. Absent: null. */
void pool_text(struct buf *b, struct span s);

#endif
