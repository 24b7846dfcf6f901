/*
 * jinja.h - Jinja source in one form, whatever its spaces, quotes and line breaks: so that chat
 * templates can be told apart by what they say. Nothing is run.
 */
#ifndef CHAT_JINJA_H
#define CHAT_JINJA_H

#include "base/buf.h"
#include "base/err.h"

/*
 * Appends the form of source: items that end in the byte 0x1f. 'T' and the text that is written
 * there (literal text and string constants that stand next to each other are one text); 'E' and an
 * expression whose value is written; 'B' and a statement. Tokens are separated by one space,
 * strings stand in ' without escapes, x['y'] is x . y, a + b is a and then b. Blanks are cut as
 * transformers has Jinja do it (trim_blocks, lstrip_blocks). A tag without an end: ST_INPUT.
 */
int jinja_form(struct span source, struct buf *out, struct reason *why);

#endif
