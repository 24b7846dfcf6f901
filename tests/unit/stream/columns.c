/* Tests of stream/columns.h: records as lines of a table. */
#include "base/json.h"
#include "stream/columns.h"
#include "stream/mpjson.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static struct buf line;

/* The row of a record that is given as JSON, or, without, as its bytes */
static const char *row_of(const char *list, const char *json, struct mp map)
{
	struct columns c;
	struct reason why;
	struct buf b = {0};

	assert_int_equal(columns_parse(&c, list, &why), 0);
	if (json) {
		json_t *j = json_parse(json, strlen(json), "test", &why);

		assert_non_null(j);
		mpjson_to_record(&b, j);
		json_decref(j);
		map = (struct mp){(const uint8_t *)b.p, b.n};
	}
	buf_reset(&line);
	columns_row(&line, &c, map);
	columns_free(&c);
	buf_free(&b);
	return buf_cstr(&line);
}

static void values(void **state)
{
	static const struct {
		const char *columns, *row, *line;
	} cases[] = {
		{"a,b", "{\"b\":1,\"a\":\"x\"}", "x\t1\n"},
		{"a,b,a", "{\"a\":null}", "\t\t\n"},
		{"a", "{\"a\":\"\\t\\n\\r\\\\ \\u0001\\u007f\\u0000\"}",
		 "\\t\\n\\r\\\\ \\x01\\x7f\\x00\n"},
		{"a", "{\"a\":[1,\"\\t\"]}", "[1,\"\\\\t\"]\n"},
		{"a", "{\"a\":{\"b\":true}}", "{\"b\":true}\n"},
		{"tokens,logprobs", "{\"tokens\":[7,8],\"logprobs\":[-0.5]}", "[7,8]\t[-0.5]\n"},
		{"meta.tokens", "{\"meta\":{\"tokens\":{\"$bin\":\"AQAAAA==\"}}}",
		 "{\"$bin\":\"AQAAAA==\"}\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_string_equal(row_of(cases[i].columns, cases[i].row, (struct mp){0}),
				    cases[i].line);
	buf_free(&line);
}

/* A name with dots is a path, unless a key has just this name. */
static void paths(void **state)
{
	static const struct {
		const char *columns, *row, *line;
	} cases[] = {
		{"a.b", "{\"a\":{\"b\":1}}", "1\n"},
		{"a.b", "{\"a\":{\"b\":1},\"a.b\":2}", "2\n"},
		{"a.b", "{\"a.b\":2,\"a\":{\"b\":1}}", "2\n"},
		{"a.b.c", "{\"a\":{\"b\":{\"c\":3}}}", "3\n"},
		{"a.b.c", "{\"a\":{\"b.c\":3}}", "3\n"},
		{"a.b.c", "{\"a\":{\"b\":{\"c\":3},\"b.c\":null}}", "\n"},
		{"a.b", "{\"a\":[1]}", "\n"},
		{"a.b,a.c,a", "{\"a\":{\"b\":1}}", "1\t\t{\"b\":1}\n"},
		{"a.b", "{\"a\":5}", "\n"},
		{"a.", "{\"a\":{\"\":4}}", "4\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_string_equal(row_of(cases[i].columns, cases[i].row, (struct mp){0}),
				    cases[i].line);
	buf_free(&line);
}

/* Keys that are no text are nobody's columns; of a key that comes twice the first counts. */
static void odd_keys(void **state)
{
	static const char map[] = "\x84\x01\x02\xc4\x01"
				  "a\x03\xa1"
				  "a\x04\xa1"
				  "a\x05";

	(void)state;
	assert_string_equal(row_of("a", NULL, (struct mp){(const uint8_t *)map, sizeof map - 1}),
			    "4\n");
	assert_string_equal(row_of("a", NULL, (struct mp){0}), "\n");
	buf_free(&line);
}

static void names(void **state)
{
	static const char *const bad[] = {"", ",", "a,", ",a", "a,,b"};
	struct reason why;
	struct columns c;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(columns_parse(&c, bad[i], &why), ST_USAGE);
		assert_non_null(strstr(why.text, "a column without a name"));
		assert_null(c.v);
	}
	assert_int_equal(columns_parse(&c, "a.b,x\ty", &why), 0);
	columns_title(&line, &c);
	assert_string_equal(buf_cstr(&line), "a.b\tx\\ty\n");
	columns_free(&c);
	buf_free(&line);
}

static void fields(void **state)
{
	struct span row = {"a\t\tb", 4}, none = {"", 0}, f;

	(void)state;
	assert_true(columns_field(&row, &f));
	assert_true(span_is(f, "a"));
	assert_true(columns_field(&row, &f));
	assert_int_equal(f.n, 0);
	assert_true(columns_field(&row, &f));
	assert_true(span_is(f, "b"));
	assert_false(columns_field(&row, &f));
	assert_true(columns_field(&none, &f));
	assert_int_equal(f.n, 0);
	assert_false(columns_field(&none, &f));
	row = (struct span){"a\t", 2}; /* a tab at the end: an empty field behind it */
	assert_true(columns_field(&row, &f));
	assert_true(columns_field(&row, &f));
	assert_int_equal(f.n, 0);
	assert_false(columns_field(&row, &f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values), cmocka_unit_test(paths),  cmocka_unit_test(odd_keys),
		cmocka_unit_test(names),  cmocka_unit_test(fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
