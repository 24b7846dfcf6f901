/* talk.h - messages as JSON: {"role": ..., "content": ...} and lists of them. */
#ifndef CONVERT_TALK_H
#define CONVERT_TALK_H

#include "base/tape.h"

/* A list of messages: not empty, and each has a role */
bool talk_is(struct tape_val list);
bool talk_has_role(struct tape_val message);
void talk_put(struct buf *b, const char *role, struct span content);

#endif
