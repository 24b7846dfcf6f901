/* words.h - the words of mathematics: LaTeX commands, names of functions, units, connectives.
 */
#ifndef MATH_WORDS_H
#define MATH_WORDS_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

enum mtok_type {
	MT_END,
	MT_BAD,   /* what no expression holds, or a number without sense */
	MT_OP,    /* op: the character, one of + - * / ^ _ ! , ; : ( ) [ ] { } | & ' */
	MT_NUM,   /* num */
	MT_SYM,   /* s: the name */
	MT_CONST, /* op as MK_CONST */
	MT_FUNC,  /* op: enum mfunc */
	MT_NAMED, /* s: a function of which only the name is known (gcd, max) */
	MT_TEXT,  /* s: words */
	MT_JOIN,  /* and, or; op 'a', 'o' */
	MT_REL,   /* op: enum mrel; s */
	MT_PM,    /* op 1: \mp */
	MT_UNION,
	MT_LESS, /* \setminus */
	MT_FRAC,
	MT_SQRT,
	MT_BINOM,
	MT_CHOOSE,
	MT_OVER,
	MT_BIG,   /* op as MK_BIG; s */
	MT_WRAP,  /* an argument that means itself: \boxed{x} */
	MT_DECOR, /* an argument with something over it: \vec{x}; s */
	MT_BEGIN, /* s: the environment */
	MT_ENDENV,
	MT_ROW,    /* \\ between rows */
	MT_DEGREE, /* \circ, ° */
	MT_DOTS,
	MT_SET,    /* \{ */
	MT_ENDSET, /* \} */
	MT_ANGLE,  /* \langle */
	MT_ENDANGLE,
	MT_FLOOR, /* op 1: ceiling */
	MT_ENDFLOOR,
	MT_BAR,     /* | that opens */
	MT_ENDBAR,  /* | that closes */
	MT_NUMBERS, /* op: 'R', ... */
	MT_EMPTY,   /* the empty set */
	MT_MONEY,   /* s */
	MT_MOD,
	MT_PERCENT,
	/* only in the table of commands */
	MT_SKIP,    /* spacing and sizes */
	MT_SKIPARG, /* the same with an argument */
	MT_WORDS,   /* \text and its like */
	MT_FONT,    /* \mathrm and its like: an argument that may be letters or words */
	MT_DOUBLE,  /* \mathbb */
	MT_LEFT,
	MT_RIGHT,
	MT_NOT,
};

struct mword {
	const char *name;
	uint8_t t, op; /* enum mtok_type */
};

/* The command \name; NULL: not known. */
const struct mword *mw_command(struct span name);
/* A function, constant or connective written as a plain word (sin, pi, and); NULL: not known. */
const struct mword *mw_word(struct span word);
/* The name that all ways to write a unit share (cm, centimeters); NULL: not known. */
const char *mw_unit(struct span word);
/* What a value is multiplied by when that word follows it (thousand); 0: it is none. */
int64_t mw_scale(struct span word);
/* Is the value before it another one by that word (not, squared, tenths)? */
bool mw_changes(struct span word);
/* Do the letters of word make words of a language, not a product of symbols? */
bool mw_wordlike(struct span word);

#endif
