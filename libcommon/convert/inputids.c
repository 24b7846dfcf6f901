/* inputids.c - rows of input_ids, and labels of -100 where nothing is learnt or a completion_mask:
 * what a trainer takes as it is. */
#include "convert/fromrow.h"
#include "convert/to.h"

enum { UNLABELED = -100 };

static bool looks(struct tape_val row)
{
	return tape_type(tape_get(row, "input_ids")) == TAPE_ARRAY &&
	       (!tape_none(tape_get(row, "labels")) ||
		!tape_none(tape_get(row, "completion_mask")));
}

/* How many ids at the front are the prompt's; those behind must all be learnt. *n SIZE_MAX: they
 * are not. */
static int prompt_length(struct from *f, struct tape_val row, const uint32_t *ids, size_t all,
			 size_t *n)
{
	bool labels = !tape_none(tape_get(row, "labels"));
	const char *key = labels ? "labels" : "completion_mask";
	struct tape_iter it = tape_walk(tape_get(row, key));
	struct tape_val none, v;
	bool apart = false;
	size_t learnt = 0;
	int64_t x;

	if (it.left != all)
		return from_bad(f, key, "not as long as input_ids");
	for (size_t i = 0; tape_next(&it, &none, &v); i++) {
		bool counts = tape_type(v) == TAPE_TRUE;

		if (tape_i64(v, &x))
			counts = labels ? x != UNLABELED : x != 0;
		if (labels && (tape_type(v) != TAPE_INT || (counts && x != ids[i])))
			return from_bad(f, key, "neither -100 nor the id that stands there");
		apart |= learnt && !counts;
		learnt += counts;
	}
	*n = apart ? SIZE_MAX : all - learnt;
	return 0;
}

static int inputids_read(struct from *f, struct tape_val row)
{
	static const char *const used[] = {"input_ids", "labels", "completion_mask",
					   "attention_mask", NULL};
	const uint32_t *ids = NULL;
	size_t all, n = 0;
	struct sample s;
	int st = from_ids(f, tape_get(row, "input_ids"), "input_ids", &ids, &all);

	if (!st && !ids)
		st = from_bad(f, "input_ids", "missing");
	if (!st)
		st = prompt_length(f, row, ids, all, &n);
	if (st)
		return st;
	if (n == SIZE_MAX) {
		from_skipped(f, "rows that learn in more than one place");
		return 0;
	}
	from_sample(&s);
	s.t.prompt_tokens = ids;
	s.t.n_prompt_tokens = n;
	s.t.tokens = ids + n;
	s.t.n_tokens = all - n;
	from_rest(f, &s, row, used);
	st = from_put(f, &s);
	from_sample_free(f, &s);
	return st;
}

static int inputids_write(struct to *t, const struct traj *r)
{
	if (!r->tokens || !r->prompt_tokens) {
		to_skipped(t, "records without token ids");
		return 0;
	}
	to_open(t);
	to_ids(t, "input_ids", r->prompt_tokens, r->n_prompt_tokens);
	t->line.n--;
	if (r->n_prompt_tokens && r->n_tokens)
		buf_char(&t->line, ',');
	to_more_ids(t, r->tokens, r->n_tokens);
	to_key(t, "labels");
	buf_char(&t->line, '[');
	for (size_t i = 0; i < r->n_prompt_tokens; i++)
		buf_str(&t->line, i + 1 < r->n_prompt_tokens || r->n_tokens ? "-100," : "-100");
	to_more_ids(t, r->tokens, r->n_tokens);
	to_close(t, r);
	return 0;
}

const struct format inputids_format = {
	.name = "input-ids",
	.what = "rows of input_ids, and labels or completion_mask: token ids as they were",
	.looks = looks,
	.read = inputids_read,
	.write = inputids_write,
	.holds = " prompt_tokens tokens ",
};
