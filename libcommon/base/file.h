/* file.h - files: those that a run goes on writing, and what is asked of one by its path. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/io.h"

/* A file to go on writing from byte at on, made when it is not there; path is borrowed. ST_INPUT
 * when it is shorter than that, ST_SYSTEM when another process has it open so: then o->fd is -1,
 * and nobody writes into what is another's. Whatever lies behind stays until file_cut. */
int file_open_at(struct out *o, const char *path, uint64_t at, struct reason *why);
int file_cut(struct out *o,
	     struct reason *why); /* a regular file ends here; what was written stays */
/* Whether what waits in the buffer is in the file already, at its place. */
bool file_is_there(const struct out *o);

/* ST_USAGE when path ("-": standard input) is the regular file that standard output goes to: a tool
 * would read what it writes. */
int file_not_stdout(const char *path, struct reason *why);
/* Both are there and are one file or folder. */
bool file_same(const char *a, const char *b);
/* Two names of one file, either may be NULL; what is written to /dev/null is lost anyhow. */
bool file_clash(const char *a, const char *b);
/* ST_INPUT when it is there and neither a regular file nor a link to one: of a folder of files a
 * pipe would make the reader wait for ever. */
int file_check_plain(const char *path, struct reason *why);
/* Whole file into b (appended); refuses more than max bytes. */
int file_read(const char *path, size_t max, struct buf *b, struct reason *why);
/* XXH3 of bytes from..to of a file, to UINT64_MAX: of all of it, whose length is then *n; n may be
 * NULL. ST_INPUT when it ends before to. */
int file_hash(const char *path, uint64_t from, uint64_t to, struct hash *h, uint64_t *n,
	      struct reason *why);

#endif
