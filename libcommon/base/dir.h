/*
 * dir.h - folders that appear whole or not at all, and have one owner.
 *
 * A new folder: everything is written into
 * PATH.tmp-PID beside it, each file is fsynced, then the folder is renamed.
 *
 *     newdir_begin(&d, path, why);
 *     newdir_put(&d, "config.json", p, n, why);
 *     newdir_commit(&d, why);
 *
 * newdir_begin refuses a path that exists already, and removes what a process that is dead left.
 * After a failure call newdir_abort, which removes what was written; it is harmless after a commit.
 */
#ifndef BASE_DIR_H
#define BASE_DIR_H

#include "base/io.h"

struct newdir {
	char *path, *tmp; /* owned */
};
int newdir_begin(struct newdir *d, const char *path, struct reason *why);
int newdir_put(struct newdir *d, const char *name, const void *p, size_t n, struct reason *why);
/* For large files: open, write through o, then newdir_done (flush, fsync, close). */
int newdir_open(struct newdir *d, const char *name, struct out *o, struct reason *why);
int newdir_done(struct out *o, struct reason *why);
int newdir_commit(struct newdir *d, struct reason *why);
/* In place of that: the one file of that name takes the folder's path, and the folder is gone. */
int newdir_commit_file(struct newdir *d, const char *name, struct reason *why);
void newdir_abort(struct newdir *d);
/* Refuses early what newdir_begin would refuse late: path exists, or its parent cannot be written.
 */
int newdir_check(const char *path, struct reason *why);

/* The name of a file is on the disk, too, when this returns 0. */
int dir_settle(const char *path, struct reason *why);
/* Takes a folder of files away: renamed first, so that half of it never has its name. */
int dir_drop(const char *path, struct reason *why);
/* Removes what newdir and dir_drop left in a folder when processes died: *.tmp-PID, whose process
 * is not asked for. Only for who has the folder locked. */
void dir_sweep(const char *path);
/* Makes the folder this process's own until it ends or closes *fd: ST_SYSTEM naming the process
 * that has it. */
int dir_lock(const char *path, int *fd, struct reason *why);

#endif
