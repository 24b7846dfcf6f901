/* The base of a server's URLs, as people give it. */
#include "ask/ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_urls(void **state)
{
	static const char *const cases[][2] = {
		{"http://h:1", "http://h:1/v1"},
		{"https://h/", "https://h/v1"},
		{"http://h/v1/", "http://h/v1"},
		{"http://h/api/v1/chat/completions", "http://h/api/v1"},
		{"http://h/v1/completions", "http://h/v1"},
		{"http://[::1]:8000", "http://[::1]:8000/v1"},
		{"http://h/v1beta/openai", "http://h/v1beta/openai"},
	};
	struct reason why;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *url = ask_url(cases[i][0], &why);

		assert_non_null(url);
		assert_string_equal(url, cases[i][1]);
		free(url);
	}
}

static void test_bad_urls(void **state)
{
	static const char *const bad[] = {"",
					  "h:1",
					  "ftp://h",
					  "http://",
					  "http:///v1",
					  "http://u:secret@h",
					  "http://h?k=secret",
					  "http://h#secret"};
	struct reason why;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_null(ask_url(bad[i], &why));
		assert_int_equal(why.status, ST_USAGE);
		assert_null(strstr(why.text, "secret"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_bad_urls),
	};

	return cmocka_run_group_tests_name("ask/ask", tests, NULL, NULL);
}
