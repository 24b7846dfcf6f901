/* runlog.c - a training log in JSON lines. See runlog.h. */
#include "run/runlog.h"
#include "base/num.h"
#include "base/file.h"
#include "base/dir.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file that was opened ends where it stands. */
static int begin(struct runlog *l, int st, struct reason *why)
{
	if (!st)
		st = file_cut(&l->o, why);
	if (st && l->o.fd >= 0)
		close(l->o.fd);
	l->open = !st;
	return st;
}

int runlog_open(struct runlog *l, const char *path, struct reason *why)
{
	int st;

	if (!path)
		return 0;
	st = file_open_at(&l->o, path, 0, why);
	return begin(l, st, why);
}

int runlog_resume(struct runlog *l, const char *path, uint64_t at, struct reason *why)
{
	struct stat sb;
	int st;

	if (!path)
		return 0;
	if (at == NO_MARK)
		at = stat(path, &sb) == 0 ? (uint64_t)sb.st_size : 0;
	st = file_open_at(&l->o, path, at, why);
	return begin(l, st, why);
}

uint64_t runlog_at(const struct runlog *l)
{
	return l->open ? l->o.total : NO_MARK;
}

int runlog_sync(struct runlog *l, struct reason *why)
{
	int st = l->open ? out_sync(&l->o, why) : 0;

	return l->open && !st ? dir_settle(l->o.name, why) : st;
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

void runlog_profile(struct runlog *l, const struct profile *p)
{
	char name[32];

	for (int i = 0; i < PROFILE_PARTS; i++) {
		snprintf(name, sizeof name, "%s_s", profile_name((enum profile_part)i));
		runlog_num(l, name, p->s[i]);
	}
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
