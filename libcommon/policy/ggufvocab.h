/* ggufvocab.h - the tokenizer of a policy folder as a GGUF's keys. */
#ifndef POLICY_GGUFVOCAB_H
#define POLICY_GGUFVOCAB_H

#include "policy/gguf.h"
#include "policy/policy.h"

/* tokenizer.ggml.* and tokenizer.chat_template. What llama.cpp has no name for or reads otherwise
 * (a pattern, a normalizer, a template with other tokens): ST_INPUT naming it. */
int gguf_vocab_put(const struct policy *p, struct gguf_meta *m, struct reason *why);

#endif
