/* parse.c - a parser by binding strength. See parse.h. */
#include "math/parse.h"
#include "answer/text.h"

#include <assert.h>
#include <string.h>

enum { MAX_TEXT = 4096 };

/* How strongly operators bind. */
enum {
	BIND_NOTHING = 0,
	BIND_OVER = 1,
	BIND_SEMICOLON = 2,
	BIND_SUCH = 3,
	BIND_COMMA = 4,
	BIND_REL = 6,
	BIND_UNION = 8,
	BIND_RATIO = 10,
	BIND_SUM = 12,
	BIND_PRODUCT = 14,
	BIND_POWER = 20,
	BIND_INDEX = 22,
};

enum { PARSE_DEPTH = 80 }; /* calls of parse_expr and parse_operand in each other */

struct parse {
	struct arena *a;
	struct lex lex;
	struct token tok; /* the next one, not yet used */
	int tok_brackets; /* lex.brackets before it */
	int depth;
	bool in_bars, in_set; /* | ends an absolute value, | and : mean "such that" */
	bool in_square;       /* in [ or ], which ] or [ may end */
	bool lines;           /* in an environment where & means nothing */
};

/* An expression of operators that bind more strongly than min; 0 when there is none. */
static int parse_expr(struct parse *p, int min);
/* A number, a symbol, something in brackets, a function with its argument ... */
static int parse_operand(struct parse *p);

/* ---- tokens and nodes ---- */

static bool parse_at(const struct parse *p, char op)
{
	return p->tok.t == TOKEN_OP && p->tok.op == op;
}

/* What the op of a TOKEN_MOD is that stood behind a bracket */
enum { MOD_BRACKET = 2 };

/* ( with mod behind it is one token. */
static void join_modulus(struct parse *p)
{
	struct lex after = p->lex;
	struct token next;

	while (after.p < after.end && text_blank(*after.p))
		after.p++;
	if (!parse_at(p, '(') || after.p == after.end || !strchr("m\\", *after.p))
		return;
	lex_next(&after, &next);
	if (next.t != TOKEN_MOD)
		return;
	p->lex = after;
	p->tok.t = TOKEN_MOD;
	p->tok.op = MOD_BRACKET;
}

/* Does the row behind this end of one go on with a relation, x = 4+5 \\ = 9? */
static bool goes_on(const struct parse *p)
{
	struct lex after = p->lex;
	struct token next = {.t = TOKEN_ROW};

	if (p->tok.t != TOKEN_ROW)
		return false;
	for (int i = 0; i < 3 && (next.t == TOKEN_ROW || next.op == '&'); i++)
		lex_next(&after, &next);
	return next.t == TOKEN_REL;
}

static void parse_advance(struct parse *p)
{
	do {
		p->tok_brackets = p->lex.brackets;
		lex_next(&p->lex, &p->tok);
	} while (p->lines && (parse_at(p, '&') || goes_on(p)));
	join_modulus(p);
}

static struct node *parse_node(const struct parse *p, int x)
{
	return &p->a->v[x];
}

static int parse_text(struct parse *p, enum node_kind kind, struct span text)
{
	int x = node_new(p->a, kind);

	p->a->v[x].text = text;
	if (kind == NODE_SYM)
		p->a->v[x].flags |= HAS_SYM;
	if (kind == NODE_TEXT)
		p->a->v[x].flags |= HAS_TEXT;
	return x;
}

/* x, as if it stood in parentheses */
static int parse_shut(struct parse *p, int x)
{
	parse_node(p, x)->flags |= HAS_PAREN;
	return x;
}

static bool parse_whole(const struct parse *p, int x)
{
	return parse_node(p, x)->kind == NODE_NUM && parse_node(p, x)->num.is_whole;
}

static bool open_kind(const struct parse *p, int x, enum node_kind kind)
{
	return parse_node(p, x)->kind == kind && !(parse_node(p, x)->flags & HAS_PAREN);
}

/* a op b op c is one node. */
static int join(struct parse *p, enum node_kind kind, int left, int right)
{
	return open_kind(p, left, kind) ? node_add(p->a, left, right)
					: node_two(p->a, kind, left, right);
}

/* Does [ begin a factor, not an interval: has its bracket no comma in it, and is no interval open
 * that it could end? */
static bool parse_groups(const struct parse *p)
{
	int depth = 1;

	if (!parse_at(p, '[') || p->in_square)
		return false;
	for (const char *q = p->lex.p; q < p->lex.end && depth; q++) {
		if (depth == 1 && strchr(",;", *q))
			return false;
		depth += (strchr("([", *q) != NULL) - (strchr(")]", *q) != NULL);
	}
	return !depth;
}

/* May the next token begin a factor, with no sign between it and the one before? */
static bool parse_begins_factor(const struct parse *p)
{
	switch (p->tok.t) {
	case TOKEN_OP:
		return parse_at(p, '(') || parse_at(p, '{') || parse_groups(p) ||
		       (parse_at(p, '|') && !p->in_bars && !p->in_set);
	case TOKEN_NUM:
	case TOKEN_SYM:
	case TOKEN_CONST:
	case TOKEN_FUNC:
	case TOKEN_NAMED:
	case TOKEN_TEXT:
	case TOKEN_FRAC:
	case TOKEN_SQRT:
	case TOKEN_BINOM:
	case TOKEN_BIG:
	case TOKEN_WRAP:
	case TOKEN_DECOR:
	case TOKEN_BEGIN:
	case TOKEN_FLOOR:
	case TOKEN_BAR:
		return true;
	default:
		return false;
	}
}

/* ---- leaves ---- */

static int leaf_of(struct parse *p, const struct token *t)
{
	int x;

	switch (t->t) {
	case TOKEN_NUM:
		x = parse_text(p, NODE_NUM, t->s);
		parse_node(p, x)->num = t->num;
		parse_node(p, x)->flags |= t->num.decimal ? HAS_DECIMAL : 0;
		return x;
	case TOKEN_CONST:
		x = parse_text(p, NODE_CONST, t->s);
		parse_node(p, x)->op = t->op;
		parse_node(p, x)->flags |= t->op == 'i' ? HAS_I : 0;
		return x;
	case TOKEN_SYM:
		return parse_text(p, NODE_SYM, t->s);
	case TOKEN_TEXT:
		return parse_text(p, NODE_TEXT, t->s);
	case TOKEN_NUMBERS:
		x = node_new(p->a, NODE_NUMBERS);
		parse_node(p, x)->op = t->op;
		return x;
	case TOKEN_EMPTY:
		return node_new(p->a, NODE_SET);
	case TOKEN_DOTS:
		return parse_text(p, NODE_SYM, (struct span){"...", 3});
	default:
		return 0;
	}
}

/* Of the next token, which is used; 0: it is none */
static int parse_leaf(struct parse *p)
{
	int x = leaf_of(p, &p->tok);

	if (x)
		parse_advance(p);
	return x;
}

