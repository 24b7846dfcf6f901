/* ggufpre.h - tokenizer.ggml.pre: the names under which llama.cpp knows how text is cut before
 * pairs are merged. */
#ifndef POLICY_GGUFPRE_H
#define POLICY_GGUFPRE_H

#include "base/buf.h"

#include <jansson.h>
#include <stdbool.h>

struct gguf_pre {
	const char *name;
	const char *split[3]; /* patterns, each of a Split that isolates; NULL: no more */
	bool digits;          /* before, each digit is a piece */
	bool gpt2;            /* behind, GPT-2's pattern */
	bool nfc;             /* text is brought into normal form first */
	bool whole_first;     /* ignore_merges */
	bool bos;             /* add_bos_token, where the file does not say */
};

const struct gguf_pre *gguf_pre_find(struct span name); /* NULL: not known */
/* What goes into tokenizer.json for it; the caller's */
json_t *gguf_pre_json(const struct gguf_pre *p);
/* The name for what tokenizer.json j says, or NULL: there is none. */
const char *gguf_pre_name(const json_t *j);

#endif
