/*
 * sglang.c - answers of SGLang's /generate, a line each; for n > 1 a line is an array.
 *
 * Its log-probs are after temperature and before top_k, top_p and min_p: kept on demand, or where
 * those of the distribution that was drawn from stand beside them (return_sampling_mask).
 */
#include "convert/fromrow.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

/* The request that answers of one line belong to */
struct line_group {
	size_t line;
	char *id;
	int64_t n, prompt;
};

static void free_group(void *own)
{
	struct line_group *g = own;

	free(g->id);
	free(g);
}

static bool looks(struct tape_val row)
{
	return tape_type(tape_get(row, "meta_info")) == TAPE_OBJECT &&
	       (!tape_none(tape_get(row, "text")) || !tape_none(tape_get(row, "output_ids")));
}

/* Answers of one line to a prompt of one length are those to one request. */
static void name_it(struct from *f, struct sample *s, struct tape_val meta)
{
	struct span id = from_maybe(meta, "id");
	struct line_group *g = f->own;
	int64_t prompt = -1;

	tape_i64(tape_get(meta, "prompt_tokens"), &prompt);
	if (!g) {
		g = f->own = xcalloc(1, sizeof *g);
		f->free_own = free_group;
	}
	if (f->first || g->line != f->line || g->prompt != prompt || !g->id) {
		free(g->id);
		*g = (struct line_group){.line = f->line, .prompt = prompt};
		g->id = id.p ? xstrndup(id.p, id.n) : xasprintf("line:%zu", f->line);
	}
	s->t.task = from_print(f, "%s", g->id);
	s->t.sample = g->n++;
}

/* False: no sample */
static bool read_finish(struct from *f, struct traj *t, struct tape_val meta)
{
	struct tape_val reason = tape_get(meta, "finish_reason"),
			matched = tape_get(reason, "matched");
	struct span type = {0};

	if (!tape_text(tape_get(reason, "type"), &type))
		tape_text(reason, &type);
	if (span_is(type, "length"))
		t->finish = type;
	else if (span_is(type, "stop") &&
		 (tape_type(matched) == TAPE_INT || tape_type(matched) == TAPE_ARRAY))
		t->finish = type;
	else if (!span_is(type, "stop"))
		return from_skipped(f, "answers that did not come to an end (neither stop nor "
				       "length)"),
		       false;
	return true;
}

/* Pairs of log-prob and id, with a text behind them: their ids, their log-probs */
static int read_pairs(struct from *f, struct tape_val list, uint32_t *ids, float *x)
{
	struct tape_iter it = tape_walk(list);
	struct tape_val none, one;
	int64_t id;
	double d;

	for (size_t i = 0; tape_next(&it, &none, &one); i++) {
		d = NAN;
		if (!tape_i64(tape_at(one, 1), &id) || id < 0 || id > UINT32_MAX ||
		    (!tape_none(tape_at(one, 0)) && !tape_f64(tape_at(one, 0), &d)))
			return from_bad(f, "meta_info", "log-probs that are no [number, id, text]");
		ids[i] = (uint32_t)id;
		x[i] = (float)d;
	}
	return 0;
}

/* The ids, and log-probs of one or the other distribution */
static int read_tokens(struct from *f, struct traj *t, struct tape_val row, struct tape_val meta)
{
	struct tape_val pairs = tape_get(meta, "output_token_logprobs"),
			drawn = tape_get(meta, "output_token_sampling_logprobs"),
			val = tape_get(meta, "output_token_logprobs_val");
	uint32_t n = tape_count(pairs), *ids = from_mem(f, 4 * (size_t)n);
	float *x = from_mem(f, 4 * (size_t)n);
	int st = from_ids(f, tape_get(row, "output_ids"), "output_ids", &t->tokens, &t->n_tokens);

	if (tape_none(drawn))
		drawn = tape_get(row, "output_token_sampling_logprobs");
	if (!st)
		st = read_pairs(f, pairs, ids, x);
	if (!st && !t->n_tokens && n) {
		t->tokens = ids;
		t->n_tokens = n;
	}
	if (!st && !t->n_tokens)
		st = from_ids(f, tape_get(meta, "output_token_logprobs_idx"), "meta_info",
			      &t->tokens, &t->n_tokens);
	if (st)
		return st;
	if (!tape_none(drawn))
		return from_floats(f, drawn, "output_token_sampling_logprobs", &t->logprobs,
				   &t->n_logprobs);
	if (!f->o->drawn && (n || tape_count(val))) {
		from_lost(f, "log-probs left out: they are before top_k, top_p and min_p (--drawn: "
			     "those were off)");
	} else if (n) {
		t->logprobs = x;
		t->n_logprobs = n;
	} else {
		st = from_floats(f, val, "meta_info", &t->logprobs, &t->n_logprobs);
	}
	return st;
}

static int read_prompt(struct from *f, struct traj *t, struct tape_val meta)
{
	struct tape_val pairs = tape_get(meta, "input_token_logprobs");
	uint32_t n = tape_count(pairs), *ids;
	int64_t all;

	if (!n || !tape_i64(tape_get(meta, "prompt_tokens"), &all) || all != n)
		return 0;
	t->prompt_tokens = ids = from_mem(f, 4 * (size_t)n);
	t->n_prompt_tokens = n;
	return read_pairs(f, pairs, ids, from_mem(f, 4 * (size_t)n));
}

static int sglang_read(struct from *f, struct tape_val row)
{
	struct tape_val meta = tape_get(row, "meta_info");
	struct sample s;
	int st;

	if (tape_none(meta))
		return from_bad(f, "meta_info", "missing");
	from_sample(&s);
	s.t.response = from_maybe(row, "text");
	if (!read_finish(f, &s.t, meta))
		return 0;
	st = read_tokens(f, &s.t, row, meta);
	if (!st)
		st = read_prompt(f, &s.t, meta);
	if (!st && !s.t.response.p && !s.t.n_tokens)
		st = from_bad(f, "text", "missing, and there are no output_ids");
	if (!st) {
		if (!s.t.n_prompt_tokens)
			name_it(f, &s, meta);
		from_meta(f, &s, "weight_version", tape_get(meta, "weight_version"));
		from_meta(f, &s, "weight_versions", tape_get(meta, "weight_versions"));
		st = from_put(f, &s);
	}
	from_sample_free(f, &s);
	return st;
}

const struct format sglang_format = {
	.name = "sglang",
	.what = "answers of SGLang's /generate",
	.looks = looks,
	.read = sglang_read,
};
