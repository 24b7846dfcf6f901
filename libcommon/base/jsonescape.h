/* jsonescape.h - what an escape in a string of JSON stands for. */
#ifndef BASE_JSONESCAPE_H
#define BASE_JSONESCAPE_H

/* Of an escape of one letter, by that letter; 0: it is none */
static const char jsonescape_meaning[256] = {
	['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
	['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
};

/* The character of \uXXXX, or of a pair of them, whose backslash is at p, goes to *to as UTF-8, and
 * *to behind it. Returns the bytes that were read; 0: end cuts it off, -1: it is none. */
int jsonescape_unicode(const char *p, const char *end, char **to);

#endif
