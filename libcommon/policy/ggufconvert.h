/*
 * ggufconvert.h - a GGUF as a policy folder, and back.
 *
 * What is made appears whole or not at all, and only where this project's own readers take it:
 * shape, names and shapes of all tensors, tokenizer. Tensors pass by a few rows at a time.
 */
#ifndef POLICY_GGUFCONVERT_H
#define POLICY_GGUFCONVERT_H

#include "policy/gguf.h"

/* Types of what is written. same: each tensor as it came, a quantised one as F32. In a GGUF vectors
 * are F32, as llama.cpp has them; "same" makes them of the matrices' type again where nothing is
 * lost.
 */
#define GGUF_TYPE_WORDS "f32|f16|bf16|q8_0|same"
enum gguf_as { GGUF_AS_F32, GGUF_AS_F16, GGUF_AS_BF16, GGUF_AS_Q8_0, GGUF_AS_SAME };

/* What was done, for people */
struct gguf_done {
	const char *model_type; /* static */
	struct gguf_loss loss;
	size_t dropped;   /* merges that no text leads to */
	size_t stripping; /* tokens that take white space with them, which a GGUF cannot say */
};

/* as: not GGUF_AS_Q8_0 */
int gguf_to_folder(const char *path, const char *dir, enum gguf_as as, struct gguf_done *done,
		   struct reason *why);
/* Of an adapter's folder: with the weights under it, added to them. Rows that are no whole blocks
 * of Q8_0 become F16. */
int gguf_from_folder(const char *dir, const char *path, enum gguf_as as, struct gguf_done *done,
		     struct reason *why);

#endif
