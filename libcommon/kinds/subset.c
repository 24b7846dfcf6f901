/*
 * subset.c - choose some of the numbers so that their sum is the target.
 *
 * Prompt "3 7 12 18 20=22:", solution "12+3+7" in any order.
 */
#include "kinds/gen.h"

/* Moves k random elements of v[0..n) to the front, in random order. */
static void choose(struct gen_draw *d, int64_t *v, size_t n, size_t k)
{
	for (size_t i = 0; i < k; i++) {
		size_t j = i + (size_t)gen_below(d, (int64_t)(n - i));
		int64_t t = v[i];

		v[i] = v[j];
		v[j] = t;
	}
}

static bool draw_subset(struct problem *p, struct gen_draw *d, const struct gen_part *part,
			bool words)
{
	int64_t v[GEN_NUMBERS], chosen[GEN_NUMBERS], target = 0;
	size_t n, k;

	if (!gen_numbers(d, part, v, &n) || n < 3)
		return false;
	for (size_t i = 0; i < n; i++)
		chosen[i] = v[i];
	k = (size_t)gen_range(d, 2, (int64_t)n - 1);
	choose(d, chosen, n, k);
	for (size_t i = 0; i < k; i++)
		target += chosen[i];
	if (target < part->min_target || (part->max_target && target > part->max_target))
		return false;
	gen_put_target(p, v, n, target);
	gen_put_numbers(&p->solution, chosen, k, "+", NULL);
	if (words) {
		buf_str(&p->prompt, "Choose some of the numbers ");
		gen_put_numbers(&p->prompt, v, n, ", ", " and ");
		buf_printf(&p->prompt, " whose sum is %lld, and write them with + between them.%s",
			   (long long)target, gen_ask);
	} else {
		gen_put_numbers(&p->prompt, v, n, " ", NULL);
		buf_printf(&p->prompt, "=%lld:", (long long)target);
	}
	return true;
}

static int judge_subset(const struct verify_item *it, struct verdict *out, struct reason *why)
{
	return judge_target(it, false, true, out, why);
}

const struct kind kind_subset = {
	.name = "subset",
	.purpose = "some of the numbers, with the target as their sum",
	.part =
		{
			[SPLIT_TRAIN] = {{100, 5, 6, 20, 0, 0, 0}},
			[SPLIT_VALID] = {{100, 5, 6, 20, 0, 0, 0}},
			[SPLIT_TEST] = {{100, 5, 6, 20, 0, 0, 0}},
			[SPLIT_OOD] = {{50, 8, 8, 20, 0, 0, 0}, {50, 6, 6, 40, 3, 0, 0}},
			[SPLIT_PRETRAIN] = {{40, 3, 4, 20, 0, 0, 0},
					    {40, 5, 6, 20, 0, 0, 0},
					    {10, 8, 8, 20, 0, 0, 0},
					    {10, 6, 6, 40, 3, 0, 0}},
		},
	.draw = draw_subset,
	.judge = judge_subset,
};
