/*
 * charset.h - characters, escapes and bracketed sets of a pattern in Oniguruma's syntax, and what
 * stands for them in PCRE2's.
 *
 * Case is taken away here: a letter in (?i) becomes the set of its spellings. What the other engine
 * would match with several characters (ss and U+00DF) is refused.
 */
#ifndef TOKENIZER_CHARSET_H
#define TOKENIZER_CHARSET_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

struct pattern_text {
	const char *p, *end; /* what is still to be read */
	bool fold;           /* within (?i) */
	struct reason *why;
};

/* What an escape, behind its backslash, stands for */
struct escape {
	enum { ESC_CHAR, ESC_SET, ESC_OTHER } kind;
	uint32_t code;  /* of ESC_CHAR */
	struct buf set; /* of ESC_SET: between brackets; the caller's to free */
	bool negated;   /* and all but those */
	char letter;    /* of ESC_OTHER: an anchor, a reference ... nothing but it has been read */
};

/* The next character; the text is UTF-8 and has one. */
uint32_t charset_next(struct pattern_text *t);
/* What stands behind a backslash that was read. */
int charset_escape(struct pattern_text *t, struct escape *e);
/* Appends what matches one character of the set, or all but them. */
void charset_put(struct buf *out, const struct buf *set, bool negated);
/* Appends what matches this character. */
int charset_char(struct pattern_text *t, uint32_t code, struct buf *out);
/* Appends what matches one character of the set whose [ was read. */
int charset_brackets(struct pattern_text *t, struct buf *out);

#endif
