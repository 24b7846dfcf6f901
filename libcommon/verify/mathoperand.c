/* mathoperand.c - operands of the parser. See mathgrammar.h. */
#include "verify/mathgrammar.h"

#include <string.h>

static struct mnode *node(const struct mparse *p, int x)
{
	return &p->a->v[x];
}

static int shut(struct mparse *p, int x)
{
	node(p, x)->flags |= MX_PAREN;
	return x;
}

/* The kind of x becomes kind if it is a list that stands open, else x is its only child. */
static int as(struct mparse *p, int x, enum mkind kind)
{
	struct mnode *n = node(p, x);

	if (n->kind != MK_LIST || (n->flags & MX_PAREN))
		return mn_one(p->a, kind, x);
	n->kind = (uint8_t)kind;
	return x;
}

/* What stands in brackets: | and : mean there what they mean outside of all. */
static int inside(struct mparse *p, bool in_set)
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

/* ---- leaves ---- */

static int leaf(struct mparse *p, const struct mtok *t)
{
	int x;

	switch (t->t) {
	case MT_NUM:
		x = mp_text(p, MK_NUM, t->s);
		node(p, x)->num = t->num;
		node(p, x)->flags |= t->num.decimal ? MX_DECIMAL : 0;
		return x;
	case MT_CONST:
		x = mp_text(p, MK_CONST, t->s);
		node(p, x)->op = t->op;
		node(p, x)->flags |= t->op == 'i' ? MX_I : 0;
		return x;
	case MT_SYM:
		return mp_text(p, MK_SYM, t->s);
	case MT_TEXT:
		return mp_text(p, MK_TEXT, t->s);
	case MT_NUMBERS:
		x = mn_new(p->a, MK_NUMBERS);
		node(p, x)->op = t->op;
		return x;
	case MT_EMPTY:
		return mn_new(p->a, MK_SET);
	case MT_DOTS:
		return mp_text(p, MK_SYM, (struct span){"...", 3});
	default:
		return 0;
	}
}

static int use_leaf(struct mparse *p)
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
	int a = use_leaf(p), b = 0;

	if (mp_at(p, '/')) {
		mp_advance(p);
		if (p->tok.t == MT_NUM && p->tok.num.is_whole)
			b = use_leaf(p);
	}
	if (!b)
		*p = before;
	return b ? mn_two(p->a, MK_DIV, a, b) : 0;
}

static bool whole(const struct mparse *p, int x)
{
	return node(p, x)->kind == MK_NUM && node(p, x)->num.is_whole;
}

static int number(struct mparse *p)
{
	int x = use_leaf(p), y = 0;

	if (!whole(p, x))
		return x;
	if (p->tok.t == MT_NUM && !p->tok.raised && p->tok.num.is_whole) {
		y = plain_fraction(p);
	} else if (p->tok.t == MT_FRAC) {
		y = mp_operand(p);
		if (!y)
			return 0;
		if (!(whole(p, mn_kid(p->a, y, 0)) && whole(p, mn_kid(p->a, y, 1))))
			return mn_two(p->a, MK_MUL, x, y); /* 2\frac{x}{3} */
	}
	return y ? shut(p, mn_two(p->a, MK_ADD, x, y)) : x;
}

/* ---- brackets ---- */

static int group(struct mparse *p)
{
	int x;

	mp_advance(p);
	if (mp_at(p, '}')) {
		mp_advance(p);
		return mp_expr(p, BIND_POWER); /* {}x */
	}
	x = inside(p, false);
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
	x = inside(p, false);
	close = mp_at(p, ')') ? ')' : mp_at(p, ']') ? ']' : mp_at(p, '[') ? '[' : '\0';
	if (!x || !close || (close == '[' && open == '('))
		return 0;
	mp_advance(p);
	is_list = node(p, x)->kind == MK_LIST && !(node(p, x)->flags & MX_PAREN);
	kids = is_list ? node(p, x)->n : 1;
	if (!is_list)
		return open != ']' ? shut(p, x) : 0;
	node(p, x)->kind = MK_TUPLE;
	if ((open == '(' && close == ')') || (open == '[' && close == ']' && kids != 2))
		return x;
	if (kids != 2)
		return 0;
	node(p, x)->kind = MK_INTERVAL;
	node(p, x)->op =
		(uint8_t)((open != '[' ? MI_OPEN_LEFT : 0) | (close != ']' ? MI_OPEN_RIGHT : 0));
	return x;
}

static int set(struct mparse *p)
{
	int x;

	mp_advance(p);
	if (p->tok.t == MT_ENDSET) {
		mp_advance(p);
		return mn_new(p->a, MK_SET);
	}
	x = inside(p, true);
	if (p->tok.t != MT_ENDSET)
		return 0;
	mp_advance(p);
	return as(p, x, MK_SET);
}

static int angle(struct mparse *p)
{
	int x;

	mp_advance(p);
	x = inside(p, false);
	if (p->tok.t != MT_ENDANGLE)
		return 0;
	mp_advance(p);
	return as(p, x, MK_TUPLE);
}

