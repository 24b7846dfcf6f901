/*
 * io.h - buffered input and output that remember their first error.
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
	struct hash *sum; /* see out_sum; borrowed */
	size_t summed;    /* bytes of b that sum has, or shall not have */
};

void out_init(struct out *o, int fd, const char *name);
/* Bytes that are written from here on are added to *sum, too; NULL: to none. They are when they
 * leave the buffer, which costs less than just after they were stored: *sum has them all behind
 * out_flush, out_close, or another out_sum. */
void out_sum(struct out *o, struct hash *sum);
void out_write(struct out *o, const void *p, size_t n);
/* The same without a copy: what the caller appends to this buffer, behind the `from` bytes that are
 * there, is written when out_appended is called, with nothing in between. */
struct buf *out_append(struct out *o);
void out_appended(struct out *o, size_t from);
void out_str(struct out *o, const char *s);
void out_printf(struct out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* 0 or ST_SYSTEM with the reason. EPIPE on fd 1 ends the process by SIGPIPE, quietly. */
int out_flush(struct out *o, struct reason *why);
/* Flushes, closes the fd (a close error counts), frees the buffer. */
int out_close(struct out *o, struct reason *why);
/* Flushes, then waits until what was written is on the disk, where it goes to one. */
int out_sync(struct out *o, struct reason *why);
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
/* Reads at most n bytes to the end of b instead, where none are unread. Sets eof at the end. */
int in_past(struct in *i, struct buf *b, size_t n, struct reason *why);
void in_skip(struct in *i, size_t n); /* n <= i->n */
/* Next line without its newline (the last may lack one): 1 and *line, valid until the next call; 0
 * at the end; -1 on error or when a line is longer than max bytes. */
int in_line(struct in *i, size_t max, struct span *line, struct reason *why);
void in_close(struct in *i);

#endif
