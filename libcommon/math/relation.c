/* relation.c - equations and inequalities. See relation.h. */
#include "math/relation.h"
#include "math/unit.h"
#include "math/words.h"

#include <math.h>

enum { MAX_PAIRS = 12 };

bool relation_is(const struct judgement *j, int x)
{
	return value_node(j, x)->kind == NODE_REL;
}

/* ---- what has a name ---- */

/* A point, \angle, the d of dy/dx */
static bool names_a_quantity(const struct node *n)
{
	return n->kind == NODE_SYM &&
	       ((n->text.n == 1 &&
		 ((*n->text.p >= 'A' && *n->text.p <= 'Z') || *n->text.p == 'd')) ||
		n->text.n > 2);
}

/* Only symbols in it, no numbers but in what is an index or an argument */
static bool only_symbols(const struct judgement *j, int x)
{
	const struct node *n = value_node(j, x);

	if (n->kind == NODE_SYM || n->kind == NODE_CALL || n->kind == NODE_CONST)
		return true;
	if (n->kind != NODE_MUL && n->kind != NODE_ADD && n->kind != NODE_DIV &&
	    n->kind != NODE_NEG && n->kind != NODE_ABS && n->kind != NODE_RATIO)
		return false;
	for (int k = n->first; k; k = value_node(j, k)->next)
		if (!only_symbols(j, k))
			return false;
	return true;
}

static bool has_number(const struct judgement *j, int x)
{
	for (int k = value_node(j, x)->first; k; k = value_node(j, k)->next)
		if (value_node(j, k)->kind == NODE_NUM)
			return true;
	return false;
}

/* Area, the side */
static bool named_by_words(const struct node *n)
{
	return n->kind == NODE_TEXT && !word_denies(n->text);
}

static bool named(const struct judgement *j, int x, bool response);

static bool all_named(const struct judgement *j, int x, bool response)
{
	for (int k = value_node(j, x)->first; k; k = value_node(j, k)->next)
		if (!named(j, k, response))
			return false;
	return true;
}

/* Is there a word in x that says that something is not so? */
static bool denied(const struct judgement *j, int x)
{
	if (value_node(j, x)->kind == NODE_TEXT && word_denies(value_node(j, x)->text))
		return true;
	for (int k = value_node(j, x)->first; k; k = value_node(j, k)->next)
		if (denied(j, k))
			return true;
	return false;
}

static bool named(const struct judgement *j, int x, bool response)
{
	const struct node *n = value_node(j, x);

	if (n->flags & HAS_TEXT && denied(j, x))
		return false;
	switch (n->kind) {
	case NODE_NEG: /* -x */
		return response && value_node(j, n->first)->kind != NODE_SYM && only_symbols(j, x);
	case NODE_SYM:
	case NODE_CALL:
		return true;
	case NODE_TEXT:
		return !word_denies(n->text);
	case NODE_CONST: /* e and i are names there */
		return n->op != 'o' && n->op != 'p';
	case NODE_TUPLE:
	case NODE_DIV:
	case NODE_RATIO:
	case NODE_ABS:
		return all_named(j, x, response) || (response && only_symbols(j, x));
	case NODE_MUL:
		if (response && only_symbols(j, x))
			return true;
		return (names_a_quantity(value_node(j, n->first)) ||
			named_by_words(value_node(j, n->first)) ||
			value_node(j, n->first)->kind == NODE_CALL ||
			value_node(j, n->first)->kind == NODE_POW) &&
		       !has_number(j, x);
	default:
		return response && only_symbols(j, x);
	}
}

/* ---- what is asked for, in front of its value ---- */

/* A sign of an operation that a problem defines, as in 4 \star 3: it was read as a letter. */
static bool operation(const struct node *n)
{
	static const char *const name[] = {"star",
					   "oplus",
					   "otimes",
					   "ominus",
					   "odot",
					   "oslash",
					   "diamond",
					   "Diamond",
					   "bullet",
					   "clubsuit",
					   "heartsuit",
					   "spadesuit",
					   "boxplus",
					   "boxtimes",
					   "diamondsuit",
					   "dagger",
					   "ddagger",
					   "bigstar",
					   "circledast",
					   "square",
					   "Box",
					   "lozenge",
					   "bigcirc",
					   "boxdot",
					   "wr",
					   "amalg",
					   "triangle",
					   "bigoplus",
					   "bigotimes",
					   "circledcirc",
					   "ltimes",
					   "rtimes",
					   "triangledown",
					   "nabla",
					   "@",
					   "#",
					   "&",
					   "sharp",
					   "flat",
					   "natural",
					   "blacklozenge",
					   "uplus"};

	if (n->kind != NODE_SYM || !n->text.n)
		return false;
	if ((unsigned char)*n->text.p >= 0x80)
		return true;
	for (size_t i = 0; i < sizeof name / sizeof *name; i++)
		if (span_is(n->text, name[i]))
			return true;
	return false;
}

