/* interval.c - sets of real numbers. See interval.h. */
#include "math/interval.h"

#include <math.h>

static const struct mnode *node(const struct mjudge *j, int x)
{
	return &j->a->v[x];
}

bool ms_is_set(const struct mjudge *j, int x)
{
	switch (node(j, x)->kind) {
	case MK_INTERVAL:
	case MK_UNION:
	case MK_LESS:
		return true;
	case MK_NUMBERS:
		return node(j, x)->op == 'R';
	case MK_SET:
		return node(j, node(j, x)->first)->kind == MK_SUCH;
	default:
		return false;
	}
}

static bool put(struct pieces *p, struct piece x)
{
	if (p->n == MATH_PIECES)
		return false;
	p->v[p->n++] = x;
	return true;
}

static const struct piece everything = {.from = -INFINITY, .to = INFINITY};

/* An end of an interval; an infinite one is no end. */
static bool end(struct mjudge *j, struct mitem x, struct mitem *at, long double *v, bool *open)
{
	if (!mv_real(j, x, v))
		return false;
	*at = x;
	if (isinf(*v)) {
		at->node = 0;
		*open = false;
	}
	return true;
}

static bool put_interval(struct mjudge *j, struct mitem lo, struct mitem hi, unsigned open,
			 struct pieces *p)
{
	struct piece x = {.lo_open = open & MI_OPEN_LEFT, .hi_open = open & MI_OPEN_RIGHT};

	return end(j, lo, &x.lo, &x.from, &x.lo_open) && end(j, hi, &x.hi, &x.to, &x.hi_open) &&
	       (x.from <= x.to) && put(p, x);
}

static bool put_points(struct mjudge *j, struct mitem set, struct pieces *p)
{
	for (int k = node(j, set.node)->first; k; k = node(j, k)->next) {
		struct mitem x = {k, set.sign};

		if (!put_interval(j, x, x, 0, p))
			return false;
		if (node(j, k)->flags & MX_PM && !set.sign) {
			x.sign = -1;
			if (!put_interval(j, x, x, 0, p))
				return false;
		}
	}
	return true;
}

/* ---- inequalities ---- */

static bool is_bound(const struct mjudge *j, int x)
{
	return !(node(j, x)->flags & (MX_SYM | MX_TEXT));
}

/* x < c, c < x: as a piece of the line */
static bool put_side(struct mjudge *j, int left, int right, enum mrel r, int sign, struct pieces *p)
{
	bool swapped = is_bound(j, left);
	int c = swapped ? left : right, x = swapped ? right : left;
	bool below = (r == MR_LT || r == MR_LE) != swapped, open = r == MR_LT || r == MR_GT;
	struct piece side = everything;
	struct mitem at = {c, sign};

	if (node(j, x)->kind != MK_SYM || !is_bound(j, c) || r < MR_LT || r > MR_GE)
		return false;
	if (below)
		return end(j, at, &side.hi, &side.to, &side.hi_open) &&
		       ((side.hi_open = open), put(p, side));
	return end(j, at, &side.lo, &side.from, &side.lo_open) &&
	       ((side.lo_open = open), put(p, side));
}

/* a < x < b */
static bool put_between(struct mjudge *j, int rel, int sign, struct pieces *p)
{
	int a = node(j, rel)->first, x = node(j, a)->next, b = node(j, x)->next;
	enum mrel r = node(j, x)->rel, s = node(j, b)->rel;
	bool up = (r == MR_LT || r == MR_LE) && (s == MR_LT || s == MR_LE);
	bool down = (r == MR_GT || r == MR_GE) && (s == MR_GT || s == MR_GE);
	bool open_a = r == MR_LT || r == MR_GT, open_b = s == MR_LT || s == MR_GT;
	struct mitem lo = {up ? a : b, sign}, hi = {up ? b : a, sign};

	if ((!up && !down) || node(j, x)->kind != MK_SYM || !is_bound(j, a) || !is_bound(j, b))
		return false;
	return put_interval(j, lo, hi,
			    ((up ? open_a : open_b) ? MI_OPEN_LEFT : 0) |
				    ((up ? open_b : open_a) ? MI_OPEN_RIGHT : 0),
			    p);
}

static bool take_point(struct mjudge *j, struct mitem x, struct pieces *p);

static bool put_relation(struct mjudge *j, int rel, int sign, struct pieces *p)
{
	int a = node(j, rel)->first, b = node(j, a)->next;
	struct mitem at = {b, sign};

	if (node(j, rel)->n == 3)
		return put_between(j, rel, sign, p);
	if (node(j, rel)->n != 2)
		return false;
	if (node(j, b)->rel != MR_NE && node(j, b)->rel != MR_EQ)
		return put_side(j, a, b, node(j, b)->rel, sign, p);
	if (node(j, a)->kind != MK_SYM || !is_bound(j, b))
		return false;
	return node(j, b)->rel == MR_EQ ? put_interval(j, at, at, 0, p)
					: put(p, everything) && take_point(j, at, p);
}

/* ---- all kinds ---- */

static bool collect(struct mjudge *j, struct mitem x, struct pieces *p, int depth);

static bool collect_all(struct mjudge *j, struct mitem x, struct pieces *p, int depth)
{
	for (int k = node(j, x.node)->first; k; k = node(j, k)->next)
		if (!collect(j, (struct mitem){k, x.sign}, p, depth))
			return false;
	return true;
}

