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

#include <endian.h>
#include <math.h>
#include <msgpack.h>
#include <stdbool.h>

int pack_to_buf(void *b, const char *p, size_t n); /* how the packer writes */
/* Appends to b, which must outlive pk's use. */
static inline void pack_init(msgpack_packer *pk, struct buf *b)
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
void pack_whole(msgpack_packer *pk, uint64_t v); /* in its shortest form */

/* ---- what a record has much of ---- */

/* A first byte and a number of this many bytes behind it, the highest first */
static inline void pack_head(struct buf *b, int first, uint64_t number, size_t bytes)
{
	uint64_t be = htobe64(number << (64 - 8 * bytes));

	buf_reserve(b, 1 + sizeof be);
	b->p[b->n] = (char)first;
	memcpy(b->p + b->n + 1, &be, sizeof be);
	b->n += 1 + bytes;
}

/* float32 when that is exact, else float64 */
static inline void pack_float(msgpack_packer *pk, double v)
{
	/* a NaN compares unequal: it is never narrowed, so it keeps its payload */
	bool narrow = fabs(v) <= (double)HUGE_VALF && (double)(float)v == v;
	float f = narrow ? (float)v : 0;
	uint32_t few;
	uint64_t many;

	memcpy(&few, &f, sizeof few);
	memcpy(&many, &v, sizeof many);
	pack_head(pk->data, narrow ? 0xca : 0xcb, narrow ? few : many, narrow ? 4 : 8);
}

/* few: the first byte with no elements, of up to 15; many: the one before 2 bytes of n */
static inline void pack_count(struct buf *b, int few, int many, size_t n)
{
	if (n < 16) {
		buf_reserve(b, 1);
		b->p[b->n++] = (char)(few | (int)n);
	} else if (n < 1 << 16) {
		pack_head(b, many, n, 2);
	} else {
		pack_head(b, many + 1, n, 4);
	}
}

/* The heads of an array and of a map; n: below 2^32 elements or pairs, which follow. */
static inline void pack_array(msgpack_packer *pk, size_t n)
{
	pack_count(pk->data, 0x90, 0xdc, n);
}

static inline void pack_map(msgpack_packer *pk, size_t n)
{
	pack_count(pk->data, 0x80, 0xde, n);
}

#endif
