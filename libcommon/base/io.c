/* io.c - buffered input and output. See io.h. */
#include "base/io.h"
#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	IN_CHUNK = 256 * 1024, /* larger reads gain nothing on pipes */
	OUT_CHUNK = 64 * 1024, /* nor do larger writes, and this stays in the processor's cache */
};

void out_init(struct out *o, int fd, const char *name)
{
	*o = (struct out){.fd = fd, .name = name};
}

/* Our reader is gone: die as a process without a SIGPIPE handler would. */
static _Noreturn void die_by_sigpipe(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(SIGPIPE);
	_exit(128 + SIGPIPE);
}

/* After a failed read or write: is it worth trying again? Another process that shares a descriptor
 * may have set it not to wait; then the waiting is done here. */
static bool again(int fd, short event)
{
	struct pollfd p = {.fd = fd, .events = event};

	return errno == EINTR || (errno == EAGAIN && (poll(&p, 1, -1) >= 0 || errno == EINTR));
}

static void write_all(struct out *o, const char *p, size_t n)
{
	while (n && !o->err) {
		ssize_t w = write(o->fd, p, n);

		if (w >= 0) {
			p += w;
			n -= (size_t)w;
		} else if (errno == EPIPE && o->fd == STDOUT_FILENO) {
			die_by_sigpipe();
		} else if (!again(o->fd, POLLOUT)) {
			o->err = errno;
		}
	}
}

static void settle(struct out *o)
{
	if (o->sum && o->summed < o->b.n)
		hash_add(o->sum, o->b.p + o->summed, o->b.n - o->summed);
	o->summed = o->b.n;
}

void out_sum(struct out *o, struct hash *sum)
{
	if (o->sum == sum)
		return;
	settle(o);
	o->sum = sum;
}

static void write_buffer(struct out *o)
{
	settle(o);
	write_all(o, o->b.p, o->b.n);
	o->b.n = o->summed = 0;
}

void out_write(struct out *o, const void *p, size_t n)
{
	o->total += n;
	if (o->b.n + n > OUT_CHUNK)
		write_buffer(o);
	if (n < OUT_CHUNK) {
		buf_add(&o->b, p, n);
		return;
	}
	if (o->sum)
		hash_add(o->sum, p, n);
	write_all(o, p, n);
}

struct buf *out_append(struct out *o)
{
	return &o->b;
}

void out_appended(struct out *o, size_t from)
{
	assert(from <= o->b.n);
	o->total += o->b.n - from;
	if (o->b.n > OUT_CHUNK)
		write_buffer(o);
}

void out_str(struct out *o, const char *s)
{
	out_write(o, s, strlen(s));
}

void out_printf(struct out *o, const char *fmt, ...)
{
	char small[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(small, sizeof small, fmt, ap);
	va_end(ap);
	if ((size_t)n < sizeof small) {
		out_write(o, small, (size_t)n);
	} else {
		char *big = xmalloc((size_t)n + 1);

		va_start(ap, fmt);
		vsnprintf(big, (size_t)n + 1, fmt, ap);
		va_end(ap);
		out_write(o, big, (size_t)n);
		free(big);
	}
}

int out_flush(struct out *o, struct reason *why)
{
	write_buffer(o);
	return o->err ? fail_errno(why, o->err, "%s: write", o->name) : 0;
}

int out_close(struct out *o, struct reason *why)
{
	int st = out_flush(o, why);

	if (close(o->fd) != 0 && !st && o->total)
		st = fail_errno(why, errno, "%s: close", o->name);
	buf_free(&o->b);
	o->fd = -1;
	return st;
}

int out_sync(struct out *o, struct reason *why)
{
	int st = out_flush(o, why);

	if (!st && fsync(o->fd) != 0 && errno != EINVAL && errno != EROFS) /* a pipe, a device */
		st = fail_errno(why, errno, "%s: fsync", o->name);
	return st;
}

struct out *out_stdout(void)
{
	static struct out o = {.fd = STDOUT_FILENO, .name = "<stdout>"};

	return &o;
}

int in_open(struct in *i, const char *path, struct reason *why)
{
	*i = (struct in){.fd = STDIN_FILENO, .name = "<stdin>"};
	if (strcmp(path, "-") == 0)
		return 0;
	i->name = path;
	i->fd = open(path, O_RDONLY | O_CLOEXEC);
	return i->fd < 0 ? fail_errno(why, errno, "%s: open", path) : 0;
}

/* Reads at most n bytes to p, which stand behind the unread ones; *got: how many, 0 at the end. */
static int read_some(struct in *i, char *p, size_t n, size_t *got, struct reason *why)
{
	ssize_t r;

	if (i->tie && out_flush(i->tie, why))
		return ST_SYSTEM;
	do
		r = read(i->fd, p, n);
	while (r < 0 && again(i->fd, POLLIN));
	if (r < 0)
		return fail_errno(why, errno, "%s: read at byte %llu", i->name,
				  (unsigned long long)(i->offset + i->n));
	*got = (size_t)r;
	i->eof = r == 0;
	return 0;
}

int in_more(struct in *i, struct reason *why)
{
	size_t got = 0;

	if (i->eof)
		return 0;
	if (i->n == i->cap) { /* all of it unread: grow */
		i->cap = i->cap ? i->cap * 2 : IN_CHUNK;
		i->mem = xrealloc(i->mem, i->cap);
		i->p = i->mem;
	} else if (i->p != i->mem) {
		memmove(i->mem, i->p, i->n);
		i->p = i->mem;
	}
	if (read_some(i, i->mem + i->n, i->cap - i->n, &got, why))
		return why->status;
	i->n += got;
	return 0;
}

int in_past(struct in *i, struct buf *b, size_t n, struct reason *why)
{
	size_t got = 0;

	assert(!i->n);
	if (i->eof)
		return 0;
	buf_reserve(b, n);
	if (read_some(i, b->p + b->n, n, &got, why))
		return why->status;
	b->n += got;
	i->offset += got;
	return 0;
}

void in_skip(struct in *i, size_t n)
{
	if (!n) /* p may be NULL */
		return;
	i->p += n;
	i->n -= n;
	i->offset += n;
}

int in_line(struct in *i, size_t max, struct span *line, struct reason *why)
{
	size_t seen = 0;

	for (;;) {
		char *nl = i->n > seen ? memchr(i->p + seen, '\n', i->n - seen) : NULL;
		size_t n = nl ? (size_t)(nl - i->p) : i->n;

		if (n > max)
			return fail(why, ST_INPUT, "%s: byte %llu: a line of more than %zu bytes",
				    i->name, (unsigned long long)i->offset, max),
			       -1;
		if (nl || (i->eof && i->n)) {
			*line = (struct span){i->p, n};
			in_skip(i, n + (nl != NULL));
			return 1;
		}
		if (i->eof)
			return 0;
		seen = i->n;
		if (in_more(i, why))
			return -1;
	}
}

void in_close(struct in *i)
{
	if (i->fd > STDERR_FILENO)
		close(i->fd);
	free(i->mem);
	*i = (struct in){.fd = -1};
}
