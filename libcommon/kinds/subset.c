/*
 * subset.c - choose some of the numbers so that their sum is the target.
 *
 * Prompt "3 7 12 18 20=22:", solution "12+3+7" in any order.
 */
#include "kinds/goal.h"

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

/* All of p but a solution */
static void put_problem(struct problem *p, const struct goal *g, bool words)
{
	goal_put(p, g);
	if (words) {
		buf_str(&p->prompt, "Choose some of the numbers ");
		gen_put_numbers(&p->prompt, g->v, g->n, ", ", " and ");
		buf_printf(&p->prompt, " whose sum is %lld, and write them with + between them.%s",
			   (long long)g->target, gen_ask);
	} else {
		gen_put_numbers(&p->prompt, g->v, g->n, " ", NULL);
		buf_printf(&p->prompt, "=%lld:", (long long)g->target);
	}
}

static bool draw_subset(struct problem *p, struct gen_draw *d, const struct gen_part *part,
			bool words)
{
	int64_t chosen[GEN_NUMBERS];
	struct goal g = {.target = 0};
	size_t k;

	if (!gen_numbers(d, part, g.v, &g.n) || g.n < 3)
		return false;
	for (size_t i = 0; i < g.n; i++)
		chosen[i] = g.v[i];
	k = (size_t)gen_range(d, 2, (int64_t)g.n - 1);
	choose(d, chosen, g.n, k);
	for (size_t i = 0; i < k; i++)
		g.target += chosen[i];
	if (g.target < part->min_target || (part->max_target && g.target > part->max_target))
		return false;
	gen_put_numbers(&p->solution, chosen, k, "+", NULL);
	put_problem(p, &g, words);
	return true;
}

static bool subset_of(struct problem *p, struct span key, bool words)
{
	struct goal g;

	if (!goal_read(&g, key))
		return false;
	put_problem(p, &g, words);
	return true;
}

/* Two numbers at least and not all of them, as in the problems that are drawn */
static bool solves_subset(const struct verify_item *it, struct buf *key)
{
	struct goal g;
	struct expr e;

	if (!goal_solved(it, false, &g, &e) || !e.only_sum || e.n_used < 2 || e.n_used == g.n)
		return false;
	goal_put_key(key, &g);
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
	.key = goal_key,
	.problem = subset_of,
	.solves = solves_subset,
};
