/*
 * choice.c - choices of an answer. See choice.h.
 *
 * Only "stop" and "length" end a sample. "stop" is the end token or a stop string: it is the former
 * when the server says so (vLLM: stop_reason is null) or the request had no stop string. Tokens are
 * ids where the server gives ids; log-probs without them belong to nothing. Servers do not say
 * which distribution theirs are of: they are kept where the request drew from all of it, or on
 * demand.
 */
#include "convert/choice.h"
#include "convert/fromrow.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_INDEX = 1000000000 };

bool choice_is_answer(struct tape_val body)
{
	return tape_type(tape_get(body, "choices")) == TAPE_ARRAY;
}

bool choice_is_error(struct tape_val body)
{
	return !tape_none(tape_get(body, "error")) || !tape_none(tape_get(body, "detail")) ||
	       tape_is(tape_get(body, "object"), "error");
}

/* A content may be a list of parts. */
static struct span content_text(struct from *f, struct tape_val v)
{
	struct tape_iter it = tape_walk(v);
	struct tape_val none, part;
	struct buf b = {0};
	struct span s = {0};

	if (tape_text(v, &s) || tape_type(v) != TAPE_ARRAY)
		return s;
	while (tape_next(&it, &none, &part))
		if (tape_text(tape_get(part, "text"), &s))
			buf_add(&b, s.p, s.n);
	s = from_copy(f, b.p, b.n);
	buf_free(&b);
	return s;
}

/* False: the choice is no sample, which was noted. */
static bool read_finish(struct from *f, struct traj *t, struct tape_val c,
			const struct from_known *known)
{
	struct span reason = from_maybe(c, "finish_reason");
	struct tape_val why = tape_get(c, "stop_reason");

	if (span_is(reason, "length")) {
		t->finish = reason;
	} else if (span_is(reason, "stop")) {
		if (tape_type(why) == TAPE_NULL || (tape_none(why) && known && known->finish))
			t->finish = reason;
		else if (tape_type(why) == TAPE_NONE)
			from_lost(f, "finish left out: stop may be the end token or a stop string");
	} else if (span_is(reason, "tool_calls") || span_is(reason, "function_call")) {
		from_skipped(f, "answers that call tools");
		return false;
	} else if (tape_type(tape_get(c, "finish_reason")) != TAPE_NONE) {
		from_skipped(f,
			     "answers that did not come to an end (finish_reason is neither stop "
			     "nor length)");
		return false;
	}
	return true;
}

