/* matrix.c - matrices. See matrix.h. */
#include "math/matrix.h"

static bool is_matrix(const struct judgement *j, int x)
{
	return value_node(j, x)->flags & HAS_MATRIX;
}

static bool literal(const struct judgement *j, int x, struct matrix *m)
{
	const struct node *n = value_node(j, x);
	int i = 0;

	if (n->text.p || n->n > MATH_CELLS || n->n % n->op)
		return false;
	m->cols = n->op;
	m->rows = n->n / n->op;
	for (int k = n->first; k; k = value_node(j, k)->next)
		m->cell[i++] = k;
	return true;
}

bool matrix_tuple(const struct judgement *j, int x, bool row, struct matrix *m)
{
	const struct node *n = value_node(j, x);
	int i = 0;

	if (n->kind != NODE_TUPLE || n->n > MATH_CELLS)
		return false;
	m->rows = row ? 1 : n->n;
	m->cols = row ? n->n : 1;
	for (int k = n->first; k; k = value_node(j, k)->next)
		m->cell[i++] = k;
	return true;
}

static void matrix_scale(struct judgement *j, struct matrix *m, enum node_kind kind, int by)
{
	for (int i = 0; i < m->rows * m->cols; i++) {
		int x = node_again(j->a, m->cell[i]);

		m->cell[i] = kind == NODE_NEG ? node_one(j->a, NODE_NEG, x)
					      : node_two(j->a, kind, x, node_again(j->a, by));
	}
}

static bool matrix_add(struct judgement *j, struct matrix *a, const struct matrix *b)
{
	if (a->rows != b->rows || a->cols != b->cols)
		return false;
	for (int i = 0; i < a->rows * a->cols; i++)
		a->cell[i] = node_two(j->a, NODE_ADD, node_again(j->a, a->cell[i]),
				      node_again(j->a, b->cell[i]));
	return true;
}

static int row_by_column(struct judgement *j, const struct matrix *a, const struct matrix *b,
			 int row, int col)
{
	int sum = node_new(j->a, NODE_ADD);

	for (int i = 0; i < a->cols; i++)
		sum = node_add(j->a, sum,
			       node_two(j->a, NODE_MUL,
					node_again(j->a, a->cell[row * a->cols + i]),
					node_again(j->a, b->cell[i * b->cols + col])));
	return sum;
}

static bool multiply(struct judgement *j, struct matrix *a, const struct matrix *b)
{
	struct matrix r = {.rows = a->rows, .cols = b->cols};

	if (a->cols != b->rows || r.rows * r.cols > MATH_CELLS)
		return false;
	for (int i = 0; i < r.rows * r.cols; i++)
		r.cell[i] = row_by_column(j, a, b, i / r.cols, i % r.cols);
	*a = r;
	return true;
}

static bool matrix_sum(struct judgement *j, int x, struct matrix *m)
{
	int k = value_node(j, x)->first;
	struct matrix b;

	if (!matrix_get(j, k, m))
		return false;
	while ((k = value_node(j, k)->next) != 0)
		if (!matrix_get(j, k, &b) || !matrix_add(j, m, &b))
			return false;
	return true;
}

static bool product(struct judgement *j, int x, struct matrix *m)
{
	bool any = false;
	struct matrix b;

	for (int k = value_node(j, x)->first; k; k = value_node(j, k)->next) {
		if (!is_matrix(j, k))
			continue;
		if (!matrix_get(j, k, any ? &b : m) || (any && !multiply(j, m, &b)))
			return false;
		any = true;
	}
	for (int k = value_node(j, x)->first; k && any; k = value_node(j, k)->next)
		if (!is_matrix(j, k))
			matrix_scale(j, m, NODE_MUL, k);
	return any;
}

static void transpose(struct matrix *m)
{
	struct matrix t = {.rows = m->cols, .cols = m->rows};

	for (int i = 0; i < m->rows * m->cols; i++)
		t.cell[i] = m->cell[i % m->rows * m->cols + i / m->rows];
	*m = t;
}

/* A^T, A^2 */
static bool matrix_power(struct judgement *j, int x, struct matrix *m)
{
	const struct node *e = value_node(j, value_node(j, x)->last);
	struct matrix base;

	if (!matrix_get(j, value_node(j, x)->first, m))
		return false;
	if (e->kind == NODE_SYM && (span_is(e->text, "T") || span_is(e->text, "top"))) {
		transpose(m);
		return true;
	}
	base = *m;
	if (e->kind != NODE_NUM || !e->num.is_whole || e->num.whole < 1 || e->num.whole > 4)
		return false;
	for (int64_t i = 1; i < e->num.whole; i++)
		if (!multiply(j, m, &base))
			return false;
	return true;
}

bool matrix_get(struct judgement *j, int x, struct matrix *m)
{
	int first = value_node(j, x)->first;

	if (!is_matrix(j, x) || j->a->full)
		return false;
	switch (value_node(j, x)->kind) {
	case NODE_MATRIX:
		return literal(j, x, m);
	case NODE_ADD:
		return matrix_sum(j, x, m);
	case NODE_MUL:
		return product(j, x, m);
	case NODE_NEG:
		if (!matrix_get(j, first, m))
			return false;
		matrix_scale(j, m, NODE_NEG, 0);
		return true;
	case NODE_DIV:
		if (is_matrix(j, value_node(j, x)->last) || !matrix_get(j, first, m))
			return false;
		matrix_scale(j, m, NODE_DIV, value_node(j, x)->last);
		return true;
	case NODE_POW:
		return matrix_power(j, x, m);
	default:
		return false;
	}
}

bool matrix_same(struct judgement *j, const struct matrix *a, const struct matrix *b, int sign_a,
		 int sign_b)
{
	if (a->rows != b->rows || a->cols != b->cols) {
		j->why = "a matrix of another shape";
		return false;
	}
	for (int i = 0; i < a->rows * a->cols; i++)
		if (!value_same(j, (struct value){a->cell[i], sign_a},
				(struct value){b->cell[i], sign_b})) {
			j->why = "another matrix";
			return false;
		}
	j->why = "the same matrix";
	return true;
}
