/*
 * verl.c - verl's dumps of rollouts and validations (trainer.rollout_data_dir,
 * validation_data_dir).
 *
 * input, output, gts, score, step, and what the reward function returns as keys of their own, which
 * take the place of those of the same name. Where both are there, a validation's reward counts
 * before its score, and an overlong penalty is part of the reward. A uid is new in each step: no
 * problem's name.
 */
#include "convert/fromrow.h"
#include "convert/to.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool looks(struct tape_val row)
{
	return !tape_none(tape_get(row, "input")) && !tape_none(tape_get(row, "output")) &&
	       tape_type(tape_get(row, "score")) != TAPE_NONE &&
	       (tape_type(tape_get(row, "gts")) != TAPE_NONE ||
		tape_type(tape_get(row, "step")) != TAPE_NONE);
}

static int read_reward(struct from *f, struct tape_val row, double *reward)
{
	double penalty = NAN;
	bool total = !tape_none(tape_get(row, "reward"));
	int st;

	if (f->o->reward)
		return from_reward(f, row, reward);
	st = from_num(f, row, total ? "reward" : "score", reward);
	if (st || total || !tape_none(tape_get(row, "uid")))
		return st;
	st = from_num(f, row, "overlong_reward", &penalty);
	*reward += isnan(penalty) ? 0 : penalty;
	return st;
}

/* The reward manager's word for a function that did not come to an end */
static void read_failure(struct tape_val row, struct traj *t)
{
	struct tape_val timeout = tape_get(row, "timeout"), error = tape_get(row, "error");

	if (tape_type(timeout) == TAPE_TRUE || tape_is(timeout, "True"))
		t->verdict = (struct span){"timeout", 7};
	else if (!tape_none(error) && tape_type(error) != TAPE_FALSE && !tape_is(error, "") &&
		 !tape_is(error, "None"))
		t->verdict = (struct span){"exit", 4};
}

/* "<uuid>_<session>_<output>" */
static void read_uid(struct tape_val row, struct traj *t)
{
	struct span uid = from_maybe(row, "uid");
	int64_t sample = 0, scale = 1;
	size_t n = uid.n;

	while (n && uid.p[n - 1] >= '0' && uid.p[n - 1] <= '9')
		n--;
	if (n == uid.n || n < 2 || uid.p[--n] != '_')
		return;
	for (; n && uid.p[n - 1] >= '0' && uid.p[n - 1] <= '9' && scale < 1000000000; scale *= 10)
		sample += scale * (uid.p[--n] - '0');
	if (scale > 1 && n && uid.p[n - 1] == '_')
		t->sample = sample;
}

static int read_row(struct from *f, struct sample *s, struct tape_val row)
{
	static const char *const used[] = {"input", "output",  "gts",   "score", "step", "reward",
					   "pred",  "timeout", "error", "uid",   NULL};
	int st = from_prompt(f, s, tape_get(row, "input"), "input");

	if (!st)
		st = from_text(f, row, "output", &s->t.response);
	if (!st && tape_type(tape_get(row, "score")) == TAPE_NONE)
		st = from_bad(f, "score", "missing");
	if (!st)
		st = read_reward(f, row, &s->t.reward);
	if (!st)
		st = from_int(f, row, "step", &s->t.step);
	if (st)
		return st;
	s->t.answer = from_answer(f, tape_get(row, "gts"));
	s->t.extracted = from_answer(f, tape_get(row, "pred"));
	read_failure(row, &s->t);
	read_uid(row, &s->t);
	from_rest(f, s, row, used);
	if (!tape_none(tape_get(row, "reward")))
		from_meta(f, s, "score", tape_get(row, "score"));
	from_meta(f, s, "uid", tape_get(row, "uid"));
	if (s->t.verdict.p)
		from_meta(f, s, "timeout", tape_get(row, "timeout"));
	from_meta(f, s, "error", tape_get(row, "error"));
	return from_put(f, s);
}

static int verl_read(struct from *f, struct tape_val row)
{
	struct sample s;
	int st;

	from_sample(&s);
	st = read_row(f, &s, row);
	from_sample_free(f, &s);
	return st;
}

static int verl_write(struct to *t, const struct traj *r)
{
	to_open(t);
	to_text(t, "input", r->prompt);
	to_text(t, "output", r->response);
	if (r->answer.p)
		to_text(t, "gts", r->answer);
	else
		to_null(t, "gts");
	if (isnan(r->reward))
		to_null(t, "score");
	to_num(t, "score", r->reward);
	to_int(t, "step", r->step);
	to_text(t, "pred", r->extracted);
	if (span_is(r->verdict, "timeout"))
		buf_str(&t->line, ", \"timeout\": true");
	if (!t->o->keep)
		to_rest(t, r->meta,
			" input output gts score step pred timeout reward overlong_reward ");
	to_close(t, r);
	return 0;
}

const struct format verl_format = {
	.name = "verl",
	.what = "verl's dumps of rollouts and validations",
	.looks = looks,
	.read = verl_read,
	.write = verl_write,
	.holds = " prompt response answer reward step extracted meta ",
};
