/* matrix.c - matrices. See matrix.h. */
#include "math/matrix.h"

static const struct mnode *node(const struct mjudge *j, int x)
{
	return &j->a->v[x];
}

static bool is_matrix(const struct mjudge *j, int x)
{
	return node(j, x)->flags & MX_MATRIX;
}

static bool literal(const struct mjudge *j, int x, struct mmatrix *m)
{
	const struct mnode *n = node(j, x);
	int i = 0;

	if (n->text.p || n->n > MATH_CELLS || n->n % n->op)
		return false;
	m->cols = n->op;
	m->rows = n->n / n->op;
	for (int k = n->first; k; k = node(j, k)->next)
		m->cell[i++] = k;
	return true;
}

bool mm_tuple(const struct mjudge *j, int x, bool row, struct mmatrix *m)
{
	const struct mnode *n = node(j, x);
	int i = 0;

	if (n->kind != MK_TUPLE || n->n > MATH_CELLS)
		return false;
	m->rows = row ? 1 : n->n;
	m->cols = row ? n->n : 1;
	for (int k = n->first; k; k = node(j, k)->next)
		m->cell[i++] = k;
	return true;
}

static void scale(struct mjudge *j, struct mmatrix *m, enum mkind kind, int by)
{
	for (int i = 0; i < m->rows * m->cols; i++) {
		int x = mn_again(j->a, m->cell[i]);

		m->cell[i] = kind == MK_NEG ? mn_one(j->a, MK_NEG, x)
					    : mn_two(j->a, kind, x, mn_again(j->a, by));
	}
}

static bool add(struct mjudge *j, struct mmatrix *a, const struct mmatrix *b)
{
	if (a->rows != b->rows || a->cols != b->cols)
		return false;
	for (int i = 0; i < a->rows * a->cols; i++)
		a->cell[i] = mn_two(j->a, MK_ADD, mn_again(j->a, a->cell[i]),
				    mn_again(j->a, b->cell[i]));
	return true;
}

static int row_by_column(struct mjudge *j, const struct mmatrix *a, const struct mmatrix *b,
			 int row, int col)
{
	int sum = mn_new(j->a, MK_ADD);

	for (int i = 0; i < a->cols; i++)
		sum = mn_add(j->a, sum,
			     mn_two(j->a, MK_MUL, mn_again(j->a, a->cell[row * a->cols + i]),
				    mn_again(j->a, b->cell[i * b->cols + col])));
	return sum;
}

static bool multiply(struct mjudge *j, struct mmatrix *a, const struct mmatrix *b)
{
	struct mmatrix r = {.rows = a->rows, .cols = b->cols};

	if (a->cols != b->rows || r.rows * r.cols > MATH_CELLS)
		return false;
	for (int i = 0; i < r.rows * r.cols; i++)
		r.cell[i] = row_by_column(j, a, b, i / r.cols, i % r.cols);
	*a = r;
	return true;
}

static bool sum(struct mjudge *j, int x, struct mmatrix *m)
{
	int k = node(j, x)->first;
	struct mmatrix b;

	if (!mm_get(j, k, m))
		return false;
	while ((k = node(j, k)->next) != 0)
		if (!mm_get(j, k, &b) || !add(j, m, &b))
			return false;
	return true;
}

static bool product(struct mjudge *j, int x, struct mmatrix *m)
{
	bool any = false;
	struct mmatrix b;

	for (int k = node(j, x)->first; k; k = node(j, k)->next) {
		if (!is_matrix(j, k))
			continue;
		if (!mm_get(j, k, any ? &b : m) || (any && !multiply(j, m, &b)))
			return false;
		any = true;
	}
	for (int k = node(j, x)->first; k && any; k = node(j, k)->next)
		if (!is_matrix(j, k))
			scale(j, m, MK_MUL, k);
	return any;
}

static void transpose(struct mmatrix *m)
{
	struct mmatrix t = {.rows = m->cols, .cols = m->rows};

	for (int i = 0; i < m->rows * m->cols; i++)
		t.cell[i] = m->cell[i % m->rows * m->cols + i / m->rows];
	*m = t;
}

/* A^T, A^2 */
static bool power(struct mjudge *j, int x, struct mmatrix *m)
{
	const struct mnode *e = node(j, node(j, x)->last);
	struct mmatrix base;

	if (!mm_get(j, node(j, x)->first, m))
		return false;
	if (e->kind == MK_SYM && (span_is(e->text, "T") || span_is(e->text, "top"))) {
		transpose(m);
		return true;
	}
	base = *m;
	if (e->kind != MK_NUM || !e->num.is_whole || e->num.whole < 1 || e->num.whole > 4)
		return false;
	for (int64_t i = 1; i < e->num.whole; i++)
		if (!multiply(j, m, &base))
			return false;
	return true;
}

bool mm_get(struct mjudge *j, int x, struct mmatrix *m)
{
	int first = node(j, x)->first;

	if (!is_matrix(j, x) || j->a->full)
		return false;
	switch (node(j, x)->kind) {
	case MK_MATRIX:
		return literal(j, x, m);
	case MK_ADD:
		return sum(j, x, m);
	case MK_MUL:
		return product(j, x, m);
	case MK_NEG:
		if (!mm_get(j, first, m))
			return false;
		scale(j, m, MK_NEG, 0);
		return true;
	case MK_DIV:
		if (is_matrix(j, node(j, x)->last) || !mm_get(j, first, m))
			return false;
		scale(j, m, MK_DIV, node(j, x)->last);
		return true;
	case MK_POW:
		return power(j, x, m);
	default:
		return false;
	}
}

bool mm_same(struct mjudge *j, const struct mmatrix *a, const struct mmatrix *b, int sign_a,
	     int sign_b)
{
	if (a->rows != b->rows || a->cols != b->cols) {
		j->why = "a matrix of another shape";
		return false;
	}
	for (int i = 0; i < a->rows * a->cols; i++)
		if (!mv_same(j, (struct mitem){a->cell[i], sign_a},
			     (struct mitem){b->cell[i], sign_b})) {
			j->why = "another matrix";
			return false;
		}
	j->why = "the same matrix";
	return true;
}
