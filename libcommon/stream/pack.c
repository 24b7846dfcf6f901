/* pack.c - msgpack-c's packer writing into a struct buf. See pack.h. */
#include "stream/pack.h"
#include "base/utf8.h"

#include <math.h>
#include <string.h>

static int add_to_buf(void *b, const char *p, size_t n)
{
	buf_add(b, p, n);
	return 0;
}

void pack_init(msgpack_packer *pk, struct buf *b)
{
	msgpack_packer_init(pk, b, add_to_buf);
}

/* What msgpack_pack_str and msgpack_pack_str_body write, in one piece: most texts are short. */
static void pack_bytes_as_str(msgpack_packer *pk, const char *p, size_t n)
{
	struct buf *b = pk->data;

	if (n >= 32) {
		buf_reserve(b, 5 + n); /* with the head, at once */
		msgpack_pack_str(pk, n);
		msgpack_pack_str_body(pk, p, n);
		return;
	}
	buf_reserve(b, 1 + n);
	b->p[b->n++] = (char)(0xa0 | n);
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
}

void pack_str(msgpack_packer *pk, const char *s)
{
	pack_bytes_as_str(pk, s, strlen(s));
}

void pack_bin(msgpack_packer *pk, const void *p, size_t n)
{
	msgpack_pack_bin(pk, n);
	msgpack_pack_bin_body(pk, p, n);
}

void pack_utf8(msgpack_packer *pk, struct span s)
{
	pack_bytes_as_str(pk, s.p, s.n);
}

void pack_text(msgpack_packer *pk, struct span s)
{
	if (utf8_valid(s.p, s.n))
		pack_bytes_as_str(pk, s.p, s.n);
	else
		pack_bin(pk, s.p, s.n);
}

void pack_float(msgpack_packer *pk, double v)
{
	/* a NaN compares unequal: it is never narrowed, so it keeps its payload */
	if (fabs(v) <= (double)HUGE_VALF && (double)(float)v == v)
		msgpack_pack_float(pk, (float)v);
	else
		msgpack_pack_double(pk, v);
}
