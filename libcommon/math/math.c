/* math.c - the verifier of mathematical answers. See rloop-verify(7). */
#include "answer/judge.h"
#include "base/json.h"
#include "math/compare.h"
#include "math/extract.h"
#include "answer/text.h"

#include <string.h>

enum { MAX_PLACES = 15 };

/* meta.precision; -1 without it */
static int places(const struct verify_item *it)
{
	int64_t v;

	return mp_i64(mp_get(it->meta, "precision"), &v) && v >= 0 && v <= MAX_PLACES ? (int)v : -1;
}

static bool right(struct span answer, struct span got, int n, struct verdict *out)
{
	struct buf b = {0};
	bool yes;

	extract_right(answer, &b);
	yes = compare_answers((struct span){b.p, b.n}, got, n, &out->why);
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
	struct buf b = {0};
	json_t *all, *v;
	size_t i;
	int st = judge_item_answer(it, why), n = places(it);

	if (st)
		return st;
	if (!text_trim(it->answer).n)
		return fail(why, ST_INPUT, "task %.*s: math: the answer is empty",
			    TEXT_ARG(it->task));
	all = alternatives(it->answer);
	if (!extract_answer(it->response, &b)) {
		out->why = "no answer found";
	} else if (all) {
		json_array_foreach(all, i, v)
		{
			struct span one = {json_string_value(v), json_string_length(v)};

			if (right(one, (struct span){b.p, b.n}, n, out)) {
				out->reward = 1;
				break;
			}
		}
	} else {
		out->reward = right(it->answer, (struct span){b.p, b.n}, n, out);
	}
	text_extract(out, (struct span){b.p, b.n});
	json_decref(all);
	buf_free(&b);
	return 0;
}
