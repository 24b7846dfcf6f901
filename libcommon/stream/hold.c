/* hold.c - a filter that holds records back. See hold.h. */
#include "stream/hold.h"
#include "base/file.h"

struct rec hold_copy(struct buf *bytes, const struct rec *r)
{
	struct rec copy = *r;

	buf_reset(bytes);
	buf_add(bytes, r->map.p, r->map.n);
	copy.map.p = (const uint8_t *)bytes->p;
	return copy;
}

static int hold_file(const struct hold *h, const char *path, struct reason *why)
{
	struct rec_in *in = NULL;
	uint64_t segment = 0;
	struct rec r;
	int got = 0, st = file_not_stdout(path, why);

	if (st || !(in = rec_open(path, h->flags, why)))
		return why->status;
	rec_tie(in, h->out->o);
	while (!st) {
		if (h->full(h->ctx) || (!h->patient && !rec_ready(in)))
			st = h->settle(h->ctx, why);
		if (st || (got = rec_next(in, &r, why)) <= 0)
			break;
		if (r.segment != segment)
			st = h->settle(h->ctx, why);
		segment = r.segment;
		rec_out_segment(h->out, in, &r);
		if (!st)
			st = h->take(h->ctx, &r, rec_name(in), why);
	}
	if (!st)
		st = got < 0 ? why->status : h->settle(h->ctx, why);
	if (!h->out->open)
		rec_out_chain(h->out, in);
	rec_close(in);
	return st;
}

int hold_files(const struct hold *h, char *const *files, struct reason *why)
{
	static char *const standard[] = {(char *)"-", NULL};
	int st = 0;

	for (char *const *f = *files ? files : standard; *f && !st; f++)
		st = hold_file(h, *f, why);
	return st;
}
