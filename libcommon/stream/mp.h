/*
 * mp.h - MessagePack in place: measure an object without building it, look up keys, write.
 *
 * mp_skim decides where an object ends and refuses what could hurt a decoder: nothing is
 * allocated, nothing recurses, and a count larger than the bytes that could back it is refused
 * before anybody believes it. Only what passed mp_skim may be given to the other functions here or
 * to msgpack-c.
 */
#ifndef STREAM_MP_H
#define STREAM_MP_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	MP_MAX_DEPTH = 16,               /* nested maps and arrays */
	MP_MAX_BYTES = 16 * 1024 * 1024, /* one record */
	MP_MAX_OBJECTS = 1024 * 1024,    /* one record, all levels together */
};

enum mp_skim {
	MP_OK = 0,
	MP_MORE, /* well formed so far, cut off at n */
	MP_TOO_DEEP,
	MP_TOO_LARGE, /* more than MP_MAX_BYTES, or a header that announces that much */
	MP_TOO_MANY,  /* more than MP_MAX_OBJECTS */
	MP_BAD_TYPE,  /* 0xc1 or an ext */
};
/* On MP_OK *len is the object's length in bytes; on MP_MORE the least length it can have, above n.
 */
enum mp_skim mp_skim(const void *p, size_t n, size_t *len);

/* Where the first of the objects that lie directly in a map or an array end, counted from its first
 * byte: a skim comes by there, and a walk need not measure them once more. */
enum { MP_ENDS = 64 };
struct mp_ends {
	uint32_t at[MP_ENDS];
	size_t n; /* 0 of anything but a map or an array */
};
/* The same; *ends is set on MP_OK. */
enum mp_skim mp_skim_ends(const void *p, size_t n, size_t *len, struct mp_ends *ends);
const char *mp_skim_text(enum mp_skim r); /* "too deep", ... */

/* A value inside a record that passed mp_skim; p NULL: absent. Points into the record. */
struct mp {
	const uint8_t *p;
	size_t n;
};
enum mp_type { MP_NONE, MP_NIL, MP_BOOL, MP_INT, MP_FLOAT, MP_STR, MP_BIN, MP_ARRAY, MP_MAP };
enum mp_type mp_type(struct mp v);
/* False when the type is another; the results are then untouched. */
bool mp_bool(struct mp v, bool *out);
/* Any integer as sign and magnitude: -5 is 5, true. */
bool mp_int(struct mp v, uint64_t *magnitude, bool *negative);
bool mp_i64(struct mp v, int64_t *out);         /* integers within int64 */
bool mp_f64(struct mp v, double *out);          /* floats and integers */
bool mp_str_any(struct mp v, struct span *out); /* mp_str of any length */
static inline bool mp_str(struct mp v, struct span *out)
{
	if (!v.p || (v.p[0] & 0xe0) != 0xa0)
		return mp_str_any(v, out);
	*out = (struct span){(const char *)v.p + 1, v.p[0] & 0x1f}; /* as nearly all keys are */
	return true;
}
bool mp_bin(struct mp v, struct span *out);
bool mp_bytes(struct mp v, struct span *out); /* str or bin */

/* Walks a map or an array: *it is set up by mp_enter, mp_next gives element by element. */
struct mp_iter {
	const uint8_t *p, *end;
	size_t left; /* elements (of a map: pairs) not yet given */
	const uint8_t *begin;
	const uint32_t *known; /* ends of the next objects, from begin on */
	size_t n_known;
};
bool mp_enter(struct mp v, struct mp_iter *it); /* false: neither map nor array */
/* The same of one whose ends a skim noted (NULL: none did); they stay as long as the walk takes. */
bool mp_enter_ends(struct mp v, const struct mp_ends *ends, struct mp_iter *it);
bool mp_array(struct mp v, struct mp_iter *it); /* mp_enter of an array only */
bool mp_next(struct mp_iter *it, struct mp *v); /* array element; false at the end */
bool mp_next_pair(struct mp_iter *it, struct mp *key, struct mp *v);
/* Value of the first str key equal to name; .p NULL when absent or v is no map. */
struct mp mp_get(struct mp map, const char *name);
struct mp mp_get_n(struct mp map, const char *name, size_t n); /* the same of name[0..n) */

#endif
