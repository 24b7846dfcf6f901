/* ggufconfig.h - config.json of a GGUF's keys, and back. */
#ifndef POLICY_GGUFCONFIG_H
#define POLICY_GGUFCONFIG_H

#include "model/config.h"
#include "policy/gguf.h"
#include "policy/ggufarch.h"

/* config.json's object, without ids of tokens; the caller's. A key that changes the arithmetic in a
 * way that no config.json of the kind can say: NULL, ST_INPUT naming it. vocab: number of tokens.
 */
json_t *gguf_config_json(const struct gguf *g, const struct gguf_arch *a, size_t vocab,
			 struct reason *why);
/* The keys of a model's shape. What they cannot say (a rotary embedding of theirs): ST_INPUT. */
int gguf_config_put(const struct config *c, const struct gguf_arch *a, struct gguf_meta *m,
		    struct reason *why);
#endif
