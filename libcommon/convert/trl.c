/*
 * trl.c - the completions that TRL's GRPOTrainer and its like log (completions_00001.parquet, as
 * JSON): step, prompt, completion, a column for each reward function, others, advantage.
 *
 * Which columns are rewards, and what they weigh, is not in the file: --reward names one. step is
 * when it was written; a batch that is used for several steps is written in each: a batch whose
 * rows are those of the batch before, to the byte and in order, is that one.
 */
#include "convert/fromrow.h"
#include "base/hash.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct hashes {
	uint64_t *v;
	size_t n, cap;
};

struct batch_copy {
	struct hashes before, now; /* of the rows, step left out */
	int64_t step;
	bool open, same; /* all rows so far are those of the batch before, and held */
	struct buf held; /* as JSON lines */
};

static void free_copy(void *own)
{
	struct batch_copy *b = own;

	free(b->before.v);
	free(b->now.v);
	buf_free(&b->held);
	free(b);
}

static bool looks(struct tape_val row)
{
	return !tape_none(tape_get(row, "prompt")) && !tape_none(tape_get(row, "completion")) &&
	       !tape_none(tape_get(row, "step")) &&
	       tape_type(tape_get(row, "advantage")) != TAPE_NONE;
}

/* What the text of a row hashes to, but for its step: what lies before the step's key, and from the
 * next key to the last value, whose end a tape does not know, and which counts by what it is. */
static uint64_t hash_row(struct tape_val row)
{
	const struct tape *t = row.t;
	struct tape_val step = tape_get(row, "step");
	uint32_t end = t->v[row.i].next, next = step.t ? t->v[step.i].next : row.i;
	const struct tape_node *last = &t->v[end - 1];
	struct {
		uint64_t before, behind, last;
		uint32_t type, n;
	} part = {0};

	if (step.t)
		part.before =
			hash_once(t->text + t->v[row.i].at, t->v[step.i - 1].at - t->v[row.i].at);
	if (next < end) {
		part.behind = hash_once(t->text + t->v[next].at, last->at - t->v[next].at);
		part.type = last->type;
		part.n = last->n;
		if (last->type == TAPE_TEXT)
			part.last = hash_once(t->plain + last->at, last->n);
		else if (last->type == TAPE_INT || last->type == TAPE_REAL)
			part.last = hash_once(t->text + last->at, last->n);
	}
	return hash_once(&part, sizeof part);
}

static int put_row(struct from *f, struct tape_val row)
{
	static const char *const used[] = {"step",      "prompt",    "completion",
					   "advantage", "extracted", NULL};
	struct sample s;
	int st;

	from_sample(&s);
	st = from_prompt(f, &s, tape_get(row, "prompt"), "prompt");
	if (!st)
		st = from_completion(f, &s, tape_get(row, "completion"), "completion");
	if (!st)
		st = from_reward(f, row, &s.t.reward);
	if (!st)
		st = from_num(f, row, "advantage", &s.t.advantage);
	if (!st)
		st = from_int(f, row, "step", &s.t.step);
	if (!st && !s.t.response.p) {
		from_skipped(f, "completions of more than one turn");
	} else if (!st) {
		if (!f->o->reward)
			from_lost(f, "no reward: the file does not say which columns are: --reward "
				     "COLUMN");
		s.t.extracted = from_maybe(row, "extracted");
		from_rest(f, &s, row, used);
		st = from_put(f, &s);
	}
	from_sample_free(f, &s);
	return st;
}

/* What was held is no copy: it is put after all. */
static int release(struct from *f, struct batch_copy *b)
{
	struct tape_val row = f->row;
	struct tape tape = {0};
	size_t at = 0;
	int st = 0;

	while (!st && at < b->held.n) {
		size_t len;

		tape_line(&tape, b->held.p + at, b->held.n - at, &len);
		at += len + 1;
		f->row = tape_root(&tape);
		st = put_row(f, f->row);
	}
	f->row = row;
	tape_free(&tape);
	buf_reset(&b->held);
	b->same = false;
	return st;
}

static int end_batch(struct from *f, struct batch_copy *b)
{
	struct hashes empty = b->before;
	int st = 0;

	if (!b->open)
		return 0;
	if (b->same && b->now.n == b->before.n) {
		for (size_t i = 0; i < b->now.n; i++)
			from_skipped(f, "rows of a batch that was written again");
		f->copies += b->now.n;
		buf_reset(&b->held);
	} else {
		st = release(f, b);
	}
	b->before = b->now;
	b->now = empty;
	b->now.n = 0;
	b->open = false;
	return st;
}

static bool is_as_before(struct batch_copy *b, uint64_t hash)
{
	struct hashes *h = &b->now;

	if (h->n == h->cap) {
		h->cap = h->cap ? 2 * h->cap : 64;
		h->v = xgrow(h->v, h->cap, sizeof *h->v);
	}
	h->v[h->n++] = hash;
	return h->n <= b->before.n && b->before.v[h->n - 1] == hash;
}

static int trl_read(struct from *f, struct tape_val row)
{
	struct batch_copy *b = f->own;
	int64_t step = 0;
	int st = from_int(f, row, "step", &step);

	if (!b) {
		b = f->own = xcalloc(1, sizeof *b);
		f->free_own = free_copy;
	}
	if (!st && step != b->step)
		st = end_batch(f, b);
	if (st)
		return st;
	if (!b->open) {
		b->open = true;
		b->same = b->before.n;
		b->step = step;
	}
	if (is_as_before(b, hash_row(row)) && b->same) {
		struct span json = from_json(f, row);

		buf_add(&b->held, json.p, json.n);
		buf_char(&b->held, '\n');
		return 0;
	}
	st = b->same ? release(f, b) : 0;
	return st ? st : put_row(f, row);
}

static int trl_end(struct from *f)
{
	return f->own ? end_batch(f, f->own) : 0;
}

const struct format trl_format = {
	.name = "trl",
	.what = "completions that TRL logs, its Parquet files as JSON",
	.looks = looks,
	.read = trl_read,
	.read_end = trl_end,
};
