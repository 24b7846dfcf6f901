/*
 * System calls that fail under files, tensors, policies, streams and verifiers: whatever goes
 * through them says so and why, leaves nothing half done and no descriptor open, and loses nothing
 * that was there before. Checkpoints: run/state-fault.c.
 */
#include "failing.h"

#include "base/mem.h"
#include "policy/safetensors.h"
#include "stream/rec.h"
#include "verify/verify.h"

#include <math.h>

#include "tiny.h"
#include "base/file.h"
#include "base/dir.h"

/* ---- one file, appended to from a place on ---- */

static int append(void *arg, struct reason *why)
{
	const char *call = failing;
	char path[8192];
	struct out o;
	int st, st2;

	(void)arg;
	failing = NULL;
	snprintf(path, sizeof path, "%s", scratch_path(dir, "log"));
	scratch_put(dir, "log", "one two", 7);
	failing = call;
	st = file_open_at(&o, path, 4, why);
	if (!st)
		out_str(&o, "2\n");
	if (!st)
		st = out_sync(&o, why);
	if (!st)
		st = file_cut(&o, why);
	if (o.fd >= 0) {
		st2 = out_close(&o, st ? NULL : why);
		st = st ? st : st2;
	}
	if (!st) {
		struct buf b = {0};

		st = file_read(path, 100, &b, why);
		if (!st && (b.n != 6 || memcmp(b.p, "one 2\n", 6) != 0))
			fail_msg("the file holds other things");
		buf_free(&b);
	}
	return st;
}

static void a_file_that_is_gone_on_with(void **state)
{
	static const struct fault faults[] = {
		{"open", EMFILE}, {"fstat", EIO},  {"lseek", EIO},    {"write", ENOSPC},
		{"write", EINTR}, {"fsync", EIO},  {"fsync", EDQUOT}, {"ftruncate", EIO},
		{"read", EIO},    {"read", EINTR},
	};

	(void)state;
	each_told(EACH(faults), append, NULL);
}

/* A file system that writes when a file is closed says then that it could not. */
static void a_close_that_fails(void **state)
{
	struct fault f = {"close", EDQUOT};
	struct reason why;
	int st;

	(void)state;
	/* before it that of the folder, which was only synced, behind it that of what was read */
	assert_true(with_fault(&f, 1, append, NULL, &st, &why) && !st);
	assert_true(with_fault(&f, 2, append, NULL, &st, &why));
	assert_told(&f, 2, st, &why);
	assert_true(with_fault(&f, 3, append, NULL, &st, &why) && !st);
}

/* Where nothing can be synced, as in /dev or on what is mounted read only, that is no failure. */
static void nothing_to_sync(void **state)
{
	const struct fault faults[] = {{"fsync", EINVAL}, {"fsync", EROFS}};
	struct reason why;
	int st;

	(void)state;
	assert_true(with_fault(&faults[0], 1, append, NULL, &st, &why) && !st);
	assert_true(with_fault(&faults[0], 2, append, NULL, &st, &why) && !st);
	assert_true(with_fault(&faults[1], 2, append, NULL, &st, &why) && !st);
}

/* ---- tensors ---- */

static int read_tensors(void *arg, struct reason *why)
{
	float v[4];
	struct sft_file f;
	int st = sft_open(&f, dir, why);

	(void)arg;
	if (st)
		return st;
	for (size_t i = 0; i < f.n && !st; i++) {
		st = sft_read(&f, &f.v[i], v, why);
		if (!st && v[3] != 4)
			fail_msg("%s holds other numbers", f.v[i].name);
	}
	sft_close(&f);
	return st;
}

static void write_tensors(const char *name, enum sft_dtype dtype)
{
	static const float v[4] = {1, 2, 3, 4};
	const struct sft_item items[] = {{"a", 1, {4}, v, SFT_F32, 0},
					 {"b", 2, {2, 2}, v, SFT_F32, 0}};
	struct out o;

	out_init(&o, open(scratch_path(dir, name), O_WRONLY | O_CREAT, 0666), name);
	assert_true(o.fd >= 0);
	sft_write(&o, items, 2, dtype, NULL);
	assert_int_equal(out_close(&o, NULL), 0);
}

static void tensors(void **state)
{
	static const struct fault faults[] = {{"open", EACCES},
					      {"open", EMFILE},
					      {"fstat", EIO},
					      {"pread", EIO},
					      {"pread", EINTR}};
	const struct fault end = {"pread", 0};
	struct reason why;
	int st;

	(void)state;
	write_tensors("model.safetensors", SFT_BF16);
	each_told(EACH(faults), read_tensors, NULL);
	/* the file is cut while it is read */
	for (unsigned at = 1; with_fault(&end, at, read_tensors, NULL, &st, &why); at++) {
		assert_int_equal(st, ST_INPUT);
		assert_says(&why, "shorter than at first");
	}
	assert_int_equal(st, 0);
}

