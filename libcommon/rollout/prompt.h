/*
 * prompt.h - what a policy sees of each problem: text and token ids.
 *
 * A problem's prompt is taken as it is, behind the tokenizer's BOS where it adds one. Messages are
 * rendered as the policy's chat template does, with the beginning of an answer, and nothing is
 * added. In both, text that spells an added token becomes that token, as in transformers.
 */
#ifndef ROLLOUT_PROMPT_H
#define ROLLOUT_PROMPT_H

#include "policy/policy.h"
#include "task/task.h"

struct prompts { /* zero-initialise; free with prompt_free */
	struct buf text;
	struct ids ids;
	size_t *text_at, *ids_at; /* (problems + 1) where each begins */
};

/* What stands for the question in a wrapper */
#define PROMPT_PLACE "{prompt}"

/* wrap: a text in which PROMPT_PLACE stands for the prompt, or for the last message of the user's;
 * NULL: neither changes. name: of the problems, for messages. A problem whose template is not
 * known, or that leaves no room in the policy's positions: ST_INPUT. */
int prompt_make(struct prompts *s, const struct policy *p, const struct task_set *tasks,
		const char *name, const char *wrap, struct reason *why);
void prompt_free(struct prompts *s);
/* Valid until prompt_free. */
struct span prompt_text(const struct prompts *s, size_t task);
const uint32_t *prompt_ids(const struct prompts *s, size_t task, size_t *n);

#endif
