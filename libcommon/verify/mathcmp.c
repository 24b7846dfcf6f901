/*
 * mathcmp.c - comparison of answers by what they are: values, lists, sets, tuples, relations,
 * matrices. See mathcmp.h.
 */
#include "verify/mathcmp.h"
#include "base/mem.h"
#include "verify/mathmatrix.h"
#include "verify/mathparse.h"
#include "verify/mathrel.h"
#include "verify/mathset.h"
#include "verify/mathenv.h"
#include "verify/mathtext.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_ITEMS = 64, MAX_NESTING = 8 };

static const struct mnode *node(const struct mjudge *j, int x)
{
	return &j->a->v[x];
}

static bool because(struct mjudge *j, bool yes, const char *why)
{
	j->why = why;
	return yes;
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
	int n;
	struct mitem v[MAX_ITEMS];
	int name[MAX_ITEMS]; /* of NAMED */
};

static bool same(struct mjudge *j, struct mitem a, struct mitem b);

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

static bool in_order(struct mjudge *j, const struct view *a, const struct view *b)
{
	for (int i = 0; i < a->n; i++)
		if (!same(j, a->v[i], b->v[i]))
			return false;
	return true;
}

/* Each of a has one of b to itself. */
static bool in_any_order(struct mjudge *j, const struct view *a, const struct view *b)
{
	bool used[MAX_ITEMS] = {false};

	for (int i = 0; i < a->n; i++) {
		int k = 0;

		while (k < b->n && (used[k] || !same(j, a->v[i], b->v[k])))
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
		if (k == b->n || !same(j, a->v[i], b->v[k]))
			return false;
	}
	return true;
}

