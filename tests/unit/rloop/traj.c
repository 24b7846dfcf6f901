/* The library of programs of one's own, by its header and libtraj.a alone. */
#include "rloop/traj.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Names that libcommon has as well: ours are ours */
int msg_error(int x);
int buf_add(int x);
int rec_next(int x);
int traj_read(int x);

int msg_error(int x)
{
	return x + 1;
}

int buf_add(int x)
{
	return x + 2;
}

int rec_next(int x)
{
	return x + 3;
}

int traj_read(int x)
{
	return x + 4;
}

static char folder[4096];

static int make_folder(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(folder, sizeof folder, "%s/unit-XXXXXX", tmp ? tmp : "/tmp");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	DIR *d = opendir(folder);
	struct dirent *e;

	(void)state;
	while ((e = readdir(d)))
		unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	return rmdir(folder);
}

static const char *at(const char *name)
{
	static char path[8][sizeof folder + 64];
	static int i;
	char *p = path[i++ % 8];

	snprintf(p, sizeof path[0], "%s/%s", folder, name);
	return p;
}

static void set_str(struct traj_rec *r, const char *key, const char *s)
{
	traj_set_text(r, key, s, strlen(s));
}

static struct traj_rec *one(const char *response)
{
	struct traj_rec *r = traj_rec_new();

	set_str(r, "task", "a");
	set_str(r, "prompt", "1+1=");
	set_str(r, "response", response);
	return r;
}

/* Three trajectories, then a record of another kind */
static void write_four(const char *path)
{
	static char *args[] = {"-x", "1"};
	struct traj_out *out = traj_create(path, "test", 2, args);
	struct traj_rec *r;

	for (int i = 0; i < 3; i++) {
		const uint32_t ids[] = {1, 70000, UINT32_MAX};
		const float logprobs[] = {-0.5f, -1, -2};

		r = one(i ? "3" : "2\xff");
		traj_set_ids(r, "tokens", ids, (size_t)i + 1);
		traj_set_floats(r, "logprobs", logprobs, (size_t)i + 1);
		traj_set_number(r, "reward", i / 2.0);
		traj_set_integer(r, "step", i);
		traj_set_flag(r, "used", i == 1);
		assert_true(traj_set_id(r));
		assert_int_equal(traj_put(out, r), 0);
		traj_rec_free(r);
	}
	r = traj_rec_new();
	set_str(r, "kind", "note");
	assert_true(traj_set_packed(r, "x", "\x81\xa1y\x07", 4));
	assert_int_equal(traj_put(out, r), 0);
	traj_rec_free(r);
	assert_int_equal(traj_finish(out), 0);
	assert_null(traj_out_error(out));
	traj_free(out);
}

static void reads_what_it_wrote(void **state)
{
	struct traj_in *in;
	struct traj_rec *r;
	const uint32_t *ids;
	const float *logprobs;
	const char *p;
	const void *raw;
	double reward, y;
	int64_t step;
	bool used;
	size_t n;
	int i = 0;

	(void)state;
	write_four(at("a"));
	in = traj_open(at("a"), TRAJ_STRICT | TRAJ_CHECK);
	for (; (r = traj_next(in)) != NULL && traj_is_traj(r); i++) {
		assert_true(traj_get_text(r, "response", &p, &n));
		assert_int_equal(n, i ? 1 : 2);
		assert_true(traj_get_ids(r, "tokens", &ids, &n));
		assert_int_equal(n, i + 1);
		assert_true(traj_get_floats(r, "logprobs", &logprobs, &n));
		assert_int_equal(n, i + 1);
		assert_int_equal(ids[0], 1);
		assert_true(logprobs[0] == -0.5f);
		assert_true(traj_get_number(r, "reward", &reward) && reward == i / 2.0);
		assert_true(traj_get_number(r, "step", &y) && y == i);
		assert_true(traj_get_integer(r, "step", &step) && step == i);
		assert_true(traj_get_flag(r, "used", &used) && used == (i == 1));
		assert_false(traj_get_text(r, "step", &p, &n));
		assert_false(traj_get_integer(r, "none", &step));
		assert_false(traj_get_ids(r, "response", &ids, &n));
	}
	assert_int_equal(i, 3);
	assert_non_null(r);
	assert_true(traj_get_integer(r, "x.y", &step) && step == 7);
	assert_true(traj_get_packed(r, "x", &raw, &n) && n == 4);
	assert_true(traj_get_packed(r, NULL, &raw, &n) && n == 17);
	assert_null(traj_next(in));
	assert_null(traj_next(in));
	assert_null(traj_in_error(in));
	assert_false(traj_was_cut(in));
	assert_int_equal(traj_close(in), 0);
	assert_int_equal(msg_error(1) + buf_add(1) + rec_next(1) + traj_read(1), 14);
}

