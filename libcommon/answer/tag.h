/* tag.h - answers between tags. */
#ifndef ANSWER_TAG_H
#define ANSWER_TAG_H

#include "base/buf.h"

#include <stdbool.h>

/* What stands in the last complete <answer>...</answer>, <final_answer>...</final_answer> or
 * <|begin_of_box|>...<|end_of_box|>. False when there is none. Linear. */
bool tag_inside(struct span s, struct span *inside);

#endif
