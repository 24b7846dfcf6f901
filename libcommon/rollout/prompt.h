/*
 * prompt.h - what a policy sees of each problem: text and token ids.
 *
 * A problem's prompt is taken as it is, behind the tokenizer's BOS where it adds one. Messages are
 * rendered by the policy's chat template, with the beginning of an answer, and nothing is
 * added. In both, text that spells an added token becomes that token, as in transformers.
 */
#ifndef ROLLOUT_PROMPT_H
#define ROLLOUT_PROMPT_H

#include "base/tool.h"
#include "policy/policy.h"
#include "task/task.h"

/* Sets the arguments for a chat template, "NAME=JSON" each. Another form: ST_USAGE. */
int prompt_args(struct chat *c, const struct opt_list *args, struct reason *why);

struct prompts { /* zero-initialise; free with prompt_free */
	struct buf text;
	struct ids ids;
	size_t *text_at, *ids_at; /* (problems + 1) where each begins */
};

/* What stands for the question in a wrapper */
#define PROMPT_PLACE "{prompt}"

/* Appends wrap with text where it has its place for it; wrap NULL: text alone. */
void prompt_wrap(const char *wrap, const char *text, struct buf *out);
/* messages (JSON) with the last one of the user's wrapped, allocated. NULL with the reason. */
char *prompt_wrap_messages(const char *wrap, const char *messages, struct reason *why);

struct prompt_opts {
	/* a text in which PROMPT_PLACE stands for the prompt, or for the last message of the
	 * user's; NULL: neither changes */
	const char *wrap;
	struct opt_list args; /* for the chat template: see chat_set */
	int64_t most;         /* tokens of a prompt that prompt_limit keeps; 0: any */
	bool go_on;           /* a last message of the assistant's is the beginning of the answer */
};

/* name: of the problems, for messages. A problem whose messages the chat template does not take,
 * that ends in the assistant's and does not say whether to go on, or that leaves no room in the
 * policy's positions: ST_INPUT. */
int prompt_make(struct prompts *s, const struct policy *p, const struct task_set *tasks,
		const char *name, const struct prompt_opts *o, struct reason *why);
/* How many tokens each problem's prompt has, whatever room there is, into n[0 .. tasks->n). */
int prompt_count(const struct policy *p, const struct task_set *tasks, const char *name,
		 const struct prompt_opts *o, size_t *n, struct reason *why);
/* Takes the problems out whose prompt has more tokens than o->most. ST_INPUT when none is left. */
int prompt_limit(const struct policy *p, struct task_set *tasks, const char *name,
		 const struct prompt_opts *o, struct reason *why);
void prompt_free(struct prompts *s);
/* Valid until prompt_free. */
struct span prompt_text(const struct prompts *s, size_t task);
const uint32_t *prompt_ids(const struct prompts *s, size_t task, size_t *n);

#endif