/* ---- products and units ---- */

/* Words, powers and quotients of words: cm^2, m/s */
static bool unit_like(const struct parse *p, int x)
{
	const struct node *n = parse_node(p, x);

	for (int i = 0;
	     i < 4 && (n->kind == NODE_POW || n->kind == NODE_DIV || n->kind == NODE_MUL); i++)
		n = parse_node(p, n->first);
	return n->kind == NODE_TEXT;
}

/* left with words behind it: its unit; "million" multiplies it, and of what follows that is it so
 * many. */
static int with_words(struct parse *p, int left, int right)
{
	struct span *s = &parse_node(p, right)->text, word = {s->p, 0};
	int64_t scale;

	if (parse_node(p, right)->kind != NODE_TEXT)
		return node_two(p->a, NODE_UNIT, left, right);
	while (word.n < s->n && word.p[word.n] != ' ')
		word.n++;
	if (word_changes(word) || word_bounds(*s))
		return 0;
	scale = word_scale(word);
	if (!scale)
		return node_two(p->a, NODE_UNIT, left, right);
	left = node_two(p->a, NODE_MUL, left, node_whole(p->a, scale));
	if (word.n == s->n)
		return left;
	*s = (struct span){word.p + word.n + 1, s->n - word.n - 1};
	return with_words(p, left, right);
}

/* The product of two factors that were parsed; a value, where the second one is its unit */
static int parse_product(struct parse *p, int left, int right)
{
	struct node *l = parse_node(p, left), *r = parse_node(p, right);

	if (!left || !right)
		return 0;
	if (l->kind == NODE_TEXT && r->kind == NODE_TEXT) {
		l->text.n = (size_t)(r->text.p + r->text.n - l->text.p);
		return left;
	}
	if (unit_like(p, right) && !unit_like(p, left))
		return with_words(p, left, right);
	return join(p, NODE_MUL, left, right);
}

/* ---- dates, which are no quotients or differences ---- */

enum { MONTHS = 12, DAYS = 31 };

static bool date_small(const struct node *n)
{
	return n->text.n <= 2 && n->num.whole >= 1 && n->num.whole <= DAYS;
}

static bool date_two_digits(const struct node *n)
{
	return n->text.n == 2;
}

static bool date_year(const struct node *n)
{
	return n->text.n == 4 && *n->text.p != '0' && n->num.whole >= 1000;
}

/* A month and a day, whichever comes first */
static bool month_day(const struct node *a, const struct node *b)
{
	return date_small(a) && date_small(b) && (a->num.whole <= MONTHS || b->num.whole <= MONTHS);
}

/* 1/2/2024, 2024/1/2, 01/02/24 */
static bool with_slashes(const struct node *a, const struct node *b, const struct node *c)
{
	if (month_day(a, b))
		return date_year(c) ||
		       (date_two_digits(a) && date_two_digits(b) && date_two_digits(c) &&
			(*a->text.p == '0' || *b->text.p == '0'));
	return date_year(a) && month_day(b, c);
}

static bool adjoin(const struct node *a, const struct node *b)
{
	return b->text.p == a->text.p + a->text.n + 1;
}

/* 2024-01-02, 01-02-2024: other lengths, or spaces, and it may be a difference. */
static bool with_dashes(const struct node *a, const struct node *b, const struct node *c)
{
	if (!adjoin(a, b) || !adjoin(b, c) || !date_two_digits(b))
		return false;
	return (date_year(a) && month_day(b, c) && date_two_digits(c)) ||
	       (date_year(c) && month_day(a, b) && date_two_digits(a));
}

/* The date that left and right with the sign / or - between them make, where left is two numbers
 * with that sign; 0: none */
static int parse_date(struct parse *p, int left, int right, char sign)
{
	enum node_kind kind = sign == '/' ? NODE_DIV : NODE_ADD;
	const struct node *l = parse_node(p, left);
	int a = l->first, b = l->last, x;

	if (l->kind != kind || l->n != 2 || l->flags & HAS_PAREN)
		return 0;
	if (sign == '-' && parse_node(p, b)->kind == NODE_NEG)
		b = parse_node(p, b)->first;
	else if (sign == '-')
		return 0;
	if (!parse_whole(p, a) || !parse_whole(p, b) || !parse_whole(p, right) ||
	    !parse_node(p, a)->text.n ||
	    !(sign == '/' ? with_slashes : with_dashes)(parse_node(p, a), parse_node(p, b),
							parse_node(p, right)))
		return 0;
	x = parse_text(p, NODE_CALL, (struct span){"date", 4});
	x = node_add(p->a, x, node_again(p->a, a));
	x = node_add(p->a, x, node_again(p->a, b));
	return node_add(p->a, x, right);
}

static int parse_environment(struct parse *p, bool brace);

/* ---- brackets ---- */

/* The kind of x becomes kind if it is a list that stands open, else x is its only child. */
static int as(struct parse *p, int x, enum node_kind kind)
{
	struct node *n = parse_node(p, x);

	if (n->kind != NODE_LIST || (n->flags & HAS_PAREN))
		return node_one(p->a, kind, x);
	n->kind = (uint8_t)kind;
	return x;
}

/* What stands in brackets: | and : mean there what they mean outside of all. */
static int parse_inside(struct parse *p, bool in_set)
{
	bool bars = p->in_bars, set = p->in_set;
	int x;

	p->in_bars = false;
	p->in_set = in_set;
	x = parse_expr(p, BIND_NOTHING);
	p->in_bars = bars;
	p->in_set = set;
	return x;
}

/* {...} */
static int parse_group(struct parse *p)
{
	bool in_square = p->in_square;
	int x;

	parse_advance(p);
	if (parse_at(p, '}')) {
		parse_advance(p);
		return parse_expr(p, BIND_POWER); /* {}x */
	}
	p->in_square = false;
	x = parse_inside(p, false);
	p->in_square = in_square;
	if (!parse_at(p, '}'))
		return 0;
	parse_advance(p);
	return x;
}

/* (a, b), [a, b), ]a, b[ and (a) */
static int parse_bracketed(struct parse *p)
{
	char open = (char)p->tok.op, close;
	int x, kids;
	bool is_list, in_square = p->in_square;

	parse_advance(p);
	p->in_square = open != '(';
	x = parse_inside(p, false);
	p->in_square = in_square;
	close = parse_at(p, ')') ? ')' : parse_at(p, ']') ? ']' : parse_at(p, '[') ? '[' : '\0';
	if (!x || !close || (close == '[' && open == '('))
		return 0;
	parse_advance(p);
	is_list = parse_node(p, x)->kind == NODE_LIST && !(parse_node(p, x)->flags & HAS_PAREN);
	kids = is_list ? parse_node(p, x)->n : 1;
	if (!is_list)
		return open != ']' ? parse_shut(p, x) : 0;
	parse_node(p, x)->kind = NODE_TUPLE;
	if ((open == '(' && close == ')') || (open == '[' && close == ']' && kids != 2))
		return x;
	if (kids != 2)
		return 0;
	parse_node(p, x)->kind = NODE_INTERVAL;
	parse_node(p, x)->op =
		(uint8_t)((open != '[' ? OPEN_LEFT : 0) | (close != ']' ? OPEN_RIGHT : 0));
	return x;
}

