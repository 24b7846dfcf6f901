/*
 * evalplus.c - evalplus's results (SAMPLES_eval_results.json): one object with all programs. Right
 * is what passes all tests that it was given; plus_status is null without the further ones.
 */
#include "convert/fromrow.h"

#include <math.h>

static bool looks(struct tape_val row)
{
	return tape_type(tape_get(row, "eval")) == TAPE_OBJECT;
}

static int read_status(struct from *f, struct sample *s, struct tape_val one)
{
	struct tape_val base = tape_get(one, "base_status"), plus = tape_get(one, "plus_status");
	struct tape_val v = f->o->reward ? tape_get(one, f->o->reward) : (struct tape_val){0};

	f->reward_seen |= tape_type(v) != TAPE_NONE;
	if (f->o->reward) {
		s->t.reward = tape_is(v, "pass") ? 1 : tape_is(v, "fail") ? 0 : NAN;
	} else if (tape_none(base)) {
		return from_bad(f, "base_status", "missing");
	} else if (tape_is(base, "fail") || tape_is(plus, "fail")) {
		s->t.reward = 0;
	} else if (tape_is(base, "timeout") || tape_is(plus, "timeout")) {
		s->t.verdict = (struct span){"timeout", 7};
	} else {
		s->t.reward = 1;
	}
	return 0;
}

static int put_one(struct from *f, struct span task, struct tape_val one)
{
	static const char *const used[] = {"task_id", "solution", "form", NULL};
	struct sample s;
	int st;

	from_sample(&s);
	s.t.task = task;
	st = from_text(f, one, "solution", &s.t.response);
	if (!st)
		st = read_status(f, &s, one);
	if (!st) {
		from_rest(f, &s, one, used);
		from_meta_text(&s, "form", (struct span){"solution", 8});
		st = from_put(f, &s);
	}
	from_sample_free(f, &s);
	return st;
}

static int evalplus_read(struct from *f, struct tape_val row)
{
	struct tape_iter tasks = tape_walk(tape_get(row, "eval")), all;
	struct tape_val key, list, none, one;
	struct span task = {0};
	int st = looks(row) ? 0 : from_bad(f, "eval", "missing");

	while (!st && tape_next(&tasks, &key, &list)) {
		tape_text(key, &task);
		for (all = tape_walk(list); !st && tape_next(&all, &none, &one);)
			st = put_one(f, task, one);
	}
	return st;
}

const struct format evalplus_format = {
	.name = "evalplus",
	.what = "evalplus's results, one object for all programs",
	.looks = looks,
	.read = evalplus_read,
};
