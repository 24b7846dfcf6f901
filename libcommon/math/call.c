/* call.c - operands that are functions, roots, sums. See grammar.h. */
#include "math/grammar.h"

#include <string.h>

int mp_applied(struct mparse *p, enum mfunc f, int x)
{
	int y = mn_new(p->a, MK_FUNC);

	mp_node(p, y)->op = (uint8_t)f;
	return mn_add(p->a, y, x);
}

int mp_root(struct mparse *p)
{
	bool command = p->tok.s.n && p->tok.s.p > p->lex.begin && p->tok.s.p[-1] == '\\';
	int index = 0, x;

	mp_advance(p);
	if (mp_at(p, '[')) {
		mp_advance(p);
		index = mp_inside(p, false);
		if (!index || !mp_at(p, ']'))
			return 0;
		mp_advance(p);
	}
	x = command || mp_at(p, '{') ? mp_argument(p) : mp_operand(p);
	if (!index)
		return mp_applied(p, MF_SQRT, x);
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

		x = mp_node(p, x)->kind == MK_MUL && !(mp_node(p, x)->flags & MX_PAREN)
			    ? mn_add(p->a, x, y)
			    : mn_two(p->a, MK_MUL, x, y);
	}
	return x;
}

static bool minus_one(const struct mparse *p, int x)
{
	const struct mnode *n = mp_node(p, x);

	return n->kind == MK_NEG && mp_whole(p, n->first) && mp_node(p, n->first)->num.whole == 1;
}

static int applied(struct mparse *p, enum mfunc f, int base, int exponent)
{
	int x;

	if (exponent && minus_one(p, exponent) && f >= MF_SIN && f <= MF_CSC) {
		f = f - MF_SIN + MF_ASIN;
		exponent = 0;
	}
	x = mp_applied(p, base && f == MF_LOG ? MF_LN : f, function_argument(p));
	if (base && f == MF_LOG)
		x = mn_two(p->a, MK_DIV, x, mp_applied(p, MF_LN, base));
	return exponent ? mn_two(p->a, MK_POW, x, exponent) : x;
}

/* \sin^2 x, \log_2 8 */
int mp_function(struct mparse *p)
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

	if (mp_node(p, x)->kind != MK_TUPLE && mp_node(p, x)->kind != MK_SET)
		return mn_add(p->a, c, x);
	for (int k = mp_node(p, x)->first, next; k; k = next) {
		next = mp_node(p, k)->next;
		mp_node(p, k)->next = 0;
		c = mn_add(p->a, c, k);
	}
	return c;
}

int mp_only_named(struct mparse *p)
{
	struct span name = p->tok.s;

	mp_advance(p);
	return call_with(p, name, mp_operand(p));
}

int mp_decorated(struct mparse *p)
{
	struct span name = p->tok.s;

	mp_advance(p);
	return call_with(p, name, mp_argument(p));
}

int mp_symbol(struct mparse *p)
{
	struct span name = p->tok.s;
	int x = mp_leaf(p);

	if (name.n == 1 && strchr("fghFGH", *name.p) && mp_at(p, '('))
		return call_with(p, name, mp_operand(p));
	return x;
}

int mp_big(struct mparse *p)
{
	int x = mp_text(p, MK_BIG, p->tok.s), from = 0, to = 0;

	mp_node(p, x)->op = p->tok.op;
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

int mp_modulus(struct mparse *p)
{
	struct span name = {"mod", 3};

	mp_advance(p);
	return call_with(p, name, mp_expr(p, BIND_PRODUCT));
}
