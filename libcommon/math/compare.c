/*
 * compare.c - comparison of answers by what they are: values, lists, sets, tuples, relations,
 * matrices. See compare.h.
 */
#include "math/compare.h"
#include "math/matrix.h"
#include "math/relation.h"
#include "math/interval.h"
#include "math/env.h"
#include "math/phrase.h"
#include "math/unit.h"
#include "math/words.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { MAX_NESTING = 8, MAX_ITEMS = 64 };

/* Is b, of the response, the same as a? Of any kind both. */
static bool compare_same(struct judgement *j, struct value a, struct value b);

/* ---- ratios ---- */

/* 6:20 could be a time of day: its hour and minute */
static bool like_time(struct judgement *j, int ratio, int64_t *hour, int64_t *minute)
{
	const struct node *a = value_node(j, value_node(j, ratio)->first);
	struct value last =
		unit_bare(j, (struct value){value_node(j, ratio)->last, 0}); /* 6:20 p.m. */
	const struct node *b = value_node(j, last.node);

	*hour = a->num.whole;
	*minute = b->num.whole;
	return value_node(j, ratio)->n == 2 && a->kind == NODE_NUM && b->kind == NODE_NUM &&
	       a->text.n <= 2 && b->text.n == 2;
}

static int cross(struct judgement *j, int x, int y)
{
	return node_two(j->a, NODE_MUL, node_again(j->a, x), node_again(j->a, y));
}

static bool same_ratio(struct judgement *j, struct value a, struct value b)
{
	int x = value_node(j, a.node)->first, y = value_node(j, b.node)->first, x0 = x, y0 = y;
	int64_t hour, minute;
	bool scaled =
		!like_time(j, a.node, &hour, &minute) && !like_time(j, b.node, &hour, &minute);

	if (value_node(j, a.node)->n != value_node(j, b.node)->n)
		return value_because(j, false, "a ratio of another length");
	if (!unit_agree(j, value_node(j, a.node)->last, value_node(j, b.node)->last))
		return value_because(j, false, "another unit");
	for (; x; x = value_node(j, x)->next, y = value_node(j, y)->next)
		if (!value_same(j, (struct value){scaled ? cross(j, x, y0) : x, a.sign},
				(struct value){scaled ? cross(j, y, x0) : y, b.sign}))
			return value_because(j, false, "another ratio");
	return value_because(j, true, "the same ratio");
}

/* a.m. or p.m. behind a value */
static bool of_day(const struct judgement *j, int x)
{
	const struct node *n = value_node(j, value_node(j, x)->last);

	return value_node(j, x)->kind == NODE_UNIT && n->kind == NODE_TEXT && n->text.n > 1 &&
	       strchr("aApP", *n->text.p) &&
	       memchr(n->text.p, *n->text.p & 0x20 ? 'm' : 'M', n->text.n) && n->text.n <= 4;
}

/* 3:30, which is a time of day: as a ratio it would be in lowest terms. */
static bool is_time(struct judgement *j, int ratio)
{
	int64_t a, b;

	const struct node *minute =
		value_node(j, unit_bare(j, (struct value){value_node(j, ratio)->last, 0}).node);

	if (!like_time(j, ratio, &a, &b) || a >= 24 || b >= 60)
		return false;
	if (*minute->text.p == '0' || of_day(j, value_node(j, ratio)->last))
		return true; /* 11:01, 12:15 p.m. */
	while (b) {
		int64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a != 1;
}

/* 11:00 p.m. and 11 p.m. */
static bool same_hour(struct judgement *j, struct value ratio, struct value x)
{
	int64_t hour, minute;
	int last = value_node(j, ratio.node)->last;

	return value_node(j, ratio.node)->kind == NODE_RATIO &&
	       like_time(j, ratio.node, &hour, &minute) && minute == 0 && of_day(j, last) &&
	       of_day(j, x.node) && unit_agree(j, last, x.node) &&
	       value_same(j, (struct value){node_whole(j->a, hour), 1}, unit_bare(j, x));
}

/* a:b against c */
static bool same_quotient(struct judgement *j, struct value ratio, struct value x)
{
	if (value_node(j, ratio.node)->n != 2)
		return value_because(j, false, "a ratio against a value");
	if (is_time(j, ratio.node))
		return value_because(j, false, "a time of day and none");
	ratio.node = node_two(j->a, NODE_DIV, node_again(j->a, value_node(j, ratio.node)->first),
			      node_again(j->a, value_node(j, ratio.node)->last));
	return value_same(j, ratio, x);
}

/* ---- matrices ---- */

static bool same_matrix(struct judgement *j, struct value a, struct value b)
{
	struct matrix m, n;
	bool is_a = matrix_get(j, a.node, &m), is_b = matrix_get(j, b.node, &n);

	if (!is_a && is_b)
		is_a = matrix_tuple(j, a.node, n.rows == 1, &m);
	else if (is_a && !is_b)
		is_b = matrix_tuple(j, b.node, m.rows == 1, &n);
	if (!is_a || !is_b)
		return value_because(j, false, "a matrix against something else");
	return matrix_same(j, &m, &n, a.sign, b.sign);
}

/* ---- several values ---- */

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
	bool either; /* joined by or: forms of one value are that value */
	int n;
	struct value v[MAX_ITEMS];
	int name[MAX_ITEMS]; /* of NAMED */
};

static bool view_put(struct view *w, struct value x, int name)
{
	if (w->n == MAX_ITEMS)
		return false;
	w->v[w->n] = x;
	w->name[w->n++] = name;
	return true;
}

