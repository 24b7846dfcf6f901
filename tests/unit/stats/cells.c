/* Tests of stats/cells.h: one row in each form. */
#include "stats/cells.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void put_row(struct cells *c)
{
	static const uint32_t ids[] = {7, 8};

	cells_text(c, "na\tme", (struct span){"a\"\tb\xff", 5});
	cells_count(c, "count", UINT64_MAX);
	cells_place(c, "at", 3);
	cells_place(c, "nowhere", -1);
	cells_number(c, "third", 1.0 / 3);
	cells_number(c, "no", NAN);
	cells_flag(c, "is", true);
	cells_flag(c, "not", false);
	cells_ids(c, "ids", ids, 2);
	cells_ids(c, "none", NULL, 0);
	cells_end(c);
}

static void is_written(enum cells_form form, const char *want)
{
	struct buf b = {0};
	struct cells c = {.to = &b, .form = form};

	put_row(&c);
	assert_string_equal(buf_cstr(&b), want);
	put_row(&c); /* the next is as the first was */
	assert_int_equal(b.n, 2 * strlen(want));
	buf_free(&b);
}

static void test_forms(void **state)
{
	(void)state;
	is_written(CELLS_HEADER, "na\\tme\tcount\tat\tnowhere\tthird\tno\tis\tnot\tids\tnone\n");
	is_written(CELLS_TABLE, "a\"\\tb\xff\t18446744073709551615\t3\t-\t0.333333\tn/a\tyes\tno\t"
				"7,8\t\n");
	is_written(CELLS_LINES, "na\\tme\ta\"\\tb\xff\ncount\t18446744073709551615\nat\t3\n"
				"nowhere\t-\nthird\t0.333333333333333\nno\tn/a\nis\tyes\nnot\tno\n"
				"ids\t7,8\nnone\t\n");
	is_written(CELLS_JSON, "{\"na\\tme\":\"a\\\"\\tb\\\\xff\",\"count\":18446744073709551615,"
			       "\"at\":3,\"nowhere\":null,\"third\":0.3333333333333333,\"no\":null,"
			       "\"is\":true,\"not\":false,\"ids\":[7,8],\"none\":[]}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_forms)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
