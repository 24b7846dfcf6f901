/*
 * lex.h - tokens of LaTeX and of plain mathematical text, one after the other.
 *
 * The text has been through fold_signs. $ and \( \[ mean nothing, spaces and sizes neither. A
 * backslash that was doubled on the way
 * through JSON or a program's source is taken as one, but between the rows of a matrix.
 */
#ifndef MATH_LEX_H
#define MATH_LEX_H

#include "base/buf.h"
#include "math/node.h"
#include "math/words.h"

/* What a comma between digits is: 1,234 (outside of parentheses), always one of a list, 1,5. */
enum comma { COMMA_GROUPS, COMMA_LISTS, COMMA_DECIMALS };

struct token {
	uint8_t t, op;     /* enum token_type */
	const char *start; /* where it begins: to read it again otherwise */
	struct span s;
	struct numeral num;
};

struct lex {
	const char *begin, *p, *end;
	enum comma comma;
	int brackets; /* open ones: a comma in them is never of a number */
	bool units;   /* m, s and the like behind a value and a blank are units */
	int rows;     /* environments open: \\ is between rows */
};

void lex_init(struct lex *l, struct span text, enum comma comma);
void lex_next(struct lex *l, struct token *t);
/* The argument of a command, p behind it: one digit, one letter. False: it is something else, which
 * lex_next will read. */
bool lex_argument(struct lex *l, struct token *t);
/* {name}, as behind \begin; empty when it is not there */
struct span lex_braced(struct lex *l);
void lex_spaces(struct lex *l);

#endif