/* 4 \Delta 3: a letter that is an operation where it stands between numbers */
static bool between_numbers(const struct judgement *j, int x)
{
	const struct node *n = value_node(j, x), *a = value_node(j, n->first),
			  *b = value_node(j, a->next);

	return n->kind == NODE_MUL && n->n == 3 && a->kind == NODE_NUM && b->kind == NODE_SYM &&
	       span_is(b->text, "Delta") && value_node(j, n->last)->kind == NODE_NUM;
}

static bool has_operation(const struct judgement *j, int x)
{
	if (operation(value_node(j, x)) || between_numbers(j, x))
		return true;
	for (int k = value_node(j, x)->first; k; k = value_node(j, k)->next)
		if (has_operation(j, k))
			return true;
	return false;
}

/* Is there a letter below x that is not name? *name: the first one */
static bool other_letter(const struct judgement *j, int x, struct span *name)
{
	const struct node *n = value_node(j, x);

	if (n->kind == NODE_SYM) {
		if (name->n && !span_eq(*name, n->text))
			return true;
		*name = n->text;
	}
	for (int k = n->first; k; k = value_node(j, k)->next)
		if (other_letter(j, k, name))
			return true;
	return false;
}

/* Do letters stand in functions alone? */
static bool all_in_functions(const struct judgement *j, int x)
{
	const struct node *n = value_node(j, x);

	if (n->kind == NODE_SYM || n->kind == NODE_NUM)
		return false;
	for (int k = n->first; k && n->kind != NODE_FUNC; k = value_node(j, k)->next)
		if (!all_in_functions(j, k) &&
		    (n->kind == NODE_ADD || value_node(j, k)->kind != NODE_NUM))
			return false;
	return true;
}

/* What is 0 is no value of several unknowns but their equation. */
static bool is_zero(const struct node *n)
{
	return n->kind == NODE_NUM && n->num.is_whole && n->num.whole == 0;
}

/* sin A, a limit, a combination of several unknowns, an operation of the problem's own */
static bool asked_for(const struct judgement *j, int x)
{
	const struct node *n = value_node(j, x);
	struct span name = {NULL, 0};

	if (has_operation(j, x))
		return true;
	if (n->kind == NODE_POW && value_node(j, n->first)->kind == NODE_FUNC) /* sin^2 A */
		n = value_node(j, n->first);
	if (n->kind == NODE_DIV && value_node(j, n->first)->kind == NODE_FUNC &&
	    !(value_node(j, n->last)->flags & HAS_SYM)) /* \log_2 x */
		n = value_node(j, n->first);
	if (n->kind == NODE_FUNC && n->op == FUNC_SQRT)
		return other_letter(j, x, &name);
	if (n->kind == NODE_FUNC)
		return n->op >= FUNC_LN && n->op != FUNC_CIS;
	if (n->kind == NODE_ADD && all_in_functions(j, x)) /* sin A + cos A */
		return true;
	return (n->kind == NODE_ADD || n->kind == NODE_MUL || n->kind == NODE_DIV) &&
	       other_letter(j, x, &name);
}

/* The last child before a rel of that kind, at least the first; n: how many relations before */
static int up_to(const struct judgement *j, int rel, enum relation stop, int *n)
{
	int last = value_node(j, rel)->first;

	*n = 0;
	for (int k = value_node(j, last)->next; k && value_node(j, k)->rel != stop;
	     k = value_node(j, k)->next) {
		last = k;
		++*n;
	}
	return last;
}

static bool all_equal(const struct judgement *j, int rel, int last)
{
	for (int k = value_node(j, rel)->first; k != last;) {
		k = value_node(j, k)->next;
		if (value_node(j, k)->rel != REL_EQ)
			return false;
	}
	return true;
}

