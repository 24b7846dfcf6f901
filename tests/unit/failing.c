/*
 * System calls that fail, one after the other: whatever goes through files says so and why, leaves
 * nothing half done and no descriptor open, and loses nothing that was there before.
 */
#include "base/hash.h"
#include "base/mem.h"
#include "learn/state.h"
#include "policy/safetensors.h"
#include "stream/rec.h"
#include "verify/verify.h"

#include "scratch.h"

#include <dlfcn.h>
#include <errno.h>
#include <ftw.h>
#include <math.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tiny.h"

/* ---- the calls ---- */

static const char *failing; /* the call that fails; NULL: none */
static unsigned fail_at;    /* the how manieth */
static int fail_with;       /* errno; 0: it does nothing and says so, as read at the end */
static bool for_ever;       /* and those behind it */
static unsigned calls;      /* of it so far */

static bool fails(const char *name)
{
	if (!failing || strcmp(name, failing) != 0)
		return false;
	calls++;
	if (calls < fail_at || (calls > fail_at && !for_ever))
		return false;
	errno = fail_with;
	return true;
}

/* What the next definition of a function does */
static void *real(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

int open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	return fails("open") ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int close(int fd)
{
	long got = syscall(SYS_close, fd); /* it is closed all the same */

	return fails("close") ? -1 : (int)got;
}

ssize_t read(int fd, void *p, size_t n)
{
	return fails("read") ? (fail_with ? -1 : 0) : syscall(SYS_read, fd, p, n);
}

ssize_t write(int fd, const void *p, size_t n)
{
	return fails("write") ? -1 : syscall(SYS_write, fd, p, n);
}

ssize_t pread(int fd, void *p, size_t n, off_t at)
{
	return fails("pread") ? (fail_with ? -1 : 0) : syscall(SYS_pread64, fd, p, n, at);
}

int pipe2(int fd[2], int flags)
{
	return fails("pipe2") ? -1 : (int)syscall(SYS_pipe2, fd, flags);
}

int pidfd_open(pid_t pid, unsigned flags)
{
	return fails("pidfd_open") ? -1 : (int)syscall(SYS_pidfd_open, pid, flags);
}

pid_t waitpid(pid_t pid, int *status, int how)
{
	return fails("waitpid") ? -1 : (pid_t)syscall(SYS_wait4, pid, status, how, NULL);
}

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
		const posix_spawnattr_t *how, char *const argv[], char *const env[])
{
	int (*next)(pid_t *, const char *, const posix_spawn_file_actions_t *,
		    const posix_spawnattr_t *, char *const[], char *const[]) = NULL;

	*(void **)&next = real("posix_spawn");
	return fails("posix_spawn") ? fail_with : next(pid, path, actions, how, argv, env);
}

int fsync(int fd)
{
	return fails("fsync")           ? -1
	       : fcntl(fd, F_GETFD) < 0 ? -1
					: 0; /* the disk itself is not tried */
}

int ftruncate(int fd, off_t n)
{
	return fails("ftruncate") ? -1 : (int)syscall(SYS_ftruncate, fd, n);
}

off_t lseek(int fd, off_t at, int from)
{
	return fails("lseek") ? -1 : syscall(SYS_lseek, fd, at, from);
}

int flock(int fd, int how)
{
	return fails("flock") ? -1 : (int)syscall(SYS_flock, fd, how);
}

