/* How often a verifier may fail, and what is said when it is more. */
#include "verify/failures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void judge(struct failures *f, int n, enum verdict_code code, const char *said)
{
	struct verdict v = {.code = code, .said_n = (unsigned char)strlen(said)};

	memcpy(v.said, said, v.said_n);
	for (int i = 0; i < n; i++)
		failures_count(f, &v);
}

static void test_share(void **state)
{
	struct failures f = {.most = 0.1};
	struct reason why;

	(void)state;
	assert_int_equal(failures_check(&f, true, &why), 0);
	judge(&f, 10, VERDICT_EXIT, "");
	assert_int_equal(failures_check(&f, false, &why), 0); /* 10 of at least 100 */
	assert_int_equal(failures_check(&f, true, &why), ST_INPUT);
	judge(&f, 90, VERDICT_OK, "");
	assert_int_equal(failures_check(&f, true, &why), 0);
	judge(&f, 1, VERDICT_EXIT, "");
	assert_int_equal(failures_check(&f, false, &why), ST_INPUT);
	assert_string_equal(why.text, "verifier: 11 of 101 verdicts are failures (11 exit), more "
				      "than --max-failures 0.1");
}

static void test_diagnosis(void **state)
{
	struct failures f = {.most = 0};
	struct reason why;

	(void)state;
	judge(&f, 2, VERDICT_GARBAGE, "Loading\tmodel\033[0m \xff");
	judge(&f, 1, VERDICT_TOO_LONG, "another");
	assert_int_equal(failures_check(&f, true, &why), ST_INPUT);
	assert_non_null(strstr(why.text, "(2 garbage, 1 too-long)"));
	assert_non_null(strstr(why.text, "; no answer is: Loading\\tmodel\\x1b[0m "));
	assert_null(strstr(why.text, "flush"));
	judge(&f, 1, VERDICT_TIMEOUT, "");
	assert_int_equal(failures_check(&f, true, &why), ST_INPUT);
	assert_non_null(strstr(why.text, "flush"));
}

/* A run that goes on knows how many failed, not how. */
static void test_no_kinds(void **state)
{
	struct failures f = {.most = 0, .judged = 4, .failed = 3};
	struct reason why;

	(void)state;
	assert_int_equal(failures_check(&f, true, &why), ST_INPUT);
	assert_string_equal(why.text,
			    "verifier: 3 of 4 verdicts are failures, more than --max-failures 0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_share),
		cmocka_unit_test(test_diagnosis),
		cmocka_unit_test(test_no_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
