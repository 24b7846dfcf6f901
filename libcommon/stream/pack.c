/* pack.c - msgpack-c's packer writing into a struct buf. See pack.h. */
#include "stream/pack.h"
#include "base/utf8.h"

#include <stdbool.h>
#include <string.h>

int pack_to_buf(void *b, const char *p, size_t n)
{
	buf_add(b, p, n);
	return 0;
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
		pack_head(b, 0xd9, n, 1);
	else if (n < 1 << 16)
		pack_head(b, 0xda, n, 2);
	else
		pack_head(b, 0xdb, n, 4);
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

void pack_whole(msgpack_packer *pk, uint64_t v)
{
	struct buf *b = pk->data;

	if (v < 128) {
		buf_reserve(b, 1);
		b->p[b->n++] = (char)v;
	} else if (v < 1 << 8) {
		pack_head(b, 0xcc, v, 1);
	} else if (v < 1 << 16) {
		pack_head(b, 0xcd, v, 2);
	} else if (v <= UINT32_MAX) {
		pack_head(b, 0xce, v, 4);
	} else {
		pack_head(b, 0xcf, v, 8);
	}
}
