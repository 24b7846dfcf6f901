/* dir.c - folders that appear whole or not at all, and have one owner. See dir.h. */
#include "base/dir.h"
#include "base/mem.h"
#include "base/num.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return xstrdup(".");
	return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

static int fsync_dir(const char *path, struct reason *why)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), st = 0;

	if (fd < 0)
		return fail_errno(why, errno, "%s: open", path);
	if (fsync(fd) != 0 && errno != EINVAL) /* that of /dev: nothing to sync there */
		st = fail_errno(why, errno, "%s: fsync", path);
	close(fd);
	return st;
}

int dir_settle(const char *path, struct reason *why)
{
	char *parent = parent_of(path);
	int st = fsync_dir(parent, why);

	free(parent);
	return st;
}

/* path without trailing slashes */
static char *trimmed(const char *path)
{
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		n--;
	return xstrndup(path, n);
}

int newdir_check(const char *path, struct reason *why)
{
	char *p = trimmed(path), *parent = parent_of(p);
	struct stat sb;
	int st = 0;

	if (!*path)
		st = fail_errno(why, ENOENT, "''");
	else if (lstat(p, &sb) == 0)
		st = fail(why, ST_SYSTEM, "%s: exists already: take another name, or remove it",
			  path);
	else if (errno != ENOENT)
		st = fail_errno(why, errno, "%s", path);
	else if (access(parent, W_OK | X_OK) != 0)
		st = fail_errno(why, errno, "%s", parent);
	free(p);
	free(parent);
	return st;
}

/* The folder and the files in it; one that is not there is fine. Asks for no memory, as opendir
 * does: it is used when there is none. */
static void remove_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_Alignas(struct dirent64) char room[2048];
	ssize_t n;

	while (fd >= 0 && (n = getdents64(fd, room, sizeof room)) > 0)
		for (ssize_t at = 0; at < n;) {
			const struct dirent64 *e = (const void *)(room + at);

			unlinkat(fd, e->d_name, 0); /* . and .. refuse */
			at += e->d_reclen;
		}
	if (fd >= 0) {
		close(fd);
		rmdir(path);
	}
}

/* What newdir_begin made and nobody ended yet */
static const char *unfinished;

static void drop_unfinished(void)
{
	if (unfinished)
		remove_dir(unfinished);
}

static void expect_end(const char *tmp)
{
	unfinished = tmp;
	no_memory_first(tmp ? drop_unfinished : NULL);
}

/* The process that NAME.tmp-PID belongs to; 0: it has another form, or is not of that name (NULL:
 * any name). */
static pid_t leftover_of(const char *file, const char *name)
{
	const char *p = strstr(file, ".tmp-");
	int64_t pid;

	if (!p || !num_i64(p + 5, 1, INT32_MAX, &pid))
		return 0;
	if (name && (strlen(name) != (size_t)(p - file) || memcmp(name, file, strlen(name)) != 0))
		return 0;
	return (pid_t)pid;
}

/* What a process that was killed while it made this very folder left. It may have had this one's
 * id: in a container each run has the same. */
static void remove_leftovers(const char *path, const char *parent)
{
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	DIR *dir = opendir(parent);
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		pid_t pid = leftover_of(e->d_name, name);

		if (pid == getpid() || (pid && kill(pid, 0) != 0 && errno == ESRCH)) {
			char *full = xasprintf("%s/%s", parent, e->d_name);

			remove_dir(full);
			free(full);
		}
	}
	if (dir)
		closedir(dir);
}

int newdir_begin(struct newdir *d, const char *path, struct reason *why)
{
	char *parent;
	int st;

	*d = (struct newdir){0};
	st = newdir_check(path, why);
	if (st)
		return st;
	d->path = trimmed(path);
	parent = parent_of(d->path);
	remove_leftovers(d->path, parent);
	free(parent);
	d->tmp = xasprintf("%s.tmp-%ld", d->path, (long)getpid());
	if (mkdir(d->tmp, 0777) != 0) {
		st = fail_errno(why, errno, "%s: mkdir", d->tmp);
		free(d->tmp);
		d->tmp = NULL;
	}
	expect_end(d->tmp);
	return st;
}

