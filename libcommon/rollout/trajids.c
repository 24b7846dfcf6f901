/* trajids.c - the tokens of a trajectory. See trajids.h. */
#include "rollout/trajids.h"
#include "base/kept.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

/* Ends the response, unless it says how it ends itself. */
static void add_end(struct trajids *s, const struct policy *p)
{
	const struct ids *ids = &s->ids;
	uint32_t end = (uint32_t)p->end;

	if (p->end >= 0 && !(ids->n > s->n_prompt && config_is_eos(&p->cfg, ids->v[ids->n - 1])))
		tok_append(&s->ids, &end, 1);
}

static int encode(struct trajids *s, const struct policy *p, const struct traj *t,
		  struct reason *why)
{
	s->ids.n = 0;
	if (t->prompt_tokens)
		tok_append(&s->ids, t->prompt_tokens, t->n_prompt_tokens);
	else if (tok_encode(p->tok, t->prompt.p, t->prompt.n, true, &s->ids, why))
		return fail_prefix(why, "prompt");
	s->n_prompt = s->ids.n;
	if (t->tokens) {
		tok_append(&s->ids, t->tokens, t->n_tokens);
		return 0;
	}
	if (tok_encode(p->tok, t->response.p, t->response.n, false, &s->ids, why))
		return fail_prefix(why, "response");
	if (!span_is(t->finish, "length")) /* else the policy had not come to its end */
		add_end(s, p);
	return 0;
}

/* The text of ids has text in it, with the special tokens or without: a program may have kept
 * either, and left out a template before it or a stop string behind it. */
static bool says(struct trajids *s, const struct policy *p, const uint32_t *ids, size_t n,
		 struct span text)
{
	struct buf all = {0};
	bool found = false;

	utf8_bare(&s->want, text);
	for (int special = 1; special >= 0 && !found; special--) {
		buf_reset(&all);
		tok_decode(p->tok, ids, n, special, &all);
		utf8_bare(&s->said, (struct span){all.p, all.n});
		found = s->want.n == 0 ||
			(s->said.n && memmem(s->said.p, s->said.n, s->want.p, s->want.n));
	}
	buf_free(&all);
	return found;
}

/* The record's ids must be those of the policy's tokenizer: others would be learned without a word.
 */
static int check_text(struct trajids *s, const struct policy *p, const struct traj *t,
		      struct reason *why)
{
	const char *what = NULL;

	if (t->n_prompt_tokens && !says(s, p, t->prompt_tokens, t->n_prompt_tokens, t->prompt))
		what = "prompt_tokens are not those of prompt";
	else if (t->n_tokens && !says(s, p, t->tokens, t->n_tokens, t->response))
		what = "tokens are not those of response";
	return what ? fail(why, ST_INPUT,
			   "%s in the policy's tokenizer; leave id, prompt_tokens, tokens and "
			   "logprobs out of the records, and their texts are encoded",
			   what)
		    : 0;
}

int trajids_check(const struct policy *p, const uint32_t *ids, size_t n, struct reason *why)
{
	for (size_t i = 0; i < n; i++)
		if (ids[i] >= (uint64_t)p->cfg.vocab)
			return fail(why, ST_INPUT,
				    "token %u is not in the policy's vocabulary of %lld", ids[i],
				    (long long)p->cfg.vocab);
	return 0;
}

static int check_kept(const struct policy *p, const struct traj *t, struct reason *why)
{
	uint32_t top = kept_top(t->kept);

	return trajids_check(p, &top, 1, why) ? fail_prefix(why, "kept") : 0;
}

int trajids_take(struct trajids *s, const struct policy *p, const struct traj *t,
		 struct reason *why)
{
	if (encode(s, p, t, why))
		return why->status;
	if (s->n_prompt == 0)
		return fail(why, ST_INPUT, "prompt: it has no token");
	return trajids_check(p, s->ids.v, s->ids.n, why) || check_kept(p, t, why) ||
			       check_text(s, p, t, why)
		       ? why->status
		       : 0;
}

void trajids_free(struct trajids *s)
{
	free(s->ids.v);
	buf_free(&s->said);
	buf_free(&s->want);
	*s = (struct trajids){0};
}
