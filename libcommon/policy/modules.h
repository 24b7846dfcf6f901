/*
 * modules.h - target_modules of adapter_config.json: which layers have an adapter, as PEFT decides.
 *
 * A list has whole names or their ends ("q_proj", "self_attn.q_proj",
 * "model.layers.0.mlp.up_proj"); a text is a regular expression of whole names. layers_to_transform
 * leaves some blocks of a list.
 */
#ifndef POLICY_MODULES_H
#define POLICY_MODULES_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>

struct modules; /* read-only once made */

/* From the whole file's object; NULL: what is wrong is said. */
struct modules *modules_read(const json_t *j, struct reason *why);
/* lora_where's: m is a struct modules. layer: its whole name. */
bool modules_has(const void *m, const char *layer);
void modules_free(struct modules *m); /* NULL is fine */

#endif
