/* jinjaparse.h - a template as a tree of statements and expressions. */
#ifndef CHAT_JINJAPARSE_H
#define CHAT_JINJAPARSE_H

#include "chat/jinjavalue.h"

enum jnode_kind {
	/* statements; a list of them is linked by next */
	JN_TEXT,   /* value */
	JN_OUTPUT, /* a */
	JN_IF,     /* list: JN_BRANCH; els */
	JN_BRANCH, /* a: the condition; body */
	JN_FOR,    /* a: the target; b: what is gone through; c: which of it, or NULL; body; els */
	JN_SET,    /* a: the target; b: the value */
	JN_SET_BLOCK,    /* a: the target; b: filters, or NULL; body */
	JN_MACRO,        /* name; list: JN_PARAM; body; op: which of JINJA_USES_* */
	JN_PARAM,        /* name; a: the default, or NULL */
	JN_CALL_BLOCK,   /* a: the call; b: JN_MACRO of the caller */
	JN_FILTER_BLOCK, /* b: filters; body */
	JN_WITH,         /* list: JN_SET; body */
	JN_GENERATION,   /* body */
	JN_BREAK,
	JN_CONTINUE,
	/* targets, besides JN_NAME and JN_TUPLE */
	JN_FIELD, /* of a namespace: name, and value: the field */
	/* expressions; list and named are linked by next */
	JN_CONST,  /* value */
	JN_NAME,   /* name */
	JN_LIST,   /* list */
	JN_TUPLE,  /* list */
	JN_DICT,   /* list: JN_PAIR */
	JN_PAIR,   /* a: b */
	JN_ATTR,   /* a.name */
	JN_ITEM,   /* a[b] */
	JN_SLICE,  /* a[list: three, JN_CONST without a value where not given] */
	JN_CALL,   /* a(list, named) */
	JN_FILTER, /* a | name(list, named); a NULL: of a block */
	JN_TEST,   /* a is name(list, named) */
	JN_STAR,   /* of arguments: *a */
	JN_STARS,  /* **a */
	JN_NAMED,  /* name = a */
	JN_NOT,    /* a */
	JN_NEGATIVE,
	JN_POSITIVE,
	JN_MATH,    /* a, and list: JN_OPERAND */
	JN_COMPARE, /* the same */
	JN_OPERAND, /* op a */
	JN_CONCAT,  /* list */
	JN_AND,
	JN_OR,
	JN_CHOICE, /* a if b else c, which may be NULL */
};

/* Operators of JN_COMPARE that are no signs */
enum { JINJA_IN = 'i', JINJA_NOT_IN = 'n' };
enum { JINJA_USES_VARARGS = 1, JINJA_USES_KWARGS = 2 };

struct jnode {
	enum jnode_kind kind;
	int line, op;
	const struct jstr *name; /* equal names are one pointer */
	struct jvalue value;
	struct jnode *a, *b, *c, *list, *named, *body, *els, *next;
};

/* Names that the language itself gives values */
struct jwords {
	const struct jstr *loop, *caller, *varargs, *kwargs;
};

struct jtree {
	struct jnode *body; /* statements; NULL: none */
	struct jwords words;
};

/* The tree lives as long as w's memory. */
struct jtree jinja_parse(struct jwork *w, struct span source);

#endif
