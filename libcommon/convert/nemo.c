/*
 * nemo.c - NeMo-RL's train_data_step1.jsonl: a line a sample, each value a list of one. Rows are
 * padded; the loss mask tells prompt and response apart; the text holds both.
 */
#include "convert/fromrow.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool looks(struct tape_val row)
{
	return tape_type(tape_get(row, "token_ids")) == TAPE_ARRAY &&
	       tape_type(tape_get(row, "token_loss_mask")) == TAPE_ARRAY;
}

/* The only element of a list, or what is no list */
static struct tape_val only(struct tape_val row, const char *key)
{
	struct tape_val v = tape_get(row, key);

	return tape_type(v) == TAPE_ARRAY && tape_count(v) == 1 ? tape_at(v, 0) : v;
}

/* Where the response begins and ends among n ids; false: in more than one place, or nowhere */
static bool response_part(struct tape_val mask, size_t n, size_t *from, size_t *to)
{
	struct tape_iter it = tape_walk(mask);
	struct tape_val none, v;
	double x;

	*from = *to = SIZE_MAX;
	for (size_t i = 0; i < n && tape_next(&it, &none, &v); i++) {
		bool on = tape_type(v) == TAPE_TRUE || (tape_f64(v, &x) && x != 0);

		if (on && *from == SIZE_MAX)
			*from = i;
		else if (on && *to != SIZE_MAX)
			return false;
		else if (!on && *from != SIZE_MAX && *to == SIZE_MAX)
			*to = i;
	}
	*to = *to == SIZE_MAX ? n : *to;
	return *from != SIZE_MAX;
}

static int read_ids(struct from *f, struct traj *t, struct tape_val row, bool *one)
{
	struct tape_val ids = only(row, "token_ids"), mask = only(row, "token_loss_mask");
	const uint32_t *v = NULL;
	const float *x = NULL;
	size_t n, from, to, n_x;
	int64_t length;
	int st = from_ids(f, ids, "token_ids", &v, &n);

	if (!st && (!n || tape_count(mask) != n))
		st = from_bad(f, "token_loss_mask", "not as long as token_ids");
	if (!st && tape_i64(only(row, "input_lengths"), &length) && length > 0 &&
	    (size_t)length < n)
		n = (size_t)length;
	if (!st)
		st = from_floats(f, only(row, "generation_logprobs"), "generation_logprobs", &x,
				 &n_x);
	if (st)
		return st;
	*one = response_part(mask, n, &from, &to);
	if (!*one)
		return 0;
	t->prompt_tokens = v;
	t->n_prompt_tokens = from;
	t->tokens = v + from;
	t->n_tokens = to - from;
	if (x && n_x >= to) {
		t->logprobs = x + from;
		t->n_logprobs = to - from;
	}
	return 0;
}

/* The advantage, if it is the same at each token of the response */
static double advantage_of(struct tape_val list, size_t from, size_t n)
{
	struct tape_iter it = tape_walk(list);
	struct tape_val none, v;
	double x, first = NAN;

	tape_f64(list, &first);
	for (size_t i = 0; i < from + n && tape_next(&it, &none, &v); i++) {
		if (i < from)
			continue;
		if (!tape_f64(v, &x) || (i > from && x != first))
			return NAN;
		first = x;
	}
	return first;
}

static int read_numbers(struct from *f, struct traj *t, struct tape_val row)
{
	struct tape_val v = f->o->reward ? only(row, f->o->reward) : only(row, "rewards");
	double mask = 1;

	f->reward_seen |= tape_type(v) != TAPE_NONE;
	if (!tape_none(v) && !tape_f64(v, &t->reward))
		return from_bad(f, f->o->reward ? f->o->reward : "rewards", "not a number");
	t->advantage = advantage_of(only(row, "advantages"), t->n_prompt_tokens, t->n_tokens);
	if (tape_f64(only(row, "sample_loss_mask"), &mask))
		t->used = mask != 0;
	return 0;
}

static int nemo_read(struct from *f, struct tape_val row)
{
	bool one = false;
	struct sample s;
	int st;

	from_sample(&s);
	st = looks(row) ? read_ids(f, &s.t, row, &one)
			: from_bad(f, "token_loss_mask", "missing, or token_ids are");
	if (!st && !one) {
		from_skipped(f, "rows that learn in more than one place, or nowhere");
	} else if (!st && !(st = read_numbers(f, &s.t, row))) {
		from_meta(f, &s, "content", only(row, "content"));
		from_meta(f, &s, "agent_ref", only(row, "agent_ref"));
		from_meta(f, &s, "filtered_reward", only(row, "filtered_rewards"));
		st = from_put(f, &s);
	}
	from_sample_free(f, &s);
	return st;
}

const struct format nemo_format = {
	.name = "nemo-rl",
	.what = "NeMo-RL's data of a training step: token ids and log-probs",
	.looks = looks,
	.read = nemo_read,
};