static int parse_set(struct parse *p)
{
	int x;

	parse_advance(p);
	if (p->tok.t == TOKEN_ENDSET) {
		parse_advance(p);
		return node_new(p->a, NODE_SET);
	}
	if (p->tok.t == TOKEN_BEGIN) { /* \left\{ \begin{array} ... \right. */
		x = parse_environment(p, true);
		if (p->tok.t == TOKEN_ENDSET)
			parse_advance(p);
		return x;
	}
	x = parse_inside(p, true);
	if (p->tok.t != TOKEN_ENDSET)
		return 0;
	parse_advance(p);
	return as(p, x, NODE_SET);
}

static int parse_angle(struct parse *p)
{
	int x;

	parse_advance(p);
	x = parse_inside(p, false);
	if (p->tok.t != TOKEN_ENDANGLE)
		return 0;
	parse_advance(p);
	return as(p, x, NODE_TUPLE);
}

static int parse_bars(struct parse *p)
{
	bool before = p->in_bars, set_before = p->in_set;
	int x;

	parse_advance(p);
	p->in_bars = true;
	p->in_set = false;
	x = parse_expr(p, BIND_REL);
	p->in_bars = before;
	p->in_set = set_before;
	if (p->tok.t != TOKEN_ENDBAR && !parse_at(p, '|'))
		return 0;
	parse_advance(p);
	x = node_one(p->a, NODE_ABS, x);
	parse_node(p, x)->flags |= HAS_CORNER;
	return x;
}

/* f(x) */
static int parse_applied(struct parse *p, enum function f, int x)
{
	int y = node_new(p->a, NODE_FUNC);

	parse_node(p, y)->op = (uint8_t)f;
	if (f == FUNC_SQRT || f == FUNC_FLOOR || f == FUNC_CEIL)
		parse_node(p, y)->flags |= HAS_CORNER;
	return node_add(p->a, y, x);
}

static int parse_floor_ceiling(struct parse *p)
{
	enum function f = p->tok.op ? FUNC_CEIL : FUNC_FLOOR;
	int x;

	parse_advance(p);
	x = parse_inside(p, false);
	if (p->tok.t != TOKEN_ENDFLOOR)
		return 0;
	parse_advance(p);
	return parse_applied(p, f, x);
}

static int parse_bracket(struct parse *p)
{
	switch (p->tok.op) {
	case '{': {
		int x = parse_group(p);

		return parse_node(p, x)->kind == NODE_LIST && !(parse_node(p, x)->flags & HAS_PAREN)
			       ? as(p, x, NODE_SET) /* ${1, 2}$: meant as a set */
			       : parse_shut(p, x);
	}
	case '(':
	case '[':
	case ']':
		return parse_bracketed(p);
	case '|':
		return parse_bars(p);
	default:
		return 0;
	}
}

/* ---- numbers, and commands with arguments ---- */

/* ---- leaves ---- */

/* "1 2/3" with the 1 used: the 2/3, else 0 */
static int plain_fraction(struct parse *p)
{
	struct parse before = *p;
	int a = parse_leaf(p), b = 0;

	if (parse_at(p, '/')) {
		parse_advance(p);
		if (p->tok.t == TOKEN_NUM && p->tok.num.is_whole)
			b = parse_leaf(p);
	}
	if (!b)
		*p = before;
	return b ? node_two(p->a, NODE_DIV, a, b) : 0;
}

static int parse_number(struct parse *p)
{
	int x = parse_leaf(p), y = 0;

	if (p->tok.t == TOKEN_NUM) {
		if (parse_whole(p, x) && p->tok.num.is_whole)
			y = plain_fraction(p);
		if (!y)
			return 0; /* 3 5: no product is written so */
	} else if (!parse_whole(p, x)) {
		return x;
	} else if (p->tok.t == TOKEN_FRAC) {
		y = parse_operand(p);
		if (!y)
			return 0;
		if (!(parse_whole(p, node_kid(p->a, y, 0)) && parse_whole(p, node_kid(p->a, y, 1))))
			return parse_product(p, x, y); /* 2\frac{x}{3} */
	}
	return y ? parse_shut(p, node_two(p->a, NODE_ADD, x, y)) : x;
}

/* What a command takes: {...}, one digit or one letter, another command */
static int parse_argument(struct parse *p)
{
	struct token t;

	p->lex.p = p->tok.start; /* again, a digit at a time */
	p->lex.brackets = p->tok_brackets;
	if (p->tok.start && p->tok.t != TOKEN_END && lex_argument(&p->lex, &t)) {
		parse_advance(p);
		return leaf_of(p, &t);
	}
	parse_advance(p);
	return parse_at(p, '{') ? parse_shut(p, parse_group(p)) : parse_operand(p);
}

static int two_arguments(struct parse *p, enum node_kind kind)
{
	int x;

	parse_advance(p);
	x = parse_argument(p);
	return x ? node_two(p->a, kind, x, parse_argument(p)) : 0;
}

static int parse_currency(struct parse *p)
{
	struct span name = p->tok.s;
	int x;

	parse_advance(p);
	x = parse_expr(p, BIND_PRODUCT);
	return node_two(p->a, NODE_UNIT, x, parse_text(p, NODE_TEXT, name));
}

/* ---- functions, roots, sums ---- */

static int parse_root(struct parse *p)
{
	bool command = p->tok.s.n && p->tok.s.p > p->lex.begin && p->tok.s.p[-1] == '\\';
	int index = 0, x;

	parse_advance(p);
	if (parse_at(p, '[')) {
		parse_advance(p);
		index = parse_inside(p, false);
		if (!index || !parse_at(p, ']'))
			return 0;
		parse_advance(p);
	}
	x = command || parse_at(p, '{') ? parse_argument(p) : parse_operand(p);
	if (!index)
		return parse_applied(p, FUNC_SQRT, x);
	return node_two(p->a, NODE_POW, x, node_two(p->a, NODE_DIV, node_whole(p->a, 1), index));
}

static bool takes_no_more(const struct parse *p)
{
	return !parse_begins_factor(p) || p->tok.t == TOKEN_FUNC || p->tok.t == TOKEN_NAMED ||
	       p->tok.t == TOKEN_BIG || p->tok.t == TOKEN_TEXT;
}

