/* runlog.h - a training log: JSON lines, one an update or a step, flushed line by line. */
#ifndef RUN_RUNLOG_H
#define RUN_RUNLOG_H

#include "base/io.h"
#include "base/profile.h"

struct runlog { /* zero-initialise; all functions do nothing while it is not open */
	struct out o;
	bool open, any; /* any: the line has a key already */
};

/* Replaces the file. path NULL: no log. */
int runlog_open(struct runlog *l, const char *path, struct reason *why);
/* Goes on with one that was at byte at; NO_MARK: at its end. */
int runlog_resume(struct runlog *l, const char *path, uint64_t at, struct reason *why);
#define NO_MARK UINT64_MAX
uint64_t runlog_at(const struct runlog *l);            /* bytes so far; NO_MARK: no log */
int runlog_sync(struct runlog *l, struct reason *why); /* to the disk */
void runlog_int(struct runlog *l, const char *key, uint64_t v);
void runlog_num(struct runlog *l, const char *key, double v); /* not finite: null */
/* Seconds of each part of the work: "sampling_s" ... */
void runlog_profile(struct runlog *l, const struct profile *p);
/* Ends the line and writes it out. */
int runlog_end(struct runlog *l, struct reason *why);
int runlog_close(struct runlog *l, struct reason *why);

#endif
