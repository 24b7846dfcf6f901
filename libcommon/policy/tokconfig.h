/*
 * tokconfig.h - what tokenizer_config.json and special_tokens_map.json say that tokenizer.json does
 * not.
 */
#ifndef POLICY_TOKCONFIG_H
#define POLICY_TOKCONFIG_H

#include "policy/config.h"
#include "policy/tokenizer.h"

#include <jansson.h>

/* A token of such a file: its text, or an object with its content; NULL: none, or neither */
const char *tokconfig_token(const json_t *j, const char *key);

/* The stop set of c gains the file's eos_token. Where tokenizer_class is LlamaTokenizer(Fast),
 * add_bos_token (true when absent) and add_eos_token take the place of t's template, as in
 * transformers: the models distilled from DeepSeek-R1 have no other. where: the file's path. */
int tokconfig_apply(const struct buf *file, const char *where, struct tokenizer *t,
		    struct config *c, struct reason *why);

#endif
