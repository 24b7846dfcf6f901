/*
 * failing.h - system calls that fail, one after the other: for a test program, which has these
 * definitions instead of libc's. Include it once.
 *
 *     each_told(faults, n, fn, arg);    whichever call of fn fails, it is told and nothing stays
 * open
 *
 * Each test has the scratch folder dir.
 */
#ifndef TESTS_FAILING_H
#define TESTS_FAILING_H

#include "scratch.h"

#include <dlfcn.h>
#include <errno.h>
#include <ftw.h>
#include <jansson.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* ---- the calls ---- */

static const char *failing; /* the call that fails; NULL: none */
static unsigned fail_at;    /* the how manieth */
static int fail_with;       /* errno; 0: it does nothing and says so, as read at the end */
static bool for_ever;       /* and those behind it */
static unsigned calls;      /* of it so far */

static inline bool fails(const char *name)
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
static inline void *real(const char *name)
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

static unsigned tried; /* calls that failed */

static inline unsigned open_files(void)
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
static inline bool with_fault(const struct fault *f, unsigned at,
			      int (*fn)(void *, struct reason *), void *arg, int *st,
			      struct reason *why)
{
	unsigned before = open_files();

	*why = (struct reason){0};
	failing = f->call;
	fail_with = f->error;
	fail_at = at;
	calls = 0;
	*st = fn(arg, why);
	failing = NULL;
	tried += calls >= at;
	if (open_files() != before)
		fail_msg("%s %u: %u files open, before %u", f->call, at, open_files(), before);
	return calls >= at;
}

static inline void assert_told(const struct fault *f, unsigned at, int st, const struct reason *why)
{
	if (st != ST_SYSTEM || why->status != ST_SYSTEM || !strstr(why->text, strerror(f->error)))
		fail_msg("%s %u fails with \"%s\": status %d, \"%s\"", f->call, at,
			 strerror(f->error), st, why->text);
}

/* Each of the calls of fn fails once, and it says so; of an interrupted one nothing is seen. */
static inline void each_told(const struct fault *v, size_t n, int (*fn)(void *, struct reason *),
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

static inline int remove_one(const char *path, const struct stat *sb, int type, struct FTW *at)
{
	(void)sb, (void)type, (void)at;
	return remove(path);
}

static inline void remove_all(const char *path)
{
	nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline int setup(void **state)
{
	(void)state;
	json_decref(json_object()); /* jansson opens a file when it is used first */
	dir = strdup(scratch_new());
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	remove_all(dir);
	free((char *)(uintptr_t)dir);
	return 0;
}

static inline int say_tried(void **state)
{
	(void)state;
	print_message("# %u system calls failed\n", tried);
	return 0;
}
#endif
