/*
 * policy.h - a policy folder in Hugging Face layout: model, tokenizer and configuration together;
 * or a folder in PEFT's layout with an adapter of one that it names.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "chat/chat.h"
#include "model/model.h"
#include "policy/peft.h"
#include "policy/safetensors.h"
#include "tokenizer/tokenizer.h"
#include "policy/weights.h"

struct policy {
	struct config cfg;
	struct model model;
	struct tokenizer *tok;
	/* files as they came; n = 0: not there */
	struct buf tok_config, gen_config, special_tokens, added_tokens, chat_template, chat_json;
	int64_t end;      /* the token that ends a demonstration; -1: none is known */
	struct peft peft; /* r = 0: no adapter */
	bool merged;      /* see policy_merge */
	/* types on disk of each weight of the model, and of an adapter that was loaded; NULL: F32
	 */
	enum sft_dtype *came, *adapter_came;
};

/* Loads and packs. Anything missing, extra or malformed: ST_INPUT naming file and rule. What
 * tokenizer_config.json and special_tokens_map.json add: see tokconfig.h. how: see
 * weights_load; weights under an adapter are lean. A frozen model is read without a copy in f32 in
 * between. policy_load: an adapter is added to the weights; not lean. */
int policy_load(struct policy *p, const char *dir, int how, struct reason *why);
int policy_load_as(struct policy *p, const char *dir, int how, struct reason *why);
/* Configuration and tokenizer alone: there is no model. */
int policy_load_texts(struct policy *p, const char *dir, struct reason *why);
/* What training begins with: the policy in dir, loaded as `how`, with the adapter that want asks
 * for. When it has one already, want may be empty and must not ask for another: ST_USAGE. merge:
 * see policy_merge; there must be an adapter. */
int policy_load_trained(struct policy *p, const char *dir, int how, const struct peft *want,
			uint64_t seed, bool merge, struct reason *why);
/* How the policy chats: its chat template and tokens; chat_free it. */
int policy_chat(const struct policy *p, struct chat *c, struct reason *why);
/* From now on policy_save writes the adapter, if there is one, added to the weights. */
void policy_merge(struct policy *p);
/* What a user calls the types of weights in a file, and how they are rounded. */
#define POLICY_DTYPE_WORDS "f32|f16|bf16|trained|same"
#define POLICY_ROUND_WORDS "nearest|stochastic"
struct weights_form policy_form(const char *dtype, const char *round, int64_t seed);
/* Of the weights on disk, those under an adapter; F32 where they differ. */
enum sft_dtype policy_dtype(const struct policy *p);
/* A folder that appears whole or not at all; refuses one that exists. Of a policy with an adapter,
 * the adapter alone, unless policy_merge was called. */
int policy_save(const struct policy *p, const char *dir, const struct weights_form *form,
		struct reason *why);
/* Whether the folder holds the very bytes of weights that policy_save would write. */
bool policy_is_saved(const struct policy *p, const char *dir, const struct weights_form *form);
/* What policy_save would do to the change of the weights from those in the folder dir (of whole
 * weights, and dir an adapter: from those under it). All zero where nothing is rounded, and for an
 * adapter that was in no folder. */
int policy_loss(const struct policy *p, const char *dir, const struct weights_form *form,
		struct weights_loss *loss, struct reason *why);
/* Bytes of the weights that policy_save would write; WEIGHTS_TRAINED: at most. */
uint64_t policy_size(const struct policy *p, const struct weights_form *form);
/* A fresh policy: cfg (shape) and tokenizer.json text are taken over. */
int policy_make(struct policy *p, const struct config *cfg, const struct buf *tokenizer_json,
		uint64_t seed, double std, struct reason *why);
void policy_free(struct policy *p);

#endif
