/*
 * openinstruct.c - open-instruct's rollouts (RUN_rollouts_000000.jsonl): ids and log-probs, no
 * text.
 *
 * prompt_idx is the prompt's place in its step and sample_idx counts through the step: neither
 * names a problem, which is called after its ids. Of written rows both count so, too.
 */
#include "convert/fromrow.h"
#include "convert/to.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

/* How many rows each prompt of the step has had: the names are prompt_idx, or tasks */
struct step_count {
	int64_t step;
	struct names names;
	int64_t *n;
	size_t room;
	int64_t all;
};

static void free_count(void *own)
{
	struct step_count *c = own;

	if (c) {
		names_free(&c->names);
		free(c->n);
	}
	free(c);
}

/* The place of a row among its prompt's, and the prompt's in its step. */
static int64_t count_in_step(struct step_count *c, int64_t step, struct span name, int64_t *prompt)
{
	size_t i;

	if (step != c->step) {
		names_free(&c->names);
		free(c->n);
		*c = (struct step_count){.step = step};
	}
	i = names_id(&c->names, name);
	c->n = names_room(c->n, &c->room, i, sizeof *c->n);
	*prompt = (int64_t)i;
	c->all++;
	return c->n[i]++;
}

static struct step_count *counter(void **own, void (**free_own)(void *))
{
	if (!*own) {
		*own = xcalloc(1, sizeof(struct step_count));
		((struct step_count *)*own)->step = -1;
		*free_own = free_count;
	}
	return *own;
}

static bool looks(struct tape_val row)
{
	return tape_type(tape_get(row, "prompt_tokens")) == TAPE_ARRAY &&
	       tape_type(tape_get(row, "response_tokens")) == TAPE_ARRAY;
}

static int read_ids(struct from *f, struct sample *s, struct tape_val row)
{
	struct traj *t = &s->t;
	int st = from_ids(f, tape_get(row, "prompt_tokens"), "prompt_tokens", &t->prompt_tokens,
			  &t->n_prompt_tokens);

	if (!st && tape_type(tape_get(row, "response_tokens")) != TAPE_ARRAY)
		st = from_bad(f, "response_tokens", "missing");
	if (!st)
		st = from_ids(f, tape_get(row, "response_tokens"), "response_tokens", &t->tokens,
			      &t->n_tokens);
	if (!st)
		st = from_floats(f, tape_get(row, "logprobs"), "logprobs", &t->logprobs,
				 &t->n_logprobs);
	return st;
}

static int read_numbers(struct from *f, struct sample *s, struct tape_val row)
{
	struct span finish = from_maybe(row, "finish_reason");
	int st = f->o->reward ? from_reward(f, row, &s->t.reward)
			      : from_num(f, row, "reward", &s->t.reward);

	if (!st)
		st = from_num(f, row, "advantage", &s->t.advantage);
	if (!st)
		st = from_int(f, row, "step", &s->t.step);
	if (span_is(finish, "stop") || span_is(finish, "length"))
		s->t.finish = finish;
	return st;
}

static void read_sample(struct from *f, struct sample *s, struct tape_val row)
{
	int64_t number, prompt;

	if (!tape_i64(tape_get(row, "prompt_idx"), &number))
		return;
	s->t.sample = count_in_step(counter(&f->own, &f->free_own), s->t.step,
				    (struct span){(const char *)&number, sizeof number}, &prompt);
}

static void read_tools(struct from *f, struct tape_val row)
{
	double calls = 0;

	if (tape_f64(tape_get(tape_get(row, "request_info"), "num_calls"), &calls) && calls > 0)
		from_lost(f, "the response holds what tools answered: not all of its tokens were "
			     "drawn");
}

static int openinstruct_read(struct from *f, struct tape_val row)
{
	static const char *const used[] = {
		"prompt_tokens", "response_tokens", "logprobs",   "reward",     "advantage", "step",
		"finish_reason", "ground_truth",    "prompt_idx", "sample_idx", NULL};
	struct sample s;
	int st;

	from_sample(&s);
	st = read_ids(f, &s, row);
	if (!st)
		st = read_numbers(f, &s, row);
	if (!st) {
		read_sample(f, &s, row);
		read_tools(f, row);
		s.t.answer = from_answer(f, tape_get(row, "ground_truth"));
		from_rest(f, &s, row, used);
		st = from_put(f, &s);
	}
	from_sample_free(f, &s);
	return st;
}

static void put_floats(struct to *t, const struct traj *r)
{
	if (r->logprobs)
		to_floats(t, "logprobs", r->logprobs, r->n_logprobs);
	else
		to_null(t, "logprobs");
}

static void put_num(struct to *t, const char *key, double x)
{
	if (isnan(x))
		to_null(t, key);
	to_num(t, key, x);
}

static int openinstruct_write(struct to *t, const struct traj *r)
{
	struct step_count *c = counter(&t->own, &t->free_own);
	int64_t prompt;

	if (!r->tokens || !r->prompt_tokens) {
		to_skipped(t, "records without token ids");
		return 0;
	}
	count_in_step(c, r->step, r->task, &prompt);
	to_open(t);
	to_int(t, "step", r->step >= 0 ? r->step : 0);
	to_int(t, "sample_idx", c->all - 1);
	to_int(t, "prompt_idx", prompt);
	to_ids(t, "prompt_tokens", r->prompt_tokens, r->n_prompt_tokens);
	to_ids(t, "response_tokens", r->tokens, r->n_tokens);
	put_num(t, "reward", r->reward);
	put_num(t, "advantage", r->advantage);
	to_text(t, "finish_reason", r->finish);
	if (r->answer.p)
		to_text(t, "ground_truth", r->answer);
	else
		to_null(t, "ground_truth");
	put_floats(t, r);
	if (!t->o->keep)
		to_rest(t, r->meta,
			" step sample_idx prompt_idx prompt_tokens response_tokens reward "
			"advantage finish_reason ground_truth logprobs ");
	to_close(t, r);
	return 0;
}

const struct format openinstruct_format = {
	.name = "open-instruct",
	.what = "open-instruct's rollouts: token ids and log-probs",
	.looks = looks,
	.read = openinstruct_read,
	.write = openinstruct_write,
	.holds = " prompt_tokens tokens logprobs step sample reward advantage finish answer meta ",
};
