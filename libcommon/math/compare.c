/*
 * compare.c - comparison of answers by what they are: values, lists, sets, tuples, relations,
 * matrices. See compare.h.
 */
#include "math/compare.h"
#include "base/mem.h"
#include "math/fold.h"
#include "math/mathjudge.h"
#include "math/matrix.h"
#include "math/parse.h"
#include "math/relation.h"
#include "math/interval.h"
#include "math/env.h"
#include "math/phrase.h"
#include "math/unit.h"

#include <stdlib.h>

enum { MAX_NESTING = 8 };

static const struct mnode *node(const struct mjudge *j, int x)
{
	return &j->a->v[x];
}

/* ---- ratios ---- */

/* 6:20 could be a time of day: its hour and minute */
static bool like_time(struct mjudge *j, int ratio, int64_t *hour, int64_t *minute)
{
	const struct mnode *a = node(j, node(j, ratio)->first);
	struct mitem last = mu_bare(j, (struct mitem){node(j, ratio)->last, 0}); /* 6:20 p.m. */
	const struct mnode *b = node(j, last.node);

	*hour = a->num.whole;
	*minute = b->num.whole;
	return node(j, ratio)->n == 2 && a->kind == MK_NUM && b->kind == MK_NUM && a->text.n <= 2 &&
	       b->text.n == 2;
}

static int cross(struct mjudge *j, int x, int y)
{
	return mn_two(j->a, MK_MUL, mn_again(j->a, x), mn_again(j->a, y));
}

static bool same_ratio(struct mjudge *j, struct mitem a, struct mitem b)
{
	int x = node(j, a.node)->first, y = node(j, b.node)->first, x0 = x, y0 = y;
	int64_t hour, minute;
	bool scaled =
		!like_time(j, a.node, &hour, &minute) && !like_time(j, b.node, &hour, &minute);

	if (node(j, a.node)->n != node(j, b.node)->n)
		return mj_because(j, false, "a ratio of another length");
	for (; x; x = node(j, x)->next, y = node(j, y)->next)
		if (!mv_same(j, (struct mitem){scaled ? cross(j, x, y0) : x, a.sign},
			     (struct mitem){scaled ? cross(j, y, x0) : y, b.sign}))
			return mj_because(j, false, "another ratio");
	return mj_because(j, true, "the same ratio");
}

