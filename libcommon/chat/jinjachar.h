/* jinjachar.h - characters as Python sees them: white space, classes, case. Text is UTF-8. */
#ifndef CHAT_JINJACHAR_H
#define CHAT_JINJACHAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum jclass {
	JC_ALPHA,
	JC_DECIMAL,
	JC_DIGIT,
	JC_NUMERIC,
	JC_UPPER,
	JC_LOWER,
	JC_TITLE,
	JC_PRINTABLE,
	JC_WORD, /* what a regular expression calls \w */
	JC_SPACE
};

/* The character that p[0..n), n > 0, begins with, and its bytes. */
uint32_t jinja_char_decode(const char *p, size_t n, size_t *bytes);
size_t jinja_char_encode(char p[4], uint32_t c); /* its bytes */
size_t jinja_char_count(const char *p, size_t n);
bool jinja_char_is(uint32_t c, enum jclass class);
/* Bytes of white space at the front of p[0..n), or at its back: 1 to 3; 0: none */
size_t jinja_char_space(const char *p, size_t n);
size_t jinja_char_space_back(const char *p, size_t n);
/* The characters that c becomes: 1 to 3 */
size_t jinja_char_upper(uint32_t c, uint32_t to[3]);
size_t jinja_char_title(uint32_t c, uint32_t to[3]);
size_t jinja_char_lower(uint32_t c, uint32_t to[3]);

#endif
