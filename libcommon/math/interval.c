/* interval.c - sets of real numbers. See interval.h. */
#include "math/interval.h"
#include "math/unit.h"

#include <assert.h>
#include <math.h>

bool interval_is_set(const struct judgement *j, int x)
{
	switch (value_node(j, x)->kind) {
	case NODE_INTERVAL:
	case NODE_UNION:
	case NODE_LESS:
		return true;
	case NODE_NUMBERS:
		return value_node(j, x)->op == 'R';
	case NODE_SET:
		return value_node(j, value_node(j, x)->first)->kind == NODE_SUCH;
	default:
		return false;
	}
}

static bool put_piece(struct pieces *p, struct piece x)
{
	assert(x.from <= x.to);
	if (p->n == MATH_PIECES)
		return false;
	p->v[p->n++] = x;
	return true;
}

static const struct piece everything = {.from = -INFINITY, .to = INFINITY};

/* An end of an interval; an infinite one is no end. */
static bool end(struct judgement *j, struct value x, struct value *at, long double *v, bool *open)
{
	x = unit_bare(j, x); /* 60° */
	if (!value_real(j, x, v))
		return false;
	*at = x;
	if (isinf(*v)) {
		at->node = 0;
		*open = false;
	}
	return true;
}

static bool put_interval(struct judgement *j, struct value lo, struct value hi, unsigned open,
			 struct pieces *p)
{
	struct piece x = {.lo_open = open & OPEN_LEFT, .hi_open = open & OPEN_RIGHT};

	return end(j, lo, &x.lo, &x.from, &x.lo_open) && end(j, hi, &x.hi, &x.to, &x.hi_open) &&
	       (x.from <= x.to) && put_piece(p, x);
}

static bool put_points(struct judgement *j, struct value set, struct pieces *p)
{
	for (int k = value_node(j, set.node)->first; k; k = value_node(j, k)->next) {
		struct value x = {k, set.sign};

		if (!put_interval(j, x, x, 0, p))
			return false;
		if (value_node(j, k)->flags & HAS_PM && !set.sign) {
			x.sign = -1;
			if (!put_interval(j, x, x, 0, p))
				return false;
		}
	}
	return true;
}

/* ---- inequalities ---- */

static bool is_bound(const struct judgement *j, int x)
{
	return !(value_node(j, x)->flags & (HAS_SYM | HAS_TEXT));
}

/* A letter, f(x), a segment, an angle, x_1, a ratio: what an inequality may be about */
static bool is_quantity(const struct judgement *j, int x)
{
	const struct node *n = value_node(j, x);

	if (n->kind == NODE_SYM || n->kind == NODE_CALL)
		return true;
	if (n->kind == NODE_CONST) /* e and i are letters in it */
		return n->op == 'e' || n->op == 'i';
	if ((n->kind != NODE_MUL && n->kind != NODE_DIV) || n->flags & HAS_DECIMAL)
		return false;
	for (int k = n->first; k; k = value_node(j, k)->next)
		if (!is_quantity(j, k))
			return false;
	return true;
}

/* x < c, c < x: as a piece of the line */
static bool put_side(struct judgement *j, int left, int right, enum relation r, int sign,
		     struct pieces *p)
{
	bool swapped = is_bound(j, left);
	int c = swapped ? left : right, x = swapped ? right : left;
	bool below = (r == REL_LT || r == REL_LE) != swapped, open = r == REL_LT || r == REL_GT;
	struct piece side = everything;
	struct value at = {c, sign};

	if (!is_quantity(j, x) || !is_bound(j, c) || r < REL_LT || r > REL_GE)
		return false;
	if (below)
		return end(j, at, &side.hi, &side.to, &side.hi_open) &&
		       ((side.hi_open = open), put_piece(p, side));
	return end(j, at, &side.lo, &side.from, &side.lo_open) &&
	       ((side.lo_open = open), put_piece(p, side));
}

