/* file.c - files: written on, read whole, compared. See file.h. */
#include "base/file.h"
#include "base/dir.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Takes the open file, if nobody else has it, and goes to byte at of it. */
static int take_at(int fd, const char *path, uint64_t at, struct reason *why)
{
	struct stat sb;

	if (fstat(fd, &sb) != 0)
		return fail_errno(why, errno, "%s", path);
	if (!S_ISREG(sb.st_mode))
		return 0;
	if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
		return fail(why, ST_SYSTEM, "%s: another process is writing it", path);
	if ((uint64_t)sb.st_size < at)
		return fail(why, ST_INPUT, "%s: it has %llu bytes and should have %llu or more",
			    path, (unsigned long long)sb.st_size, (unsigned long long)at);
	if (lseek(fd, (off_t)at, SEEK_SET) < 0)
		return fail_errno(why, errno, "%s: seek", path);
	return dir_settle(path, why);
}

int file_open_at(struct out *o, const char *path, uint64_t at, struct reason *why)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666), st;

	out_init(o, fd, path);
	if (fd < 0)
		return fail_errno(why, errno, "%s", path);
	o->total = at;
	st = take_at(fd, path, at, why);
	if (st) {
		close(fd);
		o->fd = -1;
	}
	return st;
}

int file_cut(struct out *o, struct reason *why)
{
	struct stat sb;

	if (fstat(o->fd, &sb) != 0)
		return fail_errno(why, errno, "%s", o->name);
	if (!S_ISREG(sb.st_mode))
		return 0;
	return ftruncate(o->fd, (off_t)(o->total - o->b.n)) == 0
		       ? 0
		       : fail_errno(why, errno, "%s: cut back", o->name);
}

bool file_is_there(const struct out *o)
{
	char *p = xmalloc(o->b.n + 1);
	ssize_t got = pread(o->fd, p, o->b.n, (off_t)(o->total - o->b.n));
	bool same = got >= 0 && (size_t)got == o->b.n && memcmp(p, o->b.p, o->b.n) == 0;

	free(p);
	return same;
}

int file_not_stdout(const char *path, struct reason *why)
{
	struct stat a, b;
	int bad = strcmp(path, "-") == 0 ? fstat(STDIN_FILENO, &a) : stat(path, &a);

	if (!bad && fstat(STDOUT_FILENO, &b) == 0 && S_ISREG(b.st_mode) && a.st_dev == b.st_dev &&
	    a.st_ino == b.st_ino)
		return fail(why, ST_USAGE, "%s: input and output are the same file", path);
	return 0;
}

bool file_same(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

bool file_clash(const char *a, const char *b)
{
	return a && b && (strcmp(a, b) == 0 || file_same(a, b)) && !file_same(a, "/dev/null");
}

int file_check_plain(const char *path, struct reason *why)
{
	struct stat sb;

	if (stat(path, &sb) != 0 || S_ISREG(sb.st_mode))
		return 0;
	return fail(why, ST_INPUT, "%s: not a regular file", path);
}

int file_read(const char *path, size_t max, struct buf *b, struct reason *why)
{
	struct in i;
	int st = in_open(&i, path, why);

	if (st)
		return st;
	while (!i.eof) {
		st = in_more(&i, why);
		if (st)
			break;
		if (i.offset + i.n > max) {
			st = fail(why, ST_INPUT, "%s: larger than %zu bytes", path, max);
			break;
		}
		buf_add(b, i.p, i.n);
		in_skip(&i, i.n);
	}
	in_close(&i);
	return st;
}

int file_hash(const char *path, uint64_t from, uint64_t to, struct hash *h, uint64_t *n,
	      struct reason *why)
{
	struct in i;
	int st = in_open(&i, path, why);

	if (st)
		return st;
	while (!st && !i.eof && i.offset < to) {
		uint64_t end;

		st = in_more(&i, why);
		end = i.offset + i.n < to ? i.offset + i.n : to;
		if (!st && end > from && i.offset < end) {
			uint64_t skip = from > i.offset ? from - i.offset : 0;

			hash_add(h, i.p + skip, end - i.offset - skip);
		}
		in_skip(&i, end - i.offset);
	}
	if (!st && to != UINT64_MAX && i.offset < to)
		st = fail(why, ST_INPUT, "%s: it has %llu bytes and should have %llu or more", path,
			  (unsigned long long)i.offset, (unsigned long long)to);
	if (n)
		*n = i.offset;
	in_close(&i);
	return st;
}
