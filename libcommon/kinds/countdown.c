/*
 * countdown.c - reach a target with given numbers, each used once.
 *
 * Problem: two random items are combined by a random operator until one is left: its value is the
 * target. Values on the way stay whole, positive and at most half as large again as the largest
 * target. Prompt "3 4 7 9=24:", solution "(9-7)*3*4" with no parenthesis too many.
 */
#include "kinds/goal.h"

struct item {
	int64_t v;
	char op; /* 0: a number */
	int left, right;
};

/* Numbers 3, products 2, sums 1: an item is put in parentheses below the rank that its place asks
 * for. */
static int rank(const struct item *t)
{
	return !t->op ? 3 : t->op == '*' || t->op == '/' ? 2 : 1;
}

static void put_operand(struct buf *b, const struct item *all, int at, int least)
{
	const struct item *t = &all[at];
	bool paren = rank(t) < least;

	if (!t->op) {
		gen_put_int(b, t->v);
		return;
	}
	if (paren)
		buf_char(b, '(');
	put_operand(b, all, t->left, rank(t));
	buf_char(b, t->op);
	put_operand(b, all, t->right, rank(t) + (t->op == '-' || t->op == '/'));
	if (paren)
		buf_char(b, ')');
}

static bool combine(struct item *out, const struct item *a, const struct item *b, int64_t limit)
{
	switch (out->op) {
	case '+':
		out->v = a->v + b->v;
		break;
	case '-':
		out->v = a->v - b->v;
		break;
	case '*':
		out->v = a->v * b->v;
		break;
	default:
		if (a->v % b->v)
			return false;
		out->v = a->v / b->v;
	}
	return out->v > 0 && out->v <= limit;
}

/* Takes a random element out of open[0..*n). */
static int take_open(struct gen_draw *d, int *open, size_t *n)
{
	size_t i = (size_t)gen_below(d, (int64_t)*n);
	int at = open[i];

	open[i] = open[--*n];
	return at;
}

/* Builds a tree over the n numbers at the front of all; returns its root, or -1. */
static int grow(struct gen_draw *d, struct item *all, size_t n, int64_t limit)
{
	int open[GEN_NUMBERS], at = (int)n;
	size_t n_open = n;

	for (size_t i = 0; i < n; i++)
		open[i] = (int)i;
	for (; n_open > 1; at++) {
		struct item *t = &all[at];

		t->left = take_open(d, open, &n_open);
		t->right = take_open(d, open, &n_open);
		t->op = "+-*/"[gen_below(d, 4)];
		if (!combine(t, &all[t->left], &all[t->right], limit))
			return -1;
		open[n_open++] = at;
	}
	return open[0];
}

static void put_words(struct buf *b, const struct goal *g)
{
	buf_str(b, "Write an expression with the value ");
	buf_printf(b, "%lld from the numbers ", (long long)g->target);
	gen_put_numbers(b, g->v, g->n, ", ", " and ");
	buf_str(b, ", each used exactly once, with + - * / and parentheses.");
	buf_str(b, gen_ask);
}

/* All of p but a solution */
static void put_problem(struct problem *p, const struct goal *g, bool words)
{
	goal_put(p, g);
	if (words) {
		put_words(&p->prompt, g);
	} else {
		gen_put_numbers(&p->prompt, g->v, g->n, " ", NULL);
		buf_printf(&p->prompt, "=%lld:", (long long)g->target);
	}
}

static bool draw_countdown(struct problem *p, struct gen_draw *d, const struct gen_part *part,
			   bool words)
{
	struct item all[2 * GEN_NUMBERS] = {0};
	struct goal g;
	int root;

	if (!gen_numbers(d, part, g.v, &g.n))
		return false;
	for (size_t i = 0; i < g.n; i++)
		all[i].v = g.v[i];
	root = grow(d, all, g.n, (int64_t)part->max_target + part->max_target / 2 + 2);
	if (root < 0 || all[root].v < part->min_target || all[root].v > part->max_target)
		return false;
	g.target = all[root].v;
	put_operand(&p->solution, all, root, 0);
	put_problem(p, &g, words);
	return true;
}

static bool countdown_of(struct problem *p, struct span key, bool words)
{
	struct goal g;

	if (!goal_read(&g, key))
		return false;
	put_problem(p, &g, words);
	return true;
}

static bool solves_countdown(const struct verify_item *it, struct buf *key)
{
	struct goal g;
	struct expr e;

	if (!goal_solved(it, true, &g, &e))
		return false;
	goal_put_key(key, &g);
	return true;
}

static int judge_countdown(const struct verify_item *it, struct verdict *out, struct reason *why)
{
	return judge_target(it, true, false, out, why);
}

const struct kind kind_countdown = {
	.name = "countdown",
	.purpose = "an expression that reaches the target, every number used once",
	.part =
		{
			[SPLIT_TRAIN] = {{100, 4, 4, 9, 0, 10, 99}},
			[SPLIT_VALID] = {{100, 4, 4, 9, 0, 10, 99}},
			[SPLIT_TEST] = {{100, 4, 4, 9, 0, 10, 99}},
			[SPLIT_OOD] = {{50, 4, 4, 15, 2, 10, 99}, {50, 5, 5, 9, 0, 10, 99}},
			[SPLIT_PRETRAIN] = {{20, 3, 3, 9, 0, 10, 99},
					    {50, 4, 4, 9, 0, 10, 99},
					    {15, 4, 4, 15, 2, 10, 99},
					    {15, 5, 5, 9, 0, 10, 99}},
		},
	.draw = draw_countdown,
	.judge = judge_countdown,
	.key = goal_key,
	.problem = countdown_of,
	.solves = solves_countdown,
};
