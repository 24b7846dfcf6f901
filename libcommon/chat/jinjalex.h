/* jinjalex.h - a template cut into tokens: text, and what stands in tags. */
#ifndef CHAT_JINJALEX_H
#define CHAT_JINJALEX_H

#include "chat/jinjavalue.h"

enum jtoken_kind {
	JT_TEXT,   /* value: the text */
	JT_OUTPUT, /* {{ and }} */
	JT_OUTPUT_END,
	JT_BLOCK, /* {% and %} */
	JT_BLOCK_END,
	JT_NAME,   /* value: the name */
	JT_STRING, /* value: what it means */
	JT_NUMBER, /* value */
	JT_SIGN,   /* sign */
	JT_END
};

#define JINJA_SIGN2(a, b) ((a) | (b) << 8) /* of two characters */

struct jtoken {
	enum jtoken_kind kind;
	int sign, line;
	struct jvalue value;
};

/* The tokens of source (UTF-8), JT_END behind the last. Blanks go as trim_blocks, lstrip_blocks and
 * the marks - and + in tags say; comments are left out, raw blocks are text. */
struct jtoken *jinja_lex(struct jwork *w, struct span source);

#endif