static int bars(struct mparse *p)
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

static int function(struct mparse *p, enum mfunc f, int x)
{
	int y = mn_new(p->a, MK_FUNC);

	node(p, y)->op = (uint8_t)f;
	return mn_add(p->a, y, x);
}

static int floor_ceiling(struct mparse *p)
{
	enum mfunc f = p->tok.op ? MF_CEIL : MF_FLOOR;
	int x;

	mp_advance(p);
	x = inside(p, false);
	if (p->tok.t != MT_ENDFLOOR)
		return 0;
	mp_advance(p);
	return function(p, f, x);
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
	return mp_at(p, '{') ? shut(p, group(p)) : mp_operand(p);
}

static int two_arguments(struct mparse *p, enum mkind kind)
{
	int x;

	mp_advance(p);
	x = mp_argument(p);
	return x ? mn_two(p->a, kind, x, mp_argument(p)) : 0;
}

static int root(struct mparse *p)
{
	bool command = p->tok.s.n && p->tok.s.p > p->lex.begin && p->tok.s.p[-1] == '\\';
	int index = 0, x;

	mp_advance(p);
	if (mp_at(p, '[')) {
		mp_advance(p);
		index = inside(p, false);
		if (!index || !mp_at(p, ']'))
			return 0;
		mp_advance(p);
	}
	x = command || mp_at(p, '{') ? mp_argument(p) : mp_operand(p);
	if (!index)
		return function(p, MF_SQRT, x);
	return mn_two(p->a, MK_POW, x, mn_two(p->a, MK_DIV, mn_whole(p->a, 1), index));
}

static bool takes_no_more(const struct mparse *p)
{
	return !mp_begins_factor(p) || p->tok.t == MT_FUNC || p->tok.t == MT_NAMED ||
	       p->tok.t == MT_BIG || p->tok.t == MT_TEXT;
}

static int function_argument(struct mparse *p)
{
	int x;

	if (mp_at(p, '('))
		return mp_operand(p);
	if (mp_at(p, '-')) {
		mp_advance(p);
		return mn_one(p->a, MK_NEG, mp_expr(p, BIND_PRODUCT));
	}
	x = mp_expr(p, BIND_PRODUCT);
	while (x && !takes_no_more(p)) {
		int y = mp_expr(p, BIND_PRODUCT);

		x = node(p, x)->kind == MK_MUL && !(node(p, x)->flags & MX_PAREN)
			    ? mn_add(p->a, x, y)
			    : mn_two(p->a, MK_MUL, x, y);
	}
	return x;
}

static bool minus_one(const struct mparse *p, int x)
{
	const struct mnode *n = node(p, x);

	return n->kind == MK_NEG && whole(p, n->first) && node(p, n->first)->num.whole == 1;
}

static int applied(struct mparse *p, enum mfunc f, int base, int exponent)
{
	int x;

	if (exponent && minus_one(p, exponent) && f >= MF_SIN && f <= MF_CSC) {
		f = f - MF_SIN + MF_ASIN;
		exponent = 0;
	}
	x = function(p, base && f == MF_LOG ? MF_LN : f, function_argument(p));
	if (base && f == MF_LOG)
		x = mn_two(p->a, MK_DIV, x, function(p, MF_LN, base));
	return exponent ? mn_two(p->a, MK_POW, x, exponent) : x;
}

/* \sin^2 x, \log_2 8 */
static int named_function(struct mparse *p)
{
	enum mfunc f = p->tok.op;
	int base = 0, exponent = 0;

	mp_advance(p);
	while (mp_at(p, '^') || mp_at(p, '_')) {
		bool up = mp_at(p, '^');
		int *to = up ? &exponent : &base;

		mp_advance(p);
		if (*to || !(*to = mp_argument(p)))
			return 0;
	}
	if (base && f != MF_LOG)
		return 0;
	return applied(p, f, base, exponent);
}

/* The children of a tuple, or the one that x is, as those of the call */
static int call_with(struct mparse *p, struct span name, int x)
{
	int c = mp_text(p, MK_CALL, name);

	if (node(p, x)->kind != MK_TUPLE && node(p, x)->kind != MK_SET)
		return mn_add(p->a, c, x);
	for (int k = node(p, x)->first, next; k; k = next) {
		next = node(p, k)->next;
		node(p, k)->next = 0;
		c = mn_add(p->a, c, k);
	}
	return c;
}

static int only_named(struct mparse *p)
{
	struct span name = p->tok.s;

	mp_advance(p);
	return call_with(p, name, mp_operand(p));
}

static int decorated(struct mparse *p)
{
	struct span name = p->tok.s;

	mp_advance(p);
	return call_with(p, name, mp_argument(p));
}

static int symbol(struct mparse *p)
{
	struct span name = p->tok.s;
	int x = use_leaf(p);

	if (name.n == 1 && strchr("fghFGH", *name.p) && mp_at(p, '('))
		return call_with(p, name, mp_operand(p));
	return x;
}

