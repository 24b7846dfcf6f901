/* skyrl.c - SkyRL's dumps of evaluations. Special tokens are in the texts; a score may be a list,
 * of each token: its sum counts. */
#include "convert/fromrow.h"

#include <math.h>

static bool looks(struct tape_val row)
{
	return !tape_none(tape_get(row, "input_prompt")) &&
	       !tape_none(tape_get(row, "output_response"));
}

static int read_score(struct from *f, struct tape_val row, double *reward)
{
	struct tape_val v = tape_get(row, "score"), none, one;
	struct tape_iter it = tape_walk(v);
	double x;

	if (f->o->reward)
		return from_reward(f, row, reward);
	if (tape_type(v) != TAPE_ARRAY)
		return from_num(f, row, "score", reward);
	*reward = it.left ? 0 : NAN;
	for (; tape_next(&it, &none, &one); *reward += x)
		if (!tape_f64(one, &x))
			return from_bad(f, "score", "not a number");
	return 0;
}

static int skyrl_read(struct from *f, struct tape_val row)
{
	static const char *const used[] = {"input_prompt", "output_response", "score",
					   "stop_reason", NULL};
	struct span reason = from_maybe(row, "stop_reason");
	struct tape_val extras = tape_get(row, "env_extras"), truth;
	struct sample s;
	int st;

	from_sample(&s);
	st = from_prompt(f, &s, tape_get(row, "input_prompt"), "input_prompt");
	if (!st)
		st = from_text(f, row, "output_response", &s.t.response);
	if (!st)
		st = read_score(f, row, &s.t.reward);
	if (!st && reason.p && !span_is(reason, "stop") && !span_is(reason, "length")) {
		from_skipped(f, "answers that did not come to an end");
	} else if (!st) {
		if (!from_cut_end(f, &s) && span_is(reason, "length"))
			s.t.finish = reason;
		truth = tape_get(extras, "ground_truth");
		if (tape_none(truth))
			truth = tape_get(tape_get(extras, "reward_model"), "ground_truth");
		s.t.answer = from_answer(f, truth);
		from_rest(f, &s, row, used);
		st = from_put(f, &s);
	}
	from_sample_free(f, &s);
	return st;
}

const struct format skyrl_format = {
	.name = "skyrl",
	.what = "SkyRL's dumps of evaluations",
	.looks = looks,
	.read = skyrl_read,
};
