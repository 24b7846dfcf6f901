/* utf8.h - is this text? */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

/* Well-formed UTF-8 as Unicode's table 3-7 has it: no overlong forms, no surrogates. NUL is fine.
 */
bool utf8_valid(const char *p, size_t n);
/* Bytes of the character that p[0..n), n > 0, begins with: 1 to 4; 0: it begins with none. */
size_t utf8_char(const char *p, size_t n);
/* *b becomes text without blanks and without what is no character (U+FFFD, bytes that are no
 * UTF-8): what two ways to write the same have in common. */
void utf8_bare(struct buf *b, struct span text);

#endif
