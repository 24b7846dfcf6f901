/*
 * io.h - buffered input and output that remember their first error, files, folders.
 *
 * stdio loses errno between a failed write and fclose; these do not.
 */
#ifndef BASE_IO_H
#define BASE_IO_H

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"

#include <stdint.h>

/* ---- output ---- */
struct out {
	int fd;
	int err;          /* errno of the first failure; later writes are dropped */
	const char *name; /* for messages; borrowed */
	struct buf b;     /* not yet written */
	uint64_t total;   /* bytes accepted since out_init */
	struct hash *sum; /* of those bytes; NULL: not wanted; borrowed */
};

void out_init(struct out *o, int fd, const char *name);
void out_write(struct out *o, const void *p, size_t n);
void out_str(struct out *o, const char *s);
void out_printf(struct out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* 0 or ST_SYSTEM with the reason. EPIPE on fd 1 ends the process by SIGPIPE, quietly. */
int out_flush(struct out *o, struct reason *why);
/* Flushes, closes the fd (a close error counts), frees the buffer. */
int out_close(struct out *o, struct reason *why);
/* Flushes, then waits until what was written is on the disk, where it goes to one. */
int out_sync(struct out *o, struct reason *why);
/* A file to go on writing from byte at on, made when it is not there; path is borrowed. ST_INPUT
 * when it is shorter than that. Whatever lies behind stays until file_cut. */
int file_open_at(struct out *o, const char *path, uint64_t at, struct reason *why);
int file_cut(struct out *o,
	     struct reason *why); /* a regular file ends here; what was written stays */
/* Whether what waits in the buffer is in the file already, at its place. */
bool file_is_there(const struct out *o);
/* Standard output of a tool; tool_finish flushes and closes it. */
struct out *out_stdout(void);

/* ---- input ---- */
struct in {
	int fd;
	const char *name; /* path, or "<stdin>"; borrowed */
	char *p;          /* unread bytes: p[0..n) */
	size_t n;
	uint64_t offset; /* of p[0] from the start */
	bool eof;
	struct out *tie; /* flushed before a read that may wait; may be NULL */
	char *mem;       /* the buffer p points into */
	size_t cap;
};

/* "-" is standard input. The name is borrowed and must outlive the input. */
int in_open(struct in *i, const char *path, struct reason *why);
/* Reads more behind p[n). Moves p. Sets eof at the end. 0 or ST_SYSTEM. */
int in_more(struct in *i, struct reason *why);
void in_skip(struct in *i, size_t n); /* n <= i->n */
/* Next line without its newline (the last may lack one): 1 and *line, valid until the next call; 0
 * at the end; -1 on error or when a line is longer than max bytes. */
int in_line(struct in *i, size_t max, struct span *line, struct reason *why);
void in_close(struct in *i);

/* ---- files and folders ---- */
/* ST_USAGE when path ("-": standard input) is the regular file that standard output goes to: a tool
 * would read what it writes. */
int file_not_stdout(const char *path, struct reason *why);
/* The file's name, too, is on the disk when this returns 0. */
int dir_settle(const char *path, struct reason *why);
/* Both are there and are one file or folder. */
bool file_same(const char *a, const char *b);
/* Whole file into b (appended); refuses more than max bytes. */
int file_read(const char *path, size_t max, struct buf *b, struct reason *why);
/* XXH3 of bytes from..to of a file, to UINT64_MAX: of all of it, whose length is then *n; n may be
 * NULL. ST_INPUT when it ends before to. */
int file_hash(const char *path, uint64_t from, uint64_t to, struct hash *h, uint64_t *n,
	      struct reason *why);

/*
 * A folder that appears whole or not at all: everything is written into
 * PATH.tmp-PID beside it, each file is fsynced, then the folder is renamed.
 *
 *     newdir_begin(&d, path, why);
 *     newdir_put(&d, "config.json", p, n, why);
 *     newdir_commit(&d, why);
 *
 * newdir_begin refuses a path that exists already, and removes what a process that is dead left.
 * After a failure call newdir_abort, which removes what was written; it is harmless after a commit.
 */
struct newdir {
	char *path, *tmp; /* owned */
};
int newdir_begin(struct newdir *d, const char *path, struct reason *why);
int newdir_put(struct newdir *d, const char *name, const void *p, size_t n, struct reason *why);
/* For large files: open, write through o, then newdir_done (flush, fsync, close). */
int newdir_open(struct newdir *d, const char *name, struct out *o, struct reason *why);
int newdir_done(struct out *o, struct reason *why);
int newdir_commit(struct newdir *d, struct reason *why);
void newdir_abort(struct newdir *d);
/* Takes a folder of files away: renamed first, so that half of it never has its name. */
int dir_drop(const char *path, struct reason *why);
/* Removes what newdir and dir_drop left in a folder when processes died: *.tmp-PID, whose process
 * is not asked for. Only for who has the folder locked. */
void dir_sweep(const char *path);
/* Makes the folder this process's own until it ends or closes *fd: ST_SYSTEM naming the process
 * that has it. */
int dir_lock(const char *path, int *fd, struct reason *why);
/* Refuses early what newdir_begin would refuse late: path exists, or its parent cannot be written.
 */
int newdir_check(const char *path, struct reason *why);

#endif