/* Do all sides have the same value, whatever their letters are? */
static bool identity(struct judgement *j, int rel)
{
	int first = value_node(j, rel)->first;

	for (int k = value_node(j, first)->next; k; k = value_node(j, k)->next)
		if (!value_same(j, (struct value){first, 0}, (struct value){k, 0}))
			return false;
	return true;
}

/* Is there a call of that name in x? */
static bool calls(const struct judgement *j, int x, struct span name)
{
	if (value_node(j, x)->kind == NODE_CALL && span_eq(value_node(j, x)->text, name))
		return true;
	for (int k = value_node(j, x)->first; k; k = value_node(j, k)->next)
		if (calls(j, k, name))
			return true;
	return false;
}

/* f(x+y) = f(x) + f(y): an equation about f, of which the left side is no name */
static bool about_function(const struct judgement *j, int first, int last)
{
	const struct node *n = value_node(j, first);

	return n->kind == NODE_CALL && !span_is(n->text, "_") && !span_is(n->text, "'") &&
	       n->text.n == 1 && calls(j, last, n->text);
}

/* Only numbers and what is made of them by + - / and powers */
static bool only_numbers(const struct judgement *j, int x)
{
	const struct node *n = value_node(j, x);

	if (n->kind == NODE_NUM)
		return true;
	if (n->kind != NODE_ADD && n->kind != NODE_NEG && n->kind != NODE_DIV &&
	    n->kind != NODE_POW)
		return false;
	for (int k = n->first; k; k = value_node(j, k)->next)
		if (!only_numbers(j, k))
			return false;
	return true;
}

/* 2 + 4 = 5, which is far from true. A product may be an operation of the problem's own, 3 * 4
 * = 19.
 */
static bool is_false(struct judgement *j, int rel)
{
	int x = value_node(j, rel)->first, y = value_node(j, rel)->last;
	long double a, b;

	return value_node(j, rel)->n == 2 && only_numbers(j, x) && only_numbers(j, y) &&
	       value_real(j, (struct value){x, 1}, &a) && value_real(j, (struct value){y, 1}, &b) &&
	       fabsl(a - b) > 0.02L * fabsl(a) &&
	       !value_same(j, (struct value){x, 1}, (struct value){y, 1});
}

int relation_value(struct judgement *j, int rel, bool response, int *lhs)
{
	int n, first = value_node(j, rel)->first, last = up_to(j, rel, REL_APPROX, &n);
	int second = value_node(j, first)->next;
	bool has_name = named(j, first, response) && (response || !about_function(j, first, last));

	*lhs = has_name ? first : 0;
	if (value_node(j, rel)->n == 2 && value_node(j, second)->rel == REL_IN)
		return has_name ? second : 0;
	if (n == 0) /* x about 5 */
		return has_name ? second : first;
	if (!all_equal(j, rel, last) || (response && is_false(j, rel)))
		return 0;
	if (has_name)
		return last;
	if (value_node(j, first)->flags & (HAS_SYM | HAS_TEXT)) {
		bool big = value_node(j, first)->kind == NODE_BIG;
		bool value =
			!(value_node(j, last)->flags & HAS_SYM) && !is_zero(value_node(j, last));
		bool asked = response && (big || (value && asked_for(j, first)));

		return asked || identity(j, rel) ? last : 0;
	}
	if (!(value_node(j, last)->flags & (HAS_SYM | HAS_TEXT)))
		return last;
	if (!named(j, last, response))
		return 0; /* 9 = 4a+b */
	*lhs = last;      /* 5 = x */
	return node_kid(j->a, rel, n - 1);
}

int relation_rounded(struct judgement *j, int rel)
{
	int n, left = up_to(j, rel, REL_APPROX, &n), right = value_node(j, left)->next;
	long double a, b;

	if (!right || value_node(j, right)->next || !value_real(j, (struct value){left, 1}, &a) ||
	    !value_real(j, (struct value){right, 1}, &b))
		return 0;
	return fabsl(a - b) <= 0.005L * fabsl(a) ? right : 0;
}

/* ---- pairs: left < right and so on ---- */

struct pair {
	enum relation rel; /* REL_GT and REL_GE only before they are turned around */
	int left, right;
	struct span other;
	bool used;
};

struct pairs {
	int n;
	struct pair v[MAX_PAIRS];
};