/* "token_id:N" */
static bool named_id(struct tape_val v, uint32_t *id)
{
	struct span s;
	uint64_t x = 0;
	size_t i;

	if (!tape_text(v, &s) || s.n < 10 || s.n > 19 || memcmp(s.p, "token_id:", 9) != 0)
		return false;
	for (i = 9; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
		x = x * 10 + (uint64_t)(s.p[i] - '0');
	*id = (uint32_t)x;
	return i == s.n && x <= UINT32_MAX;
}

static void set_named_ids(struct from *f, struct traj *t, struct tape_val list, bool content)
{
	struct tape_iter it = tape_walk(list);
	uint32_t *to = from_mem(f, 4 * (size_t)it.left);
	struct tape_val none, v;
	size_t n = 0;
	int64_t x;

	if (t->n_tokens)
		return;
	for (; tape_next(&it, &none, &v); n++) {
		if (content && tape_i64(tape_get(v, "token_id"), &x) && x >= 0 && x <= UINT32_MAX)
			to[n] = (uint32_t)x;
		else if (!named_id(content ? tape_get(v, "token") : v, &to[n]))
			return;
	}
	t->tokens = to;
	t->n_tokens = n;
}

/* Of chat: a list of maps */
static int content_logprobs(struct from *f, struct traj *t, struct tape_val list)
{
	struct tape_iter it = tape_walk(list);
	float *to = from_mem(f, 4 * (size_t)it.left);
	struct tape_val none, v;
	double x;

	for (; tape_next(&it, &none, &v); to[t->n_logprobs++] = (float)x)
		if (!tape_f64(tape_get(v, "logprob"), &x))
			return from_bad(f, "logprobs", "a token without a log-prob");
	t->logprobs = to;
	return 0;
}

static int read_logprobs(struct from *f, struct traj *t, struct tape_val c,
			 const struct from_known *known)
{
	struct tape_val all = tape_get(c, "logprobs"), content = tape_get(all, "content"),
			list = tape_get(all, "token_logprobs");
	int st = 0;

	if (tape_count(content))
		set_named_ids(f, t, content, true);
	else if (tape_count(list))
		set_named_ids(f, t, tape_get(all, "tokens"), false);
	if (!tape_count(content) && !tape_count(list))
		return 0;
	if (!t->n_tokens)
		from_lost(f, "log-probs left out: the answer has no token ids");
	else if (!f->o->drawn && !(known && known->plain))
		from_lost(f, "log-probs left out: the server does not say of which distribution "
			     "(--drawn: of the one that was drawn from)");
	else if (tape_count(content))
		st = content_logprobs(f, t, content);
	else if (tape_none(tape_at(list, 0)))
		from_lost(f, "log-probs left out: the prompt is among them");
	else
		st = from_floats(f, list, "logprobs", &t->logprobs, &t->n_logprobs);
	return st;
}

static int read_ids(struct from *f, struct traj *t, struct tape_val body, struct tape_val c)
{
	struct tape_val prompt = tape_get(c, "prompt_token_ids");
	int st = from_ids(f, tape_get(c, "token_ids"), "token_ids", &t->tokens, &t->n_tokens);

	if (tape_none(prompt))
		prompt = tape_get(body, "prompt_token_ids");
	return st ? st
		  : from_ids(f, prompt, "prompt_token_ids", &t->prompt_tokens, &t->n_prompt_tokens);
}

static bool calls_tools(struct tape_val message)
{
	return tape_count(tape_get(message, "tool_calls")) ||
	       !tape_none(tape_get(message, "function_call"));
}

static int put_one(struct from *f, const struct sample *known_sample, struct tape_val body,
		   struct tape_val c, const struct from_known *known)
{
	struct tape_val message = tape_get(c, "message"),
			text = tape_none(message) ? tape_get(c, "text")
						  : tape_get(message, "content");
	struct sample s;
	int st;

	from_sample(&s);
	s.t = known_sample->t;
	s.messages = known_sample->messages;
	s.t.response = content_text(f, text);
	st = read_ids(f, &s.t, body, c);
	if (st || !read_finish(f, &s.t, c, known))
		return st;
	if (calls_tools(message)) {
		from_skipped(f, "answers that call tools");
		return 0;
	}
	st = read_logprobs(f, &s.t, c, known);
	if (!st && !s.t.response.p && !s.t.n_tokens) {
		from_skipped(f, "answers without a text (refusals, for one)");
		return 0;
	}
	if (!st) {
		from_meta(f, &s, "model", tape_get(body, "model"));
		from_meta(f, &s, "reasoning_content", tape_get(message, "reasoning_content"));
		from_meta(f, &s, "stop_reason", tape_get(c, "stop_reason"));
		from_meta(f, &s, "weight_versions", tape_get(c, "weight_versions"));
		st = from_put(f, &s);
	}
	from_sample_free(f, &s);
	return st;
}

int choice_put_all(struct from *f, const struct sample *s, struct tape_val body,
		   const struct from_known *known)
{
	struct tape_val list = tape_get(body, "choices"), none, c;
	struct tape_iter it = tape_walk(list);
	struct sample one = *s;
	int64_t index;
	int st = 0;

	if (tape_type(list) != TAPE_ARRAY)
		return from_bad(f, "choices", "missing");
	for (int64_t i = 0; !st && tape_next(&it, &none, &c); i++) {
		index = i;
		st = from_int(f, c, "index", &index);
		if (!st && index > MAX_INDEX)
			st = from_bad(f, "index", "too large");
		one.t.sample = (s->t.sample < 0 ? 0 : s->t.sample * tape_count(list)) + index;
		if (!st)
			st = put_one(f, &one, body, c, known);
	}
	return st;
}

bool choice_says_ids(struct tape_val body)
{
	struct tape_val c = tape_at(tape_get(body, "choices"), 0);

	return !tape_none(tape_get(c, "token_ids")) ||
	       tape_type(tape_get(c, "stop_reason")) != TAPE_NONE ||
	       !tape_none(tape_get(body, "prompt_token_ids"));
}

int choice_read(struct from *f, struct tape_val row)
{
	struct tape_val first = tape_at(tape_get(row, "choices"), 0);
	struct sample s;

	if (!choice_is_answer(row) && choice_is_error(row)) {
		from_skipped(f, "answers that are errors");
		return 0;
	}
	if (!tape_none(tape_get(first, "delta")))
		return from_bad(f, "choices", "pieces of a stream: whole answers are wanted");
	from_sample(&s);
	if (tape_none(tape_get(first, "prompt_token_ids")) &&
	    tape_none(tape_get(row, "prompt_token_ids"))) {
		s.t.task = from_maybe(row, "id");
		if (!s.t.task.p)
			s.t.task = from_maybe(row, "request_id");
		if (!s.t.task.p)
			s.t.task = from_print(f, "line:%zu", f->line);
	}
	return choice_put_all(f, &s, row, NULL);
}
