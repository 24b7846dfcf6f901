/* taskgame.c - numbers and a target. See taskgame.h. */
#include "task/taskgame.h"
#include "base/num.h"

#include <stdlib.h>
#include <string.h>

/* 98, 98.0 or "98" */
static bool whole(const json_t *v, int64_t *to)
{
	double x = json_number_value(v);

	if (json_is_string(v))
		return num_i64(json_string_value(v), INT64_MIN, INT64_MAX, to);
	if (!json_is_number(v) || x < -9e15 || x > 9e15 || x != (double)(int64_t)x)
		return false;
	*to = (int64_t)x;
	return true;
}

static const json_t *numbers_of(const json_t *o)
{
	static const char *const names[] = {"nums", "numbers"};
	const json_t *list = NULL, *v;
	int64_t x;
	size_t i;

	for (i = 0; i < 2 && !json_array_size(list); i++)
		list = json_object_get(o, names[i]);
	json_array_foreach(list, i, v)
	{
		if (json_is_string(v) || !whole(v, &x))
			return NULL;
	}
	return json_array_size(list) ? list : NULL;
}

static bool game_in(struct row *r, const json_t *o, int64_t *target)
{
	const json_t *list = numbers_of(o);

	if (!list || !whole(json_object_get(o, "target"), target))
		return false;
	r->numbers = list;
	return true;
}

static bool names_it(const json_t *o)
{
	static const char *const keys[] = {"data_source", "source_dataset", "dataset",
					   "source",      "verifier",       "task"};

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		const char *s = json_string_value(json_object_get(o, keys[i]));

		if (s && strcasestr(s, "countdown"))
			return true;
	}
	return false;
}

/* No answer, or one that is an expression of such a game */
static bool fits(const json_t *answer)
{
	const char *s = json_string_value(answer);

	return !answer || json_is_null(answer) || (s && s[strspn(s, "0123456789+-*/()= ")] == '\0');
}

bool taskgame_find(struct row *r, int64_t *target)
{
	const json_t *truth = json_object_get(r->j, "ground_truth");
	const json_t *verl = json_object_get(json_object_get(r->j, "reward_model"), "ground_truth");
	const json_t *meta = json_object_get(r->j, "metadata");
	const char *by = row_str(r, "verifier");

	if (by && strcmp(by, "countdown") != 0)
		return false;
	if (game_in(r, truth, target) || game_in(r, verl, target))
		return true;
	if ((names_it(meta) || names_it(r->j)) && game_in(r, meta, target))
		return true;
	return (names_it(r->j) || fits(json_object_get(r->j, "answer"))) &&
	       game_in(r, r->j, target);
}

char *taskgame_prompt(const json_t *numbers, int64_t target)
{
	struct buf b = {0};
	const json_t *v;
	size_t i;

	buf_str(&b, "Reach ");
	buf_printf(&b, "%lld with the numbers ", (long long)target);
	json_array_foreach(numbers, i, v)
	{
		int64_t x = 0;

		whole(v, &x);
		buf_printf(&b, "%s%lld", i ? ", " : "", (long long)x);
	}
	buf_str(&b, ", each used once, by +, -, *, / and parentheses. End with a line "
		    "\"Answer: \" and the expression.");
	buf_cstr(&b);
	return b.p;
}
