/*
 * chat.h - messages as the text that a model was taught to answer: its chat template.
 *
 * A template is recognised by what it says (jinja.h), not run: the published ones of ChatML (with
 * or without a system prompt of its own), Qwen2.5, Qwen3, Llama 3 to 3.3 and the models distilled
 * from DeepSeek-R1. Any other is refused.
 */
#ifndef CHAT_CHAT_H
#define CHAT_CHAT_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

enum chat_style {
	CHAT_CHATML,
	CHAT_QWEN2,   /* Qwen2.5: ChatML with tools */
	CHAT_QWEN3,   /* the same; thoughts of earlier answers are left out */
	CHAT_LLAMA3,  /* 3.0 */
	CHAT_LLAMA31, /* 3.1 to 3.3: a system prompt with a date, which is always 26 Jul 2024; tools
		       */
	CHAT_DEEPSEEK,
};

struct chat {
	enum chat_style style;
	const char *think; /* what an answer is made to begin with; static */
	struct buf system; /* the template's own system prompt; n = 0: none */
	struct buf bos;    /* the tokenizer's bos_token */
};

/* The chat of a policy folder, from its tokenizer_config.json and chat_template.jinja (n = 0: not
 * there), of which the second counts more. No template, or one that is not known: ST_INPUT. */
int chat_open(struct chat *c, const struct buf *config, const struct buf *jinja,
	      struct reason *why);
void chat_free(struct chat *c);

/*
 * Appends the text. messages: JSON, a list of {"role", "content"} (strings) that may have
 * "tool_calls" and "reasoning_content"; tools: JSON, a list, or NULL. ask: the beginning of an
 * answer is added (add_generation_prompt). What the template itself would refuse: ST_INPUT.
 */
int chat_render(const struct chat *c, const char *messages, const char *tools, bool ask,
		struct buf *out, struct reason *why);

#endif
