/* jsonescape.c - escapes of JSON. See jsonescape.h. */
#include "base/jsonescape.h"

#include <assert.h>
#include <stdint.h>

/* The value of a hex digit, and a bit above all digits' */
enum { HEX = 16 };
static const uint8_t hex[256] = {
	['0'] = HEX | 0,  ['1'] = HEX | 1,  ['2'] = HEX | 2,  ['3'] = HEX | 3,  ['4'] = HEX | 4,
	['5'] = HEX | 5,  ['6'] = HEX | 6,  ['7'] = HEX | 7,  ['8'] = HEX | 8,  ['9'] = HEX | 9,
	['a'] = HEX | 10, ['b'] = HEX | 11, ['c'] = HEX | 12, ['d'] = HEX | 13, ['e'] = HEX | 14,
	['f'] = HEX | 15, ['A'] = HEX | 10, ['B'] = HEX | 11, ['C'] = HEX | 12, ['D'] = HEX | 13,
	['E'] = HEX | 14, ['F'] = HEX | 15,
};

/* The value of 4 hex digits; negative: they are not */
static int32_t hex4(const char *p)
{
	int a = hex[(uint8_t)p[0]], b = hex[(uint8_t)p[1]], c = hex[(uint8_t)p[2]],
	    d = hex[(uint8_t)p[3]];

	if (!(a & b & c & d & HEX))
		return -1;
	return (a & 15) << 12 | (b & 15) << 8 | (c & 15) << 4 | (d & 15);
}

static char *put_utf8(char *to, uint32_t c)
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

int jsonescape_unicode(const char *p, const char *end, char **to)
{
	int32_t c, low;

	assert(end - p >= 2 && p[0] == '\\' && p[1] == 'u');
	if (end - p < 6)
		return 0;
	c = hex4(p + 2);
	if (c < 0 || (c >= 0xdc00 && c < 0xe000))
		return -1;
	if (c < 0xd800 || c >= 0xe000) {
		*to = put_utf8(*to, (uint32_t)c);
		return 6;
	}
	if (end - p < 12)
		return 0;
	low = p[6] == '\\' && p[7] == 'u' ? hex4(p + 8) : -1;
	if (low < 0xdc00 || low >= 0xe000)
		return -1;
	*to = put_utf8(*to, (uint32_t)(0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00)));
	return 12;
}
