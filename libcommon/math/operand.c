/* operand.c - operands: leaves, and which kind comes next. See grammar.h. */
#include "math/grammar.h"

int mp_shut(struct mparse *p, int x)
{
	mp_node(p, x)->flags |= MX_PAREN;
	return x;
}

/* ---- leaves ---- */

static int leaf(struct mparse *p, const struct mtok *t)
{
	int x;

	switch (t->t) {
	case MT_NUM:
		x = mp_text(p, MK_NUM, t->s);
		mp_node(p, x)->num = t->num;
		mp_node(p, x)->flags |= t->num.decimal ? MX_DECIMAL : 0;
		return x;
	case MT_CONST:
		x = mp_text(p, MK_CONST, t->s);
		mp_node(p, x)->op = t->op;
		mp_node(p, x)->flags |= t->op == 'i' ? MX_I : 0;
		return x;
	case MT_SYM:
		return mp_text(p, MK_SYM, t->s);
	case MT_TEXT:
		return mp_text(p, MK_TEXT, t->s);
	case MT_NUMBERS:
		x = mn_new(p->a, MK_NUMBERS);
		mp_node(p, x)->op = t->op;
		return x;
	case MT_EMPTY:
		return mn_new(p->a, MK_SET);
	case MT_DOTS:
		return mp_text(p, MK_SYM, (struct span){"...", 3});
	default:
		return 0;
	}
}

int mp_leaf(struct mparse *p)
{
	int x = leaf(p, &p->tok);

	if (x)
		mp_advance(p);
	return x;
}

/* "1 2/3" with the 1 used: the 2/3, else 0 */
static int plain_fraction(struct mparse *p)
{
	struct mparse before = *p;
	int a = mp_leaf(p), b = 0;

	if (mp_at(p, '/')) {
		mp_advance(p);
		if (p->tok.t == MT_NUM && p->tok.num.is_whole)
			b = mp_leaf(p);
	}
	if (!b)
		*p = before;
	return b ? mn_two(p->a, MK_DIV, a, b) : 0;
}

bool mp_whole(const struct mparse *p, int x)
{
	return mp_node(p, x)->kind == MK_NUM && mp_node(p, x)->num.is_whole;
}

static int number(struct mparse *p)
{
	int x = mp_leaf(p), y = 0;

	if (p->tok.t == MT_NUM) {
		if (mp_whole(p, x) && p->tok.num.is_whole)
			y = plain_fraction(p);
		if (!y)
			return 0; /* 3 5: no product is written so */
	} else if (!mp_whole(p, x)) {
		return x;
	} else if (p->tok.t == MT_FRAC) {
		y = mp_operand(p);
		if (!y)
			return 0;
		if (!(mp_whole(p, mn_kid(p->a, y, 0)) && mp_whole(p, mn_kid(p->a, y, 1))))
			return mp_product(p, x, y); /* 2\frac{x}{3} */
	}
	return y ? mp_shut(p, mn_two(p->a, MK_ADD, x, y)) : x;
}

/* ---- commands with arguments ---- */

int mp_argument(struct mparse *p)
{
	struct mtok t;

	p->lex.p = p->tok.start; /* again, a digit at a time */
	p->lex.brackets = p->tok_brackets;
	if (p->tok.start && p->tok.t != MT_END && ml_argument(&p->lex, &t)) {
		mp_advance(p);
		return leaf(p, &t);
	}
	mp_advance(p);
	return mp_at(p, '{') ? mp_shut(p, mp_group(p)) : mp_operand(p);
}

static int two_arguments(struct mparse *p, enum mkind kind)
{
	int x;

	mp_advance(p);
	x = mp_argument(p);
	return x ? mn_two(p->a, kind, x, mp_argument(p)) : 0;
}

/* ---- all of them ---- */

static int currency(struct mparse *p)
{
	struct span name = p->tok.s;
	int x;

	mp_advance(p);
	x = mp_expr(p, BIND_PRODUCT);
	return mn_two(p->a, MK_UNIT, x, mp_text(p, MK_TEXT, name));
}

static int operand(struct mparse *p)
{
	switch (p->tok.t) {
	case MT_NUM:
		return number(p);
	case MT_SYM:
		return mp_symbol(p);
	case MT_OP:
		return mp_bracket(p);
	case MT_SET:
		return mp_set(p);
	case MT_ANGLE:
		return mp_angle(p);
	case MT_BAR:
		return mp_bars(p);
	case MT_FLOOR:
		return mp_floor_ceiling(p);
	case MT_FRAC:
		return mp_shut(p, two_arguments(p, MK_DIV));
	case MT_BINOM:
		return two_arguments(p, MK_BINOM);
	case MT_SQRT:
		return mp_root(p);
	case MT_FUNC:
		return mp_function(p);
	case MT_NAMED:
		return mp_only_named(p);
	case MT_DECOR:
		return mp_decorated(p);
	case MT_WRAP:
		mp_advance(p);
		return mp_argument(p);
	case MT_BIG:
		return mp_big(p);
	case MT_BEGIN:
		return mp_environment(p);
	case MT_MONEY:
		return currency(p);
	case MT_MOD:
		return mp_modulus(p);
	default:
		return mp_leaf(p);
	}
}

int mp_operand(struct mparse *p)
{
	int x;

	if (++p->depth > MP_DEPTH)
		p->a->full = true;
	x = p->a->full ? 0 : operand(p);
	p->depth--;
	return x;
}

bool mp_begins_factor(const struct mparse *p)
{
	switch (p->tok.t) {
	case MT_OP:
		return mp_at(p, '(') || mp_at(p, '{') ||
		       (mp_at(p, '|') && !p->in_bars && !p->in_set);
	case MT_NUM:
	case MT_SYM:
	case MT_CONST:
	case MT_FUNC:
	case MT_NAMED:
	case MT_TEXT:
	case MT_FRAC:
	case MT_SQRT:
	case MT_BINOM:
	case MT_BIG:
	case MT_WRAP:
	case MT_DECOR:
	case MT_BEGIN:
	case MT_FLOOR:
	case MT_BAR:
		return true;
	default:
		return false;
	}
}