static int big(struct mparse *p)
{
	int x = mp_text(p, MK_BIG, p->tok.s), from = 0, to = 0;

	node(p, x)->op = p->tok.op;
	mp_advance(p);
	while (mp_at(p, '^') || mp_at(p, '_')) {
		int *where = mp_at(p, '_') ? &from : &to;

		mp_advance(p);
		if (!(*where = mp_argument(p)))
			return 0;
	}
	x = mn_add(p->a, x, from ? from : mn_new(p->a, MK_DOTS));
	x = mn_add(p->a, x, to ? to : mn_new(p->a, MK_DOTS));
	return mn_add(p->a, x, mp_expr(p, BIND_SUM));
}

/* ---- environments ---- */

static bool named(struct span s, const char *const *names)
{
	for (; *names; names++)
		if (span_is(s, *names))
			return true;
	return false;
}

/* A row of cells into x: how many */
static int row(struct mparse *p, int *x)
{
	int n = 0;

	while (p->tok.t != MT_ROW && p->tok.t != MT_ENDENV) {
		*x = mn_add(p->a, *x, inside(p, false));
		n++;
		if (!*x || !mp_at(p, '&'))
			break;
		mp_advance(p);
	}
	return n;
}

static int rows(struct mparse *p, int x)
{
	int columns = 0;

	while (x && p->tok.t != MT_ENDENV) {
		int n = row(p, &x);

		if (n && columns && n != columns)
			return 0;
		columns = n ? n : columns;
		if (p->tok.t == MT_ROW)
			mp_advance(p);
		else if (p->tok.t != MT_ENDENV)
			return 0;
	}
	if (columns < 1 || columns > 255)
		return 0;
	node(p, x)->op = (uint8_t)columns;
	return x;
}

static int environment(struct mparse *p)
{
	static const char *const matrix[] = {"pmatrix", "bmatrix",     "matrix", "Bmatrix",
					     "array",   "smallmatrix", NULL};
	static const char *const line[] = {"align",    "align*", "aligned",  "gather",    "gather*",
					   "gathered", "split",  "equation", "equation*", NULL};
	struct span name = ml_braced(&p->lex);
	bool lines_before = p->lines, is_line = named(name, line);
	int x = mn_new(p->a, MK_MATRIX);

	if (span_is(name, "array"))
		ml_braced(&p->lex);
	node(p, x)->flags |= MX_MATRIX;
	if (!named(name, matrix))
		node(p, x)->text = name;
	p->lex.rows++;
	p->lines = is_line;
	mp_advance(p);
	x = rows(p, x);
	p->lines = lines_before;
	p->lex.rows--;
	if (!x || p->tok.t != MT_ENDENV)
		return 0;
	ml_braced(&p->lex);
	mp_advance(p);
	if (!is_line)
		return x;
	if (node(p, x)->n == 1)
		return node(p, x)->first;
	node(p, x)->kind = MK_LIST;
	node(p, x)->op = ',';
	node(p, x)->flags &= ~(unsigned)MX_MATRIX;
	return x;
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

static int modulus(struct mparse *p)
{
	struct span name = {"mod", 3};

	mp_advance(p);
	return call_with(p, name, mp_expr(p, BIND_PRODUCT));
}

static int bracket_operand(struct mparse *p)
{
	switch (p->tok.op) {
	case '{': {
		int x = group(p);

		return node(p, x)->kind == MK_LIST && !(node(p, x)->flags & MX_PAREN)
			       ? as(p, x, MK_SET) /* ${1, 2}$: meant as a set */
			       : shut(p, x);
	}
	case '(':
	case '[':
	case ']':
		return bracketed(p);
	case '|':
		return bars(p);
	default:
		return 0;
	}
}

static int operand(struct mparse *p)
{
	switch (p->tok.t) {
	case MT_NUM:
		return number(p);
	case MT_SYM:
		return symbol(p);
	case MT_OP:
		return bracket_operand(p);
	case MT_SET:
		return set(p);
	case MT_ANGLE:
		return angle(p);
	case MT_BAR:
		return bars(p);
	case MT_FLOOR:
		return floor_ceiling(p);
	case MT_FRAC:
		return shut(p, two_arguments(p, MK_DIV));
	case MT_BINOM:
		return two_arguments(p, MK_BINOM);
	case MT_SQRT:
		return root(p);
	case MT_FUNC:
		return named_function(p);
	case MT_NAMED:
		return only_named(p);
	case MT_DECOR:
		return decorated(p);
	case MT_WRAP:
		mp_advance(p);
		return mp_argument(p);
	case MT_BIG:
		return big(p);
	case MT_BEGIN:
		return environment(p);
	case MT_MONEY:
		return currency(p);
	case MT_MOD:
		return modulus(p);
	default:
		return use_leaf(p);
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
	case MT_NUM:
		return !p->tok.raised;
	case MT_OP:
		return mp_at(p, '(') || mp_at(p, '{') ||
		       (mp_at(p, '|') && !p->in_bars && !p->in_set);
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
