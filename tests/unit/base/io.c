/* Tests of base/io.h: lines of an input, what a dead process left of a folder. */
#include "scratch.h"
#include "base/dir.h"

static struct reason why;

/* Reads all lines; returns what ended them. *n: their number */
static int read_lines(const char *path, size_t max, size_t *n)
{
	struct span line;
	struct in in;
	int got;

	assert_int_equal(in_open(&in, path, &why), 0);
	for (*n = 0; (got = in_line(&in, max, &line, &why)) > 0; ++*n)
		assert_int_equal(line.n, 3);
	in_close(&in);
	return got;
}

/* Whatever else is in the buffer with it, and with a newline or without. */
static void a_line_is_too_long_or_not(void **state)
{
	char dir[4096];
	const char *path;
	size_t n;

	(void)state;
	strcpy(dir, scratch_new());
	path = scratch_path(dir, "lines");
	scratch_put(dir, "lines", "abc\ndef\nghi", 11);
	assert_int_equal(read_lines(path, 3, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(read_lines(path, 2, &n), -1);
	assert_int_equal(n, 0);
	scratch_put(dir, "lines", "abc\ndefg\nhij\n", 13);
	assert_int_equal(read_lines(path, 3, &n), -1);
	assert_int_equal(n, 1);
	assert_says(&why, "lines: byte 4: a line of more than 3 bytes");
	scratch_put(dir, "lines", "abc\ndefg", 8);
	assert_int_equal(read_lines(path, 3, &n), -1);
	assert_int_equal(n, 1);
	scratch_free(dir);
}

/* In a container each run has the same process id. */
static void a_killed_process_had_our_id(void **state)
{
	char dir[4096], path[4200], left[4300];
	struct newdir d;

	(void)state;
	strcpy(dir, scratch_new());
	snprintf(path, sizeof path, "%s/p", dir);
	snprintf(left, sizeof left, "%s.tmp-%ld", path, (long)getpid());
	assert_int_equal(mkdir(left, 0777), 0);
	scratch_put(left, "config.json", "half", 4);
	assert_int_equal(newdir_begin(&d, path, &why), 0);
	assert_int_equal(newdir_put(&d, "config.json", "whole", 5, &why), 0);
	assert_int_equal(newdir_commit(&d, &why), 0);
	newdir_abort(&d);
	assert_int_not_equal(access(left, F_OK), 0);
	scratch_free(path);
	scratch_free(dir);
}

static void refused_early(void **state)
{
	(void)state;
	assert_int_equal(newdir_check("", &why), ST_SYSTEM);
	assert_says(&why, "'': No such file or directory");
	assert_int_equal(newdir_check("/", &why), ST_SYSTEM);
	assert_int_equal(newdir_check("/nonexistent/p/", &why), ST_SYSTEM);
	assert_says(&why, "/nonexistent: No such file or directory");
}

/* Pieces below, at and above what is held, some before the sum and some behind it */
static void sums_what_is_written_between(void **state)
{
	enum { MOST = 200000 };
	static char all[MOST];
	struct hash *sum = hash_new();
	struct out o;

	(void)state;
	for (size_t i = 0; i < MOST; i++)
		all[i] = (char)(i * i >> 8);
	out_init(&o, open("/dev/null", O_WRONLY | O_CLOEXEC), "nothing");
	for (size_t n = 1; n <= MOST; n = n * 3 + n / 2 + 1) {
		struct buf *b;
		size_t from;

		hash_reset(sum);
		out_write(&o, "before", 6);
		out_sum(&o, sum);
		out_write(&o, all, n);
		out_sum(&o, NULL);
		assert_int_equal(hash_64(sum), hash_once(all, n));
		out_write(&o, "between", 7);
		out_sum(&o, sum);
		b = out_append(&o);
		from = b->n;
		buf_add(b, all + n, MOST - n);
		out_appended(&o, from);
		assert_int_equal(out_flush(&o, NULL), 0);
		out_sum(&o, NULL);
		out_write(&o, "behind", 6);
		assert_int_equal(hash_64(sum), hash_once(all, MOST));
	}
	assert_int_equal(out_close(&o, NULL), 0);
	hash_free(sum);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_too_long_or_not),
		cmocka_unit_test(a_killed_process_had_our_id),
		cmocka_unit_test(refused_early),
		cmocka_unit_test(sums_what_is_written_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
