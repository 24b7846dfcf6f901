/*
 * rollout.h - responses of a policy to problems: sampled, decoded, judged, and as stream records.
 */
#ifndef ROLLOUT_ROLLOUT_H
#define ROLLOUT_ROLLOUT_H

#include "policy/policy.h"
#include "rollout/prompt.h"
#include "model/sampler.h"
#include "task/task.h"
#include "stream/traj.h"
#include "verify/verify.h"

struct rollout_opts {
	struct sample_opts sample;
	struct verify_opts verify;
	struct prompt_opts prompt;
	bool judge; /* false: no verifier is asked, no response has a verdict */
	uint64_t seed;
};

struct roller; /* opaque: a sampler, a verifier, the problems' token ids */
/* policy and tasks are borrowed, and the task_set's name goes into messages. The policy's weights
 * may change from call to call. NULL with the reason: an unknown verifier, or a problem that the
 * policy's tokenizer, chat template or length cannot take. */
struct roller *rollout_open(const struct policy *p, const struct task_set *tasks, const char *name,
			    const struct rollout_opts *o, struct reason *why);
void rollout_close(struct roller *r);

struct draw { /* one problem to sample for */
	size_t task;
	uint64_t key; /* names the draw: its responses are a function of seed, step and key */
};

struct rollout {
	size_t task;
	size_t tok, n;       /* tokens[tok .. tok + n), at least one */
	size_t text, n_text; /* bytes of text */
	size_t kept, n_kept; /* bytes of kept; none: nothing was cut */
	int64_t sample;      /* index among the responses to its draw */
	bool stopped;        /* by a stop token, not by the length */
	double entropy;      /* mean over tokens, nats */
	bool judged;
	struct verdict verdict;
};

struct rollouts { /* zero-initialise; free with rollout_free */
	struct rollout *v;
	size_t n, cap;
	uint32_t *tokens;
	float *logprobs; /* of the distribution drawn from */
	size_t n_tok, cap_tok;
	struct buf text; /* decoded responses, without special tokens */
	struct buf kept; /* what top-k and top-p left for each token, see base/kept.h */
};
/* Appends the n responses of from that begin with the first-th. */
void rollout_add(struct rollouts *to, const struct rollouts *from, size_t first, size_t n);
void rollout_reset(struct rollouts *r); /* empty, memory kept */
void rollout_free(struct rollouts *r);

/* * Appends n_each responses for each draw, in order. Ranks share them out, and all of them have
 * all afterwards. */
int rollout_run(struct roller *r, const struct draw *d, size_t n_draws, size_t n_each,
		uint64_t step, struct rollouts *out, struct reason *why);

/* Bytes that sampling n responses of so many draws at once needs, with the rollouts of `kept` in
 * memory. */
size_t rollout_bytes(const struct roller *r, size_t n_draws, size_t n, size_t kept);

/* What top-k and top-p left for the tokens of response i; p NULL: they are off. */
struct span rollout_kept(const struct rollouts *r, size_t i);
/* Token ids of a problem's prompt, owned by r. */
const uint32_t *rollout_prompt(const struct roller *r, size_t task, size_t *n);
size_t rollout_longest(const struct roller *r); /* tokens of the longest prompt */

/* Response i as a trajectory whose pointers go into r and all; policy, step, iter, advantage and
 * used are left absent. */
void rollout_traj(const struct roller *r, const struct rollouts *all, size_t i, struct traj *t);
/* Adds to t what else its verdict says: several rewards, hindsight; t points into b. */
void rollout_more(const struct rollouts *all, size_t i, struct traj *t, struct buf *b);

#endif
