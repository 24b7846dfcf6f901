/* judge.c - the values that verifiers work on. See judge.h. */
#include "answer/judge.h"
#include "base/num.h"
#include "answer/expr.h"
#include "answer/text.h"

#include <string.h>

int judge_item_answer(const struct verify_item *it, struct reason *why)
{
	return it->answer.p ? 0
			    : fail(why, ST_INPUT, "task %.*s: no answer to verify against",
				   TEXT_ARG(it->task));
}

int judge_item_numbers(const struct verify_item *it, int64_t *v, size_t max, size_t *n,
		       struct reason *why)
{
	struct mp e, list = mp_get(it->meta, "numbers");
	struct mp_iter iter = {0};
	size_t want = 0;

	*n = 0;
	if (mp_array(list, &iter))
		want = iter.left;
	while (*n < want && *n < max && mp_next(&iter, &e) && mp_i64(e, &v[*n]))
		++*n;
	if (!want || *n != want)
		return fail(why, ST_INPUT,
			    "task %.*s: meta.numbers is no list of at most %zu whole numbers",
			    TEXT_ARG(it->task), max);
	return 0;
}

int judge_item_target(const struct verify_item *it, int64_t *v, struct reason *why)
{
	struct span s = text_trim(it->answer);
	char text[24];

	if (!it->answer.p && mp_i64(mp_get(it->meta, "target"), v))
		return 0;
	if (s.n && s.n < sizeof text) {
		memcpy(text, s.p, s.n);
		text[s.n] = '\0';
		if (strlen(text) == s.n && num_i64(text, INT64_MIN, INT64_MAX, v))
			return 0;
	}
	return fail(why, ST_INPUT, "task %.*s: neither answer nor meta.target is a whole number",
		    TEXT_ARG(it->task));
}

int judge_target(const struct verify_item *it, bool all, bool only_sum, struct verdict *out,
		 struct reason *why)
{
	int64_t v[EXPR_NUMBERS], target;
	struct expr e;
	size_t n;
	int st = judge_item_numbers(it, v, EXPR_NUMBERS, &n, why);

	if (!st)
		st = judge_item_target(it, &target, why);
	if (st)
		return st;
	if (expr_eval(text_final(it->response), &e)) {
		text_extract(out, e.text);
		out->reward = (e.only_sum || !only_sum) && expr_is(&e, target) &&
			      expr_uses(&e, v, n, all);
	}
	return 0;
}