/* With both signs where \pm is in it and nobody has said which */
static bool view_put_all(const struct judgement *j, struct view *w, struct value x, int name)
{
	if (x.sign || !(value_node(j, x.node)->flags & HAS_PM))
		return view_put(w, x, name);
	return view_put(w, (struct value){x.node, 1}, name) &&
	       view_put(w, (struct value){x.node, -1}, name);
}

/* x_1 without the 1: the different roots of an equation */
static int bare_name(const struct judgement *j, int name)
{
	const struct node *n = value_node(j, name);

	return n->kind == NODE_CALL && span_is(n->text, "_") &&
			       value_node(j, n->last)->kind == NODE_NUM
		       ? n->first
		       : name;
}

/* x and x, (x, y) and (x, y) */
static bool same_tuple_name(struct judgement *j, int a, int b)
{
	const struct node *x = value_node(j, a), *y = value_node(j, b);

	if (x->kind != NODE_TUPLE || y->kind != NODE_TUPLE)
		return value_same(j, (struct value){a, 0}, (struct value){b, 0});
	if (x->n != y->n)
		return false;
	for (a = x->first, b = y->first; a; a = value_node(j, a)->next, b = value_node(j, b)->next)
		if (!value_same(j, (struct value){a, 0}, (struct value){b, 0}))
			return false;
	return true;
}

/* A list, with the names that its members have: "x = 1, y = 2", "x = 1, x = 2", "x = 1, 2" */
static bool view_list(struct judgement *j, struct value x, bool response, struct view *w)
{
	int names = 0, kinds = 0, first = 0;

	w->shape = LIST;
	w->either = value_node(j, x.node)->op == 'o';
	for (int k = value_node(j, x.node)->first; k; k = value_node(j, k)->next) {
		int name = 0, v = relation_is(j, k) ? relation_value(j, k, response, &name) : 0;

		if (v && name) {
			struct value now = {bare_name(j, name), 0};

			kinds += !names || !same_tuple_name(j, first, now.node);
			first = first ? first : now.node;
			names++;
		}
		if (!view_put_all(j, w, (struct value){v ? v : k, x.sign}, v ? name : 0))
			return false;
	}
	if (names == value_node(j, x.node)->n && kinds > 1)
		w->shape = NAMED;
	else if (kinds > 1)
		w->shape = OTHER;
	return true;
}

static bool view_kids(const struct judgement *j, struct value x, struct view *w)
{
	for (int k = value_node(j, x.node)->first; k; k = value_node(j, k)->next)
		if (!(w->shape == TUPLE ? view_put(w, (struct value){k, x.sign}, 0)
					: view_put_all(j, w, (struct value){k, x.sign}, 0)))
			return false;
	return true;
}

