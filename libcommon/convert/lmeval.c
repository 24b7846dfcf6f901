/*
 * lmeval.c - samples that lm-evaluation-harness logs (samples_TASK_DATE.jsonl).
 *
 * A line for each document and filter; resps holds all repeats. The metrics' values are of the
 * filtered response: that of the first repeat, where the filter takes it, of none where it votes.
 * So further repeats have no reward. Rows of multiple choice have no response.
 */
#include "convert/fromrow.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of a file: the filter whose rows are taken */
struct chosen {
	char *filter;
};

static void free_chosen(void *own)
{
	struct chosen *c = own;

	free(c->filter);
	free(c);
}

static bool looks(struct tape_val row)
{
	return !tape_none(tape_get(row, "doc_id")) &&
	       tape_type(tape_get(row, "resps")) == TAPE_ARRAY &&
	       !tape_none(tape_get(row, "arguments"));
}

static bool is_chosen(struct from *f, struct tape_val row)
{
	struct span filter = from_maybe(row, "filter");
	struct chosen *c = f->own;

	if (f->o->filter)
		return span_is(filter, f->o->filter);
	if (!c) {
		c = f->own = xcalloc(1, sizeof *c);
		f->free_own = free_chosen;
	}
	if (f->first) {
		free(c->filter);
		c->filter = filter.p ? xstrndup(filter.p, filter.n) : NULL;
	}
	return c->filter ? span_is(filter, c->filter) : !filter.p;
}

/* "capitals" of ".../samples_capitals_2026-11-28T00-34-59.541768.jsonl"; n 0: another name */
static struct span task_name(const char *file)
{
	const char *base = strrchr(file, '/'), *p, *end;

	base = base ? base + 1 : file;
	p = strstr(base, "samples_");
	if (!p)
		return (struct span){0};
	p += strlen("samples_");
	for (end = p + strlen(p);
	     end > p && !(*end == '_' && end[1] >= '0' && end[1] <= '9' && strchr(end, 'T')); end--)
		;
	if (end == p)
		end = p + strcspn(p, ".");
	return (struct span){p, (size_t)(end - p)};
}

static int name_it(struct from *f, struct sample *s, struct tape_val row)
{
	struct span name = task_name(f->name);
	struct span id = from_answer(f, tape_get(row, "doc_id"));
	char *both;

	if (!id.p)
		return from_bad(f, "doc_id", "missing");
	if (!name.n) {
		s->t.task = id;
		return 0;
	}
	both = from_mem(f, name.n + 1 + id.n);
	memcpy(both, name.p, name.n);
	both[name.n] = ':';
	memcpy(both + name.n + 1, id.p, id.n);
	s->t.task = (struct span){both, name.n + 1 + id.n};
	return 0;
}

/* The first of the requests' arguments, and the second, which is how it was sampled */
static struct tape_val argument(struct tape_val row, int i)
{
	struct tape_val all = tape_get(row, "arguments"), key, first = {0};
	struct tape_iter it = tape_walk(all);

	tape_next(&it, &key, &first);
	if (tape_type(first) == TAPE_ARRAY) /* older versions */
		return tape_at(first, (uint32_t)i);
	return tape_get(first, i ? "arg_1" : "arg_0");
}

static int read_prompt(struct from *f, struct sample *s, struct tape_val row)
{
	struct tape_val v = argument(row, 0);

	if (tape_type(v) == TAPE_ARRAY && tape_count(v) == 1 &&
	    tape_type(tape_at(v, 0)) == TAPE_TEXT) /* of chat servers: the JSON of the messages */
		v = tape_at(v, 0);
	return from_prompt(f, s, v, "arguments");
}

static int read_sampling(struct from *f, struct traj *t, struct tape_val row)
{
	struct tape_val how = argument(row, 1);
	int st = from_num(f, how, "temperature", &t->temperature);

	if (!st && tape_type(tape_get(how, "do_sample")) == TAPE_TRUE)
		st = from_num(f, how, "top_p", &t->top_p);
	return st;
}

