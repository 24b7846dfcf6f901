/* rec.c - reading records of a trajectory stream. See rec.h and traj-stream(5). */
#include "stream/rec.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/set.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rec_in {
	struct in in;
	unsigned flags;
	uint64_t serial;     /* of this reader among all: a writer tells readers apart by it */
	size_t used;         /* bytes of the record handed out last, still at in.p */
	struct mp_ends ends; /* of that record */
	uint64_t index;      /* of the record read last */
	uint64_t seen;
	uint64_t segments;       /* begun so far, runs of bare records counted too */
	bool framed;             /* inside head .. end */
	bool bare;               /* in a run of records outside head .. end */
	bool cut;                /* REC_PARTIAL let a missing end pass */
	uint64_t count, records; /* of the segment: trajectories, all */
	int64_t version;         /* of its head */
	struct hash *hash;       /* of the segment so far, as an end of that version has it */
	struct buf head;         /* copy of the segment's head record; n 0: none */
	struct buf chains;       /* entries of all heads so far, each once */
	struct set known;        /* of chains */
	int done;                /* what rec_next goes on returning: 1 while not done */
	struct reason why;       /* for done == -1 */
};

struct rec_in *rec_take(struct in *input, unsigned flags)
{
	static _Atomic uint64_t opened;
	struct rec_in *in = xcalloc(1, sizeof *in);

	in->in = *input;
	in->flags = flags;
	in->serial = ++opened;
	in->done = 1;
	in->hash = hash_new();
	return in;
}

struct rec_in *rec_open(const char *path, unsigned flags, struct reason *why)
{
	struct in in;

	assert(path);
	return in_open(&in, path, why) ? NULL : rec_take(&in, flags);
}

void rec_close(struct rec_in *in)
{
	if (!in)
		return;
	in_close(&in->in);
	hash_free(in->hash);
	buf_free(&in->head);
	buf_free(&in->chains);
	set_free(&in->known);
	free(in);
}

void rec_tie(struct rec_in *in, struct out *o)
{
	in->in.tie = o;
}

const char *rec_name(const struct rec_in *in)
{
	return in->in.name;
}

uint64_t rec_serial(const struct rec_in *in)
{
	return in->serial;
}

uint64_t rec_seen(const struct rec_in *in)
{
	return in->seen;
}

uint64_t rec_bytes(const struct rec_in *in)
{
	return in->in.offset + in->used;
}

uint64_t rec_segments(const struct rec_in *in)
{
	return in->segments;
}

bool rec_was_cut(const struct rec_in *in)
{
	return in->cut;
}

struct span rec_chains(const struct rec_in *in)
{
	return (struct span){in->chains.p, in->chains.n};
}

struct mp rec_chain(const struct rec_in *in)
{
	struct mp head = {(const uint8_t *)in->head.p, in->head.n};

	return head.n ? mp_get(head, "chain") : (struct mp){0};
}

int rec_fail(struct reason *why, const char *name, const struct rec *r, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return fail(why, ST_INPUT, "%s: record %" PRIu64 " at byte %" PRIu64 ": %s", name, r->index,
		    r->offset, text);
}

/* Its little-endian u64 length may begin like a map, but four zero bytes behind the first keys of
 * one are no record of anybody's. */
static bool is_safetensors(const char *p, size_t n)
{
	return n > 8 && memcmp(p + 4, "\0\0\0\0{", 5) == 0;
}

/* A file of another kind is told by its first bytes; NULL when they say nothing. */
static const char *looks_like(const char *p, size_t n)
{
	static const struct {
		const char *magic;
		size_t n;
		const char *what;
	} kinds[] = {
		{"\x1f\x8b", 2, "gzip data (gzip -dc reads it)"},
		{"\x28\xb5\x2f\xfd", 4, "zstd data (zstd -dc reads it)"},
		{"\xfd"
		 "7zXZ",
		 5, "xz data (xz -dc reads it)"},
		{"PK\x03\x04", 4, "a zip file"},
		{"PAR1", 4, "a Parquet file"},
		{"\x7f"
		 "ELF",
		 4, "a program"},
		{"\xef\xbb\xbf{", 4, "JSON text behind a byte order mark"},
		{"{", 1, "JSON text (traj-cat --from-json reads it)"},
		{"[", 1, "a JSON array, or text"},
	};

	if (is_safetensors(p, n))
		return "a safetensors file";
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (n >= kinds[i].n && memcmp(p, kinds[i].magic, kinds[i].n) == 0)
			return kinds[i].what;
	for (size_t i = 0; i < n && i < 64; i++)
		if ((p[i] < ' ' && !memchr("\t\n\r", p[i], 3)) || p[i] == 0x7f)
			return NULL;
	return "text";
}

