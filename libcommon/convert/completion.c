/* completion.c - rows of prompt and completion, as TRL's SFTTrainer and many others train on them:
 * texts, or messages. */
#include "convert/fromrow.h"
#include "convert/to.h"

static bool looks(struct tape_val row)
{
	return tape_type(tape_get(row, "prompt")) != TAPE_NONE &&
	       !tape_none(tape_get(row, "completion")) && tape_none(tape_get(row, "task_id")) &&
	       tape_none(tape_get(row, "seqlen")) && tape_none(tape_get(row, "input_ids")) &&
	       (tape_none(tape_get(row, "step")) ||
		tape_type(tape_get(row, "advantage")) == TAPE_NONE);
}

static int completion_read(struct from *f, struct tape_val row)
{
	static const char *const used[] = {"prompt", "completion", "reward", "step", NULL};
	struct sample s;
	int st;

	from_sample(&s);
	st = from_prompt(f, &s, tape_get(row, "prompt"), "prompt");
	if (!st)
		st = from_completion(f, &s, tape_get(row, "completion"), "completion");
	if (!st)
		st = f->o->reward ? from_reward(f, row, &s.t.reward)
				  : from_num(f, row, "reward", &s.t.reward);
	if (!st)
		st = from_int(f, row, "step", &s.t.step);
	if (!st && !s.t.response.p) {
		from_skipped(f, "completions of more than one turn");
	} else if (!st) {
		from_rest(f, &s, row, used);
		st = from_put(f, &s);
	}
	from_sample_free(f, &s);
	return st;
}

static int completion_write(struct to *t, const struct traj *r)
{
	to_open(t);
	to_prompt(t, "prompt", r->prompt);
	to_answer(t, "completion", r->response);
	to_close(t, r);
	return 0;
}

const struct format completion_format = {
	.name = "prompt-completion",
	.what = "rows of prompt and completion, texts or messages (TRL's SFT)",
	.looks = looks,
	.read = completion_read,
	.write = completion_write,
	.holds = " prompt response ",
};
