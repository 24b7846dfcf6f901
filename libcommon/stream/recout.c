/* recout.c - writing records of a trajectory stream. See rec.h and traj-stream(5). */
#include "base/hash.h"
#include "base/mem.h"
#include "base/tool.h"
#include "stream/pack.h"
#include "stream/rec.h"
#include "base/file.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void rec_out_init(struct rec_out *w, struct out *o, uint64_t seed)
{
	*w = (struct rec_out){.o = o, .seed = seed};
	w->hash = hash_new();
	w->spare = hash_new();
}

void rec_out_free(struct rec_out *w)
{
	if (w->open)
		out_sum(w->o, NULL);
	hash_free(w->hash);
	hash_free(w->spare);
	buf_free(&w->chain);
	buf_free(&w->self);
	set_free(&w->known);
	*w = (struct rec_out){0};
}

void rec_out_chain(struct rec_out *w, const struct rec_in *in)
{
	struct span all = rec_chains(in);

	assert(!w->open);
	while (all.n) {
		size_t n;

		mp_skim(all.p, all.n, &n); /* whole: each was part of a head that passed */
		if (set_add(&w->known, all.p, n)) {
			buf_add(&w->chain, all.p, n);
			w->n_chain++;
		}
		all.p += n;
		all.n -= n;
	}
}

void rec_out_segment(struct rec_out *w, const struct rec_in *in, const struct rec *r)
{
	struct mp_iter it;

	if (w->reader == rec_serial(in) && w->segment == r->segment)
		return;
	if (w->open)
		rec_finish(w);
	w->reader = rec_serial(in);
	w->segment = r->segment;
	buf_reset(&w->chain);
	w->n_chain = 0;
	set_free(&w->known);
	if (mp_enter(rec_chain(in), &it)) {
		w->n_chain = it.left;
		buf_add(&w->chain, it.p, (size_t)(it.end - it.p));
	}
	rec_put_head(w);
}

void rec_entry(struct buf *b, const char *tool, const char *version, int argc, char *const argv[],
	       uint64_t seed)
{
	msgpack_packer pk;

	pack_init(&pk, b);
	msgpack_pack_map(&pk, 4);
	pack_str(&pk, "tool");
	pack_text(&pk, (struct span){tool, strlen(tool)});
	pack_str(&pk, "version");
	pack_str(&pk, version);
	pack_str(&pk, "args");
	msgpack_pack_array(&pk, argc > 0 ? (size_t)argc : 0);
	for (int i = 0; i < argc; i++)
		pack_text(&pk, (struct span){argv[i], strlen(argv[i])});
	pack_str(&pk, "seed");
	msgpack_pack_uint64(&pk, seed);
}

/* This tool's own entry: what was run, without what changes nothing in the result. */
static void put_self(struct buf *b, uint64_t seed)
{
	int n;
	char *const *args = tool_args(&n);

	rec_entry(b, msg_tool(), SUITE_VERSION, n, args, seed);
}

void rec_put_head_as(struct rec_out *w, struct mp head)
{
	bool covered = rec_version(head) >= 2;

	assert(!w->open && !rec_bad_head(head));
	w->open = true;
	w->count = 0;
	w->begin = w->o->total + (covered ? 0 : head.n);
	hash_reset(w->hash);
	if (!covered)
		out_write(w->o, head.p, head.n);
	out_sum(w->o, w->hash);
	if (covered)
		out_write(w->o, head.p, head.n);
}

void rec_put_head(struct rec_out *w)
{
	struct buf b = {0};
	msgpack_packer pk;

	if (w->open) {
		out_sum(w->o, w->hash); /* rec_mark_get ended it, rec_resume has not begun it */
		return;
	}
	pack_init(&pk, &b);
	msgpack_pack_map(&pk, 4);
	pack_str(&pk, "kind");
	pack_str(&pk, "head");
	pack_str(&pk, "format");
	pack_str(&pk, "traj");
	pack_str(&pk, "version");
	msgpack_pack_int(&pk, 2);
	pack_str(&pk, "chain");
	msgpack_pack_array(&pk, (size_t)w->n_chain + 1);
	buf_add(&b, w->chain.p, w->chain.n);
	if (w->self.n)
		buf_add(&b, w->self.p, w->self.n);
	else
		put_self(&b, w->seed);
	rec_put_head_as(w, (struct mp){(const uint8_t *)b.p, b.n});
	buf_free(&b);
}

void rec_put(struct rec_out *w, const void *p, size_t n, bool traj)
{
	assert(mp_type((struct mp){p, n}) == MP_MAP);
	rec_put_head(w);
	out_write(w->o, p, n);
	w->count += traj;
}

struct buf *rec_append(struct rec_out *w, size_t *from)
{
	struct buf *b = out_append(w->o);

	rec_put_head(w);
	*from = b->n;
	return b;
}

void rec_appended(struct rec_out *w, size_t from, bool traj)
{
	assert(w->open && from < out_append(w->o)->n);
	w->count += traj;
	out_appended(w->o, from);
}

void rec_end(struct buf *b, uint64_t count, uint64_t hash)
{
	msgpack_packer pk;
	char hex[17];

	hash_hex(hash, hex);
	pack_init(&pk, b);
	msgpack_pack_map(&pk, 3);
	pack_str(&pk, "kind");
	pack_str(&pk, "end");
	pack_str(&pk, "count");
	msgpack_pack_uint64(&pk, count);
	pack_str(&pk, "xxh3");
	pack_str(&pk, hex);
}

void rec_finish(struct rec_out *w)
{
	struct buf b = {0};

	rec_put_head(w);
	assert(w->open && w->begin <= w->o->total);
	out_sum(w->o, NULL);
	rec_end(&b, w->count, hash_64(w->hash));
	out_write(w->o, b.p, b.n);
	buf_free(&b);
	w->open = false;
}

void rec_mark_get(const struct rec_out *w, struct rec_mark *m)
{
	assert(w->open && w->begin <= w->o->total);
	out_sum(w->o, NULL); /* the next record goes on with it */
	*m = (struct rec_mark){w->begin, w->o->total, w->count, hash_64(w->hash)};
}

int rec_resume(struct rec_out *w, const struct rec_mark *m, const char *path, struct reason *why)
{
	int st;

	assert(!w->open && m->begin <= m->end);
	hash_reset(w->hash);
	st = file_hash(path, m->begin, m->end, w->hash, NULL, why);
	if (!st && hash_64(w->hash) != m->hash)
		st = fail(why, ST_INPUT, "%s: its first %llu bytes are not those written before",
			  path, (unsigned long long)m->end);
	if (st)
		return st;
	w->open = true;
	w->begin = m->begin;
	w->count = m->count;
	return 0;
}