/* 3:30, which is a time of day: as a ratio it would be in lowest terms. */
static bool is_time(struct mjudge *j, int ratio)
{
	int64_t a, b;

	if (!like_time(j, ratio, &a, &b) || a >= 24 || b >= 60)
		return false;
	while (b) {
		int64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a != 1;
}

/* a:b against c */
static bool same_quotient(struct mjudge *j, struct mitem ratio, struct mitem x)
{
	if (node(j, ratio.node)->n != 2)
		return mj_because(j, false, "a ratio against a value");
	if (is_time(j, ratio.node))
		return mj_because(j, false, "a time of day and none");
	ratio.node = mn_two(j->a, MK_DIV, mn_again(j->a, node(j, ratio.node)->first),
			    mn_again(j->a, node(j, ratio.node)->last));
	return mv_same(j, ratio, x);
}

/* ---- matrices ---- */

static bool same_matrix(struct mjudge *j, struct mitem a, struct mitem b)
{
	struct mmatrix m, n;
	bool is_a = mm_get(j, a.node, &m), is_b = mm_get(j, b.node, &n);

	if (!is_a && is_b)
		is_a = mm_tuple(j, a.node, n.rows == 1, &m);
	else if (is_a && !is_b)
		is_b = mm_tuple(j, b.node, m.rows == 1, &n);
	if (!is_a || !is_b)
		return mj_because(j, false, "a matrix against something else");
	return mm_same(j, &m, &n, a.sign, b.sign);
}

/* ---- all together ---- */

static bool same_names(struct mjudge *j, int a, int b)
{
	return !a || !b || node(j, a)->kind == MK_TEXT || node(j, b)->kind == MK_TEXT ||
	       mj_same(j, (struct mitem){a, 1}, (struct mitem){b, 1});
}

static bool against_relations(struct mjudge *j, struct mitem a, struct mitem b)
{
	bool is_a = mr_is_relation(j, a.node), is_b = mr_is_relation(j, b.node);
	int name_a = 0, name_b = 0, va = is_a ? mr_value(j, a.node, false, &name_a) : a.node,
	    vb = is_b ? mr_value(j, b.node, true, &name_b) : b.node;
	struct pieces p, q;

	if (va && vb && same_names(j, name_a, name_b) &&
	    mj_same(j, (struct mitem){va, a.sign}, (struct mitem){vb, b.sign}))
		return true;
	if (va && is_b && (vb = mr_rounded(j, b.node)) != 0 && same_names(j, name_a, name_b) &&
	    mj_same(j, (struct mitem){va, a.sign}, (struct mitem){vb, b.sign}))
		return true;
	if (is_a && is_b && !va && vb) /* -2 < x < 7, x \in (-2, 7) */
		b.node = vb;
	else if (is_b)
		return is_a ? mr_same(j, a, b)
			    : mj_because(j, false, "an equation or inequality instead of a value");
	if (va)
		return mj_because(j, false, j->why);
	if (ms_pieces(j, a, &p) && ms_pieces(j, b, &q))
		return ms_same(j, &p, &q);
	return mj_because(j, false, "a value instead of an equation or inequality");
}

static bool holds_relations(const struct mjudge *j, int x)
{
	return node(j, x)->kind == MK_LIST && mr_is_relation(j, node(j, x)->first);
}

static bool against_sets(struct mjudge *j, struct mitem a, struct mitem b)
{
	struct pieces p, q;

	if (holds_relations(j, b.node))
		return mj_because(j, false, "inequalities instead of a set");
	if (!ms_pieces(j, a, &p) || !ms_pieces(j, b, &q))
		return mj_because(j, false, "a set against something else");
	return ms_same(j, &p, &q);
}

/* a, b without units */
static bool same_bare(struct mjudge *j, struct mitem a, struct mitem b)
{
	enum mkind ka = (enum mkind)node(j, a.node)->kind, kb = (enum mkind)node(j, b.node)->kind;

	if (!a.node || !b.node)
		return mj_because(j, false, "too large to compare");
	if (mr_is_relation(j, a.node) || mr_is_relation(j, b.node))
		return against_relations(j, a, b);
	if ((node(j, a.node)->flags | node(j, b.node)->flags) & MX_MATRIX && ka != MK_LIST &&
	    kb != MK_LIST && ka != MK_SET && kb != MK_SET)
		return same_matrix(j, a, b);
	if (ms_is_set(j, a.node) || ms_is_set(j, b.node))
		return against_sets(j, a, b);
	if (ka == MK_TEXT && kb == MK_TEXT)
		return mj_because(j, mt_same(node(j, a.node)->text, node(j, b.node)->text),
				  "words");
	if (ka == MK_NUMBERS || kb == MK_NUMBERS)
		return mj_because(j, ka == kb && node(j, a.node)->op == node(j, b.node)->op,
				  "sets of numbers");
	if (ka == MK_RATIO || kb == MK_RATIO)
		return ka == kb         ? same_ratio(j, a, b)
		       : ka == MK_RATIO ? same_quotient(j, a, b)
					: same_quotient(j, b, a);
	return mj_same_values(j, a, b);
}

bool mj_same(struct mjudge *j, struct mitem a, struct mitem b)
{
	struct mitem x = mu_bare(j, a), y = mu_bare(j, b);
	bool yes;

	if (!mu_agree(j, a.node, b.node))
		return mj_because(j, false, "another unit");
	if (++j->depth > MAX_NESTING)
		return mj_because(j, false, "nested too deep");
	yes = same_bare(j, x, y);
	if (!yes && (node(j, a.node)->kind == MK_DEG) != (node(j, b.node)->kind == MK_DEG) &&
	    mv_same(j, a, b))
		yes = true; /* 30° and \pi/6 */
	j->depth--;
	return yes;
}

/* An inequality where a list of them could be meant: -2 < x < 7, x > -2 and x < 7 */
static bool same_relations(struct mjudge *j, struct mitem a, struct mitem b)
{
	struct pieces p, q;

	if (mr_is_relation(j, a.node) == mr_is_relation(j, b.node))
		return false;
	if (mr_same(j, a, b))
		return true;
	return node(j, a.node)->kind == MK_LIST && ms_is_set(j, b.node) && ms_pieces(j, a, &p) &&
	       ms_pieces(j, b, &q) && ms_same(j, &p, &q);
}

/* "..., k \in \mathbb{Z}": without the condition, else 0 */
static int unconditional(struct mjudge *j, int x)
{
	const struct mnode *n = node(j, x), *condition = node(j, n->last);
	int bare_list = mn_new(j->a, MK_LIST), kid = n->first;

	if (n->kind != MK_LIST || condition->kind != MK_REL ||
	    node(j, condition->last)->rel != MR_IN || node(j, condition->last)->kind != MK_NUMBERS)
		return 0;
	for (int i = 1; i < n->n; i++, kid = node(j, kid)->next)
		bare_list = mn_add(j->a, bare_list, mn_again(j->a, kid));
	return bare_list;
}

static bool same_trees(struct mjudge *j, int right, int got)
{
	int x = unconditional(j, right), y = unconditional(j, got);
	struct mitem a = {x && !y ? x : right, 0}, b = {y && !x ? y : got, 0};

	const char *why;

	if (mj_same(j, a, b))
		return true;
	why = j->why;
	return same_relations(j, a, b) || mj_because(j, false, why);
}

/* Once, with commas between digits read so */
static bool same_as_read(struct mjudge *j, struct span right, enum math_comma how_right,
			 struct span got, enum math_comma how_got)
{
	int x, y;

	mn_init(j->a);
	j->depth = 0;
	j->why = "the same values";
	x = math_parse(j->a, right, how_right);
	y = math_parse(j->a, got, how_got);
	if (!x)
		return mj_because(j, false, "the right answer is no expression that is understood");
	if (!y)
		return mj_because(j, false, "no expression that is understood");
	return same_trees(j, x, y) && !j->a->full;
}

static bool same_folded(struct span right, struct span got, int places, const char **why)
{
	struct mjudge j = {.steps = ME_STEPS, .places = places};
	const char *first = NULL;
	bool yes = false;
	int n = mt_comma_readings(right), m = mt_comma_readings(got);

	*why = got.n && right.n ? "the same text" : "no answer";
	if (!got.n || !right.n)
		return false;
	if (mt_same(right, got))
		return true;
	if (mt_phrase(right)) {
		*why = "other words";
		return false;
	}
	j.a = xmalloc(sizeof *j.a);
	for (int i = 0; i < n * m && !yes; i++) {
		yes = same_as_read(&j, right, (enum math_comma)(i / m), got,
				   (enum math_comma)(i % m));
		first = first ? first : j.why;
	}
	*why = yes ? j.why : first;
	free(j.a);
	return yes;
}

bool math_same(struct span right, struct span got, int places, const char **why)
{
	struct buf a = {0}, b = {0};
	bool yes;

	math_fold(right, &a);
	math_fold(got, &b);
	yes = same_folded((struct span){a.p, a.n}, (struct span){b.p, b.n}, places, why);
	buf_free(&a);
	buf_free(&b);
	return yes;
}
