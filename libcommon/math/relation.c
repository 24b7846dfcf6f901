/* relation.c - equations and inequalities. See relation.h. */
#include "math/relation.h"

#include <math.h>

enum { MAX_PAIRS = 12 };

static const struct mnode *node(const struct mjudge *j, int x)
{
	return &j->a->v[x];
}

bool mr_is_relation(const struct mjudge *j, int x)
{
	return node(j, x)->kind == MK_REL;
}

/* ---- what has a name ---- */

/* A point, \angle, the d of dy/dx */
static bool names_a_quantity(const struct mnode *n)
{
	return n->kind == MK_SYM && ((n->text.n == 1 && ((*n->text.p >= 'A' && *n->text.p <= 'Z') ||
							 *n->text.p == 'd')) ||
				     n->text.n > 2);
}

/* Only symbols in it, no numbers but in what is an index or an argument */
static bool only_symbols(const struct mjudge *j, int x)
{
	const struct mnode *n = node(j, x);

	if (n->kind == MK_SYM || n->kind == MK_CALL || n->kind == MK_CONST)
		return true;
	if (n->kind != MK_MUL && n->kind != MK_ADD && n->kind != MK_DIV && n->kind != MK_NEG &&
	    n->kind != MK_ABS && n->kind != MK_RATIO)
		return false;
	for (int k = n->first; k; k = node(j, k)->next)
		if (!only_symbols(j, k))
			return false;
	return true;
}

static bool has_number(const struct mjudge *j, int x)
{
	for (int k = node(j, x)->first; k; k = node(j, k)->next)
		if (node(j, k)->kind == MK_NUM)
			return true;
	return false;
}

static bool named(const struct mjudge *j, int x, bool response);

static bool all_named(const struct mjudge *j, int x, bool response)
{
	for (int k = node(j, x)->first; k; k = node(j, k)->next)
		if (!named(j, k, response))
			return false;
	return true;
}

static bool named(const struct mjudge *j, int x, bool response)
{
	const struct mnode *n = node(j, x);

	switch (n->kind) {
	case MK_SYM:
	case MK_CALL:
	case MK_TEXT:
		return true;
	case MK_CONST: /* e and i are names there */
		return n->op != 'o' && n->op != 'p';
	case MK_TUPLE:
	case MK_DIV:
	case MK_RATIO:
	case MK_ABS:
		return all_named(j, x, response) || (response && only_symbols(j, x));
	case MK_MUL:
		if (response && only_symbols(j, x))
			return true;
		return (names_a_quantity(node(j, n->first)) || node(j, n->first)->kind == MK_TEXT ||
			node(j, n->first)->kind == MK_CALL || node(j, n->first)->kind == MK_POW) &&
		       !has_number(j, x);
	default:
		return response && only_symbols(j, x);
	}
}

/* The last child before a rel of that kind, at least the first; n: how many relations before */
static int up_to(const struct mjudge *j, int rel, enum mrel stop, int *n)
{
	int last = node(j, rel)->first;

	*n = 0;
	for (int k = node(j, last)->next; k && node(j, k)->rel != stop; k = node(j, k)->next) {
		last = k;
		++*n;
	}
	return last;
}

static bool all_equal(const struct mjudge *j, int rel, int last)
{
	for (int k = node(j, rel)->first; k != last;) {
		k = node(j, k)->next;
		if (node(j, k)->rel != MR_EQ)
			return false;
	}
	return true;
}

int mr_value(const struct mjudge *j, int rel, bool response, int *lhs)
{
	int n, first = node(j, rel)->first, last = up_to(j, rel, MR_APPROX, &n);
	int second = node(j, first)->next;
	bool has_name = named(j, first, response);

	*lhs = has_name ? first : 0;
	if (node(j, rel)->n == 2 && node(j, second)->rel == MR_IN)
		return has_name ? second : 0;
	if (n == 0) /* x about 5 */
		return has_name ? second : first;
	if (!all_equal(j, rel, last))
		return 0;
	if (!(node(j, first)->flags & (MX_SYM | MX_TEXT)) && node(j, last)->kind == MK_SYM) {
		*lhs = last; /* 5 = x */
		return mn_kid(j->a, rel, n - 1);
	}
	return has_name || !(node(j, first)->flags & (MX_SYM | MX_TEXT)) ? last : 0;
}