/* The metric whose value is a number, if there is just one, or the one that is asked for */
static int read_metric(struct from *f, struct tape_val row, double *value)
{
	struct tape_iter it = tape_walk(tape_get(row, "metrics"));
	struct tape_val none, name, v;
	struct span s;
	int found = 0;
	double x;

	*value = NAN;
	if (f->o->reward)
		return from_reward(f, row, value);
	while (tape_next(&it, &none, &name)) {
		if (!tape_text(name, &s))
			continue;
		v = tape_get_n(row, s.p, s.n);
		if (tape_f64(v, &x) || tape_type(v) == TAPE_TRUE || tape_type(v) == TAPE_FALSE) {
			*value = tape_f64(v, &x) ? x : tape_type(v) == TAPE_TRUE;
			found++;
		}
	}
	if (found > 1) {
		*value = NAN;
		from_lost(f, "no reward: there are several metrics: --reward METRIC");
	}
	return 0;
}

static bool votes(struct span filter)
{
	static const char *const words[] = {"maj", "vote", "consisten"};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (filter.n && memmem(filter.p, filter.n, words[i], strlen(words[i])))
			return true;
	return false;
}

/* Is the value that of the first of several responses? */
static bool of_first(struct tape_val row, struct span response)
{
	struct tape_val filtered = tape_get(row, "filtered_resps");
	struct span s;

	if (tape_type(filtered) == TAPE_ARRAY)
		filtered = tape_count(filtered) == 1 ? tape_at(filtered, 0) : (struct tape_val){0};
	if (votes(from_maybe(row, "filter")) || !tape_text(filtered, &s))
		return false;
	return span_is(s, "[invalid]") || !s.n || memmem(response.p, response.n, s.p, s.n);
}

static int put_repeats(struct from *f, struct sample *s, struct tape_val row, struct tape_val all)
{
	struct tape_iter it = tape_walk(all);
	struct tape_val none, one;
	bool many = it.left > 1;
	struct traj t = s->t;
	double value;
	int st = read_metric(f, row, &value);

	for (int64_t i = 0; !st && tape_next(&it, &none, &one); i++) {
		s->t = t;
		s->t.sample = i;
		if (!tape_text(one, &s->t.response))
			return from_bad(f, "resps", "a response is not a string");
		s->t.reward = !many || (i == 0 && of_first(row, s->t.response)) ? value : NAN;
		if (isnan(s->t.reward) && !isnan(value))
			from_lost(f, "a repeat has no value of its own: no reward (traj-score "
				     "judges)");
		st = from_put(f, s);
	}
	return st;
}

static int lmeval_read(struct from *f, struct tape_val row)
{
	static const char *const used[] = {"doc_id",         "target",  "arguments", "resps",
					   "filtered_resps", "metrics", "doc_hash",  "prompt_hash",
					   "target_hash",    NULL};
	struct tape_val resps = tape_get(row, "resps"), all = tape_at(resps, 0);
	struct sample s;
	int st;

	if (tape_type(resps) != TAPE_ARRAY)
		return from_bad(f, "resps", tape_none(resps) ? "missing" : "not a list");
	if (tape_count(resps) != 1 || tape_type(tape_at(all, 0)) != TAPE_TEXT) {
		from_skipped(f, "rows of multiple choice or log-likelihood: they have no response");
		return 0;
	}
	if (!is_chosen(f, row)) {
		from_skipped(f, "rows of other filters: --filter NAME takes them");
		return 0;
	}
	from_sample(&s);
	st = name_it(f, &s, row);
	if (!st)
		st = read_prompt(f, &s, row);
	if (!st)
		st = read_sampling(f, &s.t, row);
	if (!st) {
		s.t.answer = from_answer(f, tape_get(row, "target"));
		from_rest(f, &s, row, used);
		st = put_repeats(f, &s, row, all);
	}
	from_sample_free(f, &s);
	return st;
}

const struct format lmeval_format = {
	.name = "lm-eval",
	.what = "samples that lm-evaluation-harness logs",
	.looks = looks,
	.read = lmeval_read,
};
