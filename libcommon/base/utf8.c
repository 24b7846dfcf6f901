/* utf8.c - is this text? See utf8.h. */
#include "base/utf8.h"

#include "base/lane16.h"

#include <stdint.h>
#include <string.h>

/* Bytes of ASCII that p[0..n) begins with */
static size_t ascii_run(const uint8_t *p, size_t n)
{
	size_t i = 0;

	for (; n - i >= 64; i += 64)
		if (lane16_high(lane16_at(p + i) | lane16_at(p + i + 16) | lane16_at(p + i + 32) |
				lane16_at(p + i + 48)))
			break;
	for (; n - i >= 16; i += 16) {
		unsigned high = lane16_high(lane16_at(p + i));

		if (high)
			return i + (size_t)__builtin_ctz(high);
	}
	while (i < n && p[i] < 0x80)
		i++;
	return i;
}

/* Length of the character at p, 0 if it is none. The second byte's range is what rules out
 * overlong forms, surrogates and values above U+10FFFF. */
static size_t sequence(const uint8_t *p, size_t n)
{
	uint8_t c = p[0], lo = 0x80, hi = 0xbf;
	size_t len = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	if (c < 0xc2 || c > 0xf4 || n < len)
		return 0;
	if (c == 0xe0)
		lo = 0xa0;
	else if (c == 0xed)
		hi = 0x9f;
	else if (c == 0xf0)
		lo = 0x90;
	else if (c == 0xf4)
		hi = 0x8f;
	if (p[1] < lo || p[1] > hi)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

bool utf8_valid(const char *text, size_t n)
{
	const uint8_t *p = (const uint8_t *)text;
	size_t i = 0;

	for (;;) {
		size_t len;

		i += ascii_run(p + i, n - i);
		if (i == n)
			return true;
		len = sequence(p + i, n - i);
		if (!len)
			return false;
		i += len;
	}
}

size_t utf8_char(const char *p, size_t n)
{
	return (unsigned char)*p < 0x80 ? 1 : sequence((const uint8_t *)p, n);
}

void utf8_bare(struct buf *b, struct span text)
{
	static const char lost[] = "\xef\xbf\xbd"; /* U+FFFD */
	size_t n;

	buf_reset(b);
	for (size_t i = 0; i < text.n; i += n ? n : 1) {
		const char *p = text.p + i;

		n = utf8_char(p, text.n - i);
		if (n == 1 ? !strchr(" \t\n\r", *p) : n != 3 || memcmp(p, lost, n) != 0)
			buf_add(b, p, n);
	}
}
