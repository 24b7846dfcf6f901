/* words.h - the words of mathematics: LaTeX commands, names of functions, units, connectives.
 */
#ifndef MATH_WORDS_H
#define MATH_WORDS_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

enum token_type {
	TOKEN_END,
	TOKEN_BAD,   /* what no expression holds, or a number without sense */
	TOKEN_OP,    /* op: the character, one of + - * / ^ _ ! , ; : ( ) [ ] { } | & ' */
	TOKEN_NUM,   /* num */
	TOKEN_SYM,   /* s: the name */
	TOKEN_CONST, /* op as NODE_CONST */
	TOKEN_FUNC,  /* op: enum function */
	TOKEN_NAMED, /* s: a function of which only the name is known (gcd, max) */
	TOKEN_TEXT,  /* s: words */
	TOKEN_JOIN,  /* and, or; op 'a', 'o' */
	TOKEN_REL,   /* op: enum relation; s */
	TOKEN_PM,    /* op 1: \mp */
	TOKEN_UNION,
	TOKEN_LESS, /* \setminus */
	TOKEN_FRAC,
	TOKEN_SQRT,
	TOKEN_BINOM,
	TOKEN_CHOOSE,
	TOKEN_OVER,
	TOKEN_BIG,   /* op as NODE_BIG; s */
	TOKEN_WRAP,  /* an argument that means itself: \boxed{x} */
	TOKEN_DECOR, /* an argument with something over it: \vec{x}; s */
	TOKEN_BEGIN, /* s: the environment */
	TOKEN_ENDENV,
	TOKEN_ROW,    /* \\ between rows */
	TOKEN_DEGREE, /* \circ, ° */
	TOKEN_DOTS,
	TOKEN_SET,    /* \{ */
	TOKEN_ENDSET, /* \} */
	TOKEN_ANGLE,  /* \langle */
	TOKEN_ENDANGLE,
	TOKEN_FLOOR, /* op 1: ceiling */
	TOKEN_ENDFLOOR,
	TOKEN_BAR,     /* | that opens */
	TOKEN_ENDBAR,  /* | that closes */
	TOKEN_NUMBERS, /* op: 'R', ... */
	TOKEN_EMPTY,   /* the empty set */
	TOKEN_MONEY,   /* s */
	TOKEN_MOD,
	TOKEN_PERCENT,
	/* only in the table of commands */
	TOKEN_SKIP,    /* spacing and sizes */
	TOKEN_SKIPARG, /* the same with an argument */
	TOKEN_WORDS,   /* \text and its like */
	TOKEN_FONT,    /* \mathrm and its like: an argument that may be letters or words */
	TOKEN_DOUBLE,  /* \mathbb */
	TOKEN_LEFT,
	TOKEN_RIGHT,
	TOKEN_NOT,
};

struct word {
	const char *name;
	uint8_t t, op; /* enum token_type */
};

/* The command \name; NULL: not known. */
const struct word *word_command(struct span name);
/* A function, constant or connective written as a plain word (sin, pi, and); NULL: not known. */
const struct word *word_known(struct span word);
/* The name that all ways to write a unit share (cm, centimeters); NULL: not known. */
const char *word_unit(struct span word);
/* What a value is multiplied by when that word follows it (thousand); 0: it is none. */
int64_t word_scale(struct span word);
/* Is the value before it another one by that word (not, squared, tenths)? */
bool word_changes(struct span word);
/* Do words behind a value make it a bound or another one (at most, degrees below zero)? */
bool word_bounds(struct span s);
/* Do words with a value say that it is none: not, is wrong, impossible? */
bool word_rejects(struct span s);
/* Do words in front of a value say that it is not so, or only under a condition? */
bool word_denies(struct span s);
/* Do the letters of word make words of a language, not a product of symbols? */
bool word_natural(struct span word);

#endif
