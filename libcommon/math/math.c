/* math.c - the verifier of mathematical answers. See rloop-verify(7). */
#include "answer/judge.h"
#include "base/json.h"
#include "math/reading.h"
#include "math/extract.h"
#include "math/fold.h"
#include "answer/text.h"

#include <assert.h>
#include <string.h>

enum { MAX_PLACES = 15 };

/* meta.precision; -1 without it */
static int places(const struct verify_item *it)
{
	int64_t v;

	return mp_i64(mp_get(it->meta, "precision"), &v) && v >= 0 && v <= MAX_PLACES ? (int)v : -1;
}

static bool same(struct span right, const struct extract *got, int n, struct verdict *out)
{
	struct span text = {got->text.p, got->text.n};

	if (reading_same(right, text, n, &out->why))
		return true;
	if (!got->percent)
		return false;
	assert(text.n >= 2); /* it ends in \\% */
	text.n -= 2;
	return reading_same(right, text, n, &out->why);
}

/* Is the response's answer the right one? It is left in *got. */
static bool right(struct span answer, struct span response, int n, struct extract *got,
		  struct verdict *out)
{
	struct buf b = {0}, mended = {0};
	bool yes = false;

	fold_controls(answer, &mended);
	extract_right((struct span){mended.p, mended.n}, &b);
	buf_free(&mended);
	if (!extract_answer(response, extract_kind_of((struct span){b.p, b.n}), got))
		out->why = "no answer found";
	else
		yes = same((struct span){b.p, b.n}, got, n, out);
	buf_free(&b);
	return yes;
}

/* The answer as a JSON list of texts, each of which is right; NULL when it is none. */
static json_t *alternatives(struct span answer)
{
	struct reason why;
	json_t *j, *v;
	size_t i;

	answer = text_trim(answer);
	if (answer.n < 4 || *answer.p != '[' || !memchr(answer.p, '"', answer.n))
		return NULL;
	j = json_parse(answer.p, answer.n, "answer", &why);
	if (!json_is_array(j))
		goto none;
	json_array_foreach(j, i, v)
	{
		if (!json_is_string(v))
			goto none;
	}
	return j;
none:
	json_decref(j);
	return NULL;
}

int judge_math(const struct verify_item *it, struct verdict *out, struct reason *why)
{
	struct extract got = {0};
	json_t *all, *v;
	size_t i;
	int st = judge_item_answer(it, why), n = places(it);

	if (st)
		return st;
	if (!text_trim(it->answer).n)
		return fail(why, ST_INPUT, "task %.*s: math: the answer is empty",
			    TEXT_ARG(it->task));
	all = alternatives(it->answer);
	json_array_foreach(all, i, v)
	{
		struct span one = {json_string_value(v), json_string_length(v)};

		if (!out->reward)
			out->reward = right(one, it->response, n, &got, out);
	}
	if (!all)
		out->reward = right(it->answer, it->response, n, &got, out);
	text_extract(out, (struct span){got.text.p, got.text.n});
	json_decref(all);
	buf_free(&got.text);
	return 0;
}
