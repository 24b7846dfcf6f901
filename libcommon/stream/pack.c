/* pack.c - msgpack-c's packer writing into a struct buf. See pack.h. */
#include "stream/pack.h"
#include "base/utf8.h"

#include <endian.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

int pack_to_buf(void *b, const char *p, size_t n)
{
	buf_add(b, p, n);
	return 0;
}

/* A first byte and a number of this many bytes behind it, the highest first */
static void put_head(struct buf *b, int first, uint64_t number, size_t bytes)
{
	uint64_t be = htobe64(number << (64 - 8 * bytes));

	buf_reserve(b, 1 + sizeof be);
	b->p[b->n] = (char)first;
	memcpy(b->p + b->n + 1, &be, sizeof be);
	b->n += 1 + bytes;
}

/* What msgpack_pack_str and msgpack_pack_str_body write, in one piece: most texts are short. */
void pack_utf8(msgpack_packer *pk, struct span s)
{
	struct buf *b = pk->data;
	size_t n = s.n;

	buf_reserve(b, 9 + n); /* with the head, at once */
	if (n < 32)
		b->p[b->n++] = (char)(0xa0 | n);
	else if (n < 1 << 8)
		put_head(b, 0xd9, n, 1);
	else if (n < 1 << 16)
		put_head(b, 0xda, n, 2);
	else
		put_head(b, 0xdb, n, 4);
	if (n)
		memcpy(b->p + b->n, s.p, n);
	b->n += n;
}

void pack_bin(msgpack_packer *pk, const void *p, size_t n)
{
	msgpack_pack_bin(pk, n);
	msgpack_pack_bin_body(pk, p, n);
}

void pack_text(msgpack_packer *pk, struct span s)
{
	if (utf8_valid(s.p, s.n))
		pack_utf8(pk, s);
	else
		pack_bin(pk, s.p, s.n);
}

void pack_float(msgpack_packer *pk, double v)
{
	/* a NaN compares unequal: it is never narrowed, so it keeps its payload */
	bool narrow = fabs(v) <= (double)HUGE_VALF && (double)(float)v == v;
	float f = narrow ? (float)v : 0;
	uint32_t few;
	uint64_t many;

	memcpy(&few, &f, sizeof few);
	memcpy(&many, &v, sizeof many);
	put_head(pk->data, narrow ? 0xca : 0xcb, narrow ? few : many, narrow ? 4 : 8);
}

void pack_whole(msgpack_packer *pk, uint64_t v)
{
	struct buf *b = pk->data;

	if (v < 128) {
		buf_reserve(b, 1);
		b->p[b->n++] = (char)v;
	} else if (v < 1 << 8) {
		put_head(b, 0xcc, v, 1);
	} else if (v < 1 << 16) {
		put_head(b, 0xcd, v, 2);
	} else if (v <= UINT32_MAX) {
		put_head(b, 0xce, v, 4);
	} else {
		put_head(b, 0xcf, v, 8);
	}
}

/* few: the first byte with no elements, of up to 15; many: the one before 2 bytes of n */
static void put_count(struct buf *b, int few, int many, size_t n)
{
	if (n < 16) {
		buf_reserve(b, 1);
		b->p[b->n++] = (char)(few | (int)n);
	} else if (n < 1 << 16) {
		put_head(b, many, n, 2);
	} else {
		put_head(b, many + 1, n, 4);
	}
}

void pack_array(msgpack_packer *pk, size_t n)
{
	put_count(pk->data, 0x90, 0xdc, n);
}

void pack_map(msgpack_packer *pk, size_t n)
{
	put_count(pk->data, 0x80, 0xde, n);
}