int newdir_open(struct newdir *d, const char *name, struct out *o, struct reason *why)
{
	char *file = xasprintf("%s/%s", d->tmp, name);
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666), st = 0;

	if (fd < 0)
		st = fail_errno(why, errno, "%s: create", file);
	free(file);
	out_init(o, fd, name);
	return st;
}

int newdir_done(struct out *o, struct reason *why)
{
	int st = out_flush(o, why), st2;

	if (!st && fsync(o->fd) != 0)
		st = fail_errno(why, errno, "%s: fsync", o->name);
	st2 = out_close(o, st ? NULL : why);
	return st ? st : st2;
}

int newdir_put(struct newdir *d, const char *name, const void *p, size_t n, struct reason *why)
{
	struct out o;
	int st = newdir_open(d, name, &o, why);

	if (st)
		return st;
	out_write(&o, p, n);
	return newdir_done(&o, why);
}

int newdir_commit(struct newdir *d, struct reason *why)
{
	char *parent = parent_of(d->path);
	int st = fsync_dir(d->tmp, why);

	if (!st && rename(d->tmp, d->path) != 0)
		st = fail_errno(why, errno, "%s: rename to %s", d->tmp, d->path);
	if (!st) {
		expect_end(NULL);
		free(d->tmp);
		d->tmp = NULL;
		st = fsync_dir(parent, why);
	}
	free(parent);
	return st;
}

static void clear_away(struct newdir *d)
{
	if (d->tmp) {
		expect_end(NULL);
		remove_dir(d->tmp);
	}
	free(d->tmp);
	d->tmp = NULL;
}

int newdir_commit_file(struct newdir *d, const char *name, struct reason *why)
{
	char *file = xasprintf("%s/%s", d->tmp, name);
	int st = 0;

	if (rename(file, d->path) != 0)
		st = fail_errno(why, errno, "%s: rename to %s", file, d->path);
	free(file);
	clear_away(d);
	return st ? st : dir_settle(d->path, why);
}

void newdir_abort(struct newdir *d)
{
	clear_away(d);
	free(d->path);
	*d = (struct newdir){0};
}

int dir_drop(const char *path, struct reason *why)
{
	char *tmp = xasprintf("%s.tmp-%ld", path, (long)getpid());
	int st = rename(path, tmp) == 0 ? 0 : fail_errno(why, errno, "%s: rename", path);

	if (!st)
		remove_dir(tmp);
	free(tmp);
	return st;
}

void dir_sweep(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (leftover_of(e->d_name, NULL)) {
			char *full = xasprintf("%s/%s", path, e->d_name);

			remove_dir(full);
			free(full);
		}
	if (dir)
		closedir(dir);
}

/* By flock(2): the kernel lets go when the process ends, however it ends. */
int dir_lock(const char *path, int *fd, struct reason *why)
{
	char *file = xasprintf("%s/.lock", path), who[24] = "";
	int st = 0;

	*fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (*fd < 0) {
		st = fail_errno(why, errno, "%s", file);
	} else if (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
		st = errno != EWOULDBLOCK ? fail_errno(why, errno, "%s: flock", file)
		     : pread(*fd, who, sizeof who - 1, 0) > 0
			     ? fail(why, ST_SYSTEM, "%s is in use by process %.*s", path,
				    (int)strspn(who, "0123456789"), who)
			     : fail(why, ST_SYSTEM, "%s is in use by another process", path);
	} else if (ftruncate(*fd, 0) != 0 || dprintf(*fd, "%ld\n", (long)getpid()) < 0) {
		st = fail_errno(why, errno, "%s: write", file);
	}
	if (st && *fd >= 0) {
		close(*fd);
		*fd = -1;
	}
	free(file);
	return st;
}