static int function_argument(struct parse *p)
{
	int x;

	if (parse_at(p, '('))
		return parse_operand(p);
	if (parse_at(p, '-')) {
		parse_advance(p);
		return node_one(p->a, NODE_NEG, parse_expr(p, BIND_PRODUCT));
	}
	x = parse_expr(p, BIND_PRODUCT);
	while (x && !takes_no_more(p)) {
		int y = parse_expr(p, BIND_PRODUCT);

		x = parse_node(p, x)->kind == NODE_MUL && !(parse_node(p, x)->flags & HAS_PAREN)
			    ? node_add(p->a, x, y)
			    : node_two(p->a, NODE_MUL, x, y);
	}
	return x;
}

static bool minus_one(const struct parse *p, int x)
{
	const struct node *n = parse_node(p, x);

	return n->kind == NODE_NEG && parse_whole(p, n->first) &&
	       parse_node(p, n->first)->num.whole == 1;
}

static int applied(struct parse *p, enum function f, int base, int exponent)
{
	int x;

	if (exponent && minus_one(p, exponent) && f >= FUNC_SIN && f <= FUNC_CSC) {
		f = f - FUNC_SIN + FUNC_ASIN;
		exponent = 0;
	}
	x = parse_applied(p, base && f == FUNC_LOG ? FUNC_LN : f, function_argument(p));
	if (base && f == FUNC_LOG)
		x = node_two(p->a, NODE_DIV, x, parse_applied(p, FUNC_LN, base));
	return exponent ? node_two(p->a, NODE_POW, x, exponent) : x;
}

/* \sin^2 x, \log_2 8 */
static int parse_function(struct parse *p)
{
	enum function f = p->tok.op;
	int base = 0, exponent = 0;

	parse_advance(p);
	while (parse_at(p, '^') || parse_at(p, '_')) {
		bool up = parse_at(p, '^');
		int *to = up ? &exponent : &base;

		parse_advance(p);
		if (*to || !(*to = parse_argument(p)))
			return 0;
	}
	if (base && f != FUNC_LOG)
		return 0;
	return applied(p, f, base, exponent);
}

/* The children of a tuple, or the one that x is, as those of the call */
static int call_with(struct parse *p, struct span name, int x)
{
	int c = parse_text(p, NODE_CALL, name);

	if (parse_node(p, x)->kind != NODE_TUPLE && parse_node(p, x)->kind != NODE_SET)
		return node_add(p->a, c, x);
	for (int k = parse_node(p, x)->first, next; k; k = next) {
		next = parse_node(p, k)->next;
		parse_node(p, k)->next = 0;
		c = node_add(p->a, c, k);
	}
	return c;
}

static int parse_only_named(struct parse *p)
{
	struct span name = p->tok.s;

	parse_advance(p);
	if (!parse_begins_factor(p) && !parse_at(p, '-') && !parse_at(p, '[') &&
	    p->tok.t != TOKEN_SET)
		return parse_text(p, NODE_SYM, name); /* \max = 5, k_{\min} */
	return call_with(p, name, parse_operand(p));
}

static int parse_decorated(struct parse *p)
{
	struct span name = p->tok.s;

	parse_advance(p);
	return call_with(p, name, parse_argument(p));
}

/* Behind the closing bracket of the one that was read, p->lex behind it; NULL: it has letters or
 * more brackets in it than names of arguments have. any: everything but brackets may be in it. */
static const char *arguments_end(const struct parse *p, char close, bool any)
{
	const char *q = p->lex.p;

	while (q < p->lex.end && *q != close) {
		const char *from = q;

		while (q < p->lex.end && text_letter(*q))
			q++;
		if (q == p->lex.end)
			return NULL;
		if (q - from > 1 && from[-1] != '\\' && !any)
			return NULL;
		if (q == from && !any && !(strchr("\\ ,_", *q) || text_digit(*q)))
			return NULL;
		if (strchr("([", *q) && any)
			return NULL;
		q += q == from;
	}
	return q < p->lex.end && q > p->lex.p ? q + 1 : NULL;
}

/* Does = follow at q? */
static bool equals_at(const struct parse *p, const char *q)
{
	while (q < p->lex.end && (text_blank(*q) || *q == '$' || *q == ':'))
		q++;
	return q < p->lex.end &&
	       (*q == '=' || (p->lex.end - q > 6 && memcmp(q, "\\equiv", 6) == 0));
}

/* Does a side of an equation, or of a list, begin at q? */
static bool begins_side(const struct parse *p, const char *q)
{
	while (q > p->lex.begin && (text_blank(q[-1]) || q[-1] == '$'))
		q--;
	if (q == p->lex.begin || strchr(",;=:{}&", q[-1]))
		return true;
	return (q - p->lex.begin >= 3 && memcmp(q - 3, "and", 3) == 0) ||
	       (q - p->lex.begin >= 2 && memcmp(q - 2, "or", 2) == 0) ||
	       (q - p->lex.begin >= 2 && q[-2] == '\\') ||
	       (q - p->lex.begin >= 4 && memcmp(q - 4, "quad", 4) == 0);
}

/* Is the name begun at start the function that an equation begins with, p(x) = ...? The token that
 * opens its bracket is the next one. */
static bool defines(const struct parse *p, const char *start)
{
	const char *end = arguments_end(p, parse_at(p, '(') ? ')' : ']', false);

	if (!end || !begins_side(p, start) || !equals_at(p, end))
		return false;
	return parse_at(p, '(');
}

/* P(A|B) = ..., E[X] = ...: whatever stands in the brackets belongs to the name. */
static bool names_probability(const struct parse *p, struct span name, const char *start)
{
	const char *end;

	if (!span_is(name, "P") && !span_is(name, "E") && !span_is(name, "Pr"))
		return false;
	if (!parse_at(p, '(') && !parse_at(p, '['))
		return false;
	end = arguments_end(p, parse_at(p, '(') ? ')' : ']', true);
	return end && begins_side(p, start) && equals_at(p, end);
}

/* The bracket that comes next, read as nothing but a name */
static int opaque_call(struct parse *p, struct span name)
{
	const char *end = arguments_end(p, parse_at(p, '(') ? ')' : ']', true);
	struct span inside = {p->lex.p, (size_t)(end - 1 - p->lex.p)};
	int x = parse_text(p, NODE_SYM, inside);

	p->lex.p = end;
	p->lex.brackets--;
	parse_advance(p);
	return node_add(p->a, parse_text(p, NODE_CALL, name), x);
}

static bool is_tuple(const struct parse *p, int x)
{
	return parse_node(p, x)->kind == NODE_TUPLE;
}

static bool names_point(const struct node *n)
{
	return n->kind == NODE_SYM && n->text.n == 1 && *n->text.p >= 'A' && *n->text.p <= 'Z';
}

/* A(1, 2) is A = (1, 2). */
static int point(struct parse *p, int name, int tuple)
{
	parse_node(p, tuple)->rel = REL_EQ;
	return node_two(p->a, NODE_REL, name, tuple);
}

