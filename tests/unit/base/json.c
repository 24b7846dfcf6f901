/* Tests of base/json.h: strings. */
#include "base/json.h"
#include "scratch.h"

/* p[0..n) as a string of JSON, which jansson reads back */
static void check_string(struct buf *b, const char *p, size_t n)
{
	json_t *j;

	buf_reset(b);
	json_string_to(b, p, n);
	j = json_loadb(b->p, b->n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	assert_non_null(j);
	assert_int_equal(json_string_length(j), n);
	assert_memory_equal(json_string_value(j), p, n);
	json_decref(j);
}

/* Each byte of ASCII at each place of texts about as long as what is looked at at once */
static void each_byte_comes_back(void **state)
{
	char text[50];
	struct buf b = {0};

	(void)state;
	for (size_t n = 1; n <= sizeof text; n++)
		for (size_t at = 0; at < n; at += 1 + n / 8)
			for (char c = 0; c >= 0 && c < 127; c++) {
				memset(text, 'x', n);
				text[at] = c;
				check_string(&b, text, n);
			}
	check_string(&b, "", 0);
	buf_free(&b);
}

static void escapes_are_the_short_ones(void **state)
{
	static const char in[] = "\b\t\n\f\r\"\\/\x01\x1f\x7f\xc3\xa9, and some text behind it";
	static const char out[] =
		"\"\\b\\t\\n\\f\\r\\\"\\\\/\\u0001\\u001f\x7f\xc3\xa9, and some text "
		"behind it\"";
	struct buf b = {0};

	(void)state;
	json_string_to(&b, in, sizeof in - 1);
	assert_int_equal(b.n, sizeof out - 1);
	assert_memory_equal(b.p, out, b.n);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_byte_comes_back),
		cmocka_unit_test(escapes_are_the_short_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