static bool view(struct judgement *j, struct value x, bool response, struct view *w)
{
	const struct node *n = value_node(j, x.node);

	w->n = 0;
	w->either = false;
	if (n->kind == NODE_LIST)
		return view_list(j, x, response, w);
	w->shape = n->kind == NODE_TUPLE ? TUPLE : n->kind == NODE_SET ? SET : ONE;
	/* (1, \pm 2): two tuples */
	if (w->shape == TUPLE && !x.sign && n->flags & HAS_PM) {
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
static void by_axis(const struct judgement *j, struct view *w)
{
	struct view sorted = {.shape = NAMED};

	if (w->shape != NAMED)
		return;
	for (char c = 'x'; c <= 'z'; c++)
		for (int i = 0; i < w->n; i++)
			if (span_eq(value_node(j, w->name[i])->text, (struct span){&c, 1}))
				view_put(&sorted, w->v[i], w->name[i]);
	if (sorted.n == w->n)
		*w = sorted;
}

static bool in_order(struct judgement *j, const struct view *a, const struct view *b)
{
	for (int i = 0; i < a->n; i++)
		if (!compare_same(j, a->v[i], b->v[i]))
			return false;
	return true;
}

/* Each of a has one of b to itself. */
static bool in_any_order(struct judgement *j, const struct view *a, const struct view *b)
{
	bool used[MAX_ITEMS] = {false};

	for (int i = 0; i < a->n; i++) {
		int k = 0;

		while (k < b->n && (used[k] || !compare_same(j, a->v[i], b->v[k])))
			k++;
		if (k == b->n)
			return false;
		used[k] = true;
	}
	return true;
}

static bool by_name(struct judgement *j, const struct view *a, const struct view *b)
{
	for (int i = 0; i < a->n; i++) {
		int k = 0;

		while (k < b->n &&
		       !value_same(j, (struct value){a->name[i], 1}, (struct value){b->name[k], 1}))
			k++;
		if (k == b->n || !compare_same(j, a->v[i], b->v[k]))
			return false;
	}
	return true;
}

static void once_each(struct judgement *j, struct view *w)
{
	int n = 0;

	for (int i = 0; i < w->n; i++) {
		int k = 0;

		while (k < n && !compare_same(j, w->v[k], w->v[i]))
			k++;
		if (k == n)
			w->v[n++] = w->v[i];
	}
	w->n = n;
}

/* Members of a set count once; so do those of a list that is the response, unless the right answer
 * repeats some. */
static void distinct(struct judgement *j, struct view *a, struct view *b)
{
	int n = a->n;

	if (a->shape == LIST && a->either) {
		once_each(j, a);
		a->shape = a->n == 1 ? ONE : LIST;
	}
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

/* Where "..." stands among the items; -1: it does not */
static int has_dots(const struct judgement *j, const struct view *w)
{
	for (int i = 0; i < w->n; i++)
		if (value_node(j, w->v[i].node)->kind == NODE_SYM &&
		    span_is(value_node(j, w->v[i].node)->text, "..."))
			return i;
	return -1;
}

static struct value step(struct judgement *j, const struct view *w, int i, enum node_kind kind)
{
	int a = node_again(j->a, w->v[i].node), b = node_again(j->a, w->v[i + 1].node);

	if (kind == NODE_ADD)
		a = node_one(j->a, NODE_NEG, a);
	return (struct value){kind == NODE_ADD ? node_two(j->a, NODE_ADD, b, a)
					       : node_two(j->a, NODE_DIV, b, a),
			      1};
}

/* Does a progression that begins as w does meet its last item, where that is a number? */
static bool reaches(struct judgement *j, const struct view *w, struct value by, enum node_kind kind)
{
	long double first, last, d, n;

	if (!value_real(j, w->v[0], &first) || !value_real(j, w->v[w->n - 1], &last) ||
	    !value_real(j, by, &d) || value_node(j, w->v[w->n - 1].node)->flags & HAS_SYM)
		return true;
	n = kind == NODE_ADD ? (last - first) / d : logl(last / first) / logl(d);
	return fabsl(n - roundl(n)) < 1e-9L;
}

/* Are the first n items an arithmetic (NODE_ADD) or geometric (NODE_DIV) progression? */
static bool progression(struct judgement *j, const struct view *w, int n, enum node_kind kind)
{
	struct value first = step(j, w, 0, kind);

	for (int i = 1; i + 1 < n; i++)
		if (!value_same(j, first, step(j, w, i, kind)))
			return false;
	return n > 2 && reaches(j, w, first, kind);
}

/* 1, 2, ..., n and 1, 2, 3, ..., n: the same ends, and items more that go on as the others do */
static bool same_dotted(struct judgement *j, const struct view *a, const struct view *b)
{
	int m = has_dots(j, a), n = has_dots(j, b), least = m < n ? m : n;
	const struct view *longer = m < n ? b : a;

	if (a->n - m != b->n - n)
		return value_because(j, false, "another number of values behind the dots");
	for (int i = 0; i < least; i++)
		if (!compare_same(j, a->v[i], b->v[i]))
			return value_because(j, false, "other values");
	for (int i = 1; i < a->n - m; i++)
		if (!compare_same(j, a->v[m + i], b->v[n + i]))
			return value_because(j, false, "other values behind the dots");
	if (m == n || (least > 0 && (progression(j, longer, longer == a ? m : n, NODE_ADD) ||
				     (progression(j, longer, longer == a ? m : n, NODE_DIV)))))
		return value_because(j, true, "the same values");
	return value_because(j, false, "other values before the dots");
}

static bool same_shape(struct judgement *j, struct view *a, struct view *b)
{
	bool unordered, single, ordered;

	distinct(j, a, b);
	if (has_dots(j, a) >= 0 && has_dots(j, b) >= 0)
		return same_dotted(j, a, b);
	unordered = (a->shape == LIST || a->shape == SET) && (b->shape == LIST || b->shape == SET);
	single = (a->shape == ONE && b->shape != TUPLE) || (a->shape == SET && b->shape == ONE);
	ordered = (a->shape == TUPLE && b->shape == TUPLE) ||
		  (a->shape == NAMED && (b->shape == TUPLE || b->shape == LIST)) ||
		  (b->shape == NAMED && (a->shape == TUPLE || a->shape == LIST));

	if (a->n != b->n)
		return value_because(j, false, "another number of values");
	if ((a->shape == NAMED && a->either) != (b->shape == NAMED && b->either))
		return value_because(j, false, "an answer of another kind");
	if (a->shape == NAMED && b->shape == NAMED)
		return by_name(j, a, b);
	by_axis(j, a);
	by_axis(j, b);
	if (ordered)
		return in_order(j, a, b) ||
		       value_because(j, false, "other values, or another order");
	if (unordered || single)
		return in_any_order(j, a, b) || value_because(j, false, "other values");
	return value_because(j, false, "an answer of another kind");
}

/* Inequalities, joined by "and" here and by "or" there */
static bool joined_otherwise(const struct judgement *j, int a, int b)
{
	const struct node *x = value_node(j, a), *y = value_node(j, b);
	enum relation r = value_node(j, value_node(j, x->first)->last)->rel;

	return x->kind == NODE_LIST && y->kind == NODE_LIST && relation_is(j, x->first) &&
	       r >= REL_LT && r <= REL_GE &&
	       ((x->op == 'a' && y->op == 'o') || (x->op == 'o' && y->op == 'a'));
}

/* The same where each is one value, a list, a set or a tuple, or has two values by its \pm */
static bool compare_same_values(struct judgement *j, struct value a, struct value b)
{
	struct view x, y;

	if (joined_otherwise(j, a.node, b.node))
		return value_because(j, false, "inequalities that are joined otherwise");
	if (!view(j, a, false, &x) || !view(j, b, true, &y))
		return value_because(j, false, "too many values");
	if (x.shape == ONE && y.shape == ONE)
		return value_same(j, x.v[0], y.v[0]);
	return same_shape(j, &x, &y);
}

/* ---- what holds in which case ---- */

static bool is_cases(const struct judgement *j, int x)
{
	return value_node(j, x)->kind == NODE_MATRIX && span_is(value_node(j, x)->text, "cases");
}

/* The row that begins with cell a of the one is the row that begins with b of the other. */
static bool same_case(struct judgement *j, int a, int b, int columns)
{
	for (; columns-- > 0; a = value_node(j, a)->next, b = value_node(j, b)->next)
		if (!compare_same(j, (struct value){a, 0}, (struct value){b, 0}))
			return false;
	return true;
}

static bool otherwise(const struct judgement *j, int x)
{
	const struct node *n = value_node(j, x);

	return n->kind == NODE_TEXT && (span_is(n->text, "otherwise") || span_is(n->text, "else") ||
					span_is(n->text, "Otherwise"));
}

/* Does y say of what x is about the contrary: x < 2 and x \ge 2, n is even and n is odd? */
static bool contrary(struct judgement *j, int x, int y)
{
	static const enum relation other[] = {
		[REL_EQ] = REL_NE, [REL_NE] = REL_EQ, [REL_LT] = REL_GE,
		[REL_LE] = REL_GT, [REL_GT] = REL_LE, [REL_GE] = REL_LT};
	const struct node *a = value_node(j, x), *b = value_node(j, y);
	enum relation r = value_node(j, a->last)->rel;

	if (a->n != 2 || b->n != 2 || a->kind != b->kind ||
	    !value_same(j, (struct value){a->first, 1}, (struct value){b->first, 1}))
		return false;
	if (a->kind == NODE_REL)
		return r >= REL_EQ && r <= REL_GE && value_node(j, b->last)->rel == other[r] &&
		       value_same(j, (struct value){a->last, 1}, (struct value){b->last, 1});
	if (a->kind != NODE_UNIT)
		return false;
	a = value_node(j, a->last);
	b = value_node(j, b->last);
	return (span_is(a->text, "is even") && span_is(b->text, "is odd")) ||
	       (span_is(a->text, "is odd") && span_is(b->text, "is even"));
}

/* Condition x, beside which there is only x_else, against y, beside y_else */
static bool same_condition(struct judgement *j, int x, int x_else, int y, int y_else)
{
	if (otherwise(j, x))
		return contrary(j, x_else, y);
	if (otherwise(j, y))
		return contrary(j, y_else, x);
	return compare_same(j, (struct value){x, 0}, (struct value){y, 0});
}

/* Two cases each, of which a last one is "otherwise" */
static bool same_otherwise(struct judgement *j, int a, int b)
{
	for (int swap = 0; swap < 2; swap++) {
		bool yes = true;

		for (int i = 0; i < 2 && yes; i++) {
			int k = i ^ swap;
			struct value x = {node_kid(j->a, a, 2 * i), 0};
			struct value y = {node_kid(j->a, b, 2 * k), 0};

			yes = compare_same(j, x, y) &&
			      same_condition(
				      j, node_kid(j->a, a, 2 * i + 1), node_kid(j->a, a, 3 - 2 * i),
				      node_kid(j->a, b, 2 * k + 1), node_kid(j->a, b, 3 - 2 * k));
		}
		if (yes)
			return true;
	}
	return false;
}

/* Each row of a is one of b, in any order. */
static bool same_cases(struct judgement *j, int a, int b)
{
	int columns = value_node(j, a)->op, n = value_node(j, a)->n;
	bool used[MAX_ITEMS] = {false};

	if (columns == 2 && n == 4 && value_node(j, b)->op == 2 && value_node(j, b)->n == 4 &&
	    same_otherwise(j, a, b))
		return value_because(j, true, "the same cases");
	if (columns != value_node(j, b)->op || n != value_node(j, b)->n || n > MAX_ITEMS)
		return value_because(j, false, "another number of cases");
	for (int i = 0; i < n; i += columns) {
		int k = 0;

		while (k < n && (used[k] || !same_case(j, node_kid(j->a, a, i),
						       node_kid(j->a, b, k), columns)))
			k += columns;
		if (k >= n)
			return value_because(j, false, "another case");
		used[k] = true;
	}
	return value_because(j, true, "the same cases");
}

/* ---- all together ---- */

static bool same_names(struct judgement *j, int a, int b)
{
	const struct node *x = value_node(j, a), *y = value_node(j, b);

	return !a || !b || x->kind == NODE_TEXT || y->kind == NODE_TEXT ||
	       (((x->kind == NODE_SYM && y->kind == NODE_CALL) ||
		 (x->kind == NODE_CALL && y->kind == NODE_SYM)) &&
		span_eq(x->text, y->text)) || /* f and f(x) */
	       compare_same(j, (struct value){a, 1}, (struct value){b, 1});
}

/* 1, 2, 3 and (a, b, c) = (1, 2, 3): a tuple with names is a list of the values in order. */
static bool listed(struct judgement *j, struct value a, int name_b, struct value b)
{
	int x = value_node(j, a.node)->first, y = value_node(j, b.node)->first;

	if (!name_b || value_node(j, name_b)->kind != NODE_TUPLE ||
	    value_node(j, a.node)->kind != NODE_LIST || value_node(j, b.node)->kind != NODE_TUPLE ||
	    value_node(j, a.node)->n != value_node(j, b.node)->n)
		return false;
	for (; x; x = value_node(j, x)->next, y = value_node(j, y)->next)
		if (!compare_same(j, (struct value){x, a.sign}, (struct value){y, b.sign}))
			return false;
	return true;
}

/* a, b: what two relations state, or what stands in the place of one */
static bool same_stated(struct judgement *j, int name_a, struct value a, int name_b, struct value b)
{
	return same_names(j, name_a, name_b) &&
	       (compare_same(j, a, b) || (!name_a && listed(j, a, name_b, b)));
}

/* |x - 1| < 3 and -2 < x < 4, which is its solution */
static bool solves_absolute(struct judgement *j, struct value a, struct value b)
{
	struct pieces p, q;

	return value_node(j, value_node(j, a.node)->first)->kind == NODE_ABS &&
	       value_node(j, value_node(j, b.node)->first)->kind != NODE_ABS &&
	       interval_pieces(j, a, &p) && interval_pieces(j, b, &q) && interval_same(j, &p, &q);
}

/* n \equiv 2 \pmod 5 and 2 \pmod 5 */
static bool same_residue(const struct judgement *j, int a, int b)
{
	if (relation_is(j, a) == relation_is(j, b))
		return false;
	if (relation_is(j, a))
		a = value_node(j, a)->last;
	else
		b = value_node(j, b)->last;
	return relation_residues(j, a, b);
}

/* 2^{100} \equiv 5 \pmod 7: the 5; 0: x is something else */
static int remainder_of(const struct judgement *j, int x)
{
	const struct node *n = value_node(j, x), *last = value_node(j, n->last);

	if (n->kind != NODE_REL || n->n != 2 || !span_is(n->text, "equiv") ||
	    last->kind != NODE_CALL || last->n != 2 ||
	    value_node(j, n->first)->flags & (HAS_SYM | HAS_TEXT))
		return 0;
	return last->first;
}

/* 0 < x < a and (0, a), of which the ends are compared as they stand */
static bool same_ends(struct judgement *j, int rel, int interval)
{
	const struct node *r = value_node(j, rel), *s = value_node(j, interval);
	int lo = r->first, x = value_node(j, lo)->next, hi = r->last;
	unsigned open = s->kind == NODE_TUPLE ? OPEN_LEFT | OPEN_RIGHT : s->op;
	enum relation left = value_node(j, x)->rel, right = value_node(j, hi)->rel;

	if (r->kind != NODE_REL || r->n != 3 || s->n != 2 ||
	    (s->kind != NODE_TUPLE && s->kind != NODE_INTERVAL) ||
	    value_node(j, x)->kind != NODE_SYM)
		return false;
	return left == (open & OPEN_LEFT ? REL_LT : REL_LE) &&
	       right == (open & OPEN_RIGHT ? REL_LT : REL_LE) &&
	       value_same(j, (struct value){lo, 1}, (struct value){s->first, 1}) &&
	       value_same(j, (struct value){hi, 1}, (struct value){s->last, 1});
}

/* \mathbb{R} and -\infty < x < \infty */
static bool everything(struct judgement *j, int numbers, struct value b)
{
	struct pieces p, q;

	return value_node(j, numbers)->kind == NODE_NUMBERS && interval_is_set(j, numbers) &&
	       interval_pieces(j, (struct value){numbers, 0}, &p) && interval_pieces(j, b, &q) &&
	       interval_same(j, &p, &q);
}

static bool against_relations(struct judgement *j, struct value a, struct value b)
{
	bool is_a = relation_is(j, a.node), is_b = relation_is(j, b.node);
	int name_a = 0, name_b = 0, va = is_a ? relation_value(j, a.node, false, &name_a) : a.node,
	    vb = is_b ? relation_value(j, b.node, true, &name_b) : b.node;
	struct pieces p, q;

	if (same_residue(j, a.node, b.node))
		return value_because(j, true, "the same residue");
	if (is_a && !is_b && same_ends(j, a.node, b.node))
		return value_because(j, true, "the same interval");
	if (!is_a && everything(j, a.node, b))
		return value_because(j, true, "all real numbers");
	if (!is_a && remainder_of(j, b.node))
		return compare_same(j, a, (struct value){remainder_of(j, b.node), b.sign});
	if (va && vb &&
	    same_stated(j, name_a, (struct value){va, a.sign}, name_b, (struct value){vb, b.sign}))
		return true;
	if (va && is_b && (vb = relation_rounded(j, b.node)) != 0 &&
	    same_names(j, name_a, name_b) &&
	    compare_same(j, (struct value){va, a.sign}, (struct value){vb, b.sign}))
		return true;
	if (is_a && is_b && !va && vb && relation_same(j, a, b)) /* x+y=5, y=5-x */
		return true;
	if (is_a && is_b && !va && vb) /* -2 < x < 7, x \in (-2, 7) */
		b.node = vb;
	else if (is_b)
		return is_a ? relation_same(j, a, b) || solves_absolute(j, a, b)
			    : value_because(j, false,
					    "an equation or inequality instead of a value");
	if (va)
		return value_because(j, false, j->why);
	if (interval_pieces(j, a, &p) && interval_pieces(j, b, &q))
		return interval_same(j, &p, &q);
	return value_because(j, false, "a value instead of an equation or inequality");
}

static bool holds_relations(const struct judgement *j, int x)
{
	return value_node(j, x)->kind == NODE_LIST && relation_is(j, value_node(j, x)->first);
}

static bool against_sets(struct judgement *j, struct value a, struct value b)
{
	struct pieces p, q;

	if (holds_relations(j, b.node))
		return value_because(j, false, "inequalities instead of a set");
	if (!interval_pieces(j, a, &p) || !interval_pieces(j, b, &q))
		return value_because(j, false, "a set against something else");
	return interval_same(j, &p, &q);
}

/* a, b without units */
static bool same_bare(struct judgement *j, struct value a, struct value b)
{
	enum node_kind ka = (enum node_kind)value_node(j, a.node)->kind,
		       kb = (enum node_kind)value_node(j, b.node)->kind;

	if (!a.node || !b.node)
		return value_because(j, false, "too large to compare");
	if (relation_is(j, a.node) || relation_is(j, b.node))
		return against_relations(j, a, b);
	if (is_cases(j, a.node) && is_cases(j, b.node))
		return same_cases(j, a.node, b.node);
	if ((value_node(j, a.node)->flags | value_node(j, b.node)->flags) & HAS_MATRIX &&
	    ka != NODE_LIST && kb != NODE_LIST && ka != NODE_SET && kb != NODE_SET)
		return same_matrix(j, a, b);
	if (interval_is_set(j, a.node) || interval_is_set(j, b.node))
		return against_sets(j, a, b);
	if (ka == NODE_TEXT && kb == NODE_TEXT)
		return value_because(
			j, phrase_same(value_node(j, a.node)->text, value_node(j, b.node)->text),
			"words");
	if (ka == NODE_NUMBERS || kb == NODE_NUMBERS)
		return value_because(
			j, ka == kb && value_node(j, a.node)->op == value_node(j, b.node)->op,
			"sets of numbers");
	if (ka == NODE_RATIO || kb == NODE_RATIO)
		return ka == kb           ? same_ratio(j, a, b)
		       : ka == NODE_RATIO ? same_quotient(j, a, b)
					  : same_quotient(j, b, a);
	return compare_same_values(j, a, b);
}

/* Are there degrees among the terms of x? */
static bool has_degrees(const struct judgement *j, int x)
{
	if (value_node(j, x)->kind == NODE_NEG)
		x = value_node(j, x)->first;
	if (value_node(j, x)->kind != NODE_ADD)
		return value_node(j, x)->kind == NODE_DEG;
	for (int k = value_node(j, x)->first; k; k = value_node(j, k)->next)
		if (has_degrees(j, k))
			return true;
	return false;
}

/* x with the signs of degrees taken off its terms */
static int bare_degrees(struct judgement *j, int x)
{
	enum node_kind kind = (enum node_kind)value_node(j, x)->kind;
	int y;

	if (kind == NODE_DEG)
		return node_again(j->a, value_node(j, x)->first);
	if (kind != NODE_ADD && kind != NODE_NEG)
		return node_again(j->a, x);
	y = node_new(j->a, kind);
	for (int k = value_node(j, x)->first; k; k = value_node(j, k)->next)
		y = node_add(j->a, y, bare_degrees(j, k));
	return y;
}

/* 90° - 2a is 90 - 2a. */
static bool compare_bare_degrees(struct judgement *j, struct value a, struct value b)
{
	if (value_node(j, a.node)->kind != NODE_ADD || value_node(j, b.node)->kind != NODE_ADD)
		return false;
	a.node = bare_degrees(j, a.node);
	b.node = bare_degrees(j, b.node);
	return a.node && b.node && value_same(j, a, b);
}

static bool compare_same(struct judgement *j, struct value a, struct value b)
{
	struct value x = unit_bare(j, a), y = unit_bare(j, b);
	bool yes;

	if (!unit_agree(j, a.node, b.node))
		return value_because(j, false, "another unit");
	if (++j->depth > MAX_NESTING)
		return value_because(j, false, "nested too deep");
	if (relation_is(j, x.node)) /* whose value has a unit of its own */
		y = b;
	else if (relation_is(j, y.node))
		x = a;
	yes = same_bare(j, x, y);
	if (!yes && has_degrees(j, x.node) != has_degrees(j, y.node))
		yes = compare_bare_degrees(j, x, y);
	if (!yes &&
	    (value_node(j, a.node)->kind == NODE_DEG) !=
		    (value_node(j, b.node)->kind == NODE_DEG) &&
	    value_same(j, a, b))
		yes = true; /* 30° and \pi/6 */
	if (!yes && (same_hour(j, a, b) || same_hour(j, b, a)))
		yes = value_because(j, true, "the same time of day");
	assert(j->depth > 0);
	j->depth--;
	return yes;
}

/* An inequality where a list of them could be meant: -2 < x < 7, x > -2 and x < 7 */
static bool same_relations(struct judgement *j, struct value a, struct value b)
{
	struct pieces p, q;

	if (relation_is(j, a.node) == relation_is(j, b.node))
		return false;
	if (relation_same(j, a, b))
		return true;
	return value_node(j, a.node)->kind == NODE_LIST && interval_is_set(j, b.node) &&
	       interval_pieces(j, a, &p) && interval_pieces(j, b, &q) && interval_same(j, &p, &q);
}

/* "..., k \in \mathbb{Z}": without the condition, else 0 */
static int unconditional(struct judgement *j, int x)
{
	const struct node *n = value_node(j, x), *condition = value_node(j, n->last);
	int bare_list = node_new(j->a, NODE_LIST), kid = n->first;

	if (n->kind != NODE_LIST || condition->kind != NODE_REL ||
	    value_node(j, condition->last)->rel != REL_IN ||
	    value_node(j, condition->last)->kind != NODE_NUMBERS)
		return 0;
	for (int i = 1; i < n->n; i++, kid = value_node(j, kid)->next)
		bare_list = node_add(j->a, bare_list, node_again(j->a, kid));
	return bare_list;
}

/* ---- names of tuples ---- */

/* The names in front of some values and these, in the same order */
struct names {
	int n, name[MAX_ITEMS], value[MAX_ITEMS];
};

static bool name_put(struct names *v, int name, int value)
{
	if (v->n == MAX_ITEMS)
		return false;
	v->name[v->n] = name;
	v->value[v->n++] = value;
	return true;
}

static bool is_tuple_of(const struct judgement *j, int x, int n)
{
	return value_node(j, x)->kind == NODE_TUPLE && value_node(j, x)->n == n;
}

/* (m, n) = (6, 2) */
static bool names_of_tuple(const struct judgement *j, int x, struct names *v)
{
	const struct node *n = value_node(j, x);
	int name = n->first, value = n->last;

	v->n = 0;
	if (n->kind != NODE_REL || n->n != 2 || value_node(j, value)->rel != REL_EQ ||
	    value_node(j, name)->kind != NODE_TUPLE ||
	    !is_tuple_of(j, value, value_node(j, name)->n))
		return false;
	for (name = value_node(j, name)->first, value = value_node(j, value)->first; name;
	     name = value_node(j, name)->next, value = value_node(j, value)->next)
		if (value_node(j, name)->kind == NODE_NUM || !name_put(v, name, value))
			return false;
	return true;
}

/* m = 6, n = 2 */
static bool names_of_list(struct judgement *j, int x, bool response, struct names *v)
{
	v->n = 0;
	if (value_node(j, x)->kind != NODE_LIST || value_node(j, x)->op == 'o')
		return false;
	for (int k = value_node(j, x)->first, name = 0; k; k = value_node(j, k)->next, name = 0) {
		int value = relation_is(j, k) ? relation_value(j, k, response, &name) : 0;

		if (!value || !name || value_node(j, name)->kind != NODE_SYM ||
		    !name_put(v, name, value))
			return false;
	}
	return true;
}

/* Where the names of a stand in b; false: they are not the same ones. */
static bool order_of(struct judgement *j, const struct names *a, const struct names *b, int *at)
{
	for (int i = 0; i < a->n && a->n == b->n; i++) {
		at[i] = 0;
		while (at[i] < b->n && !value_same(j, (struct value){a->name[i], 1},
						   (struct value){b->name[at[i]], 1}))
			at[i]++;
		if (at[i] == b->n)
			return false;
	}
	return a->n == b->n;
}

/* The values in b's tuple x, in the order at, as another tuple */
static int tuple_again(struct judgement *j, int x, const int *at)
{
	int y = node_new(j->a, NODE_TUPLE);

	for (int i = 0; i < value_node(j, x)->n; i++)
		y = node_add(j->a, y, node_again(j->a, node_kid(j->a, x, at[i])));
	return y;
}

static int equation(struct judgement *j, int left, int right)
{
	if (right)
		value_node(j, right)->rel = REL_EQ;
	return node_two(j->a, NODE_REL, left, right);
}

/* x, or the first one where it is a list */
static int first_of(const struct judgement *j, int x)
{
	enum node_kind kind = (enum node_kind)value_node(j, x)->kind;

	return kind == NODE_LIST || kind == NODE_SET ? value_node(j, x)->first : x;
}

/* Names x, y and z in this order, as coordinates are given; false where there are others */
static bool names_by_axis(const struct judgement *j, struct names *v)
{
	struct names sorted = {.n = 0};

	for (char c = 'x'; c <= 'z'; c++)
		for (int i = 0; i < v->n; i++)
			if (span_eq(value_node(j, v->name[i])->text, (struct span){&c, 1}))
				name_put(&sorted, v->name[i], v->value[i]);
	if (sorted.n != v->n)
		return false;
	*v = sorted;
	return true;
}

/* The names of tuples as the right answer has them, or as they are understood where it has none */
static bool names_wanted(struct judgement *j, int right, int got, struct names *v)
{
	right = first_of(j, right);
	if (names_of_tuple(j, right, v))
		return true;
	return value_node(j, right)->kind == NODE_TUPLE && names_of_tuple(j, first_of(j, got), v) &&
	       names_by_axis(j, v);
}

/* x, (n, m) = (2, 6) or a list of such in which tuples without a name have the last ones, with
 * names in the order that is wanted; x itself where it has no such names */
static int in_that_order(struct judgement *j, const struct names *wanted, int x, int *at)
{
	enum node_kind kind = (enum node_kind)value_node(j, x)->kind;
	struct names got;
	int y;

	if (kind == NODE_TUPLE && value_node(j, x)->n == wanted->n && *at >= 0)
		return tuple_again(j, x, at);
	if (names_of_tuple(j, x, &got) && order_of(j, wanted, &got, at))
		return equation(j, tuple_again(j, value_node(j, x)->first, at),
				tuple_again(j, value_node(j, x)->last, at));
	if (kind != NODE_LIST && kind != NODE_SET)
		return node_again(j->a, x);
	y = node_new(j->a, kind);
	value_node(j, y)->op = value_node(j, x)->op;
	for (int k = value_node(j, x)->first; k; k = value_node(j, k)->next)
		y = node_add(j->a, y, in_that_order(j, wanted, k, at));
	return y;
}

/* The response with its names in the order of the right answer's, and as a tuple or a list as there
 */
static int with_names_of(struct judgement *j, int right, int got)
{
	struct names a, b;
	int at[MAX_ITEMS] = {-1}, y;

	if (names_of_tuple(j, right, &a) && names_of_list(j, got, true, &b) &&
	    order_of(j, &a, &b, at)) {
		y = node_new(j->a, NODE_TUPLE);
		for (int i = 0; i < a.n; i++)
			y = node_add(j->a, y, node_again(j->a, b.value[at[i]]));
		return equation(j, node_again(j->a, value_node(j, right)->first), y);
	}
	if (names_of_list(j, right, false, &a) && names_of_tuple(j, got, &b) &&
	    order_of(j, &a, &b, at)) {
		y = node_new(j->a, NODE_LIST);
		for (int i = 0; i < a.n; i++)
			y = node_add(j->a, y,
				     equation(j, node_again(j->a, b.name[at[i]]),
					      node_again(j->a, b.value[at[i]])));
		return y;
	}
	return names_wanted(j, right, got, &a) ? in_that_order(j, &a, got, at) : got;
}

/* ---- n \equiv 0, 1 \pmod 4 ---- */

static bool is_residue(const struct judgement *j, int x)
{
	return value_node(j, x)->kind == NODE_CALL && value_node(j, x)->n == 2 &&
	       span_is(value_node(j, x)->text, "mod");
}

/* What is congruent to k: k with the modulus, where it has none */
static int congruent(struct judgement *j, const struct node *first, int k, int modulus)
{
	int y, x = relation_is(j, k) ? value_node(j, k)->last : k;

	x = node_again(j->a, x);
	if (!is_residue(j, x)) {
		y = node_new(j->a, NODE_CALL);
		value_node(j, y)->text = (struct span){"mod", 3};
		x = node_add(j->a, node_add(j->a, y, x), node_again(j->a, modulus));
	}
	value_node(j, x)->rel = REL_OTHER;
	y = node_two(j->a, NODE_REL, node_again(j->a, first->first), x);
	value_node(j, y)->text = first->text;
	return y;
}

/* n \equiv \pm 1 \pmod 6 as two of them; x itself where it is none */
static int both_congruent(struct judgement *j, int x)
{
	const struct node *n = value_node(j, x), *last = value_node(j, n->last);
	int y, k;

	if (n->kind != NODE_REL || n->n != 2 || !span_is(n->text, "equiv") ||
	    !is_residue(j, n->last) || value_node(j, last->first)->kind != NODE_PM)
		return x;
	k = value_node(j, last->first)->first;
	y = node_one(j->a, NODE_LIST, congruent(j, n, node_again(j->a, k), last->last));
	return node_add(j->a, y,
			congruent(j, n, node_one(j->a, NODE_NEG, node_again(j->a, k)), last->last));
}

/* Each member of a list of which the first is a congruence and the last has a modulus as one of its
 * own; x itself where it is none */
static int each_congruent(struct judgement *j, int x)
{
	const struct node *n = value_node(j, x), *first = value_node(j, n->first);
	int last = n->last, y;

	if (n->kind == NODE_REL)
		return both_congruent(j, x);
	if (n->kind != NODE_LIST || first->kind != NODE_REL || !span_is(first->text, "equiv"))
		return x;
	last = relation_is(j, last) ? value_node(j, last)->last : last;
	if (!is_residue(j, last))
		return x;
	y = node_new(j->a, NODE_LIST);
	value_node(j, y)->op = n->op;
	for (int k = n->first; k; k = value_node(j, k)->next)
		y = node_add(j->a, y, congruent(j, first, k, value_node(j, last)->last));
	return y ? y : x;
}

/* ---- a = b = 1 ---- */

static bool has_several(const struct judgement *j, int x)
{
	const struct node *n = value_node(j, x);

	return n->kind == NODE_TUPLE || n->kind == NODE_LIST ||
	       (n->kind == NODE_REL && value_node(j, n->first)->kind == NODE_TUPLE);
}

/* x, a chain of names with a value at its end, as a list of them where the other has several
 * values; else x itself */
static int each_equal(struct judgement *j, int x, int other)
{
	const struct node *n = value_node(j, x);
	int y = 0, last = n->last;

	if (n->kind != NODE_REL || n->n < 3 || !has_several(j, other) ||
	    value_node(j, last)->flags & HAS_SYM)
		return x;
	for (int k = n->first; k != last; k = value_node(j, k)->next)
		if (value_node(j, k)->kind != NODE_SYM ||
		    value_node(j, value_node(j, k)->next)->rel != REL_EQ)
			return x;
	y = node_new(j->a, NODE_LIST);
	for (int k = n->first; k != last; k = value_node(j, k)->next)
		y = node_add(j->a, y, equation(j, node_again(j->a, k), node_again(j->a, last)));
	return y ? y : x;
}

/* Do words in x say that it is not so? */
static bool denies(const struct judgement *j, int x)
{
	const struct node *n = value_node(j, x);

	if (n->kind == NODE_CALL) /* x_{max} */
		return false;
	if (n->kind == NODE_TEXT && word_rejects(n->text))
		return true;
	for (int k = n->first; k; k = value_node(j, k)->next)
		if (denies(j, k))
			return true;
	return false;
}

bool compare_trees(struct judgement *j, int right, int got)
{
	int x = unconditional(j, right), y = unconditional(j, got);
	struct value a = {x && !y ? x : right, 0}, b = {y && !x ? y : got, 0};
	const char *why;

	if (denies(j, got) && !denies(j, right))
		return value_because(j, false, "words that deny it");
	a.node = each_congruent(j, each_equal(j, a.node, b.node));
	b.node = each_congruent(j, each_equal(j, b.node, a.node));
	b.node = with_names_of(j, a.node, b.node);
	j->wide = (value_node(j, right)->flags | value_node(j, got)->flags) & HAS_CORNER;
	if (compare_same(j, a, b))
		return true;
	why = j->why;
	return same_relations(j, a, b) || value_because(j, false, why);
}