static int parse_symbol(struct parse *p)
{
	struct span name = p->tok.s;
	const char *start = p->tok.start;
	int x = parse_leaf(p);

	if (names_probability(p, name, start))
		return opaque_call(p, name);
	if (parse_at(p, '(') && ((name.n == 1 && strchr("fghFGH", *name.p)) || defines(p, start))) {
		int y = parse_operand(p);

		if (is_tuple(p, y) && names_point(parse_node(p, x)) &&
		    !(parse_node(p, y)->flags & HAS_SYM))
			return point(p, x, y); /* F(1, 0) */
		return call_with(p, name, y);
	}
	return x;
}

/* \mathbb{R}, or the \mathbb{E} of an expectation */
static int parse_numbers(struct parse *p)
{
	struct span name = p->tok.op == 'E' ? (struct span){"E", 1} : (struct span){"P", 1};
	bool set = p->tok.op != 'E' && p->tok.op != 'P';
	const char *start = p->tok.start;
	int x = parse_leaf(p);

	return !set && names_probability(p, name, start) ? opaque_call(p, name) : x;
}

static int parse_big(struct parse *p)
{
	int x = parse_text(p, NODE_BIG, p->tok.s), from = 0, to = 0;

	parse_node(p, x)->op = p->tok.op;
	parse_advance(p);
	while (parse_at(p, '^') || parse_at(p, '_')) {
		int *where = parse_at(p, '_') ? &from : &to;

		parse_advance(p);
		if (!(*where = parse_argument(p)))
			return 0;
	}
	x = node_add(p->a, x, from ? from : node_new(p->a, NODE_DOTS));
	x = node_add(p->a, x, to ? to : node_new(p->a, NODE_DOTS));
	return node_add(p->a, x, parse_expr(p, BIND_SUM));
}

/* What stands behind mod, which has been used */
static int parse_modulus(struct parse *p, int op)
{
	int x = parse_expr(p, BIND_PRODUCT);

	if (op == MOD_BRACKET && !parse_at(p, ')'))
		return 0;
	if (op == MOD_BRACKET)
		parse_advance(p);
	return x;
}

/* mod without a value before it */
static int parse_lone_modulus(struct parse *p)
{
	struct span name = {"mod", 3};
	int op = p->tok.op;

	parse_advance(p);
	return call_with(p, name, parse_modulus(p, op));
}

/* ---- environments: matrices, lines ---- */

static bool environment_in(struct span s, const char *const *names)
{
	for (; *names; names++)
		if (span_is(s, *names))
			return true;
	return false;
}

/* "if" and the like at the beginning of a cell */
static void skip_if(struct parse *p)
{
	static const char *const word[] = {"if",    "If",   "when", "for", "whenever",
					   "where", "When", "For",  NULL};

	while (parse_at(p, ',') || (p->tok.t == TOKEN_TEXT && environment_in(p->tok.s, word)))
		parse_advance(p);
}

/* A row of cells into x: how many */
static int parse_row(struct parse *p, int *x)
{
	int n = 0;

	while (p->tok.t != TOKEN_ROW && p->tok.t != TOKEN_ENDENV) {
		skip_if(p);
		*x = node_add(p->a, *x, parse_inside(p, false));
		n++;
		if (!*x || !parse_at(p, '&'))
			break;
		parse_advance(p);
	}
	return n;
}

static int parse_rows(struct parse *p, int x)
{
	int columns = 0;

	while (x && p->tok.t != TOKEN_ENDENV) {
		int n = parse_row(p, &x);

		if (n && columns && n != columns)
			return 0;
		columns = n ? n : columns;
		if (p->tok.t == TOKEN_ROW)
			parse_advance(p);
		else if (p->tok.t != TOKEN_ENDENV)
			return 0;
	}
	if (columns < 1 || columns > 255)
		return 0;
	parse_node(p, x)->op = (uint8_t)columns;
	return x;
}

/* Do all cells have that kind? */
static bool all_cells(const struct parse *p, int x, enum node_kind kind)
{
	for (int k = parse_node(p, x)->first; k; k = parse_node(p, k)->next)
		if (parse_node(p, k)->kind != kind)
			return false;
	return true;
}

static int as_list(struct parse *p, int x)
{
	parse_node(p, x)->kind = NODE_LIST;
	parse_node(p, x)->op = ',';
	parse_node(p, x)->flags &= ~(unsigned)HAS_MATRIX;
	return x;
}

/* x, the rows behind a brace: a system of equations is a list of them, and a comma in rows of one
 * column parts what holds from when it does. */
static int as_cases(struct parse *p, int x)
{
	int y = node_new(p->a, NODE_MATRIX);

	if (parse_node(p, x)->op > 1) {
		parse_node(p, x)->text = (struct span){"cases", 5};
		return x;
	}
	if (!all_cells(p, x, NODE_LIST))
		return as_list(p, x);
	for (int k = parse_node(p, x)->first; k; k = parse_node(p, k)->next) {
		if (parse_node(p, k)->n != 2)
			return as_list(p, x);
		y = node_add(p->a, y, node_again(p->a, parse_node(p, k)->first));
		y = node_add(p->a, y, node_again(p->a, parse_node(p, k)->last));
	}
	parse_node(p, y)->op = 2;
	parse_node(p, y)->text = (struct span){"cases", 5};
	parse_node(p, y)->flags |= HAS_MATRIX;
	return y;
}

static int parse_environment(struct parse *p, bool brace)
{
	static const char *const matrix[] = {"pmatrix", "bmatrix",     "matrix", "Bmatrix",
					     "array",   "smallmatrix", NULL};
	static const char *const line[] = {"align",    "align*", "aligned",  "gather",    "gather*",
					   "gathered", "split",  "equation", "equation*", NULL};
	static const char *const cases[] = {"cases", "dcases", "rcases", NULL};
	struct span name = lex_braced(&p->lex);
	bool lines_before = p->lines, is_line = environment_in(name, line);
	int x = node_new(p->a, NODE_MATRIX);

	if (span_is(name, "array"))
		lex_braced(&p->lex);
	parse_node(p, x)->flags |= HAS_MATRIX;
	if (!environment_in(name, matrix))
		parse_node(p, x)->text = name;
	p->lex.rows++;
	p->lines = is_line;
	parse_advance(p);
	x = parse_rows(p, x);
	p->lines = lines_before;
	p->lex.rows--;
	if (!x || p->tok.t != TOKEN_ENDENV)
		return 0;
	lex_braced(&p->lex);
	parse_advance(p);
	if (environment_in(name, cases) || (brace && span_is(name, "array")))
		return as_cases(p, x);
	if (span_is(name, "array") && parse_node(p, x)->op == 1 &&
	    (all_cells(p, x, NODE_TUPLE) || all_cells(p, x, NODE_REL)))
		is_line = true;
	if (!is_line)
		return x;
	return parse_node(p, x)->n == 1 ? parse_node(p, x)->first : as_list(p, x);
}

/* ---- which operand comes next ---- */

