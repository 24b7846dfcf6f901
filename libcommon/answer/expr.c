/* expr.c - exact value of an infix expression, by two stacks. See expr.h. */
#include "answer/expr.h"
#include "answer/text.h"

#include <string.h>

struct parser {
	const char *p, *end;
	struct ratio val[EXPR_NUMBERS];
	size_t n_val;
	char op[EXPR_PENDING];
	size_t n_op;
};

static int64_t gcd(int64_t a, int64_t b)
{
	while (b) {
		int64_t t = a % b;

		a = b;
		b = t;
	}
	return a < 0 ? -a : a;
}

/* num/den in lowest terms; false for den = 0 and for INT64_MIN, which has no negative */
static bool ratio_set(struct ratio *r, int64_t num, int64_t den)
{
	int64_t g;

	if (den == 0 || num == INT64_MIN || den == INT64_MIN)
		return false;
	g = gcd(num, den);
	if (den < 0)
		g = -g;
	*r = (struct ratio){num / g, den / g};
	return true;
}

static bool ratio_add(struct ratio *a, struct ratio b, int sign)
{
	int64_t x, y, num, den;

	return !__builtin_mul_overflow(a->num, b.den, &x) &&
	       !__builtin_mul_overflow(b.num, a->den, &y) && !__builtin_mul_overflow(y, sign, &y) &&
	       !__builtin_add_overflow(x, y, &num) &&
	       !__builtin_mul_overflow(a->den, b.den, &den) && ratio_set(a, num, den);
}

static bool ratio_mul(struct ratio *a, int64_t num, int64_t den)
{
	return !__builtin_mul_overflow(a->num, num, &num) &&
	       !__builtin_mul_overflow(a->den, den, &den) && ratio_set(a, num, den);
}

/* Applies the operator on top to the two values on top. */
static bool reduce(struct parser *s)
{
	struct ratio b = s->val[--s->n_val], *a = &s->val[s->n_val - 1];

	switch (s->op[--s->n_op]) {
	case '+':
		return ratio_add(a, b, 1);
	case '-':
		return ratio_add(a, b, -1);
	case '*':
		return ratio_mul(a, b.num, b.den);
	default:
		return ratio_mul(a, b.den, b.num);
	}
}

static int rank(char op)
{
	return op == '(' ? 0 : op == '+' || op == '-' ? 1 : 2;
}

static bool push_op(struct parser *s, char op)
{
	while (op != '(' && s->n_op && rank(s->op[s->n_op - 1]) >= rank(op))
		if (!reduce(s))
			return false;
	if (s->n_op == EXPR_PENDING)
		return false;
	s->op[s->n_op++] = op;
	return true;
}

static bool close_paren(struct parser *s)
{
	while (s->n_op && s->op[s->n_op - 1] != '(')
		if (!reduce(s))
			return false;
	if (!s->n_op)
		return false;
	s->n_op--;
	return true;
}

static bool digit(const struct parser *s)
{
	return s->p < s->end && text_digit(*s->p);
}

static bool read_int(struct parser *s, int64_t *v)
{
	const char *first = s->p;

	*v = 0;
	for (; digit(s); s->p++)
		if (__builtin_mul_overflow(*v, 10, v) || __builtin_add_overflow(*v, *s->p - '0', v))
			return false;
	return s->p > first && (*first != '0' || s->p == first + 1);
}

static bool skip(struct parser *s, const char *text)
{
	size_t n = strlen(text);

	if ((size_t)(s->end - s->p) < n || memcmp(s->p, text, n) != 0)
		return false;
	s->p += n;
	return true;
}

/* And the sizes of parentheses */
static void skip_space(struct parser *s)
{
	while ((s->p < s->end && text_blank(*s->p) && s->p++) || skip(s, "\\left") ||
	       skip(s, "\\right"))
		;
}

/* The operator at p, one of + - * /, or 0 */
static char read_op(struct parser *s)
{
	static const struct {
		const char *text;
		char op;
	} ops[] = {{"+", '+'},        {"-", '-'},        {"*", '*'},        {"/", '/'},
		   {"\xc3\x97", '*'}, {"\xc2\xb7", '*'}, {"\xc3\xb7", '/'}, {"\xe2\x88\x92", '-'},
		   {"\\times", '*'},  {"\\cdot", '*'},   {"\\div", '/'}};

	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
		if (skip(s, ops[i].text))
			return ops[i].op;
	return 0;
}

/* Parentheses and a number, up to where an operator may stand */
static bool operand(struct parser *s, struct expr *e)
{
	int64_t v;

	for (skip_space(s); s->p < s->end && *s->p == '('; skip_space(s)) {
		s->p++;
		e->only_sum = false;
		if (!push_op(s, '('))
			return false;
	}
	if (s->n_val == EXPR_NUMBERS || e->n_used == EXPR_NUMBERS || !read_int(s, &v))
		return false;
	s->val[s->n_val++] = (struct ratio){v, 1};
	e->used[e->n_used++] = v;
	for (skip_space(s); s->p < s->end && *s->p == ')'; skip_space(s)) {
		s->p++;
		if (!close_paren(s))
			return false;
	}
	return true;
}

/* Nothing, or "= value" */
static bool tail(struct parser *s, const struct expr *e)
{
	bool minus;
	int64_t v;

	if (s->p == s->end)
		return true;
	if (*s->p++ != '=')
		return false;
	skip_space(s);
	minus = s->p < s->end && *s->p == '-';
	s->p += minus;
	if (!read_int(s, &v))
		return false;
	skip_space(s);
	return s->p == s->end && expr_is(e, minus ? -v : v);
}

bool expr_eval(struct span text, struct expr *e)
{
	struct parser s = {.p = text.p, .end = text.p + text.n};
	char op;

	*e = (struct expr){.only_sum = true};
	if (!text.n)
		return false;
	for (;;) {
		if (!operand(&s, e))
			return false;
		e->text = text_trim((struct span){text.p, (size_t)(s.p - text.p)});
		op = read_op(&s);
		if (!op)
			break;
		e->only_sum = e->only_sum && op == '+';
		if (!push_op(&s, op))
			return false;
	}
	while (s.n_op)
		if (s.op[s.n_op - 1] == '(' || !reduce(&s))
			return false;
	e->value = s.val[0];
	return tail(&s, e);
}

bool expr_is(const struct expr *e, int64_t v)
{
	return e->value.den == 1 && e->value.num == v;
}

bool expr_uses(const struct expr *e, const int64_t *v, size_t n, bool all)
{
	bool taken[EXPR_NUMBERS] = {false};

	if (n > EXPR_NUMBERS || (all && e->n_used != n))
		return false;
	for (size_t i = 0; i < e->n_used; i++) {
		size_t j = 0;

		while (j < n && (taken[j] || v[j] != e->used[i]))
			j++;
		if (j == n)
			return false;
		taken[j] = true;
	}
	return true;
}
