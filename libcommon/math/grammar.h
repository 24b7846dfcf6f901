/*
 * grammar.h - the parser's own: operators (parse.c) and operands: leaves and which kind it
 * is (operand.c), what stands in brackets (bracket.c), functions, roots and sums
 * (call.c), environments (table.c), dates (date.c).
 */
#ifndef MATH_GRAMMAR_H
#define MATH_GRAMMAR_H

#include "math/lex.h"
#include "math/node.h"

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

enum { MP_DEPTH = 80 }; /* calls of mp_expr and mp_operand in each other */

struct mparse {
	struct marena *a;
	struct mlex lex;
	struct mtok tok;  /* the next one, not yet used */
	int tok_brackets; /* lex.brackets before it */
	int depth;
	bool in_bars, in_set; /* | ends an absolute value, | and : mean "such that" */
	bool lines;           /* in an environment where & means nothing */
};

void mp_advance(struct mparse *p);
bool mp_at(const struct mparse *p, char op); /* is the next token this character? */
/* An expression of operators that bind more strongly than min; 0 when there is none. */
int mp_expr(struct mparse *p, int min);
/* A number, a symbol, something in brackets, a function with its argument ... */
int mp_operand(struct mparse *p);
/* What a command takes: {...}, one digit or one letter, another command */
int mp_argument(struct mparse *p);
/* The product of two factors that were parsed; a value, where the second one is its unit */
int mp_product(struct mparse *p, int left, int right);
/* May the next token begin a factor, with no sign between it and the one before? */
bool mp_begins_factor(const struct mparse *p);
int mp_text(struct mparse *p, enum mkind kind, struct span text);

static inline struct mnode *mp_node(const struct mparse *p, int x)
{
	return &p->a->v[x];
}

int mp_shut(struct mparse *p, int x); /* x, as if it stood in parentheses */
int mp_leaf(struct mparse *p);        /* of the next token, which is used; 0: it is none */
bool mp_whole(const struct mparse *p, int x);

/* Those that the next token begins, for mp_operand */
int mp_bracket(struct mparse *p);
int mp_set(struct mparse *p);
int mp_angle(struct mparse *p);
int mp_bars(struct mparse *p);
int mp_floor_ceiling(struct mparse *p);
int mp_root(struct mparse *p);
int mp_function(struct mparse *p);
int mp_only_named(struct mparse *p); /* gcd, max */
int mp_decorated(struct mparse *p);  /* \vec{x} */
int mp_symbol(struct mparse *p);
int mp_modulus(struct mparse *p);
int mp_big(struct mparse *p);
int mp_environment(struct mparse *p);

int mp_group(struct mparse *p); /* {...} */
/* The date that left and right with the sign / or - between them make, where left is two numbers
 * with that sign; 0: none */
int mp_date(struct mparse *p, int left, int right, char sign);
/* What stands in brackets: | and : mean there what they mean outside of all. */
int mp_inside(struct mparse *p, bool in_set);
int mp_applied(struct mparse *p, enum mfunc f, int x); /* f(x) */

#endif