static bool put_pairs(const struct judgement *j, int rel, struct pairs *p)
{
	int left = value_node(j, rel)->first;

	for (int right = value_node(j, left)->next; right;
	     left = right, right = value_node(j, right)->next) {
		enum relation r = value_node(j, right)->rel;
		struct pair x = {r, left, right, value_node(j, rel)->text, false};

		if (p->n == MAX_PAIRS)
			return false;
		if (r == REL_GT || r == REL_GE)
			x = (struct pair){r == REL_GT ? REL_LT : REL_LE, right, left, x.other,
					  false};
		p->v[p->n++] = x;
	}
	return true;
}

static bool get_pairs(const struct judgement *j, int x, struct pairs *p)
{
	p->n = 0;
	if (relation_is(j, x))
		return put_pairs(j, x, p);
	if (value_node(j, x)->kind != NODE_LIST || value_node(j, x)->op == 'o')
		return false;
	for (int k = value_node(j, x)->first; k; k = value_node(j, k)->next)
		if (!relation_is(j, k) || !put_pairs(j, k, p))
			return false;
	return true;
}

static struct value difference(struct judgement *j, const struct pair *p, int sign)
{
	int x = node_again(j->a, p->left), y = node_one(j->a, NODE_NEG, node_again(j->a, p->right));

	return (struct value){node_two(j->a, NODE_ADD, x, y), sign};
}

/* A symbol, or minus one, alone on a side, and none on the other */
static bool solved(const struct judgement *j, const struct pair *p)
{
	for (int i = 0; i < 2; i++) {
		int x = i ? p->right : p->left, c = i ? p->left : p->right;

		if (value_node(j, x)->kind == NODE_NEG)
			x = value_node(j, x)->first;
		if ((value_node(j, x)->kind == NODE_SYM || value_node(j, x)->kind == NODE_CALL) &&
		    !(value_node(j, c)->flags & HAS_SYM))
			return true;
	}
	return false;
}

static bool whole_at(const struct judgement *j, int x, int64_t *v)
{
	const struct node *n = value_node(j, x);
	bool minus = n->kind == NODE_NEG;

	if (minus)
		n = value_node(j, n->first);
	*v = minus ? -n->num.whole : n->num.whole;
	return n->kind == NODE_NUM && n->num.is_whole;
}

static bool residue(const struct judgement *j, int x, int64_t *v, int64_t *modulus)
{
	const struct node *n = value_node(j, x);

	return n->kind == NODE_CALL && n->n == 2 && span_is(n->text, "mod") &&
	       whole_at(j, n->first, v) && whole_at(j, n->last, modulus) && *modulus > 0;
}

bool relation_residues(const struct judgement *j, int a, int b)
{
	int64_t v, w, m, n;

	if (!residue(j, a, &v, &m) || !residue(j, b, &w, &n) || m != n)
		return false;
	v = v % m - w % m;
	return v == 0 || v == m || v == -m;
}

static bool same_sides(struct judgement *j, const struct pair *a, const struct pair *b,
		       struct value s, struct value t)
{
	return unit_agree(j, a->left, b->left) && unit_agree(j, a->right, b->right) &&
	       value_same(j, (struct value){a->left, s.sign}, (struct value){b->left, t.sign}) &&
	       value_same(j, (struct value){a->right, s.sign}, (struct value){b->right, t.sign});
}

static bool same_pair(struct judgement *j, const struct pair *a, const struct pair *b,
		      struct value s, struct value t)
{
	if (a->rel != b->rel || (solved(j, a) && !solved(j, b)))
		return false;
	if (a->rel == REL_OTHER && !span_eq(a->other, b->other))
		return false;
	if (same_sides(j, a, b, s, t))
		return true;
	if (a->rel == REL_OTHER && relation_residues(j, a->right, b->right))
		return value_same(j, (struct value){a->left, s.sign},
				  (struct value){b->left, t.sign});
	if (a->rel == REL_OTHER || a->rel == REL_IN || a->rel == REL_APPROX)
		return false;
	if (!unit_agree(j, a->left, b->left) || !unit_agree(j, a->right, b->right) ||
	    !unit_agree(j, a->left, b->right) || !unit_agree(j, a->right, b->left))
		return false;
	return value_proportional(j, difference(j, a, s.sign), difference(j, b, t.sign),
				  a->rel == REL_LT || a->rel == REL_LE);
}

bool relation_same(struct judgement *j, struct value a, struct value b)
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
