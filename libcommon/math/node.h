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

enum node_kind {
	NODE_BAD,
	NODE_NUM,      /* number */
	NODE_SYM,      /* text: its name */
	NODE_CONST,    /* op: 'p' pi, 'e', 'i', 'o' infinity */
	NODE_ADD,      /* two or more */
	NODE_MUL,      /* two or more */
	NODE_NEG,      /* one */
	NODE_DIV,      /* two */
	NODE_POW,      /* two */
	NODE_PERCENT,  /* one: a hundredth of it */
	NODE_DEG,      /* one: so many degrees */
	NODE_PM,       /* one, with both signs; op 1: \mp */
	NODE_UNIT,     /* a value, and what it is of */
	NODE_FUNC,     /* op: enum function; one */
	NODE_CALL,     /* text: a function about which nothing is known, and its arguments */
	NODE_FACT,     /* one */
	NODE_ABS,      /* one */
	NODE_BINOM,    /* two */
	NODE_BIG,      /* op: 's' sum, 'p' product, else text; from, to (0: none), body */
	NODE_MATRIX,   /* columns: op; row by row; text: its environment where it is no matrix */
	NODE_LIST,     /* a, b, c; op ';' for semicolons */
	NODE_TUPLE,    /* (a, b, c) */
	NODE_SET,      /* {a, b, c} */
	NODE_INTERVAL, /* two; op: OPEN_LEFT, OPEN_RIGHT */
	NODE_UNION,    /* two or more */
	NODE_LESS,     /* set difference, two */
	NODE_NUMBERS,  /* op: 'R', 'Z', ... */
	NODE_REL,   /* two or more, rel of each but the first: how the one before it stands to it */
	NODE_SUCH,  /* what, and which: x | x > 0 */
	NODE_RATIO, /* a : b */
	NODE_TEXT,  /* text: words */
	NODE_DOTS,
};

enum { OPEN_LEFT = 1, OPEN_RIGHT = 2 };

enum relation {
	REL_NONE,
	REL_EQ,
	REL_NE,
	REL_LT,
	REL_LE,
	REL_GT,
	REL_GE,
	REL_APPROX,
	REL_IN,
	REL_OTHER /* congruent, parallel, implies, ... */
};

enum function {
	FUNC_SQRT,
	FUNC_EXP,
	FUNC_LN,
	FUNC_LOG, /* to a base that is not said */
	FUNC_SIN,
	FUNC_COS,
	FUNC_TAN,
	FUNC_COT,
	FUNC_SEC,
	FUNC_CSC,
	FUNC_ASIN,
	FUNC_ACOS,
	FUNC_ATAN,
	FUNC_ACOT,
	FUNC_ASEC,
	FUNC_ACSC,
	FUNC_SINH,
	FUNC_COSH,
	FUNC_TANH,
	FUNC_CIS,
	FUNC_FLOOR,
	FUNC_CEIL,
	FUNC_N
};

/* what is somewhere in the tree */
enum {
	HAS_PM = 1,
	HAS_SYM = 2,
	HAS_DECIMAL = 4, /* a number with a fraction */
	HAS_TEXT = 8,
	HAS_MATRIX = 16,
	HAS_I = 32,
	HAS_PAREN = 64,   /* of the node itself: it stood in parentheses */
	HAS_CORNER = 128, /* |x|, a root, a floor: one formula here, another there */
};

struct numeral {
	uint64_t mod[MODULAR_PRIMES];
	long double real, err; /* err: bound of the rounding in real */
	int64_t whole;         /* its value where is_whole */
	bool is_whole;
	bool decimal;
};

struct node {
	uint8_t kind, op, rel, depth, flags;
	uint16_t n; /* children */
	uint16_t first, last, next;
	struct span text; /* points into the text that was parsed, or is constant */
	struct numeral num;
};

struct arena {
	int n;
	bool full; /* something did not fit */
	struct node v[MATH_NODES];
};

void node_init(struct arena *a);
int node_new(struct arena *a, enum node_kind kind);
int node_whole(struct arena *a, int64_t v);
/* Makes kid the last child of node; kid may not be a child already. Either 0: node becomes 0 (the
 * result). */
int node_add(struct arena *a, int node, int kid);
int node_one(struct arena *a, enum node_kind kind, int x);
int node_two(struct arena *a, enum node_kind kind, int x, int y);
/* The same expression as another node, that can be a child elsewhere. */
int node_again(struct arena *a, int x);
int node_kid(const struct arena *a, int node, int i); /* 0: there are not so many */

#endif