static int operand(struct parse *p)
{
	switch (p->tok.t) {
	case TOKEN_NUM:
		return parse_number(p);
	case TOKEN_SYM:
		return parse_symbol(p);
	case TOKEN_NUMBERS:
		return parse_numbers(p);
	case TOKEN_OP:
		return parse_bracket(p);
	case TOKEN_SET:
		return parse_set(p);
	case TOKEN_ANGLE:
		return parse_angle(p);
	case TOKEN_BAR:
		return parse_bars(p);
	case TOKEN_FLOOR:
		return parse_floor_ceiling(p);
	case TOKEN_FRAC:
		return parse_shut(p, two_arguments(p, NODE_DIV));
	case TOKEN_BINOM:
		return two_arguments(p, NODE_BINOM);
	case TOKEN_SQRT:
		return parse_root(p);
	case TOKEN_FUNC:
		return parse_function(p);
	case TOKEN_NAMED:
		return parse_only_named(p);
	case TOKEN_DECOR:
		return parse_decorated(p);
	case TOKEN_WRAP:
		parse_advance(p);
		return parse_argument(p);
	case TOKEN_BIG:
		return parse_big(p);
	case TOKEN_BEGIN:
		return parse_environment(p, false);
	case TOKEN_MONEY:
		return parse_currency(p);
	case TOKEN_MOD:
		return parse_lone_modulus(p);
	default:
		return parse_leaf(p);
	}
}

static int parse_operand(struct parse *p)
{
	int x;

	if (++p->depth > PARSE_DEPTH)
		p->a->full = true;
	x = p->a->full ? 0 : operand(p);
	p->depth--;
	return x;
}

static int parse_quotient(struct parse *p, int left, int right)
{
	int date = parse_date(p, left, right, '/');

	if (date)
		return date;
	if (unit_like(p, right) && open_kind(p, left, NODE_UNIT)) /* 5 m / s */
		return node_two(p->a, NODE_UNIT, node_again(p->a, parse_node(p, left)->first),
				node_two(p->a, NODE_DIV,
					 node_again(p->a, parse_node(p, left)->last), right));
	if (unit_like(p, right) && !unit_like(p, left))
		return node_two(p->a, NODE_UNIT, left, right);
	return node_two(p->a, NODE_DIV, left, right);
}

/* ---- infix and postfix operators; the token that they begin with has been used ---- */

static int parse_sum(struct parse *p, int left, bool minus)
{
	int right = parse_expr(p, BIND_SUM), date = minus ? parse_date(p, left, right, '-') : 0;

	return date ? date
		    : join(p, NODE_ADD, left, minus ? node_one(p->a, NODE_NEG, right) : right);
}

static int plus_minus(struct parse *p, int left, int op)
{
	int right = node_one(p->a, NODE_PM, parse_expr(p, BIND_SUM));

	parse_node(p, right)->op = (uint8_t)op;
	parse_node(p, right)->flags |= HAS_PM;
	return left ? join(p, NODE_ADD, left, right) : right;
}

static bool closes(const struct parse *p)
{
	switch (p->tok.t) {
	case TOKEN_END:
	case TOKEN_ENDSET:
	case TOKEN_ENDANGLE:
	case TOKEN_ENDENV:
	case TOKEN_ROW:
		return true;
	default:
		return parse_at(p, ')') || parse_at(p, ']') || parse_at(p, '}') ||
		       (p->lex.rows && parse_at(p, '&'));
	}
}

/* sep: , ; or the a, o of and, or */
static int parse_list(struct parse *p, int left, int sep)
{
	int right, bind = sep == ';' ? BIND_SEMICOLON : BIND_COMMA;

	while (parse_at(p, ',') || parse_at(p, ';') || p->tok.t == TOKEN_JOIN) {
		sep = sep == ';' ? sep : p->tok.op;
		parse_advance(p);
	}
	if (closes(p))
		return sep == ',' || sep == ';' ? left : 0; /* 5 or more */
	right = parse_expr(p, bind);
	if (open_kind(p, left, NODE_LIST) && (parse_node(p, left)->op == ';') == (sep == ';'))
		left = node_add(p->a, left, right);
	else
		left = node_two(p->a, NODE_LIST, left, right);
	parse_node(p, left)->op = (uint8_t)sep;
	return left;
}

static int parse_relation(struct parse *p, int left, const struct token *t)
{
	int right = parse_expr(p, BIND_REL);

	if (!right)
		return 0;
	parse_node(p, right)->rel = t->op;
	left = join(p, NODE_REL, left, right);
	if (t->op == REL_OTHER) /* which one */
		parse_node(p, left)->text = t->s;
	return left;
}

/* The degree sign has been used; of a temperature a C or F follows. */
static int parse_degrees(struct parse *p, int left)
{
	int unit;

	if (p->tok.t != TOKEN_SYM || !(span_is(p->tok.s, "C") || span_is(p->tok.s, "F")))
		return node_one(p->a, NODE_DEG, left);
	unit = parse_text(p, NODE_TEXT, p->tok.s);
	parse_advance(p);
	return node_two(p->a, NODE_UNIT, left, unit);
}

static bool degree_sign(struct parse *p)
{
	struct parse before = *p;
	bool braces = parse_at(p, '{');

	if (braces)
		parse_advance(p);
	if (p->tok.t == TOKEN_DEGREE) {
		parse_advance(p);
		if (braces && parse_at(p, '}'))
			parse_advance(p);
		return true;
	}
	*p = before;
	return false;
}

/* How many ' stand behind a ^, or in {} there; they are used. */
static int prime_signs(struct parse *p)
{
	struct parse before = *p;
	bool braces = parse_at(p, '{');
	int n = 0;

	if (braces)
		parse_advance(p);
	for (; parse_at(p, '\'') && (!n || braces); n++)
		parse_advance(p);
	if (n && braces && parse_at(p, '}'))
		parse_advance(p);
	else if (braces)
		n = 0;
	if (!n)
		*p = before;
	return n;
}

static int parse_exponent(struct parse *p)
{
	bool minus = parse_at(p, '-');
	int x;

	if (minus || parse_at(p, '+'))
		parse_advance(p);
	if (p->tok.t == TOKEN_NUM) {
		x = node_new(p->a, NODE_NUM);
		parse_node(p, x)->num = p->tok.num;
		parse_advance(p);
	} else {
		x = parse_argument(p);
	}
	if (parse_at(p, '^') && p->depth < PARSE_DEPTH) {
		p->depth++;
		parse_advance(p);
		x = node_two(p->a, NODE_POW, x, parse_exponent(p));
		p->depth--;
	}
	return minus ? node_one(p->a, NODE_NEG, x) : x;
}

/* Is left the name of a function, of which the argument in brackets comes next? */
static bool applies(const struct parse *p, int left)
{
	const struct node *n = parse_node(p, left);
	const char *end = parse_at(p, '(') ? arguments_end(p, ')', true) : NULL;

	return end && n->kind == NODE_SYM && n->text.n == 1 &&
	       (strchr("fghFGH", *n->text.p) || equals_at(p, end));
}