static int bad_record(struct rec_in *in, const struct rec *r, const char *text, struct reason *why)
{
	const char *what = r->index == 1 ? looks_like(in->in.p, in->in.n) : NULL;

	if (what)
		return fail(why, ST_INPUT, "%s: not a trajectory stream: it looks like %s",
			    in->in.name, what);
	return rec_fail(why, in->in.name, r, "%s", text);
}

/*
 * Makes one whole object stand at in.p[0 .. *len). 1; 0 at the end of the input before its first
 * byte; -1. Reads no further than the record needs before looking again, and looks again only when
 * it may be whole: a slow writer costs neither latency nor quadratic time.
 */
static int whole_object(struct rec_in *in, size_t *len, const struct rec *r, struct reason *why)
{
	struct in *i = &in->in;

	for (;;) {
		enum mp_skim s = mp_skim_ends(i->p, i->n, len, &in->ends);

		assert(s != MP_OK || (*len && *len <= i->n));
		assert(s != MP_MORE || *len > i->n);
		if (s == MP_OK)
			return 1;
		if (s != MP_MORE)
			return bad_record(in, r, mp_skim_text(s), why), -1;
		while (i->n < *len && !i->eof)
			if (in_more(i, why))
				return -1;
		if (i->n < *len)
			break;
	}
	if (i->n == 0)
		return 0;
	if (r->index == 1 && looks_like(i->p, i->n))
		return bad_record(in, r, "", why), -1;
	if (in->flags & REC_PARTIAL) {
		in->cut = true;
		in_skip(i, i->n);
		return 0;
	}
	return fail(why, ST_INPUT,
		    "%s: truncated in record %" PRIu64 " at byte %" PRIu64
		    " (the record began at byte %" PRIu64 ")",
		    i->name, r->index, i->offset + i->n, r->offset),
	       -1;
}

static bool str_is(struct mp v, const char *s)
{
	struct span b;

	return mp_str(v, &b) && span_is(b, s);
}

static bool is_frame(struct mp kind)
{
	return str_is(kind, "head") || str_is(kind, "end");
}

/* Frames that rec_next will not give are stepped over: behind them it may have to read. */
bool rec_ready(const struct rec_in *in)
{
	size_t len;

	for (size_t at = in->used; in->done == 1; at += len) {
		const uint8_t *p = at < in->in.n ? (const uint8_t *)in->in.p + at : NULL;
		enum mp_skim s = p ? mp_skim(p, in->in.n - at, &len) : MP_MORE;

		if (s == MP_MORE)
			return false;
		if (s != MP_OK || in->flags & REC_FRAMES ||
		    !is_frame(mp_get((struct mp){p, len}, "kind")))
			break;
	}
	return true;
}

int64_t rec_version(struct mp head)
{
	int64_t v;

	return mp_i64(mp_get(head, "version"), &v) && (v == 1 || v == 2) ? v : 0;
}

const char *rec_bad_head(struct mp map)
{
	enum mp_type chain = mp_type(mp_get(map, "chain"));

	if (!str_is(mp_get(map, "format"), "traj"))
		return "format is not \"traj\"";
	if (!rec_version(map))
		return "not of version 1 or 2, those this tool reads";
	return chain == MP_NONE || chain == MP_ARRAY ? NULL : "chain is not an array";
}

static void remember_chain(struct rec_in *in, struct mp chain)
{
	struct mp_iter it;
	struct mp entry;

	if (!mp_enter(chain, &it))
		return;
	while (mp_next(&it, &entry))
		if (set_add(&in->known, entry.p, entry.n))
			buf_add(&in->chains, entry.p, entry.n);
}

static int read_head(struct rec_in *in, const struct rec *r, struct reason *why)
{
	const char *what = rec_bad_head(r->map);

	if (what)
		return rec_fail(why, in->in.name, r, "head: %s", what);
	if (in->framed && !(in->flags & REC_PARTIAL))
		return rec_fail(why, in->in.name, r,
				"a head record, but the segment before it has no end record");
	assert(!in->framed || in->flags & REC_PARTIAL);
	in->cut |= in->framed;
	buf_reset(&in->head);
	buf_add(&in->head, r->map.p, r->map.n);
	remember_chain(in, rec_chain(in));
	in->framed = true;
	in->bare = false;
	in->segments++;
	in->count = in->records = 0;
	in->version = rec_version(r->map);
	hash_reset(in->hash);
	if (in->version >= 2)
		hash_add(in->hash, r->map.p, r->map.n);
	return 0;
}

/* From version 2 on, no bit of it is free: a map of these values has one form. */
static bool is_canonical_end(const struct rec_in *in, struct mp end)
{
	struct buf b = {0};
	bool same;

	assert(in->framed && in->version >= 2);
	rec_end(&b, in->count, hash_64(in->hash));
	same = b.n == end.n && memcmp(b.p, end.p, b.n) == 0;
	buf_free(&b);
	return same;
}

