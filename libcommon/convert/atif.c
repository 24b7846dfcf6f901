/* atif.c - trajectories of Harbor (ATIF): steps of system, user and agent; those with one step of
 * the agent's, without tools, are read. */
#include "convert/fromrow.h"

static bool looks(struct tape_val row)
{
	return tape_type(tape_get(row, "steps")) == TAPE_ARRAY &&
	       (!tape_none(tape_get(row, "session_id")) ||
		!tape_none(tape_get(row, "schema_version"))) &&
	       !tape_none(tape_get(row, "agent"));
}

/* The steps before the agent's as messages, and that step; false: it is not the last, or not one */
static bool split(struct tape_val steps, struct buf *b, struct tape_val *agent)
{
	struct tape_iter it = tape_walk(steps);
	struct tape_val none, step;
	struct span source, text;

	while (it.left > 1 && tape_next(&it, &none, &step)) {
		if (!tape_text(tape_get(step, "source"), &source) ||
		    !tape_text(tape_get(step, "message"), &text) || span_is(source, "agent"))
			return false;
		from_turn(b, span_is(source, "system") ? "system" : "user", text);
	}
	return tape_next(&it, &none, agent) && tape_is(tape_get(*agent, "source"), "agent") &&
	       !tape_count(tape_get(*agent, "tool_calls"));
}

static int read_ids(struct from *f, struct traj *t, struct tape_val metrics)
{
	int st = from_ids(f, tape_get(metrics, "prompt_token_ids"), "prompt_token_ids",
			  &t->prompt_tokens, &t->n_prompt_tokens);

	if (!st)
		st = from_ids(f, tape_get(metrics, "completion_token_ids"), "completion_token_ids",
			      &t->tokens, &t->n_tokens);
	if (st || !tape_count(tape_get(metrics, "logprobs")))
		return st;
	if (f->o->drawn)
		return from_floats(f, tape_get(metrics, "logprobs"), "logprobs", &t->logprobs,
				   &t->n_logprobs);
	from_lost(f, "log-probs left out: the file does not say of which distribution (--drawn: of "
		     "the one that was drawn from)");
	return 0;
}

static int put_one(struct from *f, struct buf *b, struct tape_val agent)
{
	struct sample s;
	int st;

	from_sample(&s);
	st = from_turns(f, &s, b);
	if (!st)
		st = from_text(f, agent, "message", &s.t.response);
	if (!st)
		st = read_ids(f, &s.t, tape_get(agent, "metrics"));
	if (!st) {
		from_meta(f, &s, "reasoning_content", tape_get(agent, "reasoning_content"));
		from_meta(f, &s, "session_id", tape_get(f->row, "session_id"));
		from_meta(f, &s, "model", tape_get(tape_get(f->row, "agent"), "model_name"));
		st = from_put(f, &s);
	}
	from_sample_free(f, &s);
	return st;
}

static int atif_read(struct from *f, struct tape_val row)
{
	struct tape_val agent = {0};
	struct buf b = {0};
	int st = 0;

	if (tape_type(tape_get(row, "steps")) != TAPE_ARRAY)
		st = from_bad(f, "steps", "missing");
	else if (!split(tape_get(row, "steps"), &b, &agent))
		from_skipped(f, "trajectories of several turns, or with tools");
	else
		st = put_one(f, &b, agent);
	buf_free(&b);
	return st;
}

const struct format atif_format = {
	.name = "atif",
	.what = "trajectories of Harbor's ATIF, those of one turn",
	.looks = looks,
	.read = atif_read,
};
