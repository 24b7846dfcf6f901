/* slime.c - slime's samples, its .pt files as JSON lines: tokens are those of prompt and response.
 * status is completed, truncated, or no sample. */
#include "convert/fromrow.h"

#include <math.h>
#include <string.h>

static bool looks(struct tape_val row)
{
	return !tape_none(tape_get(row, "response_length")) &&
	       tape_type(tape_get(row, "tokens")) == TAPE_ARRAY;
}

static int read_ids(struct from *f, struct traj *t, struct tape_val row)
{
	const uint32_t *ids = NULL;
	int64_t length = 0;
	size_t n;
	int st = from_ids(f, tape_get(row, "tokens"), "tokens", &ids, &n);

	if (!st)
		st = from_int(f, row, "response_length", &length);
	if (!st && (uint64_t)length > n)
		st = from_bad(f, "response_length", "more than there are tokens");
	if (st || !n)
		return st;
	t->prompt_tokens = ids;
	t->n_prompt_tokens = n - (size_t)length;
	t->tokens = ids + t->n_prompt_tokens;
	t->n_tokens = (size_t)length;
	return from_floats(f, tape_get(row, "rollout_log_probs"), "rollout_log_probs", &t->logprobs,
			   &t->n_logprobs);
}

static int read_reward(struct from *f, struct tape_val row, double *reward)
{
	struct tape_val v = tape_get(row, "reward");

	if (tape_type(v) != TAPE_OBJECT)
		return from_num(f, row, "reward", reward);
	if (!f->o->reward)
		from_lost(f, "no reward: it has several parts: --reward NAME");
	return from_reward(f, v, reward);
}

/* False: no sample */
static bool read_status(struct from *f, struct traj *t, struct tape_val row)
{
	struct span status = from_maybe(row, "status");

	if (span_is(status, "completed"))
		t->finish = (struct span){"stop", 4};
	else if (span_is(status, "truncated"))
		t->finish = (struct span){"length", 6};
	else if (status.p)
		return from_skipped(f, "samples that were aborted or failed"), false;
	return true;
}

/* Tokens in the middle that were not drawn: tools' */
static bool one_turn(struct tape_val mask)
{
	struct tape_iter it = tape_walk(mask);
	struct tape_val none, v;
	int64_t x;

	while (tape_next(&it, &none, &v))
		if (tape_i64(v, &x) && !x)
			return false;
	return true;
}

static int slime_read(struct from *f, struct tape_val row)
{
	static const char *const used[] = {"prompt",
					   "tokens",
					   "response",
					   "response_length",
					   "label",
					   "reward",
					   "loss_mask",
					   "status",
					   "rollout_log_probs",
					   "rollout_top_p_token_ids",
					   "rollout_top_p_token_offsets",
					   NULL};
	struct sample s;
	int st;

	from_sample(&s);
	if (!read_status(f, &s.t, row))
		return 0;
	st = from_prompt(f, &s, tape_get(row, "prompt"), "prompt");
	if (!st)
		st = from_text(f, row, "response", &s.t.response);
	if (!st)
		st = read_ids(f, &s.t, row);
	if (!st)
		st = read_reward(f, row, &s.t.reward);
	if (!st && !one_turn(tape_get(row, "loss_mask"))) {
		from_skipped(f, "responses of which not all tokens are learnt");
	} else if (!st) {
		s.t.answer = from_answer(f, tape_get(row, "label"));
		if (tape_type(tape_get(row, "remove_sample")) == TAPE_TRUE)
			s.t.used = 0;
		from_rest(f, &s, row, used);
		st = from_put(f, &s);
	}
	from_sample_free(f, &s);
	return st;
}

const struct format slime_format = {
	.name = "slime",
	.what = "slime's samples, its .pt files as JSON",
	.looks = looks,
	.read = slime_read,
};
