/*
 * node.h - mathematical expressions as trees in an arena.
 *
 * A node is an index; 0 is the node that stands for "no expression". An arena holds the expressions
 * of one comparison, with limits on nodes and depth: whoever walks a tree may recurse. What does
 * not fit becomes 0, and so does all above it.
 */
#ifndef MATH_NODE_H
#define MATH_NODE_H

#include "base/buf.h"
#include "math/modular.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	MATH_NODES = 1024, /* of one comparison */
	MATH_DEPTH = 60,   /* of one expression */
};

enum mkind {
	MK_BAD,
	MK_NUM,      /* number */
	MK_SYM,      /* text: its name */
	MK_CONST,    /* op: 'p' pi, 'e', 'i', 'o' infinity */
	MK_ADD,      /* two or more */
	MK_MUL,      /* two or more */
	MK_NEG,      /* one */
	MK_DIV,      /* two */
	MK_POW,      /* two */
	MK_PERCENT,  /* one: a hundredth of it */
	MK_DEG,      /* one: so many degrees */
	MK_PM,       /* one, with both signs; op 1: \mp */
	MK_UNIT,     /* a value, and what it is of */
	MK_FUNC,     /* op: enum mfunc; one */
	MK_CALL,     /* text: a function about which nothing is known, and its arguments */
	MK_FACT,     /* one */
	MK_ABS,      /* one */
	MK_BINOM,    /* two */
	MK_BIG,      /* op: 's' sum, 'p' product, else text; from, to (0: none), body */
	MK_MATRIX,   /* columns: op; row by row; text: its environment where it is no matrix */
	MK_LIST,     /* a, b, c; op ';' for semicolons */
	MK_TUPLE,    /* (a, b, c) */
	MK_SET,      /* {a, b, c} */
	MK_INTERVAL, /* two; op: MI_* */
	MK_UNION,    /* two or more */
	MK_LESS,     /* set difference, two */
	MK_NUMBERS,  /* op: 'R', 'Z', ... */
	MK_REL,   /* two or more, rel of each but the first: how the one before it stands to it */
	MK_SUCH,  /* what, and which: x | x > 0 */
	MK_RATIO, /* a : b */
	MK_TEXT,  /* text: words */
	MK_DOTS,
};

enum { MI_OPEN_LEFT = 1, MI_OPEN_RIGHT = 2 };

enum mrel {
	MR_NONE,
	MR_EQ,
	MR_NE,
	MR_LT,
	MR_LE,
	MR_GT,
	MR_GE,
	MR_APPROX,
	MR_IN,
	MR_OTHER /* congruent, parallel, implies, ... */
};

enum mfunc {
	MF_SQRT,
	MF_EXP,
	MF_LN,
	MF_LOG, /* to a base that is not said */
	MF_SIN,
	MF_COS,
	MF_TAN,
	MF_COT,
	MF_SEC,
	MF_CSC,
	MF_ASIN,
	MF_ACOS,
	MF_ATAN,
	MF_ACOT,
	MF_ASEC,
	MF_ACSC,
	MF_SINH,
	MF_COSH,
	MF_TANH,
	MF_CIS,
	MF_FLOOR,
	MF_CEIL,
	MF_N
};

/* what is somewhere in the tree */
enum {
	MX_PM = 1,
	MX_SYM = 2,
	MX_DECIMAL = 4, /* a number with a fraction */
	MX_TEXT = 8,
	MX_MATRIX = 16,
	MX_I = 32,
	MX_PAREN = 64, /* of the node itself: it stood in parentheses */
};

struct mnumber {
	uint64_t mod[MOD_PRIMES];
	long double real, err; /* err: bound of the rounding in real */
	int64_t whole;         /* its value where is_whole */
	bool is_whole;
	bool decimal;
};

struct mnode {
	uint8_t kind, op, rel, depth, flags;
	uint16_t n; /* children */
	uint16_t first, last, next;
	struct span text; /* points into the text that was parsed, or is constant */
	struct mnumber num;
};

struct marena {
	int n;
	bool full; /* something did not fit */
	struct mnode v[MATH_NODES];
};

void mn_init(struct marena *a);
int mn_new(struct marena *a, enum mkind kind);
int mn_whole(struct marena *a, int64_t v);
/* Makes kid the last child of node; kid may not be a child already. Either 0: node becomes 0 (the
 * result). */
int mn_add(struct marena *a, int node, int kid);
int mn_one(struct marena *a, enum mkind kind, int x);
int mn_two(struct marena *a, enum mkind kind, int x, int y);
/* The same expression as another node, that can be a child elsewhere. */
int mn_again(struct marena *a, int x);
int mn_kid(const struct marena *a, int node, int i); /* 0: there are not so many */

#endif
