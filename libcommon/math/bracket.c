/* bracket.c - operands in brackets. See grammar.h. */
#include "math/grammar.h"

/* The kind of x becomes kind if it is a list that stands open, else x is its only child. */
static int as(struct mparse *p, int x, enum mkind kind)
{
	struct mnode *n = mp_node(p, x);

	if (n->kind != MK_LIST || (n->flags & MX_PAREN))
		return mn_one(p->a, kind, x);
	n->kind = (uint8_t)kind;
	return x;
}

int mp_inside(struct mparse *p, bool in_set)
{
	bool bars = p->in_bars, set = p->in_set;
	int x;

	p->in_bars = false;
	p->in_set = in_set;
	x = mp_expr(p, BIND_NOTHING);
	p->in_bars = bars;
	p->in_set = set;
	return x;
}

int mp_group(struct mparse *p)
{
	int x;

	mp_advance(p);
	if (mp_at(p, '}')) {
		mp_advance(p);
		return mp_expr(p, BIND_POWER); /* {}x */
	}
	x = mp_inside(p, false);
	if (!mp_at(p, '}'))
		return 0;
	mp_advance(p);
	return x;
}

/* (a, b), [a, b), ]a, b[ and (a) */
static int bracketed(struct mparse *p)
{
	char open = (char)p->tok.op, close;
	int x, kids;
	bool is_list;

	mp_advance(p);
	x = mp_inside(p, false);
	close = mp_at(p, ')') ? ')' : mp_at(p, ']') ? ']' : mp_at(p, '[') ? '[' : '\0';
	if (!x || !close || (close == '[' && open == '('))
		return 0;
	mp_advance(p);
	is_list = mp_node(p, x)->kind == MK_LIST && !(mp_node(p, x)->flags & MX_PAREN);
	kids = is_list ? mp_node(p, x)->n : 1;
	if (!is_list)
		return open != ']' ? mp_shut(p, x) : 0;
	mp_node(p, x)->kind = MK_TUPLE;
	if ((open == '(' && close == ')') || (open == '[' && close == ']' && kids != 2))
		return x;
	if (kids != 2)
		return 0;
	mp_node(p, x)->kind = MK_INTERVAL;
	mp_node(p, x)->op =
		(uint8_t)((open != '[' ? MI_OPEN_LEFT : 0) | (close != ']' ? MI_OPEN_RIGHT : 0));
	return x;
}

int mp_set(struct mparse *p)
{
	int x;

	mp_advance(p);
	if (p->tok.t == MT_ENDSET) {
		mp_advance(p);
		return mn_new(p->a, MK_SET);
	}
	x = mp_inside(p, true);
	if (p->tok.t != MT_ENDSET)
		return 0;
	mp_advance(p);
	return as(p, x, MK_SET);
}

int mp_angle(struct mparse *p)
{
	int x;

	mp_advance(p);
	x = mp_inside(p, false);
	if (p->tok.t != MT_ENDANGLE)
		return 0;
	mp_advance(p);
	return as(p, x, MK_TUPLE);
}

int mp_bars(struct mparse *p)
{
	bool before = p->in_bars, set_before = p->in_set;
	int x;

	mp_advance(p);
	p->in_bars = true;
	p->in_set = false;
	x = mp_expr(p, BIND_REL);
	p->in_bars = before;
	p->in_set = set_before;
	if (p->tok.t != MT_ENDBAR && !mp_at(p, '|'))
		return 0;
	mp_advance(p);
	return mn_one(p->a, MK_ABS, x);
}

int mp_floor_ceiling(struct mparse *p)
{
	enum mfunc f = p->tok.op ? MF_CEIL : MF_FLOOR;
	int x;

	mp_advance(p);
	x = mp_inside(p, false);
	if (p->tok.t != MT_ENDFLOOR)
		return 0;
	mp_advance(p);
	return mp_applied(p, f, x);
}

int mp_bracket(struct mparse *p)
{
	switch (p->tok.op) {
	case '{': {
		int x = mp_group(p);

		return mp_node(p, x)->kind == MK_LIST && !(mp_node(p, x)->flags & MX_PAREN)
			       ? as(p, x, MK_SET) /* ${1, 2}$: meant as a set */
			       : mp_shut(p, x);
	}
	case '(':
	case '[':
	case ']':
		return bracketed(p);
	case '|':
		return mp_bars(p);
	default:
		return 0;
	}
}