static int read_end(struct rec_in *in, const struct rec *r, struct reason *why)
{
	struct mp hash = mp_get(r->map, "xxh3");
	int64_t count;
	char hex[17];

	if (!in->framed)
		return rec_fail(why, in->in.name, r, "an end record without a head record");
	if (!mp_i64(mp_get(r->map, "count"), &count) || (uint64_t)count != in->count)
		return rec_fail(why, in->in.name, r,
				"end: count is not the %" PRIu64 " trajectories that came",
				in->count);
	hash_hex(hash_64(in->hash), hex);
	if (!str_is(hash, hex))
		return rec_fail(why, in->in.name, r,
				"end: xxh3 is not that of the %s before it (%s): damaged",
				in->version >= 2 ? "head and the records" : "records", hex);
	if (in->version >= 2 && !is_canonical_end(in, r->map))
		return rec_fail(why, in->in.name, r,
				"end: not as one with these values is written: damaged");
	in->framed = false;
	return 0;
}

static bool has_text_keys(const struct rec *r)
{
	struct mp_iter it;
	struct mp key, v;

	mp_enter_ends(r->map, r->ends, &it);
	while (mp_next_pair(&it, &key, &v))
		if (mp_type(key) != MP_STR)
			return false;
	return true;
}

/* A record outside of head and end, where no hash covers it. A damaged head that took the records
 * behind it for more of its pairs, the end among them, would pass for one: by its keys it is told.
 */
static int read_bare(struct rec_in *in, const struct rec *r, struct reason *why)
{
	if (in->flags & REC_STRICT)
		return rec_fail(why, in->in.name, r, "a record outside of head and end");
	if (!has_text_keys(r))
		return rec_fail(why, in->in.name, r,
				"a key that is no str, outside of head and end");
	if (!in->bare) {
		in->bare = true;
		in->segments++;
		buf_reset(&in->head);
	}
	return 0;
}

/* A record of the user's: 1 with r filled in, or -1. */
static int read_user(struct rec_in *in, struct rec *r, bool is_traj, struct reason *why)
{
	assert(r->map.n == in->used && !r->is_frame);
	assert(!(in->framed && in->bare));
	if (in->framed) {
		hash_add(in->hash, r->map.p, r->map.n);
		in->records++;
		in->count += is_traj;
	} else if (read_bare(in, r, why)) {
		return -1;
	}
	r->is_traj = is_traj;
	assert(in->segments);
	r->segment = in->segments - 1;
	in->seen += is_traj;
	return 1;
}

static int at_end(struct rec_in *in, struct reason *why)
{
	if (in->cut)
		return 0;
	if (in->index == 0)
		return fail(why, ST_INPUT, "%s: empty: not even a head record", in->in.name), -1;
	if (!in->framed)
		return 0;
	if (in->flags & REC_PARTIAL) {
		in->cut = true;
		return 0;
	}
	return fail(why, ST_INPUT, "%s: no end record after %" PRIu64 " records, at byte %" PRIu64,
		    in->in.name, in->records, in->in.offset),
	       -1;
}

/* 1: one for the caller; 0: the end; -1; 2: it was consumed here, go on */
static int next(struct rec_in *in, struct rec *r, struct reason *why)
{
	struct mp kind;
	size_t len;
	int got;

	assert(in->used <= in->in.n);
	in_skip(&in->in, in->used);
	in->used = 0;
	*r = (struct rec){.index = in->index + 1, .offset = in->in.offset};
	got = whole_object(in, &len, r, why);
	if (got <= 0)
		return got < 0 ? -1 : at_end(in, why);
	in->index++;
	in->used = len;
	r->map = (struct mp){(const uint8_t *)in->in.p, len};
	r->ends = &in->ends;
	if (mp_type(r->map) != MP_MAP || (r->index == 1 && is_safetensors(in->in.p, in->in.n)))
		return bad_record(in, r, "not a map", why), -1;
	kind = mp_get(r->map, "kind");
	if (kind.p && mp_type(kind) == MP_NIL) /* Python's None: absent */
		kind.p = NULL;
	if (kind.p && mp_type(kind) != MP_STR)
		return rec_fail(why, in->in.name, r, "kind is not a string"), -1;
	if (is_frame(kind)) {
		r->is_frame = true;
		if (str_is(kind, "head") ? read_head(in, r, why) : read_end(in, r, why))
			return -1;
		r->segment = in->segments - 1;
		return in->flags & REC_FRAMES ? 1 : 2;
	}
	return read_user(in, r, !kind.p || str_is(kind, "traj"), why);
}

int rec_next(struct rec_in *in, struct rec *r, struct reason *why)
{
	if (in->done == 1) {
		do
			in->done = next(in, r, &in->why);
		while (in->done == 2);
	}
	if (in->done < 0)
		*why = in->why;
	return in->done;
}