/* A tensor that is read in several parts */
static int read_large(void *arg, struct reason *why)
{
	struct sft_file f;
	int st = sft_open(&f, dir, why);

	if (st)
		return st;
	st = sft_read(&f, &f.v[0], arg, why);
	sft_close(&f);
	return st;
}

static void a_large_tensor(void **state)
{
	enum { MANY = (1 << 19) + 1 };
	static const struct fault faults[] = {{"pread", EIO}, {"pread", EINTR}};
	float *v = xcalloc(MANY, sizeof *v);
	const struct sft_item item = {"a", 1, {MANY}, v, SFT_F32, 0};
	struct out o;

	(void)state;
	out_init(&o, open(scratch_path(dir, "model.safetensors"), O_WRONLY | O_CREAT, 0666),
		 "test");
	sft_write(&o, &item, 1, SFT_F16, NULL);
	assert_int_equal(out_close(&o, NULL), 0);
	each_told(EACH(faults), read_large, v);
	free(v);
}

static void tensors_of_an_index(void **state)
{
	static const struct fault faults[] = {
		{"open", EMFILE}, {"read", EIO}, {"read", EINTR}, {"pread", EIO}, {"fstat", EIO}};
	static const char index[] = "{\"weight_map\":{\"a\":\"x\",\"b\":\"x\"}}";

	(void)state;
	write_tensors("x", SFT_F32);
	scratch_put(dir, "model.safetensors.index.json", index, strlen(index));
	each_told(EACH(faults), read_tensors, NULL);
}

/* ---- policies ---- */

static int save_policy(void *arg, struct reason *why)
{
	char path[8192];

	snprintf(path, sizeof path, "%s", scratch_path(dir, "policy"));
	return policy_save(arg, path, &(struct weights_form){.as = WEIGHTS_BF16}, why);
}

static int load_policy(void *arg, struct reason *why)
{
	struct policy p = {0};
	char path[8192];
	int st;

	snprintf(path, sizeof path, "%s", scratch_path(dir, "policy"));
	st = policy_load_as(&p, path, *(const int *)arg, why);
	policy_free(&p);
	return st;
}

static void policies(void **state)
{
	static const struct fault saving[] = {{"mkdir", EROFS},  {"open", EMFILE},
					      {"write", ENOSPC}, {"fsync", EIO},
					      {"close", EIO},    {"rename", EXDEV}};
	static const struct fault loading[] = {
		{"open", EMFILE}, {"read", EIO}, {"read", EINTR}, {"pread", EINTR}, {"fstat", EIO}};
	static const struct fault disk = {"pread", EIO};
	int how[] = {0, MODEL_FROZEN};
	struct policy p = tiny_policy("abc", 1);
	struct reason why;
	int st;

	(void)state;
	for (size_t i = 0; i < sizeof saving / sizeof *saving; i++) {
		for (unsigned at = 1; with_fault(&saving[i], at, save_policy, &p, &st, &why);
		     at++) {
			/* a folder's close tells nothing: it was only synced */
			if (st || strcmp(saving[i].call, "close") != 0)
				assert_told(&saving[i], at, st, &why);
			assert_int_equal(load_policy(&how[0], &why) == 0,
					 access(scratch_path(dir, "policy"), F_OK) == 0);
			remove_all(scratch_path(dir, "policy"));
			assert_int_equal(rmdir(dir), 0); /* nothing else is in it */
			assert_int_equal(mkdir(dir, 0777), 0);
		}
		assert_int_equal(st, 0);
		remove_all(scratch_path(dir, "policy"));
	}
	assert_int_equal(save_policy(&p, &why), 0);
	each_told(EACH(loading), load_policy, &how[0]);
	each_told(EACH(loading), load_policy, &how[1]);
	for_ever = true; /* what is read in vain is read once more */
	each_told(&disk, 1, load_policy, &how[0]);
	each_told(&disk, 1, load_policy, &how[1]);
	for_ever = false;
	p.model.params[5] = NAN;
	remove_all(scratch_path(dir, "policy"));
	assert_int_equal(save_policy(&p, &why), ST_INPUT);
	assert_says(&why, "policy: not saved: ");
	assert_int_not_equal(access(scratch_path(dir, "policy"), F_OK), 0);
	policy_free(&p);
}

/* ---- a stream that is gone on with ---- */

struct cut {
	char path[8192];
	struct rec_mark mark;
};

