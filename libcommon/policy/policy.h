/*
 * policy.h - a policy folder in Hugging Face layout: model, tokenizer and configuration together.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "policy/model.h"
#include "policy/safetensors.h"
#include "policy/tokenizer.h"

struct policy {
	struct config cfg;
	struct model model;
	struct tokenizer *tok;
	/* files as they came; n = 0: not there */
	struct buf tok_config, gen_config, special_tokens, chat_template;
	enum st_dtype dtype; /* of the weights on disk */
};

/* Loads and packs. Anything missing, extra or malformed: ST_INPUT naming file and rule. The stop
 * set gains the eos_token of tokenizer_config.json and special_tokens_map.json. how: see
 * model_init; a frozen model is read without a copy in f32 in between. policy_load: how = 0. */
int policy_load(struct policy *p, const char *dir, struct reason *why);
int policy_load_as(struct policy *p, const char *dir, int how, struct reason *why);
/* A folder that appears whole or not at all; refuses one that exists. Not of a frozen model. */
int policy_save(const struct policy *p, const char *dir, enum st_dtype dtype, struct reason *why);
/* Whether the folder holds the very bytes of weights that policy_save would write. */
bool policy_is_saved(const struct policy *p, const char *dir, enum st_dtype dtype);
/* A fresh policy: cfg (shape) and tokenizer.json text are taken over. */
int policy_make(struct policy *p, const struct config *cfg, const struct buf *tokenizer_json,
		uint64_t seed, double std, struct reason *why);
void policy_free(struct policy *p);

#endif
