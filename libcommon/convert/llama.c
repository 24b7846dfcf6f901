/*
 * llama.c - answers of llama-server's /completion, a line each.
 *
 * Its log-probs are of the plain softmax: those of the drawn distribution only where the settings,
 * which stand beside them, change nothing. With post_sampling_probs they are of what was drawn
 * from.
 */
#include "convert/choice.h"
#include "convert/fromrow.h"

#include <math.h>

static bool looks(struct tape_val row)
{
	return tape_type(tape_get(row, "content")) == TAPE_TEXT &&
	       (!tape_none(tape_get(row, "stop_type")) ||
		!tape_none(tape_get(row, "tokens_predicted")) ||
		!tape_none(tape_get(row, "generation_settings")));
}

/* Settings under which nothing but the softmax is drawn from */
static bool is_neutral(struct tape_val settings)
{
	static const struct {
		const char *key;
		double value;
		bool wanted; /* what is absent is not as it should be */
	} all[] = {
		{"temperature", 1, true},
		{"top_k", 0, true},
		{"top_p", 1, true},
		{"min_p", 0, true},
		{"repeat_penalty", 1, true},
		{"presence_penalty", 0, false},
		{"frequency_penalty", 0, false},
		{"typical_p", 1, false},
		{"xtc_probability", 0, false},
		{"dry_multiplier", 0, false},
		{"mirostat", 0, false},
		{"dynatemp_range", 0, false},
		{"top_n_sigma", -1, false},
	};
	double x;

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		if (!tape_f64(tape_get(settings, all[i].key), &x)) {
			if (all[i].wanted)
				return false;
			continue;
		}
		if (x != all[i].value && !(i == 1 && x < 0) && !(all[i].value < 0 && x <= 0))
			return false;
	}
	return true;
}

static bool is_true(struct tape_val row, const char *key)
{
	return tape_type(tape_get(row, key)) == TAPE_TRUE;
}

static bool read_finish(struct from *f, struct traj *t, struct tape_val row)
{
	struct span type = from_maybe(row, "stop_type");

	if (span_is(type, "eos") || is_true(row, "stopped_eos"))
		t->finish = (struct span){"stop", 4};
	else if (span_is(type, "limit") || is_true(row, "stopped_limit"))
		t->finish = (struct span){"length", 6};
	else if (span_is(type, "none") || tape_type(tape_get(row, "stop")) == TAPE_FALSE)
		return from_skipped(f, "answers that did not come to an end"), false;
	return true;
}

static int read_settings(struct from *f, struct traj *t, struct tape_val settings)
{
	int st = from_num(f, settings, "temperature", &t->temperature);
	int64_t k;

	if (!st)
		st = from_num(f, settings, "top_p", &t->top_p);
	if (!st && tape_i64(tape_get(settings, "top_k"), &k) && k > 0)
		t->top_k = k;
	return st;
}

/* Of completion_probabilities: ids where there are none yet, and log-probs */
static void read_probs(struct from *f, struct traj *t, struct tape_val list, bool keep)
{
	struct tape_iter it = tape_walk(list);
	uint32_t *ids = from_mem(f, 4 * (size_t)it.left);
	float *x = from_mem(f, 4 * (size_t)it.left);
	bool has_ids = true, has_x = true;
	struct tape_val none, one;
	size_t n = 0;
	int64_t id = -1;
	double d = 1;

	for (; tape_next(&it, &none, &one); n++) {
		has_ids &= tape_i64(tape_get(one, "id"), &id) && id >= 0 && id <= UINT32_MAX;
		ids[n] = (uint32_t)id;
		if (tape_f64(tape_get(one, "prob"), &d))
			d = log(d);
		else
			has_x &= tape_f64(tape_get(one, "logprob"), &d);
		x[n] = (float)d;
	}
	if (!t->n_tokens && has_ids) {
		t->tokens = ids;
		t->n_tokens = n;
	}
	if (keep && has_x) {
		t->logprobs = x;
		t->n_logprobs = n;
	}
}

static int read_tokens(struct from *f, struct traj *t, struct tape_val row)
{
	struct tape_val probs = tape_get(row, "completion_probabilities");
	bool post = !tape_none(tape_get(tape_at(probs, 0), "prob"));
	bool keep = f->o->drawn || post || is_neutral(tape_get(row, "generation_settings"));
	int st = from_ids(f, tape_get(row, "tokens"), "tokens", &t->tokens, &t->n_tokens);

	if (st || !tape_count(probs))
		return st;
	if (!keep)
		from_lost(f, "log-probs left out: they are of the softmax, and temperature, top_k, "
			     "top_p or others were at work");
	read_probs(f, t, probs, keep);
	return 0;
}

/* A prompt may be ids. */
static int read_prompt(struct from *f, struct sample *s, struct tape_val row)
{
	struct tape_val v = tape_get(row, "prompt");

	if (tape_type(v) == TAPE_ARRAY && tape_type(tape_at(v, 0)) == TAPE_INT)
		return from_ids(f, v, "prompt", &s->t.prompt_tokens, &s->t.n_prompt_tokens);
	return tape_none(v) ? 0 : from_prompt(f, s, v, "prompt");
}

static int llama_read(struct from *f, struct tape_val row)
{
	struct sample s;
	int st;

	if (choice_is_error(row)) {
		from_skipped(f, "answers that are errors");
		return 0;
	}
	from_sample(&s);
	st = from_text(f, row, "content", &s.t.response);
	if (st || !read_finish(f, &s.t, row))
		return st;
	st = read_prompt(f, &s, row);
	if (!st)
		st = read_settings(f, &s.t, tape_get(row, "generation_settings"));
	if (!st)
		st = read_tokens(f, &s.t, row);
	if (!st) {
		if (!s.t.prompt.p && !s.t.n_prompt_tokens)
			s.t.task = from_print(f, "line:%zu", f->line);
		from_meta(f, &s, "model", tape_get(row, "model"));
		from_meta(f, &s, "stopping_word", tape_get(row, "stopping_word"));
		st = from_put(f, &s);
	}
	from_sample_free(f, &s);
	return st;
}

const struct format llama_format = {
	.name = "llama-server",
	.what = "answers of llama-server's /completion",
	.looks = looks,
	.read = llama_read,
};
