/* jinjachar.c - characters as Python sees them. See jinjachar.h. */
#include "chat/jinjachar.h"

#include <string.h>
#include <utf8proc.h>

uint32_t jinja_char_decode(const char *p, size_t n, size_t *bytes)
{
	utf8proc_int32_t c = -1;
	utf8proc_ssize_t k;

	*bytes = 1;
	if ((unsigned char)*p < 0x80)
		return (unsigned char)*p;
	k = utf8proc_iterate((const utf8proc_uint8_t *)p, (utf8proc_ssize_t)(n < 4 ? n : 4), &c);
	if (k <= 0)
		return 0xfffd;
	*bytes = (size_t)k;
	return (uint32_t)c;
}

size_t jinja_char_encode(char p[4], uint32_t c)
{
	return (size_t)utf8proc_encode_char((utf8proc_int32_t)c, (utf8proc_uint8_t *)p);
}

size_t jinja_char_count(const char *p, size_t n)
{
	size_t chars = 0;

	for (size_t i = 0; i < n; i++)
		chars += ((unsigned char)p[i] & 0xc0) != 0x80;
	return chars;
}

/* ---- classes ---- */

static bool is_space(uint32_t c)
{
	return (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= ' ') || c == 0x85 || c == 0xa0 ||
	       c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
	       c == 0x202f || c == 0x205f || c == 0x3000;
}

/* Digits that are not of a decimal system: superscripts, subscripts, circled ones and the like */
static bool is_digit(uint32_t c)
{
	return c == 0xb2 || c == 0xb3 || c == 0xb9 || (c >= 0x1369 && c <= 0x1371) || c == 0x19da ||
	       c == 0x2070 || (c >= 0x2074 && c <= 0x2079) || (c >= 0x2080 && c <= 0x2089) ||
	       (c >= 0x2460 && c <= 0x2468) || (c >= 0x2474 && c <= 0x247c) ||
	       (c >= 0x2488 && c <= 0x2490) || c == 0x24ea || (c >= 0x24f5 && c <= 0x24fd) ||
	       c == 0x24ff || (c >= 0x2776 && c <= 0x277e) || (c >= 0x2780 && c <= 0x2788) ||
	       (c >= 0x278a && c <= 0x2792);
}

static bool is_letter(utf8proc_category_t k)
{
	return k == UTF8PROC_CATEGORY_LU || k == UTF8PROC_CATEGORY_LL ||
	       k == UTF8PROC_CATEGORY_LT || k == UTF8PROC_CATEGORY_LM || k == UTF8PROC_CATEGORY_LO;
}

static bool is_numeric(utf8proc_category_t k)
{
	return k == UTF8PROC_CATEGORY_ND || k == UTF8PROC_CATEGORY_NL || k == UTF8PROC_CATEGORY_NO;
}

static bool is_printable(uint32_t c, utf8proc_category_t k)
{
	return c == ' ' || !(k == UTF8PROC_CATEGORY_CC || k == UTF8PROC_CATEGORY_CF ||
			     k == UTF8PROC_CATEGORY_CS || k == UTF8PROC_CATEGORY_CO ||
			     k == UTF8PROC_CATEGORY_CN || k == UTF8PROC_CATEGORY_ZL ||
			     k == UTF8PROC_CATEGORY_ZP || k == UTF8PROC_CATEGORY_ZS);
}

bool jinja_char_is(uint32_t c, enum jclass class)
{
	utf8proc_category_t k = utf8proc_category((utf8proc_int32_t)c);

	switch (class) {
	case JC_ALPHA:
		return is_letter(k);
	case JC_DECIMAL:
		return k == UTF8PROC_CATEGORY_ND;
	case JC_DIGIT:
		return k == UTF8PROC_CATEGORY_ND || is_digit(c);
	case JC_NUMERIC:
		return is_numeric(k);
	case JC_UPPER:
		return k == UTF8PROC_CATEGORY_LU;
	case JC_LOWER: /* two letters of Latin-1 are small without being small letters */
		return k == UTF8PROC_CATEGORY_LL || c == 0xaa || c == 0xba;
	case JC_TITLE:
		return k == UTF8PROC_CATEGORY_LT;
	case JC_PRINTABLE:
		return is_printable(c, k);
	case JC_WORD:
		return c == '_' || is_letter(k) || is_numeric(k);
	case JC_SPACE:
		return is_space(c);
	}
	return false;
}

size_t jinja_char_space(const char *p, size_t n)
{
	size_t bytes;

	return n && is_space(jinja_char_decode(p, n, &bytes)) ? bytes : 0;
}

size_t jinja_char_space_back(const char *p, size_t n)
{
	size_t k = 1, bytes;

	while (k < n && k < 4 && ((unsigned char)p[n - k] & 0xc0) == 0x80)
		k++;
	return n && is_space(jinja_char_decode(p + n - k, k, &bytes)) ? k : 0;
}

/* ---- case ---- */

/* What becomes more than one character, as SpecialCasing.txt has it for the letters in use */
static const struct special {
	uint16_t from, upper[3], title[3];
} specials[] = {
	{0xdf, {'S', 'S'}, {'S', 's'}},
	{0x149, {0x2bc, 'N'}, {0x2bc, 'N'}},
	{0x1f0, {'J', 0x30c}, {'J', 0x30c}},
	{0x390, {0x399, 0x308, 0x301}, {0x399, 0x308, 0x301}},
	{0x3b0, {0x3a5, 0x308, 0x301}, {0x3a5, 0x308, 0x301}},
	{0x587, {0x535, 0x552}, {0x535, 0x582}},
	{0xfb00, {'F', 'F'}, {'F', 'f'}},
	{0xfb01, {'F', 'I'}, {'F', 'i'}},
	{0xfb02, {'F', 'L'}, {'F', 'l'}},
	{0xfb03, {'F', 'F', 'I'}, {'F', 'f', 'i'}},
	{0xfb04, {'F', 'F', 'L'}, {'F', 'f', 'l'}},
	{0xfb05, {'S', 'T'}, {'S', 't'}},
	{0xfb06, {'S', 'T'}, {'S', 't'}},
};

static size_t special_case(uint32_t c, bool title, uint32_t to[3])
{
	for (size_t i = 0; i < sizeof specials / sizeof *specials; i++) {
		const uint16_t *v = title ? specials[i].title : specials[i].upper;
		size_t n = 0;

		if (specials[i].from != c)
			continue;
		for (; n < 3 && v[n]; n++)
			to[n] = v[n];
		return n;
	}
	return 0;
}

size_t jinja_char_upper(uint32_t c, uint32_t to[3])
{
	size_t n = special_case(c, false, to);

	if (n)
		return n;
	to[0] = (uint32_t)utf8proc_toupper((utf8proc_int32_t)c);
	return 1;
}

size_t jinja_char_title(uint32_t c, uint32_t to[3])
{
	size_t n = special_case(c, true, to);

	if (n)
		return n;
	to[0] = (uint32_t)utf8proc_totitle((utf8proc_int32_t)c);
	return 1;
}

size_t jinja_char_lower(uint32_t c, uint32_t to[3])
{
	to[0] = (uint32_t)utf8proc_tolower((utf8proc_int32_t)c);
	if (c != 0x130)
		return 1;
	to[0] = 'i';
	to[1] = 0x307;
	return 2;
}
