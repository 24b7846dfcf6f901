/* ggufvocab.h - the tokenizer of a policy folder as a GGUF's keys. */
#ifndef POLICY_GGUFVOCAB_H
#define POLICY_GGUFVOCAB_H

#include "policy/gguf.h"
#include "policy/policy.h"

/* general.name, tokenizer.ggml.* and tokenizer.chat_template. name: the folder's; Phi-3's tokens
 * make it one of Phi-3's, others' see to it that it is none, for llama.cpp goes by it (see
 * gguftok.h). What llama.cpp has no name for or reads otherwise (a pattern, a normalizer, a
 * template with other tokens): ST_INPUT naming it. *stripping: added tokens that take white space
 * beside them with them, and will not there. */
int gguf_vocab_put(const struct policy *p, struct span name, struct gguf_meta *m, size_t *stripping,
		   struct reason *why);

#endif
