/* glyph.c - text made harmless. See glyph.h. */
#include "view/glyph.h"
#include "base/utf8.h"

static const char no_character[] = "\xef\xbf\xbd"; /* U+FFFD */

size_t glyph_size(const char *p, size_t n)
{
	size_t size = utf8_char(p, n);

	return size ? size : 1;
}

size_t glyph_units(size_t size)
{
	return size == 4 ? 2 : 1;
}

static bool is_control(const char *p, size_t size)
{
	unsigned char c = (unsigned char)*p;

	return size == 1 && (c < ' ' || c == 0x7f);
}

/* U+0080 to U+009F, which some terminals obey */
static bool is_control_too(const char *p, size_t size)
{
	return size == 2 && (unsigned char)p[0] == 0xc2 && (unsigned char)p[1] < 0xa0;
}

/* Code point of a character of three bytes */
static unsigned code_of_three(const char *p)
{
	return (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
}

/* A mark after which the text runs the other way: a line could show what it does not say. */
static bool turns(const char *p, size_t size)
{
	unsigned c = size == 3 ? code_of_three(p) : 0;

	return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/* The picture of a control character, U+2400 and on */
static void put_picture(struct buf *b, unsigned char c)
{
	char picture[3] = {'\xe2', '\x90', (char)(0x80 + (c == 0x7f ? 0x21 : c))};

	buf_add(b, picture, sizeof picture);
}

static void put_html(struct buf *b, const char *p, size_t size)
{
	switch (*p) {
	case '<':
		buf_str(b, "&lt;");
		return;
	case '>':
		buf_str(b, "&gt;");
		return;
	case '&':
		buf_str(b, "&amp;");
		return;
	case '"':
		buf_str(b, "&quot;");
		return;
	}
	if (is_control(p, size) && *p != '\n' && *p != '\t')
		put_picture(b, (unsigned char)*p);
	else if (is_control_too(p, size) || turns(p, size) ||
		 (size == 1 && (unsigned char)*p >= 0x80))
		buf_str(b, no_character);
	else
		buf_add(b, p, size);
}

void glyph_html(struct buf *b, struct span text)
{
	for (size_t i = 0, size; i < text.n; i += size) {
		size = glyph_size(text.p + i, text.n - i);
		put_html(b, text.p + i, size);
	}
}

static void put_terminal(struct buf *b, const char *p, size_t size)
{
	if (*p == '\n')
		buf_str(b, "\\n");
	else if (*p == '\t')
		buf_char(b, '\t');
	else if (is_control(p, size))
		buf_printf(b, "\\x%02x", (unsigned char)*p);
	else if (is_control_too(p, size))
		buf_printf(b, "\\u%04x", (unsigned char)p[1]);
	else if (turns(p, size))
		buf_printf(b, "\\u%04x", code_of_three(p));
	else if (size == 1 && (unsigned char)*p >= 0x80)
		buf_str(b, no_character);
	else
		buf_add(b, p, size);
}

void glyph_terminal(struct buf *b, struct span text, const char *indent)
{
	for (size_t i = 0, size; i < text.n; i += size) {
		size = glyph_size(text.p + i, text.n - i);
		if (text.p[i] == '\n' && indent) {
			buf_char(b, '\n');
			buf_str(b, indent);
		} else {
			put_terminal(b, text.p + i, size);
		}
	}
}
