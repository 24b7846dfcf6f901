/* rl_opts.h - every hyper-parameter of a run of reinforcement learning. */
#ifndef LEARN_RL_OPTS_H
#define LEARN_RL_OPTS_H

#include "learn/optimizer.h"
#include "learn/advantage.h"
#include "learn/choose.h"
#include "learn/loss.h"
#include "learn/rewards.h"
#include "rollout/rollout.h"
#include "run/options.h"
#include "verify/failures.h"

struct rl_opts {
	struct rollout_opts roll; /* sampling, verifier, seed */
	int64_t iter;             /* of RLoop, for the records; -1: none */

	struct choose_opts choose;
	int64_t groups;     /* problems to train on in a step ... */
	int64_t group_size; /* ... and responses to each */
	bool keep_equal; /* train on groups whose rewards are all equal too: no dynamic sampling */
	int64_t rounds;  /* of dynamic sampling, the first included */
	struct failures failures; /* the share that is borne */
	double oversample;        /* problems drawn in a later round, per group that is missing */

	struct advantage_opts advantage;
	struct rewards rewards;  /* what counts as a response's reward */
	int64_t overlong_buffer; /* tokens before max_new where the penalty begins; 0: off */
	double overlong_penalty;

	bool mask_truncated; /* responses that max_new cut off are not learned from */
	struct loss_opts loss;
	enum aggregate aggregate;
	int64_t epochs;      /* passes over a step's responses */
	int64_t minibatches; /* updates in a pass */
	int64_t micro_tokens;
	bool recompute; /* see model.h */
	double lr;
	int64_t warmup; /* steps */
	struct optimizer_opts optimizer;
};

/* DAPO's (arXiv 2503.14476, with verl's defaults where the paper is silent), but for the sizes of
 * a step. */
#define RL_OPTS_DEFAULT                                                                           \
	{                                                                                         \
		.roll = {.sample = {.temperature = 1,                                             \
				    .top_p = 1,                                                   \
				    .top_k = 0,                                                   \
				    .max_new = 256,                                               \
				    .batch = 32},                                                 \
			 .verify = VERIFY_OPTS_DEFAULT,                                           \
			 .judge = true,                                                           \
			 .seed = 0},                                                              \
		.iter = 0, .choose = {.rule = CHOOSE_ALL, .high = 1, .again = 50, .keep = 1},     \
		.groups = 32, .group_size = 16, .rounds = 10, .oversample = 1.5,                  \
		.failures = {.most = FAILURES_MOST}, .advantage = {.kind = ADV_GRPO, .k = 4},     \
		.overlong_buffer = 0, .overlong_penalty = 1,                                      \
		.loss = {.kind = LOSS_DAPO,                                                       \
			 .clip_low = 0.2,                                                         \
			 .clip_high = 0.28,                                                       \
			 .dual_clip = 10,                                                         \
			 .kl = 0,                                                                 \
			 .rise = 1,                                                               \
			 .fall = 1.05},                                                           \
		.aggregate = AGG_TOKEN_MEAN, .epochs = 1, .minibatches = 4, .micro_tokens = 1024, \
		.lr = 1e-6, .warmup = 10, .optimizer = OPTIMIZER_OPTS_DEFAULT(0.1),               \
	}
/* Rows that rl-explore and rl-update share. o: struct rl_opts, w: struct rl_words */
struct rl_words {
	const char *loss, *aggregate, *rewards;
};
#define RL_WORDS_DEFAULT                   \
	{                                  \
		"dapo", "token-mean", NULL \
	}

#define OPTIONS_ADVANTAGE(o, w)                                                                  \
	{0,                                                                                      \
	 "advantage-k",                                                                          \
	 "N",                                                                                    \
	 OPT_INT,                                                                                \
	 &(o).advantage.k,                                                                       \
	 1,                                                                                      \
	 1e5,                                                                                    \
	 "responses of which the best counts, with pass-at-k"},                                  \
	{                                                                                        \
		0, "rewards", "LIST", OPT_STR, &(w).rewards, 0, 0,                               \
			"NAME=WEIGHT,... of a verifier's several rewards, which count in place " \
			"of "                                                                    \
			"the reward"                                                             \
	}

