/* areal.c - AReaL's dumps of trajectories. task_id counts what was run and names no problem; a
 * completion ends with the end token's text, or it was cut off. */
#include "convert/fromrow.h"

static bool looks(struct tape_val row)
{
	return !tape_none(tape_get(row, "completion")) && !tape_none(tape_get(row, "prompt")) &&
	       (!tape_none(tape_get(row, "seqlen")) || !tape_none(tape_get(row, "head_version")));
}

static int areal_read(struct from *f, struct tape_val row)
{
	static const char *const used[] = {"prompt", "completion", "reward", "sample_idx", NULL};
	struct sample s;
	int st;

	from_sample(&s);
	st = from_prompt(f, &s, tape_get(row, "prompt"), "prompt");
	if (!st)
		st = from_text(f, row, "completion", &s.t.response);
	if (!st)
		st = f->o->reward ? from_reward(f, row, &s.t.reward)
				  : from_num(f, row, "reward", &s.t.reward);
	if (!st)
		st = from_int(f, row, "sample_idx", &s.t.sample);
	if (!st) {
		if (!from_cut_end(f, &s))
			s.t.finish = (struct span){"length", 6};
		from_rest(f, &s, row, used);
		st = from_put(f, &s);
	}
	from_sample_free(f, &s);
	return st;
}

const struct format areal_format = {
	.name = "areal",
	.what = "AReaL's dumps of trajectories",
	.looks = looks,
	.read = areal_read,
};
