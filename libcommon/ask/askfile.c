/* askfile.c - a stream in a file that a stopped run left. See askfile.h. */
#include "ask/askfile.h"
#include "answer/verdict.h"
#include "base/file.h"

#include <string.h>
#include <sys/stat.h>

/* How far the segment is of use */
struct reach {
	uint64_t end, count; /* behind the last sample that is kept, and how many those are */
	bool head, whole;
};

/* The head that this call writes */
static void own_head(const struct rec_out *w, struct buf *b)
{
	struct out memory;
	struct rec_out own;

	out_init(&memory, -1, "");
	rec_out_init(&own, &memory, w->seed);
	rec_put_head(&own);
	buf_add(b, memory.b.p, memory.b.n);
	rec_out_free(&own);
	buf_free(&memory.b);
}

static int check_head(const struct rec_out *w, const struct rec *r, const char *path,
		      struct reason *why)
{
	struct buf own = {0};
	bool same;

	own_head(w, &own);
	same = r->index == 1 && own.n == r->map.n && memcmp(own.p, r->map.p, own.n) == 0;
	buf_free(&own);
	return same ? 0
		    : fail(why, ST_INPUT,
			   "%s: it is there, and not from a call with these options; remove it, or "
			   "name another file",
			   path);
}

static bool was_given_up(const struct rec *r)
{
	struct span s;

	return mp_str(mp_get(r->map, "verdict"), &s) &&
	       span_is(s, verdict_name(VERDICT_UNANSWERED));
}

static int measure_record(const struct rec_out *w, const struct rec *r, const char *path,
			  struct reach *to, uint64_t *seen, struct reason *why)
{
	struct span kind = {0};

	mp_str(mp_get(r->map, "kind"), &kind);
	if (to->whole)
		return rec_fail(why, path, r, "a record behind the end");
	if (!to->head && check_head(w, r, path, why))
		return why->status;
	to->whole = to->head && r->is_frame && span_is(kind, "end");
	*seen += r->is_traj;
	if (!to->head || (r->is_traj && !was_given_up(r))) {
		to->end = r->offset + r->map.n;
		to->count = *seen;
	}
	to->head = true;
	return 0;
}

static int measure(const struct rec_out *w, const char *path, struct reach *to, struct reason *why)
{
	struct rec_in *in = rec_open(path, REC_PARTIAL | REC_FRAMES | REC_STRICT, why);
	uint64_t seen = 0;
	struct rec r;
	int got = in ? 1 : -1, st = 0;

	while (got > 0 && !st && (got = rec_next(in, &r, why)) > 0)
		st = measure_record(w, &r, path, to, &seen, why);
	rec_close(in);
	return got < 0 ? why->status : st;
}

static int show_kept(const char *path, const struct reach *to, askfile_seen *seen, void *arg,
		     struct reason *why)
{
	struct rec_in *in = rec_open(path, REC_PARTIAL, why);
	struct traj_mem mem = {0};
	struct traj t;
	struct rec r;
	int got = in ? 1 : -1, st = 0;

	while (got > 0 && !st && (got = rec_next(in, &r, why)) > 0) {
		if (r.offset >= to->end)
			break;
		st = traj_read(&t, &r, path, &mem, why);
		if (!st && seen(arg, &t, why))
			st = rec_fail(why, path, &r, "%s", why->text);
	}
	traj_mem_free(&mem);
	rec_close(in);
	return got < 0 ? why->status : st;
}

static int resume(struct rec_out *w, const char *path, const struct reach *to, struct reason *why)
{
	struct rec_mark mark = {.end = to->end, .count = to->count};
	struct hash *h = hash_new();
	int st = file_hash(path, 0, to->end, h, NULL, why);

	mark.hash = hash_64(h);
	hash_free(h);
	return st ? st : rec_resume(w, &mark, path, why);
}

static bool has_bytes(const char *path)
{
	struct stat sb;

	return stat(path, &sb) == 0 && S_ISREG(sb.st_mode) && sb.st_size > 0;
}

int askfile_open(struct rec_out *w, struct out *o, const char *path, askfile_seen *seen, void *arg,
		 bool *whole, struct reason *why)
{
	struct reach to = {0};
	int st = has_bytes(path) ? measure(w, path, &to, why) : 0;

	*whole = to.whole;
	if (!st && to.head)
		st = show_kept(path, &to, seen, arg, why);
	if (st || to.whole)
		return st;
	if (to.head)
		st = resume(w, path, &to, why);
	if (!st)
		st = file_open_at(o, path, to.end, why);
	if (!st)
		st = file_cut(o, why);
	if (!st)
		rec_put_head(w);
	return st ? st : out_flush(o, why);
}

int askfile_finish(struct rec_out *w, struct reason *why)
{
	rec_finish(w);
	return out_sync(w->o, why);
}
