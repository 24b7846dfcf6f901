/*
 * tokconfig.h - what tokenizer_config.json and special_tokens_map.json say that tokenizer.json does
 * not.
 */
#ifndef POLICY_TOKCONFIG_H
#define POLICY_TOKCONFIG_H

#include "model/config.h"
#include "tokenizer/tokenizer.h"

/* The stop set of c gains the file's eos_token. Where tokenizer_class is LlamaTokenizer(Fast),
 * add_bos_token (true when absent) and add_eos_token take the place of t's template, as in
 * transformers: the models distilled from DeepSeek-R1 have no other. where: the file's path. */
int tokconfig_apply(const struct buf *file, const char *where, struct tokenizer *t,
		    struct config *c, struct reason *why);

#endif