int mkdir(const char *path, mode_t mode)
{
	return fails("mkdir") ? -1 : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

int rename(const char *from, const char *to)
{
	return fails("rename") ? -1 : (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
}

int fstat(int fd, struct stat *sb)
{
	return fails("fstat") ? -1 : (int)syscall(SYS_newfstatat, fd, "", sb, AT_EMPTY_PATH);
}

DIR *opendir(const char *path)
{
	DIR *(*next)(const char *) = NULL;

	*(void **)&next = real("opendir");
	return fails("opendir") ? NULL : next(path);
}

struct dirent *readdir(DIR *d)
{
	struct dirent *(*next)(DIR *) = NULL;

	*(void **)&next = real("readdir");
	return fails("readdir") ? NULL : next(d);
}

int dprintf(int fd, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (fails("dprintf"))
		return -1;
	va_start(ap, fmt);
	n = vdprintf(fd, fmt, ap);
	va_end(ap);
	return n;
}

/* ---- trying each ---- */

struct fault {
	const char *call;
	int error;
};

static unsigned open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* Does what is to be done with the at-th of these calls failing; *st is what came of it. False:
 * there are no so many calls. */
static bool with_fault(const struct fault *f, unsigned at, int (*fn)(void *, struct reason *),
		       void *arg, int *st, struct reason *why)
{
	unsigned before = open_files();

	*why = (struct reason){0};
	failing = f->call;
	fail_with = f->error;
	fail_at = at;
	calls = 0;
	*st = fn(arg, why);
	failing = NULL;
	if (open_files() != before)
		fail_msg("%s %u: %u files open, before %u", f->call, at, open_files(), before);
	return calls >= at;
}

static void assert_told(const struct fault *f, unsigned at, int st, const struct reason *why)
{
	if (st != ST_SYSTEM || why->status != ST_SYSTEM || !strstr(why->text, strerror(f->error)))
		fail_msg("%s %u fails with \"%s\": status %d, \"%s\"", f->call, at,
			 strerror(f->error), st, why->text);
}

/* Each of the calls of fn fails once, and it says so; of an interrupted one nothing is seen. */
static void each_told(const struct fault *v, size_t n, int (*fn)(void *, struct reason *),
		      void *arg)
{
	struct reason why;
	int st;

	for (size_t i = 0; i < n; i++) {
		unsigned at = 1;

		for (; with_fault(&v[i], at, fn, arg, &st, &why); at++) {
			if (v[i].error != EINTR)
				assert_told(&v[i], at, st, &why);
			else if (st)
				fail_msg("%s %u interrupted: %s", v[i].call, at, why.text);
		}
		assert_int_equal(st, 0);
		if (at == 1)
			fail_msg("%s is never called", v[i].call);
	}
}

#define EACH(v) (v), sizeof(v) / sizeof *(v)

static const char *dir;

static int remove_one(const char *path, const struct stat *sb, int type, struct FTW *at)
{
	(void)sb, (void)type, (void)at;
	return remove(path);
}

static void remove_all(const char *path)
{
	nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int setup(void **state)
{
	(void)state;
	json_decref(json_object()); /* jansson opens a file when it is used first */
	dir = strdup(scratch_new());
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	remove_all(dir);
	free((char *)(uintptr_t)dir);
	return 0;
}

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
	st = out_open_at(&o, path, 4, why);
	if (!st)
		out_str(&o, "2\n");
	if (!st)
		st = out_sync(&o, why);
	if (!st)
		st = out_cut(&o, why);
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
	struct st_file f;
	int st = st_open(&f, dir, why);

	(void)arg;
	if (st)
		return st;
	for (size_t i = 0; i < f.n && !st; i++) {
		st = st_read(&f, &f.v[i], v, why);
		if (!st && v[3] != 4)
			fail_msg("%s holds other numbers", f.v[i].name);
	}
	st_close(&f);
	return st;
}

static void write_tensors(const char *name, enum st_dtype dtype)
{
	static const float v[4] = {1, 2, 3, 4};
	const struct st_item items[] = {{"a", 1, {4}, v}, {"b", 2, {2, 2}, v}};
	struct out o;

	out_init(&o, open(scratch_path(dir, name), O_WRONLY | O_CREAT, 0666), name);
	assert_true(o.fd >= 0);
	st_write(&o, items, 2, dtype);
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
	write_tensors("model.safetensors", ST_BF16);
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
	struct st_file f;
	int st = st_open(&f, dir, why);

	if (st)
		return st;
	st = st_read(&f, &f.v[0], arg, why);
	st_close(&f);
	return st;
}

static void a_large_tensor(void **state)
{
	enum { MANY = (1 << 19) + 1 };
	static const struct fault faults[] = {{"pread", EIO}, {"pread", EINTR}};
	float *v = xcalloc(MANY, sizeof *v);
	const struct st_item item = {"a", 1, {MANY}, v};
	struct out o;

	(void)state;
	out_init(&o, open(scratch_path(dir, "model.safetensors"), O_WRONLY | O_CREAT, 0666),
		 "test");
	st_write(&o, &item, 1, ST_F16);
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
	write_tensors("x", ST_F32);
	scratch_put(dir, "model.safetensors.index.json", index, strlen(index));
	each_told(EACH(faults), read_tensors, NULL);
}

/* ---- policies ---- */

static int save_policy(void *arg, struct reason *why)
{
	char path[8192];

	snprintf(path, sizeof path, "%s", scratch_path(dir, "policy"));
	return policy_save(arg, path, ST_BF16, why);
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

/* ---- checkpoints ---- */

struct run {
	char dir[8000];
	float v[6];
	uint64_t step;
};

static const struct weight weights[] = {
	{.name = "a", .rank = 1, .shape = {2, 1}, .count = 2},
	{.name = "b", .rank = 2, .shape = {2, 2}, .count = 4, .offset = 2}};

static int run_open(struct run *r, struct state *s, struct reason *why)
{
	int st = state_open(s, r->dir, why);

	if (st)
		return st;
	state_same(s, "--seed", "1");
	state_count(s, "step", &r->step);
	state_array(s, "one", "", weights, 2, r->v);
	state_array(s, "two", "", weights, 2, r->v);
	return 0;
}

static void run_fill(struct run *r, uint64_t step)
{
	r->step = step;
	for (size_t i = 0; i < 6; i++)
		r->v[i] = (float)(step * 10 + i);
}

static int run_save(void *arg, struct reason *why)
{
	struct run *r = arg;
	uint64_t step = r->step;
	struct state s;
	int st = run_open(r, &s, why), got = 0;

	if (st)
		return st;
	got = state_load(&s, why);
	if (got < 0)
		st = why->status;
	else if (got == 0 && s.begun)
		fail_msg("what was saved is not found");
	run_fill(r, step);
	if (!st)
		st = state_save(&s, step, why);
	state_close(&s);
	return st;
}

static int run_load(void *arg, struct reason *why)
{
	struct run *r = arg;
	struct state s;
	int st = run_open(r, &s, why), got;

	if (st)
		return st;
	run_fill(r, 99);
	got = state_load(&s, why);
	if (got == 0)
		fail_msg("what was saved is not found");
	if (got > 0 && s.damaged.status)
		*why = s.damaged;
	st = why->status;
	state_close(&s);
	return st;
}

static unsigned steps_there(const char *path, unsigned *others)
{
	DIR *d = opendir(path);
	struct dirent *e;
	unsigned n = 0;

	*others = 0;
	assert_non_null(d);
	while ((e = readdir(d)))
		if (strncmp(e->d_name, "step-", 5) == 0) {
			n++;
			*others += strlen(e->d_name) != 6;
		}
	closedir(d);
	return n;
}

/* Steps 1 and 2 are saved */
static void run_begin(struct run *r)
{
	struct reason why = {0};

	snprintf(r->dir, sizeof r->dir, "%s/state", dir);
	remove_all(r->dir);
	for (r->step = 1; r->step <= 2; r->step++)
		if (run_save(r, &why))
			fail_msg("%s", why.text);
	run_fill(r, 3);
}

static void assert_run(struct run *r, uint64_t step, const char *what)
{
	struct reason why = {0};
	struct run want;

	if (run_load(r, &why))
		fail_msg("%s: %s", what, why.text);
	run_fill(&want, step);
	if (r->step != step || memcmp(r->v, want.v, sizeof r->v) != 0)
		fail_msg("%s: step %u is loaded, not %u", what, (unsigned)r->step, (unsigned)step);
}

/* Whatever fails while step 3 is saved: it is told, step 3 or step 2 is there and whole, and saving
 * again succeeds. */
static void a_checkpoint_that_cannot_be_saved(void **state)
{
	static const struct fault faults[] = {
		{"open", EMFILE},   {"write", ENOSPC},   {"fsync", EIO},     {"mkdir", EROFS},
		{"rename", EACCES}, {"flock", ENOLCK},   {"ftruncate", EIO}, {"dprintf", ENOSPC},
		{"close", EDQUOT},  {"opendir", EMFILE}, {"readdir", EIO},   {"read", EIO},
		{"pread", EIO},     {"fstat", EIO},
	};
	struct reason why;
	struct run r;
	int st;

	(void)state;
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
		unsigned at = 1, told = 0, others;

		for (;; at++) {
			bool called;

			run_begin(&r);
			called = with_fault(&faults[i], at, run_save, &r, &st, &why);
			if (!called)
				break;
			if (st) {
				assert_told(&faults[i], at, st, &why);
				told++;
			}
			run_fill(&r, 3);
			if (st && run_save(&r, &why))
				fail_msg("%s %u, then again: %s", faults[i].call, at, why.text);
			assert_run(&r, 3, faults[i].call);
			run_fill(&r, 4);
			if (run_save(&r, &why) || steps_there(r.dir, &others) != 2 || others)
				fail_msg("%s %u: not the last two are left", faults[i].call, at);
		}
		assert_int_equal(st, 0);
		if (!told)
			fail_msg("%s: no failure was told", faults[i].call);
	}
}

static int new_state(void *arg, struct reason *why)
{
	struct run *r = arg;
	struct state s;
	int st;

	remove_all(r->dir);
	st = run_open(r, &s, why);
	state_close(&s);
	return st;
}

static void a_state_that_cannot_be_begun(void **state)
{
	static const struct fault faults[] = {{"mkdir", EROFS},   {"opendir", EMFILE},
					      {"open", EACCES},   {"flock", ENOLCK},
					      {"ftruncate", EIO}, {"dprintf", ENOSPC}};
	struct reason why;
	struct run r;
	int st;

	(void)state;
	snprintf(r.dir, sizeof r.dir, "%s/state", dir);
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
		bool told = false;

		for (unsigned at = 1; with_fault(&faults[i], at, new_state, &r, &st, &why); at++) {
			if (st)
				assert_told(&faults[i], at, st, &why);
			told |= st != 0;
		}
		assert_true(told);
		assert_int_equal(st, 0);
	}
}

/* A damaged checkpoint that was passed over stands where the new one goes. */
static void a_damaged_one_that_cannot_be_replaced(void **state)
{
	static const struct fault faults[] = {{"rename", EACCES}};
	char path[8200];
	struct reason why;
	struct run r;
	int st;

	(void)state;
	for (unsigned at = 1; at <= 2; at++) {
		run_begin(&r);
		snprintf(path, sizeof path, "%s/step-3", r.dir);
		assert_int_equal(mkdir(path, 0777), 0);
		assert_true(with_fault(&faults[0], at, run_save, &r, &st, &why));
		assert_told(&faults[0], at, st, &why);
		run_fill(&r, 3);
		assert_int_equal(run_save(&r, &why), 0);
		assert_run(&r, 3, "saved again");
	}
}

/* A folder that cannot be listed is not an empty one: that the run began anew would cost it all. */
static void a_folder_that_cannot_be_listed(void **state)
{
	static const struct fault faults[] = {{"opendir", EMFILE}, {"readdir", EIO}};
	struct reason why;
	struct run r;
	int st;

	(void)state;
	run_begin(&r);
	for (size_t i = 0; i < 2; i++) {
		bool told = false;

		for (unsigned at = 1; with_fault(&faults[i], at, run_load, &r, &st, &why); at++) {
			told |= st == ST_SYSTEM;
			if (st)
				assert_told(&faults[i], at, st, &why);
		}
		assert_true(told);
	}
	assert_run(&r, 2, "afterwards");
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
		TEST(a_checkpoint_that_cannot_be_saved),
		TEST(a_state_that_cannot_be_begun),
		TEST(a_damaged_one_that_cannot_be_replaced),
		TEST(a_folder_that_cannot_be_listed),
		TEST(judges),
		TEST(a_folder_that_cannot_be_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