/* a < x < b */
static bool put_between(struct judgement *j, int rel, int sign, struct pieces *p)
{
	int a = value_node(j, rel)->first, x = value_node(j, a)->next, b = value_node(j, x)->next;
	enum relation r = value_node(j, x)->rel, s = value_node(j, b)->rel;
	bool up = (r == REL_LT || r == REL_LE) && (s == REL_LT || s == REL_LE);
	bool down = (r == REL_GT || r == REL_GE) && (s == REL_GT || s == REL_GE);
	bool open_a = r == REL_LT || r == REL_GT, open_b = s == REL_LT || s == REL_GT;
	struct value lo = {up ? a : b, sign}, hi = {up ? b : a, sign};

	if ((!up && !down) || !is_quantity(j, x) || !is_bound(j, a) || !is_bound(j, b))
		return false;
	return put_interval(j, lo, hi,
			    ((up ? open_a : open_b) ? OPEN_LEFT : 0) |
				    ((up ? open_b : open_a) ? OPEN_RIGHT : 0),
			    p);
}

static bool take_point(struct judgement *j, struct value x, struct pieces *p);

/* x with the number v in the place of the letter name */
static int with_number(struct judgement *j, int x, struct span name, int64_t v)
{
	const struct node *n = value_node(j, x);
	int y;

	if (n->kind == NODE_SYM && span_eq(n->text, name))
		return node_whole(j->a, v);
	y = node_again(j->a, x);
	if (!y || !n->first)
		return y;
	value_node(j, y)->first = value_node(j, y)->last = 0;
	value_node(j, y)->n = 0;
	value_node(j, y)->flags &= ~(unsigned)HAS_SYM;
	for (int k = n->first; k; k = value_node(j, k)->next)
		y = node_add(j->a, y, with_number(j, k, name, v));
	return y;
}

/* The first letter in x; empty: there is none */
static struct span letter_in(const struct judgement *j, int x)
{
	struct span s = {NULL, 0};

	if (value_node(j, x)->kind == NODE_SYM)
		return value_node(j, x)->text;
	for (int k = value_node(j, x)->first; k && !s.n; k = value_node(j, k)->next)
		s = letter_in(j, k);
	return s;
}

/* Where the linear expression x, of the letter in it, is c, or -c: as *at. False: it is not linear.
 */
static bool where_linear(struct judgement *j, int x, int c, bool minus, struct value *at)
{
	struct span name = letter_in(j, x);
	int v[3], slope;
	long double f[3];

	for (int i = 0; i < 3; i++) {
		v[i] = with_number(j, x, name, i);
		if (!v[i] || value_node(j, v[i])->flags & HAS_SYM ||
		    !value_real(j, (struct value){v[i], 1}, &f[i]))
			return false;
	}
	if (fabsl(f[2] - 2 * f[1] + f[0]) > 1e-12L * (1 + fabsl(f[2])) || f[1] == f[0])
		return false;
	c = minus ? node_one(j->a, NODE_NEG, node_again(j->a, c)) : node_again(j->a, c);
	c = node_two(j->a, NODE_ADD, c, node_one(j->a, NODE_NEG, node_again(j->a, v[0])));
	slope = node_two(j->a, NODE_ADD, node_again(j->a, v[1]),
			 node_one(j->a, NODE_NEG, node_again(j->a, v[0])));
	*at = (struct value){node_two(j->a, NODE_DIV, c, slope), 1};
	return at->node != 0;
}

/* |x - 3| < 4, and with the other signs */
static bool put_absolute(struct judgement *j, int rel, struct pieces *p)
{
	int a = value_node(j, rel)->first, b = value_node(j, a)->next;
	enum relation r = value_node(j, b)->rel;
	bool less = r == REL_LT || r == REL_LE, open = r == REL_LT || r == REL_GT;
	struct piece left = everything, right = everything;
	struct value lo, hi, t;
	long double x, y;

	if (value_node(j, a)->kind != NODE_ABS || !is_bound(j, b) || r < REL_LT || r > REL_GE ||
	    !where_linear(j, value_node(j, a)->first, b, true, &lo) ||
	    !where_linear(j, value_node(j, a)->first, b, false, &hi) || !value_real(j, lo, &x) ||
	    !value_real(j, hi, &y))
		return false;
	if (x > y) {
		t = lo;
		lo = hi;
		hi = t;
	}
	if (less)
		return put_interval(j, lo, hi, open ? OPEN_LEFT | OPEN_RIGHT : 0, p);
	left.hi_open = right.lo_open = open;
	return end(j, lo, &left.hi, &left.to, &left.hi_open) &&
	       end(j, hi, &right.lo, &right.from, &right.lo_open) && put_piece(p, left) &&
	       put_piece(p, right);
}

