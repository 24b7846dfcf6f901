/*
 * dpo.c - preferences: chosen and rejected.
 *
 * Written are pairs of a right and a wrong response to one task, each response in one pair: the
 * first that waits with the first that comes. Read, a row is two records; only scores that stand
 * there are rewards, and meta.chosen tells which is which.
 */
#include "convert/fromrow.h"
#include "convert/to.h"
#include "base/mem.h"
#include "base/names.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool looks(struct tape_val row)
{
	return !tape_none(tape_get(row, "chosen")) && !tape_none(tape_get(row, "rejected"));
}

/* ---- reading ---- */

static int read_ask(struct from *f, struct sample *s, struct tape_val row)
{
	struct tape_val v = tape_get(row, "prompt");

	if (tape_none(v))
		v = tape_get(row, "instruction");
	return tape_none(v) ? from_bad(f, "prompt", "missing") : from_prompt(f, s, v, "prompt");
}

/* A text or a message; or all messages, the prompt's too. */
static int read_answer(struct from *f, struct sample *s, struct tape_val row, const char *key)
{
	struct tape_val v = tape_get(row, key), last;
	uint32_t n = tape_count(v);

	if (tape_text(v, &s->t.response) || tape_text(tape_get(v, "value"), &s->t.response) ||
	    tape_text(tape_get(v, "content"), &s->t.response))
		return read_ask(f, s, row);
	if (tape_type(v) != TAPE_ARRAY || !n)
		return from_bad(f, key, "neither a string nor messages");
	last = tape_at(v, n - 1);
	if (!tape_is(tape_get(last, "role"), "assistant") ||
	    !tape_text(tape_get(last, "content"), &s->t.response))
		return from_bad(f, key, "messages that do not end in the assistant's");
	return n > 1 ? from_messages(f, s, v, n - 1) : read_ask(f, s, row);
}

static int put_one(struct from *f, struct tape_val row, bool chosen)
{
	static const char *const used[] = {"prompt",       "instruction",    "chosen", "rejected",
					   "chosen_score", "rejected_score", "input",  NULL};
	struct sample s;
	int st;

	from_sample(&s);
	st = read_answer(f, &s, row, chosen ? "chosen" : "rejected");
	if (!st)
		st = from_num(f, row, chosen ? "chosen_score" : "rejected_score", &s.t.reward);
	if (!st) {
		from_rest(f, &s, row, used);
		from_meta_bool(&s, "chosen", chosen);
		st = from_put(f, &s);
	}
	from_sample_free(f, &s);
	return st;
}

static int dpo_read(struct from *f, struct tape_val row)
{
	int st = put_one(f, row, true);

	return st ? st : put_one(f, row, false);
}

/* ---- writing ---- */

/* Responses of a task that wait for their other half: right ones or wrong ones */
struct waiting {
	struct response {
		char *p;
		size_t n;
		double reward;
	} * v;
	size_t first, n, cap;
	bool right;
};

struct dpo_pairs {
	struct names tasks;
	struct waiting *of;
	size_t room;
};

static void free_pairs(void *own)
{
	struct dpo_pairs *p = own;

	for (size_t i = 0; i < p->room; i++) {
		for (size_t k = p->of[i].first; k < p->of[i].n; k++)
			free(p->of[i].v[k].p);
		free(p->of[i].v);
	}
	free(p->of);
	names_free(&p->tasks);
	free(p);
}

static struct waiting *waiting_of(struct to *t, struct span task)
{
	struct dpo_pairs *p = t->own;
	size_t i;

	if (!p) {
		p = t->own = xcalloc(1, sizeof *p);
		t->free_own = free_pairs;
	}
	i = names_id(&p->tasks, task);
	p->of = names_room(p->of, &p->room, i, sizeof *p->of);
	return &p->of[i];
}

static void wait_for_other(struct waiting *w, const struct traj *r)
{
	if (w->n == w->cap) {
		w->cap = w->cap ? 2 * w->cap : 4;
		w->v = xgrow(w->v, w->cap, sizeof *w->v);
	}
	w->v[w->n++] =
		(struct response){xstrndup(r->response.p, r->response.n), r->response.n, r->reward};
}

static void put_pair(struct to *t, const struct traj *r, const struct response *other, bool right)
{
	struct span mine = r->response, theirs = {other->p, other->n};

	to_open(t);
	to_prompt(t, "prompt", r->prompt);
	to_answer(t, "chosen", right ? mine : theirs);
	to_answer(t, "rejected", right ? theirs : mine);
	to_num(t, "chosen_score", right ? r->reward : other->reward);
	to_num(t, "rejected_score", right ? other->reward : r->reward);
	to_close(t, r);
}

static int dpo_write(struct to *t, const struct traj *r)
{
	bool right = traj_correct(r, t->o->threshold);
	struct waiting *w;

	if (isnan(r->reward)) {
		to_skipped(t, "records without a reward");
		return 0;
	}
	w = waiting_of(t, r->task);
	if (w->first < w->n && w->right != right) {
		put_pair(t, r, &w->v[w->first], right);
		free(w->v[w->first++].p);
	} else {
		if (w->first == w->n)
			w->first = w->n = 0;
		w->right = right;
		wait_for_other(w, r);
	}
	return 0;
}

const struct format dpo_format = {
	.name = "dpo",
	.what = "preferences: a right and a wrong response to one task",
	.looks = looks,
	.read = dpo_read,
	.write = dpo_write,
	.holds = " prompt response reward ",
	.pairs = true,
};
