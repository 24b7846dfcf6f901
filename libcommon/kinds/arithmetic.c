/*
 * arithmetic.c - the value of an expression: one right answer; a check that learning works at all.
 *
 * Prompt "17+5*3=", solution "32". The response may show its work: what follows the last "=" is
 * the answer.
 */
#include "answer/expr.h"
#include "kinds/gen.h"
#include "answer/text.h"

#include "base/num.h"

#include <string.h>

static bool draw_arithmetic(struct problem *p, struct gen_draw *d, const struct gen_part *part,
			    bool words)
{
	int64_t n = gen_range(d, part->min_numbers, part->max_numbers);
	struct expr e;

	for (int64_t i = 0; i < n; i++) {
		if (i)
			buf_char(&p->key, "+-*"[gen_below(d, 3)]);
		gen_put_int(&p->key, gen_range(d, 1, part->max_value));
	}
	if (!expr_eval((struct span){p->key.p, p->key.n}, &e) ||
	    (part->min_target && e.value.num < part->min_target) ||
	    (part->max_target && e.value.num > part->max_target))
		return false;
	gen_put_int(&p->answer, e.value.num);
	buf_add(&p->solution, p->answer.p, p->answer.n);
	if (words)
		buf_printf(&p->prompt, "What is the value of %s?%s", buf_cstr(&p->key), gen_ask);
	else
		buf_printf(&p->prompt, "%s=", buf_cstr(&p->key));
	return true;
}

static bool read_int(struct span s, int64_t *v)
{
	char text[24];

	if (s.n >= sizeof text)
		return false;
	if (s.n)
		memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	return strlen(text) == s.n && num_i64(text, INT64_MIN, INT64_MAX, v);
}

static int judge_arithmetic(const struct verify_item *it, struct verdict *out, struct reason *why)
{
	struct span s = text_final(it->response);
	const char *equals = s.n ? memrchr(s.p, '=', s.n) : NULL;
	int64_t want, got;
	int st = judge_item_target(it, &want, why);

	if (st)
		return st;
	if (equals)
		s = text_trim((struct span){equals + 1, (size_t)(s.p + s.n - equals - 1)});
	text_extract(out, s);
	out->reward = read_int(s, &got) && got == want;
	return 0;
}

const struct kind kind_arithmetic = {
	.name = "arithmetic",
	.purpose = "the value of an expression with + - *",
	.part =
		{
			[SPLIT_TRAIN] = {{100, 2, 3, 20, 0, 0, 0}},
			[SPLIT_VALID] = {{100, 2, 3, 20, 0, 0, 0}},
			[SPLIT_TEST] = {{100, 2, 3, 20, 0, 0, 0}},
			[SPLIT_OOD] = {{50, 4, 4, 20, 0, 0, 0}, {50, 2, 2, 99, 0, 0, 0}},
			[SPLIT_PRETRAIN] = {{100, 2, 3, 20, 0, 0, 0}},
		},
	.draw = draw_arithmetic,
	.judge = judge_arithmetic,
};
