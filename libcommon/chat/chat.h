/*
 * chat.h - messages as the text that a model was taught to answer: its chat template is run.
 *
 * A template is given what transformers gives it: messages, tools, documents,
 * add_generation_prompt, the tokenizer's special tokens (bos_token, eos_token ...), and arguments.
 * Keys of messages whose value is null are left out, as transformers 5 does it; where an
 * assistant's message calls tools, a content that is null or absent is the empty text. The date
 * that strftime_now tells is 26 July 2024 (a Friday), always the same, unless the argument
 * strftime_now is another, "2026-11-28" or "2026-11-28 17:30".
 */
#ifndef CHAT_CHAT_H
#define CHAT_CHAT_H

#include "base/buf.h"
#include "base/err.h"
#include "chat/jinja.h"

struct chat {                             /* zero-initialise; free with chat_free */
	struct jinja *plain, *with_tools; /* with_tools NULL: the plain one counts for both */
	json_t *tokens;                   /* by name */
	json_t *args;                     /* by name, of chat_set */
};

/* The files of a policy folder that say how it chats; n = 0: not there */
struct chat_files {
	const struct buf *config; /* tokenizer_config.json: tokens; one template, or several */
	const struct buf *jinja;  /* chat_template.jinja: counts before the others */
	const struct buf *json;   /* chat_template.json: counts before config's */
};

/* No template, or one that cannot be read: ST_INPUT. */
int chat_open(struct chat *c, const struct chat_files *f, struct reason *why);
void chat_free(struct chat *c);
/* An argument for all that is rendered: "NAME=JSON". Another form: ST_USAGE. */
int chat_set(struct chat *c, const char *arg, struct reason *why);

enum chat_end {
	CHAT_WHOLE, /* the messages and no more */
	CHAT_ASK,   /* the beginning of an answer behind them (add_generation_prompt) */
	CHAT_GO_ON, /* to the last message's end, which is not closed (continue_final_message) */
};

struct chat_ask {
	const char
		*messages; /* JSON: a list of objects with "role", and "content" or "tool_calls" */
	const char *tools; /* JSON: a list; NULL: none */
	const char *args;  /* JSON: an object, which counts before chat_set's; NULL: none */
	enum chat_end end;
	uint64_t steps; /* most steps of the template; 0: the language's limit */
};

/* Appends the text. parts: see jinja_render. What the template itself refuses: ST_INPUT, nothing
 * appended. */
int chat_render(const struct chat *c, const struct chat_ask *a, struct buf *out, struct buf *parts,
		struct reason *why);

#endif
