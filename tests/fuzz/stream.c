/*
 * stream.c - any bytes as a stream: records are handed out whole and in order, what traj_read
 * accepts trajscan accepts with the same values, and reading, writing and reading again is a fixed
 * point. The first byte chooses the flags of rec_open.
 */
#include "common/fuzz.h"

#include "stream/trajscan.h"

#include <fcntl.h>
#include <math.h>
#include <string.h>

/* a hash for the segment, sets for the provenance, msgpack-c's zone and objects of 24 bytes */
const struct fuzz_memory fuzz_memory = {4 << 20, 400, 0};

static bool same_number(double a, double b)
{
	return a == b || (isnan(a) && isnan(b));
}

static void same_text(struct span a, struct span b)
{
	MUST(!a.p == !b.p && span_eq(a, b));
}

static void same(const struct traj *a, const struct traj *b)
{
	same_text(a->task, b->task);
	same_text(a->prompt, b->prompt);
	same_text(a->response, b->response);
	same_text(a->answer, b->answer);
	same_text(a->verifier, b->verifier);
	same_text(a->finish, b->finish);
	same_text(a->verdict, b->verdict);
	same_text(a->extracted, b->extracted);
	same_text(a->policy, b->policy);
	MUST(a->meta.n == b->meta.n && (!a->meta.n || !memcmp(a->meta.p, b->meta.p, a->meta.n)));
	MUST(a->n_tokens == b->n_tokens && a->n_prompt_tokens == b->n_prompt_tokens &&
	     a->n_logprobs == b->n_logprobs);
	MUST(!a->n_tokens || !memcmp(a->tokens, b->tokens, 4 * a->n_tokens));
	MUST(a->kept.n == b->kept.n && !a->kept.p == !b->kept.p &&
	     (!a->kept.n || !memcmp(a->kept.p, b->kept.p, a->kept.n)));
	MUST(!a->n_logprobs || !memcmp(a->logprobs, b->logprobs, 4 * a->n_logprobs));
	MUST(same_number(a->temperature, b->temperature) && same_number(a->top_p, b->top_p) &&
	     same_number(a->reward, b->reward) && same_number(a->advantage, b->advantage) &&
	     same_number(a->entropy, b->entropy));
	MUST(a->top_k == b->top_k && a->sample == b->sample && a->step == b->step &&
	     a->iter == b->iter && a->used == b->used);
}

/* t as it is written; the bytes are the writer's, until it writes more */
static struct rec written(struct rec_out *w, const struct traj *t)
{
	struct reason why;
	uint64_t before;

	rec_put_head(w);
	MUST(out_flush(w->o, &why) == 0); /* so that the record is what the buffer holds, or held */
	before = w->o->total;
	traj_write(w, t);
	return (struct rec){.map = {(const uint8_t *)out_append(w->o)->p, w->o->total - before},
			    .is_traj = true,
			    .index = 1};
}

static void write_and_read(const struct traj *t, struct rec_out *w)
{
	struct traj_mem mem = {0};
	struct buf first = {0};
	struct reason why;
	struct traj back;
	struct rec r = written(w, t);

	buf_add(&first, r.map.p, r.map.n);
	r.map.p = (const uint8_t *)first.p;
	MUST(traj_read(&back, &r, "copy", &mem, &why) == 0);
	same(t, &back);
	r = written(w, &back);
	MUST(r.map.n == first.n && !memcmp(r.map.p, first.p, first.n));
	traj_mem_free(&mem);
	buf_free(&first);
}

static void trajectory(const struct rec *r, struct traj_mem *mem, struct rec_out *w)
{
	struct reason why = {0};
	struct traj t, g;

	if (traj_read(&t, r, "in", mem, &why)) {
		MUST(why.status == ST_INPUT && why.text[0]);
		return;
	}
	MUST(trajscan(&g, r, "in", &why) == 0);
	same_text(t.task, g.task);
	same_text(t.response, g.response);
	same_text(t.verdict, g.verdict);
	MUST(same_number(t.reward, g.reward) && same_number(t.entropy, g.entropy));
	MUST(t.step == g.step && t.iter == g.iter && t.n_tokens == g.n_tokens);
	write_and_read(&t, w);
}

void fuzz_one(const uint8_t *p, size_t n)
{
	struct traj_mem mem = {0};
	struct reason why = {0};
	struct rec_in *in;
	struct rec_out w;
	struct out null;
	struct rec r;
	size_t len, end = 0, index = 0;
	int got;

	if (!n)
		return;
	in = rec_open(fuzz_file(0, p + 1, n - 1), p[0] & 7u, &why);
	MUST(in);
	out_init(&null, open("/dev/null", O_WRONLY | O_CLOEXEC), "null");
	rec_out_init(&w, &null, 0);
	while ((got = rec_next(in, &r, &why)) > 0) {
		MUST(r.offset >= end && r.index > index && r.map.n <= n - 1 - r.offset);
		MUST(!memcmp(r.map.p, p + 1 + r.offset, r.map.n));
		MUST(mp_skim(r.map.p, r.map.n, &len) == MP_OK && len == r.map.n);
		end = r.offset + len;
		index = r.index;
		rec_out_segment(&w, in, &r);
		if (r.is_traj && !r.is_frame)
			trajectory(&r, &mem, &w);
	}
	MUST(got == 0 || (why.status == ST_INPUT && why.text[0]));
	MUST(got != 0 || rec_was_cut(in) || end == n - 1 || !(p[0] & REC_FRAMES));
	MUST(rec_next(in, &r, &why) == got);
	rec_finish(&w);
	MUST(out_close(&null, &why) == 0);
	rec_out_free(&w);
	rec_close(in);
	traj_mem_free(&mem);
}
