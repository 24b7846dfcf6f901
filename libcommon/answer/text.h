/* text.h - where in a response the answer stands, and how much of it a verdict keeps. */
#ifndef ANSWER_TEXT_H
#define ANSWER_TEXT_H

#include "answer/verdict.h"

/* ASCII, whatever the locale */
static inline bool text_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool text_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool text_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct span text_trim(struct span s); /* without ASCII white space at both ends */

/*
 * The final answer, the rule of all generated kinds; what stands between the last pair of answer
 * tags (see tag.h) is then the response. The first of these that applies:
 *   1. the contents of the last complete \boxed{...}, of one with something in it if there is any
 *   2. what follows the last "Answer:" (any case) up to the end of its line; when that is blank,
 *      the next line that is not
 *      (between tags, all of it)
 *   3. the last line that is not blank: so a response of one line is the answer as it stands
 * Of 1 and 2, pairs of $, `, \( \) or \[ \] around it, ** and one full stop behind it are taken
 * off.
 */
struct span text_final(struct span response);
bool text_marked(struct span response, struct span *s); /* rules 1 and 2 alone */

/* Into out->extracted: cut at a NUL, or to fit, then at a character's border. */
void text_extract(struct verdict *out, struct span s);

/* The task for messages, cut short, printed with %.*s: TEXT_ARG(it->task). */
#define TEXT_ARG(s) (int)((s).n < 120 ? (s).n : 120), (s).p ? (s).p : ""

#endif
