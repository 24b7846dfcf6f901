/*
 * tokconfig.h - what tokenizer_config.json, special_tokens_map.json and added_tokens.json say that
 * tokenizer.json does not.
 *
 * Where two of them name a token of the same kind, tokenizer_config.json's counts.
 */
#ifndef POLICY_TOKCONFIG_H
#define POLICY_TOKCONFIG_H

#include "model/config.h"
#include "tokenizer/tokenizer.h"

struct tokconfig_files { /* n = 0: not there */
	const struct buf *config, *map, *added;
};

/* Tokens that the files name become tokens of t, as they are there; one without an id that t has
 * not comes behind the last. The stop set of c gains each eos_token; *end: the one that counts, -1:
 * none. Where tokenizer_class is LlamaTokenizer(Fast), add_bos_token (true when absent) and
 * bos_token take the place of t's template, as in transformers: the models distilled from
 * DeepSeek-R1 have no other; GemmaTokenizer(Fast) where t has none. dir: for messages. */
int tokconfig_apply(const struct tokconfig_files *f, const char *dir, struct tokenizer *t,
		    struct config *c, int64_t *end, struct reason *why);
/* Appends tokenizer_config.json with the special tokens that only special_tokens_map.json names. */
void tokconfig_whole(const struct buf *config, const struct buf *map, struct buf *out);

#endif
