/* templates.h - chat templates in a folder of their own, additional_chat_templates/NAME.jinja, as
 * transformers saves those that are not the default one. */
#ifndef POLICY_TEMPLATES_H
#define POLICY_TEMPLATES_H

#include "base/buf.h"
#include "base/err.h"

/* Where dir has that folder, config (tokenizer_config.json) becomes one whose chat_template is a
 * list of all, as older folders have them: those of the folder by their names, and "default", which
 * is jinja (chat_template.jinja, emptied then) or what config had. A file that is none: ST_INPUT
 * naming it. */
int templates_gather(const char *dir, struct buf *config, struct buf *jinja, struct reason *why);

#endif