static void arrays_are_read_too(void **state)
{
	struct traj_rec *r = traj_rec_new();
	const uint32_t *ids;
	const float *f;
	size_t n;

	(void)state;
	assert_true(traj_set_packed(r, "x", "\x92\x01\xcd\x01\x00", 5));
	assert_true(traj_get_ids(r, "x", &ids, &n) && n == 2 && ids[1] == 256);
	assert_true(traj_get_floats(r, "x", &f, &n) && n == 2 && f[1] == 256);
	assert_true(traj_set_packed(r, "x", "\x92\x01\xff", 3));
	assert_false(traj_get_ids(r, "x", &ids, &n));
	assert_true(traj_get_floats(r, "x", &f, &n) && f[1] == -1);
	assert_true(traj_set_packed(r, "x", "\x91\xa1z", 3));
	assert_false(traj_get_floats(r, "x", &f, &n));
	assert_false(traj_set_packed(r, "x", "\x91", 1));
	assert_false(traj_set_packed(r, "x", "\x01\x01", 2));
	assert_false(traj_set_packed(r, "x", "", 0));
	traj_set_ids(r, "x", NULL, 0);
	assert_true(traj_get_ids(r, "x", &ids, &n) && n == 0);
	traj_remove(r, "x");
	assert_false(traj_get_ids(r, "x", &ids, &n));
	traj_rec_free(r);
}

/* The bytes of a file; *n: how many */
static char *slurp(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	char *p = malloc(1 << 16);

	assert_non_null(f);
	*n = fread(p, 1, 1 << 16, f);
	fclose(f);
	return p;
}

/* Passes all records of both files on; changed: the steps of trajectories become 5. */
static int filter(const char *a, const char *b, const char *to, bool changed)
{
	const char *from[] = {a, b};
	struct traj_out *out = traj_create(to, "filter", 0, NULL);
	int st;

	for (int i = 0; i < 2 && from[i]; i++) {
		struct traj_in *in = traj_open(from[i], 0);
		struct traj_rec *r;

		traj_follow(out, in);
		while ((r = traj_next(in)) != NULL) {
			if (changed && traj_is_traj(r))
				traj_set_integer(r, "step", 5);
			traj_put(out, r);
		}
		traj_close(in);
	}
	st = traj_finish(out);
	assert_int_equal(st != 0, traj_out_error(out) != NULL);
	traj_free(out);
	return st;
}

static void a_filter_keeps_records_and_segments(void **state)
{
	size_t n, m;
	char *was, *is;
	struct traj_in *in;
	struct traj_rec *r;
	int64_t step;
	int records = 0;

	(void)state;
	write_four(at("a"));
	assert_int_equal(filter(at("a"), at("a"), at("b"), false), 0);
	was = slurp(at("a"), &n);
	is = slurp(at("b"), &m);
	/* head, then these very records */
	assert_non_null(memmem(is, m, was + 100, n - 100 - 40));
	assert_int_equal(filter(at("a"), NULL, at("b"), true), 0);
	in = traj_open(at("b"), TRAJ_CHECK);
	while ((r = traj_next(in)) != NULL) {
		records++;
		assert_true(!traj_is_traj(r) || (traj_get_integer(r, "step", &step) && step == 5));
	}
	assert_int_equal(records, 4);
	assert_int_equal(traj_close(in), 0);
	free(was);
	free(is);
}

static void what_fails_is_told_and_has_no_end(void **state)
{
	struct traj_in *in;
	size_t n;
	char *p;

	(void)state;
	write_four(at("a"));
	p = slurp(at("a"), &n);
	free(p);
	for (size_t cut = 0; cut < n; cut += 7) {
		assert_int_equal(truncate(at("a"), (off_t)(n - 1 - cut)), 0);
		assert_int_equal(filter(at("a"), NULL, at("b"), false), 3);
		in = traj_open(at("b"), 0);
		while (traj_next(in))
			;
		assert_non_null(traj_in_error(in));
		assert_int_equal(traj_close(in), 3);
	}
	in = traj_open(at("none"), 0);
	assert_null(traj_next(in));
	assert_non_null(strstr(traj_in_error(in), "none: open: No such file"));
	assert_int_equal(traj_close(in), 4);
	assert_int_equal(filter(at("none"), NULL, at("b"), false), 4);
	write_four(at("a"));
	assert_int_equal(filter(at("a"), NULL, at("no/such/folder"), false), 4);
	assert_int_equal(filter(at("a"), NULL, "/dev/full", false), 4);
}