#define OPTIONS_LOSS(o, w)                                                                          \
	{0,                                                                                         \
	 "overlong-buffer",                                                                         \
	 "N",                                                                                       \
	 OPT_INT,                                                                                   \
	 &(o).overlong_buffer,                                                                      \
	 0,                                                                                         \
	 1e6,                                                                                       \
	 "tokens before --max-new from which length is punished; 0: not at all"},                   \
		{0,                                                                                 \
		 "overlong-penalty",                                                                \
		 "X",                                                                               \
		 OPT_NUM,                                                                           \
		 &(o).overlong_penalty,                                                             \
		 0,                                                                                 \
		 1e6,                                                                               \
		 "taken off the reward at --max-new"},                                              \
		{0,                                                                                 \
		 "mask-truncated",                                                                  \
		 NULL,                                                                              \
		 OPT_FLAG,                                                                          \
		 &(o).mask_truncated,                                                               \
		 0,                                                                                 \
		 0,                                                                                 \
		 "leave responses that --max-new cut off out of the loss"},                         \
		{0, "loss", LOSS_WORDS, OPT_WORD, &(w).loss, 0, 0, "policy-gradient loss"},         \
		{0,                                                                                 \
		 "aggregate",                                                                       \
		 AGGREGATE_WORDS,                                                                   \
		 OPT_WORD,                                                                          \
		 &(w).aggregate,                                                                    \
		 0,                                                                                 \
		 0,                                                                                 \
		 "what the loss is a mean of"},                                                     \
		{0,                                                                                 \
		 "clip-low",                                                                        \
		 "X",                                                                               \
		 OPT_NUM,                                                                           \
		 &(o).loss.clip_low,                                                                \
		 0,                                                                                 \
		 1,                                                                                 \
		 "ratios count down to 1 - X"},                                                     \
		{0,                                                                                 \
		 "clip-high",                                                                       \
		 "X",                                                                               \
		 OPT_NUM,                                                                           \
		 &(o).loss.clip_high,                                                               \
		 0,                                                                                 \
		 1e6,                                                                               \
		 "ratios count up to 1 + X"},                                                       \
		{0,                                                                                 \
		 "dual-clip",                                                                       \
		 "X",                                                                               \
		 OPT_NUM,                                                                           \
		 &(o).loss.dual_clip,                                                               \
		 0,                                                                                 \
		 1e6,                                                                               \
		 "and up to X where the advantage is negative; 0: off"},                            \
		{0,                                                                                 \
		 "sapo-rise",                                                                       \
		 "X",                                                                               \
		 OPT_NUM,                                                                           \
		 &(o).loss.rise,                                                                    \
		 1e-3,                                                                              \
		 1e3,                                                                               \
		 "how fast sapo's gradient fades where the advantage is positive"},                 \
		{0, "sapo-fall", "X", OPT_NUM, &(o).loss.fall, 1e-3, 1e3, "and where it is not"},   \
		{0,                                                                                 \
		 "dppo-bound",                                                                      \
		 "X",                                                                               \
		 OPT_NUM,                                                                           \
		 &(o).loss.bound,                                                                   \
		 0,                                                                                 \
		 1e6,                                                                               \
		 "how far dppo lets a probability go; 0: what is usual"},                           \
		{0,                                                                                 \
		 "kl",                                                                              \
		 "X",                                                                               \
		 OPT_NUM,                                                                           \
		 &(o).loss.kl,                                                                      \
		 0,                                                                                 \
		 1e6,                                                                               \
		 "weight of the KL term to the start policy"},                                      \
		{0,                                                                                 \
		 "entropy-coef",                                                                    \
		 "X",                                                                               \
		 OPT_NUM,                                                                           \
		 &(o).loss.entropy,                                                                 \
		 0,                                                                                 \
		 1e6,                                                                               \
		 "weight of a bonus for entropy"},                                                  \
		{0, "epochs", "N", OPT_INT, &(o).epochs, 1, 1e4, "passes over a step's responses"}, \
		{0,                                                                                 \
		 "minibatches",                                                                     \
		 "N",                                                                               \
		 OPT_INT,                                                                           \
		 &(o).minibatches,                                                                  \
		 1,                                                                                 \
		 1e6,                                                                               \
		 "updates in a pass, of whole groups"},                                             \
		OPTIONS_MEMORY(o)

#define OPTIONS_RATE(o)                                                                              \
	{0, "lr", "X", OPT_NUM, &(o).lr, 0, 10, "learning rate"},                                    \
		{0, "warmup", "N", OPT_INT, &(o).warmup, 0, 1e9, "steps in which it rises to that"}, \
		OPTIONS_OPTIMIZER((o).optimizer)

#endif
