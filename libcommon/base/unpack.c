/* unpack.c - the bytes of a file, unpacked. See unpack.h. */
#include "base/unpack.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum {
	PIECE = 128 * 1024,
	GZIP_WINDOW = 15 + 16, /* the largest, with gzip's header */
	/* text packs to a fifth or a tenth of itself; rows that are all alike to a hundredth */
	MAX_RATIO = 200,
	FREE_BYTES = 64 * 1024 * 1024, /* are unpacked from however little */
};

struct unpack {
	struct in *in;
	enum { PLAIN, GZIP, ZSTD } kind;
	z_stream z;
	ZSTD_DStream *zs;
	bool inside; /* a member or frame that has begun and not ended */
	uint64_t made;
};

static bool begins(const struct in *in, const char *magic, size_t n)
{
	return in->n >= n && memcmp(in->p, magic, n) == 0;
}

struct unpack *unpack_new(struct in *in, struct reason *why)
{
	struct unpack *u;

	while (in->n < 4 && !in->eof)
		if (in_more(in, why))
			return NULL;
	u = xcalloc(1, sizeof *u);
	u->in = in;
	if (begins(in, "\x1f\x8b", 2))
		u->kind = GZIP;
	else if (begins(in, "\x28\xb5\x2f\xfd", 4))
		u->kind = ZSTD;
	if (u->kind == GZIP && inflateInit2(&u->z, GZIP_WINDOW) != Z_OK)
		no_memory(PIECE);
	if (u->kind == ZSTD && !(u->zs = ZSTD_createDStream()))
		no_memory(PIECE);
	return u;
}

/* What the first look at the file left, then from the file itself */
static int take_plain(struct unpack *u, struct buf *b, struct reason *why)
{
	size_t n = u->in->n < PIECE ? u->in->n : PIECE;

	if (!n)
		return in_past(u->in, b, PIECE, why);
	buf_add(b, u->in->p, n);
	in_skip(u->in, n);
	return 0;
}

static int damaged(const struct unpack *u, const char *what, struct reason *why)
{
	return fail(why, ST_INPUT, "%s: %s data: %s", u->in->name,
		    u->kind == GZIP ? "gzip" : "zstd", what);
}

static int take_gzip(struct unpack *u, struct buf *b, struct reason *why)
{
	int r;

	buf_reserve(b, PIECE);
	u->z.next_in = (Bytef *)u->in->p;
	u->z.avail_in = u->in->n < PIECE ? (uInt)u->in->n : PIECE;
	u->z.next_out = (Bytef *)b->p + b->n;
	u->z.avail_out = PIECE;
	r = inflate(&u->z, Z_NO_FLUSH);
	b->n += PIECE - u->z.avail_out;
	in_skip(u->in, (size_t)((char *)u->z.next_in - u->in->p));
	if (r == Z_MEM_ERROR)
		no_memory(PIECE);
	if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
		return damaged(u, u->z.msg ? u->z.msg : "damaged", why);
	u->inside = r != Z_STREAM_END;
	if (!u->inside)
		inflateReset(&u->z);
	return 0;
}

static int take_zstd(struct unpack *u, struct buf *b, struct reason *why)
{
	ZSTD_inBuffer from = {u->in->p, u->in->n, 0};
	ZSTD_outBuffer to;
	size_t r;

	buf_reserve(b, PIECE);
	to = (ZSTD_outBuffer){b->p + b->n, PIECE, 0};
	r = ZSTD_decompressStream(u->zs, &to, &from);
	if (ZSTD_isError(r))
		return damaged(u, ZSTD_getErrorName(r), why);
	b->n += to.pos;
	in_skip(u->in, from.pos);
	u->inside = r != 0;
	return 0;
}

static int take(struct unpack *u, struct buf *b, struct reason *why)
{
	return u->kind == GZIP   ? take_gzip(u, b, why)
	       : u->kind == ZSTD ? take_zstd(u, b, why)
				 : take_plain(u, b, why);
}

int unpack_more(struct unpack *u, struct buf *b, bool *eof, struct reason *why)
{
	size_t before = b->n;
	int st = 0;

	*eof = false;
	while (!st && b->n == before) {
		bool packed_end;

		if (u->kind != PLAIN && !u->in->n && !u->in->eof && (st = in_more(u->in, why)))
			return st;
		packed_end = !u->in->n && u->in->eof;
		if (packed_end && !u->inside) {
			*eof = true;
			return 0;
		}
		if (u->in->n || u->inside || u->kind == PLAIN)
			st = take(u, b, why);
		if (!st && packed_end && b->n == before)
			st = damaged(u, "cut off", why);
	}
	u->made += b->n - before;
	if (!st && u->kind != PLAIN && u->made > FREE_BYTES && u->made / MAX_RATIO > u->in->offset)
		st = damaged(u, "unpacks to more than two hundred times its size", why);
	return st;
}

void unpack_free(struct unpack *u)
{
	if (!u)
		return;
	if (u->kind == GZIP)
		inflateEnd(&u->z);
	ZSTD_freeDStream(u->zs);
	free(u);
}
