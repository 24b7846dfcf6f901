/* jsonescape.h - what an escape in a string of JSON stands for. */
#ifndef BASE_JSONESCAPE_H
#define BASE_JSONESCAPE_H

#include <assert.h>
#include <stdint.h>

/* Of an escape of one letter, by that letter; 0: it is none */
static const char jsonescape_meaning[256] = {
	['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
	['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
};

/* The value of a hex digit, and a bit above all digits' */
enum { JSONESCAPE_HEX = 16 };
extern const uint8_t jsonescape_hex[256];

/* The value of 4 hex digits; negative: they are not */
static inline int32_t jsonescape_hex4(const char *p)
{
	int a = jsonescape_hex[(uint8_t)p[0]], b = jsonescape_hex[(uint8_t)p[1]],
	    c = jsonescape_hex[(uint8_t)p[2]], d = jsonescape_hex[(uint8_t)p[3]];

	if (!(a & b & c & d & JSONESCAPE_HEX))
		return -1;
	return (a & 15) << 12 | (b & 15) << 8 | (c & 15) << 4 | (d & 15);
}

static inline char *jsonescape_put(char *to, uint32_t c)
{
	if (c < 0x80) {
		*to++ = (char)c;
		return to;
	}
	if (c < 0x800) {
		*to++ = (char)(0xc0 | c >> 6);
	} else {
		if (c < 0x10000) {
			*to++ = (char)(0xe0 | c >> 12);
		} else {
			*to++ = (char)(0xf0 | c >> 18);
			*to++ = (char)(0x80 | (c >> 12 & 63));
		}
		*to++ = (char)(0x80 | (c >> 6 & 63));
	}
	*to++ = (char)(0x80 | (c & 63));
	return to;
}

/* The character of \uXXXX, or of a pair of them, whose backslash is at p, goes to *to as UTF-8, and
 * *to behind it. Returns the bytes that were read; 0: end cuts it off, -1: it is none. */
static inline int jsonescape_unicode(const char *p, const char *end, char **to)
{
	int32_t c, low;

	assert(end - p >= 2 && p[0] == '\\' && p[1] == 'u');
	if (end - p < 6)
		return 0;
	c = jsonescape_hex4(p + 2);
	if (c < 0 || (c >= 0xdc00 && c < 0xe000))
		return -1;
	if (c < 0xd800 || c >= 0xe000) {
		*to = jsonescape_put(*to, (uint32_t)c);
		return 6;
	}
	if (end - p < 12)
		return 0;
	low = p[6] == '\\' && p[7] == 'u' ? jsonescape_hex4(p + 8) : -1;
	if (low < 0xdc00 || low >= 0xe000)
		return -1;
	*to = jsonescape_put(*to, (uint32_t)(0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00)));
	return 12;
}

#endif
