/*
 * lastnum.c - verifiers that take one number out of a response: "number" and "gsm8k". See
 * rloop-verify(7).
 */
#include "answer/judge.h"
#include "answer/number.h"
#include "answer/tag.h"
#include "answer/text.h"

#include <string.h>

int judge_number(const struct verify_item *it, struct verdict *out, struct reason *why)
{
	struct span s;
	struct number want, got;
	int st = judge_item_answer(it, why);

	if (st)
		return st;
	if (!number_last(it->answer, &want))
		return fail(why, ST_INPUT, "task %.*s: number: the answer has no number in it",
			    TEXT_ARG(it->task));
	if (!text_marked(it->response, &s) || !number_last(s, &got)) {
		if (!number_last(it->response, &got))
			return 0;
	}
	text_extract(out, got.text);
	out->reward = number_same(&want, &got);
	return 0;
}

/* What stands behind the last "####" on its line; false without one */
static bool after_hashes(struct span s, struct span *out)
{
	for (size_t i = s.n; i-- > 3;)
		if (s.p[i] == '#' && memcmp(s.p + i - 3, "####", 4) == 0) {
			const char *p = s.p + i + 1, *end = s.p + s.n;
			const char *nl = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;

			*out = (struct span){p, (size_t)((nl ? nl : end) - p)};
			return true;
		}
	return false;
}

static bool gsm8k_number(struct span text, struct number *x)
{
	struct span s;

	if ((after_hashes(text, &s) && number_first(s, x)) ||
	    (tag_inside(text, &s) && number_last(s, x)))
		return true;
	return number_last(text, x);
}

int judge_gsm8k(const struct verify_item *it, struct verdict *out, struct reason *why)
{
	struct number want, got;
	int st = judge_item_answer(it, why);

	if (st)
		return st;
	if (!gsm8k_number(it->answer, &want))
		return fail(why, ST_INPUT, "task %.*s: gsm8k: the answer has no number in it",
			    TEXT_ARG(it->task));
	out->why = "no number found";
	if (!gsm8k_number(it->response, &got))
		return 0;
	text_extract(out, got.text);
	out->reward = number_same(&want, &got);
	out->why = out->reward > 0 ? "the same number" : "another number";
	return 0;
}
