/*
 * askprompt.h - each problem as a server is asked for it, and as its records name it.
 *
 * To the chat endpoint go the messages of a problem; a prompt is one of the user's. To the
 * completions endpoint goes the prompt as it is, and messages as a policy's template renders
 * them. What the records have for a prompt is what that policy would see; without a policy it is
 * the prompt, the text of a single message, or the JSON of several.
 */
#ifndef ASK_ASKPROMPT_H
#define ASK_ASKPROMPT_H

#include "rollout/prompt.h"

struct askprompt {
	char *text;     /* for the records; what the completions endpoint is given */
	char *messages; /* JSON: what the chat endpoint is given */
	char *args;     /* JSON object: arguments of the server's template; NULL: none */
	bool go_on;     /* the last message is the beginning of the answer */
};

struct askprompts { /* zero-initialise; free with askprompt_free */
	struct askprompt *v;
	size_t n;
};

/* name: of the tasks, for messages. policy: NULL: none; of policy_load_texts. A problem that cannot
 * be asked for so: ST_INPUT; --template-arg of another form: ST_USAGE. */
int askprompt_make(struct askprompts *s, const struct task_set *tasks, const char *name,
		   const struct prompt_opts *o, const struct policy *policy, bool completions,
		   struct reason *why);
void askprompt_free(struct askprompts *s);

#endif