/* The point out of the piece that it is in; one in none of them is no harm. */
static bool take_point(struct mjudge *j, struct mitem x, struct pieces *p)
{
	struct piece point;
	struct pieces one = {0};

	if (!put_interval(j, x, x, 0, &one))
		return false;
	point = one.v[0];
	for (int i = 0; i < p->n; i++) {
		struct piece rest = p->v[i];

		if (point.from < rest.from || point.from > rest.to)
			continue;
		p->v[i].hi = rest.lo = x;
		p->v[i].to = rest.from = point.from;
		p->v[i].hi_open = rest.lo_open = true;
		return put(p, rest);
	}
	return true;
}

static bool collect_less(struct mjudge *j, struct mitem x, struct pieces *p, int depth)
{
	struct pieces from = {0};
	int left = node(j, x.node)->first, out = node(j, left)->next;

	if (!collect(j, (struct mitem){left, x.sign}, &from, depth) || node(j, out)->kind != MK_SET)
		return false;
	for (int k = node(j, out)->first; k; k = node(j, k)->next) {
		int sign = x.sign ? x.sign : 1;

		if (!take_point(j, (struct mitem){k, sign}, &from))
			return false;
		if (node(j, k)->flags & MX_PM && !x.sign &&
		    !take_point(j, (struct mitem){k, -1}, &from))
			return false;
	}
	for (int i = 0; i < from.n; i++)
		if (!put(p, from.v[i]))
			return false;
	return true;
}

static bool collect(struct mjudge *j, struct mitem x, struct pieces *p, int depth)
{
	const struct mnode *n = node(j, x.node);
	struct mitem first = {n->first, x.sign}, last = {n->last, x.sign};

	if (depth > 8)
		return false;
	switch (n->kind) {
	case MK_TUPLE:
		return n->n == 2 && put_interval(j, first, last, MI_OPEN_LEFT | MI_OPEN_RIGHT, p);
	case MK_INTERVAL:
		return put_interval(j, first, last, n->op, p);
	case MK_SET:
		return node(j, n->first)->kind == MK_SUCH ? collect(j, first, p, depth + 1)
							  : put_points(j, x, p);
	case MK_SUCH:
		return collect(j, last, p, depth + 1);
	case MK_NUMBERS:
		return n->op == 'R' && put(p, everything);
	case MK_UNION:
		return collect_all(j, x, p, depth + 1);
	case MK_LIST: /* x < 1 or x > 2 */
		return n->op == 'o' && collect_all(j, x, p, depth + 1);
	case MK_LESS:
		return collect_less(j, x, p, depth + 1);
	case MK_REL:
		return node(j, n->last)->rel == MR_IN && n->n == 2
			       ? collect(j, last, p, depth + 1)
			       : put_relation(j, x.node, x.sign, p);
	default: /* {1} \cup ... */
		return depth > 0 && put_interval(j, x, x, 0, p);
	}
}

/* ---- in order, without touching ---- */

static bool before(const struct piece *a, const struct piece *b)
{
	return a->from < b->from || (a->from == b->from && a->lo_open < b->lo_open);
}

static bool equal(long double a, long double b)
{
	return a == b || fabsl(a - b) <= 1e-15L * fmaxl(1, fabsl(a));
}

static bool touch(const struct piece *a, const struct piece *b)
{
	if (equal(b->from, a->to))
		return !(a->hi_open && b->lo_open);
	return b->from < a->to;
}

static void extend(struct piece *a, const struct piece *b)
{
	if (equal(b->to, a->to)) {
		a->hi_open = a->hi_open && b->hi_open;
	} else if (b->to > a->to) {
		a->to = b->to;
		a->hi = b->hi;
		a->hi_open = b->hi_open;
	}
}

static void tidy(struct pieces *p)
{
	int n = 0;

	for (int i = 1; i < p->n; i++)
		for (int k = i; k > 0 && before(&p->v[k], &p->v[k - 1]); k--) {
			struct piece t = p->v[k];

			p->v[k] = p->v[k - 1];
			p->v[k - 1] = t;
		}
	for (int i = 0; i < p->n; i++)
		if (p->v[i].from == p->v[i].to && (p->v[i].lo_open || p->v[i].hi_open))
			continue; /* empty */
		else if (n && touch(&p->v[n - 1], &p->v[i]))
			extend(&p->v[n - 1], &p->v[i]);
		else
			p->v[n++] = p->v[i];
	p->n = n;
}

bool ms_pieces(struct mjudge *j, struct mitem x, struct pieces *p)
{
	p->n = 0;
	if (!collect(j, x, p, 0))
		return false;
	tidy(p);
	return true;
}

static bool same_end(struct mjudge *j, struct mitem a, struct mitem b)
{
	return !a.node || !b.node ? !a.node && !b.node : mv_same(j, a, b);
}

bool ms_same(struct mjudge *j, const struct pieces *a, const struct pieces *b)
{
	j->why = "another set";
	if (a->n != b->n)
		return false;
	for (int i = 0; i < a->n; i++) {
		const struct piece *x = &a->v[i], *y = &b->v[i];

		if (x->lo_open != y->lo_open || x->hi_open != y->hi_open ||
		    !same_end(j, x->lo, y->lo) || !same_end(j, x->hi, y->hi)) {
			j->why = "another set";
			return false;
		}
	}
	j->why = "the same set";
	return true;
}