/* left with so many primes; with the brackets behind them where it is a function, f'(2) */
static int parse_derivative(struct parse *p, int left, int primes)
{
	int x = left;

	if (applies(p, left))
		x = call_with(p, parse_node(p, left)->text, parse_operand(p));
	for (; primes > 0; primes--)
		x = node_add(p->a, parse_text(p, NODE_CALL, (struct span){"'", 1}), x);
	return x;
}

/* f^{-1}(3), of which the brackets come next */
static int parse_inverse(struct parse *p, int left)
{
	int x = call_with(p, parse_node(p, left)->text, parse_operand(p));

	return node_add(p->a, parse_text(p, NODE_CALL, (struct span){"inverse", 7}), x);
}

static int parse_power(struct parse *p, int left)
{
	int x, primes;

	if (degree_sign(p))
		return parse_degrees(p, left);
	primes = prime_signs(p);
	if (primes)
		return parse_derivative(p, left, primes);
	if (parse_at(p, '*')) { /* x^* */
		parse_advance(p);
		return node_add(p->a, parse_text(p, NODE_CALL, (struct span){"*", 1}), left);
	}
	x = parse_exponent(p);
	if (minus_one(p, x) && applies(p, left))
		return parse_inverse(p, left);
	if (parse_node(p, x)->kind == NODE_TEXT) /* 5^{th} */
		return node_two(p->a, NODE_UNIT, left, x);
	return node_two(p->a, NODE_POW, left, x);
}

static int parse_call(struct parse *p, const char *name, size_t n, int left, int right)
{
	int x = parse_text(p, NODE_CALL, (struct span){name, n});

	return node_add(p->a, node_add(p->a, x, left), right);
}

/* The number that words in a base say: 204_{\text{five}} */
static int in_figures(struct parse *p, int x)
{
	static const char *const word[] = {"two",   "three", "four", "five",   "six",   "seven",
					   "eight", "nine",  "ten",  "eleven", "twelve"};

	for (int i = 0; i < (int)(sizeof word / sizeof *word); i++)
		if (parse_node(p, x)->kind == NODE_TEXT && span_is(parse_node(p, x)->text, word[i]))
			return node_whole(p->a, i + 2);
	return x;
}

static int parse_money(struct parse *p, int left)
{
	int unit = parse_text(p, NODE_TEXT, p->tok.s);

	parse_advance(p);
	return node_two(p->a, NODE_UNIT, left, unit);
}

/* How strongly the next token binds as an operator between what is and what comes; 0: it does not
 */
static int strength_of_character(const struct parse *p)
{
	switch (p->tok.op) {
	case ',':
		return BIND_COMMA;
	case ';':
		return BIND_SEMICOLON;
	case ':':
		return p->in_set ? BIND_SUCH : BIND_RATIO;
	case '|':
		return p->in_set && !p->in_bars ? BIND_SUCH : p->in_bars ? 0 : BIND_PRODUCT;
	case '+':
	case '-':
		return BIND_SUM;
	case '*':
	case '/':
		return BIND_PRODUCT;
	case '^':
	case '!':
	case '\'':
		return BIND_POWER;
	case '_':
		return BIND_INDEX;
	default:
		return parse_begins_factor(p) ? BIND_PRODUCT : 0;
	}
}

static int strength(const struct parse *p)
{
	switch (p->tok.t) {
	case TOKEN_OP:
		return strength_of_character(p);
	case TOKEN_JOIN:
		return BIND_COMMA;
	case TOKEN_REL:
		return BIND_REL;
	case TOKEN_UNION:
	case TOKEN_LESS:
		return BIND_UNION;
	case TOKEN_PM:
	case TOKEN_MOD:
		return BIND_SUM;
	case TOKEN_OVER:
	case TOKEN_CHOOSE:
		return BIND_OVER;
	case TOKEN_PERCENT:
	case TOKEN_DEGREE:
		return BIND_POWER;
	case TOKEN_MONEY:
		return BIND_PRODUCT;
	default:
		return parse_begins_factor(p) ? BIND_PRODUCT : 0;
	}
}

/* The numbers of that part, as above */
static int numbers_from(struct parse *p, int left, char part)
{
	int zero, all, x;

	if (part == 'N' || part == 'W') {
		parse_node(p, left)->op = (uint8_t)part;
		return left;
	}
	zero = node_whole(p->a, 0);
	all = node_new(p->a, NODE_CONST);
	parse_node(p, all)->op = 'o';
	if (part == '-')
		all = node_one(p->a, NODE_NEG, all);
	x = part == '-' ? node_two(p->a, NODE_INTERVAL, all, zero)
			: node_two(p->a, NODE_INTERVAL, zero, all);
	parse_node(p, x)->op = part == '[' ? OPEN_RIGHT : OPEN_LEFT | OPEN_RIGHT;
	return x;
}

/* The argument of ^ or _ as it is written, without braces and blanks; *end: behind it */
static struct span raw_argument(const struct parse *p, char *s, size_t max, const char **end)
{
	const char *q = p->tok.start, *stop = p->lex.end;
	bool braces = q && q < stop && *q == '{';
	size_t n = 0;

	for (q += braces; q && q < stop && n < max && (!braces || *q != '}'); q++) {
		if (!text_blank(*q))
			s[n++] = *q;
		if (!braces && (*s != '\\' || !text_letter(q + 1 < stop ? q[1] : ' '))) {
			q++;
			break;
		}
	}
	*end = braces ? q + (q < stop) : q;
	return (struct span){s, n};
}

/* The numbers of a set above or below 0: \mathbb{Z}^+, \mathbb{R}_{\ge 0}; 0: other than these */
static int part_of_numbers(struct parse *p, int left)
{
	static const struct {
		char set, part; /* N: positive, W: whole numbers from 0, as intervals ( [ and - */
		const char *sign;
	} parts[] = {{'Z', 'N', "+"},      {'Z', 'N', ">0"},     {'Z', 'N', "\\ge1"},
		     {'Z', 'N', "\\geq1"}, {'Z', 'W', "\\ge0"},  {'Z', 'W', "\\geq0"},
		     {'N', 'N', "+"},      {'N', 'N', "*"},      {'N', 'N', "\\ast"},
		     {'N', 'N', ">0"},     {'N', 'W', "0"},      {'N', 'W', "\\ge0"},
		     {'N', 'W', "\\geq0"}, {'R', '(', "+"},      {'R', '(', ">0"},
		     {'R', '[', "\\ge0"},  {'R', '[', "\\geq0"}, {'R', '-', "-"},
		     {'R', '-', "<0"}};
	char sign[8];
	const char *end;
	struct span s;

	if (parse_node(p, left)->kind != NODE_NUMBERS || p->tok.t == TOKEN_END)
		return 0;
	s = raw_argument(p, sign, sizeof sign, &end);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		if (parts[i].set == parse_node(p, left)->op && span_is(s, parts[i].sign)) {
			p->lex.p = end;
			p->lex.brackets = p->tok_brackets;
			parse_advance(p);
			return numbers_from(p, left, parts[i].part);
		}
	return 0;
}