static void once_each(struct mjudge *j, struct view *w)
{
	int n = 0;

	for (int i = 0; i < w->n; i++) {
		int k = 0;

		while (k < n && !same(j, w->v[k], w->v[i]))
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
	if (b->shape == SET)
		once_each(j, b);
}

static bool same_shape(struct mjudge *j, struct view *a, struct view *b)
{
	bool unordered =
		(a->shape == LIST || a->shape == SET) && (b->shape == LIST || b->shape == SET);
	bool single = (a->shape == ONE && b->shape == SET) || (a->shape == SET && b->shape == ONE);
	bool ordered = (a->shape == TUPLE && b->shape == TUPLE) ||
		       (a->shape == NAMED && (b->shape == TUPLE || b->shape == LIST)) ||
		       (b->shape == NAMED && (a->shape == TUPLE || a->shape == LIST));

	distinct(j, a, b);
	if (a->n != b->n)
		return because(j, false, "another number of values");
	if (a->shape == NAMED && b->shape == NAMED)
		return by_name(j, a, b);
	if (ordered)
		return in_order(j, a, b) || because(j, false, "other values, or another order");
	if (unordered || single)
		return in_any_order(j, a, b) || because(j, false, "other values");
	return because(j, false, "an answer of another kind");
}

/* ---- ratios ---- */

/* 6:20 could be a time of day */
static bool like_time(const struct mjudge *j, int ratio)
{
	const struct mnode *a = node(j, node(j, ratio)->first), *b = node(j, node(j, ratio)->last);

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
	bool scaled = !like_time(j, a.node) && !like_time(j, b.node);

	if (node(j, a.node)->n != node(j, b.node)->n)
		return because(j, false, "a ratio of another length");
	for (; x; x = node(j, x)->next, y = node(j, y)->next)
		if (!mv_same(j, (struct mitem){scaled ? cross(j, x, y0) : x, a.sign},
			     (struct mitem){scaled ? cross(j, y, x0) : y, b.sign}))
			return because(j, false, "another ratio");
	return because(j, true, "the same ratio");
}

/* a:b against c */
static bool same_quotient(struct mjudge *j, struct mitem ratio, struct mitem x)
{
	if (node(j, ratio.node)->n != 2)
		return because(j, false, "a ratio against a value");
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
		return because(j, false, "a matrix against something else");
	return mm_same(j, &m, &n, a.sign, b.sign);
}

/* ---- units ---- */

struct unit {
	const char *name; /* NULL: none, or an unknown one */
	int power;
};

static struct unit unit_of(const struct mjudge *j, int x)
{
	struct unit u = {NULL, 1};
	const struct mnode *n = node(j, x);

	if (n->kind == MK_DEG)
		u.name = mw_unit((struct span){"degree", 6});
	if (n->kind != MK_UNIT)
		return u;
	n = node(j, n->last);
	if (n->kind == MK_POW && node(j, n->last)->kind == MK_NUM) {
		u.power = (int)(node(j, n->last)->num.whole & 15);
		n = node(j, n->first);
	}
	u.name = n->kind == MK_TEXT ? mw_unit(n->text) : NULL;
	return u;
}

static bool units_agree(const struct mjudge *j, int a, int b)
{
	struct unit x = unit_of(j, a), y = unit_of(j, b);

	return !x.name || !y.name || (x.name == y.name && x.power == y.power);
}

/* The value without its unit */
static struct mitem bare(const struct mjudge *j, struct mitem x)
{
	while (node(j, x.node)->kind == MK_UNIT || node(j, x.node)->kind == MK_DEG ||
	       ((node(j, x.node)->kind == MK_LIST || node(j, x.node)->kind == MK_TUPLE) &&
		node(j, x.node)->n == 1))
		x.node = node(j, x.node)->first;
	return x;
}

/* ---- all together ---- */

static bool same_names(struct mjudge *j, int a, int b)
{
	return !a || !b || node(j, a)->kind == MK_TEXT || node(j, b)->kind == MK_TEXT ||
	       same(j, (struct mitem){a, 1}, (struct mitem){b, 1});
}

static bool against_relations(struct mjudge *j, struct mitem a, struct mitem b)
{
	bool is_a = mr_is_relation(j, a.node), is_b = mr_is_relation(j, b.node);
	int name_a = 0, name_b = 0, va = is_a ? mr_value(j, a.node, false, &name_a) : a.node,
	    vb = is_b ? mr_value(j, b.node, true, &name_b) : b.node;
	struct pieces p, q;

	if (va && vb && same_names(j, name_a, name_b) &&
	    same(j, (struct mitem){va, a.sign}, (struct mitem){vb, b.sign}))
		return true;
	if (va && is_b && (vb = mr_rounded(j, b.node)) != 0 && same_names(j, name_a, name_b) &&
	    same(j, (struct mitem){va, a.sign}, (struct mitem){vb, b.sign}))
		return true;
	if (is_a && is_b && !va && vb) /* -2 < x < 7, x \in (-2, 7) */
		b.node = vb;
	else if (is_b)
		return is_a ? mr_same(j, a, b)
			    : because(j, false, "an equation or inequality instead of a value");
	if (va)
		return because(j, false, j->why);
	if (ms_pieces(j, a, &p) && ms_pieces(j, b, &q))
		return ms_same(j, &p, &q);
	return because(j, false, "a value instead of an equation or inequality");
}

static bool holds_relations(const struct mjudge *j, int x)
{
	return node(j, x)->kind == MK_LIST && mr_is_relation(j, node(j, x)->first);
}

static bool against_sets(struct mjudge *j, struct mitem a, struct mitem b)
{
	struct pieces p, q;

	if (holds_relations(j, b.node))
		return because(j, false, "inequalities instead of a set");
	if (!ms_pieces(j, a, &p) || !ms_pieces(j, b, &q))
		return because(j, false, "a set against something else");
	return ms_same(j, &p, &q);
}

/* a, b without units */
static bool same_bare(struct mjudge *j, struct mitem a, struct mitem b)
{
	struct view x, y;
	enum mkind ka = (enum mkind)node(j, a.node)->kind, kb = (enum mkind)node(j, b.node)->kind;

	if (!a.node || !b.node)
		return because(j, false, "too large to compare");
	if (mr_is_relation(j, a.node) || mr_is_relation(j, b.node))
		return against_relations(j, a, b);
	if ((node(j, a.node)->flags | node(j, b.node)->flags) & MX_MATRIX && ka != MK_LIST &&
	    kb != MK_LIST && ka != MK_SET && kb != MK_SET)
		return same_matrix(j, a, b);
	if (ms_is_set(j, a.node) || ms_is_set(j, b.node))
		return against_sets(j, a, b);
	if (ka == MK_NUMBERS || kb == MK_NUMBERS)
		return because(j, ka == kb && node(j, a.node)->op == node(j, b.node)->op,
			       "sets of numbers");
	if (ka == MK_RATIO || kb == MK_RATIO)
		return ka == kb         ? same_ratio(j, a, b)
		       : ka == MK_RATIO ? same_quotient(j, a, b)
					: same_quotient(j, b, a);
	if (!view(j, a, false, &x) || !view(j, b, true, &y))
		return because(j, false, "too many values");
	if (x.shape == ONE && y.shape == ONE)
		return mv_same(j, x.v[0], y.v[0]);
	return same_shape(j, &x, &y);
}

static bool same(struct mjudge *j, struct mitem a, struct mitem b)
{
	struct mitem x = bare(j, a), y = bare(j, b);
	bool yes;

	if (!units_agree(j, a.node, b.node))
		return because(j, false, "another unit");
	if (++j->depth > MAX_NESTING)
		return because(j, false, "nested too deep");
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

	if (same(j, a, b))
		return true;
	why = j->why;
	return same_relations(j, a, b) || because(j, false, why);
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
		return because(j, false, "the right answer is no expression that is understood");
	if (!y)
		return because(j, false, "no expression that is understood");
	return same_trees(j, x, y) && !j->a->full;
}

/* "3:30", which is no ratio: one would be reduced. */
static bool is_clock(struct span s)
{
	size_t n = s.n == 4 ? 1 : 2;
	int hour, minute, a, b;

	if ((s.n != 4 && s.n != 5) || s.p[n] != ':')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (i != n && (s.p[i] < '0' || s.p[i] > '9'))
			return false;
	hour = n == 1 ? s.p[0] - '0' : (s.p[0] - '0') * 10 + s.p[1] - '0';
	minute = (s.p[n + 1] - '0') * 10 + s.p[n + 2] - '0';
	for (a = hour, b = minute; b;) {
		int rest = a % b;

		a = b;
		b = rest;
	}
	return hour < 24 && minute < 60 && a != 1;
}

static bool has_colon(struct span s)
{
	return s.n && memchr(s.p, ':', s.n);
}

bool math_same(struct span right, struct span got, int places, const char **why)
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
	if ((is_clock(right) && !has_colon(got)) || (is_clock(got) && !has_colon(right))) {
		*why = "a time of day and none";
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
