/* ggufarch.h - what a kind of model is called in GGUF, what its tensors are called, and the order
 * of their rows. A further family is a row of the table in ggufarch.c, where its names are these.
 */
#ifndef POLICY_GGUFARCH_H
#define POLICY_GGUFARCH_H

#include "base/err.h"
#include "policy/gguf.h"

#include <stdbool.h>

struct gguf_arch {
	const char *name;       /* general.architecture */
	const char *model_type; /* of config.json, and the class beside it */
	const char *class;
	/* Queries and keys: config.json's models turn number i of a head together with number
	 * i + head_dim / 2; here, neighbours are turned: row i of the first half goes to 2 i, of
	 * the second half to 2 i + 1. */
	bool permuted;
};

/* The file's; one that is not known: ST_INPUT naming it. */
int gguf_arch_read(const struct gguf *g, const struct gguf_arch **a, struct reason *why);
const struct gguf_arch *gguf_arch_of(const char *model_type); /* NULL: there is none */
/* "model.layers.3.mlp.up_proj.weight" for "blk.3.ffn_up.weight", and back. False: no such tensor.
 */
bool gguf_arch_long(const char *name, char *to, size_t n);
bool gguf_arch_short(const char *name, char *to, size_t n);
/* Whether the rows of this tensor (by its name in a GGUF) have another order there */
bool gguf_arch_turns(const struct gguf_arch *a, const char *name);
/* Where the row that is here stands there, in a tensor of heads of so many rows. */
size_t gguf_arch_row_in_gguf(size_t row, size_t head_dim);
size_t gguf_arch_row_in_folder(size_t row, size_t head_dim);

#endif
