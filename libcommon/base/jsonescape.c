/* jsonescape.c - escapes of JSON. See jsonescape.h. */
#include "base/jsonescape.h"

#include <assert.h>
#include <stdint.h>

/* The value of a hex digit; -1: it is none */
static int hex1(char c)
{
	int letter = (c | 32) - 'a';

	if (c >= '0' && c <= '9')
		return c - '0';
	return letter >= 0 && letter < 6 ? letter + 10 : -1;
}

/* The value of 4 hex digits; negative: they are not */
static int32_t hex4(const char *p)
{
	int a = hex1(p[0]), b = hex1(p[1]), c = hex1(p[2]), d = hex1(p[3]);

	return (a | b | c | d) < 0 ? -1 : a << 12 | b << 8 | c << 4 | d;
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
