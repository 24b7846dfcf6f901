/*
 * rec.h - records of a trajectory stream: framing, integrity, provenance. See traj-stream(5).
 *
 * Reading:
 *
 *     struct rec_in *in = rec_open("-", 0, &why);
 *     while ((r = rec_next(in, &rec, &why)) > 0)
 *             ... rec.map is one whole, well-formed MessagePack map ...
 *     if (r < 0) ... why says what is wrong, with file, record number and byte offset ...
 *     rec_close(in);
 *
 * head and end records are consumed by the reader, which checks count and hash, and says when a
 * segment is cut off. The consumer must not commit a result before rec_next has returned 0.
 *
 * Writing: a segment is opened by the first record (or by rec_put_head) and closed by
 * rec_finish; each is one head, records, one end.
 */
#ifndef STREAM_REC_H
#define STREAM_REC_H

#include "base/io.h"
#include "base/set.h"
#include "stream/mp.h"

enum rec_flags {
	REC_STRICT = 1,  /* refuse bare streams (records outside head .. end) */
	REC_PARTIAL = 2, /* a cut-off segment is no error: its whole records are given */
	REC_FRAMES = 4,  /* head and end records are given too, after they were checked */
};

struct rec {
	struct mp map; /* the record's bytes, valid until the next rec_next or rec_close */
	const struct mp_ends *ends; /* of the keys and values in map, valid as long */
	bool is_traj; /* kind is "traj" or absent; else an unknown kind, to be passed on as it is */
	bool is_frame;   /* a head or end record: only with REC_FRAMES */
	uint64_t index;  /* 1-based number among all records of this input, head and end included */
	uint64_t offset; /* of its first byte in the input */
	uint64_t segment; /* 0-based number of the segment; a run of bare records is one too */
};

struct rec_in; /* opaque: holds an fd */
/* path "-" is standard input; borrowed until rec_close. NULL with the reason when it cannot be
 * opened. */
struct rec_in *rec_open(const char *path, unsigned flags, struct reason *why);
/* The same of an input that is open, what was read of it included: from here on it is the reader's.
 */
struct rec_in *rec_take(struct in *in, unsigned flags);
/* 1: a record; 0: the end, everything checked; -1: failed (why->status is ST_INPUT or ST_SYSTEM).
 * After 0 or -1 it keeps giving the same answer. */
int rec_next(struct rec_in *in, struct rec *r, struct reason *why);
/* True: rec_next will not have to read before it returns. */
bool rec_ready(const struct rec_in *in);
/* Output to flush before a read that may wait, so that a record is passed on at once. */
void rec_tie(struct rec_in *in, struct out *o);
const char *rec_name(const struct rec_in *in); /* path or "<stdin>" */
/* The chain array of the current segment's head record, valid until the next rec_next. p NULL:
 * none. */
struct mp rec_chain(const struct rec_in *in);
struct span rec_chains(const struct rec_in *in); /* entries of all heads so far, each once */
uint64_t rec_seen(const struct rec_in *in);      /* trajectories handed out so far */
uint64_t rec_segments(const struct rec_in *in);  /* begun so far */
uint64_t rec_bytes(const struct rec_in *in);     /* read so far, the current record included */
bool rec_was_cut(const struct rec_in *in);    /* REC_PARTIAL let something pass that was cut off */
uint64_t rec_serial(const struct rec_in *in); /* differs from every other reader's; never 0 */
void rec_close(struct rec_in *in);

/* Why a map is no head record that this suite reads; NULL: it is one. */
const char *rec_bad_head(struct mp map);
int64_t rec_version(struct mp head); /* 1 or 2; 0: neither */
/* Appends the end record of a segment: the one form that version 2 takes. */
void rec_end(struct buf *b, uint64_t count, uint64_t hash);
/* Appends a program's entry of a chain. */
void rec_entry(struct buf *b, const char *tool, const char *version, int argc, char *const argv[],
	       uint64_t seed);

/* Reason in the form every tool uses: "NAME: record N at byte M: TEXT", status ST_INPUT. */
int rec_fail(struct reason *why, const char *name, const struct rec *r, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

struct rec_out {
	struct out *o;     /* borrowed */
	uint64_t count;    /* traj records in the open segment */
	bool open;         /* a head was written and no end yet */
	struct hash *hash; /* of head (from version 2 on) and records; o adds them up */
	uint64_t begin;    /* place in o where that begins */
	struct buf chain;  /* MessagePack maps, one after the other: provenance before this tool */
	uint64_t n_chain;
	struct set known; /* of chain */
	uint64_t reader;  /* whose segment was passed on last, and which one */
	uint64_t segment;
	uint64_t seed;      /* named in this tool's own chain entry */
	struct buf self;    /* that entry of a program that is no tool of the suite */
	struct hash *spare; /* of rec_append's callers */
};

void rec_out_init(struct rec_out *w, struct out *o, uint64_t seed);
/* Adds the chains of all heads that in has read so far to the provenance (entries that are there
 * already are left out). Call before the head is written: a tool that reads all before it writes
 * does so behind the last record of each input; a streaming filter calls rec_out_segment instead.
 */
void rec_out_chain(struct rec_out *w, const struct rec_in *in);
/* Of a streaming filter, for each record read: when the input began a new segment (or is another
 * input), closes the open one and opens one with the new segment's chain. */
void rec_out_segment(struct rec_out *w, const struct rec_in *in, const struct rec *r);
void rec_put_head(struct rec_out *w); /* nothing when open already */
/* Opens a segment with a head record made elsewhere, as it is. */
void rec_put_head_as(struct rec_out *w, struct mp head);
/* Appends one record as it is. traj: counted. Opens the segment when none is. */
void rec_put(struct rec_out *w, const void *p, size_t n, bool traj);
/* The same without a copy: the record is what the caller appends to the buffer, and rec_appended
 * puts it, with nothing in between. *from: the buffer's bytes before it. */
struct buf *rec_append(struct rec_out *w, size_t *from);
void rec_appended(struct rec_out *w, size_t from, bool traj);
/* Closes the segment, writing a head first if no record ever came: an empty result is a valid
 * stream. Not called after a failure: a reader of ours then sees that it is cut off. */
void rec_finish(struct rec_out *w);
void rec_out_free(struct rec_out *w);

/* How far an open segment came, to go on with it in another process. */
struct rec_mark {
	uint64_t begin, end; /* what its hash covers: these bytes of the file */
	uint64_t count, hash;
};
/* What was written must have been flushed. */
void rec_mark_get(const struct rec_out *w, struct rec_mark *m);
/* w, which has written nothing, stands in the open segment that m tells of; its bytes are read
 * again from path. ST_INPUT when they are not those. The caller has o stand at m->end. */
int rec_resume(struct rec_out *w, const struct rec_mark *m, const char *path, struct reason *why);

#endif
