/* ggufarch.h - what a kind of model is called in GGUF, and what its keys can say there. A further
 * family is a row of the table in ggufarch.c. */
#ifndef POLICY_GGUFARCH_H
#define POLICY_GGUFARCH_H

#include "base/err.h"
#include "model/family.h"
#include "policy/gguf.h"

#include <stdbool.h>

/* What a kind's keys can say beyond sizes and the rotary embedding, and what its readers demand */
enum {
	GGUF_SCALES = 1,      /* of embedding, scores, residual stream and logits */
	GGUF_CAPS = 2,        /* of scores and logits */
	GGUF_WINDOWS = 4,     /* attention.sliding_window, of some layers */
	GGUF_LIST = 8,        /* a list says of which */
	GGUF_LOCAL = 16,      /* the rotary embedding of those has a base of its own */
	GGUF_ONE_WINDOW = 32, /* attention.sliding_window, of all layers; 0: none */
	GGUF_DIVISORS = 64,   /* Llama 3's rotary embedding, in a tensor */
	GGUF_BETAS = 128,     /* yarn's, and the growth of queries */
	GGUF_SECTIONS = 256,  /* the angles' parts for pictures must be there */
	GGUF_SQUARE = 512,    /* all heads together must be as wide as the model */
	GGUF_HEAD = 1024,     /* output.weight must be there, even where it is the embedding */
	GGUF_NO_HEAD = 2048,  /* it must not: the head is always the embedding */
};

struct gguf_arch {
	const char *name; /* general.architecture */
	enum family family;
	const char *mark; /* a key that a file of this row has, and one of a later row has not */
	/* Queries and keys: config.json's models turn number i of a head together with number
	 * i + head_dim / 2; here, neighbours are turned: row i of the first half goes to 2 i, of
	 * the second half to 2 i + 1. */
	bool permuted;
	unsigned has;     /* GGUF_SCALES ... */
	unsigned biases;  /* BIAS_* that it may have, */
	unsigned must;    /* and those that it must */
	int64_t pattern;  /* every so many-th layer has no window, where no list says which */
	int64_t windowed; /* windows are of models of so many layers, which all have them; 0:
			     of any */
	int64_t window;   /* what no attention.sliding_window means; 0: none */
	int64_t broad; /* a model of so many layers scales scores by the root of width / heads, not
			  of a head's size */
	double attention_cap, logit_cap; /* what no key means */
	int64_t unturned;                /* every so many-th layer is not turned; 0: all are */
	const char *part[PARTS]; /* of a layer, where they are not called as the others' are */
	const char *last_norm;   /* likewise */
};

/* The file's; one that is not known: ST_INPUT naming it. */
int gguf_arch_read(const struct gguf *g, const struct gguf_arch **a, struct reason *why);
const struct gguf_arch *gguf_arch_of(enum family f); /* NULL: there is none */
/* "ARCHITECTURE.KEY", valid until the next call */
const char *gguf_arch_key(const struct gguf_arch *a, const char *key);
/* What a part of a layer is called */
const char *gguf_arch_part(const struct gguf_arch *a, enum layer_part p);

#endif
