/* rl_opts.h - every hyper-parameter of a run of reinforcement learning. */
#ifndef LEARN_RL_OPTS_H
#define LEARN_RL_OPTS_H

#include "learn/adamw.h"
#include "learn/advantage.h"
#include "learn/loss.h"
#include "rollout/rollout.h"
#include "verify/failures.h"

struct rl_opts {
	struct rollout_opts roll; /* sampling, verifier, seed */
	int64_t iter;             /* of RLoop, for the records; -1: none */

	int64_t groups;     /* problems to train on in a step ... */
	int64_t group_size; /* ... and responses to each */
	bool keep_equal; /* train on groups whose rewards are all equal too: no dynamic sampling */
	int64_t rounds;  /* of dynamic sampling, the first included */
	struct failures failures; /* the share that is borne */
	double oversample;        /* problems drawn in a later round, per group that is missing */

	enum advantage advantage;
	int64_t overlong_buffer; /* tokens before max_new where the penalty begins; 0: off */
	double overlong_penalty;

	struct loss_opts loss;
	enum aggregate aggregate;
	int64_t epochs;      /* passes over a step's responses */
	int64_t minibatches; /* updates in a pass */
	int64_t micro_tokens;
	bool recompute; /* see model.h */
	double lr;
	int64_t warmup; /* steps */
	struct adamw_opts adamw;
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
		.iter = 0, .groups = 32, .group_size = 16, .rounds = 10, .oversample = 1.5,       \
		.failures = {.most = FAILURES_MOST}, .advantage = ADV_GRPO, .overlong_buffer = 0, \
		.overlong_penalty = 1,                                                            \
		.loss = {.kind = LOSS_DAPO,                                                       \
			 .clip_low = 0.2,                                                         \
			 .clip_high = 0.28,                                                       \
			 .dual_clip = 10,                                                         \
			 .kl = 0},                                                                \
		.aggregate = AGG_TOKEN_MEAN, .epochs = 1, .minibatches = 4, .micro_tokens = 1024, \
		.lr = 1e-6, .warmup = 10,                                                         \
		.adamw = {.beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .decay = 0.1, .clip = 1},    \
	}

#endif
