/*
 * lex.h - tokens of LaTeX and of plain mathematical text, one after the other.
 *
 * The text has been through math_fold. $ and \( \[ mean nothing, spaces and sizes neither. A
 * backslash that was doubled on the way
 * through JSON or a program's source is taken as one, but between the rows of a matrix.
 */
#ifndef MATH_LEX_H
#define MATH_LEX_H

#include "base/buf.h"
#include "math/node.h"
#include "math/words.h"

/* What a comma between digits is: 1,234 (outside of parentheses), always one of a list, 1,5. */
enum math_comma { COMMA_GROUPS, COMMA_LISTS, COMMA_DECIMALS };

struct mtok {
	uint8_t t, op;     /* enum mtok_type */
	const char *start; /* where it begins: to read it again otherwise */
	struct span s;
	struct mnumber num;
};

struct mlex {
	const char *begin, *p, *end;
	enum math_comma comma;
	int brackets; /* open ones: a comma in them is never of a number */
	int rows;     /* environments open: \\ is between rows */
};

void ml_init(struct mlex *l, struct span text, enum math_comma comma);
void ml_next(struct mlex *l, struct mtok *t);
/* The argument of a command, p behind it: one digit, one letter. False: it is something else, which
 * ml_next will read. */
bool ml_argument(struct mlex *l, struct mtok *t);
/* {name}, as behind \begin; empty when it is not there */
struct span ml_braced(struct mlex *l);
void ml_spaces(struct mlex *l);

#endif
