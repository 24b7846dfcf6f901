/* thought.h - what a response says aloud: thoughts are no answer. */
#ifndef ANSWER_THOUGHT_H
#define ANSWER_THOUGHT_H

#include "base/buf.h"

/*
 * The response without its thoughts: what stands behind the last tag that ends them, up to one that
 * begins them again. Tags: <think>, <thinking>, <thought>, <thoughts>, <reasoning>, <reason>,
 * <scratchpad>, <reflection>, <|begin_of_thought|>, [THINK] and the like, in any case. Of a
 * response whose thoughts do not end it is what stands before them; where the prompt ends inside
 * of thoughts and the response has no end of them, nothing. A tag between backquotes or quotes, or
 * one within a later sentence, is only spoken of. Linear in both.
 */
struct span thought_spoken(struct span prompt, struct span response);

#endif