static bool put_relation(struct judgement *j, int rel, int sign, struct pieces *p)
{
	int a = value_node(j, rel)->first, b = value_node(j, a)->next;
	struct value at = {b, sign};

	if (value_node(j, rel)->n == 3)
		return put_between(j, rel, sign, p);
	if (value_node(j, rel)->n != 2)
		return false;
	if (value_node(j, a)->kind == NODE_ABS)
		return put_absolute(j, rel, p);
	if (value_node(j, b)->rel != REL_NE && value_node(j, b)->rel != REL_EQ)
		return put_side(j, a, b, value_node(j, b)->rel, sign, p);
	if (!is_quantity(j, a) || !is_bound(j, b))
		return false;
	return value_node(j, b)->rel == REL_EQ ? put_interval(j, at, at, 0, p)
					       : put_piece(p, everything) && take_point(j, at, p);
}

/* ---- all kinds ---- */

static bool collect(struct judgement *j, struct value x, struct pieces *p, int depth);

static bool collect_all(struct judgement *j, struct value x, struct pieces *p, int depth)
{
	for (int k = value_node(j, x.node)->first; k; k = value_node(j, k)->next)
		if (!collect(j, (struct value){k, x.sign}, p, depth))
			return false;
	return true;
}

/* The point out of the piece that it is in; one in none of them is no harm. */
static bool take_point(struct judgement *j, struct value x, struct pieces *p)
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
		return put_piece(p, rest);
	}
	return true;
}

static bool collect_less(struct judgement *j, struct value x, struct pieces *p, int depth)
{
	struct pieces from = {0};
	int left = value_node(j, x.node)->first, out = value_node(j, left)->next;

	if (!collect(j, (struct value){left, x.sign}, &from, depth) ||
	    value_node(j, out)->kind != NODE_SET)
		return false;
	for (int k = value_node(j, out)->first; k; k = value_node(j, k)->next) {
		int sign = x.sign ? x.sign : 1;

		if (!take_point(j, (struct value){k, sign}, &from))
			return false;
		if (value_node(j, k)->flags & HAS_PM && !x.sign &&
		    !take_point(j, (struct value){k, -1}, &from))
			return false;
	}
	for (int i = 0; i < from.n; i++)
		if (!put_piece(p, from.v[i]))
			return false;
	return true;
}

static bool collect(struct judgement *j, struct value x, struct pieces *p, int depth)
{
	const struct node *n = value_node(j, x.node);
	struct value first = {n->first, x.sign}, last = {n->last, x.sign};

	if (depth > 8)
		return false;
	switch (n->kind) {
	case NODE_TUPLE:
		return n->n == 2 && put_interval(j, first, last, OPEN_LEFT | OPEN_RIGHT, p);
	case NODE_INTERVAL:
		return put_interval(j, first, last, n->op, p);
	case NODE_SET:
		return value_node(j, n->first)->kind == NODE_SUCH ? collect(j, first, p, depth + 1)
								  : put_points(j, x, p);
	case NODE_SUCH:
		return collect(j, last, p, depth + 1);
	case NODE_NUMBERS:
		return n->op == 'R' && put_piece(p, everything);
	case NODE_UNION:
		return collect_all(j, x, p, depth + 1);
	case NODE_LIST: /* x < 1 or x > 2 */
		return n->op == 'o' && collect_all(j, x, p, depth + 1);
	case NODE_LESS:
		return collect_less(j, x, p, depth + 1);
	case NODE_REL:
		return value_node(j, n->last)->rel == REL_IN && n->n == 2
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

bool interval_pieces(struct judgement *j, struct value x, struct pieces *p)
{
	p->n = 0;
	if (!collect(j, x, p, 0))
		return false;
	tidy(p);
	return true;
}

static bool same_end(struct judgement *j, struct value a, struct value b)
{
	return !a.node || !b.node ? !a.node && !b.node : value_same(j, a, b);
}

bool interval_same(struct judgement *j, const struct pieces *a, const struct pieces *b)
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
