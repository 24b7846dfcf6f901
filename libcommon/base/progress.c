/* progress.c - one line on stderr, and one in a file. See progress.h. */
#include "base/progress.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/rank.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

char *progress_time(double s, char *buf)
{
	long long t = (long long)s;

	if (t < 60)
		snprintf(buf, 32, "%llds", t);
	else if (t < 3600)
		snprintf(buf, 32, "%lldm%02llds", t / 60, t % 60);
	else
		snprintf(buf, 32, "%lldh%02lldm", t / 3600, t / 60 % 60);
	return buf;
}

/* Seconds of one item, by those that were done since the clock began */
static double seconds_each(const struct progress *p, uint64_t done)
{
	return done > p->before ? (clock_now() - p->began) / (double)(done - p->before) : 0;
}

/* Always the same bytes or more, in one write: a reader sees a whole line. */
static void put_file(const char *unit, uint64_t done, uint64_t all, double left)
{
	static int fd = -1;
	const char *path = getenv("RLOOP_PROGRESS_FILE");
	char line[128];
	int n;

	if (!path || rank_self())
		return;
	if (fd < 0)
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	n = snprintf(line, sizeof line, "%-8s %12" PRIu64 " %12" PRIu64 " %12.1f\n", unit, done,
		     all, left);
	if (fd < 0 || pwrite(fd, line, (size_t)n, 0) < 0)
		return; /* who looks on sees nothing new */
}

struct rest { /* what RLOOP_PROGRESS says */
	double again, after;
	bool more;
	const char *text; /* NULL: there is none */
};

static struct rest read_rest(void)
{
	const char *env = getenv("RLOOP_PROGRESS");
	struct rest r = {0};
	int at = 0;

	if (!env || sscanf(env, "%lf %lf%n", &r.again, &r.after, &at) < 2)
		return r;
	r.more = env[at] == '+';
	r.text = env + at + r.more;
	r.text += *r.text == ' ';
	return r;
}

/* Puts the time left of all, where more is left than this. */
static void put_rest(char *text, size_t size, const struct rest *r, double here, double whole)
{
	char time[32];
	double others = r->again * whole + r->after;

	*text = 0;
	if (others > 0 || (r->more && here > 0))
		snprintf(text, size, " (%s%s%s in all)", r->more ? ">" : "",
			 progress_time(here + others, time), here > 0 ? "" : " left");
}

/* Puts what the line begins with: whose it is, how far, the time left of this and of all; at the
 * end what it took. */
static int put_head(char *line, size_t size, const struct progress *p, uint64_t done, uint64_t all)
{
	double each = seconds_each(p, done);
	struct rest r = read_rest();
	char time[32], rest[64];
	bool end = done >= all;

	progress_time(each * (double)(end ? all - p->before : all - done), time);
	put_rest(rest, sizeof rest, &r, each * (double)(all - done), each * (double)all);
	return snprintf(line, size, "%.150s: %s %" PRIu64 "/%" PRIu64 "%s %s%s%s",
			r.text ? r.text : msg_tool(), p->unit, done, all, end ? " in" : ",", time,
			end ? "" : " left", rest);
}

/* What fits into the terminal's line, so that it can be written over */
static size_t width(size_t n)
{
	struct winsize w;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) || w.ws_col < 2 || n < w.ws_col)
		return n;
	return w.ws_col - 1u;
}

static void put_line(bool last, const char *line)
{
	char out[640];
	int k = snprintf(out, sizeof out, "\r\033[K%.*s%s", (int)width(strlen(line)), line,
			 last ? "\n" : "");

	if (write(STDERR_FILENO, out, (size_t)k) < 0)
		return; /* a progress line that is lost is lost */
}

void progress(const struct progress *p, uint64_t done, uint64_t all, const char *fmt, ...)
{
	static double shown;
	double now = clock_now();
	char line[600];
	va_list ap;
	int n;

	if (done < all && now - shown < 0.1)
		return;
	shown = now;
	put_file(p->unit, done, all, seconds_each(p, done) * (double)(all - done));
	if (msg_is_quiet() || !isatty(STDERR_FILENO))
		return;
	n = put_head(line, sizeof line - 400, p, done, all);
	n += snprintf(line + n, sizeof line - (size_t)n, "  ");
	va_start(ap, fmt);
	vsnprintf(line + n, sizeof line - (size_t)n, fmt, ap);
	va_end(ap);
	put_line(done >= all, line);
}
