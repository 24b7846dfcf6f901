/* ggufarch.h - what a kind of model is called in GGUF, what its tensors are called, and what its
 * rows and numbers are there. A further family is a row of the table in ggufarch.c. */
#ifndef POLICY_GGUFARCH_H
#define POLICY_GGUFARCH_H

#include "base/err.h"
#include "model/family.h"
#include "policy/gguf.h"

#include <stdbool.h>

/* What a kind's keys can say beyond sizes and the rotary embedding */
enum {
	GGUF_SCALES = 1,  /* of embedding, scores, residual stream and logits */
	GGUF_CAPS = 2,    /* of scores and logits */
	GGUF_WINDOWS = 4, /* attention.sliding_window, of layers that a list names */
	GGUF_LOCAL = 8,   /* the rotary embedding of those has a base of its own */
};

struct gguf_arch {
	const char *name; /* general.architecture */
	enum family family;
	/* Queries and keys: config.json's models turn number i of a head together with number
	 * i + head_dim / 2; here, neighbours are turned: row i of the first half goes to 2 i, of
	 * the second half to 2 i + 1. */
	bool permuted;
	unsigned has;     /* GGUF_SCALES ... */
	int64_t pattern;  /* every so many-th layer has no window, where no list says which; 0: all
			     have  none */
	int64_t unturned; /* every so many-th layer is not turned; 0: all are */
};

/* The file's; one that is not known: ST_INPUT naming it. */
int gguf_arch_read(const struct gguf *g, const struct gguf_arch **a, struct reason *why);
const struct gguf_arch *gguf_arch_of(enum family f); /* NULL: there is none */
/* "model.layers.3.mlp.up_proj.weight" for "blk.3.ffn_up.weight", and back. False: no such tensor.
 */
bool gguf_arch_long(const struct gguf_arch *a, const char *name, char *to, size_t n);
bool gguf_arch_short(const struct gguf_arch *a, const char *name, char *to, size_t n);
/* What is added to its numbers on the way into a GGUF: norms that config.json's models hold as the
 * difference from 1 are whole there. */
float gguf_arch_plus(const struct gguf_arch *a, const char *name);
/* Whether the rows of this tensor (by its name in a GGUF) have another order there */
bool gguf_arch_turns(const struct gguf_arch *a, const char *name);
/* Where the row that is here stands there, in a tensor of heads of so many rows. */
size_t gguf_arch_row_in_gguf(size_t row, size_t head_dim);
size_t gguf_arch_row_in_folder(size_t row, size_t head_dim);

#endif