static int apply_character(struct parse *p, int left, int op)
{
	int primes = 1, x = strchr("^_", op) ? part_of_numbers(p, left) : 0;

	if (x)
		return x;
	switch (op) {
	case ',':
	case ';':
		return parse_list(p, left, op);
	case ':':
		return p->in_set ? node_two(p->a, NODE_SUCH, left, parse_expr(p, BIND_SUCH))
				 : join(p, NODE_RATIO, left, parse_expr(p, BIND_RATIO));
	case '|':
		return node_two(p->a, NODE_SUCH, left, parse_expr(p, BIND_SUCH));
	case '+':
	case '-':
		return parse_sum(p, left, op == '-');
	case '*':
		return parse_product(p, left, parse_expr(p, BIND_PRODUCT));
	case '/':
		return parse_quotient(p, left, parse_expr(p, BIND_PRODUCT));
	case '^':
		return parse_power(p, left);
	case '!':
		return node_one(p->a, NODE_FACT, left);
	case '\'':
		while (parse_at(p, '\'')) {
			primes++;
			parse_advance(p);
		}
		return parse_derivative(p, left, primes);
	default: /* _ */
		return parse_call(p, "_", 1, left, in_figures(p, parse_argument(p)));
	}
}

/* 15' behind 52°, 30'' behind these: the other node is the number of them. */
static bool is_minutes(const struct parse *p, int left, int right)
{
	const struct node *r = parse_node(p, right);

	return parse_node(p, left)->kind == NODE_DEG && r->kind == NODE_CALL &&
	       span_is(r->text, "'") && r->n == 1;
}

static int with_minutes(struct parse *p, int left, int right)
{
	int k = parse_node(p, right)->first, parts = 60;

	if (parse_node(p, k)->kind == NODE_CALL) { /* '' */
		k = parse_node(p, k)->first;
		parts = 3600;
	}
	k = node_two(p->a, NODE_DIV, node_again(p->a, k), node_whole(p->a, parts));
	k = node_two(p->a, NODE_ADD, node_again(p->a, parse_node(p, left)->first), k);
	return node_one(p->a, NODE_DEG, k);
}

/* Two factors without a sign between them. "5 feet 3" is no product. */
static int parse_beside(struct parse *p, int left, int right)
{
	const struct node *unit = parse_node(p, parse_node(p, left)->last);

	if (open_kind(p, left, NODE_UNIT) && unit->kind == NODE_TEXT &&
	    text_letter(*unit->text.p) && !unit_like(p, right))
		return 0;
	if (is_tuple(p, right) && (is_tuple(p, left) || open_kind(p, left, NODE_LIST)))
		return join(p, NODE_LIST, left, right); /* (1,2)(3,4) */
	if (is_tuple(p, right) && names_point(parse_node(p, left)))
		return point(p, left, right);
	if (is_minutes(p, left, right))
		return with_minutes(p, left, right);
	if (parse_node(p, right)->kind == NODE_CALL && parse_node(p, right)->n == 1 &&
	    span_is(parse_node(p, right)->text, "mod")) /* 2 \text{ (mod 5)} */
		return parse_call(p, "mod", 3, left, node_again(p->a, parse_node(p, right)->first));
	return parse_product(p, left, right);
}

/* The operator that the next token is, applied to left */
static int parse_apply(struct parse *p, int left)
{
	struct token t = p->tok;

	if (strength(p) == BIND_PRODUCT && parse_begins_factor(p))
		return parse_beside(p, left, parse_expr(p, BIND_PRODUCT));
	if (t.t == TOKEN_MONEY)
		return parse_money(p, left);
	parse_advance(p);
	switch (t.t) {
	case TOKEN_OP:
		return apply_character(p, left, t.op);
	case TOKEN_JOIN:
		return parse_list(p, left, t.op);
	case TOKEN_REL:
		return parse_relation(p, left, &t);
	case TOKEN_UNION:
		return join(p, NODE_UNION, left, parse_expr(p, BIND_UNION));
	case TOKEN_LESS:
		return node_two(p->a, NODE_LESS, left, parse_expr(p, BIND_UNION));
	case TOKEN_PM:
		return plus_minus(p, left, t.op);
	case TOKEN_MOD:
		return parse_call(p, "mod", 3, left, parse_modulus(p, t.op));
	case TOKEN_OVER:
		return node_two(p->a, NODE_DIV, left, parse_expr(p, BIND_OVER));
	case TOKEN_CHOOSE:
		return node_two(p->a, NODE_BINOM, left, parse_expr(p, BIND_OVER));
	case TOKEN_PERCENT:
		return node_one(p->a, NODE_PERCENT, left);
	default: /* TOKEN_DEGREE */
		return parse_degrees(p, left);
	}
}

static int signed_operand(struct parse *p)
{
	bool minus = parse_at(p, '-');

	if (p->tok.t == TOKEN_PM) {
		int op = p->tok.op;

		parse_advance(p);
		return plus_minus(p, 0, op);
	}
	if (!minus && !parse_at(p, '+'))
		return parse_operand(p);
	parse_advance(p);
	return minus ? node_one(p->a, NODE_NEG, parse_expr(p, BIND_SUM)) : parse_expr(p, BIND_SUM);
}

static int parse_expr(struct parse *p, int min)
{
	int left;

	if (++p->depth > PARSE_DEPTH)
		p->a->full = true;
	left = p->a->full ? 0 : signed_operand(p);
	while (left && !p->a->full && strength(p) > min)
		left = parse_apply(p, left);
	p->depth--;
	return p->a->full ? 0 : left;
}

static int parse_all(struct parse *p, struct span text, enum comma comma, bool units)
{
	int x;

	if (text.n > MAX_TEXT)
		return 0;
	lex_init(&p->lex, text, comma);
	p->lex.units = units;
	parse_advance(p);
	while (p->tok.t == TOKEN_JOIN ||
	       (p->tok.t == TOKEN_REL && (p->tok.op == REL_EQ || p->tok.op == REL_APPROX)))
		parse_advance(p); /* = 5 */
	x = parse_expr(p, BIND_NOTHING);
	assert(p->depth == 0 && !p->in_bars && !p->in_set && !p->lines && !p->in_square);
	return p->tok.t == TOKEN_END ? x : 0;
}

int parse_answer(struct arena *a, struct span text, enum comma comma)
{
	return parse_all(&(struct parse){.a = a}, text, comma, false);
}

int parse_measure(struct arena *a, struct span text, enum comma comma)
{
	return parse_all(&(struct parse){.a = a}, text, comma, true);
}