static int resume(void *arg, struct reason *why)
{
	const struct cut *c = arg;
	struct rec_out w;
	struct out o;
	int st;

	out_init(&o, -1, "none");
	rec_out_init(&w, &o, 1);
	st = rec_resume(&w, &c->mark, c->path, why);
	rec_out_free(&w);
	return st;
}

static void a_stream_that_is_gone_on_with(void **state)
{
	static const struct fault faults[] = {{"open", EACCES}, {"read", EIO}, {"read", EINTR}};
	struct reason why = {0};
	struct rec_out w;
	struct cut c;
	struct out o;

	(void)state;
	snprintf(c.path, sizeof c.path, "%s", scratch_path(dir, "s.traj"));
	out_init(&o, open(c.path, O_RDWR | O_CREAT, 0666), c.path);
	rec_out_init(&w, &o, 1);
	rec_put(&w, "\x81\xa1x\x01", 4, true);
	rec_mark_get(&w, &c.mark);
	rec_out_free(&w);
	assert_int_equal(out_close(&o, &why), 0);
	each_told(EACH(faults), resume, &c);
	/* other bytes than were written, and fewer */
	c.mark.hash ^= 1;
	assert_int_equal(resume(&c, &why), ST_INPUT);
	assert_says(&why, "are not those written before");
	c.mark.end++;
	assert_int_equal(resume(&c, &why), ST_INPUT);
	assert_says(&why, "should have");
}

/* ---- programs that judge ---- */

static int judge(void *arg, struct reason *why)
{
	const struct verify_opts o = {
		.verifier = arg, .deadline = 100, .max_output = 4096, .workers = 2};
	const struct verify_item items[2] = {{.task = {"t", 1}, .response = {"1", 1}},
					     {.task = {"u", 1}, .response = {"2", 1}}};
	struct verifier *v = verify_open(&o, why);
	struct verdict out[2];
	int st;

	if (!v)
		return why->status;
	st = verify_run(v, items, 2, out, why);
	verify_close(v);
	for (int i = 0; i < 2 && !st; i++)
		if (out[i].code != VERDICT_OK || out[i].reward != 0.5)
			fail_msg("%s: verdict %d", failing, (int)out[i].code);
	return st;
}

/* What cannot be started is told and is no verdict; nothing of it is left running. */
static void judges(void **state)
{
	static const struct fault faults[] = {{"open", EMFILE},        {"pipe2", EMFILE},
					      {"posix_spawn", EAGAIN}, {"pidfd_open", EMFILE},
					      {"read", EINTR},         {"write", EINTR},
					      {"waitpid", EINTR}};
	static char command[] = "cmd:while read -r l; do echo '{\"reward\": 0.5}'; done";

	(void)state;
	each_told(EACH(faults), judge, command);
	assert_int_equal(waitpid(-1, NULL, 0), -1);
	assert_int_equal(errno, ECHILD);
}

/* ---- a folder that appears whole ---- */

static int put_folder(void *arg, struct reason *why)
{
	struct newdir d;
	int st = newdir_begin(&d, arg, why);

	if (!st)
		st = newdir_put(&d, "a", "1", 1, why);
	if (!st)
		st = newdir_commit(&d, why);
	newdir_abort(&d);
	return st;
}

static void a_folder_that_cannot_be_written(void **state)
{
	static const struct fault faults[] = {{"mkdir", EROFS},  {"open", EMFILE},
					      {"write", EDQUOT}, {"fsync", EIO},
					      {"close", EIO},    {"rename", EXDEV}};
	char path[8192];
	struct reason why;
	int st;

	(void)state;
	snprintf(path, sizeof path, "%s/new//",
		 dir); /* slashes at its end are no part of its name */
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
		for (unsigned at = 1; with_fault(&faults[i], at, put_folder, path, &st, &why);
		     at++) {
			if (st)
				assert_told(&faults[i], at, st, &why);
			/* behind the rename it is there, though nobody can promise for how long */
			if (unlink(scratch_path(dir, "new/a")) == 0)
				assert_int_equal(rmdir(path), 0);
			assert_int_equal(rmdir(dir), 0); /* nothing else is in it */
			assert_int_equal(mkdir(dir, 0777), 0);
		}
		assert_int_equal(st, 0);
		assert_int_equal(unlink(scratch_path(dir, "new/a")), 0);
		assert_int_equal(rmdir(path), 0);
	}
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_file_that_is_gone_on_with),
		TEST(a_close_that_fails),
		TEST(nothing_to_sync),
		TEST(tensors),
		TEST(a_large_tensor),
		TEST(tensors_of_an_index),
		TEST(policies),
		TEST(a_stream_that_is_gone_on_with),
		TEST(judges),
		TEST(a_folder_that_cannot_be_written),
	};

	return cmocka_run_group_tests(tests, NULL, say_tried);
}
