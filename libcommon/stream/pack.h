/*
 * pack.h - msgpack-c's packer writing into a struct buf, with our two canonical forms.
 *
 *     struct buf b = {0};
 *     msgpack_packer pk;
 *     pack_init(&pk, &b); msgpack_pack_map(&pk, 1); pack_str(&pk, "step"); msgpack_pack_int64(...);
 */
#ifndef STREAM_PACK_H
#define STREAM_PACK_H

#include "base/buf.h"

#include <msgpack.h>

int pack_to_buf(void *b, const char *p, size_t n);              /* for the packer */
static inline void pack_init(msgpack_packer *pk, struct buf *b) /* b must outlive pk's use */
{
	msgpack_packer_init(pk, b, pack_to_buf);
}
void pack_bin(msgpack_packer *pk, const void *p, size_t n);
void pack_text(msgpack_packer *pk, struct span s); /* str, or bin when it is not UTF-8 */
void pack_utf8(msgpack_packer *pk, struct span s); /* the same of what is known to be UTF-8 */
static inline void pack_str(msgpack_packer *pk, const char *s)
{
	pack_utf8(pk, (struct span){s, strlen(s)});
}
void pack_float(msgpack_packer *pk, double v);   /* float32 when that is exact, else float64 */
void pack_whole(msgpack_packer *pk, uint64_t v); /* in its shortest form */
/* The heads of an array and of a map; n: below 2^32 elements or pairs, which follow. */
void pack_array(msgpack_packer *pk, size_t n);
void pack_map(msgpack_packer *pk, size_t n);

#endif
