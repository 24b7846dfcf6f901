/*
 * pattern.h - regular expressions as tokenizer.json has them, in the syntax of Oniguruma, said in
 * that of PCRE2.
 *
 * The two agree on much and differ where nobody would look: $ and ^ are those of lines, {1,3}+ is a
 * repeat repeated, {n}? that many or none, [a[b]&&c] sets of sets, \h a hexadecimal digit, (?i)
 * goes on to the end of its group. Whatever has no exact translation is refused by name.
 */
#ifndef TOKENIZER_PATTERN_H
#define TOKENIZER_PATTERN_H

#include "base/buf.h"
#include "base/err.h"

/* Appends the translation, which is for PCRE2_UTF | PCRE2_UCP and newlines that are \n. */
int pattern_translate(struct span pattern, struct buf *out, struct reason *why);

#endif
