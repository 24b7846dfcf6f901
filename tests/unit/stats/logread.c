/* Tests of stats/logread.h: JSON lines and tables, and what is refused. */
#include "stats/logread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static struct names keys;
static struct reason why;

static int start(void **state)
{
	(void)state;
	names_id(&keys, (struct span){"step", 4});
	names_id(&keys, (struct span){"x", 1});
	return 0;
}

static int end(void **state)
{
	(void)state;
	names_free(&keys);
	return 0;
}

/* Checks that the log has rows "step x;step x;"; returns what the last logread_next did. */
static int rows(const char *log, const char *want, bool cut)
{
	char path[] = "/tmp/logread-XXXXXX";
	int fd = mkstemp(path), got;
	struct buf b = {0};
	struct logread l;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, log, strlen(log)), strlen(log));
	close(fd);
	assert_int_equal(logread_open(&l, path, &keys, &why), 0);
	while ((got = logread_next(&l, &why)) > 0)
		buf_printf(&b, "%s %s;", buf_cstr(&l.cell[0]), buf_cstr(&l.cell[1]));
	assert_string_equal(b.n ? buf_cstr(&b) : "", want);
	assert_int_equal(l.cut, cut);
	logread_close(&l);
	buf_free(&b);
	unlink(path);
	return got;
}

static void refused(const char *log, const char *reason)
{
	assert_int_equal(rows(log, "", false), -1);
	assert_int_equal(why.status, ST_INPUT);
	if (!strstr(why.text, reason))
		fail_msg("\"%s\" lacks \"%s\"", why.text, reason);
}

static void test_json(void **state)
{
	(void)state;
	assert_int_equal(rows("{\"step\":1,\"x\":0.5,\"y\":[]}\n\n{\"x\":null}\r\n{\"x\":\"t\"}",
			      "1 0.5; ; t;", false),
			 0);
	assert_int_equal(rows("", "", false), 0);
	refused("{\"x\":[1]}\n", ":1: x: neither number nor text");
	refused("\n{\"x\":1,\"x\":2}\n", ":2: column ");
	refused("{\"x\":1\n{\"x\":1}\n", ":1: column ");
}

static void test_table(void **state)
{
	(void)state;
	assert_int_equal(rows("y\tx\tstep\n\t0.5\t1\n\n7\t-\tn/a\nz\t\t2\n", "1 0.5; ;2 ;", false),
			 0);
	assert_int_equal(rows("x\tstep", "", false), 0);
	refused("x\tstep\n1\t2\t3\n", ":2: 3 columns, 2 in the header");
	refused("x\tstep\n1\n", ":2: 1 columns, 2 in the header");
	refused("x\tx\n", ":1: two columns are called x");
}

/* The last line of a run that was killed while it wrote */
static void test_cut(void **state)
{
	(void)state;
	assert_int_equal(rows("{\"step\":1}\n{\"step\":2,\"x", "1 ;", true), 0);
	assert_int_equal(rows("step\tx\n1\t2\n2", "1 2;", true), 0);
	assert_int_equal(rows("{\"step\":1}\n{\"step\":2,\"x\n", "1 ;", false), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, start, end);
}