int mr_rounded(struct mjudge *j, int rel)
{
	int n, left = up_to(j, rel, MR_APPROX, &n), right = node(j, left)->next;
	long double a, b;

	if (!right || node(j, right)->next || !mv_real(j, (struct mitem){left, 1}, &a) ||
	    !mv_real(j, (struct mitem){right, 1}, &b))
		return 0;
	return fabsl(a - b) <= 0.005L * fabsl(a) ? right : 0;
}

/* ---- pairs: left < right and so on ---- */

struct pair {
	enum mrel rel; /* MR_GT and MR_GE only before they are turned around */
	int left, right;
	struct span other;
	bool used;
};

struct pairs {
	int n;
	struct pair v[MAX_PAIRS];
};

static bool put_pairs(const struct mjudge *j, int rel, struct pairs *p)
{
	int left = node(j, rel)->first;

	for (int right = node(j, left)->next; right; left = right, right = node(j, right)->next) {
		enum mrel r = node(j, right)->rel;
		struct pair x = {r, left, right, node(j, rel)->text, false};

		if (p->n == MAX_PAIRS)
			return false;
		if (r == MR_GT || r == MR_GE)
			x = (struct pair){r == MR_GT ? MR_LT : MR_LE, right, left, x.other, false};
		p->v[p->n++] = x;
	}
	return true;
}

static bool get_pairs(const struct mjudge *j, int x, struct pairs *p)
{
	p->n = 0;
	if (mr_is_relation(j, x))
		return put_pairs(j, x, p);
	if (node(j, x)->kind != MK_LIST || node(j, x)->op == 'o')
		return false;
	for (int k = node(j, x)->first; k; k = node(j, k)->next)
		if (!mr_is_relation(j, k) || !put_pairs(j, k, p))
			return false;
	return true;
}

static struct mitem difference(struct mjudge *j, const struct pair *p, int sign)
{
	int x = mn_again(j->a, p->left), y = mn_one(j->a, MK_NEG, mn_again(j->a, p->right));

	return (struct mitem){mn_two(j->a, MK_ADD, x, y), sign};
}

/* A symbol, or minus one, alone on a side, and none on the other */
static bool solved(const struct mjudge *j, const struct pair *p)
{
	for (int i = 0; i < 2; i++) {
		int x = i ? p->right : p->left, c = i ? p->left : p->right;

		if (node(j, x)->kind == MK_NEG)
			x = node(j, x)->first;
		if ((node(j, x)->kind == MK_SYM || node(j, x)->kind == MK_CALL) &&
		    !(node(j, c)->flags & MX_SYM))
			return true;
	}
	return false;
}

static bool same_sides(struct mjudge *j, const struct pair *a, const struct pair *b, struct mitem s,
		       struct mitem t)
{
	return mv_same(j, (struct mitem){a->left, s.sign}, (struct mitem){b->left, t.sign}) &&
	       mv_same(j, (struct mitem){a->right, s.sign}, (struct mitem){b->right, t.sign});
}

static bool same_pair(struct mjudge *j, const struct pair *a, const struct pair *b, struct mitem s,
		      struct mitem t)
{
	if (a->rel != b->rel || (solved(j, a) && !solved(j, b)))
		return false;
	if (a->rel == MR_OTHER && !span_eq(a->other, b->other))
		return false;
	if (same_sides(j, a, b, s, t))
		return true;
	if (a->rel == MR_OTHER || a->rel == MR_IN || a->rel == MR_APPROX)
		return false;
	return mv_proportional(j, difference(j, a, s.sign), difference(j, b, t.sign),
			       a->rel == MR_LT || a->rel == MR_LE);
}

bool mr_same(struct mjudge *j, struct mitem a, struct mitem b)
{
	struct pairs p, q;

	if (!get_pairs(j, a.node, &p) || !get_pairs(j, b.node, &q) || p.n != q.n) {
		j->why = "another relation";
		return false;
	}
	for (int i = 0; i < p.n; i++) {
		int k = 0;

		while (k < q.n && (q.v[k].used || !same_pair(j, &p.v[i], &q.v[k], a, b)))
			k++;
		if (k == q.n) {
			j->why = "another relation";
			return false;
		}
		q.v[k].used = true;
	}
	j->why = "the same relation";
	return true;
}
