/* many.c - comparison of answers that are several values. See mathjudge.h. */
#include "math/mathjudge.h"
#include "math/relation.h"

enum { MAX_ITEMS = 64 };

static const struct mnode *node(const struct mjudge *j, int x)
{
	return &j->a->v[x];
}

enum shape {
	ONE,
	LIST,  /* any order, as often as they stand there */
	SET,   /* any order, once each */
	TUPLE, /* in order */
	NAMED, /* x = 1, y = 2 */
	OTHER
};

struct view {
	enum shape shape;
	int n;
	struct mitem v[MAX_ITEMS];
	int name[MAX_ITEMS]; /* of NAMED */
};

static bool view_put(struct view *w, struct mitem x, int name)
{
	if (w->n == MAX_ITEMS)
		return false;
	w->v[w->n] = x;
	w->name[w->n++] = name;
	return true;
}

/* With both signs where \pm is in it and nobody has said which */
static bool view_put_all(const struct mjudge *j, struct view *w, struct mitem x, int name)
{
	if (x.sign || !(node(j, x.node)->flags & MX_PM))
		return view_put(w, x, name);
	return view_put(w, (struct mitem){x.node, 1}, name) &&
	       view_put(w, (struct mitem){x.node, -1}, name);
}

/* x_1 without the 1: the different roots of an equation */
static int bare_name(const struct mjudge *j, int name)
{
	const struct mnode *n = node(j, name);

	return n->kind == MK_CALL && span_is(n->text, "_") && node(j, n->last)->kind == MK_NUM
		       ? n->first
		       : name;
}

/* A list, with the names that its members have: "x = 1, y = 2", "x = 1, x = 2", "x = 1, 2" */
static bool view_list(struct mjudge *j, struct mitem x, bool response, struct view *w)
{
	int names = 0, kinds = 0, first = 0;

	w->shape = LIST;
	for (int k = node(j, x.node)->first; k; k = node(j, k)->next) {
		int name = 0, v = mr_is_relation(j, k) ? mr_value(j, k, response, &name) : 0;

		if (v && name) {
			struct mitem now = {bare_name(j, name), 0};

			kinds += !names || !mv_same(j, (struct mitem){first, 0}, now);
			first = first ? first : now.node;
			names++;
		}
		if (!view_put_all(j, w, (struct mitem){v ? v : k, x.sign}, v ? name : 0))
			return false;
	}
	if (names == node(j, x.node)->n && kinds > 1)
		w->shape = NAMED;
	else if (kinds > 1)
		w->shape = OTHER;
	return true;
}

static bool view_kids(const struct mjudge *j, struct mitem x, struct view *w)
{
	for (int k = node(j, x.node)->first; k; k = node(j, k)->next)
		if (!(w->shape == TUPLE ? view_put(w, (struct mitem){k, x.sign}, 0)
					: view_put_all(j, w, (struct mitem){k, x.sign}, 0)))
			return false;
	return true;
}

static bool view(struct mjudge *j, struct mitem x, bool response, struct view *w)
{
	const struct mnode *n = node(j, x.node);

	w->n = 0;
	if (n->kind == MK_LIST)
		return view_list(j, x, response, w);
	w->shape = n->kind == MK_TUPLE ? TUPLE : n->kind == MK_SET ? SET : ONE;
	/* (1, \pm 2): two tuples */
	if (w->shape == TUPLE && !x.sign && n->flags & MX_PM) {
		w->shape = LIST;
		return view_put_all(j, w, x, 0);
	}
	if (w->shape != ONE)
		return view_kids(j, x, w);
	if (!view_put_all(j, w, x, 0))
		return false;
	w->shape = w->n > 1 ? LIST : ONE;
	return true;
}

/* With the names x, y and z in this order: as coordinates are given without names */
static void by_axis(const struct mjudge *j, struct view *w)
{
	struct view sorted = {.shape = NAMED};

	if (w->shape != NAMED)
		return;
	for (char c = 'x'; c <= 'z'; c++)
		for (int i = 0; i < w->n; i++)
			if (span_eq(node(j, w->name[i])->text, (struct span){&c, 1}))
				view_put(&sorted, w->v[i], w->name[i]);
	if (sorted.n == w->n)
		*w = sorted;
}

