/* Tests of view/glyph.h: text that nobody vouches for. */
#include "view/glyph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static struct buf b;

static void of_html(void **state)
{
	static const struct {
		const char *text, *html;
	} cases[] = {
		{"", ""},
		{"a b\n\tc", "a b\n\tc"},
		{"</pre><b x=\"1\">&amp;'", "&lt;/pre&gt;&lt;b x=&quot;1&quot;&gt;&amp;amp;'"},
		{"\x1b[1m\r\x7f", "\xe2\x90\x9b[1m\xe2\x90\x8d\xe2\x90\xa1"},
		{"\xc2\x9b"
		 "1m",
		 "\xef\xbf\xbd"
		 "1m"},
		{"\xff\xc3", "\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xe2\x80\xae.\xe2\x81\xa6", "\xef\xbf\xbd.\xef\xbf\xbd"},
		{"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		buf_reset(&b);
		glyph_html(&b, (struct span){cases[i].text, strlen(cases[i].text)});
		assert_string_equal(buf_cstr(&b), cases[i].html);
	}
	buf_reset(&b);
	glyph_html(&b, (struct span){"\0", 1});
	assert_string_equal(buf_cstr(&b), "\xe2\x90\x80");
}

static void of_terminal(void **state)
{
	static const struct {
		const char *text, *indent, *shown;
	} cases[] = {
		{"", NULL, ""},
		{"a\nb\t<i>", NULL, "a\\nb\t<i>"},
		{"a\n\nb", "  ", "a\n  \n  b"},
		{"\x1b[1m\r\x7f", "  ", "\\x1b[1m\\x0d\\x7f"},
		{"\xc2\x9b"
		 "1m",
		 "  ", "\\u009b1m"},
		{"\xe2\x80\xae.\xe2\x81\xa6", "  ", "\\u202e.\\u2066"},
		{"\xff\xc3\xa9", "  ", "\xef\xbf\xbd\xc3\xa9"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		buf_reset(&b);
		glyph_terminal(&b, (struct span){cases[i].text, strlen(cases[i].text)},
			       cases[i].indent);
		assert_string_equal(buf_cstr(&b), cases[i].shown);
	}
}

static void sizes(void **state)
{
	(void)state;
	assert_int_equal(glyph_size("\xf0\x9f\x98\x80", 4), 4);
	assert_int_equal(glyph_size("\xf0\x9f\x98", 3), 1);
	assert_int_equal(glyph_units(4), 2);
	assert_int_equal(glyph_units(3), 1);
	assert_int_equal(glyph_units(1), 1);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_html),
		cmocka_unit_test(of_terminal),
		cmocka_unit_test(sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
