/* runlog.c - a training log in JSON lines. See runlog.h. */
#include "learn/runlog.h"
#include "base/num.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>

int runlog_open(struct runlog *l, const char *path, struct reason *why)
{
	int fd;

	if (!path)
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return fail_errno(why, errno, "%s", path);
	out_init(&l->o, fd, path);
	l->open = true;
	return 0;
}

static void key(struct runlog *l, const char *name)
{
	out_printf(&l->o, "%s\"%s\":", l->any ? "," : "{", name);
	l->any = true;
}

void runlog_int(struct runlog *l, const char *name, uint64_t v)
{
	if (!l->open)
		return;
	key(l, name);
	out_printf(&l->o, "%" PRIu64, v);
}

void runlog_num(struct runlog *l, const char *name, double v)
{
	char text[32];

	if (!l->open)
		return;
	key(l, name);
	out_str(&l->o, isfinite(v) ? num_text(v, text) : "null");
}

int runlog_end(struct runlog *l, struct reason *why)
{
	if (!l->open)
		return 0;
	out_str(&l->o, "}\n");
	l->any = false;
	return out_flush(&l->o, why);
}

int runlog_close(struct runlog *l, struct reason *why)
{
	if (!l->open)
		return 0;
	l->open = false;
	return out_close(&l->o, why);
}
