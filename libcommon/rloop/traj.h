/*
 * traj.h - trajectory streams for programs of one's own: libtraj. See libtraj(3), traj-stream(5).
 *
 * A filter:
 *
 *     struct traj_in *in = traj_open("-", 0);
 *     struct traj_out *out = traj_create("-", "mine", argc - 1, argv + 1);
 *     traj_follow(out, in);
 *     while ((r = traj_next(in)) != NULL)
 *             if (wanted(r))
 *                     traj_put(out, r);
 *     st = traj_finish(out); // else traj_out_error(out) says why
 *
 * Functions that return int return 0, 3 (the input is damaged, cut off or of the wrong form, or a
 * record cannot be written) or 4 (the system refused): what a tool of the suite exits with. The
 * library prints nothing, but where there is no memory it says so and ends the process with 4.
 * Readers, writers and records share nothing: each may be used by one thread at a time.
 */
#ifndef RLOOP_TRAJ_H
#define RLOOP_TRAJ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct traj_in;  /* a stream that is read */
struct traj_out; /* a stream that is written */
struct traj_rec; /* a record: a map of keys and values */

/* ---- reading ---- */

enum traj_flags {
	TRAJ_STRICT = 1,  /* refuse records outside of head and end */
	TRAJ_PARTIAL = 2, /* a stream that was cut off is no error: its whole records are given */
	TRAJ_CHECK = 4,   /* decode each trajectory and check its keys, values and id */
};

/* "-" is standard input. Never NULL: a file that cannot be opened is told by traj_in_error. */
struct traj_in *traj_open(const char *path, unsigned flags);
/* The next record; in owns it, and it is valid until the next call. Heads and ends are checked and
 * not given. NULL: the end, or a failure: nothing that was made of the records may count before
 * traj_in_error is NULL. */
struct traj_rec *traj_next(struct traj_in *in);
const char *traj_in_error(const struct traj_in *in); /* where and why; NULL: nothing failed */
bool traj_was_cut(const struct traj_in *in); /* TRAJ_PARTIAL let something pass that was cut off */
int traj_close(struct traj_in *in);          /* its status; NULL is fine */

/* ---- keys ---- */

bool traj_is_traj(const struct traj_rec *r); /* else some other program's, to be passed on */

/* False: the key is absent or nil, or its value of another type; the results are then untouched.
 * "a.b" is key b of the map at key a, unless there is a key "a.b". What they point to is valid
 * until the record changes or goes. */
bool traj_get_text(const struct traj_rec *r, const char *key, const char **p, size_t *n);
bool traj_get_number(const struct traj_rec *r, const char *key, double *v);
bool traj_get_integer(const struct traj_rec *r, const char *key, int64_t *v);
bool traj_get_flag(const struct traj_rec *r, const char *key, bool *v);
/* Token ids; numbers as float32: of bin and of an array. */
bool traj_get_ids(struct traj_rec *r, const char *key, const uint32_t **v, size_t *n);
bool traj_get_floats(struct traj_rec *r, const char *key, const float **v, size_t *n);
/* Any value as MessagePack; key NULL: the whole record. */
bool traj_get_packed(const struct traj_rec *r, const char *key, const void **p, size_t *n);

/* The value takes the place of the key's old one, or comes behind all others; the other keys stay
 * as they are, byte for byte. key: at the top level, a dot is a part of its name. */
void traj_set_text(struct traj_rec *r, const char *key, const char *p, size_t n);
void traj_set_number(struct traj_rec *r, const char *key, double v);
void traj_set_integer(struct traj_rec *r, const char *key, int64_t v);
void traj_set_flag(struct traj_rec *r, const char *key, bool v);
void traj_set_ids(struct traj_rec *r, const char *key, const uint32_t *v, size_t n);
void traj_set_floats(struct traj_rec *r, const char *key, const float *v, size_t n);
/* One MessagePack value; false: it is none, or more than that. */
bool traj_set_packed(struct traj_rec *r, const char *key, const void *p, size_t n);
void traj_remove(struct traj_rec *r, const char *key);
/* The id of task, prompt, response and tokens as they are now; false: one of the first three is
 * missing. Call it when one of them was changed and the record had an id. */
bool traj_set_id(struct traj_rec *r);

/* A record without keys. */
struct traj_rec *traj_rec_new(void);
void traj_rec_free(struct traj_rec *r); /* of traj_rec_new; NULL is fine */

/* ---- writing ---- */

/* "-" is standard output. tool and argv name this program and its arguments in the stream's head.
 * Never NULL: a file that cannot be made is told by what comes next. */
struct traj_out *traj_create(const char *path, const char *tool, int argc, char *const argv[]);
/* What is written of in's records has in's segments and provenance, as that of a filter; where in
 * fails, traj_finish does, and writes no end. Call it before in's first traj_next; one reader after
 * the other may be followed. in must not be read when out is gone. */
void traj_follow(struct traj_out *out, struct traj_in *in);
/* What is written comes of all heads that in has read so far: for a writer of one segment, before
 * its first record. */
void traj_inherit(struct traj_out *out, const struct traj_in *in);
/* Writes a record: as it came, or as it was changed; then a trajectory is checked, and 3 is
 * returned, and nothing written, when its keys, values or id are wrong. */
int traj_put(struct traj_out *out, const struct traj_rec *r);
/* Writes the end, by which others know that the stream is whole, and flushes: once, behind all. */
int traj_finish(struct traj_out *out);
const char *traj_out_error(const struct traj_out *out); /* where and why; NULL: nothing failed */
void traj_free(struct traj_out *out);                   /* NULL is fine */

#ifdef __cplusplus
}
#endif

#endif
