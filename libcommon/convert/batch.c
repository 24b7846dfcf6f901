/*
 * batch.c - OpenAI's batches, as vLLM's run_batch takes them too: answers are read, requests
 * written.
 *
 * custom_id is "TASK#SAMPLE", cut at the last '#'. Answers come in any order and without the
 * prompt:
 * --requests has it by custom_id, -t by task.
 */
#include "convert/choice.h"
#include "convert/to.h"

static bool looks(struct tape_val row)
{
	return !tape_none(tape_get(row, "custom_id")) &&
	       tape_type(tape_get(row, "response")) != TAPE_NONE;
}

static void name_it(struct span id, struct traj *t)
{
	int64_t sample = 0;
	size_t n = id.n;

	while (n && id.p[n - 1] >= '0' && id.p[n - 1] <= '9')
		n--;
	t->task = id;
	if (n == id.n || n < 2 || id.p[n - 1] != '#' || id.n - n > 9)
		return;
	for (size_t i = n; i < id.n; i++)
		sample = sample * 10 + (id.p[i] - '0');
	t->task.n = n - 1;
	t->sample = sample;
}

static int batch_read(struct from *f, struct tape_val row)
{
	struct tape_val response = tape_get(row, "response"), body = tape_get(response, "body");
	const struct from_known *known;
	struct span id = {0};
	int64_t code = 200;
	struct sample s;
	int st = from_text(f, row, "custom_id", &id);

	if (!st)
		st = from_int(f, response, "status_code", &code);
	if (!st && tape_type(response) == TAPE_NONE)
		st = from_bad(f, "response", "missing");
	if (st)
		return st;
	if (tape_none(response) || code != 200 || !choice_is_answer(body)) {
		from_skipped(f, "requests that failed");
		return 0;
	}
	from_sample(&s);
	name_it(id, &s.t);
	known = from_find(f, &s, id);
	if (known) {
		s.t.temperature = known->temperature;
		s.t.top_p = known->top_p;
	}
	return choice_put_all(f, &s, body, known);
}

static void put_id(struct to *t, const struct traj *r)
{
	struct buf id = {0};

	buf_add(&id, r->task.p, r->task.n);
	if (r->sample >= 0)
		buf_printf(&id, "#%lld", (long long)r->sample);
	to_text(t, "custom_id", (struct span){id.p ? id.p : "", id.n});
	buf_free(&id);
}

static void put_body(struct to *t, const struct traj *r)
{
	to_key(t, "body");
	buf_char(&t->line, '{');
	t->more = false;
	to_word(t, "model", t->o->model);
	to_prompt(t, tape_none(t->chat) ? "prompt" : "messages", r->prompt);
	to_num(t, "temperature", r->temperature);
	to_num(t, "top_p", r->top_p);
	buf_char(&t->line, '}');
	t->more = true;
}

/* What asks for the record's sample again; the response is not in it. */
static int batch_write(struct to *t, const struct traj *r)
{
	if (!r->prompt.n) {
		to_skipped(t, "records without a prompt");
		return 0;
	}
	to_open(t);
	put_id(t, r);
	to_word(t, "method", "POST");
	to_word(t, "url", tape_none(t->chat) ? "/v1/completions" : "/v1/chat/completions");
	put_body(t, r);
	to_close(t, r);
	return 0;
}

const struct format batch_format = {
	.name = "openai-batch",
	.what = "OpenAI's batches: answers are read, requests written",
	.looks = looks,
	.read = batch_read,
	.write = batch_write,
	.holds = " task prompt sample temperature top_p ",
};
