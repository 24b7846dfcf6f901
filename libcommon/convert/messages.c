/* messages.c - rows of messages that end in the assistant's: TRL's SFT, OpenAI's fine-tuning, the
 * completions of open-instruct's rejection sampling. */
#include "convert/fromrow.h"
#include "convert/to.h"

#include <math.h>

static bool looks(struct tape_val row)
{
	return tape_type(tape_get(row, "messages")) == TAPE_ARRAY;
}

/* The scores of reward models by name: one, or the one that is asked for */
static int read_score(struct from *f, struct sample *s, struct tape_val row)
{
	struct tape_val score = tape_get(row, "score");
	struct tape_iter it = tape_walk(score);
	struct tape_val key, v;

	if (f->o->reward)
		return from_reward(f, tape_type(score) == TAPE_OBJECT ? score : row, &s->t.reward);
	if (tape_type(score) != TAPE_OBJECT)
		return from_num(f, row, tape_none(score) ? "reward" : "score", &s->t.reward);
	if (tape_count(score) > 1)
		from_lost(f, "no reward: it has several parts: --reward NAME");
	else if (tape_next(&it, &key, &v) && !tape_none(v) && !tape_f64(v, &s->t.reward))
		return from_bad(f, "score", "not a number");
	return 0;
}

static int messages_read(struct from *f, struct tape_val row)
{
	static const char *const used[] = {"messages", "reward", "model_completion", NULL};
	struct tape_val v = tape_get(row, "messages"), last;
	struct sample s;
	int st;

	if (tape_type(v) != TAPE_ARRAY || tape_count(v) == 0)
		return from_bad(f, "messages", "no list of messages");
	last = tape_at(v, tape_count(v) - 1);
	from_sample(&s);
	st = from_messages(f, &s, v, tape_count(v) - 1);
	if (!st)
		st = read_score(f, &s, row);
	if (st) {
		;
	} else if (!tape_is(tape_get(last, "role"), "assistant") ||
		   !tape_text(tape_get(last, "content"), &s.t.response) ||
		   !tape_none(tape_get(last, "tool_calls"))) {
		from_skipped(f, "messages that do not end in an answer of the assistant's");
	} else {
		from_rest(f, &s, row, used);
		st = from_put(f, &s);
	}
	from_sample_free(f, &s);
	return st;
}

static int messages_write(struct to *t, const struct traj *r)
{
	to_open(t);
	to_messages(t, "messages", r->prompt, r->response);
	to_close(t, r);
	return 0;
}

const struct format messages_format = {
	.name = "messages",
	.what = "rows of messages, the last one the answer (TRL's SFT, OpenAI's fine-tuning)",
	.looks = looks,
	.read = messages_read,
	.write = messages_write,
	.holds = " prompt response ",
	.changes = " prompt ",
};