static void partial_takes_what_is_whole(void **state)
{
	struct traj_in *in;
	int records = 0;

	(void)state;
	write_four(at("a"));
	assert_int_equal(truncate(at("a"), 400), 0);
	in = traj_open(at("a"), TRAJ_PARTIAL);
	while (traj_next(in))
		records++;
	assert_true(records >= 1 && records <= 3);
	assert_true(traj_was_cut(in));
	assert_int_equal(traj_close(in), 0);
}

static void a_wrong_record_is_not_written(void **state)
{
	struct traj_out *out = traj_create(at("a"), "test", 0, NULL);
	struct traj_rec *r = traj_rec_new();

	(void)state;
	assert_false(traj_set_id(r));
	assert_int_equal(traj_put(out, r), 3);
	assert_non_null(strstr(traj_out_error(out), "task: the key is missing"));
	assert_int_equal(traj_finish(out), 3);
	traj_free(out);
	traj_rec_free(r);

	out = traj_create(at("a"), "test", 0, NULL);
	r = one("2");
	traj_set_id(r);
	set_str(r, "response", "3");
	assert_int_equal(traj_put(out, r), 3);
	assert_non_null(strstr(traj_out_error(out), "id: not that of"));
	traj_free(out);
	traj_rec_free(r);

	for (int i = 0; i < 3; i++) {
		out = traj_create(at("a"), "test", 0, NULL);
		r = one("2");
		if (i == 0)
			traj_set_number(r, "reward", (double)NAN);
		else if (i == 1)
			set_str(r, "kind", "end");
		else
			traj_set_integer(r, "kind", 5);
		assert_int_equal(traj_put(out, r), 3);
		assert_int_equal(traj_finish(out), 3);
		traj_free(out);
		traj_rec_free(r);
	}
}

/* Then a file does not become standard output, nor the contrary. */
static void standard_output_is_closed(void **state)
{
	int kept = dup(STDOUT_FILENO);
	struct traj_out *file, *out;
	struct traj_rec *r = one("2");
	struct traj_in *in;
	int st;

	(void)state;
	close(STDOUT_FILENO);
	file = traj_create(at("a"), "test", 0, NULL);
	out = traj_create("-", "test", 0, NULL);
	traj_put(file, r);
	traj_put(out, r);
	st = traj_finish(out);
	assert_int_equal(traj_finish(file), 0);
	dup2(kept, STDOUT_FILENO);
	close(kept);
	assert_int_equal(st, 4);
	assert_non_null(strstr(traj_out_error(out), "<stdout>: open: Bad file descriptor"));
	in = traj_open(at("a"), TRAJ_STRICT | TRAJ_CHECK);
	assert_non_null(traj_next(in));
	assert_null(traj_next(in));
	assert_int_equal(traj_close(in), 0);
	traj_rec_free(r);
	traj_free(out);
	traj_free(file);
}

static void one_segment_of_several(void **state)
{
	struct traj_out *out = traj_create(at("b"), "test", 0, NULL);
	struct traj_rec *r = one("2");
	size_t n;
	char *p;

	(void)state;
	write_four(at("a"));
	for (int i = 0; i < 2; i++) {
		struct traj_in *in = traj_open(at("a"), 0);

		while (traj_next(in))
			;
		traj_inherit(out, in);
		traj_close(in);
	}
	traj_put(out, r);
	assert_int_equal(traj_finish(out), 0);
	p = slurp(at("b"), &n);
	/* the chain: the writer of both, once, and this one */
	assert_non_null(memmem(p, n,
			       "\xa5"
			       "chain\x92\x84\xa4tool",
			       12));
	free(p);
	traj_rec_free(r);
	traj_free(out);
	traj_free(NULL);
	traj_rec_free(NULL);
	assert_int_equal(traj_close(NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_it_wrote),
		cmocka_unit_test(arrays_are_read_too),
		cmocka_unit_test(a_filter_keeps_records_and_segments),
		cmocka_unit_test(what_fails_is_told_and_has_no_end),
		cmocka_unit_test(partial_takes_what_is_whole),
		cmocka_unit_test(a_wrong_record_is_not_written),
		cmocka_unit_test(standard_output_is_closed),
		cmocka_unit_test(one_segment_of_several),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