static bool in_order(struct mjudge *j, const struct view *a, const struct view *b)
{
	for (int i = 0; i < a->n; i++)
		if (!mj_same(j, a->v[i], b->v[i]))
			return false;
	return true;
}

/* Each of a has one of b to itself. */
static bool in_any_order(struct mjudge *j, const struct view *a, const struct view *b)
{
	bool used[MAX_ITEMS] = {false};

	for (int i = 0; i < a->n; i++) {
		int k = 0;

		while (k < b->n && (used[k] || !mj_same(j, a->v[i], b->v[k])))
			k++;
		if (k == b->n)
			return false;
		used[k] = true;
	}
	return true;
}

static bool by_name(struct mjudge *j, const struct view *a, const struct view *b)
{
	for (int i = 0; i < a->n; i++) {
		int k = 0;

		while (k < b->n &&
		       !mv_same(j, (struct mitem){a->name[i], 1}, (struct mitem){b->name[k], 1}))
			k++;
		if (k == b->n || !mj_same(j, a->v[i], b->v[k]))
			return false;
	}
	return true;
}

static void once_each(struct mjudge *j, struct view *w)
{
	int n = 0;

	for (int i = 0; i < w->n; i++) {
		int k = 0;

		while (k < n && !mj_same(j, w->v[k], w->v[i]))
			k++;
		if (k == n)
			w->v[n++] = w->v[i];
	}
	w->n = n;
}

/* Members of a set count once; so do those of a list that is the response, unless the right answer
 * repeats some. */
static void distinct(struct mjudge *j, struct view *a, struct view *b)
{
	int n = a->n;

	if (a->shape == SET) {
		once_each(j, a);
	} else if (a->shape == LIST && b->shape == LIST && b->n > n) {
		once_each(j, a);
		if (a->n == n)
			once_each(j, b);
		a->n = n;
	}
	if (b->shape == SET || (a->shape == ONE && b->shape == LIST))
		once_each(j, b);
}

static bool same_shape(struct mjudge *j, struct view *a, struct view *b)
{
	bool unordered =
		(a->shape == LIST || a->shape == SET) && (b->shape == LIST || b->shape == SET);
	bool single =
		(a->shape == ONE && b->shape != TUPLE) || (a->shape == SET && b->shape == ONE);
	bool ordered = (a->shape == TUPLE && b->shape == TUPLE) ||
		       (a->shape == NAMED && (b->shape == TUPLE || b->shape == LIST)) ||
		       (b->shape == NAMED && (a->shape == TUPLE || a->shape == LIST));

	distinct(j, a, b);
	if (a->n != b->n)
		return mj_because(j, false, "another number of values");
	if (a->shape == NAMED && b->shape == NAMED)
		return by_name(j, a, b);
	by_axis(j, a);
	by_axis(j, b);
	if (ordered)
		return in_order(j, a, b) || mj_because(j, false, "other values, or another order");
	if (unordered || single)
		return in_any_order(j, a, b) || mj_because(j, false, "other values");
	return mj_because(j, false, "an answer of another kind");
}

/* Inequalities, joined by "and" here and by "or" there */
static bool joined_otherwise(const struct mjudge *j, int a, int b)
{
	const struct mnode *x = node(j, a), *y = node(j, b);
	enum mrel r = node(j, node(j, x->first)->last)->rel;

	return x->kind == MK_LIST && y->kind == MK_LIST && mr_is_relation(j, x->first) &&
	       r >= MR_LT && r <= MR_GE &&
	       ((x->op == 'a' && y->op == 'o') || (x->op == 'o' && y->op == 'a'));
}

bool mj_same_values(struct mjudge *j, struct mitem a, struct mitem b)
{
	struct view x, y;

	if (joined_otherwise(j, a.node, b.node))
		return mj_because(j, false, "inequalities that are joined otherwise");
	if (!view(j, a, false, &x) || !view(j, b, true, &y))
		return mj_because(j, false, "too many values");
	if (x.shape == ONE && y.shape == ONE)
		return mv_same(j, x.v[0], y.v[0]);
	return same_shape(j, &x, &y);
}
