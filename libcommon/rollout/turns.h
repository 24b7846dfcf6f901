/*
 * turns.h - a conversation as what a policy learns from: tokens, and which of them are turns of
 * the assistant's.
 *
 * Where the chat template marks what is generated (generation blocks), that is what is learned.
 * Elsewhere a turn begins where the prompt would end that asks for it (add_generation_prompt), so
 * that the policy learns what it will be asked for, and ends with its first stop token, or at the
 * text's end, where the token is appended that ends demonstrations. What a prompt has and an answer
 * has not (DeepSeek-R1's "<think>") belongs to neither.
 *
 * Text that is learned and text that is read are encoded apart, as a prompt and what is sampled
 * behind it are.
 */
#ifndef ROLLOUT_TURNS_H
#define ROLLOUT_TURNS_H

#include "base/tool.h"
#include "policy/policy.h"

#define TURNS_WORDS "last|all"

struct turns_ask {
	const json_t *messages;   /* a list; what is behind the last turn is left out */
	size_t from;              /* turns before this message are read only */
	const char *tools, *args; /* see struct chat_ask */
	bool all;                 /* all turns are learned, not the last alone */
};

struct turns_row {
	const uint32_t *ids;
	size_t n, n_prompt;   /* of them, before the first that is learned: at least 1 */
	const uint8_t *learn; /* (n - n_prompt) 1: learned; 0: read. NULL: all are learned */
};
/* The row is borrowed for the call. */
typedef int turns_fn(void *ctx, const struct turns_row *row, struct reason *why);

struct turns; /* opaque */
/* The policy is borrowed, args are for its template (see prompt_args). NULL with the reason. */
struct turns *turns_open(const struct policy *p, const struct opt_list *args, struct reason *why);
/*
 * Calls fn with each row to learn from. It is one as long as the template only appends: a turn
 * that is written otherwise when more follow (thoughts are left out of earlier turns) is learned in
 * a row of its own, as the policy is asked for it. No turn, or a template that refuses: ST_INPUT.
 */
int turns_make(struct turns *s, const struct turns_ask *a, turns_fn *fn, void *ctx,
	       struct reason *why);
uint64_t turns_changed(const struct turns *s); /* turns whose content the template did not keep */
void turns_free(struct turns *s);              /* NULL is fine */

#endif
