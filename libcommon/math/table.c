/* table.c - operands that are environments: matrices, lines. See grammar.h. */
#include "math/grammar.h"

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
		*x = mn_add(p->a, *x, mp_inside(p, false));
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
	mp_node(p, x)->op = (uint8_t)columns;
	return x;
}

int mp_environment(struct mparse *p)
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
	mp_node(p, x)->flags |= MX_MATRIX;
	if (!named(name, matrix))
		mp_node(p, x)->text = name;
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
	if (mp_node(p, x)->n == 1)
		return mp_node(p, x)->first;
	mp_node(p, x)->kind = MK_LIST;
	mp_node(p, x)->op = ',';
	mp_node(p, x)->flags &= ~(unsigned)MX_MATRIX;
	return x;
}
